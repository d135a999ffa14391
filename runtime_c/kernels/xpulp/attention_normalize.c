/* Weighted sums to averages to outputs: edgecomp/ops/q_attention.py. */
#include "ec_xpulp.h"

enum { SUM_BITS = 10, DIVISOR_SHIFT = 9 };

/* What is the same in all of a row. */
typedef struct {
    int32_t offset, scale;
    uint32_t shift;
} averaging;

EC_INLINE averaging averaging_of(const ec_attention_normalize_args *a, uint32_t row)
{
    const uint32_t sum = (uint32_t)a->sums[row];
    const int32_t bits = (int32_t)ec_highest_bit(sum) + 1;
    const uint32_t shift = bits > SUM_BITS ? (uint32_t)(bits - SUM_BITS) : 0;
    const uint32_t divisor = (sum << DIVISOR_SHIFT) >> shift;
    const uint32_t scale = ((uint32_t)a->multiplier + (divisor >> 1)) / divisor;
    return (averaging){-a->v_zero * (int32_t)sum, (int32_t)scale, shift};
}

#define EC_AVERAGE(t) EC_ASM_ADD_ROUND(t, "%[offset]", "%[k]")
#define EC_SCALE(t) "mul " t "," t ",%[scale]\n"
#define EC_REQUANTIZE(t) EC_ASM_ADD_SHIFT(t, "%[bias]", "%[shift]")
#define EC_EACH(macro) macro("t0") macro("t1") macro("t2") macro("t3")
#define EC_STORE_BYTES                                                                          \
    EC_ASM_PACKLO_B("t0", "t1", "t0") EC_ASM_PACKHI_B("t0", "t3", "t2")                         \
    EC_ASM_LAST EC_ASM_SW("t0", "4", "%[y]") /* 3 */
#define EC_STORE_HALVES                                                                         \
    "sh t0,0(%[y])\n sh t1,2(%[y])\n sh t2,4(%[y])\n sh t3,6(%[y])\n"                           \
    EC_ASM_LAST "addi %[y],%[y],8\n" /* 5 */

/* The first 4 * quads elements; acc and y are advanced. */
#define EC_AVERAGE_QUADS(name, type, instructions, clip, store)                                 \
    EC_INLINE void name(const ec_attention_normalize_args *a, averaging by,                     \
                        const int32_t *acc, type *y, uint32_t quads)                            \
    {                                                                                           \
        __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", instructions)                   \
                         EC_ASM_LW("t0", "4", "%[acc]") EC_ASM_LW("t1", "4", "%[acc]")          \
                         EC_ASM_LW("t2", "4", "%[acc]") EC_ASM_LW("t3", "4", "%[acc]")          \
                         EC_EACH(EC_AVERAGE) EC_EACH(EC_SCALE) EC_EACH(EC_REQUANTIZE)           \
                         EC_EACH(clip) store EC_ASM_END                                         \
                         : [acc] "+&r"(acc), [y] "+&r"(y)                                       \
                         : [n] "r"(quads), [offset] "r"(by.offset), [k] "r"(by.shift),          \
                           [scale] "r"(by.scale), [bias] "r"(a->bias), [shift] "r"(a->shift)    \
                         : "memory", "t0", "t1", "t2", "t3");                                   \
    }

EC_AVERAGE_QUADS(quads_i8, int8_t, 23, EC_ASM_CLIP_I8, EC_STORE_BYTES)
EC_AVERAGE_QUADS(quads_u8, uint8_t, 23, EC_ASM_CLIP_U8, EC_STORE_BYTES)
EC_AVERAGE_QUADS(quads_i16, int16_t, 25, EC_ASM_CLIP_I16, EC_STORE_HALVES)

void ec_attention_normalize(const ec_attention_normalize_args *args, uint32_t core,
                            uint32_t cores)
{
    const ec_attention_normalize_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.depth, core, cores);
    const uint32_t quads = (s.column_end - s.column) >> 2;
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const averaging by = averaging_of(&a, r);
        const int32_t *acc = a.acc + (size_t)r * a.acc_stride;
        const size_t y = (size_t)r * a.y_stride;
        if (quads == 0) {
        } else if (a.y_type == EC_I8) {
            quads_i8(&a, by, acc + s.column, (int8_t *)a.y + y + s.column, quads);
        } else if (a.y_type == EC_U8) {
            quads_u8(&a, by, acc + s.column, (uint8_t *)a.y + y + s.column, quads);
        } else {
            quads_i16(&a, by, acc + s.column, (int16_t *)a.y + y + s.column, quads);
        }
        for (uint32_t e = s.column + 4 * quads; e < s.column_end; ++e) {
            const uint32_t average =
                ec_add_round((uint32_t)acc[e], (uint32_t)by.offset, by.shift);
            ec_store(a.y, y + e, a.y_type,
                     ec_rescale((int32_t)average, by.scale, a.bias, a.shift));
        }
    }
}
