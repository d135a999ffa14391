/* gvsoc_main.c - the fabric controller: weights into RAM, windows through the cluster, results out.
 *
 * Files, in the simulator's working folder: weights.bin and input.bin are read, output.bin is
 * written, in the format of hal/host. They go to and come from the places of the tensors in the
 * arena, so that the simulation needs no L2. Every window runs twice: with checksums, then timed.
 * Lines that start with "@ec" on standard output tell how far the run is:
 *
 *   begin  layer                           of a checked run, from the orchestrator
 *   timed  window layer cycles compute dma_wait l3_wait ne16_wait ne16_busy
 *   check  window layer checksum
 *   window window cycles
 *   stack  fabric orchestrator worker      bytes that were never used
 *   hang   layer busy task                 no layer finished for a long time
 *   done   windows
 */
#include "chip.h"
#include "edgecomp_network.h"
#include "edgecomp_runtime.h"
#include "hal_gvsoc.h"
#include "host_link.h"
#include "trace.h"

#define PAINT 0xec5ac4edu
#define CHUNK 32768u
#define SAMPLE 64u /* bytes read back of a chunk, or a few more */

extern uint8_t ec_l2_arena[];
extern uint32_t ec_stacks_start[], ec_orchestrator_stack_bottom[], ec_orchestrator_stack_top[];
extern uint32_t ec_fabric_stack_bottom[], ec_fabric_stack_top[];
extern char ec_worker_stack_bytes[];

static void stop(const char *reason)
{
    ec_say("@ec error ");
    ec_say(reason);
    ec_say_end();
    ec_host_exit(1);
}

static int open_file(const char *path, uint32_t mode)
{
    const int file = ec_host_open(path, mode);
    if (file < 0)
        stop(path);
    return file;
}

/* The end of the chunk, which is in the arena, against what the external memory has of it. */
static void check_chunk(uint32_t at, uint32_t bytes)
{
    static uint8_t found[SAMPLE + 8u] __attribute__((aligned(8)));
    const uint32_t from = (bytes - EC_MIN(bytes, SAMPLE)) & ~7u;
    ec_l3_read(found, at + from, bytes - from);
    for (uint32_t i = from; i < bytes; ++i)
        if (found[i - from] != ec_l2_arena[i])
            stop(at < EC_L3_RAM_BYTES ? "the external RAM does not hold what was written to it"
                                      : "the flash does not hold weights.bin");
}

/* [from, to) of the weights, chunk by chunk through the arena. */
static void check_or_place(int file, uint32_t from, uint32_t to, int in_ram)
{
    const uint32_t chunk = EC_L2_BYTES < CHUNK ? EC_L2_BYTES & ~7u : CHUNK;
    for (uint32_t at = from; at < to; at += chunk) {
        const uint32_t bytes = EC_MIN(to - at, chunk);
        if (ec_host_read(file, ec_l2_arena, bytes) != bytes)
            stop("weights.bin is too short");
        if (in_ram)
            ec_l3_write(at, ec_l2_arena, bytes);
        check_chunk(at, bytes);
    }
}

static void place_weights(void)
{
    const int file = open_file("weights.bin", EC_HOST_READ);
    check_or_place(file, 0, EC_L3_RAM_BYTES, 1);
    check_or_place(file, EC_L3_RAM_BYTES, EC_L3_BYTES, 0);
    if (ec_host_read(file, ec_l2_arena, 1) != 0)
        stop("weights.bin is too long");
}

/* ---- stacks -------------------------------------------------------------------------------- */

static void paint(uint32_t *from, const uint32_t *to)
{
    while (from < to)
        *from++ = PAINT;
}

static uint32_t unused(const uint32_t *bottom, const uint32_t *top)
{
    const uint32_t *end = bottom;
    while (end < top && *end == PAINT)
        ++end;
    return (uint32_t)((uintptr_t)end - (uintptr_t)bottom);
}

static void paint_stacks(void)
{
    const uint32_t *here;
    __asm__ volatile("mv %0, sp" : "=r"(here));
    paint(ec_fabric_stack_bottom, here - 64);
    paint(ec_stacks_start, ec_orchestrator_stack_top);
}

static void say_stacks(void)
{
    const uint32_t words = (uint32_t)(uintptr_t)ec_worker_stack_bytes / 4u;
    uint32_t worker = 4u * words;
    for (uint32_t core = 0; core < EC_CORES; ++core) {
        const uint32_t *bottom = ec_stacks_start + core * words;
        worker = EC_MIN(worker, unused(bottom, bottom + words));
    }
    ec_say("@ec stack");
    ec_say_number(unused(ec_fabric_stack_bottom, ec_fabric_stack_top));
    ec_say_number(unused(ec_orchestrator_stack_bottom, ec_orchestrator_stack_top));
    ec_say_number(worker);
    ec_say_end();
}

