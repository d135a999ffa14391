/* The channels of an image one behind the other, padded: edgecomp/ops/q_conv.py. */
#include "reference.h"

void ec_depthwise_planes(const ec_depthwise_planes_args *args, uint32_t core, uint32_t cores)
{
    const ec_depthwise_planes_args p = *args;
    const uint32_t lines = p.channels * p.rows;
    const uint32_t end = ec_share_start(lines, core + 1, cores);
    for (uint32_t line = ec_share_start(lines, core, cores); line < end; ++line) {
        const uint32_t c = line / p.rows;
        const uint32_t r = line % p.rows;
        const int inside = r >= p.pad_top && r - p.pad_top < p.height;
        int8_t *y = p.y + (size_t)c * p.y_plane_stride + (size_t)r * p.columns;
        for (uint32_t i = 0; i < p.columns; ++i) {
            int8_t value = (int8_t)p.zero_x;
            if (inside && i >= p.pad_left && i - p.pad_left < p.width) {
                value = p.x[(size_t)(r - p.pad_top) * p.x_row_stride +
                            (size_t)(i - p.pad_left) * p.x_pixel_stride + c];
            }
            y[i] = value;
        }
    }
}
