/* Sizes in parts, and the configuration that the jobs share. */
#ifndef EDGECOMP_NE16_PARTS_H
#define EDGECOMP_NE16_PARTS_H

#include "edgecomp_ne16.h"

enum { INPUT_PART = 16, OUTPUT_PART = 32, PIXELS = 3 };

/* Divisions by constants stay out of the divider, and a job that names every field of memset. */
#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t pair(uint32_t upper, uint32_t lower) { return upper << 16 | lower; }

INLINE uint32_t parts(uint32_t size, uint32_t part) { return (size + part - 1) / part; }

/* Size of the last part. */
INLINE uint32_t last(uint32_t size, uint32_t part) { return (size - 1) % part + 1; }

/* Weights, results and, where `quantizes`, the requantization. */
INLINE uint32_t common_configuration(uint32_t mode, uint32_t weight_bits, ec_type y_type,
                                     int quantizes, int has_bias, uint32_t multiplier_bits,
                                     uint32_t shift)
{
    uint32_t bits = EC_NE16_WEIGHT_BITS(weight_bits) | EC_NE16_MODE(mode) | EC_NE16_WEIGHT_OFFSET;
    bits |= y_type == EC_I32 ? EC_NE16_OUTPUT_32 : 0;
    bits |= y_type == EC_U8 ? 0 : EC_NE16_SIGNED;
    if (quantizes) {
        bits |= EC_NE16_QUANTIZE | EC_NE16_MULTIPLIER_BITS(multiplier_bits);
        bits |= EC_NE16_SHIFT(shift) | (has_bias ? EC_NE16_BIAS : 0);
    }
    return bits;
}

#endif
