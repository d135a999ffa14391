/* Weighted sums to averages to outputs: edgecomp/ops/q_attention.py. */
#include "reference.h"

enum { SUM_BITS = 10, DIVISOR_SHIFT = 9 };

void ec_attention_normalize(const ec_attention_normalize_args *args, uint32_t core,
                            uint32_t cores)
{
    const ec_attention_normalize_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.depth, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const int32_t *acc = a.acc + (size_t)r * a.acc_stride;
        const uint32_t sum = (uint32_t)a.sums[r];
        const int32_t zero = a.v_zero * a.sums[r];
        uint32_t k = 0;
        while (sum >> k >> SUM_BITS) {
            ++k;
        }
        const uint32_t divisor = (sum << DIVISOR_SHIFT) >> k;
        const int32_t scale = (int32_t)(((uint32_t)a.multiplier + divisor / 2) / divisor);
        for (uint32_t e = s.column; e < s.column_end; ++e) {
            const int32_t average = ec_round_shift(acc[e] - zero, k);
            ec_store(a.y, (size_t)r * a.y_stride + e, a.y_type,
                     ec_rescale(average, scale, a.bias, a.shift));
        }
    }
}
