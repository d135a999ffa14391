/* The windows of an image as rows of a matrix: edgecomp/ops/q_conv.py. */
#include "window.h"

/* The last word is moved back where `count` is no multiple of four. */
EC_INLINE int8_t *copy(const int8_t *x, int8_t *y, uint32_t count)
{
    int8_t *const end = y + count;
    if (count < 4) {
        for (; count > 0; --count) {
            *y++ = *x++;
        }
        return end;
    }
    const int8_t *const x_end = x + count;
    __asm__ volatile(EC_ASM_BEGIN
                     "beqz %[pairs],61f\n"
                     EC_ASM_LOOP("x0", "%[pairs]", 4)
                     EC_ASM_LW("t0", "4", "%[x]") EC_ASM_LW("t1", "4", "%[x]")
                     EC_ASM_SW("t0", "4", "%[y]")
                     EC_ASM_LAST EC_ASM_SW("t1", "4", "%[y]")
                     "61:\n"
                     EC_ASM_END
                     : [x] "+&r"(x), [y] "+&r"(y)
                     : [pairs] "r"(count >> 3)
                     : "memory", "t0", "t1");
    if (count & 4) {
        *(ec_word *)y = *(const ec_word *)x;
    }
    if (count & 3) {
        *(ec_word *)(end - 4) = *(const ec_word *)(x_end - 4);
    }
    return end;
}

EC_INLINE int8_t *fill(int8_t *y, uint32_t count, ec_word word)
{
    for (; count >= 4; count -= 4, y += 4) {
        *(ec_word *)y = word;
    }
    for (; count > 0; --count) {
        *y++ = (int8_t)word;
    }
    return y;
}

void ec_conv_rows(const ec_conv_rows_args *args, uint32_t core, uint32_t cores)
{
    const ec_conv_rows_args p = *args;
    const uint32_t pixels = p.out_height * p.out_width;
    const uint32_t start = ec_share_start(pixels, core, cores);
    uint32_t count = ec_share_start(pixels, core + 1, cores) - start;
    if (count == 0) {
        return;
    }
    const ec_word zeros = 0x01010101u * (uint8_t)p.zero_x;
    const uint32_t row = p.kernel_w * p.channels;
    const uint32_t step = p.dilation_w * p.x_pixel_stride;
    const int32_t down = (int32_t)(p.dilation_h * p.x_row_stride);
    const int ends_within = (p.y_stride & ~3u) != p.kernel_h * row;
    uint32_t oy = start / p.out_width, ox = start - oy * p.out_width;
    int8_t *y = p.y + (size_t)start * p.y_stride;
    ec_window rows = ec_window_at(oy, p.stride_h, p.pad_top, p.kernel_h, p.dilation_h, p.height);
    for (; count > 0; --count) {
        const ec_window columns =
            ec_window_at(ox, p.stride_w, p.pad_left, p.kernel_w, p.dilation_w, p.width);
        const uint32_t inside = columns.end - columns.tap;
        const uint32_t before = columns.tap * p.channels;
        const uint32_t behind = (p.kernel_w - columns.end) * p.channels;
        const int8_t *x = p.x + rows.start * (int32_t)p.x_row_stride +
                          (columns.start + (int32_t)(columns.tap * p.dilation_w)) *
                              (int32_t)p.x_pixel_stride;
        int8_t *to = y;
        y += p.y_stride;
        if (ends_within) {
            *(ec_word *)(y - 4) = 0;
        }
        for (uint32_t t = 0; t < p.kernel_h; ++t, x += down) {
            if (t < rows.tap || t >= rows.end) {
                to = fill(to, row, zeros);
                continue;
            }
            to = fill(to, before, zeros);
            if (step == p.channels) {
                to = copy(x, to, inside * p.channels);
            } else {
                const int8_t *tap = x;
                for (uint32_t n = inside; n > 0; --n, tap += step) {
                    to = copy(tap, to, p.channels);
                }
            }
            to = fill(to, behind, zeros);
        }
        if (++ox == p.out_width) {
            ox = 0;
            ++oy;
            rows = ec_window_at(oy, p.stride_h, p.pad_top, p.kernel_h, p.dilation_h, p.height);
        }
    }
}
