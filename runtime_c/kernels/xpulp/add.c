/* Weighted sum of two tensors: edgecomp/ops/q_add.py. */
#include "elementwise.h"

/*
 * y = saturate(a + b): the residual stream. Two elements at a time: b is clipped to what still fits
 * beside a, [-32768 - min(a, 0), 32767 - max(a, 0)].
 */
static void add_saturated(const int16_t *a, const int16_t *b, int16_t *y, uint32_t count)
{
    const uint32_t pairs = count >> 1;
    if (pairs > 0) {
        __asm__ volatile(EC_ASM_BEGIN ".balign 16\n"
                         EC_ASM_LOOP("x0", "%[n]", 10)
                         EC_ASM_LW("t0", "4", "%[a]")
                         EC_ASM_LW("t1", "4", "%[b]")
                         EC_ASM_MAX_H("t2", "t0", "zero")
                         EC_ASM_MIN_H("t3", "t0", "zero")
                         EC_ASM_SUB_H("t2", "%[high]", "t2")
                         EC_ASM_SUB_H("t3", "%[low]", "t3")
                         EC_ASM_MIN_H("t1", "t1", "t2")
                         EC_ASM_MAX_H("t1", "t1", "t3")
                         EC_ASM_ADD_H("t0", "t0", "t1")
                         EC_ASM_LAST EC_ASM_SW("t0", "4", "%[y]")
                         EC_ASM_END
                         : [a] "+&r"(a), [b] "+&r"(b), [y] "+&r"(y)
                         : [n] "r"(pairs), [high] "r"(0x7fff7fff), [low] "r"(0x80008000)
                         : "memory", "t0", "t1", "t2", "t3");
    }
    if (count & 1) {
        *y = (int16_t)ec_clip_i16(*a + *b);
    }
}

/* k0, k1: multipliers, k2: bias, k3: shift. */
EC_RUNS(add_run, 7, "mul t0,t0,%[k0]\n" EC_ASM_MAC("t0", "t1", "%[k1]")
        EC_ASM_ADD_SHIFT("t0", "%[k2]", "%[k3]"))

static __attribute__((noinline)) void add_any(const ec_add_args *p, uint32_t core, uint32_t cores)
{
    const int32_t constants[5] = {p->multiplier_a, p->multiplier_b, p->bias, (int32_t)p->shift, 0};
    const ec_elementwise e = {
        .a = p->a,
        .b = p->b,
        .y = p->y,
        .size = p->size,
        .a_stride = p->a_stride,
        .b_stride = p->b_stride,
        .y_stride = p->y_stride,
        .types = ec_types_of(p->a_type, p->b_type, p->y_type),
        .function = add_run,
        .constants = constants,
    };
    ec_elementwise_share(&e, core, cores);
}

/* Axes that follow each other in memory in all three tensors become one. */
static void merge_axes(ec_add_args *p)
{
    for (uint32_t axis = 3; axis-- > 0;) {
        const uint32_t size = p->size[3];
        if (p->size[axis] != 1 && (p->a_stride[axis] != size || p->b_stride[axis] != size ||
                                   p->y_stride[axis] != size)) {
            return;
        }
        p->size[3] *= p->size[axis];
        p->size[axis] = 1;
    }
}

void ec_add(const ec_add_args *args, uint32_t core, uint32_t cores)
{
    ec_add_args p = *args;
    const int dense = p.a_stride[3] == 1 && p.b_stride[3] == 1 && p.y_stride[3] == 1;
    const int plain = p.a_type == EC_I16 && p.b_type == EC_I16 && p.y_type == EC_I16 &&
                      p.multiplier_a == 1 && p.multiplier_b == 1 && p.bias == 0 && p.shift == 0;
    if (dense) {
        merge_axes(&p);
    }
    if (!dense || !plain) {
        add_any(&p, core, cores);
        return;
    }
    const ec_share s = ec_share_of(p.size[0] * p.size[1] * p.size[2], p.size[3], core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const size_t a = ec_offset(r, p.size, p.a_stride, 3) + s.column;
        const size_t b = ec_offset(r, p.size, p.b_stride, 3) + s.column;
        const size_t y = ec_offset(r, p.size, p.y_stride, 3) + s.column;
        const uint32_t count = s.column_end - s.column;
        /* Cores start in different banks where their shares start in the same one. */
        const uint32_t turn = 4 * core < count ? 4 * core : 0;
        const int16_t *first = (const int16_t *)p.a + a;
        const int16_t *second = (const int16_t *)p.b + b;
        int16_t *result = (int16_t *)p.y + y;
        add_saturated(first + turn, second + turn, result + turn, count - turn);
        add_saturated(first, second, result, turn);
    }
}
