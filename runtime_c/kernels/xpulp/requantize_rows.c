/* Accumulators to outputs, per column: the second half of edgecomp/ops/q_linear.py. */
#include "ec_xpulp.h"

#define EC_ROW_SUMS                                                                             \
    "lw t0,0(%[acc])\n lw t1,4(%[acc])\n lw t2,8(%[acc])\n lw t3,12(%[acc])\n"                  \
    "mul t0,t0,%[m0]\n mul t1,t1,%[m1]\n mul t2,t2,%[m2]\n mul t3,t3,%[m3]\n"                   \
    EC_ASM_ADD_SHIFT("t0", "%[b0]", "%[shift]") EC_ASM_ADD_SHIFT("t1", "%[b1]", "%[shift]")     \
    EC_ASM_ADD_SHIFT("t2", "%[b2]", "%[shift]") EC_ASM_ADD_SHIFT("t3", "%[b3]", "%[shift]")     \
    "add %[acc],%[acc],%[acc_step]\n" /* 13 */
#define EC_ROW_CLIP(clip) clip("t0") clip("t1") clip("t2") clip("t3")
#define EC_ROW_LOOKUP(t) EC_ASM_LB_AT(t, "%[middle]", t)
#define EC_ROW_BYTES                                                                            \
    EC_ASM_PACKLO_B("t0", "t1", "t0") EC_ASM_PACKHI_B("t0", "t3", "t2")                         \
    "sw t0,0(%[y])\n" EC_ASM_LAST "add %[y],%[y],%[y_step]\n" /* 4 */
#define EC_ROW_HALVES                                                                           \
    "sh t0,0(%[y])\n sh t1,2(%[y])\n sh t2,4(%[y])\n sh t3,6(%[y])\n"                           \
    EC_ASM_LAST "add %[y],%[y],%[y_step]\n" /* 5 */
#define EC_ROW_RESIDUAL                                                                         \
    "lh t4,0(%[added])\n lh t5,2(%[added])\n lh t6,4(%[added])\n add t0,t0,t4\n"                \
    "lh t4,6(%[added])\n add t1,t1,t5\n add t2,t2,t6\n add t3,t3,t4\n"                          \
    "add %[added],%[added],%[added_step]\n" /* 9 */

/* Four columns of `rows` rows: multipliers and biases stay in registers. */
#define EC_FOUR_COLUMNS(name, bytes, instructions, rest)                                        \
    static void name(const ec_requantize_rows_args *a, uint32_t row, uint32_t rows, uint32_t c) \
    {                                                                                           \
        const int32_t *m = a->multiplier + c, *b = a->bias + c;                                 \
        const int32_t *acc = a->acc + (size_t)row * a->acc_stride + c;                          \
        const int16_t *added = a->residual + (size_t)row * a->residual_stride + c;              \
        uint8_t *y = (uint8_t *)a->y + ((size_t)row * a->y_stride + c) * bytes;                 \
        __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", instructions)                   \
                         EC_ROW_SUMS rest EC_ASM_END                                            \
                         : [acc] "+&r"(acc), [y] "+&r"(y), [added] "+&r"(added)                 \
                         : [m0] "r"(m[0]), [m1] "r"(m[1]), [m2] "r"(m[2]), [m3] "r"(m[3]),      \
                           [b0] "r"(b[0]), [b1] "r"(b[1]), [b2] "r"(b[2]), [b3] "r"(b[3]),      \
                           [shift] "r"(a->shift), [acc_step] "r"(4 * a->acc_stride),            \
                           [y_step] "r"(bytes * a->y_stride), [middle] "r"(a->table + 128),     \
                           [added_step] "r"(2 * a->residual_stride), [n] "r"(rows)              \
                         : "memory", "t0", "t1", "t2", "t3", "t4", "t5", "t6");                 \
    }

EC_FOUR_COLUMNS(four_i8, 1, 21, EC_ROW_CLIP(EC_ASM_CLIP_I8) EC_ROW_BYTES)
EC_FOUR_COLUMNS(four_u8, 1, 21, EC_ROW_CLIP(EC_ASM_CLIP_U8) EC_ROW_BYTES)
EC_FOUR_COLUMNS(four_i16, 2, 22, EC_ROW_CLIP(EC_ASM_CLIP_I16) EC_ROW_HALVES)
EC_FOUR_COLUMNS(four_table, 1, 25,
                EC_ROW_CLIP(EC_ASM_CLIP_I8) EC_ROW_CLIP(EC_ROW_LOOKUP) EC_ROW_BYTES)
EC_FOUR_COLUMNS(four_residual, 2, 35,
                EC_ROW_CLIP(EC_ASM_CLIP_I16) EC_ROW_RESIDUAL EC_ROW_CLIP(EC_ASM_CLIP_I16)
                    EC_ROW_HALVES)

static void one_column(const ec_requantize_rows_args *a, uint32_t row, uint32_t row_end, uint32_t c)
{
    for (uint32_t r = row; r < row_end; ++r) {
        const int32_t acc = a->acc[(size_t)r * a->acc_stride + c];
        const int32_t value = ec_rescale(acc, a->multiplier[c], a->bias[c], a->shift);
        const int16_t *residual =
            a->residual == NULL ? NULL : a->residual + (size_t)r * a->residual_stride + c;
        ec_finish(a->y, (size_t)r * a->y_stride + c, a->y_type, value, a->table, residual);
    }
}

void ec_requantize_rows(const ec_requantize_rows_args *args, uint32_t core, uint32_t cores)
{
    const ec_requantize_rows_args a = *args;
    ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    if (a.columns % (4 * cores) == 0) { /* longer runs, and every core in banks of its own */
        s = (ec_share){0, a.rows, ec_share_start(a.columns, core, cores),
                       ec_share_start(a.columns, core + 1, cores)};
    }
    void (*four)(const ec_requantize_rows_args *, uint32_t, uint32_t, uint32_t) =
        a.table != NULL      ? four_table
        : a.residual != NULL ? four_residual
        : a.y_type == EC_I8  ? four_i8
        : a.y_type == EC_U8  ? four_u8
                             : four_i16;
    if (s.row == s.row_end) {
        return;
    }
    /* Cores start at different columns: rows tend to start in the same bank. */
    const uint32_t fours = (s.column_end - s.column) >> 2;
    const uint32_t turn = ec_share_start(fours, core, cores);
    uint32_t c = s.column + (turn < fours ? 4 * turn : 0);
    for (uint32_t left = fours; left > 0; --left) {
        four(&a, s.row, s.row_end - s.row, c);
        c += 4;
        c = c == s.column + 4 * fours ? s.column : c;
    }
    for (c = s.column + 4 * fours; c < s.column_end; ++c) {
        one_column(&a, s.row, s.row_end, c);
    }
}
