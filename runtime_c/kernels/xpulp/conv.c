/*
 * Convolution of an image tile, channels last: edgecomp/ops/q_conv.py.
 *
 * Taps that are neighbours in memory are one long run; a run is multiplied with the weights of four
 * output channels at a time.
 */
#include "window.h"

/* sums[i] += x . w[i * stride ...], i < 4 */
EC_INLINE void add_products(const int8_t *x, const int8_t *w, uint32_t stride, uint32_t depth,
                            int32_t *sums)
{
    const int8_t *w0 = w, *w1 = w0 + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    const uint32_t rest = depth & 3;
    if (depth >= 4) {
        int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 9)
                         EC_ASM_LW("t0", "4", "%[x]") EC_ASM_LW("t1", "4", "%[w0]")
                         EC_ASM_LW("t2", "4", "%[w1]") EC_ASM_LW("t3", "4", "%[w2]")
                         EC_ASM_SDOTSP_B("%[s0]", "t0", "t1") EC_ASM_LW("t1", "4", "%[w3]")
                         EC_ASM_SDOTSP_B("%[s1]", "t0", "t2") EC_ASM_SDOTSP_B("%[s2]", "t0", "t3")
                         EC_ASM_LAST EC_ASM_SDOTSP_B("%[s3]", "t0", "t1")
                         EC_ASM_END
                         : [x] "+&r"(x), [w0] "+&r"(w0), [w1] "+&r"(w1), [w2] "+&r"(w2),
                           [w3] "+&r"(w3), [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2),
                           [s3] "+&r"(s3)
                         : [n] "r"(depth >> 2)
                         : "memory", "t0", "t1", "t2", "t3");
        sums[0] = s0;
        sums[1] = s1;
        sums[2] = s2;
        sums[3] = s3;
        if (rest > 0) { /* the last word, without what is in the sums already */
            const uint32_t back = 4 - rest;
            const ec_word last = *(const ec_word *)(x - back) & (UINT32_MAX << (8 * back));
            sums[0] = (int32_t)ec_sdotsp_b((uint32_t)sums[0], last, *(const ec_word *)(w0 - back));
            sums[1] = (int32_t)ec_sdotsp_b((uint32_t)sums[1], last, *(const ec_word *)(w1 - back));
            sums[2] = (int32_t)ec_sdotsp_b((uint32_t)sums[2], last, *(const ec_word *)(w2 - back));
            sums[3] = (int32_t)ec_sdotsp_b((uint32_t)sums[3], last, *(const ec_word *)(w3 - back));
        }
        return;
    }
    for (uint32_t d = 0; d < rest; ++d) {
        sums[0] += x[d] * w0[d];
        sums[1] += x[d] * w1[d];
        sums[2] += x[d] * w2[d];
        sums[3] += x[d] * w3[d];
    }
}

/* The same for `count` < 4 sums. */
static __attribute__((noinline)) void add_some_products(const int8_t *x, const int8_t *w, uint32_t stride, uint32_t depth,
                              int32_t *sums, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        for (uint32_t d = 0; d < depth; ++d) {
            sums[i] += x[d] * w[i * stride + d];
        }
    }
}

/* The sum of `count` weights. */
static int32_t sum_of(const int8_t *w, uint32_t count)
{
    int32_t sum = 0;
    if (count >= 4) {
        __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", 2)
                         EC_ASM_LW("t0", "4", "%[w]")
                         EC_ASM_LAST EC_ASM_SDOTSP_B("%[sum]", "t0", "%[ones]") EC_ASM_END
                         : [w] "+&r"(w), [sum] "+&r"(sum)
                         : [n] "r"(count >> 2), [ones] "r"(0x01010101)
                         : "memory", "t0");
    }
    for (count &= 3; count > 0; --count) {
        sum += *w++;
    }
    return sum;
}

