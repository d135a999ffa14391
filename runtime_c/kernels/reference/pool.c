/* Maximum or sum over windows of an image tile, channels last: edgecomp/ops/q_pool.py. */
#include "window.h"

static int32_t window_value(const ec_pool_args *a, const ec_window *rows, const ec_window *columns,
                            uint32_t channel)
{
    const int8_t *x = a->x + channel;
    const uint32_t inside = (rows->end - rows->tap) * (columns->end - columns->tap);
    const int32_t outside = (int32_t)(a->kernel_h * a->kernel_w - inside);
    int32_t total = a->reduction == EC_MAX ? INT8_MIN : outside * a->zero_x;
    for (uint32_t ty = rows->tap; ty < rows->end; ++ty) {
        const int8_t *line = x + (size_t)(rows->start + (int32_t)ty) * a->x_row_stride;
        for (uint32_t tx = columns->tap; tx < columns->end; ++tx) {
            int32_t value = line[(size_t)(columns->start + (int32_t)tx) * a->x_pixel_stride];
            if (a->reduction == EC_SUM) {
                total += value;
            } else if (value > total) {
                total = value;
            }
        }
    }
    return total;
}

void ec_pool(const ec_pool_args *args, uint32_t core, uint32_t cores)
{
    const ec_pool_args a = *args;
    const ec_share s = ec_share_of(a.out_height * a.out_width, a.channels, core, cores);
    for (uint32_t pixel = s.row; pixel < s.row_end; ++pixel) {
        const uint32_t oy = pixel / a.out_width;
        const uint32_t ox = pixel % a.out_width;
        const ec_window rows = ec_window_at(oy, a.stride_h, a.pad_top, a.kernel_h, 1, a.height);
        const ec_window columns =
            ec_window_at(ox, a.stride_w, a.pad_left, a.kernel_w, 1, a.width);
        const size_t y = (size_t)oy * a.y_row_stride + (size_t)ox * a.y_pixel_stride;
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            int32_t total =
                ec_round_shift(window_value(&a, &rows, &columns, c), a.pre_shift);
            int32_t value = ec_rescale(total, a.multiplier, a.bias, a.shift);
            ec_store(a.y, y + c, a.y_type, value);
        }
    }
}
