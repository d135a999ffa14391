/* hal_host.c - the HAL on a computer.
 *
 * L1 and L2 are arrays of exactly the planned size; L3 is a read-only copy of the weights. The
 * point is to be strict, not fast: half of the transfers and of the jobs of NE16 complete at a
 * random moment, the other half in the wait for them and no earlier; cores run in random order. In
 * builds with AddressSanitizer the destination of a late transfer is closed until the wait, and
 * kernels and jobs may touch the L1 buffers of the running layer and nothing in L2.
 */
#include "hal_host.h"

#include <stdlib.h>
#include <string.h>

#include "edgecomp_config.h"
#include "edgecomp_dump.h"
#include "edgecomp_hal.h"
#include "edgecomp_runtime.h"
#include "ne16_model.h"

#if defined(__SANITIZE_ADDRESS__)
#define EC_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EC_CHECKED 1
#endif
#endif

#ifdef EC_CHECKED
#include <sanitizer/asan_interface.h>
#define FORBID(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define ALLOW(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define EC_CHECKED 0
#define FORBID(p, n) ((void)(p), (void)(n))
#define ALLOW(p, n) ((void)(p), (void)(n))
#endif

#define MAX_IN_FLIGHT 32u
#define QUEUED_JOBS 2u

uint32_t hal_host_seed = 1;
FILE *hal_host_trace = NULL;

static _Alignas(16) uint8_t l1_memory[EC_L1_BYTES];
static _Alignas(16) uint8_t l2_memory[EC_L2_BYTES];

extern const uint8_t ec_weights_image[];
extern const uint32_t ec_weights_image_bytes;

/* A started transfer: one side is dense, the other is strided by `block`. */
typedef struct {
    uint8_t *to;
    const uint8_t *from;
    ec_block block;
    int to_is_dense;
    int active;
    int late;   /* completes in the wait, never before */
    int closed; /* its dense destination is closed until then */
    ec_transfer id;
} flight;

static flight flights[MAX_IN_FLIGHT];
static ec_transfer last_id = EC_NO_TRANSFER;

static void fail(const char *reason)
{
    fprintf(stderr, "edgecomp host: %s\n", reason);
    exit(70);
}

#ifdef EC_DUMP_LAYER
static void dump(const void *data, uint32_t bytes)
{
    static FILE *file = NULL;
    if (file == NULL)
        file = fopen("dump.bin", "wb");
    if (file == NULL || fwrite(data, 1, bytes, file) != bytes || fflush(file) != 0)
        fail("cannot write dump.bin");
}
#endif

#ifdef EC_WATCH_L1
/* The byte may be closed: a transfer is on its way to it. */
__attribute__((no_sanitize("address"))) static uint8_t watched(void)
{
    return *(volatile uint8_t *)(l1_memory + EC_WATCH_L1);
}
#endif

static uint32_t next_random(void)
{
    hal_host_seed = hal_host_seed * 1664525u + 1013904223u;
    return hal_host_seed >> 16;
}

int ec_hal_init(void)
{
    if (ec_weights_image_bytes != EC_L3_BYTES)
        fail("weights.bin has another size than the network's");
    memset(l1_memory, 0xa5, sizeof l1_memory);
    memset(l2_memory, 0xa5, sizeof l2_memory);
    FORBID(l1_memory, sizeof l1_memory);
    return 0;
}

uint8_t *ec_hal_l1(void) { return l1_memory; }
uint8_t *ec_hal_l2(void) { return l2_memory; }

void ec_hal_l1_open(uint32_t offset, uint32_t bytes)
{
    if (offset > sizeof l1_memory || bytes > sizeof l1_memory - offset)
        fail("a layer opens an L1 buffer outside of L1");
    ALLOW(l1_memory + offset, bytes);
    memset(l1_memory + offset, 0x5a, bytes);
}

void ec_hal_l1_close(void) { FORBID(l1_memory, sizeof l1_memory); }

static void move(const flight *item)
{
    const ec_block *block = &item->block;
    uint8_t *to = item->to;
    const uint8_t *from = item->from;
    for (uint32_t plane = 0; plane < block->planes; ++plane) {
        for (uint32_t row = 0; row < block->rows; ++row) {
            size_t strided = (size_t)plane * block->plane_stride + (size_t)row * block->row_stride;
            size_t dense = ((size_t)plane * block->rows + row) * block->length;
            memcpy(to + (item->to_is_dense ? dense : strided),
                   from + (item->to_is_dense ? strided : dense), block->length);
        }
    }
}

static void complete(flight *item)
{
    size_t dense = (size_t)item->block.planes * item->block.rows * item->block.length;
    if (item->closed)
        ALLOW(item->to, dense);
    move(item);
    item->active = 0;
}

/* The queue of NE16: jobs in (done, started]. */
static struct {
    ec_ne16_job jobs[QUEUED_JOBS];
    int late[QUEUED_JOBS]; /* runs when it is waited for, never before */
    ec_engine_job started, done;
} engine;

static void close_l2(void);
static void reopen_l2(void);

static void run_oldest_job(void)
{
    close_l2();
    if (ec_ne16_model_run(&engine.jobs[engine.done % QUEUED_JOBS]))
        fail("a job of NE16 asks for what its model does not know");
    reopen_l2();
    engine.done += 1;
}

/* Complete some transfers and jobs, as hardware would. */
static void let_time_pass(void)
{
    for (uint32_t i = 0; i < MAX_IN_FLIGHT; ++i)
        if (flights[i].active && !flights[i].late && next_random() % 4 == 0)
            complete(&flights[i]);
    if (engine.done != engine.started && !engine.late[engine.done % QUEUED_JOBS] &&
        next_random() % 4 == 0)
        run_oldest_job();
}

