/*
 * 8-bit scores of one head, a block of keys: edgecomp/ops/q_attention.py.
 *
 * As in attention_scores.c the product is the transpose of the scores: four keys of a query, a
 * column of a block, are a word.
 */
#include "product.h"

/* t0: multiplier, t1: bias, t4: shift; t5: y, t2: y_step, a1: y_back. */
#define EC_ASM_MULTIPLY(s) "mul " s "," s ",t0\n"
#define EC_ASM_SHIFT(s) EC_ASM_ADD_SHIFT(s, "t1", "t4")
#define EC_ASM_KEYS(a, b, c, d, step)                                                           \
    EC_FOUR(EC_ASM_MULTIPLY, a, b, c, d) EC_FOUR(EC_ASM_SHIFT, a, b, c, d)                      \
    EC_FOUR(EC_ASM_CLIP_I8, a, b, c, d) EC_ASM_PACKLO_B(a, b, a) EC_ASM_PACKHI_B(a, d, c)       \
    EC_ASM_SW_R(a, step, "t5")
#define EC_ASM_FINISH_KEYS                                                                      \
    EC_ASM_GET("t0", "44") EC_ASM_GET("t1", "48") EC_ASM_GET("t4", "28") EC_ASM_GET("t5", "16") \
    EC_ASM_GET("t2", "20") EC_ASM_GET("a1", "24")                                               \
    EC_ASM_KEYS("s0", "s4", "s8", "a2", "t2") EC_ASM_KEYS("s1", "s5", "s9", "a3", "t2")         \
    EC_ASM_KEYS("s2", "s6", "s10", "a4", "t2") EC_ASM_KEYS("s3", "s7", "s11", "a5", "a1")       \
    EC_ASM_PUT("t5", "16")
EC_PRODUCT_ALL_ALIKE(to_keys, EC_ASM_FINISH_KEYS)

static void finish_element(const void *context, uint32_t key, uint32_t query, int32_t sum)
{
    const ec_attention_scores_i8_args *a = context;
    const size_t index = (size_t)query * a->scores_stride + a->first_column + key;
    a->scores[index] = (int8_t)ec_clip_i8(ec_rescale(sum, a->multiplier, a->bias, a->shift));
}

void ec_attention_scores_i8(const ec_attention_scores_i8_args *a, uint32_t core, uint32_t cores)
{
    const int32_t step = (int32_t)a->scores_stride;
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
        .multiplier = &a->multiplier,
        .bias = &a->bias,
        .shift = a->shift,
        .y = a->scores + a->first_column,
        .y_row = 1,
        .y_column = a->scores_stride,
        .y_step = step,
        .y_back = 4 - 3 * step,
        .element = finish_element,
        .context = a,
    };
    to_keys(&product, core, cores);
}
