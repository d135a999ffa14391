/* Weighted sums to averages to outputs: edgecomp/ops/q_attention.py. */
#include "reference.h"

void ec_attention_normalize(const ec_attention_normalize_args *args, uint32_t core,
                            uint32_t cores)
{
    const ec_attention_normalize_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.depth, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const int32_t *acc = a.acc + (size_t)r * a.acc_stride;
        const int32_t zero = a.v_zero * a.sums[r];
        const int64_t reciprocal = UINT32_MAX / (uint32_t)a.sums[r];
        for (uint32_t e = s.column; e < s.column_end; ++e) {
            int32_t average = (int32_t)(((acc[e] - zero) * reciprocal) >> 20);
            int32_t value = ec_rescale(average, a.multiplier, a.bias, a.shift);
            ec_store(a.y, (size_t)r * a.y_stride + e, a.y_type, value);
        }
    }
}
