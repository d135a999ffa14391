/* ne16_model.c - what a job of NE16 computes, from its registers alone.
 *
 * After the engine's model in GVSoC (pulp/ne16): the bits, not the time. Unlike the engine it does
 * not load what padding replaces.
 */
#include "ne16_model.h"

#include <string.h>

enum { INPUT_PART = 16, OUTPUT_PART = 32, PIXELS = 3, BUFFERED = 5, MOST_WEIGHTS = 1 << 16 };

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

/* Sizes in channels and pixels; `filter`: taps along one side. */
typedef struct {
    uint32_t inputs, outputs, height, width, filter;
    int depthwise;
} shape;

static shape shape_of(const ec_ne16_job *job)
{
    const uint32_t mode = (job->configuration >> 5) & 3u;
    const shape found = {
        .inputs = size_of(lower(job->channel_count), INPUT_PART, lower(job->channel_remainder)),
        .outputs = size_of(upper(job->channel_count),
                           mode == EC_NE16_DEPTHWISE ? INPUT_PART : OUTPUT_PART,
                           upper(job->channel_remainder)),
        .height = size_of(upper(job->pixel_count), PIXELS, upper(job->output_pixel_remainder)),
        .width = size_of(lower(job->pixel_count), PIXELS, lower(job->output_pixel_remainder)),
        .filter = mode == EC_NE16_1X1 ? 1 : 3,
        .depthwise = mode == EC_NE16_DEPTHWISE,
    };
    return found;
}

/* Whether the last part's pixels are enough for its results. */
static int covered(uint32_t inputs, uint32_t results, uint32_t filter)
{
    return inputs <= PIXELS - 1 + filter && inputs >= results - 1 + filter;
}

static int supported(const ec_ne16_job *job, const settings *s, const shape *of)
{
    const uint32_t other = 7u << 9 | 3u << 7 | 1u << 3; /* reserved, strided, linear, 16 bits */
    const uint32_t mode = (job->configuration >> 5) & 3u;
    const uint32_t in = job->input_pixel_remainder, out = job->output_pixel_remainder;
    return mode <= EC_NE16_1X1 && (job->configuration & other) == 0 &&
           (mode != EC_NE16_1X1 || job->padding == 0) && job->filter_mask == 0 &&
           covered(upper(in), upper(out), of->filter) &&
           covered(lower(in), lower(out), of->filter) &&
           (!of->depthwise || of->inputs == of->outputs) &&
           (uint64_t)of->inputs * of->filter * of->filter <= MOST_WEIGHTS &&
           (s->output_bytes == 1 || s->output_bytes == 4) && s->multiplier_bits <= 32 &&
           (s->output_bytes == 4 || s->quantize) && (!s->accumulate || s->output_bytes == 4);
}

