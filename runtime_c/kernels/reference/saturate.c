/* What an accelerator leaves of a product to the cores: the end of edgecomp/ops/q_linear.py. */
#include "reference.h"

void ec_saturate(const ec_saturate_args *args, uint32_t core, uint32_t cores)
{
    const ec_saturate_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            const int16_t *residual =
                a.residual == NULL ? NULL : a.residual + (size_t)r * a.residual_stride + c;
            ec_finish(a.y, (size_t)r * a.y_stride + c, EC_I16, a.x[(size_t)r * a.x_stride + c],
                      NULL, residual);
        }
    }
}
