/* Positions of a window in one axis of a padded image, for convolution and pooling. */
#ifndef EDGECOMP_WINDOW_H
#define EDGECOMP_WINDOW_H

#include "reference.h"

/* Taps [tap, end) lie inside of the image; tap t is at start + t * dilation. */
typedef struct {
    int32_t start;
    uint32_t tap, end;
} ec_window;

static inline ec_window ec_window_at(uint32_t out, uint32_t stride, uint32_t pad, uint32_t kernel,
                                     uint32_t dilation, uint32_t size)
{
    ec_window window = {(int32_t)(out * stride) - (int32_t)pad, 0, kernel};
    while (window.tap < kernel && window.start + (int32_t)(window.tap * dilation) < 0) {
        ++window.tap;
    }
    while (window.end > window.tap &&
           window.start + (int32_t)((window.end - 1) * dilation) >= (int32_t)size) {
        --window.end;
    }
    return window;
}

#endif