/* The weight of one input channel at one tap, of `taps`; `w` is the block of 16 channels. */
static int32_t weight(const uint8_t *w, uint32_t channel, uint32_t tap, uint32_t taps,
                      uint32_t bits, int32_t offset)
{
    int32_t value = offset;
    for (uint32_t plane = 0; plane < bits; ++plane)
        value += ((w[2 * (taps * plane + tap) + channel / 8] >> (channel % 8)) & 1) << plane;
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

/* The weights of one output channel, unpacked, taps outside: all pixels use them. */
static int16_t channel_weights[MOST_WEIGHTS];

/* `output` is 0 for the depthwise mode, where the channels of a block share planes. */
static void unpack(const ec_ne16_job *job, const settings *s, const shape *of, uint32_t output)
{
    const uint32_t taps = of->filter * of->filter;
    const uint8_t *w = job->weights + (size_t)output * job->weight_stride[1];
    for (uint32_t tap = 0; tap < taps; ++tap) {
        for (uint32_t i = 0; i < of->inputs; ++i) {
            const uint8_t *block = w + (size_t)2 * taps * s->weight_bits * (i / INPUT_PART);
            channel_weights[tap * of->inputs + i] = (int16_t)weight(
                block, i % INPUT_PART, tap, taps, s->weight_bits, job->weight_offset);
        }
    }
}

/* Whether padding replaces what lies at `at` of a part's buffered rows (or columns). */
static int replaced(uint32_t at, uint32_t part, uint32_t count, uint32_t last_size,
                    uint32_t before, uint32_t after)
{
    const int is_last = part == count - 1;
    const uint32_t size = is_last ? last_size : BUFFERED;
    const uint32_t limit = after > BUFFERED ? 0 : BUFFERED - after;
    return (part == 0 && at < before) ||
           (is_last && after > 0 && at >= (limit < size ? limit : size));
}

static int is_padding(const ec_ne16_job *job, uint32_t row, uint32_t column, uint32_t ky,
                      uint32_t kx)
{
    const uint32_t pads = job->padding, in = job->input_pixel_remainder;
    return replaced(row % PIXELS + ky, row / PIXELS, upper(job->pixel_count), upper(in), pads >> 28,
                    (pads >> 20) & 15u) ||
           replaced(column % PIXELS + kx, column / PIXELS, lower(job->pixel_count), lower(in),
                    (pads >> 16) & 15u, (pads >> 24) & 15u);
}

/* The products at one tap: of all input channels, or of `output` alone. */
static int64_t tap_sum(const shape *of, const uint8_t *x, int padded, uint8_t value,
                       const int16_t *w, uint32_t output)
{
    const uint32_t first = of->depthwise ? output : 0;
    const uint32_t end = of->depthwise ? output + 1 : of->inputs;
    int64_t sum = 0;
    for (uint32_t i = first; i < end; ++i)
        sum += (padded ? value : x[i]) * w[i];
    return sum;
}

static int64_t sum_of(const ec_ne16_job *job, const shape *of, uint32_t row, uint32_t column,
                      uint32_t output)
{
    int64_t sum = 0;
    for (uint32_t ky = 0; ky < of->filter; ++ky) {
        for (uint32_t kx = 0; kx < of->filter; ++kx) {
            const int padded = of->filter > 1 && is_padding(job, row, column, ky, kx);
            const uint8_t *x = job->input + (size_t)(row + ky) * job->input_stride[1] +
                               (size_t)(column + kx) * job->input_stride[0];
            const int16_t *w = channel_weights + (size_t)(ky * of->filter + kx) * of->inputs;
            sum += tap_sum(of, x, padded, (uint8_t)job->padding, w, output);
        }
    }
    return sum;
}

/* One output channel of one pixel. */
static void store(const ec_ne16_job *job, const settings *s, int64_t sum, uint32_t output,
                  uint8_t *to)
{
    int32_t before = 0;
    if (s->accumulate)
        memcpy(&before, to, sizeof before);
    const uint32_t value = (uint32_t)cut(finish(job, s, output, before + sum));
    for (uint32_t byte = 0; byte < s->output_bytes; ++byte)
        to[byte] = (uint8_t)(value >> (8 * byte));
}

int ec_ne16_model_run(const ec_ne16_job *job)
{
    const settings s = settings_of(job->configuration);
    const shape of = shape_of(job);
    if (!supported(job, &s, &of))
        return 1;
    for (uint32_t o = 0; o < of.outputs; ++o) {
        if (o == 0 || !of.depthwise)
            unpack(job, &s, &of, o);
        for (uint32_t row = 0; row < of.height; ++row) {
            for (uint32_t column = 0; column < of.width; ++column) {
                uint8_t *y = (uint8_t *)job->output + (size_t)row * job->output_stride[2] +
                             (size_t)column * job->output_stride[1] + (size_t)o * s.output_bytes;
                store(job, &s, sum_of(job, &of, row, column, o), o, y);
            }
        }
    }
    return 0;
}
