/* ne16_model.c - what a job of NE16 computes, from its registers alone.
 *
 * After the engine's model in GVSoC (pulp/ne16): the bits, not the time. 1x1 jobs only.
 */
#include "ne16_model.h"

#include <string.h>

enum { INPUT_PART = 16, OUTPUT_PART = 32, PIXELS = 3 };

static uint32_t upper(uint32_t pair) { return pair >> 16; }
static uint32_t lower(uint32_t pair) { return pair & 0xffffu; }

static uint32_t size_of(uint32_t count, uint32_t part, uint32_t remainder)
{
    return (count - 1) * part + remainder;
}

/* What the configuration says. */
typedef struct {
    uint32_t weight_bits, multiplier_bits, shift, output_bytes;
    int quantize, accumulate, keeps_sign, has_shifts, has_bias;
} settings;

static settings settings_of(uint32_t bits)
{
    const settings found = {
        .weight_bits = (bits & 7u) + 1u,
        .multiplier_bits = 8u << ((bits >> 12) & 3u),
        .shift = (bits >> 16) & 31u,
        .output_bytes = 1u << ((bits >> 21) & 3u),
        .quantize = (bits & EC_NE16_QUANTIZE) != 0,
        .accumulate = (bits & EC_NE16_ACCUMULATE) != 0,
        .keeps_sign = (bits & EC_NE16_SIGNED) != 0,
        .has_shifts = (bits & EC_NE16_SHIFTS) != 0,
        .has_bias = (bits & EC_NE16_BIAS) != 0,
    };
    return found;
}

static int supported(const ec_ne16_job *job, const settings *s)
{
    const uint32_t other = 7u << 9 | 3u << 7 | 1u << 3; /* reserved, strided, linear, 16 bits */
    const uint32_t mode = (job->configuration >> 5) & 3u;
    return mode == EC_NE16_1X1 && (job->configuration & other) == 0 && job->padding == 0 &&
           job->filter_mask == 0 && (s->output_bytes == 1 || s->output_bytes == 4) &&
           s->multiplier_bits <= 32 && (s->output_bytes == 4 || s->quantize) &&
           (!s->accumulate || s->output_bytes == 4);
}

/* The weight of one input channel; `w` is the output channel's block of 16. */
static int32_t weight(const uint8_t *w, uint32_t channel, uint32_t bits, int32_t offset)
{
    int32_t value = offset;
    for (uint32_t plane = 0; plane < bits; ++plane)
        value += ((w[2 * plane + channel / 8] >> (channel % 8)) & 1) << plane;
    return value;
}

static int64_t multiplier(const void *from, uint32_t bits, uint32_t channel)
{
    if (bits == 8)
        return ((const uint8_t *)from)[channel];
    if (bits == 16)
        return ((const uint16_t *)from)[channel];
    return ((const uint32_t *)from)[channel];
}

static int32_t cut(int64_t value)
{
    const uint32_t bits = (uint32_t)(uint64_t)value;
    int32_t result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

static int64_t clip(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static int64_t finish(const ec_ne16_job *job, const settings *s, uint32_t channel, int64_t sum)
{
    if (s->quantize) {
        sum = sum * multiplier(job->multiplier, s->multiplier_bits, channel);
        sum = cut(s->has_bias ? sum + job->bias[channel] : sum);
        sum >>= s->has_shifts ? job->shifts[channel] : s->shift;
    }
    if (s->output_bytes == 1)
        return s->keeps_sign ? clip(sum, -128, 127) : clip(sum, 0, 255);
    return s->quantize && !s->keeps_sign && sum < 0 ? 0 : sum;
}

/* The weights of one output channel, unpacked: all pixels use them. */
static int16_t channel_weights[UINT16_MAX + 1];

static void unpack(const ec_ne16_job *job, const settings *s, uint32_t output, uint32_t inputs)
{
    const uint8_t *w = job->weights + (size_t)output * job->weight_stride[1];
    for (uint32_t i = 0; i < inputs; ++i) {
        const uint8_t *block = w + (size_t)2 * s->weight_bits * (i / INPUT_PART);
        channel_weights[i] =
            (int16_t)weight(block, i % INPUT_PART, s->weight_bits, job->weight_offset);
    }
}

/* One output channel of one pixel. */
static void compute(const ec_ne16_job *job, const settings *s, const uint8_t *x, uint32_t inputs,
                    uint32_t output, uint8_t *to)
{
    int32_t before = 0;
    if (s->accumulate)
        memcpy(&before, to, sizeof before);
    int64_t sum = before;
    for (uint32_t i = 0; i < inputs; ++i)
        sum += x[i] * channel_weights[i];
    const uint32_t value = (uint32_t)cut(finish(job, s, output, sum));
    for (uint32_t byte = 0; byte < s->output_bytes; ++byte)
        to[byte] = (uint8_t)(value >> (8 * byte));
}

int ec_ne16_model_run(const ec_ne16_job *job)
{
    const settings s = settings_of(job->configuration);
    const uint32_t inputs =
        size_of(lower(job->channel_count), INPUT_PART, lower(job->channel_remainder));
    const uint32_t outputs =
        size_of(upper(job->channel_count), OUTPUT_PART, upper(job->channel_remainder));
    const uint32_t height =
        size_of(upper(job->pixel_count), PIXELS, upper(job->output_pixel_remainder));
    const uint32_t width =
        size_of(lower(job->pixel_count), PIXELS, lower(job->output_pixel_remainder));
    if (!supported(job, &s) || inputs > UINT16_MAX + 1u)
        return 1;
    for (uint32_t o = 0; o < outputs; ++o) {
        unpack(job, &s, o, inputs);
        for (uint32_t row = 0; row < height; ++row) {
            for (uint32_t column = 0; column < width; ++column) {
                const uint8_t *x = job->input + (size_t)row * job->input_stride[1] +
                                   (size_t)column * job->input_stride[0];
                uint8_t *y = (uint8_t *)job->output + (size_t)row * job->output_stride[2] +
                             (size_t)column * job->output_stride[1] + (size_t)o * s.output_bytes;
                compute(job, &s, x, inputs, o, y);
            }
        }
    }
    return 0;
}
