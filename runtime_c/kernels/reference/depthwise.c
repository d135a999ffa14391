/* Convolution of one channel each, from planes: edgecomp/ops/q_conv.py. */
#include "reference.h"

void ec_depthwise(const ec_depthwise_args *args, uint32_t core, uint32_t cores)
{
    const ec_depthwise_args a = *args;
    const uint32_t lines = a.out_channels * a.out_height;
    const uint32_t end = ec_share_start(lines, core + 1, cores);
    for (uint32_t line = ec_share_start(lines, core, cores); line < end; ++line) {
        const uint32_t o = line / a.out_height;
        const uint32_t oy = line % a.out_height;
        const int8_t *x = a.x + (size_t)(o / a.multiple) * a.x_plane_stride +
                          (size_t)oy * a.stride_h * a.x_row_stride;
        for (uint32_t ox = 0; ox < a.out_width; ++ox) {
            const int8_t *w = a.w + ((size_t)o * a.kernel_h * a.words * 4 + ox % 4) * 4;
            int32_t acc = 0;
            for (uint32_t ky = 0; ky < a.kernel_h; ++ky) {
                const int8_t *row = x + (size_t)ky * a.dilation_h * a.x_row_stride +
                                    (size_t)(ox / 4 * 4) * a.stride_w;
                for (uint32_t i = 0; i < a.words; ++i, w += 16) {
                    acc += ec_dot(row + 4 * i, w, 4);
                }
            }
            const int32_t value = ec_rescale(acc, a.multiplier[o], a.bias[o], a.shift);
            ec_finish(a.y, (size_t)oy * a.y_row_stride + (size_t)ox * a.y_pixel_stride + o,
                      a.y_type, value, a.table, NULL);
        }
    }
}
