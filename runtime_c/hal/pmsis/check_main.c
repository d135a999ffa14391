/* check_main.c - run the windows of input.bin in the flash's file system and tell what came out.
 *
 * Windows are read to the places of the inputs in the arena, so that the check needs no L2.
 * Every window runs twice: with checksums, then counted. Lines that start with "@ec" are those of
 * hal/gvsoc/gvsoc_main.c, printed when a run has ended, with what the hardware counts:
 *
 *   clock  hertz                           of the cluster
 *   timed  window layer cycles compute dma_wait l3_wait ne16_wait
 *   check  window layer checksum
 *   output window hexadecimal              the packed outputs, in lines of 32 bytes
 *   window window cycles
 *   done   windows
 *   error  why it stopped
 */
#include <stdio.h>

#include "pmsis.h"

#include "bsp/fs.h"

#include "edgecomp_network.h"
#include "hal_pmsis.h"

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
            printf("@ec timed %u %u %u %u %u %u %u\n", (unsigned)window, (unsigned)i,
                   (unsigned)layer->cycles, (unsigned)layer->compute, (unsigned)layer->dma_wait,
                   (unsigned)layer->l3_wait, (unsigned)layer->ne16_wait);
    }
}

/* Whether the file held another window; it is in the arena then. */
static int load_window(pi_fs_file_t *file)
{
    for (uint32_t i = 0; i < EC_NETWORK_INPUTS; ++i) {
        const ec_network_tensor tensor = ec_network_input(i);
        if (pi_fs_read(file, tensor.data, tensor.bytes) != (int32_t)tensor.bytes)
            return 0;
    }
    return 1;
}

/* Returns why it failed, or NULL. */
static const char *run_once(uint32_t window, uint32_t checked)
{
    ec_pmsis_run.checked = checked;
    ec_pmsis_run.counted = !checked;
    if (ec_pmsis_call(run, NULL))
        return "the cluster took no task";
    if (ec_pmsis_run.lost_reads)
        return "weights could not be read from flash";
    say_layers(window);
    return NULL;
}

static void say_outputs(uint32_t window)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < EC_NETWORK_OUTPUTS; ++i) {
        const ec_network_tensor tensor = ec_network_output(i);
        for (uint32_t byte = 0; byte < tensor.bytes; ++byte, ++place) {
            if (place % 32 == 0)
                printf("%s@ec output %u ", place ? "\n" : "", (unsigned)window);
            printf("%02x", tensor.data[byte]);
        }
    }
    printf("\n");
}

static int stop(const char *what, const char *reason, int code)
{
    printf("@ec error %s: %s (%d)\n", what, reason, code);
    return code ? code : 1;
}

/* Every window of `file`; `again` gives the same ones a second time. Returns why it stopped. */
static const char *run_windows(pi_fs_file_t *file, pi_fs_file_t *again)
{
    uint32_t window = 0;
    for (; load_window(file); ++window) {
        const char *failure = run_once(window, 1);
        if (failure != NULL)
            return failure;
        const uint32_t checked = ec_network_checksum();
        if (!load_window(again))
            return "input.bin is shorter than it was";
        failure = run_once(window, 0);
        if (failure != NULL)
            return failure;
        if (ec_network_checksum() != checked)
            return "the counted and the checked run of a window differ";
        say_outputs(window);
        printf("@ec window %u %u\n", (unsigned)window, (unsigned)cycles);
    }
    printf("@ec done %u\n", (unsigned)window);
    return NULL;
}

static int check(void)
{
    const int reason = ec_pmsis_open();
    if (reason)
        return stop("the platform did not start", ec_pmsis_reason(reason), reason);
    printf("@ec clock %u\n", (unsigned)pi_freq_get(PI_FREQ_DOMAIN_CL));
    if (ec_pmsis_call(initialize, NULL) || status)
        return stop("the network did not start", "the cluster took no task", status);
    pi_fs_file_t *file = pi_fs_open(ec_pmsis_files(), "input.bin", PI_FS_FLAGS_READ);
    pi_fs_file_t *again = pi_fs_open(ec_pmsis_files(), "input.bin", PI_FS_FLAGS_READ);
    if (file == NULL || again == NULL)
        return stop("no windows", "input.bin is not in the flash", 1);
    const char *failure = run_windows(file, again);
    return failure == NULL ? 0 : stop("a window did not end well", failure, 1);
}

int main(void)
{
    pmsis_exit(check());
    return 0;
}
