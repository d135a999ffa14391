/* Elementwise product: edgecomp/ops/q_mul.py. */
#include "reference.h"

void ec_mul(const ec_mul_args *args, uint32_t core, uint32_t cores)
{
    const ec_mul_args p = *args;
    const uint32_t rows = p.size[0] * p.size[1] * p.size[2];
    const ec_share s = ec_share_of(rows, p.size[3], core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const size_t a = ec_offset(r, p.size, p.a_stride, 3);
        const size_t b = ec_offset(r, p.size, p.b_stride, 3);
        const size_t y = ec_offset(r, p.size, p.y_stride, 3);
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            int32_t first = ec_load(p.a, a + (size_t)c * p.a_stride[3], p.a_type) - p.zero_a;
            int32_t second = ec_load(p.b, b + (size_t)c * p.b_stride[3], p.b_type) - p.zero_b;
            int32_t value = ec_rescale(first * second, p.multiplier, p.bias, p.shift);
            ec_store(p.y, y + (size_t)c * p.y_stride[3], p.y_type, value);
        }
    }
}
