/* The channels of an image one behind the other, padded: edgecomp/ops/q_conv.py. */
#include "transpose.h"

/* The part of the image that the planes hold. */
typedef struct {
    uint32_t rows, columns;
} inside;

static uint32_t held(uint32_t size, uint32_t pad, uint32_t most)
{
    const uint32_t room = pad < most ? most - pad : 0;
    return size < room ? size : room;
}

/* Words [first, end) of `channels` rows; y and y_step are multiples of four bytes. */
static void fill(int8_t *y, uint32_t y_step, uint32_t channels, uint32_t first, uint32_t end,
                 uint32_t word)
{
    for (; channels > 0; --channels, y += y_step) {
        ec_word *at = (ec_word *)y + first;
        for (uint32_t count = end - first; count > 0; --count) {
            *at++ = word;
        }
    }
}

static void single(const int8_t *x, uint32_t x_step, int8_t *y, uint32_t y_step, uint32_t pixels,
                   uint32_t channels)
{
    for (uint32_t c = 0; c < channels; ++c) {
        for (uint32_t i = 0; i < pixels; ++i) {
            y[(size_t)c * y_step + i] = x[(size_t)i * x_step + c];
        }
    }
}

/* Blocks [first, end) of four pixels of four channels; one that reaches over is moved back. */
EC_INLINE void blocks(const int8_t *x, uint32_t x_step, int8_t *y, uint32_t y_step, uint32_t first,
                      uint32_t end, uint32_t pixels)
{
    const uint32_t whole = pixels >> 2;
    const uint32_t straight = end < whole ? end : whole;
    if (straight > first) {
        ec_transpose(x + (size_t)(4 * first) * x_step, x_step, y + 4 * first, y_step,
                     straight - first);
    }
    if (end > whole) {
        ec_transpose(x + (size_t)(pixels - 4) * x_step, x_step, y + pixels - 4, y_step, 1);
    }
}

/*
 * Units of work: rows of four channels, in parts where those are few. Words that hold padding are
 * filled first, and what of them is the image's is written over by the same core.
 */
void ec_depthwise_planes(const ec_depthwise_planes_args *args, uint32_t core, uint32_t cores)
{
    const ec_depthwise_planes_args p = *args;
    const inside in = {held(p.height, p.pad_top, p.rows), held(p.width, p.pad_left, p.columns)};
    const uint32_t zeros = 0x01010101u * (uint8_t)p.zero_x;
    const uint32_t fours = (p.channels + 3) >> 2;
    const uint32_t across = (in.columns + 3) >> 2;
    const uint32_t units = p.rows * fours;
    uint32_t parts = units >= cores || across == 0 ? 1 : (cores + units - 1) / units;
    parts = parts > across && across > 0 ? across : parts;
    const int small = p.channels < 4 || in.columns < 4;
    parts = small ? 1 : parts;
    const uint32_t share = ec_share_start(units * parts, core, cores);
    uint32_t count = ec_share_start(units * parts, core + 1, cores) - share;
    if (count == 0) {
        return;
    }
    uint32_t part = share % parts;
    uint32_t four = share / parts / p.rows;
    uint32_t row = share / parts - four * p.rows;
    for (; count > 0; --count) {
        const uint32_t c = 4 * four + 4 <= p.channels || small ? 4 * four : p.channels - 4;
        const uint32_t channels = p.channels - c < 4 ? p.channels - c : 4;
        int8_t *y = p.y + (size_t)c * p.y_plane_stride + (size_t)row * p.columns;
        const uint32_t image_row = row - p.pad_top; /* large above of the image */
        if (image_row >= in.rows || in.columns == 0) {
            if (part == 0) {
                fill(y, p.y_plane_stride, channels, 0, p.columns >> 2, zeros);
            }
        } else {
            const int8_t *x = p.x + (size_t)image_row * p.x_row_stride + c;
            if (part == 0 && p.pad_left > 0) {
                fill(y, p.y_plane_stride, channels, 0, (p.pad_left + 3) >> 2, zeros);
            }
            if (part + 1 == parts && p.pad_left + in.columns < p.columns) {
                fill(y, p.y_plane_stride, channels, (p.pad_left + in.columns) >> 2, p.columns >> 2,
                     zeros);
            }
            if (small) {
                single(x, p.x_pixel_stride, y + p.pad_left, p.y_plane_stride, in.columns, channels);
            } else {
                const uint32_t first = parts == 1 ? 0 : ec_share_start(across, part, parts);
                const uint32_t end = parts == 1 ? across : ec_share_start(across, part + 1, parts);
                blocks(x, p.x_pixel_stride, y + p.pad_left, p.y_plane_stride, first, end,
                       in.columns);
            }
        }
        if (++part == parts) {
            part = 0;
            if (++row == p.rows) {
                row = 0;
                ++four;
            }
        }
    }
}
