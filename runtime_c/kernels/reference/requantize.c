/* Another scale or element type: edgecomp/ops/q_requantize.py. */
#include "reference.h"

void ec_requantize(const ec_requantize_args *args, uint32_t core, uint32_t cores)
{
    const ec_requantize_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            int32_t x = ec_load(a.x, (size_t)r * a.x_stride + c, a.x_type);
            int32_t value = ec_rescale(x, a.multiplier, a.bias, a.shift);
            ec_store(a.y, (size_t)r * a.y_stride + c, a.y_type, value);
        }
    }
}
