/* Another scale or element type: edgecomp/ops/q_requantize.py. */
#include "ec_xpulp.h"

#define EC_LOADS(load, size)                                                                    \
    load " t0,0(%[x])\n" load " t1," size "(%[x])\n" load " t2,2*" size "(%[x])\n"              \
    load " t3,3*" size "(%[x])\n addi %[x],%[x],4*" size "\n" /* 5 */
#define EC_MULTIPLY(t) "mul " t "," t ",%[multiplier]\n"
#define EC_SHIFT(t) EC_ASM_ADD_SHIFT(t, "%[bias]", "%[shift]")
#define EC_EACH(macro) macro("t0") macro("t1") macro("t2") macro("t3")
#define EC_BYTES                                                                                \
    EC_ASM_PACKLO_B("t0", "t1", "t0") EC_ASM_PACKHI_B("t0", "t3", "t2")                         \
    EC_ASM_LAST EC_ASM_SW("t0", "4", "%[y]") /* 3 */
#define EC_HALVES                                                                               \
    EC_ASM_PACK_H("t0", "t1", "t0") EC_ASM_PACK_H("t2", "t3", "t2")                             \
    EC_ASM_SW("t0", "4", "%[y]") EC_ASM_LAST EC_ASM_SW("t2", "4", "%[y]") /* 4 */

/* Four elements `quads` times, more than 0; advances both pointers. */
#define EC_QUADS(instructions, loads, clip, stores)                                             \
    __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", instructions)                       \
                     loads EC_EACH(EC_MULTIPLY) EC_EACH(EC_SHIFT) EC_EACH(clip) stores          \
                     EC_ASM_END                                                                 \
                     : [x] "+&r"(x), [y] "+&r"(y)                                               \
                     : [n] "r"(quads), [multiplier] "r"(a->multiplier), [bias] "r"(a->bias),    \
                       [shift] "r"(a->shift)                                                    \
                     : "memory", "t0", "t1", "t2", "t3")

/* From `type`, which is loaded with `loads`, to any type: the elements from x and y on. */
#define EC_REQUANTIZE_RUN(name, type, loads)                                                    \
    static void name(const ec_requantize_args *a, const void *from, void *to, uint32_t count)   \
    {                                                                                           \
        const type *x = from;                                                                   \
        uint8_t *y = to;                                                                        \
        const uint32_t quads = count >> 2;                                                      \
        if (quads == 0) {                                                                       \
        } else if (a->y_type == EC_I8) {                                                        \
            EC_QUADS(20, loads, EC_ASM_CLIP_I8, EC_BYTES);                                      \
        } else if (a->y_type == EC_U8) {                                                        \
            EC_QUADS(20, loads, EC_ASM_CLIP_U8, EC_BYTES);                                      \
        } else {                                                                                \
            EC_QUADS(21, loads, EC_ASM_CLIP_I16, EC_HALVES);                                    \
        }                                                                                       \
        for (uint32_t c = 0; c < (count & 3); ++c) {                                            \
            ec_store(y, c, a->y_type, ec_rescale(x[c], a->multiplier, a->bias, a->shift));      \
        }                                                                                       \
    }

EC_REQUANTIZE_RUN(run_i8, int8_t, EC_LOADS("lb", "1"))
EC_REQUANTIZE_RUN(run_u8, uint8_t, EC_LOADS("lbu", "1"))
EC_REQUANTIZE_RUN(run_i16, int16_t, EC_LOADS("lh", "2"))
EC_REQUANTIZE_RUN(run_i32, int32_t, EC_LOADS("lw", "4"))

/* Where x and y are dense, one long row: it splits evenly and has no remainders. */
void ec_requantize(const ec_requantize_args *args, uint32_t core, uint32_t cores)
{
    ec_requantize_args a = *args;
    if (a.x_stride == a.columns && a.y_stride == a.columns) {
        a.columns *= a.rows;
        a.rows = 1;
    }
    void (*const run)(const ec_requantize_args *, const void *, void *, uint32_t) =
        a.x_type == EC_I8    ? run_i8
        : a.x_type == EC_U8  ? run_u8
        : a.x_type == EC_I16 ? run_i16
                             : run_i32;
    const uint32_t x_bytes = a.x_type == EC_I32 ? 4 : a.x_type == EC_I16 ? 2 : 1;
    const uint32_t y_bytes = a.y_type == EC_I16 ? 2 : 1;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        run(&a, (const uint8_t *)a.x + ((size_t)r * a.x_stride + s.column) * x_bytes,
            (uint8_t *)a.y + ((size_t)r * a.y_stride + s.column) * y_bytes,
            s.column_end - s.column);
    }
}
