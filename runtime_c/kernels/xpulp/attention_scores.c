/* Scores of one head, a block of keys: edgecomp/ops/q_attention.py. */
#include "product.h"

static __attribute__((noinline)) void run(ec_strip *strip)
{
    EC_STRIP_RUN(strip, EC_ASM_SDOTSP_B, EC_ASM_FINISH_SUMS);
}

static void finish_element(const void *context, uint32_t row, uint32_t column, int32_t sum)
{
    const ec_attention_scores_args *a = context;
    const uint32_t c = a->first_column + column;
    if (a->score_bias != NULL) {
        sum += a->score_bias[(size_t)row * a->score_bias_stride + c];
    }
    a->scores[(size_t)row * a->scores_stride + c] = sum;
}

void ec_attention_scores(const ec_attention_scores_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_scores_args a = *args;
    const ec_product product = {a.q,     a.k,        a.rows,    a.columns,
                                a.depth, a.q_stride, a.k_stride};
    const int32_t *bias = a.score_bias == NULL ? NULL : a.score_bias + a.first_column;
    const ec_strip output = {.y = a.scores + a.first_column,
                             .y_step = 4 * a.scores_stride,
                             .y_next = 16,
                             .added = bias,
                             .added_step = 4 * a.score_bias_stride,
                             .target = bias == NULL ? EC_TO_SUMS : EC_TO_ADDED};
    ec_product_run(&product, core, cores, &output, 4, &a, run, run, finish_element);
}
