/* Unnormalised 8-bit softmax of whole rows of scores: edgecomp/ops/q_attention.py. */
#include "ec_xpulp.h"

static int32_t row_maximum(const int32_t *scores, uint32_t columns)
{
    int32_t a = INT32_MIN, b = a, c = a, d = a;
    if (columns >= 4) {
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 8)
                         EC_ASM_LW("t0", "4", "%[s]") EC_ASM_LW("t1", "4", "%[s]")
                         EC_ASM_LW("t2", "4", "%[s]") EC_ASM_LW("t3", "4", "%[s]")
                         EC_ASM_MAX("%[a]", "%[a]", "t0") EC_ASM_MAX("%[b]", "%[b]", "t1")
                         EC_ASM_MAX("%[c]", "%[c]", "t2")
                         EC_ASM_LAST EC_ASM_MAX("%[d]", "%[d]", "t3")
                         EC_ASM_END
                         : [s] "+&r"(scores), [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c),
                           [d] "+&r"(d)
                         : [n] "r"(columns >> 2)
                         : "memory", "t0", "t1", "t2", "t3");
    }
    for (columns &= 3; columns > 0; --columns) {
        a = (int32_t)ec_max((uint32_t)a, (uint32_t)*scores++);
    }
    a = (int32_t)ec_max((uint32_t)a, (uint32_t)b);
    return (int32_t)ec_max((uint32_t)a, ec_max((uint32_t)c, (uint32_t)d));
}

#define EC_LIMIT(t) EC_ASM_MAX(t, t, "%[floor]")
#define EC_MULTIPLY(t) "mul " t "," t ",%[negative]\n"
#define EC_INDEX(t) EC_ASM_ADD_SHIFT(t, "%[top]", "%[shift]")
#define EC_LOOK_UP(t) EC_ASM_LBU_AT(t, "%[table]", t)
#define EC_EACH(macro) macro("t0") macro("t1") macro("t2") macro("t3")

/*
 * min(maximum - s, limit) is maximum - max(s, maximum - limit); its product with the multiplier is
 * computed modulo 2^32. p may overlay the scores: element c is read before byte c, which never lies
 * behind it, is written.
 */
static uint32_t weights(const ec_attention_softmax_args *a, const int32_t *scores, uint8_t *p)
{
    const int32_t maximum = row_maximum(scores, a->columns);
    const int32_t floor = maximum < INT32_MIN + a->limit ? INT32_MIN : maximum - a->limit;
    const uint32_t negative = 0u - (uint32_t)a->multiplier;
    const uint32_t top = (uint32_t)maximum * (uint32_t)a->multiplier;
    uint32_t sum = 0;
    if (a->columns >= 4) {
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 24)
                         EC_ASM_LW("t0", "4", "%[s]") EC_ASM_LW("t1", "4", "%[s]")
                         EC_ASM_LW("t2", "4", "%[s]") EC_ASM_LW("t3", "4", "%[s]")
                         EC_EACH(EC_LIMIT) EC_EACH(EC_MULTIPLY) EC_EACH(EC_INDEX)
                         EC_EACH(EC_LOOK_UP)
                         EC_ASM_PACKLO_B("t0", "t1", "t0") EC_ASM_PACKHI_B("t0", "t3", "t2")
                         EC_ASM_SDOTUP_B("%[sum]", "t0", "%[ones]")
                         EC_ASM_LAST EC_ASM_SW("t0", "4", "%[p]")
                         EC_ASM_END
                         : [s] "+&r"(scores), [p] "+&r"(p), [sum] "+&r"(sum)
                         : [n] "r"(a->columns >> 2), [floor] "r"(floor), [top] "r"(top),
                           [negative] "r"(negative), [shift] "r"(a->shift),
                           [table] "r"(a->exp_table), [ones] "r"(0x01010101)
                         : "memory", "t0", "t1", "t2", "t3");
    }
    for (uint32_t left = a->columns & 3; left > 0; --left) {
        const uint32_t score = ec_max((uint32_t)*scores++, (uint32_t)floor);
        const uint32_t index = ec_add_shift(score * negative, top, a->shift);
        const uint32_t weight = ec_lookup_u8(a->exp_table, index);
        *p++ = (uint8_t)weight;
        sum += weight;
    }
    return sum;
}

void ec_attention_softmax(const ec_attention_softmax_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_softmax_args a = *args;
    const uint32_t end = ec_share_start(a.rows, core + 1, cores);
    for (uint32_t r = ec_share_start(a.rows, core, cores); r < end; ++r) {
        a.sums[r] = (int32_t)weights(&a, a.scores + (size_t)r * a.scores_stride,
                                     a.p + (size_t)r * a.p_stride);
    }
}
