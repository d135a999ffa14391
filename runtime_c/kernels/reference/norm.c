/* Roots of sums of squares over axes, and functions of them: edgecomp/ops/q_norm.py. */
#include "reference.h"

/* floor(sqrt(value)), one bit of the root at a time. */
static uint32_t root_of(uint32_t value)
{
    uint32_t root = 0;
    for (uint32_t bit = 1U << 30; bit != 0; bit >>= 2) {
        const uint32_t trial = root + bit;
        root >>= 1;
        if (value >= trial) {
            value -= trial;
            root += bit;
        }
    }
    return root;
}

/* Which entry of the table is for `root`: 32 entries an octave. */
static uint32_t entry_of(uint32_t root)
{
    uint32_t exponent = 0;
    while (root >> exponent >= 64) {
        ++exponent;
    }
    return (exponent << 5) + (root >> exponent);
}

static uint32_t squares(const ec_norm_args *a, size_t x)
{
    const uint32_t rows = a->reduced[0] * a->reduced[1] * a->reduced[2];
    uint32_t total = 0;
    for (uint32_t r = 0; r < rows; ++r) {
        const size_t row = x + ec_offset(r, a->reduced, a->x_reduced_stride, 3);
        for (uint32_t c = 0; c < a->reduced[3]; ++c) {
            const size_t index = row + (size_t)c * a->x_reduced_stride[3];
            const int32_t distance = ec_load(a->x, index, a->x_type) - a->zero_x;
            const int32_t value = ec_round_shift(distance, a->drop);
            total += (uint32_t)value * (uint32_t)value;
        }
    }
    return total;
}

void ec_norm(const ec_norm_args *args, uint32_t core, uint32_t cores)
{
    const ec_norm_args a = *args;
    const uint32_t count = a.kept[0] * a.kept[1] * a.kept[2] * a.kept[3];
    const uint32_t end = ec_share_start(count, core + 1, cores);
    for (uint32_t i = ec_share_start(count, core, cores); i < end; ++i) {
        const uint32_t total = squares(&a, ec_offset(i, a.kept, a.x_kept_stride, 4));
        const uint32_t root = root_of(total << (2 * a.fraction));
        const size_t y = ec_offset(i, a.kept, a.y_stride, 4);
        if (a.table != 0) {
            ((int8_t *)a.y)[y] = a.table[entry_of(root)];
        } else {
            ec_store(a.y, y, a.y_type, ec_rescale((int32_t)root, a.multiplier, a.bias, a.shift));
        }
    }
}
