/* The right operand of a product, by columns: edgecomp/ops/q_matmul.py. */
#include "reference.h"

void ec_matmul_pack(const ec_matmul_pack_args *args, uint32_t core, uint32_t cores)
{
    const ec_matmul_pack_args p = *args;
    const size_t column_step = p.transpose_b ? p.b_stride : 1;
    const size_t depth_step = p.transpose_b ? 1 : p.b_stride;
    const uint32_t padded = (p.depth + 3) / 4 * 4;
    const uint32_t end = ec_share_start(p.columns, core + 1, cores);
    for (uint32_t c = ec_share_start(p.columns, core, cores); c < end; ++c) {
        int8_t *y = p.y + (size_t)c * p.y_stride;
        for (uint32_t i = 0; i < padded; ++i) {
            y[i] = i < p.depth ? p.b[c * column_step + i * depth_step] : 0;
        }
    }
}
