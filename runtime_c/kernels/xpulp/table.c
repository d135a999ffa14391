/* A function of one 8-bit value: edgecomp/ops/q_table.py. */
#include "ec_xpulp.h"

static void look_up(const int8_t *x, const int8_t *middle, int8_t *y, uint32_t count)
{
    const uint32_t quads = count >> 2;
    if (quads > 0) {
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 12)
                         "lb t0,0(%[x])\n lb t1,1(%[x])\n lb t2,2(%[x])\n lb t3,3(%[x])\n"
                         EC_ASM_LB_AT("t0", "%[middle]", "t0")
                         EC_ASM_LB_AT("t1", "%[middle]", "t1")
                         EC_ASM_LB_AT("t2", "%[middle]", "t2")
                         EC_ASM_LB_AT("t3", "%[middle]", "t3")
                         "addi %[x],%[x],4\n"
                         EC_ASM_PACKLO_B("t0", "t1", "t0")
                         EC_ASM_PACKHI_B("t0", "t3", "t2")
                         EC_ASM_LAST EC_ASM_SW("t0", "4", "%[y]")
                         EC_ASM_END
                         : [x] "+&r"(x), [y] "+&r"(y)
                         : [n] "r"(quads), [middle] "r"(middle)
                         : "memory", "t0", "t1", "t2", "t3");
    }
    count &= 3;
    for (; count > 0; --count) {
        *y++ = (int8_t)ec_lookup_i8(middle, *x++);
    }
}

/* Where x and y are dense, one long row: it splits evenly and has no remainders. */
void ec_table(const ec_table_args *args, uint32_t core, uint32_t cores)
{
    ec_table_args a = *args;
    if (a.x_stride == a.columns && a.y_stride == a.columns) {
        a.columns *= a.rows;
        a.rows = 1;
    }
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        look_up(a.x + (size_t)r * a.x_stride + s.column, a.table + 128,
                a.y + (size_t)r * a.y_stride + s.column, s.column_end - s.column);
    }
}
