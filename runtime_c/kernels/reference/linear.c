/* y = requantize(x . w^T) with optional table or residual: edgecomp/ops/q_linear.py. */
#include "reference.h"

void ec_linear(const ec_linear_args *args, uint32_t core, uint32_t cores)
{
    const ec_linear_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const int8_t *x = a.x + (size_t)r * a.x_stride;
        const int16_t *residual =
            a.residual == NULL ? NULL : a.residual + (size_t)r * a.residual_stride;
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            int32_t acc = ec_dot(x, a.w + (size_t)c * a.w_stride, a.depth);
            int32_t value = ec_rescale(acc, a.multiplier[c], a.bias[c], a.shift);
            ec_finish(a.y, (size_t)r * a.y_stride + c, a.y_type, value, a.table,
                      residual == NULL ? NULL : residual + c);
        }
    }
}
