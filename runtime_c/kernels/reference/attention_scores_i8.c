/* 8-bit scores of one head, a block of keys: edgecomp/ops/q_attention.py. */
#include "reference.h"

void ec_attention_scores_i8(const ec_attention_scores_i8_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_scores_i8_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const int8_t *q = a.q + (size_t)r * a.q_stride;
        const size_t row = (size_t)r * a.scores_stride + a.first_column;
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            const int32_t sum = ec_dot(q, a.k + (size_t)c * a.k_stride, a.depth);
            ec_store(a.scores, row + c, EC_I8, ec_rescale(sum, a.multiplier, a.bias, a.shift));
        }
    }
}
