/* Rows of activations as weights of NE16: pack_weights in edgecomp/codegen/ne16_weights.py. */
#include "ne16_pack.h"

enum { ONES = 0x01010101 };

/* The last exchange, of bits one byte of each half apart, inside of a word. */
EC_INLINE uint32_t exchange_neighbours(uint32_t word)
{
    const uint32_t differing = (word ^ (word >> 15)) & 0xaaaa;
    return word ^ differing ^ (differing << 15);
}

/*
 * One block of 16 channels. The first exchange works on the words as they are; then the bytes of
 * both halves of the block are interleaved, as the planes want them.
 */
EC_INLINE void pack_block(const ec_word *x, ec_word *y, int32_t *sum)
{
    uint32_t a0 = x[0], a4 = x[1], b0 = x[2], b4 = x[3];
    *sum = (int32_t)ec_sdotsp_b((uint32_t)*sum, a0, ONES);
    *sum = (int32_t)ec_sdotsp_b((uint32_t)*sum, a4, ONES);
    *sum = (int32_t)ec_sdotsp_b((uint32_t)*sum, b0, ONES);
    *sum = (int32_t)ec_sdotsp_b((uint32_t)*sum, b4, ONES);
    ec_exchange_bits(&a0, &a4, 4, 0x0f0f0f0f);
    ec_exchange_bits(&b0, &b4, 4, 0x0f0f0f0f);
    uint32_t low = ec_shuffle2_b(a0, b0, 0x05010400);
    uint32_t next = ec_shuffle2_b(a0, b0, 0x07030602);
    ec_exchange_bits(&low, &next, 2, 0x33333333);
    y[0] = exchange_neighbours(low);
    y[1] = exchange_neighbours(next);
    low = ec_shuffle2_b(a4, b4, 0x05010400);
    next = ec_shuffle2_b(a4, b4, 0x07030602);
    ec_exchange_bits(&low, &next, 2, 0x33333333);
    y[2] = exchange_neighbours(low);
    y[3] = exchange_neighbours(next) ^ 0xffff0000; /* the highest plane of x + 128 */
}

void ec_ne16_pack_rows(const ec_ne16_pack_rows_args *args, uint32_t core, uint32_t cores)
{
    const ec_ne16_pack_rows_args a = *args;
    const uint32_t end = ec_share_start(a.outputs, core + 1, cores);
    uint32_t n = ec_share_start(a.outputs, core, cores);
    ec_word *y = (ec_word *)(a.y + (size_t)n * ec_ne16_blocks(a.depth) * 16);
    for (; n < end; ++n) {
        const int8_t *x = a.x + (size_t)n * a.x_stride;
        const int8_t *whole = x + (a.depth & ~15u);
        int32_t sum = 0;
        for (; x < whole; x += 16) {
            pack_block((const ec_word *)x, y, &sum);
            y += 4;
        }
        if (a.depth & 15) {
            ec_ne16_pack_rest(x, 1, a.depth & 15, y);
            y += 4;
            for (uint32_t k = 0; k < (a.depth & 15); ++k) {
                sum += x[k];
            }
        }
        if (a.bias != NULL) {
            a.bias[n] = -128 * sum;
        }
    }
}
