/* Positions of a window in one axis of a padded image. */
#ifndef EDGECOMP_XPULP_WINDOW_H
#define EDGECOMP_XPULP_WINDOW_H

#include "ec_xpulp.h"

/* Taps [tap, end) lie inside of the image, at start + tap * dilation. */
typedef struct {
    int32_t start;
    uint32_t tap, end;
} ec_window;

EC_INLINE ec_window ec_window_at(uint32_t out, uint32_t stride, uint32_t pad, uint32_t kernel,
                                 uint32_t dilation, uint32_t size)
{
    ec_window at = {(int32_t)(out * stride) - (int32_t)pad, 0, kernel};
    if (at.start >= 0 && (uint32_t)at.start + (kernel - 1) * dilation < size) {
        return at;
    }
    while (at.tap < kernel && at.start + (int32_t)(at.tap * dilation) < 0) {
        ++at.tap;
    }
    while (at.end > at.tap && at.start + (int32_t)((at.end - 1) * dilation) >= (int32_t)size) {
        --at.end;
    }
    return at;
}

#endif
