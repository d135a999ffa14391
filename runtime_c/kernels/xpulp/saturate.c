/* What an accelerator leaves of a product to the cores: the end of edgecomp/ops/q_linear.py. */
#include "ec_xpulp.h"

#define EC_PAIR                                                                                 \
    EC_ASM_LW("t0", "4", "%[x]") EC_ASM_LW("t1", "4", "%[x]")                                   \
    EC_ASM_CLIP_I16("t0") EC_ASM_CLIP_I16("t1") /* 4 */
#define EC_PACK EC_ASM_R("pv.pack.h", "0x57", "0", "0x68", "t0", "t1", "t0") /* 1 */

static void saturate(const int32_t *x, int16_t *y, uint32_t pairs)
{
    __asm__ volatile(EC_ASM_BEGIN
                     EC_ASM_LOOP("x0", "%[n]", 6)
                     EC_PAIR EC_PACK
                     EC_ASM_LAST EC_ASM_SW("t0", "4", "%[y]")
                     EC_ASM_END
                     : [x] "+&r"(x), [y] "+&r"(y)
                     : [n] "r"(pairs)
                     : "memory", "t0", "t1");
}

/* Both sums fit 17 bits: they are clipped once more. */
static void add_saturated(const int32_t *x, const int16_t *residual, int16_t *y, uint32_t pairs)
{
    __asm__ volatile(EC_ASM_BEGIN
                     EC_ASM_LOOP("x0", "%[n]", 13)
                     EC_PAIR
                     "lh t2,0(%[r])\n lh t3,2(%[r])\n addi %[r],%[r],4\n"
                     "add t0,t0,t2\n add t1,t1,t3\n"
                     EC_ASM_CLIP_I16("t0") EC_ASM_CLIP_I16("t1") EC_PACK
                     EC_ASM_LAST EC_ASM_SW("t0", "4", "%[y]")
                     EC_ASM_END
                     : [x] "+&r"(x), [r] "+&r"(residual), [y] "+&r"(y)
                     : [n] "r"(pairs)
                     : "memory", "t0", "t1", "t2", "t3");
}

static void run(const int32_t *x, const int16_t *residual, int16_t *y, uint32_t count)
{
    const uint32_t pairs = count >> 1;
    if (pairs > 0 && residual == NULL) {
        saturate(x, y, pairs);
    } else if (pairs > 0) {
        add_saturated(x, residual, y, pairs);
    }
    if (count & 1) {
        const uint32_t last = count - 1;
        ec_finish(y, last, EC_I16, x[last], NULL, residual == NULL ? NULL : residual + last);
    }
}

/* Where all is dense, one long row: it splits evenly and has no remainders. */
void ec_saturate(const ec_saturate_args *args, uint32_t core, uint32_t cores)
{
    ec_saturate_args a = *args;
    if (a.x_stride == a.columns && a.y_stride == a.columns &&
        (a.residual == NULL || a.residual_stride == a.columns)) {
        a.columns *= a.rows;
        a.rows = 1;
    }
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const int16_t *residual =
            a.residual == NULL ? NULL : a.residual + (size_t)r * a.residual_stride + s.column;
        run(a.x + (size_t)r * a.x_stride + s.column, residual,
            a.y + (size_t)r * a.y_stride + s.column, s.column_end - s.column);
    }
}
