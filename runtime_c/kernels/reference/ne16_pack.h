/* One block of weights of NE16: 16 channels, 8 planes of 2 bytes. */
#ifndef EDGECOMP_NE16_PACK_H
#define EDGECOMP_NE16_PACK_H

#include "reference.h"

static inline uint32_t ec_ne16_blocks(uint32_t depth) { return (depth + 15) / 16; }

/* x[0], x[step], ...: the first min(16, channels) of them. */
static inline void ec_ne16_pack_block(const int8_t *x, size_t step, uint32_t channels, uint8_t *y)
{
    const uint32_t count = channels < 16 ? channels : 16;
    for (uint32_t plane = 0; plane < 8; ++plane) {
        uint32_t bits = 0;
        for (uint32_t k = 0; k < count; ++k) {
            bits |= ((((uint32_t)x[k * step] ^ 0x80U) >> plane) & 1U) << k;
        }
        y[2 * plane] = (uint8_t)bits;
        y[2 * plane + 1] = (uint8_t)(bits >> 8);
    }
}

#endif
