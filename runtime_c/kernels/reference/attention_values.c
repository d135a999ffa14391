/* Softmax weights times a block of values: edgecomp/ops/q_attention.py. */
#include "reference.h"

void ec_attention_values(const ec_attention_values_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_values_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.depth, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const uint8_t *p = a.p + (size_t)r * a.p_stride + a.first_column;
        int32_t *acc = a.acc + (size_t)r * a.acc_stride;
        for (uint32_t e = s.column; a.first && e < s.column_end; ++e) {
            acc[e] = 0;
        }
        for (uint32_t c = 0; c < a.columns; ++c) {
            const int8_t *v = a.v + (size_t)c * a.v_stride;
            const int32_t weight = p[c];
            for (uint32_t e = s.column; e < s.column_end; ++e) {
                acc[e] += weight * v[e];
            }
        }
    }
}
