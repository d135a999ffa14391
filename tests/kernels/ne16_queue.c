/* A chain of jobs of NE16 through the host's HAL: each reads what the one before it wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgecomp_hal.h"
#include "hal_host.h"

enum { JOBS = 5, TOKENS = 10, WIDTH = 16, BYTES = TOKENS * WIDTH };

const uint8_t ec_weights_image[1] = {0};
const uint32_t ec_weights_image_bytes = 1;

uint32_t ec_checksum_part(const ec_result *result, uint32_t begin, uint32_t end);
uint32_t ec_checksum_part(const ec_result *result, uint32_t begin, uint32_t end)
{
    (void)result;
    return begin + end;
}

/* Weight (n, k) is 1 where k == n + 1 mod WIDTH: a job moves its input by one channel. */
static void pack_shift(uint8_t *w)
{
    memset(w, 0, (size_t)16 * WIDTH);
    for (uint32_t n = 0; n < WIDTH; ++n) {
        const uint32_t k = (n + 1) % WIDTH;
        w[16 * n + 14] = w[16 * n + 15] = 0xff; /* 0 is 128 */
        w[16 * n + k / 8] = (uint8_t)(1u << (k % 8));
    }
}

/* Prints whether the first result was there before its wait; leaves with 1 where a bit is wrong. */
int main(int argc, char **argv)
{
    hal_host_seed = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
    ec_hal_init();
    uint8_t *l1 = ec_hal_l1();
    ec_hal_l1_open(0, 2048);
    uint8_t *w = l1, *ones = l1 + 256, *x = l1 + 512;
    pack_shift(w);
    memset(ones, 1, 32);
    for (uint32_t i = 0; i < BYTES; ++i)
        x[i] = (uint8_t)(i * 7);
    ec_engine_job started[JOBS];
    for (uint32_t i = 0; i < JOBS; ++i) {
        const ec_ne16_linear_args args = {.x = x + i * BYTES,
                                          .w = w,
                                          .multiplier = ones,
                                          .y = x + (i + 1) * BYTES,
                                          .rows = TOKENS,
                                          .columns = WIDTH,
                                          .depth = WIDTH,
                                          .x_stride = WIDTH,
                                          .y_stride = WIDTH,
                                          .weight_bits = 8,
                                          .multiplier_bits = 8,
                                          .y_type = EC_U8};
        ec_ne16_job job;
        ec_ne16_linear(&args, &job);
        started[i] = ec_hal_ne16_start(&job);
        memset(&job, 0xa5, sizeof job);
        if (i == 0)
            printf("%s\n", x[BYTES] == x[1] ? "early" : "late");
    }
    ec_hal_ne16_wait(EC_NO_ENGINE_JOB);
    ec_hal_ne16_wait(started[JOBS - 1]);
    ec_hal_ne16_wait(started[0]);
    for (uint32_t job = 1; job <= JOBS; ++job)
        for (uint32_t i = 0; i < BYTES; ++i)
            if (x[job * BYTES + i] != x[i / WIDTH * WIDTH + (i + job) % WIDTH])
                return 1;
    return 0;
}
