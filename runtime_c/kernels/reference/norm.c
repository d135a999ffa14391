/* Roots of sums of squares over axes: edgecomp/ops/q_norm.py. */
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

static uint32_t squares(const ec_norm_args *a, size_t x)
{
    const uint32_t rows = a->reduced[0] * a->reduced[1] * a->reduced[2];
    uint32_t total = 0;
    for (uint32_t r = 0; r < rows; ++r) {
        const int8_t *row = a->x + x + ec_offset(r, a->reduced, a->x_reduced_stride, 3);
        for (uint32_t c = 0; c < a->reduced[3]; ++c) {
            const int32_t value = row[(size_t)c * a->x_reduced_stride[3]] - a->zero_x;
            total += (uint32_t)(value * value);
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
        int32_t value = ec_rescale((int32_t)root, a.multiplier, a.bias, a.shift);
        ec_store(a.y, ec_offset(i, a.kept, a.y_stride, 4), a.y_type, value);
    }
}
