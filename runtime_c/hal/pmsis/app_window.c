#include "app_window.h"

void ec_app_ring_init(ec_app_ring *ring)
{
    ring->next = 0;
    ring->fresh = EC_APP_SAMPLES;
}

int ec_app_ring_push(ec_app_ring *ring, const int16_t *frame)
{
    for (uint32_t channel = 0; channel < EC_APP_CHANNELS; ++channel)
        ring->frames[ring->next][channel] = frame[channel];
    ring->next = ring->next + 1u == EC_APP_SAMPLES ? 0 : ring->next + 1u;
    if (--ring->fresh > 0)
        return 0;
    ring->fresh = EC_APP_HOP;
    return 1;
}

#ifndef EC_APP_FIXED_SCALE
/* floor(sqrt(value)), one bit at a time. */
static uint32_t square_root(uint64_t value)
{
    uint64_t root = 0;
    for (uint64_t bit = 1ull << 31; bit > 0; bit >>= 1)
        if ((root | bit) * (root | bit) <= value)
            root |= bit;
    return (uint32_t)root;
}

static int32_t mean_of(const ec_app_ring *ring, uint32_t channel)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < EC_APP_SAMPLES; ++i)
        sum += ring->frames[i][channel];
    return (int32_t)((2 * sum + EC_APP_SAMPLES) >= 0
                         ? (2 * sum + EC_APP_SAMPLES) / (2 * EC_APP_SAMPLES)
                         : -((-2 * sum + EC_APP_SAMPLES) / (2 * EC_APP_SAMPLES)));
}

/* Steps of the network's input for one of the samples, in 2^-24: 0 where nothing changes. */
static int64_t factor_of(const ec_app_ring *ring, uint32_t channel, int32_t mean)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < EC_APP_SAMPLES; ++i) {
        const int64_t difference = ring->frames[i][channel] - mean;
        sum += (uint64_t)(difference * difference);
    }
    const uint32_t deviation = square_root(sum * 256u / EC_APP_SAMPLES); /* in sixteenths */
    return deviation == 0 ? 0 : ((int64_t)EC_APP_STEPS << 12) / deviation;
}
#endif

void ec_app_window(const ec_app_ring *ring, ec_app_input *window)
{
    for (uint32_t channel = 0; channel < EC_APP_CHANNELS; ++channel) {
#ifdef EC_APP_FIXED_SCALE
        const int32_t mean = 0;
        const int64_t factor = EC_APP_FIXED_SCALE;
#else
        const int32_t mean = mean_of(ring, channel);
        const int64_t factor = factor_of(ring, channel, mean);
#endif
        uint32_t from = ring->next; /* the oldest */
        for (uint32_t i = 0; i < EC_APP_SAMPLES; ++i) {
            const int64_t product = (ring->frames[from][channel] - mean) * factor;
            const int64_t value = ((product + (1 << 23)) >> 24) + EC_APP_ZERO_POINT;
            from = from + 1u == EC_APP_SAMPLES ? 0 : from + 1u;
            *window++ = (ec_app_input)(value < EC_APP_LEAST  ? EC_APP_LEAST
                                       : value > EC_APP_MOST ? EC_APP_MOST
                                                             : value);
        }
    }
}
