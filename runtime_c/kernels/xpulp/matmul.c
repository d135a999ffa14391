/* Product of two activations: edgecomp/ops/q_matmul.py. */
#include "product.h"

EC_PRODUCT_TERMS(to_i8, EC_ASM_I8_ROW)
EC_PRODUCT_TERMS(to_u8, EC_ASM_U8_ROW)
EC_PRODUCT_TERMS(to_i16, EC_ASM_I16_ROW)

static void finish_element(const void *context, uint32_t row, uint32_t column, int32_t sum)
{
    const ec_matmul_args *a = context;
    const int32_t acc = (sum + a->row_terms[row] + a->column_terms[column]) >> a->pre_shift;
    const int32_t value = ec_rescale(acc, a->multiplier, a->bias, a->shift);
    ec_store(a->y, (size_t)row * a->y_stride + column, a->y_type, value);
}

void ec_matmul(const ec_matmul_args *a, uint32_t core, uint32_t cores)
{
    const uint32_t bytes = a->y_type == EC_I16 ? 2 : 1;
    const uint32_t row = a->y_stride * bytes;
    const int32_t scale[3] = {a->multiplier, a->bias, (int32_t)a->pre_shift};
    const ec_product product = {
        .a = a->a,
        .b = a->b,
        .rows = a->rows,
        .columns = a->columns,
        .depth = (a->depth + 3) & ~3u,
        .a_stride = a->a_stride,
        .b_stride = a->b_stride,
        .b_step = a->b_stride,
        .b_back = 4 - 3 * (int32_t)a->b_stride,
        .multiplier = scale,
        .bias = a->column_terms,
        .shift = a->shift,
        .y = a->y,
        .y_row = row,
        .y_column = bytes,
        .y_back = (int32_t)(bytes == 2 ? row - 4 : row),
        .added = a->row_terms,
        .added_row = 4,
        .element = finish_element,
        .context = a,
    };
    (a->y_type == EC_I8 ? to_i8 : a->y_type == EC_U8 ? to_u8 : to_i16)(&product, core, cores);
}
