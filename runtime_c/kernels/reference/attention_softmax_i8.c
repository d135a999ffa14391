/* Unnormalised softmax of whole rows of 8-bit scores: edgecomp/ops/q_attention.py. */
#include "reference.h"

static int32_t softmax_row(const uint8_t *exp_table, const int8_t *scores, uint8_t *p,
                           uint32_t columns)
{
    int32_t maximum = INT8_MIN;
    int32_t sum = 0;
    for (uint32_t c = 0; c < columns; ++c) {
        maximum = scores[c] > maximum ? scores[c] : maximum;
    }
    for (uint32_t c = 0; c < columns; ++c) {
        p[c] = exp_table[maximum - scores[c]];
        sum += p[c];
    }
    return sum;
}

void ec_attention_softmax_i8(const ec_attention_softmax_i8_args *args, uint32_t core,
                             uint32_t cores)
{
    const ec_attention_softmax_i8_args a = *args;
    const uint32_t end = ec_share_start(a.rows, core + 1, cores);
    for (uint32_t r = ec_share_start(a.rows, core, cores); r < end; ++r) {
        a.sums[r] = softmax_row(a.exp_table, a.scores + (size_t)r * a.scores_stride,
                                a.p + (size_t)r * a.p_stride, a.columns);
    }
}
