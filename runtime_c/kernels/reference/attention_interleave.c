/* The order in which ec_attention_values reads values: blocks of four by four, transposed. */
#include "reference.h"

static void transpose(int8_t *block, uint32_t stride)
{
    for (uint32_t j = 0; j < 4; ++j) {
        for (uint32_t l = 0; l < j; ++l) {
            const int8_t below = block[(size_t)j * stride + l];
            block[(size_t)j * stride + l] = block[(size_t)l * stride + j];
            block[(size_t)l * stride + j] = below;
        }
    }
}

void ec_attention_interleave(const ec_attention_interleave_args *args, uint32_t core,
                             uint32_t cores)
{
    const ec_attention_interleave_args a = *args;
    const ec_share s = ec_share_of(a.columns / 4, a.depth / 4, core, cores);
    for (uint32_t i = s.row; i < s.row_end; ++i) {
        for (uint32_t e = s.column; e < s.column_end; ++e) {
            transpose(a.v + (size_t)(4 * i) * a.v_stride + 4 * e, a.v_stride);
        }
    }
}
