/* app_window.h - windows from a stream of samples, normalised in integers. */
#ifndef EDGECOMP_APP_WINDOW_H
#define EDGECOMP_APP_WINDOW_H

#include <stdint.h>

#include "app_config.h"

/* The last EC_APP_SAMPLES frames, a ring: one sample of every channel is a frame. */
typedef struct {
    int16_t frames[EC_APP_SAMPLES][EC_APP_CHANNELS];
    uint32_t next;  /* where the next frame goes */
    uint32_t fresh; /* frames that are missing until the next window is due */
} ec_app_ring;

/* Empty: the first window is due after EC_APP_SAMPLES frames. */
void ec_app_ring_init(ec_app_ring *ring);

/* Take a frame. Returns 1 when a window is due, which is every EC_APP_HOP frames; else 0. */
int ec_app_ring_push(ec_app_ring *ring, const int16_t *frame);

/* The window of the last frames, [channel][sample], as the network takes it: of every channel
 *
 *   clip(round((x - mean) / (deviation * SCALE)) + ZERO_POINT)
 *
 * where mean and deviation are those of the channel in this window; with EC_APP_FIXED_SCALE, which
 * app_config.h defines where the network was calibrated on values of a fixed scale,
 *
 *   clip(round(x * EC_APP_FIXED_SCALE / 2^24) + ZERO_POINT)
 *
 * A channel that does not change gives ZERO_POINT. */
void ec_app_window(const ec_app_ring *ring, ec_app_input *window);

#endif
