/* What zero points add to the sums of a product: edgecomp/ops/q_matmul.py. */
#include "reference.h"

void ec_matmul_terms(const ec_matmul_terms_args *args, uint32_t core, uint32_t cores)
{
    const ec_matmul_terms_args p = *args;
    const uint32_t end = ec_share_start(p.rows, core + 1, cores);
    for (uint32_t r = ec_share_start(p.rows, core, cores); r < end; ++r) {
        const int8_t *x = p.x + (size_t)r * p.x_stride;
        int32_t sum = 0;
        for (uint32_t i = 0; i < p.depth; ++i) {
            sum += x[i];
        }
        p.terms[r] = p.offset + p.factor * sum;
    }
}
