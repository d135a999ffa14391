/* hal_gvsoc.c - the HAL on the simulated chip, as the orchestrator calls it. */
#include "hal_gvsoc.h"

#include "chip.h"
#include "edgecomp_dump.h"
#include "edgecomp_hal.h"
#include "edgecomp_network.h"
#include "edgecomp_runtime.h"
#include "host_link.h"
#include "ne16_watch.h"
#include "trace.h"

extern uint8_t ec_l1_arena[];
extern uint8_t ec_l2_arena[];

EC_IN_PRIVATE ec_mailbox ec_mail;

/* The orchestrator's own state. `owner` tells the transfer that a DMA counter belongs to. */
static EC_IN_L1 struct {
    ec_transfer owner[DMA_COUNTERS];
    ec_transfer serial;
    uint16_t checked;
    uint16_t taken; /* counters of the DMA */
    uint32_t layer_start;
    uint32_t compute;
    uint32_t dma_wait;
    uint32_t l3_wait;
} state;

/* Reads from L3, a ring: [done, begun) are in flight or wait for their turn, the first one is in
 * flight. Transfers are numbered from 1. */
typedef struct {
    uint32_t l2, l3, bytes;
} l3_read;

static EC_IN_L1 struct {
    l3_read reads[EC_READS_AHEAD];
    uint32_t done, begun;
} l3;

static EC_IN_L1 uint32_t partial_sums[EC_CORES];

int ec_hal_init(void)
{
    for (uint32_t i = 0; i < DMA_COUNTERS; ++i)
        state.owner[i] = EC_NO_TRANSFER;
    state.serial = 0;
    state.taken = 0;
    l3.done = l3.begun = 0;
    ec_ne16.watched = ec_ne16.working = 0;
    return 0;
}

uint8_t *ec_hal_l1(void) { return ec_l1_arena; }
uint8_t *ec_hal_l2(void) { return ec_l2_arena; }

void ec_hal_l1_open(uint32_t offset, uint32_t bytes)
{
    (void)offset;
    (void)bytes;
}

void ec_hal_l1_close(void) {}

#ifdef EC_DUMP_LAYER
static EC_IN_PRIVATE int dump_file;

static void dump(const void *data, uint32_t bytes)
{
    if (state.checked)
        (void)ec_host_write(dump_file, data, bytes);
}
#endif

/* ---- L2 and L1 --------------------------------------------------------------------------- */

static void push_1d(uint32_t flags, uint32_t l1, uint32_t l2, uint32_t bytes)
{
    REGISTER(DMA_QUEUE) = bytes | flags;
    REGISTER(DMA_QUEUE) = l1;
    REGISTER(DMA_QUEUE) = l2;
}

static void push_2d(uint32_t flags, uint32_t l1, uint32_t l2, uint32_t rows, uint32_t row_bytes,
                    uint32_t stride)
{
    REGISTER(DMA_QUEUE) = (rows * row_bytes) | flags | DMA_2D;
    REGISTER(DMA_QUEUE) = l1;
    REGISTER(DMA_QUEUE) = l2;
    REGISTER(DMA_QUEUE) = row_bytes;
    REGISTER(DMA_QUEUE) = stride;
}

/* Bytes back to back, in as many commands as they need. */
static void push_run(uint32_t flags, uint32_t l1, uint32_t l2, uint32_t bytes)
{
    for (; bytes > DMA_MOST_BYTES; bytes -= DMA_MOST_BYTES) {
        push_1d(flags, l1, l2, DMA_MOST_BYTES);
        l1 += DMA_MOST_BYTES;
        l2 += DMA_MOST_BYTES;
    }
    push_1d(flags, l1, l2, bytes);
}

/* One plane: 1-D where its rows lie back to back. */
static void push_plane(uint32_t flags, uint32_t l1, uint32_t l2, uint32_t rows, uint32_t row_bytes,
                       uint32_t stride)
{
    if (rows == 1 || stride == row_bytes)
        push_run(flags, l1, l2, rows * row_bytes);
    else if (rows * row_bytes <= DMA_MOST_BYTES)
        push_2d(flags, l1, l2, rows, row_bytes, stride);
    else
        for (uint32_t row = 0; row < rows; ++row)
            push_run(flags, l1 + row * row_bytes, l2 + row * stride, row_bytes);
}

