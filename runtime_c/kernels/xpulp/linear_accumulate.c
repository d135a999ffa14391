/* One part of a product whose depth is split: the sums of edgecomp/ops/q_linear.py. */
#include "product.h"

EC_PRODUCT_SUMS(to_sums, EC_ASM_DOTSP_B, EC_ASM_SDOTSP_B)
EC_PRODUCT_ADDED(to_added, EC_ASM_DOTSP_B, EC_ASM_SDOTSP_B)

static void finish_element(const void *context, uint32_t row, uint32_t column, int32_t sum)
{
    const ec_linear_accumulate_args *a = context;
    int32_t *acc = a->acc + (size_t)row * a->acc_stride + column;
    *acc = a->first ? sum : *acc + sum;
}

void ec_linear_accumulate(const ec_linear_accumulate_args *a, uint32_t core, uint32_t cores)
{
    const uint32_t row = 4 * a->acc_stride;
    const int32_t back = (int32_t)row - 12;
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
        .y = a->acc,
        .y_row = row,
        .y_column = 4,
        .y_step = 4,
        .y_back = back,
        .added = a->first ? NULL : a->acc,
        .added_row = row,
        .added_column = 4,
        .added_step = 4,
        .added_back = back,
        .element = finish_element,
        .context = a,
    };
    (a->first ? to_sums : to_added)(&product, core, cores);
}
