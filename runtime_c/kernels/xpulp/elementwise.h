/* What ec_add and ec_mul share: runs of elements of any type, and which of them a core computes. */
#ifndef EDGECOMP_XPULP_ELEMENTWISE_H
#define EDGECOMP_XPULP_ELEMENTWISE_H

#include "ec_xpulp.h"

/* A run of `count` > 0 elements; steps are in bytes. `constants`: numbers of the kernel. */
typedef struct {
    const uint8_t *a, *b;
    uint8_t *y;
    uint32_t a_step, b_step, y_step, count;
    const int32_t *constants;
} ec_run;

typedef void ec_run_function(const ec_run *run);

/* Both loads to t0 and t1, `steps` of `instructions` lines from there to t0, which is clipped. */
#define EC_RUN(name, load_a, load_b, instructions, steps, clip, store)                          \
    static __attribute__((noinline)) void name(const ec_run *run)                               \
    {                                                                                           \
        const uint8_t *a = run->a, *b = run->b;                                                 \
        uint8_t *y = run->y;                                                                    \
        const int32_t *k = run->constants;                                                      \
        __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", instructions)                   \
                         load_a("t0", "%[a_step]", "%[a]") load_b("t1", "%[b_step]", "%[b]")    \
                         steps clip("t0") EC_ASM_LAST store("t0", "%[y_step]", "%[y]")          \
                         EC_ASM_END                                                             \
                         : [a] "+&r"(a), [b] "+&r"(b), [y] "+&r"(y)                             \
                         : [n] "r"(run->count), [a_step] "r"(run->a_step),                      \
                           [b_step] "r"(run->b_step), [y_step] "r"(run->y_step),                \
                           [k0] "r"(k[0]), [k1] "r"(k[1]), [k2] "r"(k[2]), [k3] "r"(k[3]),      \
                           [k4] "r"(k[4])                                                       \
                         : "memory", "t0", "t1");                                               \
    }

/* The functions of every combination of types, and `name`_of, which finds one. */
#define EC_RUNS_TO(name, y, count, steps, clip, store)                                          \
    EC_RUN(name##_i8_i8_##y, EC_ASM_LB_R, EC_ASM_LB_R, count, steps, clip, store)               \
    EC_RUN(name##_i8_i16_##y, EC_ASM_LB_R, EC_ASM_LH_R, count, steps, clip, store)              \
    EC_RUN(name##_i16_i8_##y, EC_ASM_LH_R, EC_ASM_LB_R, count, steps, clip, store)              \
    EC_RUN(name##_i16_i16_##y, EC_ASM_LH_R, EC_ASM_LH_R, count, steps, clip, store)
#define EC_RUNS(name, count, steps)                                                             \
    EC_RUNS_TO(name, i8, count, steps, EC_ASM_CLIP_I8, EC_ASM_SB_R)                             \
    EC_RUNS_TO(name, u8, count, steps, EC_ASM_CLIP_U8, EC_ASM_SB_R)                             \
    EC_RUNS_TO(name, i16, count, steps, EC_ASM_CLIP_I16, EC_ASM_SH_R)                           \
    static ec_run_function *name##_of(ec_type a, ec_type b, ec_type y)                          \
    {                                                                                           \
        if (y == EC_I8) {                                                                       \
            return a == EC_I8 ? (b == EC_I8 ? name##_i8_i8_i8 : name##_i8_i16_i8)               \
                              : (b == EC_I8 ? name##_i16_i8_i8 : name##_i16_i16_i8);            \
        }                                                                                       \
        if (y == EC_U8) {                                                                       \
            return a == EC_I8 ? (b == EC_I8 ? name##_i8_i8_u8 : name##_i8_i16_u8)               \
                              : (b == EC_I8 ? name##_i16_i8_u8 : name##_i16_i16_u8);            \
        }                                                                                       \
        return a == EC_I8 ? (b == EC_I8 ? name##_i8_i8_i16 : name##_i8_i16_i16)                 \
                          : (b == EC_I8 ? name##_i16_i8_i16 : name##_i16_i16_i16);              \
    }

/* Operands and result of four axes. */
typedef struct {
    const void *a, *b;
    void *y;
    const uint32_t *size, *a_stride, *b_stride, *y_stride;
    uint32_t a_bytes, b_bytes, y_bytes; /* of an element */
    ec_run_function *function;
    const int32_t *constants;
} ec_elementwise;

/* Elements [index, end) in the order of the result: the rest of a row, then rows. */
static void ec_elementwise_range(const ec_elementwise *e, uint32_t index, uint32_t end)
{
    const uint32_t columns = e->size[3];
    uint32_t row = index / columns;
    uint32_t column = index - row * columns;
    for (; index < end; ++row, column = 0) {
        const uint32_t left = columns - column;
        const uint32_t count = end - index < left ? end - index : left;
        const size_t a = ec_offset(row, e->size, e->a_stride, 3) + column * e->a_stride[3];
        const size_t b = ec_offset(row, e->size, e->b_stride, 3) + column * e->b_stride[3];
        const size_t y = ec_offset(row, e->size, e->y_stride, 3) + column * e->y_stride[3];
        const ec_run run = {(const uint8_t *)e->a + a * e->a_bytes,
                            (const uint8_t *)e->b + b * e->b_bytes,
                            (uint8_t *)e->y + y * e->y_bytes,
                            e->a_stride[3] * e->a_bytes,
                            e->b_stride[3] * e->b_bytes,
                            e->y_stride[3] * e->y_bytes,
                            count,
                            e->constants};
        e->function(&run);
        index += count;
    }
}

/* The core's share; cores start in different banks where their shares start in the same one. */
static void ec_elementwise_share(const ec_elementwise *e, uint32_t core, uint32_t cores)
{
    const uint32_t total = e->size[0] * e->size[1] * e->size[2] * e->size[3];
    const uint32_t start = ec_share_start(total, core, cores);
    const uint32_t end = ec_share_start(total, core + 1, cores);
    const uint32_t turned = start + 4 * core < end ? start + 4 * core : start;
    ec_elementwise_range(e, turned, end);
    ec_elementwise_range(e, start, turned);
}

EC_INLINE uint32_t ec_bytes_of(ec_type type)
{
    return type == EC_I16 ? 2 : 1;
}

#endif
