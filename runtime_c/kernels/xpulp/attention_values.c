/*
 * Softmax weights times a block of values: edgecomp/ops/q_attention.py.
 *
 * The product runs along the keys: interleaved values have four keys of a column in a word. The cores share
 * the columns, and with them the banks: one core takes four columns through all rows.
 */
#include "product.h"

/* A block of the product has columns of v as its rows; these are the rows of acc. */
#define EC_ROWS_ACROSS(row) row("s0", "s4", "s8", "a2") row("s1", "s5", "s9", "a3")             \
    row("s2", "s6", "s10", "a4") row("s3", "s7", "s11", "a5")
#define EC_ASM_DOT_VALUES(d, v, p) EC_ASM_SDOTUSP_B(d, p, v)
#define EC_ASM_FINISH_ACROSS                                                                    \
    EC_ASM_Y                                                                                    \
    "addi t2,t2,-5\n bnez t2,10f\n" EC_ROWS_ACROSS(EC_ASM_SUMS_ROW) EC_ASM_NEXT                 \
    "10: mv t1,a0\n mv t2,a1\n" EC_ROWS_ACROSS(EC_ASM_ADDED_ROW) "j 20b\n"

static __attribute__((noinline)) void run(ec_strip *strip)
{
    EC_STRIP_RUN(strip, EC_ASM_DOT_VALUES, EC_ASM_FINISH_ACROSS);
}

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

/* 4 * count rows from `row` on, the four columns from e on. */
static void blocks_part(const ec_attention_values_args *a, uint32_t row, uint32_t count, uint32_t e)
{
    const uint32_t words = a->columns >> 2;
    ec_strip strip = {.a = a->v + e,
                      .a_step = a->v_stride,
                      .a_back = (int32_t)a->v_stride,
                      .b = a->p + (size_t)row * a->p_stride + a->first_column,
                      .b_step = a->p_stride,
                      .b_back = 4 - 3 * (int32_t)a->p_stride,
                      .b_next = 4 * (int32_t)(a->p_stride - words),
                      .words = words,
                      .blocks = count,
                      .y = a->acc + (size_t)row * a->acc_stride + e,
                      .y_step = 4 * a->acc_stride,
                      .y_next = 16 * a->acc_stride,
                      .target = a->first ? EC_TO_SUMS : EC_TO_ADDED};
    run(&strip);
    scalar_part(a, row, a->columns & 3 ? row + 4 * count : row, e, e + 4, 4 * words);
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
    const uint32_t down = a.rows >> 2;
    uint32_t end = ec_share_start(down * across, core + 1, cores);
    uint32_t i = ec_share_start(down * across, core, cores);
    while (i < end) {
        const uint32_t first = i % down;
        const uint32_t count = down - first < end - i ? down - first : end - i;
        blocks_part(&a, 4 * first, count, i / down * 4);
        i += count;
    }
    const uint32_t rest = a.rows & 3;
    end = ec_share_start(rest * across, core + 1, cores);
    for (i = ec_share_start(rest * across, core, cores); i < end; ++i) {
        row_part(&a, 4 * down + i % rest, i / rest * 4);
    }
    if (4 * across < a.depth) {
        scalar_part(&a, ec_share_start(a.rows, core, cores), ec_share_start(a.rows, core + 1, cores),
                    4 * across, a.depth, 0);
    }
}
