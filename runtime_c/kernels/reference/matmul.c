/* Product of two activations: edgecomp/ops/q_matmul.py. */
#include "reference.h"

void ec_matmul(const ec_matmul_args *args, uint32_t core, uint32_t cores)
{
    const ec_matmul_args p = *args;
    const ec_share s = ec_share_of(p.rows, p.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const int8_t *a = p.a + (size_t)r * p.a_stride;
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            int32_t sum = p.row_terms[r] + p.column_terms[c];
            sum += ec_dot(a, p.b + (size_t)c * p.b_stride, p.depth);
            int32_t value = ec_rescale(sum >> p.pre_shift, p.multiplier, p.bias, p.shift);
            ec_store(p.y, (size_t)r * p.y_stride + c, p.y_type, value);
        }
    }
}
