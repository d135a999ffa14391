/*
 * Scores of one head, a block of keys: edgecomp/ops/q_attention.py.
 *
 * There are more keys than queries in a tile: a run of blocks goes along the keys, so that the
 * product is the transpose of the scores.
 */
#include "product.h"

EC_PRODUCT_SUMS(to_sums, EC_ASM_DOTSP_B, EC_ASM_SDOTSP_B)
EC_PRODUCT_ADDED(to_added, EC_ASM_DOTSP_B, EC_ASM_SDOTSP_B)

static void finish_element(const void *context, uint32_t key, uint32_t query, int32_t sum)
{
    const ec_attention_scores_args *a = context;
    const uint32_t c = a->first_column + key;
    if (a->score_bias != NULL) {
        sum += a->score_bias[(size_t)query * a->score_bias_stride + c];
    }
    a->scores[(size_t)query * a->scores_stride + c] = sum;
}

void ec_attention_scores(const ec_attention_scores_args *a, uint32_t core, uint32_t cores)
{
    const int32_t step = 4 * (int32_t)a->scores_stride;
    const int32_t bias_step = 4 * (int32_t)a->score_bias_stride;
    const int biased = a->score_bias != NULL;
    const ec_product product = {
        .a = a->k,
        .b = a->q,
        .rows = a->columns,
        .columns = a->rows,
        .depth = a->depth,
        .a_stride = a->k_stride,
        .b_stride = a->q_stride,
        .b_step = a->q_stride,
        .b_back = 4 - 3 * (int32_t)a->q_stride,
        .y = a->scores + a->first_column,
        .y_row = 4,
        .y_column = (uint32_t)step,
        .y_step = step,
        .y_back = 4 - 3 * step,
        .added = biased ? a->score_bias + a->first_column : NULL,
        .added_row = 4,
        .added_column = (uint32_t)bias_step,
        .added_step = bias_step,
        .added_back = 4 - 3 * bias_step,
        .element = finish_element,
        .context = a,
    };
    (biased ? to_added : to_sums)(&product, core, cores);
}
