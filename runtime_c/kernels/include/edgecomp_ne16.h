/*
 * Jobs of NE16, the convolution engine of GAP9 on the cluster's L1.
 *
 * ec_ne16_<op>(args, job) states one operation as the contents of the engine's registers; it
 * touches no hardware. The HAL starts jobs and waits for them (edgecomp_hal.h). The bits are those
 * of edgecomp/ops/q_*.py, of activations raised by 128: see edgecomp/codegen/ne16_weights.py.
 */
#ifndef EDGECOMP_NE16_H
#define EDGECOMP_NE16_H

#include "edgecomp_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The registers, in the engine's order. Strides are in bytes, the innermost first. Counts are of
 * parts of 16 input channels, 32 output channels and 3 x 3 pixels; a remainder is the size of the
 * last part. Fields of two: the first in the upper half.
 */
typedef struct {
    const uint8_t *weights;
    const uint8_t *input;
    void *output;
    const void *multiplier;
    const uint8_t *shifts;
    const int32_t *bias;
    uint32_t input_stride[3];  /* column, row, - */
    uint32_t output_stride[3]; /* 32 bytes, column, row */
    uint32_t weight_stride[3]; /* planes, output channel, - */
    uint32_t channel_remainder;      /* output, input */
    uint32_t output_pixel_remainder; /* rows, columns */
    uint32_t input_pixel_remainder;  /* rows, columns */
    uint32_t channel_count;          /* output, input */
    uint32_t pixel_count;            /* rows, columns */
    uint32_t padding; /* top 31:28, right 27:24, bottom 23:20, left 19:16, value 15:0 */
    int32_t weight_offset;
    uint32_t filter_mask;
    uint32_t configuration;
} ec_ne16_job;

enum { EC_NE16_REGISTERS = 24 };

/* Fields of `configuration`. */
#define EC_NE16_WEIGHT_BITS(bits) ((bits)-1u)
#define EC_NE16_QUANTIZE (1u << 4)
#define EC_NE16_MODE(mode) ((mode) << 5)
#define EC_NE16_MULTIPLIER_BITS(bits) (((bits) >> 4) << 12) /* 8, 16 or 32 */
#define EC_NE16_ACCUMULATE (1u << 14)
#define EC_NE16_WEIGHT_OFFSET (1u << 15)
#define EC_NE16_SHIFT(shift) ((shift) << 16)
#define EC_NE16_OUTPUT_32 (2u << 21)
#define EC_NE16_SIGNED (1u << 23)
#define EC_NE16_SHIFTS (1u << 24)
#define EC_NE16_BIAS (1u << 25)

enum { EC_NE16_3X3 = 0, EC_NE16_DEPTHWISE = 1, EC_NE16_1X1 = 2 };

/*
 * acc     = sum_i x[r, i] * w[c, i]
 * y[r, c] = clip((acc * multiplier[c] + bias[c]) >> shift)    EC_I8, EC_U8
 *           (acc * multiplier[c] + bias[c]) >> shift          EC_I32
 *           acc, or y[r, c] + acc with accumulate             EC_I32, multiplier == NULL
 *
 * The value in brackets is cut to 32 bits. Multipliers are unsigned, of multiplier_bits (8, 16, 32)
 * each; they and the biases are read in blocks of 32, so memory behind the last one must exist.
 *
 * The engine works on 3 x 3 tokens at a time. The tokens are laid out as three rows, which overlap
 * where their count is no multiple of 3: a token is computed twice then. With accumulate that
 * would be wrong, and such a count takes three times as long.
 */
typedef struct {
    const uint8_t *x; /* [rows, depth] */
    const uint8_t *w; /* [columns, ceil(depth / 16), weight_bits, 2], from pack_weights */
    const void *multiplier; /* [columns] or NULL */
    const int32_t *bias; /* [columns] or NULL */
    void *y; /* [rows, columns] of y_type */
    uint32_t rows, columns, depth; /* not 0 */
    uint32_t x_stride, y_stride;
    uint32_t weight_bits; /* [2, 8] */
    uint32_t multiplier_bits;
    uint32_t shift;
    uint32_t accumulate;
    ec_type y_type;
} ec_ne16_linear_args;

void ec_ne16_linear(const ec_ne16_linear_args *args, ec_ne16_job *job);

#ifdef __cplusplus
}
#endif

#endif
