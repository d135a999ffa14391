/* One part of a product whose depth is split: the sums of edgecomp/ops/q_linear.py. */
#include "product.h"

static __attribute__((noinline)) void run(ec_strip *strip)
{
    EC_STRIP_RUN(strip, EC_ASM_SDOTSP_B, EC_ASM_FINISH_SUMS);
}

static void finish_element(const void *context, uint32_t row, uint32_t column, int32_t sum)
{
    const ec_linear_accumulate_args *a = context;
    int32_t *acc = a->acc + (size_t)row * a->acc_stride + column;
    *acc = a->first ? sum : *acc + sum;
}

void ec_linear_accumulate(const ec_linear_accumulate_args *args, uint32_t core, uint32_t cores)
{
    const ec_linear_accumulate_args a = *args;
    const ec_product product = {a.x,     a.w,        a.rows,    a.columns,
                                a.depth, a.x_stride, a.w_stride};
    const ec_strip output = {.y = a.acc,
                             .y_step = 4 * a.acc_stride,
                             .y_next = 16,
                             .added = a.first ? NULL : a.acc,
                             .added_step = 4 * a.acc_stride,
                             .target = a.first ? EC_TO_SUMS : EC_TO_ADDED};
    ec_product_run(&product, core, cores, &output, 4, &a, run, run, finish_element);
}