static ec_transfer start(uint8_t *to, const uint8_t *from, const ec_block *block, int to_is_dense)
{
    let_time_pass();
    for (uint32_t i = 0; i < MAX_IN_FLIGHT; ++i) {
        flight *item = &flights[i];
        if (item->active)
            continue;
        if (++last_id == EC_NO_TRANSFER)
            ++last_id;
        int late = next_random() % 2 == 0;
        int closed = EC_CHECKED && late && to_is_dense;
        *item = (flight){to, from, *block, to_is_dense, 1, late, closed, last_id};
        if (closed)
            FORBID(to, (size_t)block->planes * block->rows * block->length);
        return item->id;
    }
    fail("too many transfers in flight");
    return EC_NO_TRANSFER;
}

static void check_span(const uint8_t *base, size_t size, const uint8_t *p, size_t bytes,
                       const char *reason)
{
    if (p < base || (size_t)(p - base) > size || bytes > size - (size_t)(p - base))
        fail(reason);
}

static size_t strided_span(const ec_block *block)
{
    return (size_t)(block->planes - 1) * block->plane_stride +
           (size_t)(block->rows - 1) * block->row_stride + block->length;
}

static void check_block(const uint8_t *l1, const uint8_t *l2, const ec_block *block)
{
    size_t dense = (size_t)block->planes * block->rows * block->length;
    check_span(l1_memory, sizeof l1_memory, l1, dense, "a transfer leaves L1");
    check_span(l2_memory, sizeof l2_memory, l2, strided_span(block), "a transfer leaves L2");
}

ec_transfer ec_hal_load(void *l1, const void *l2, const ec_block *block)
{
    check_block(l1, l2, block);
    return start(l1, l2, block, 1);
}

ec_transfer ec_hal_store(void *l2, const void *l1, const ec_block *block)
{
    check_block(l1, l2, block);
    EC_DUMPING(ec_dump_store(dump, l2, l1, block);)
    return start(l2, l1, block, 0);
}

void ec_hal_wait(ec_transfer transfer)
{
    let_time_pass();
    for (uint32_t i = 0; i < MAX_IN_FLIGHT; ++i)
        if (flights[i].active && flights[i].id == transfer)
            complete(&flights[i]);
}

ec_transfer ec_hal_l3_load(void *l2, uint32_t l3_offset, uint32_t bytes)
{
    if (l3_offset > EC_L3_BYTES || bytes > EC_L3_BYTES - l3_offset)
        fail("a read leaves the weights in L3");
    if (l3_offset < EC_L3_RAM_BYTES && bytes > EC_L3_RAM_BYTES - l3_offset)
        fail("a read begins in L3 and ends in flash");
    check_span(l2_memory, sizeof l2_memory, l2, bytes, "a read from L3 leaves L2");
    const ec_block block = {bytes, 1, 0, 1, 0};
    return start(l2, ec_weights_image + l3_offset, &block, 1);
}

void ec_hal_l3_wait(ec_transfer transfer) { ec_hal_wait(transfer); }

/* Kernels work on L1 only: L2 is closed to them, but for what is closed already. */
static void close_l2(void) { FORBID(l2_memory, sizeof l2_memory); }

static void reopen_l2(void)
{
    ALLOW(l2_memory, sizeof l2_memory);
    for (uint32_t i = 0; i < MAX_IN_FLIGHT; ++i) {
        const flight *item = &flights[i];
        if (item->active && item->closed)
            FORBID(item->to, (size_t)item->block.planes * item->block.rows * item->block.length);
    }
}

/* Cores run one after the other, in an order that changes from call to call. */
void ec_hal_fork(ec_task task, const void *arguments)
{
    uint32_t first = next_random() % EC_CORES;
    uint32_t backwards = next_random() & 1u;
    let_time_pass();
    close_l2();
    for (uint32_t i = 0; i < EC_CORES; ++i) {
        uint32_t turn = backwards ? EC_CORES - 1 - i : i;
        uint32_t core = (first + turn) % EC_CORES;
        EC_WATCHING(const uint8_t before = watched();)
        task(arguments, core, EC_CORES);
        EC_WATCHING(ec_dump_turn(dump, before, watched(), core);)
    }
    reopen_l2();
}

ec_engine_job ec_hal_ne16_start(const ec_ne16_job *job)
{
    let_time_pass();
    if (engine.started - engine.done == QUEUED_JOBS)
        run_oldest_job();
    engine.jobs[engine.started % QUEUED_JOBS] = *job;
    engine.late[engine.started % QUEUED_JOBS] = next_random() % 2 == 0;
    return ++engine.started;
}

void ec_hal_ne16_wait(ec_engine_job job)
{
    let_time_pass();
    while ((int32_t)(job - engine.done) > 0)
        run_oldest_job();
}

void ec_hal_layer_begin(uint32_t layer)
{
    (void)layer;
    EC_DUMPING(ec_dump_begin(dump, layer);)
}

void ec_hal_layer_end(uint32_t layer, const ec_result *result)
{
    if (hal_host_trace != NULL) {
        fprintf(hal_host_trace, "%u %08x\n", (unsigned)layer,
                (unsigned)ec_checksum_part(result, 0, result->bytes));
        fflush(hal_host_trace);
    }
    EC_DUMPING(ec_dump_end(dump, layer, result);)
}