/* sums[i] += zero_x times the weights of `depth` elements outside of the image. */
static __attribute__((noinline)) void add_outside(const ec_conv_args *a, const int8_t *w,
                                                  uint32_t stride, uint32_t depth, int32_t *sums,
                                                  uint32_t count)
{
    if (a->zero_x == 0 || depth == 0) {
        return;
    }
    for (uint32_t i = 0; i < count; ++i, w += stride) {
        sums[i] += a->zero_x * sum_of(w, depth);
    }
}

static void add_run(const int8_t *x, const int8_t *w, uint32_t stride, uint32_t depth,
                    int32_t *sums, uint32_t count)
{
    if (count == 4) {
        add_products(x, w, stride, depth, sums);
    } else {
        add_some_products(x, w, stride, depth, sums, count);
    }
}

/* One row of taps at x, for `count` output channels whose weights are `stride` apart. */
static void add_taps(const ec_conv_args *a, const ec_window *at, const int8_t *x, const int8_t *w,
                     uint32_t stride, int32_t *sums, uint32_t count)
{
    const uint32_t depth = a->groups == 1 ? a->channels : a->channels / a->groups;
    const uint32_t inside = at->end - at->tap;
    const uint32_t step = a->dilation_w * a->x_pixel_stride;
    if (inside < a->kernel_w) {
        add_outside(a, w, stride, at->tap * depth, sums, count);
        add_outside(a, w + (size_t)at->end * depth, stride, (a->kernel_w - at->end) * depth, sums,
                    count);
    }
    x += (at->start + (int32_t)(at->tap * a->dilation_w)) * (int32_t)a->x_pixel_stride;
    w += (size_t)at->tap * depth;
    if (step == depth) {
        add_run(x, w, stride, inside * depth, sums, count);
        return;
    }
    for (uint32_t t = 0; t < inside; ++t) {
        add_run(x + (size_t)t * step, w + (size_t)t * depth, stride, depth, sums, count);
    }
}

/* `count` output channels from `channel` on, all of one group, of one pixel at y. */
static __attribute__((noinline)) void outputs(const ec_conv_args *a, const ec_window *rows, const ec_window *columns, size_t y,
                    uint32_t channel, uint32_t count)
{
    const uint32_t depth = a->groups == 1 ? a->channels : a->channels / a->groups;
    const uint32_t group = a->groups == 1 ? 0 : channel / (a->out_channels / a->groups);
    const uint32_t row_weights = a->kernel_w * depth;
    const uint32_t stride = a->kernel_h * row_weights;
    const int8_t *w = a->w + (size_t)channel * stride;
    int32_t sums[4] = {0, 0, 0, 0};
    for (uint32_t t = 0; t < a->kernel_h; ++t, w += row_weights) {
        if (t < rows->tap || t >= rows->end) {
            add_outside(a, w, stride, row_weights, sums, count);
        } else {
            const uint32_t row = (uint32_t)(rows->start + (int32_t)(t * a->dilation_h));
            const int8_t *x = a->x + (size_t)row * a->x_row_stride + (size_t)group * depth;
            add_taps(a, columns, x, w, stride, sums, count);
        }
    }
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t o = channel + i;
        const int32_t value = ec_rescale(sums[i], a->multiplier[o], a->bias[o], a->shift);
        ec_finish(a->y, y + o, a->y_type, value, a->table, NULL);
    }
}

/* Where the runs of a window lie: `length` elements at x, `row` from tap to tap down, in `whole`. */
typedef struct {
    const int8_t *x;
    uint32_t row, first, length, whole, top, bottom;
} runs;

