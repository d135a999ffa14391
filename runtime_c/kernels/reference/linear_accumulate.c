/* acc (+)= x . w^T: a part of the depth of a linear layer. */
#include "reference.h"

void ec_linear_accumulate(const ec_linear_accumulate_args *args, uint32_t core, uint32_t cores)
{
    const ec_linear_accumulate_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const int8_t *x = a.x + (size_t)r * a.x_stride;
        int32_t *acc = a.acc + (size_t)r * a.acc_stride;
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            int32_t sum = ec_dot(x, a.w + (size_t)c * a.w_stride, a.depth);
            acc[c] = a.first ? sum : acc[c] + sum;
        }
    }
}
