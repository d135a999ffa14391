/* ne16.c - whether the simulator's NE16 computes what it should.
 *
 * Two products of 6x6 pixels of 64 channels with 64x64 weights of 8 bits: sums of 32 bits, and sums
 * requantized to 8 bits. The fabric controller sets up the jobs, computes the same and counts the
 * values that differ: "@ec selftest <of the sums> <of the bytes>".
 */
#include "../../common/ne16_registers.h"
#include "../chip.h"
#include "../host_link.h"

enum { SIDE = 6, PIXELS = SIDE * SIDE, CHANNELS = 64, BITS = 8, PATIENCE = 1000000 };
enum { BLOCK = 16 };

#define NE16_1X1 (2u << 5)
#define NE16_QUANTIZE (1u << 4)
#define NE16_MULTIPLIERS_32 (2u << 12)
#define NE16_WEIGHT_OFFSET (1u << 15)
#define NE16_SHIFT(n) ((uint32_t)(n) << 16)
#define NE16_OUTPUT_32 (2u << 21)
#define NE16_SIGNED (1u << 23)
#define NE16_BIAS (1u << 25)

/* In L1, which the fabric controller reaches too. */
typedef struct {
    int32_t sums[PIXELS * CHANNELS];
    int32_t multiplier[CHANNELS];
    int32_t bias[CHANNELS];
    int8_t bytes[PIXELS * CHANNELS];
    uint8_t x[PIXELS * CHANNELS];
    uint8_t packed[CHANNELS * CHANNELS];
} shared;

static int8_t w[CHANNELS * CHANNELS];

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void fill(shared *l1)
{
    uint32_t state = 7;
    for (uint32_t i = 0; i < PIXELS * CHANNELS; ++i)
        l1->x[i] = (uint8_t)next(&state);
    for (uint32_t i = 0; i < CHANNELS * CHANNELS; ++i)
        w[i] = (int8_t)next(&state);
    for (uint32_t i = 0; i < CHANNELS; ++i) {
        l1->multiplier[i] = (int32_t)(next(&state) & 255u) + 1;
        l1->bias[i] = (int32_t)(next(&state) << 8) - (1 << 23);
    }
}

/* One bit plane after the other for every 16 input channels of an output channel. */
static void pack(uint8_t *to)
{
    for (uint32_t block = 0; block < CHANNELS * CHANNELS / BLOCK; ++block)
        for (uint32_t bit = 0; bit < BITS; ++bit)
            for (uint32_t half = 0; half < 2; ++half) {
                uint32_t byte = 0;
                for (uint32_t i = 0; i < 8; ++i) {
                    const uint32_t value = (uint32_t)(w[BLOCK * block + 8 * half + i] + 128);
                    byte |= ((value >> bit) & 1u) << i;
                }
                *to++ = (uint8_t)byte;
            }
}

static void write_job(const shared *l1, const void *output, uint32_t element, uint32_t options)
{
    const uint32_t words[24] = {
        (uint32_t)(uintptr_t)l1->packed, (uint32_t)(uintptr_t)l1->x, (uint32_t)(uintptr_t)output,
        (uint32_t)(uintptr_t)l1->multiplier, 0, (uint32_t)(uintptr_t)l1->bias,
        CHANNELS, SIDE * CHANNELS, 0,                               /* input strides */
        32, CHANNELS * element, SIDE * CHANNELS * element,          /* output strides */
        2 * BITS, 2 * BITS * (CHANNELS / BLOCK), 0,                 /* weight strides */
        (32u << 16) | BLOCK, (3u << 16) | 3, (3u << 16) | 3,        /* the last sub-tile */
        ((CHANNELS / 32u) << 16) | (CHANNELS / BLOCK), ((SIDE / 3u) << 16) | (SIDE / 3u),
        0, (uint32_t)-128, 0,                                       /* padding, offset, filter */
        (BITS - 1) | NE16_1X1 | NE16_WEIGHT_OFFSET | options,
    };
    for (uint32_t i = 0; i < 24; ++i)
        REGISTER(NE16 + NE16_JOB(i)) = words[i];
}

/* 0 where the engine takes no job or does not end it. */
static int run(const shared *l1, const void *output, uint32_t element, uint32_t options)
{
    if ((int32_t)REGISTER(NE16 + NE16_ACQUIRE) < 0)
        return 0;
    write_job(l1, output, element, options);
    COMPILER_BARRIER();
    REGISTER(NE16 + NE16_COMMIT) = 0;
    for (uint32_t i = 0; i < PATIENCE; ++i)
        if (REGISTER(NE16 + NE16_STATUS) == 0)
            return 1;
    return 0;
}

static int32_t sum_of(const shared *l1, uint32_t pixel, uint32_t channel)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < CHANNELS; ++i)
        sum += (int32_t)l1->x[pixel * CHANNELS + i] * w[channel * CHANNELS + i];
    return sum;
}

enum { SHIFT = 17 };

static int32_t requantized(const shared *l1, int32_t sum, uint32_t channel)
{
    const int32_t value = (sum * l1->multiplier[channel] + l1->bias[channel]) >> SHIFT;
    return value < -128 ? -128 : (value > 127 ? 127 : value);
}

int main(void)
{
    shared *const l1 = (shared *)EC_L1_BASE;
    uint32_t wrong_sums = 0;
    uint32_t wrong_bytes = 0;
    REGISTER(FABRIC_ICACHE_ENABLE) = 1;
    fill(l1);
    pack(l1->packed);
    if (!run(l1, l1->sums, 4, NE16_OUTPUT_32) ||
        !run(l1, l1->bytes, 1,
             NE16_QUANTIZE | NE16_MULTIPLIERS_32 | NE16_SHIFT(SHIFT) | NE16_SIGNED | NE16_BIAS)) {
        ec_say("@ec selftest no answer");
        ec_say_end();
        return 1;
    }
    for (uint32_t pixel = 0; pixel < PIXELS; ++pixel)
        for (uint32_t channel = 0; channel < CHANNELS; ++channel) {
            const uint32_t at = pixel * CHANNELS + channel;
            const int32_t sum = sum_of(l1, pixel, channel);
            wrong_sums += l1->sums[at] != sum;
            wrong_bytes += l1->bytes[at] != requantized(l1, sum, channel);
        }
    ec_say("@ec selftest");
    ec_say_number(wrong_sums);
    ec_say_number(wrong_bytes);
    ec_say_end();
    return 0;
}
