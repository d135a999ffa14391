/*
 * Roots of sums of squares over axes, and functions of them: edgecomp/ops/q_norm.py.
 *
 * Neighbours along the innermost kept axis follow each other without a division.
 */
#include "ec_xpulp.h"

/* floor(sqrt(value)), one bit of the root at a time, from the highest one that it can have. */
EC_INLINE uint32_t root_of(uint32_t value)
{
    if (value == 0) {
        return 0;
    }
    uint32_t root = 0;
    uint32_t bit = 1U << (ec_highest_bit(value) & ~1U);
    do {
        const uint32_t rest = value - root - bit;
        root >>= 1;
        if (rest <= value) { /* it did not wrap */
            value = rest;
            root += bit;
        }
        bit >>= 2;
    } while (bit != 0);
    return root;
}

/* Which entry of the table is for `root`: 32 entries an octave. */
EC_INLINE uint32_t entry_of(uint32_t root)
{
    if (root < 64) {
        return root;
    }
    const uint32_t exponent = ec_highest_bit(root) - 5;
    return (exponent << 5) + (root >> exponent);
}

#define EC_SQUARES_OF_RUN(name, type)                                                            \
    EC_INLINE uint32_t name(const type *x, uint32_t step, uint32_t count, int32_t zero,          \
                            uint32_t drop)                                                       \
    {                                                                                            \
        uint32_t total = 0;                                                                      \
        for (; count > 0; --count, x += step) {                                                  \
            const int32_t value = (int32_t)ec_add_round((uint32_t)(*x - zero), 0, drop);         \
            total += (uint32_t)value * (uint32_t)value;                                          \
        }                                                                                        \
        return total;                                                                            \
    }

EC_SQUARES_OF_RUN(squares_of_bytes, int8_t)
EC_SQUARES_OF_RUN(squares_of_halves, int16_t)

static uint32_t squares(const ec_norm_args *a, size_t x, uint32_t runs)
{
    const uint32_t step = a->x_reduced_stride[3], count = a->reduced[3];
    uint32_t total = 0;
    for (uint32_t r = 0; r < runs; ++r) {
        const size_t at = x + ec_offset(r, a->reduced, a->x_reduced_stride, 3);
        total += a->x_type == EC_I8
                     ? squares_of_bytes((const int8_t *)a->x + at, step, count, a->zero_x, a->drop)
                     : squares_of_halves((const int16_t *)a->x + at, step, count, a->zero_x, a->drop);
    }
    return total;
}

/* `count` outputs from `column` of row `outer` on. */
static void along(const ec_norm_args *a, uint32_t outer, uint32_t column, uint32_t count,
                  uint32_t runs)
{
    size_t x = ec_offset(outer, a->kept, a->x_kept_stride, 3) + (size_t)column * a->x_kept_stride[3];
    size_t y = ec_offset(outer, a->kept, a->y_stride, 3) + (size_t)column * a->y_stride[3];
    for (; count > 0; --count, x += a->x_kept_stride[3], y += a->y_stride[3]) {
        const uint32_t root = root_of(squares(a, x, runs) << (2 * a->fraction));
        if (a->table != 0) {
            ((int8_t *)a->y)[y] = a->table[entry_of(root)];
        } else {
            const int32_t value = ec_rescale((int32_t)root, a->multiplier, a->bias, a->shift);
            ec_store(a->y, y, a->y_type, value);
        }
    }
}

void ec_norm(const ec_norm_args *args, uint32_t core, uint32_t cores)
{
    const ec_norm_args a = *args;
    const uint32_t columns = a.kept[3];
    const uint32_t runs = a.reduced[0] * a.reduced[1] * a.reduced[2];
    const uint32_t total = a.kept[0] * a.kept[1] * a.kept[2] * columns;
    uint32_t left = ec_share_start(total, core + 1, cores);
    uint32_t first = ec_share_start(total, core, cores);
    uint32_t row = first / columns;
    left -= first;
    for (first -= row * columns; left > 0; first = 0, ++row) {
        const uint32_t count = left < columns - first ? left : columns - first;
        along(&a, row, first, count, runs);
        left -= count;
    }
}