/* Four output channels of a pixel whose taps are neighbours in memory. */
EC_INLINE void four_outputs(const ec_conv_args *a, const runs *at, size_t y, uint32_t o)
{
    const uint32_t stride = a->kernel_h * at->whole;
    const int8_t *w = a->w + (size_t)o * stride;
    const int8_t *x = at->x;
    int32_t sums[4] = {0, 0, 0, 0};
    int32_t outside[4] = {0, 0, 0, 0};
    if (at->top > 0) {
        add_outside(a, w, stride, at->top * at->whole, outside, 4);
    }
    for (uint32_t t = at->top; t < at->bottom; ++t, x += at->row) {
        const int8_t *taps = w + t * at->whole;
        if (at->length < at->whole) {
            const uint32_t end = at->first + at->length;
            add_outside(a, taps, stride, at->first, outside, 4);
            add_outside(a, taps + end, stride, at->whole - end, outside, 4);
        }
        add_products(x, taps + at->first, stride, at->length, sums);
    }
    if (at->bottom < a->kernel_h) {
        add_outside(a, w + at->bottom * at->whole, stride,
                    (a->kernel_h - at->bottom) * at->whole, outside, 4);
    }
    sums[0] += outside[0];
    sums[1] += outside[1];
    sums[2] += outside[2];
    sums[3] += outside[3];
    const int32_t *multiplier = a->multiplier + o, *bias = a->bias + o;
    sums[0] = ec_rescale(sums[0], multiplier[0], bias[0], a->shift);
    sums[1] = ec_rescale(sums[1], multiplier[1], bias[1], a->shift);
    sums[2] = ec_rescale(sums[2], multiplier[2], bias[2], a->shift);
    sums[3] = ec_rescale(sums[3], multiplier[3], bias[3], a->shift);
    if (a->table == NULL && a->y_type == EC_I8) {
        *(ec_word *)((int8_t *)a->y + y + o) =
            ec_bytes((uint32_t)ec_clip_i8(sums[0]), (uint32_t)ec_clip_i8(sums[1]),
                     (uint32_t)ec_clip_i8(sums[2]), (uint32_t)ec_clip_i8(sums[3]));
        return;
    }
    ec_finish(a->y, y + o, a->y_type, sums[0], a->table, NULL);
    ec_finish(a->y, y + o + 1, a->y_type, sums[1], a->table, NULL);
    ec_finish(a->y, y + o + 2, a->y_type, sums[2], a->table, NULL);
    ec_finish(a->y, y + o + 3, a->y_type, sums[3], a->table, NULL);
}

/* The products of `count` taps of one channel each. */
static int32_t sum_of_taps(const int8_t *x, uint32_t step, const int8_t *w, uint32_t count)
{
    int32_t sum = 0;
    for (; count > 1; count -= 2, w += 2) {
        const int32_t first = x[0], second = x[step];
        x += 2 * step;
        sum += first * w[0];
        sum += second * w[1];
    }
    return count > 0 ? sum + x[0] * w[0] : sum;
}

/* One output of a group of few; x and w: the group's first channel, the output's first tap. */
static int32_t sum_of_window(const ec_conv_args *a, const ec_window *rows, const ec_window *columns,
                             const int8_t *x, const int8_t *w, uint32_t depth)
{
    const uint32_t step = a->dilation_w * a->x_pixel_stride;
    const uint32_t inside = columns->end - columns->tap;
    int32_t total = 0, outside = 0;
    x += (columns->start + (int32_t)(columns->tap * a->dilation_w)) * (int32_t)a->x_pixel_stride;
    for (uint32_t t = 0; t < a->kernel_h; ++t) {
        if (t < rows->tap || t >= rows->end) {
            outside += sum_of(w, a->kernel_w * depth);
            w += a->kernel_w * depth;
            continue;
        }
        const uint32_t row = (uint32_t)(rows->start + (int32_t)(t * a->dilation_h));
        const int8_t *from = x + (size_t)row * a->x_row_stride;
        if (inside < a->kernel_w) {
            outside += sum_of(w, columns->tap * depth);
            outside += sum_of(w + columns->end * depth, (a->kernel_w - columns->end) * depth);
        }
        w += columns->tap * depth;
        if (depth == 1) {
            total += sum_of_taps(from, step, w, inside);
            w += inside;
        } else {
            for (uint32_t n = inside; n > 0; --n, from += step) {
                for (uint32_t d = 0; d < depth; ++d) {
                    total += from[d] * *w++;
                }
            }
        }
        w += (a->kernel_w - columns->end) * depth;
    }
    return total + a->zero_x * outside;
}

