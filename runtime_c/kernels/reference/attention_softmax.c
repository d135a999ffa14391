/* Unnormalised 8-bit softmax of whole rows of scores: edgecomp/ops/q_attention.py. */
#include "reference.h"

/* p may overlay the scores: element c is read before byte c, which never lies behind it, is written. */
static int32_t softmax_row(const ec_attention_softmax_args *a, const int32_t *scores, uint8_t *p)
{
    int32_t maximum = INT32_MIN;
    int32_t sum = 0;
    for (uint32_t c = 0; c < a->columns; ++c) {
        maximum = scores[c] > maximum ? scores[c] : maximum;
    }
    for (uint32_t c = 0; c < a->columns; ++c) {
        uint32_t distance = (uint32_t)maximum - (uint32_t)scores[c];
        uint32_t limit = (uint32_t)a->limit;
        distance = distance < limit ? distance : limit;
        p[c] = a->exp_table[(distance * (uint32_t)a->multiplier) >> a->shift];
        sum += p[c];
    }
    return sum;
}

void ec_attention_softmax(const ec_attention_softmax_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_softmax_args a = *args;
    const uint32_t end = ec_share_start(a.rows, core + 1, cores);
    for (uint32_t r = ec_share_start(a.rows, core, cores); r < end; ++r) {
        a.sums[r] =
            softmax_row(&a, a.scores + (size_t)r * a.scores_stride, a.p + (size_t)r * a.p_stride);
    }
}
