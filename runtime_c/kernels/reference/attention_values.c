/* Softmax weights times a block of interleaved values: edgecomp/ops/q_attention.py. */
#include "reference.h"

/* acc[e] += weights[j] * v[j, e] for four keys, in the order of ec_attention_interleave. */
static void four_keys(const uint8_t *weights, const int8_t *v, uint32_t stride, int32_t *acc,
                      uint32_t e, uint32_t end)
{
    for (; e < end; ++e) {
        const int8_t *four = v + (size_t)(e % 4) * stride + e / 4 * 4;
        acc[e] += weights[0] * four[0] + weights[1] * four[1] + weights[2] * four[2] +
                  weights[3] * four[3];
    }
}

static void one_key(int32_t weight, const int8_t *v, int32_t *acc, uint32_t e, uint32_t end)
{
    for (; e < end; ++e) {
        acc[e] += weight * v[e];
    }
}

void ec_attention_values(const ec_attention_values_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_values_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.depth, core, cores);
    const uint32_t whole = a.depth / 4 * 4; /* columns that are interleaved */
    const uint32_t middle = s.column_end < whole ? s.column_end : whole;
    const uint32_t rest = s.column > whole ? s.column : whole;
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const uint8_t *p = a.p + (size_t)r * a.p_stride + a.first_column;
        int32_t *acc = a.acc + (size_t)r * a.acc_stride;
        for (uint32_t e = s.column; a.first && e < s.column_end; ++e) {
            acc[e] = 0;
        }
        for (uint32_t c = 0; c < a.columns; ++c) {
            const int8_t *v = a.v + (size_t)c * a.v_stride;
            const uint32_t whole_keys = c < a.columns / 4 * 4;
            if (whole_keys && c % 4 == 0) {
                four_keys(p + c, v, a.v_stride, acc, s.column, middle);
            }
            one_key(p[c], v, acc, whole_keys ? rest : s.column, s.column_end);
        }
    }
}
