/* The order in which ec_attention_values reads values: blocks of four by four, transposed. */
#include "ec_xpulp.h"

/* `count` blocks of the same four columns, one below the other; count > 0. */
static void transpose(int8_t *v, uint32_t stride, uint32_t count)
{
    const int8_t *from = v;
    __asm__ volatile(EC_ASM_BEGIN
                     EC_ASM_LOOP("x0", "%[n]", 18)
                     EC_ASM_LW_R("t0", "%[step]", "%[from]")
                     EC_ASM_LW_R("t1", "%[step]", "%[from]")
                     EC_ASM_LW_R("t2", "%[step]", "%[from]")
                     EC_ASM_LW_R("t3", "%[step]", "%[from]")
                     "mv t4,t0\n mv t5,t2\n"
                     EC_ASM_SHUFFLE2_B("t4", "t1", "%[even]")
                     EC_ASM_SHUFFLE2_B("t0", "t1", "%[odd]")
                     EC_ASM_SHUFFLE2_B("t5", "t3", "%[even]")
                     EC_ASM_SHUFFLE2_B("t2", "t3", "%[odd]")
                     EC_ASM_PACK_H("t1", "t5", "t4")
                     EC_ASM_SHUFFLE2_B("t4", "t5", "%[high]")
                     EC_ASM_PACK_H("t3", "t2", "t0")
                     EC_ASM_SHUFFLE2_B("t0", "t2", "%[high]")
                     EC_ASM_SW_R("t1", "%[step]", "%[v]")
                     EC_ASM_SW_R("t4", "%[step]", "%[v]")
                     EC_ASM_SW_R("t3", "%[step]", "%[v]")
                     EC_ASM_LAST EC_ASM_SW_R("t0", "%[step]", "%[v]")
                     EC_ASM_END
                     : [v] "+&r"(v), [from] "+&r"(from)
                     : [n] "r"(count), [step] "r"(stride), [even] "r"(0x05010400),
                       [odd] "r"(0x07030602), [high] "r"(0x07060302)
                     : "memory", "t0", "t1", "t2", "t3", "t4", "t5");
}

void ec_attention_interleave(const ec_attention_interleave_args *args, uint32_t core,
                             uint32_t cores)
{
    const ec_attention_interleave_args a = *args;
    const uint32_t down = a.columns >> 2;
    const uint32_t blocks = down * (a.depth >> 2);
    const uint32_t end = ec_share_start(blocks, core + 1, cores);
    uint32_t block = ec_share_start(blocks, core, cores);
    while (block < end) { /* column by column: cores keep to banks of their own */
        const uint32_t first = block % down;
        const uint32_t count = down - first < end - block ? down - first : end - block;
        transpose(a.v + (size_t)(4 * first) * a.v_stride + block / down * 4, a.v_stride, count);
        block += count;
    }
}
