/* Sum, maximum or minimum over axes: edgecomp/ops/q_reduce.py. */
#include "reference.h"

static int32_t combine(ec_reduction reduction, int32_t total, int32_t value)
{
    switch (reduction) {
    case EC_SUM:
        return total + value;
    case EC_MAX:
        return value > total ? value : total;
    default:
        return value < total ? value : total;
    }
}

static int32_t reduce(const ec_reduce_args *a, size_t x)
{
    const uint32_t rows = a->reduced[0] * a->reduced[1] * a->reduced[2];
    int32_t total = a->reduction == EC_SUM ? 0 : ec_load(a->x, x, a->x_type);
    for (uint32_t r = 0; r < rows; ++r) {
        const size_t row = x + ec_offset(r, a->reduced, a->x_reduced_stride, 3);
        for (uint32_t c = 0; c < a->reduced[3]; ++c) {
            size_t index = row + (size_t)c * a->x_reduced_stride[3];
            total = combine(a->reduction, total, ec_load(a->x, index, a->x_type));
        }
    }
    return total;
}

void ec_reduce(const ec_reduce_args *args, uint32_t core, uint32_t cores)
{
    const ec_reduce_args a = *args;
    const uint32_t count = a.kept[0] * a.kept[1] * a.kept[2] * a.kept[3];
    const uint32_t end = ec_share_start(count, core + 1, cores);
    for (uint32_t i = ec_share_start(count, core, cores); i < end; ++i) {
        int32_t total = reduce(&a, ec_offset(i, a.kept, a.x_kept_stride, 4));
        total = ec_round_shift(total, a.pre_shift);
        int32_t value = ec_rescale(total, a.multiplier, a.bias, a.shift);
        ec_store(a.y, ec_offset(i, a.kept, a.y_stride, 4), a.y_type, value);
    }
}
