/* y = requantize(x . w^T) with optional table or residual: edgecomp/ops/q_linear.py. */
#include "product.h"

static __attribute__((noinline)) void run_whole(ec_strip *strip)
{
    EC_STRIP_RUN(strip, EC_ASM_SDOTSP_B, EC_ASM_FINISH_RESCALED);
}

static __attribute__((noinline)) void run_edge(ec_strip *strip)
{
    EC_STRIP_RUN(strip, EC_ASM_SDOTSP_B, EC_ASM_FINISH_SUMS);
}

static void finish_element(const void *context, uint32_t row, uint32_t column, int32_t sum)
{
    const ec_linear_args *a = context;
    const int32_t value = ec_rescale(sum, a->multiplier[column], a->bias[column], a->shift);
    const int16_t *residual =
        a->residual == NULL ? NULL : a->residual + (size_t)row * a->residual_stride + column;
    ec_finish(a->y, (size_t)row * a->y_stride + column, a->y_type, value, a->table, residual);
}

void ec_linear(const ec_linear_args *args, uint32_t core, uint32_t cores)
{
    const ec_linear_args a = *args;
    const ec_product product = {a.x,     a.w,        a.rows,    a.columns,
                                a.depth, a.x_stride, a.w_stride};
    const uint32_t bytes = a.y_type == EC_I16 ? 2 : 1;
    ec_strip output = {.multiplier = a.multiplier,
                       .bias = a.bias,
                       .shift = a.shift,
                       .y = a.y,
                       .y_step = a.y_stride * bytes,
                       .y_next = 4 * bytes,
                       .table_middle = a.table + 128,
                       .added = a.residual,
                       .added_step = a.residual_stride * 2};
    output.target = a.table != NULL      ? EC_TO_TABLE
                    : a.residual != NULL ? EC_TO_RESIDUAL
                    : a.y_type == EC_I8  ? EC_TO_I8
                    : a.y_type == EC_U8  ? EC_TO_U8
                                         : EC_TO_I16;
    ec_product_run(&product, core, cores, &output, 2, &a, run_whole, run_edge, finish_element);
}
