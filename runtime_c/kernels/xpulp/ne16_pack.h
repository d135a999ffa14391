/*
 * Bit planes for NE16. Eight bytes are an 8 x 8 matrix of bits, which three rounds of exchanges
 * transpose: of half bytes four bytes apart, of pairs of bits two apart, of bits one apart.
 */
#ifndef EDGECOMP_XPULP_NE16_PACK_H
#define EDGECOMP_XPULP_NE16_PACK_H

#include "ec_xpulp.h"

EC_INLINE uint32_t ec_ne16_blocks(uint32_t depth) { return (depth + 15) >> 4; }

/* Exchange the bits of *a under mask << shift with those of *b under mask. */
EC_INLINE void ec_exchange_bits(uint32_t *a, uint32_t *b, uint32_t shift, uint32_t mask)
{
    const uint32_t differing = ((*a >> shift) ^ *b) & mask;
    *b ^= differing;
    *a ^= differing << shift;
}

/* A block with fewer than 16 channels: x[0], x[step], ... */
static __attribute__((noinline, unused)) void ec_ne16_pack_rest(const int8_t *x, uint32_t step,
                                                                uint32_t channels, ec_word *y)
{
    for (uint32_t pair = 0; pair < 4; ++pair) {
        uint32_t bits = 0;
        for (uint32_t k = 0; k < channels; ++k) {
            const uint32_t value = ((uint32_t)x[k * step] ^ 0x80) >> (2 * pair);
            bits |= ((value & 1) | (value & 2) << 15) << k;
        }
        y[pair] = bits;
    }
}

#endif
