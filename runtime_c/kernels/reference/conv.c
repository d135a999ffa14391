/* Convolution of an image tile, channels last: edgecomp/ops/q_conv.py. */
#include "window.h"

typedef struct {
    ec_window rows, columns;
} position;

static int32_t sum_weights(const int8_t *w, uint32_t count)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < count; ++i) {
        sum += w[i];
    }
    return sum;
}

/* One row of taps: products inside of the image, zero_x times the weights outside. */
static int32_t row_sum(const ec_conv_args *a, const ec_window *at, const int8_t *x, const int8_t *w,
                       uint32_t depth)
{
    const uint32_t inside = at->end - at->tap;
    int32_t acc = 0;
    if (at->tap > 0 || at->end < a->kernel_w) {
        acc = a->zero_x * (sum_weights(w, at->tap * depth) +
                           sum_weights(w + (size_t)at->end * depth,
                                       (a->kernel_w - at->end) * depth));
    }
    if (inside == 0) {
        return acc;
    }
    const size_t step = (size_t)a->dilation_w * a->x_pixel_stride;
    x += ((size_t)at->start + at->tap * (size_t)a->dilation_w) * a->x_pixel_stride;
    w += (size_t)at->tap * depth;
    if (step == depth) { /* neighbouring taps are neighbours in memory */
        return acc + ec_dot(x, w, inside * depth);
    }
    for (uint32_t t = 0; t < inside; ++t) {
        acc += ec_dot(x + t * step, w + (size_t)t * depth, depth);
    }
    return acc;
}

static int32_t window_sum(const ec_conv_args *a, const position *at, uint32_t channel)
{
    const uint32_t depth = a->channels / a->groups;
    const uint32_t group = channel / (a->out_channels / a->groups);
    const uint32_t row_weights = a->kernel_w * depth;
    const int8_t *w = a->w + (size_t)channel * a->kernel_h * row_weights;
    int32_t acc = 0;
    for (uint32_t t = 0; t < a->kernel_h; ++t, w += row_weights) {
        if (t < at->rows.tap || t >= at->rows.end) {
            acc += a->zero_x * sum_weights(w, row_weights);
        } else {
            int32_t row = at->rows.start + (int32_t)(t * a->dilation_h);
            const int8_t *x = a->x + (size_t)row * a->x_row_stride + (size_t)group * depth;
            acc += row_sum(a, &at->columns, x, w, depth);
        }
    }
    return acc;
}

void ec_conv(const ec_conv_args *args, uint32_t core, uint32_t cores)
{
    const ec_conv_args a = *args;
    const ec_share s = ec_share_of(a.out_height * a.out_width, a.out_channels, core, cores);
    for (uint32_t pixel = s.row; pixel < s.row_end; ++pixel) {
        const uint32_t oy = pixel / a.out_width;
        const uint32_t ox = pixel % a.out_width;
        const position at = {
            ec_window_at(oy, a.stride_h, a.pad_top, a.kernel_h, a.dilation_h, a.height),
            ec_window_at(ox, a.stride_w, a.pad_left, a.kernel_w, a.dilation_w, a.width)};
        const size_t y = (size_t)oy * a.y_row_stride + (size_t)ox * a.y_pixel_stride;
        for (uint32_t o = s.column; o < s.column_end; ++o) {
            int32_t acc = window_sum(&a, &at, o);
            int32_t value = ec_rescale(acc, a.multiplier[o], a.bias[o], a.shift);
            ec_finish(a.y, y + o, a.y_type, value, a.table, NULL);
        }
    }
}