/* A read of the queue stalls the core for ever when all counters are taken, and only a wait frees
 * one: then the oldest transfer is waited for. */
static void free_a_counter(void)
{
    ec_transfer oldest = state.owner[0];
    for (uint32_t i = 1; i < DMA_COUNTERS; ++i)
        if ((int32_t)(state.owner[i] - oldest) < 0)
            oldest = state.owner[i];
    ec_hal_wait(oldest);
}

/* All commands after one read of the queue count on the same counter. */
static ec_transfer start(uint32_t direction, uint32_t l1, uint32_t l2, const ec_block *block)
{
    const uint32_t flags = direction | DMA_INCREMENT | DMA_EVENT;
    const uint32_t plane_bytes = block->rows * block->length;
    if (plane_bytes * block->planes == 0)
        return EC_NO_TRANSFER;
    if (state.taken == DMA_COUNTERS)
        free_a_counter();
    ++state.taken;
    const uint32_t counter = REGISTER(DMA_QUEUE);
    if (block->planes == 1) {
        push_plane(flags, l1, l2, block->rows, block->length, block->row_stride);
    } else if (block->rows == 1) {
        push_plane(flags, l1, l2, block->planes, block->length, block->plane_stride);
    } else {
        for (uint32_t plane = 0; plane < block->planes; ++plane) {
            push_plane(flags, l1, l2, block->rows, block->length, block->row_stride);
            l1 += plane_bytes;
            l2 += block->plane_stride;
        }
    }
    state.serial += DMA_COUNTERS;
    if (state.serial == 0)
        state.serial = DMA_COUNTERS;
    state.owner[counter] = state.serial | counter;
    EC_TRACE_START(EC_TRACE_DMA, state.owner[counter]);
    return state.owner[counter];
}

ec_transfer ec_hal_load(void *l1, const void *l2, const ec_block *block)
{
    return start(DMA_L2_TO_L1, (uint32_t)(uintptr_t)l1, (uint32_t)(uintptr_t)l2, block);
}

ec_transfer ec_hal_store(void *l2, const void *l1, const ec_block *block)
{
    EC_DUMPING(ec_dump_store(dump, l2, l1, block);)
    return start(0, (uint32_t)(uintptr_t)l1, (uint32_t)(uintptr_t)l2, block);
}

/* Sleep until the counter is done. Its event wakes the core; so might one of another counter. */
static void sleep_for(uint32_t counter)
{
    REGISTER(EVENT_MASK) = EVENT_DMA;
    while ((REGISTER(DMA_STATUS) >> counter) & 1u)
        EVENT_LOAD(EVENT_UNIT, EVENT_WAIT_CLEAR);
    REGISTER(EVENT_MASK) = EVENT_BARRIER;
}

void ec_hal_wait(ec_transfer transfer)
{
    const uint32_t counter = transfer % DMA_COUNTERS;
    if (transfer == EC_NO_TRANSFER || state.owner[counter] != transfer)
        return;
    const uint32_t begin = core_cycles();
    if ((REGISTER(DMA_STATUS) >> counter) & 1u)
        sleep_for(counter);
    REGISTER(DMA_STATUS) = 1u << counter;
    state.owner[counter] = EC_NO_TRANSFER;
    --state.taken;
    const uint32_t end = core_cycles();
    state.dma_wait += end - begin;
    EC_TRACE_SPAN(EC_TRACE_DMA_WAIT, begin, end, transfer);
}

/* ---- L3 and flash: one read at a time, the others wait in a queue ------------------------------ */

void ec_l3_init(void)
{
    REGISTER(UDMA_CLOCKS) = UDMA_HYPER_CLOCKS;
    REGISTER(HYPER_PAGE_BOUND) = 4;
    REGISTER(HYPER_LATENCY) = 6;
    REGISTER(HYPER_ADDED_LATENCY) = 1;
}