/* The output channels [o, end) of a pixel where a group has less than four of them. */
static __attribute__((noinline)) void small_groups(const ec_conv_args *a, const ec_window *rows,
                                                   const ec_window *columns, size_t y, uint32_t o,
                                                   uint32_t end)
{
    const uint32_t depth = a->channels / a->groups;
    const uint32_t together = a->out_channels / a->groups;
    const uint32_t weights = a->kernel_h * a->kernel_w * depth;
    uint32_t member = o % together;
    const int8_t *x = a->x + (size_t)(o / together) * depth;
    const int8_t *w = a->w + (size_t)o * weights;
    for (; o < end; ++o, w += weights) {
        const int32_t sum = sum_of_window(a, rows, columns, x, w, depth);
        const int32_t value = ec_rescale(sum, a->multiplier[o], a->bias[o], a->shift);
        ec_finish(a->y, y + o, a->y_type, value, a->table, NULL);
        if (++member == together) {
            member = 0;
            x += depth;
        }
    }
}

/* The output channels [o, end) of one group; the last four may overlap with those before. */
static void channels(const ec_conv_args *a, const ec_window *rows, const ec_window *columns, size_t y,
                     uint32_t o, uint32_t end)
{
    if (end - o < 4) {
        outputs(a, rows, columns, y, o, end - o);
    } else if (a->groups == 1 && a->dilation_w * a->x_pixel_stride == a->channels) {
        const int32_t row = rows->start + (int32_t)(rows->tap * a->dilation_h);
        const int32_t column = columns->start + (int32_t)columns->tap;
        const runs at = {a->x + row * (int32_t)a->x_row_stride + column * (int32_t)a->x_pixel_stride,
                         a->dilation_h * a->x_row_stride,
                         columns->tap * a->channels,
                         (columns->end - columns->tap) * a->channels,
                         a->kernel_w * a->channels,
                         rows->tap,
                         rows->end};
        for (; o < end; o += 4) {
            o = o + 4 < end ? o : end - 4;
            four_outputs(a, &at, y, o);
        }
    } else {
        for (; o < end; o += 4) {
            o = o + 4 < end ? o : end - 4;
            outputs(a, rows, columns, y, o, 4);
        }
    }
}

void ec_conv(const ec_conv_args *args, uint32_t core, uint32_t cores)
{
    const ec_conv_args a = *args;
    const ec_share s = ec_share_of(a.out_height * a.out_width, a.out_channels, core, cores);
    const uint32_t together = a.groups == 1 ? a.out_channels : a.out_channels / a.groups;
    for (uint32_t pixel = s.row; pixel < s.row_end; ++pixel) {
        const uint32_t oy = pixel / a.out_width;
        const uint32_t ox = pixel - oy * a.out_width;
        const ec_window rows =
            ec_window_at(oy, a.stride_h, a.pad_top, a.kernel_h, a.dilation_h, a.height);
        const ec_window columns =
            ec_window_at(ox, a.stride_w, a.pad_left, a.kernel_w, a.dilation_w, a.width);
        const size_t y = (size_t)oy * a.y_row_stride + (size_t)ox * a.y_pixel_stride;
        if (together < 4 && a.groups > 1) {
            small_groups(&a, &rows, &columns, y, s.column, s.column_end);
            continue;
        }
        uint32_t end; /* of the channels in o's group */
        for (uint32_t o = s.column; o < s.column_end; o = end) {
            end = a.groups == 1 ? a.out_channels : o - o % together + together;
            end = end < s.column_end ? end : s.column_end;
            channels(&a, &rows, &columns, y, o, end);
        }
    }
}
