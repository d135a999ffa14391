/* Elementwise product: edgecomp/ops/q_mul.py. */
#include "elementwise.h"

/* k0, k1: zero points, k2: multiplier, k3: bias, k4: shift. */
EC_RUNS(mul_run, 9, "sub t0,t0,%[k0]\n sub t1,t1,%[k1]\n mul t0,t0,t1\n mul t0,t0,%[k2]\n"
        EC_ASM_ADD_SHIFT("t0", "%[k3]", "%[k4]"))

void ec_mul(const ec_mul_args *p, uint32_t core, uint32_t cores)
{
    const int32_t constants[5] = {p->zero_a, p->zero_b, p->multiplier, p->bias,
                                  (int32_t)p->shift};
    const ec_elementwise e = {
        .a = p->a,
        .b = p->b,
        .y = p->y,
        .size = p->size,
        .a_stride = p->a_stride,
        .b_stride = p->b_stride,
        .y_stride = p->y_stride,
        .types = ec_types_of(p->a_type, p->b_type, p->y_type),
        .function = mul_run,
        .constants = constants,
    };
    ec_elementwise_share(&e, core, cores);
}