void ec_l3_write(uint32_t l3_offset, const void *l2, uint32_t bytes)
{
    COMPILER_BARRIER();
    REGISTER(HYPER_CHIP_SELECT) = HYPER_RAM;
    REGISTER(HYPER_ADDRESS) = l3_offset;
    REGISTER(HYPER_COMMAND) = HYPER_LINEAR;
    REGISTER(HYPER_WRITE_L2) = (uint32_t)(uintptr_t)l2;
    REGISTER(HYPER_WRITE_BYTES) = bytes;
    REGISTER(HYPER_WRITE_START) = HYPER_ENABLE;
    while (REGISTER(HYPER_STATUS) & 1u) {
    }
}

static void start_reading(const l3_read *read)
{
    REGISTER(HYPER_CHIP_SELECT) = read->l3 < EC_L3_RAM_BYTES ? HYPER_RAM : HYPER_FLASH;
    REGISTER(HYPER_ADDRESS) = read->l3;
    REGISTER(HYPER_COMMAND) = HYPER_LINEAR | HYPER_READ;
    REGISTER(HYPER_READ_L2) = read->l2;
    REGISTER(HYPER_READ_BYTES) = read->bytes;
    REGISTER(HYPER_READ_START) = HYPER_ENABLE;
}

void ec_l3_read(void *l2, uint32_t l3_offset, uint32_t bytes)
{
    const l3_read read = {(uint32_t)(uintptr_t)l2, l3_offset, bytes};
    start_reading(&read);
    while (REGISTER(HYPER_STATUS) & 1u) {
    }
    COMPILER_BARRIER();
}

static void start_read(void)
{
    start_reading(&l3.reads[l3.done % EC_READS_AHEAD]);
    EC_TRACE_START(EC_TRACE_L3, l3.done + 1u);
}

/* Start the next read where one waits and the one before it is done. */
static void advance_reads(void)
{
    if (l3.done == l3.begun || (REGISTER(HYPER_STATUS) & 1u))
        return;
    if (++l3.done != l3.begun)
        start_read();
}

static void finish_reads(ec_transfer until)
{
    const uint32_t begin = core_cycles();
    while (l3.done < until)
        advance_reads();
    const uint32_t end = core_cycles();
    state.l3_wait += end - begin;
    EC_TRACE_SPAN(EC_TRACE_L3_WAIT, begin, end, until);
}

ec_transfer ec_hal_l3_load(void *l2, uint32_t l3_offset, uint32_t bytes)
{
    if (bytes == 0)
        return EC_NO_TRANSFER;
    if (l3.begun - l3.done == EC_READS_AHEAD)
        finish_reads(l3.done + 1u);
    l3.reads[l3.begun % EC_READS_AHEAD] = (l3_read){(uint32_t)(uintptr_t)l2, l3_offset, bytes};
    if (l3.done == l3.begun++)
        start_read();
    return l3.begun;
}

void ec_hal_l3_wait(ec_transfer transfer)
{
    if (transfer != EC_NO_TRANSFER && l3.done < transfer)
        finish_reads(transfer);
}

/* ---- cores --------------------------------------------------------------------------------- */

#ifdef EC_TRACE
static void trace_cores(uint32_t task)
{
    for (uint32_t core = 0; core < EC_CORES; ++core)
        EC_TRACE_SPAN(EC_TRACE_CORE + core, ec_fork.begin[core], ec_fork.end[core], task);
}
#endif

#ifdef EC_WATCH_L1
static volatile uint32_t turn;
static ec_task turn_task;

static void take_turn(const void *arguments, uint32_t core, uint32_t cores)
{
    if (core == turn)
        turn_task(arguments, core, cores);
}

