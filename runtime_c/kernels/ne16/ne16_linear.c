/* A linear layer as a 1x1 job: edgecomp/ops/q_linear.py on raised activations. */
#include "edgecomp_ne16.h"

enum { INPUT_PART = 16, OUTPUT_PART = 32, PIXELS = 3 };

/* Divisions by constants stay out of the divider, and a job that names every field of memset. */
#define INLINE static inline __attribute__((always_inline))

/* The tokens as an image: token row * step + column at (row, column). */
typedef struct {
    uint32_t height, width, step;
} image;

static image image_of(uint32_t rows, uint32_t accumulate)
{
    const uint32_t third = rows / PIXELS;
    const uint32_t rest = rows - PIXELS * third;
    if (third == 0 || (accumulate && rest != 0)) {
        const image line = {1, rows, rows};
        return line;
    }
    const image whole = {PIXELS, third + rest, third};
    return whole;
}

INLINE uint32_t pair(uint32_t upper, uint32_t lower) { return upper << 16 | lower; }

INLINE uint32_t parts(uint32_t size, uint32_t part) { return (size + part - 1) / part; }

/* Size of the last part. */
INLINE uint32_t last(uint32_t size, uint32_t part) { return (size - 1) % part + 1; }

static uint32_t configuration(const ec_ne16_linear_args *a)
{
    uint32_t bits = EC_NE16_WEIGHT_BITS(a->weight_bits) | EC_NE16_MODE(EC_NE16_1X1);
    bits |= EC_NE16_WEIGHT_OFFSET;
    bits |= a->y_type == EC_I32 ? EC_NE16_OUTPUT_32 : 0;
    bits |= a->y_type == EC_U8 ? 0 : EC_NE16_SIGNED;
    bits |= a->accumulate ? EC_NE16_ACCUMULATE : 0;
    if (a->multiplier != NULL) {
        bits |= EC_NE16_QUANTIZE | EC_NE16_MULTIPLIER_BITS(a->multiplier_bits);
        bits |= EC_NE16_SHIFT(a->shift) | (a->bias != NULL ? EC_NE16_BIAS : 0);
    }
    return bits;
}

void ec_ne16_linear(const ec_ne16_linear_args *args, ec_ne16_job *job)
{
    const ec_ne16_linear_args a = *args;
    const image tokens = image_of(a.rows, a.accumulate);
    const uint32_t blocks = parts(a.depth, INPUT_PART);
    const uint32_t y_step = a.y_stride * (a.y_type == EC_I32 ? 4 : 1);
    const uint32_t pixels = pair(tokens.height, last(tokens.width, PIXELS));
    *job = (ec_ne16_job){
        .weights = a.w,
        .input = a.x,
        .output = a.y,
        .multiplier = a.multiplier,
        .shifts = NULL,
        .bias = a.bias,
        .input_stride = {a.x_stride, tokens.step * a.x_stride, 0},
        .output_stride = {OUTPUT_PART, y_step, tokens.step * y_step},
        .weight_stride = {2 * a.weight_bits, 2 * a.weight_bits * blocks, 0},
        .channel_remainder = pair(last(a.columns, OUTPUT_PART), last(a.depth, INPUT_PART)),
        .output_pixel_remainder = pixels,
        .input_pixel_remainder = pixels,
        .channel_count = pair(parts(a.columns, OUTPUT_PART), blocks),
        .pixel_count = pair(1, parts(tokens.width, PIXELS)),
        .padding = 0,
        .weight_offset = -(1 << (a.weight_bits - 1)),
        .filter_mask = 0,
        .configuration = configuration(&a),
    };
}
