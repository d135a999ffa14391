/*
 * Jobs of NE16, the convolution engine of GAP9 on the cluster's L1.
 *
 * ec_ne16_<op>(args, job) states one operation as the contents of the engine's registers; it
 * touches no hardware. The HAL starts jobs and waits for them (edgecomp_hal.h). The bits are those
 * of edgecomp/ops/q_*.py, of activations raised by 128: see edgecomp/tiling/ne16_weights.py.
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

/* `padding`. */
#define EC_NE16_PADDING(top, right, bottom, left, value) \
    ((top) << 28 | (right) << 24 | (bottom) << 20 | (left) << 16 | (value))

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

/*
 * A convolution of an image tile with filters of 3x3, stride 1; y as in ec_ne16_linear:
 *
 * acc = sum_{ky, kx, i} x[oy + ky - pad_top, ox + kx - pad_left, i] * w[o, ky, kx, i]
 *
 * x outside [0, height) x [0, width) is pad_value; the padding at the bottom and right follows from
 * the output size. The engine pads the last part of 3 x 3 pixels alone: at the bottom and right no
 * more than the output rows and columns of that part, unless it is the only one; so 1 is always
 * possible. With depthwise, output channel o reads input channel o alone, and there are as many.
 * The engine loads padding too before it replaces it: addresses up to two rows and two pixels
 * around the image are read.
 */
typedef struct {
    const uint8_t *x; /* [height, width, channels] */
    const uint8_t *w; /* [out_channels, ceil(channels / 16), weight_bits, 9, 2], depthwise without
                         the first; from pack_filter_weights */
    const void *multiplier; /* [out_channels] or NULL, and 16 more with depthwise */
    const int32_t *bias; /* [out_channels] or NULL, and 16 more with depthwise */
    void *y; /* [out_height, out_width, out_channels] of y_type */
    uint32_t height, width, channels; /* not 0 */
    uint32_t x_row_stride, x_pixel_stride;
    uint32_t out_height, out_width, out_channels; /* not 0 */
    uint32_t y_row_stride, y_pixel_stride;
    uint32_t pad_top, pad_left; /* [0, 2] */
    uint32_t pad_value; /* [0, 255]: the zero point of x */
    uint32_t depthwise;
    uint32_t weight_bits; /* [2, 8] */
    uint32_t multiplier_bits;
    uint32_t shift;
    ec_type y_type;
} ec_ne16_conv_args;

void ec_ne16_conv(const ec_ne16_conv_args *args, ec_ne16_job *job);

#ifdef __cplusplus
}
#endif

#endif
