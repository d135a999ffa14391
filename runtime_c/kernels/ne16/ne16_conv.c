/* A 3x3 or depthwise 3x3 convolution as a job: edgecomp/ops/q_conv.py on raised activations. */
#include "parts.h"

enum { REACH = 2, TAPS = 9 };

/* Padding behind `size` pixels. */
INLINE uint32_t behind(uint32_t size, uint32_t out_size, uint32_t before)
{
    return out_size + REACH > size + before ? out_size + REACH - size - before : 0;
}

/* The padding register counts from the end of a whole part, also where the last one is smaller. */
INLINE uint32_t from_whole_part(uint32_t padding, uint32_t out_size)
{
    return padding > 0 ? padding + PIXELS - last(out_size, PIXELS) : 0;
}

static uint32_t padding(const ec_ne16_conv_args *a)
{
    const uint32_t right = behind(a->width, a->out_width, a->pad_left);
    const uint32_t bottom = behind(a->height, a->out_height, a->pad_top);
    return EC_NE16_PADDING(a->pad_top, from_whole_part(right, a->out_width),
                           from_whole_part(bottom, a->out_height), a->pad_left, a->pad_value);
}

void ec_ne16_conv(const ec_ne16_conv_args *args, ec_ne16_job *job)
{
    const ec_ne16_conv_args a = *args;
    const uint32_t blocks = parts(a.channels, INPUT_PART);
    const uint32_t output_part = a.depthwise ? INPUT_PART : OUTPUT_PART;
    const uint32_t bytes = a.y_type == EC_I32 ? 4 : 1;
    const uint32_t plane = 2 * TAPS;
    const uint32_t rows = last(a.out_height, PIXELS), columns = last(a.out_width, PIXELS);
    *job = (ec_ne16_job){
        .weights = a.w,
        .input = a.x - (a.pad_top * a.x_row_stride + a.pad_left * a.x_pixel_stride),
        .output = a.y,
        .multiplier = a.multiplier,
        .shifts = NULL,
        .bias = a.bias,
        .input_stride = {a.x_pixel_stride, a.x_row_stride, 0},
        .output_stride = {OUTPUT_PART, a.y_pixel_stride * bytes, a.y_row_stride * bytes},
        .weight_stride = {plane, plane * a.weight_bits * blocks, 0},
        .channel_remainder =
            pair(last(a.out_channels, output_part), last(a.channels, INPUT_PART)),
        .output_pixel_remainder = pair(rows, columns),
        .input_pixel_remainder = pair(rows + REACH, columns + REACH),
        .channel_count = pair(parts(a.out_channels, output_part), blocks),
        .pixel_count = pair(parts(a.out_height, PIXELS), parts(a.out_width, PIXELS)),
        .padding = padding(&a),
        .weight_offset = -(1 << (a.weight_bits - 1)),
        .filter_mask = 0,
        .configuration = common_configuration(
            a.depthwise ? EC_NE16_DEPTHWISE : EC_NE16_3X3, a.weight_bits, a.y_type,
            a.multiplier != NULL, a.bias != NULL, a.multiplier_bits, a.shift),
    };
}
