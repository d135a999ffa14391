/* Product of two activations: edgecomp/ops/q_matmul.py. */
#include "reference.h"

enum { BLOCK = 32 };

/* acc[j] = sum_i (a[i] - zero_a) * (b[i, column + j] - zero_b), j < count <= BLOCK */
static void accumulate(const ec_matmul_args *p, const int8_t *a, uint32_t column, uint32_t count,
                       int32_t *acc)
{
    const size_t step = p->transpose_b ? p->b_stride : 1;
    const size_t depth_step = p->transpose_b ? 1 : p->b_stride;
    for (uint32_t j = 0; j < count; ++j) {
        acc[j] = 0;
    }
    for (uint32_t i = 0; i < p->depth; ++i) {
        const int8_t *b = p->b + i * depth_step + column * step;
        const int32_t factor = a[i] - p->zero_a;
        for (uint32_t j = 0; j < count; ++j) {
            acc[j] += factor * (b[j * step] - p->zero_b);
        }
    }
}

void ec_matmul(const ec_matmul_args *args, uint32_t core, uint32_t cores)
{
    const ec_matmul_args p = *args;
    const ec_share s = ec_share_of(p.rows, p.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        for (uint32_t c = s.column; c < s.column_end; c += BLOCK) {
            int32_t acc[BLOCK];
            uint32_t count = s.column_end - c < BLOCK ? s.column_end - c : BLOCK;
            accumulate(&p, p.a + (size_t)r * p.a_stride, c, count, acc);
            for (uint32_t j = 0; j < count; ++j) {
                int32_t sum = ec_round_shift(acc[j], p.pre_shift);
                int32_t value = ec_rescale(sum, p.multiplier, p.bias, p.shift);
                ec_store(p.y, (size_t)r * p.y_stride + c + j, p.y_type, value);
            }
        }
    }
}
