/* Rows of activations as weights of NE16: pack_weights in edgecomp/codegen/ne16_weights.py. */
#include "ne16_pack.h"

void ec_ne16_pack_rows(const ec_ne16_pack_rows_args *args, uint32_t core, uint32_t cores)
{
    const ec_ne16_pack_rows_args a = *args;
    const uint32_t blocks = ec_ne16_blocks(a.depth);
    const uint32_t end = ec_share_start(a.outputs, core + 1, cores);
    for (uint32_t n = ec_share_start(a.outputs, core, cores); n < end; ++n) {
        const int8_t *x = a.x + (size_t)n * a.x_stride;
        for (uint32_t block = 0; block < blocks; ++block) {
            ec_ne16_pack_block(x + 16 * block, 1, a.depth - 16 * block,
                               a.y + 16 * ((size_t)n * blocks + block));
        }
        if (a.bias != NULL) {
            int32_t sum = 0;
            for (uint32_t k = 0; k < a.depth; ++k) {
                sum += x[k];
            }
            a.bias[n] = -128 * sum;
        }
    }
}
