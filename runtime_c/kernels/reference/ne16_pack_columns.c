/* Columns of activations as weights of NE16: pack_weights in edgecomp/codegen/ne16_weights.py. */
#include "ne16_pack.h"

void ec_ne16_pack_columns(const ec_ne16_pack_columns_args *args, uint32_t core, uint32_t cores)
{
    const ec_ne16_pack_columns_args a = *args;
    const uint32_t blocks = ec_ne16_blocks(a.depth);
    const uint32_t end = ec_share_start(a.outputs, core + 1, cores);
    for (uint32_t n = ec_share_start(a.outputs, core, cores); n < end; ++n) {
        for (uint32_t block = 0; block < blocks; ++block) {
            ec_ne16_pack_block(a.x + (size_t)16 * block * a.x_stride + n, a.x_stride,
                               a.depth - 16 * block,
                               a.y + 16 * ((size_t)n * blocks + block));
        }
    }
}