/* ---- runs ---------------------------------------------------------------------------------- */

/* Divisions keep this core off the memories, and the simulator off this core. */
static void idle(void)
{
    uint32_t value = 0xffffffffu;
    for (uint32_t i = 0; i < 16; ++i)
        __asm__ volatile("divu %0, %0, %1\n\tdivu %0, %0, %1" : "+r"(value) : "r"(1));
}

static void say_layer(ec_command command, uint32_t window, uint32_t layer)
{
    const ec_layer_record *record = &ec_mail.layers[layer];
    ec_say(command == EC_TIMED ? "@ec timed" : "@ec check");
    ec_say_number(window);
    ec_say_number(layer);
    if (command == EC_TIMED) {
        ec_say_number(record->cycles);
        ec_say_number(record->compute);
        ec_say_number(record->dma_wait);
        ec_say_number(record->l3_wait);
        ec_say_number(record->ne16_wait);
        ec_say_number(record->ne16_busy);
    } else {
        ec_say_hex(record->checksum);
    }
    ec_say_end();
}

static void report_hang(uint32_t layer)
{
    uint32_t busy = 0;
    for (uint32_t core = 0; core < EC_CORES; ++core)
        busy |= (uint32_t)(ec_fork.busy[core] != 0) << core;
    ec_say("@ec hang");
    ec_say_number(layer);
    ec_say_hex(busy);
    ec_say_hex((uint32_t)(uintptr_t)ec_fork.task);
    ec_say_end();
    ec_host_exit(1);
}

/* Ask the cluster, and tell about layers as they finish. */
static void ask(ec_command command, uint32_t window)
{
    uint32_t layer = 0;
    uint32_t since = core_cycles();
    ec_mail.finished = 0;
    ec_mail_send(&ec_mail.command, command);
    while (ec_mail_receive(&ec_mail.command) != EC_IDLE || layer < ec_mail.finished) {
        idle();
        if (layer < ec_mail_receive(&ec_mail.finished)) {
            say_layer(command, window, layer++);
            since = core_cycles();
        } else if (core_cycles() - since > EC_HANG_CYCLES) {
            report_hang(layer);
        }
    }
}

/* ---- windows ------------------------------------------------------------------------------- */

/* Whether the file held another window; it is in the arena then. */
static int load_window(int file)
{
    for (uint32_t i = 0; i < EC_NETWORK_INPUTS; ++i) {
        const ec_network_tensor tensor = ec_network_input(i);
        if (ec_host_read(file, tensor.data, tensor.bytes) != tensor.bytes)
            return 0;
    }
    return 1;
}

static void store_outputs(int file)
{
    for (uint32_t i = 0; i < EC_NETWORK_OUTPUTS; ++i) {
        const ec_network_tensor tensor = ec_network_output(i);
        if (ec_host_write(file, tensor.data, tensor.bytes) != tensor.bytes)
            stop("cannot write output.bin");
    }
}

/* The window that was loaded; `again` gives it a second time. */
static void run_window(uint32_t window, int again)
{
    ask(EC_CHECKED, window);
    const uint32_t checked = ec_network_checksum();
    if (!load_window(again))
        stop("input.bin is shorter than it was");
    ask(EC_TIMED, window);
    ec_say("@ec window");
    ec_say_number(window);
    ec_say_number(ec_mail.cycles);
    ec_say_end();
    if (ec_network_checksum() != checked)
        stop("the timed and the checked run of a window differ");
}

int main(void)
{
    REGISTER(FABRIC_ICACHE_ENABLE) = 1;
    paint_stacks();
    ec_mail.command = EC_IDLE;
    ec_l3_init();
    place_weights();
    const int input = open_file("input.bin", EC_HOST_READ);
    const int again = open_file("input.bin", EC_HOST_READ);
    const int output = open_file("output.bin", EC_HOST_WRITE);
    EC_TRACING(ec_trace_open();)
    ec_cluster_boot();
    ask(EC_INIT, 0);
    if (ec_mail.status != 0)
        stop("the platform did not start");
    uint32_t window = 0;
    while (load_window(input)) {
        run_window(window++, again);
        store_outputs(output);
    }
    say_stacks();
    ec_say("@ec done");
    ec_say_number(window);
    ec_say_end();
    return 0;
}
