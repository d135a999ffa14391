/* y = requantize(x . w^T) with optional table or residual: edgecomp/ops/q_linear.py. */
#include "product.h"

EC_PRODUCT_RESCALED(to_i8, EC_ASM_FINISH_I8)
EC_PRODUCT_RESCALED(to_u8, EC_ASM_FINISH_U8)
EC_PRODUCT_RESCALED(to_i16, EC_ASM_FINISH_I16)
EC_PRODUCT_RESCALED(to_table, EC_ASM_FINISH_TABLE)
EC_PRODUCT_RESIDUAL(to_residual)

static void finish_element(const void *context, uint32_t row, uint32_t column, int32_t sum)
{
    const ec_linear_args *a = context;
    const int32_t value = ec_rescale(sum, a->multiplier[column], a->bias[column], a->shift);
    const int16_t *residual =
        a->residual == NULL ? NULL : a->residual + (size_t)row * a->residual_stride + column;
    ec_finish(a->y, (size_t)row * a->y_stride + column, a->y_type, value, a->table, residual);
}

static ec_product_function *function_for(const ec_linear_args *a)
{
    if (a->table != NULL) {
        return to_table;
    }
    if (a->residual != NULL) {
        return to_residual;
    }
    return a->y_type == EC_I8 ? to_i8 : a->y_type == EC_U8 ? to_u8 : to_i16;
}

void ec_linear(const ec_linear_args *a, uint32_t core, uint32_t cores)
{
    const uint32_t bytes = a->y_type == EC_I16 ? 2 : 1;
    const uint32_t row = a->y_stride * bytes;
    const uint32_t residual_row = 2 * a->residual_stride;
    const ec_product product = {
        .a = a->x,
        .b = a->w,
        .rows = a->rows,
        .columns = a->columns,
        .depth = a->depth,
        .a_stride = a->x_stride,
        .b_stride = a->w_stride,
        .b_step = a->w_stride,
        .b_back = 4 - 3 * (int32_t)a->w_stride,
        .multiplier = a->multiplier,
        .bias = a->bias,
        .shift = a->shift,
        .y = a->y,
        .y_row = row,
        .y_column = bytes,
        .y_back = (int32_t)(bytes == 2 ? row - 4 : row),
        .added = a->table != NULL ? (const void *)(a->table + 128) : a->residual,
        .added_row = residual_row,
        .added_column = 2,
        .added_back = (int32_t)residual_row - 4,
        .element = finish_element,
        .context = a,
    };
    function_for(a)(&product, core, cores);
}
