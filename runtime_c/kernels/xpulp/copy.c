/* Strided copies and fills: data movement inside of L1. */
#include "ec_xpulp.h"

/* `count` bytes, a word at a time; neither side need be aligned. */
static void copy_bytes(const uint8_t *x, uint8_t *y, uint32_t count)
{
    uint32_t words = count >> 3;
    if (words > 0) {
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 4)
                         EC_ASM_LW("t0", "4", "%[x]")
                         EC_ASM_LW("t1", "4", "%[x]")
                         EC_ASM_SW("t0", "4", "%[y]")
                         EC_ASM_LAST EC_ASM_SW("t1", "4", "%[y]")
                         EC_ASM_END
                         : [x] "+&r"(x), [y] "+&r"(y)
                         : [n] "r"(words)
                         : "memory", "t0", "t1");
    }
    for (uint32_t i = 0; i < (count & 7); ++i) {
        y[i] = x[i];
    }
}

#define EC_COPY_ELEMENTS(name, type)                                                            \
    static void name(const type *x, uint32_t x_step, type *y, uint32_t y_step, uint32_t count)  \
    {                                                                                           \
        for (; count >= 2; count -= 2) {                                                        \
            const type first = x[0];                                                            \
            const type second = x[x_step];                                                      \
            x += 2 * x_step;                                                                    \
            y[0] = first;                                                                       \
            y[y_step] = second;                                                                 \
            y += 2 * y_step;                                                                    \
        }                                                                                       \
        if (count > 0) {                                                                        \
            *y = *x;                                                                            \
        }                                                                                       \
    }

typedef uint16_t half __attribute__((may_alias));
EC_COPY_ELEMENTS(copy_1, uint8_t)
EC_COPY_ELEMENTS(copy_2, half)
EC_COPY_ELEMENTS(copy_4, ec_word)

/* One run of elements along the innermost axis. */
static void copy_run(const ec_copy_args *a, const void *x, uint32_t x_step, void *y,
                     uint32_t count)
{
    const uint32_t y_step = a->y_stride[4];
    if (x_step == 1 && y_step == 1) {
        copy_bytes(x, y, count * a->element_bytes);
    } else if (a->element_bytes == 1) {
        copy_1(x, x_step, y, y_step, count);
    } else if (a->element_bytes == 2) {
        copy_2(x, x_step, y, y_step, count);
    } else {
        copy_4(x, x_step, y, y_step, count);
    }
}

void ec_copy(const ec_copy_args *args, uint32_t core, uint32_t cores)
{
    const ec_copy_args a = *args;
    const uint32_t bytes = a.element_bytes;
    const ec_share s =
        ec_share_of(a.size[0] * a.size[1] * a.size[2] * a.size[3], a.size[4], core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const size_t from = ec_offset(r, a.size, a.x_stride, 4) + s.column * a.x_stride[4];
        const size_t to = ec_offset(r, a.size, a.y_stride, 4) + s.column * a.y_stride[4];
        uint8_t *y = (uint8_t *)a.y + to * bytes;
        if (a.x == NULL) { /* low bytes first: little endian */
            copy_run(&a, &a.fill, 0, y, s.column_end - s.column);
        } else {
            const uint8_t *x = (const uint8_t *)a.x + from * bytes;
            copy_run(&a, x, a.x_stride[4], y, s.column_end - s.column);
        }
    }
}
