/* What zero points add to the sums of a product: edgecomp/ops/q_matmul.py. */
#include "ec_xpulp.h"

static int32_t sum_of(const int8_t *x, uint32_t depth)
{
    int32_t sum = 0;
    if (depth >= 8) {
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 4)
                         EC_ASM_LW("t0", "4", "%[x]")
                         EC_ASM_LW("t1", "4", "%[x]")
                         EC_ASM_SDOTSP_B("%[sum]", "t0", "%[ones]")
                         EC_ASM_LAST EC_ASM_SDOTSP_B("%[sum]", "t1", "%[ones]")
                         EC_ASM_END
                         : [sum] "+&r"(sum), [x] "+&r"(x)
                         : [n] "r"(depth >> 3), [ones] "r"(0x01010101)
                         : "memory", "t0", "t1");
    }
    for (uint32_t i = 0; i < (depth & 7); ++i) {
        sum += x[i];
    }
    return sum;
}

void ec_matmul_terms(const ec_matmul_terms_args *args, uint32_t core, uint32_t cores)
{
    const ec_matmul_terms_args p = *args;
    const uint32_t end = ec_share_start(p.rows, core + 1, cores);
    for (uint32_t r = ec_share_start(p.rows, core, cores); r < end; ++r) {
        const int32_t sum = p.factor ? sum_of(p.x + (size_t)r * p.x_stride, p.depth) : 0;
        p.terms[r] = p.offset + p.factor * sum;
    }
}
