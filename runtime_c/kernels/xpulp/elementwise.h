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
    uint32_t types; /* as ec_types_of says */
} ec_run;

typedef void ec_run_function(const ec_run *run);

enum { EC_B_WIDE = 1, EC_A_WIDE = 2, EC_Y_U8 = 4, EC_Y_I16 = 8 };

EC_INLINE uint32_t ec_types_of(ec_type a, ec_type b, ec_type y)
{
    return (a == EC_I16 ? EC_A_WIDE : 0u) | (b == EC_I16 ? EC_B_WIDE : 0u) |
           (y == EC_I16 ? EC_Y_I16 : y == EC_U8 ? EC_Y_U8 : 0u);
}

/* Both loads to t0 and t1, `steps` of `instructions` lines from there to t0, which is clipped. */
#define EC_RUN(types, load_a, load_b, instructions, steps, clip, store)                         \
    case types:                                                                                 \
        __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", instructions)                   \
                         load_a("t0", "%[a_step]", "%[a]") load_b("t1", "%[b_step]", "%[b]")    \
                         steps clip("t0") EC_ASM_LAST store("t0", "%[y_step]", "%[y]")          \
                         EC_ASM_END                                                             \
                         : [a] "+&r"(a), [b] "+&r"(b), [y] "+&r"(y)                             \
                         : [n] "r"(count), [a_step] "r"(a_step), [b_step] "r"(b_step),          \
                           [y_step] "r"(y_step), [k0] "r"(k0), [k1] "r"(k1), [k2] "r"(k2),      \
                           [k3] "r"(k3), [k4] "r"(k4)                                           \
                         : "memory", "t0", "t1");                                               \
        break;
#define EC_RUNS_TO(y, count, steps, clip, store)                                                \
    EC_RUN(y, EC_ASM_LB_R, EC_ASM_LB_R, count, steps, clip, store)                              \
    EC_RUN(y + EC_B_WIDE, EC_ASM_LB_R, EC_ASM_LH_R, count, steps, clip, store)                  \
    EC_RUN(y + EC_A_WIDE, EC_ASM_LH_R, EC_ASM_LB_R, count, steps, clip, store)                  \
    EC_RUN(y + EC_A_WIDE + EC_B_WIDE, EC_ASM_LH_R, EC_ASM_LH_R, count, steps, clip, store)

/* The function `name` for runs of all types; one prologue for all of them saves code. */
#define EC_RUNS(name, instructions, steps)                                                      \
    static __attribute__((noinline)) void name(const ec_run *run)                               \
    {                                                                                           \
        const uint8_t *a = run->a, *b = run->b;                                                 \
        uint8_t *y = run->y;                                                                    \
        const uint32_t a_step = run->a_step, b_step = run->b_step, y_step = run->y_step;        \
        const uint32_t count = run->count;                                                      \
        const int32_t *k = run->constants;                                                      \
        const int32_t k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4];                    \
        switch (run->types) {                                                                   \
            EC_RUNS_TO(0, instructions, steps, EC_ASM_CLIP_I8, EC_ASM_SB_R)                     \
            EC_RUNS_TO(EC_Y_U8, instructions, steps, EC_ASM_CLIP_U8, EC_ASM_SB_R)               \
            EC_RUNS_TO(EC_Y_I16, instructions, steps, EC_ASM_CLIP_I16, EC_ASM_SH_R)             \
        }                                                                                       \
    }

/* Operands and result of four axes. */
typedef struct {
    const void *a, *b;
    void *y;
    const uint32_t *size, *a_stride, *b_stride, *y_stride;
    uint32_t types; /* as ec_types_of says */
    ec_run_function *function;
    const int32_t *constants;
} ec_elementwise;

/* Elements [index, end) in the order of the result: the rest of a row, then rows. */
static __attribute__((noinline)) void ec_elementwise_range(const ec_elementwise *e, uint32_t index, uint32_t end)
{
    const uint32_t columns = e->size[3];
    const uint32_t a_wide = (e->types & EC_A_WIDE) != 0, b_wide = (e->types & EC_B_WIDE) != 0;
    const uint32_t y_wide = (e->types & EC_Y_I16) != 0;
    uint32_t row = index / columns;
    uint32_t column = index - row * columns;
    for (; index < end; ++row, column = 0) {
        const uint32_t left = columns - column;
        const uint32_t count = end - index < left ? end - index : left;
        const size_t a = ec_offset(row, e->size, e->a_stride, 3) + column * e->a_stride[3];
        const size_t b = ec_offset(row, e->size, e->b_stride, 3) + column * e->b_stride[3];
        const size_t y = ec_offset(row, e->size, e->y_stride, 3) + column * e->y_stride[3];
        const ec_run run = {(const uint8_t *)e->a + (a << a_wide),
                            (const uint8_t *)e->b + (b << b_wide),
                            (uint8_t *)e->y + (y << y_wide),
                            e->a_stride[3] << a_wide,
                            e->b_stride[3] << b_wide,
                            e->y_stride[3] << y_wide,
                            count,
                            e->constants,
                            e->types};
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

#endif
