/*
 * Softmax weights times a block of values: edgecomp/ops/q_attention.py.
 *
 * The product runs along the keys: interleaved values have four keys of a column in a word. The
 * cores share the columns, and with them the banks: one core takes four columns through all rows.
 */
#include "product.h"

EC_PRODUCT_SUMS(to_sums, EC_ASM_DOTUSP_B, EC_ASM_SDOTUSP_B)
EC_PRODUCT_ADDED(to_added, EC_ASM_DOTUSP_B, EC_ASM_SDOTUSP_B)

/* Rows [row, row_end) of the columns [e, e_end) from key `first` on, where v is not interleaved. */
static __attribute__((noinline)) void scalar_part(const ec_attention_values_args *a, uint32_t row,
                                                  uint32_t row_end, uint32_t e, uint32_t e_end,
                                                  uint32_t first)
{
    for (uint32_t r = row; r < row_end; ++r) {
        const uint8_t *p = a->p + (size_t)r * a->p_stride + a->first_column;
        for (uint32_t j = e; j < e_end; ++j) {
            int32_t *acc = a->acc + (size_t)r * a->acc_stride + j;
            int32_t sum = a->first && first == 0 ? 0 : *acc;
            for (uint32_t c = first; c < a->columns; ++c) {
                sum += p[c] * a->v[(size_t)c * a->v_stride + j];
            }
            *acc = sum;
        }
    }
}

/* This core's share of all blocks of four rows, columns and keys, and their last keys. */
static void blocks_part(const ec_attention_values_args *a, uint32_t core, uint32_t cores)
{
    const uint32_t acc_row = 4 * a->acc_stride;
    const int32_t back = (int32_t)acc_row - 12;
    const ec_product product = {
        .a = (const int8_t *)a->p + a->first_column,
        .b = a->v,
        .rows = a->rows & ~3u,
        .columns = a->depth & ~3u,
        .depth = a->columns & ~3u,
        .a_stride = a->p_stride,
        .b_stride = 1,
        .b_step = a->v_stride,
        .b_back = (int32_t)a->v_stride,
        .y = a->acc,
        .y_row = acc_row,
        .y_column = 4,
        .y_step = 4,
        .y_back = back,
        .added = a->first ? NULL : a->acc,
        .added_row = acc_row,
        .added_column = 4,
        .added_step = 4,
        .added_back = back,
    };
    (a->first ? to_sums : to_added)(&product, core, cores);
    if ((a->columns & 3) == 0) {
        return;
    }
    ec_share_of_blocks share = ec_product_share(&product, core, cores);
    for (; share.blocks > 0; --share.blocks) {
        scalar_part(a, share.row, share.row + 4, share.column, share.column + 4, product.depth);
        share.row += 4;
        if (share.row == product.rows) {
            share.row = 0;
            share.column += 4;
        }
    }
}

/* One row, the four columns from e on. */
static void row_part(const ec_attention_values_args *a, uint32_t row, uint32_t e)
{
    const uint8_t *p = a->p + (size_t)row * a->p_stride + a->first_column;
    const int8_t *v = a->v + e;
    int32_t *acc = a->acc + (size_t)row * a->acc_stride + e;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    __asm__ volatile(EC_ASM_BEGIN
                     EC_ASM_LOOP("x0", "%[n]", 9)
                     EC_ASM_LW("t0", "4", "%[p]")
                     EC_ASM_LW_R("t1", "%[step]", "%[v]")
                     EC_ASM_LW_R("t2", "%[step]", "%[v]")
                     EC_ASM_LW_R("t3", "%[step]", "%[v]")
                     EC_ASM_LW_R("t4", "%[step]", "%[v]")
                     EC_ASM_SDOTUSP_B("%[s0]", "t0", "t1")
                     EC_ASM_SDOTUSP_B("%[s1]", "t0", "t2")
                     EC_ASM_SDOTUSP_B("%[s2]", "t0", "t3")
                     EC_ASM_LAST EC_ASM_SDOTUSP_B("%[s3]", "t0", "t4")
                     EC_ASM_END
                     : [p] "+&r"(p), [v] "+&r"(v), [s0] "+&r"(s0), [s1] "+&r"(s1),
                       [s2] "+&r"(s2), [s3] "+&r"(s3)
                     : [n] "r"(a->columns >> 2), [step] "r"(a->v_stride)
                     : "memory", "t0", "t1", "t2", "t3", "t4");
    acc[0] = a->first ? s0 : acc[0] + s0;
    acc[1] = a->first ? s1 : acc[1] + s1;
    acc[2] = a->first ? s2 : acc[2] + s2;
    acc[3] = a->first ? s3 : acc[3] + s3;
    scalar_part(a, row, row + 1, e, e + 4, a->columns & ~3u);
}

void ec_attention_values(const ec_attention_values_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_values_args a = *args;
    const uint32_t across = a.columns < 4 ? 0 : a.depth >> 2;
    const uint32_t down = a.columns < 8 ? 0 : a.rows >> 2;
    if (across > 0 && down > 0) {
        blocks_part(&a, core, cores);
    }
    const uint32_t rest = a.rows - 4 * down;
    const uint32_t end = ec_share_start(rest * across, core + 1, cores);
    for (uint32_t i = ec_share_start(rest * across, core, cores); i < end; ++i) {
        row_part(&a, 4 * down + i % rest, i / rest * 4);
    }
    if (4 * across < a.depth) {
        const uint32_t row = ec_share_start(a.rows, core, cores);
        const uint32_t row_end = ec_share_start(a.rows, core + 1, cores);
        scalar_part(&a, row, row_end, 4 * across, a.depth, 0);
    }
}
