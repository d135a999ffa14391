/* Weighted sums to averages to outputs: edgecomp/ops/q_attention.py. */
#include "ec_xpulp.h"

/* (value * reciprocal) >> 20 by halves of the 64-bit product; it fits 32 bits. */
EC_INLINE int32_t average(int32_t value, uint32_t reciprocal)
{
    const uint32_t low = (uint32_t)value * reciprocal;
    const uint32_t high = ec_mulhsu((uint32_t)value, reciprocal);
    return (int32_t)((high << 12) | (low >> 20));
}

EC_INLINE void normalize_row(const ec_attention_normalize_args *a, uint32_t row, uint32_t column,
                             uint32_t end, ec_type type)
{
    const int32_t *acc = a->acc + (size_t)row * a->acc_stride;
    const int32_t zero = a->v_zero * a->sums[row];
    const uint32_t reciprocal = UINT32_MAX / (uint32_t)a->sums[row];
    for (uint32_t e = column; e < end; ++e) {
        const int32_t value =
            ec_rescale(average(acc[e] - zero, reciprocal), a->multiplier, a->bias, a->shift);
        ec_store(a->y, (size_t)row * a->y_stride + e, type, value);
    }
}

void ec_attention_normalize(const ec_attention_normalize_args *args, uint32_t core,
                            uint32_t cores)
{
    const ec_attention_normalize_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.depth, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        if (a.y_type == EC_I8) {
            normalize_row(&a, r, s.column, s.column_end, EC_I8);
        } else {
            normalize_row(&a, r, s.column, s.column_end, a.y_type);
        }
    }
}
