/* Weighted sum of two tensors: edgecomp/ops/q_add.py. */
#include "reference.h"

void ec_add(const ec_add_args *args, uint32_t core, uint32_t cores)
{
    const ec_add_args p = *args;
    const uint32_t rows = p.size[0] * p.size[1] * p.size[2];
    const ec_share s = ec_share_of(rows, p.size[3], core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const size_t a = ec_offset(r, p.size, p.a_stride, 3);
        const size_t b = ec_offset(r, p.size, p.b_stride, 3);
        const size_t y = ec_offset(r, p.size, p.y_stride, 3);
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            int32_t first = ec_load(p.a, a + (size_t)c * p.a_stride[3], p.a_type);
            int32_t second = ec_load(p.b, b + (size_t)c * p.b_stride[3], p.b_type);
            int32_t sum = first * p.multiplier_a + (second * p.multiplier_b + p.bias);
            ec_store(p.y, y + (size_t)c * p.y_stride[3], p.y_type, sum >> p.shift);
        }
    }
}
