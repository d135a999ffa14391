/* Unnormalised softmax of whole rows of 8-bit scores: edgecomp/ops/q_attention.py. */
#include "ec_xpulp.h"

/* The maximum of a row in all bytes of a word. */
EC_INLINE ec_word row_maximum(const int8_t *scores, uint32_t columns)
{
    ec_word a = 0x80808080, b = a;
    if (columns >= 16) {
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 8)
                         EC_ASM_LW("t0", "4", "%[s]") EC_ASM_LW("t1", "4", "%[s]")
                         EC_ASM_LW("t2", "4", "%[s]") EC_ASM_LW("t3", "4", "%[s]")
                         EC_ASM_MAX_B("%[a]", "%[a]", "t0") EC_ASM_MAX_B("%[b]", "%[b]", "t1")
                         EC_ASM_MAX_B("%[a]", "%[a]", "t2")
                         EC_ASM_LAST EC_ASM_MAX_B("%[b]", "%[b]", "t3")
                         EC_ASM_END
                         : [s] "+&r"(scores), [a] "+&r"(a), [b] "+&r"(b)
                         : [n] "r"(columns >> 4)
                         : "memory", "t0", "t1", "t2", "t3");
    }
    for (columns &= 15; columns >= 4; columns -= 4) {
        a = ec_max_b(a, *(const ec_word *)scores);
        scores += 4;
    }
    for (; columns > 0; --columns) {
        a = ec_max_b(a, 0x80808000u | (uint8_t)*scores++);
    }
    a = ec_max_b(a, b);
    a = ec_max_b(a, (a >> 16) | (a << 16));
    return ec_max_b(a, (a >> 8) | (a << 24));
}

#define EC_LOOK_UP(t) EC_ASM_LBU_AT(t, "%[table]", t)
#define EC_PACK(t, a, b, c, d) EC_ASM_PACKLO_B(t, b, a) EC_ASM_PACKHI_B(t, d, c)
#define EC_PUT(t) EC_ASM_SDOTUP_B("%[sum]", t, "%[ones]") EC_ASM_SW(t, "4", "%[p]")

/* Eight weights at a time: distances by one subtraction of four bytes. p may be the scores. */
static uint32_t weights(const uint8_t *table, const int8_t *scores, uint8_t *p, uint32_t columns)
{
    const ec_word maximum = row_maximum(scores, columns);
    uint32_t sum = 0;
    if (columns >= 8) {
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 28)
                         EC_ASM_LW("t0", "4", "%[s]") EC_ASM_LW("t1", "4", "%[s]")
                         EC_ASM_SUB_B("t0", "%[max]", "t0") EC_ASM_SUB_B("t1", "%[max]", "t1")
                         EC_ASM_BYTE("t2", "t0", "0") EC_ASM_BYTE("t3", "t0", "8")
                         EC_ASM_BYTE("t4", "t0", "16") "srli t0,t0,24\n"
                         EC_LOOK_UP("t2") EC_LOOK_UP("t3") EC_LOOK_UP("t4") EC_LOOK_UP("t0")
                         EC_ASM_BYTE("t5", "t1", "0") EC_ASM_BYTE("t6", "t1", "8")
                         EC_PACK("t2", "t2", "t3", "t4", "t0")
                         EC_ASM_BYTE("t3", "t1", "16") "srli t1,t1,24\n"
                         EC_LOOK_UP("t5") EC_LOOK_UP("t6") EC_LOOK_UP("t3") EC_LOOK_UP("t1")
                         EC_PUT("t2")
                         EC_PACK("t5", "t5", "t6", "t3", "t1")
                         EC_ASM_SDOTUP_B("%[sum]", "t5", "%[ones]")
                         EC_ASM_LAST EC_ASM_SW("t5", "4", "%[p]")
                         EC_ASM_END
                         : [s] "+&r"(scores), [p] "+&r"(p), [sum] "+&r"(sum)
                         : [n] "r"(columns >> 3), [max] "r"(maximum), [table] "r"(table),
                           [ones] "r"(0x01010101)
                         : "memory", "t0", "t1", "t2", "t3", "t4", "t5", "t6");
    }
    for (columns &= 7; columns > 0; --columns) {
        const uint32_t weight = ec_lookup_u8(table, (uint8_t)(maximum - (uint8_t)*scores++));
        *p++ = (uint8_t)weight;
        sum += weight;
    }
    return sum;
}

void ec_attention_softmax_i8(const ec_attention_softmax_i8_args *args, uint32_t core,
                             uint32_t cores)
{
    const ec_attention_softmax_i8_args a = *args;
    const uint32_t end = ec_share_start(a.rows, core + 1, cores);
    for (uint32_t r = ec_share_start(a.rows, core, cores); r < end; ++r) {
        a.sums[r] = (int32_t)weights(a.exp_table, a.scores + (size_t)r * a.scores_stride,
                                     a.p + (size_t)r * a.p_stride, a.columns);
    }
}
