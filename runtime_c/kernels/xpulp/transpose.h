/* Blocks of four by four bytes, transposed: what matmul_pack and depthwise_planes share. */
#ifndef EDGECOMP_XPULP_TRANSPOSE_H
#define EDGECOMP_XPULP_TRANSPOSE_H

#include "ec_xpulp.h"

/* `count` blocks of four by four of the same columns, one below the other; count > 0. */
EC_INLINE void ec_transpose(const int8_t *b, uint32_t b_stride, int8_t *y, uint32_t y_stride,
                            uint32_t count)
{
    const int32_t back = 4 - 3 * (int32_t)y_stride;
    __asm__ volatile(EC_ASM_BEGIN
                     EC_ASM_LOOP("x0", "%[n]", 18)
                     EC_ASM_LW_R("t0", "%[down]", "%[b]")
                     EC_ASM_LW_R("t1", "%[down]", "%[b]")
                     EC_ASM_LW_R("t2", "%[down]", "%[b]")
                     EC_ASM_LW_R("t3", "%[down]", "%[b]")
                     "mv t4,t0\n mv t5,t2\n"
                     EC_ASM_SHUFFLE2_B("t4", "t1", "%[even]")
                     EC_ASM_SHUFFLE2_B("t0", "t1", "%[odd]")
                     EC_ASM_SHUFFLE2_B("t5", "t3", "%[even]")
                     EC_ASM_SHUFFLE2_B("t2", "t3", "%[odd]")
                     EC_ASM_PACK_H("t1", "t5", "t4")
                     EC_ASM_SHUFFLE2_B("t4", "t5", "%[high]")
                     EC_ASM_PACK_H("t3", "t2", "t0")
                     EC_ASM_SHUFFLE2_B("t0", "t2", "%[high]")
                     EC_ASM_SW_R("t1", "%[step]", "%[y]")
                     EC_ASM_SW_R("t4", "%[step]", "%[y]")
                     EC_ASM_SW_R("t3", "%[step]", "%[y]")
                     EC_ASM_LAST EC_ASM_SW_R("t0", "%[back]", "%[y]")
                     EC_ASM_END
                     : [b] "+&r"(b), [y] "+&r"(y)
                     : [n] "r"(count), [down] "r"(b_stride), [step] "r"(y_stride),
                       [back] "r"(back), [even] "r"(0x05010400), [odd] "r"(0x07030602),
                       [high] "r"(0x07060302)
                     : "memory", "t0", "t1", "t2", "t3", "t4", "t5");
}

#endif
