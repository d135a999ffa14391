/* A linear layer as a 1x1 job: edgecomp/ops/q_linear.py on raised activations. */
#include "parts.h"

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

static uint32_t configuration(const ec_ne16_linear_args *a)
{
    const uint32_t bits =
        common_configuration(EC_NE16_1X1, a->weight_bits, a->y_type, a->multiplier != NULL,
                             a->bias != NULL, a->multiplier_bits, a->shift);
    return bits | (a->accumulate ? EC_NE16_ACCUMULATE : 0);
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
