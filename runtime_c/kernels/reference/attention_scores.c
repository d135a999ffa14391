/* Scores of one head, a block of keys: edgecomp/ops/q_attention.py. */
#include "reference.h"

void ec_attention_scores(const ec_attention_scores_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_scores_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const int8_t *q = a.q + (size_t)r * a.q_stride;
        int32_t *scores = a.scores + (size_t)r * a.scores_stride + a.first_column;
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            scores[c] = ec_dot(q, a.k + (size_t)c * a.k_stride, a.depth);
        }
        if (a.score_bias != NULL) {
            const int32_t *bias =
                a.score_bias + (size_t)r * a.score_bias_stride + a.first_column;
            for (uint32_t c = s.column; c < s.column_end; ++c) {
                scores[c] += bias[c];
            }
        }
    }
}