static void fork_in_turns(ec_task task, const void *arguments)
{
    const volatile uint8_t *watched = ec_l1_arena + EC_WATCH_L1;
    turn_task = task;
    for (turn = 0; turn < EC_CORES; ++turn) {
        const uint8_t before = *watched;
        ec_fork_join(take_turn, arguments);
        ec_dump_turn(dump, before, *watched, turn);
    }
}
#define FORK fork_in_turns
#else
#define FORK ec_fork_join
#endif

void ec_hal_fork(ec_task task, const void *arguments)
{
    const uint32_t begin = core_cycles();
    if (l3.begun - l3.done > 1u) /* one waits for its turn */
        advance_reads();
    FORK(task, arguments);
    const uint32_t end = core_cycles();
    state.compute += end - begin;
    EC_TRACE_SPAN(EC_TRACE_FORK, begin, end, (uint32_t)(uintptr_t)task);
    EC_TRACING(trace_cores((uint32_t)(uintptr_t)task);)
}

/* ---- observation --------------------------------------------------------------------------- */

static void checksum_task(const void *arguments, uint32_t core, uint32_t cores)
{
    const ec_result *result = arguments;
    const uint32_t words = (result->bytes + 3u) / 4u;
    const uint32_t share = (words + cores - 1u) / cores;
    const uint32_t first = EC_MIN(core * share, words);
    const uint32_t begin = EC_MIN(first * 4u, result->bytes);
    const uint32_t end = EC_MIN(EC_MIN(first + share, words) * 4u, result->bytes);
    partial_sums[core] = ec_checksum_part(result, begin, end);
}

static uint32_t checksum(const ec_result *result)
{
    ec_fork_join(checksum_task, result);
    uint32_t sum = 0;
    for (uint32_t core = 0; core < EC_CORES; ++core)
        sum += partial_sums[core];
    return sum;
}

static void count_from(uint32_t now)
{
    state.layer_start = now;
    state.compute = 0;
    state.dma_wait = 0;
    state.l3_wait = 0;
    ec_ne16.busy = 0;
    ec_ne16.wait = 0;
}

void ec_hal_layer_begin(uint32_t layer)
{
    EC_DUMPING(ec_dump_begin(dump, layer);)
    if (!state.checked)
        return;
    ec_say("@ec begin");
    ec_say_number(layer);
    ec_say_end();
}

void ec_hal_layer_end(uint32_t layer, const ec_result *result)
{
    const uint32_t now = core_cycles();
    ec_layer_record *record = &ec_mail.layers[layer];
    EC_TRACE_SPAN(EC_TRACE_LAYER, state.layer_start, now, layer);
    record->cycles = now - state.layer_start;
    record->compute = state.compute;
    record->dma_wait = state.dma_wait;
    record->l3_wait = state.l3_wait;
    record->ne16_wait = ec_ne16.wait;
    if (ec_ne16.watched)
        record->ne16_busy = ec_ne16.busy;
    if (state.checked)
        record->checksum = checksum(result);
    EC_DUMPING(ec_dump_end(dump, layer, result);)
    count_from(now);
    ec_mail_send(&ec_mail.finished, layer + 1u);
}

static void run(uint32_t checked)
{
    state.checked = (uint16_t)checked;
    ec_ne16.watched = (uint8_t)checked;
    EC_TRACING(ec_trace_record(!checked);)
    EC_TRACING(ec_ne16.watched = 1;)
    const uint32_t begin = core_cycles();
    count_from(begin);
    ec_network_run();
    ec_mail.cycles = core_cycles() - begin;
    EC_TRACING(ec_trace_flush();)
}

/* The orchestrator: do what the fabric controller asks. */
void ec_orchestrate(void)
{
    EC_DUMPING(dump_file = ec_host_open("dump.bin", EC_HOST_WRITE);)
    ec_fork_init();
    for (;;) {
        const uint32_t command = ec_mail_receive(&ec_mail.command);
        if (command == EC_IDLE)
            continue;
        if (command == EC_INIT)
            ec_mail.status = (uint32_t)ec_network_init();
        else
            run(command == EC_CHECKED);
        ec_mail_send(&ec_mail.command, EC_IDLE);
    }
}
