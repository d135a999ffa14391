/* app_source.c - where the samples of the sample application come from: replace it by the driver of
 * your front end. This one gives a noise that is the same every time, for ten windows.
 */
#include "app_window.h"

int ec_app_next_frame(int16_t *frame);

int ec_app_next_frame(int16_t *frame)
{
    static uint32_t count, state = 1;
    if (count++ == EC_APP_SAMPLES + 9u * EC_APP_HOP)
        return 0;
    for (uint32_t channel = 0; channel < EC_APP_CHANNELS; ++channel) {
        state = state * 1664525u + 1013904223u;
        frame[channel] = (int16_t)((int32_t)(state >> 20) - 2048);
    }
    return 1;
}
