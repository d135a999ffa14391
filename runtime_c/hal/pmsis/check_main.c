/* check_main.c - run the windows of input.bin in the flash's file system and tell what came out.
 *
 * Every window runs twice: with checksums, then counted. Lines that start with "@ec" are those of
 * hal/gvsoc/gvsoc_main.c, printed when a run has ended, and besides them
 *
 *   output window hexadecimal              the packed outputs, in lines of 32 bytes
 */
#include <stdio.h>
#include <string.h>

#include "pmsis.h"

#include "bsp/fs.h"

#include "edgecomp_network.h"
#include "hal_pmsis.h"

static PI_L2 uint8_t input[EC_NETWORK_INPUT_BYTES];
static PI_L2 uint8_t checked_output[EC_NETWORK_OUTPUT_BYTES];
static PI_L2 uint8_t counted_output[EC_NETWORK_OUTPUT_BYTES];
static uint32_t cycles;
static int status;

static void initialize(void *argument)
{
    (void)argument;
    status = ec_network_init();
}

static void run(void *argument)
{
    (void)argument;
    const uint32_t begin = pi_perf_read(PI_PERF_CYCLES);
    ec_network_run();
    cycles = pi_perf_read(PI_PERF_CYCLES) - begin;
}

static void say_layers(uint32_t window)
{
    for (uint32_t i = 0; i < EC_LAYERS; ++i) {
        const ec_pmsis_layer *layer = &ec_pmsis_run.layers[i];
        if (ec_pmsis_run.checked)
            printf("@ec check %u %u %08x\n", (unsigned)window, (unsigned)i,
                   (unsigned)layer->checksum);
        else
            printf("@ec timed %u %u %u %u %u %u\n", (unsigned)window, (unsigned)i,
                   (unsigned)layer->cycles, (unsigned)layer->compute, (unsigned)layer->dma_wait,
                   (unsigned)layer->l3_wait);
    }
}

static int run_once(uint32_t window, uint32_t checked, uint8_t *output)
{
    ec_pmsis_run.checked = checked;
    ec_pmsis_run.counted = !checked;
    ec_network_load(input);
    if (ec_pmsis_call(run, NULL))
        return 1;
    ec_network_store(output);
    say_layers(window);
    return 0;
}

static void say_output(uint32_t window)
{
    for (uint32_t i = 0; i < EC_NETWORK_OUTPUT_BYTES; ++i) {
        if (i % 32 == 0)
            printf("%s@ec output %u ", i ? "\n" : "", (unsigned)window);
        printf("%02x", counted_output[i]);
    }
    printf("\n");
}

static int stop(const char *reason, int code)
{
    printf("@ec error %s (%d)\n", reason, code);
    return code ? code : 1;
}

static int check(void)
{
    const int reason = ec_pmsis_open();
    if (reason)
        return stop("the platform did not start", reason);
    if (ec_pmsis_call(initialize, NULL) || status)
        return stop("the network did not start", status);
    pi_fs_file_t *file = pi_fs_open(ec_pmsis_files(), "input.bin", PI_FS_FLAGS_READ);
    if (file == NULL)
        return stop("input.bin is not in the flash", 1);
    uint32_t window = 0;
    while (pi_fs_read(file, input, sizeof input) == (int32_t)sizeof input) {
        if (run_once(window, 1, checked_output) || run_once(window, 0, counted_output))
            return stop("the cluster took no task", 1);
        if (memcmp(checked_output, counted_output, sizeof counted_output) != 0)
            return stop("the counted and the checked run of a window differ", 1);
        say_output(window);
        printf("@ec window %u %u\n", (unsigned)window++, (unsigned)cycles);
    }
    printf("@ec done %u\n", (unsigned)window);
    return 0;
}

int main(void)
{
    pmsis_exit(check());
    return 0;
}
