/* The windows of an image as rows of a matrix: edgecomp/ops/q_conv.py. */
#include "window.h"

void ec_conv_rows(const ec_conv_rows_args *args, uint32_t core, uint32_t cores)
{
    const ec_conv_rows_args p = *args;
    const uint32_t pixels = p.out_height * p.out_width;
    const uint32_t end = ec_share_start(pixels, core + 1, cores);
    for (uint32_t pixel = ec_share_start(pixels, core, cores); pixel < end; ++pixel) {
        const ec_window rows = ec_window_at(pixel / p.out_width, p.stride_h, p.pad_top, p.kernel_h,
                                            p.dilation_h, p.height);
        const ec_window columns = ec_window_at(pixel % p.out_width, p.stride_w, p.pad_left,
                                               p.kernel_w, p.dilation_w, p.width);
        int8_t *y = p.y + (size_t)pixel * p.y_stride;
        int8_t *const behind = y + p.y_stride;
        for (uint32_t ky = 0; ky < p.kernel_h; ++ky) {
            const int above = ky < rows.tap || ky >= rows.end;
            for (uint32_t kx = 0; kx < p.kernel_w; ++kx) {
                const int outside = above || kx < columns.tap || kx >= columns.end;
                const int32_t row = rows.start + (int32_t)(ky * p.dilation_h);
                const int32_t column = columns.start + (int32_t)(kx * p.dilation_w);
                for (uint32_t i = 0; i < p.channels; ++i) {
                    *y++ = outside ? (int8_t)p.zero_x
                                   : p.x[(size_t)row * p.x_row_stride +
                                         (size_t)column * p.x_pixel_stride + i];
                }
            }
        }
        while (y < behind) {
            *y++ = 0;
        }
    }
}
