/* hal_pmsis.c - the HAL on the vendor's runtime, as the orchestrating core calls it.
 *
 * On GAP9 a task of the cluster runs on its ninth core; pi_cl_team_fork gives the other eight a
 * function and returns when all are done.
 */
#include "hal_pmsis.h"

#include "pmsis.h"

#include "bsp/fs.h"
#include "bsp/ram.h"

#include "edgecomp_hal.h"
#include "edgecomp_runtime.h"
#include "ne16_port.h"
#include "ne16_registers.h"

/* Copies that the DMA has at once. It has 16 counters, which the vendor's runtime uses too. */
#define COPIES 8u

/* The size of a copy has 16 bits in the vendor's interface. */
#define MOST_BYTES 65532u

/* Copies in flight, a ring: transfer `owner` waits for those that are its own. */
PI_L1 static struct {
    pi_cl_dma_copy_t copy[COPIES];
    ec_transfer owner[COPIES]; /* EC_NO_TRANSFER: waited for */
    uint32_t next;
    ec_transfer serial;
} dma;

/* A read of weights, from RAM or from the file in flash. */
typedef struct {
    int from_flash;
    union {
        pi_cl_ram_req_t ram;
        pi_cl_fs_req_t flash;
    } request;
} l3_read;

/* Reads, a ring: [done, begun) are not waited for. Transfers are numbered from 1. The runtime of the
 * fabric controller does those of one memory in the order in which they came. */
PI_L2 static struct {
    l3_read reads[EC_READS_AHEAD];
    uint32_t done, begun;
} l3;

static struct {
    uint32_t layer_start, compute, dma_wait, l3_wait;
} spent;

uint32_t ec_pmsis_ne16_wait;

PI_L2 ec_pmsis_record ec_pmsis_run;

/* The counter runs from ec_hal_init on. */
uint32_t ec_pmsis_now(void) { return ec_pmsis_run.counted ? pi_perf_read(PI_PERF_CYCLES) : 0; }

int ec_hal_init(void)
{
    for (uint32_t i = 0; i < COPIES; ++i)
        dma.owner[i] = EC_NO_TRANSFER;
    dma.next = 0;
    dma.serial = EC_NO_TRANSFER;
    l3.done = l3.begun = 0;
    EC_NE16_ENABLE();
    ne16_write(NE16_SOFT_CLEAR, 0); /* forget the jobs of a run before */
    pi_perf_conf(1u << PI_PERF_CYCLES);
    pi_perf_reset();
    pi_perf_start();
    return 0;
}

uint8_t *ec_hal_l1(void) { return ec_pmsis_l1; }
uint8_t *ec_hal_l2(void) { return ec_pmsis_l2; }

void ec_hal_l1_open(uint32_t offset, uint32_t bytes)
{
    (void)offset;
    (void)bytes;
}

void ec_hal_l1_close(void) {}

/* ---- L2 and L1 --------------------------------------------------------------------------- */

static void finish(uint32_t slot)
{
    if (dma.owner[slot] == EC_NO_TRANSFER)
        return;
    const uint32_t begin = ec_pmsis_now();
    pi_cl_dma_wait(&dma.copy[slot]);
    dma.owner[slot] = EC_NO_TRANSFER;
    spent.dma_wait += ec_pmsis_now() - begin;
}

static pi_cl_dma_copy_t *next_copy(void)
{
    const uint32_t slot = dma.next;
    finish(slot);
    dma.next = (slot + 1u) % COPIES;
    dma.owner[slot] = dma.serial;
    return &dma.copy[slot];
}

static void push_1d(pi_cl_dma_dir_e direction, uint32_t l1, uint32_t l2, uint32_t bytes)
{
    while (bytes > 0) {
        const uint32_t part = EC_MIN(bytes, MOST_BYTES);
        pi_cl_dma_copy_t *copy = next_copy();
        copy->ext = l2;
        copy->loc = l1;
        copy->size = (uint16_t)part;
        copy->dir = direction;
        copy->merge = 0;
        pi_cl_dma_memcpy(copy);
        l1 += part;
        l2 += part;
        bytes -= part;
    }
}

static void push_2d(pi_cl_dma_dir_e direction, uint32_t l1, uint32_t l2, uint32_t rows,
                    uint32_t row_bytes, uint32_t stride)
{
    const uint32_t most = MOST_BYTES / row_bytes;
    while (rows > 0) {
        const uint32_t part = EC_MIN(rows, most);
        pi_cl_dma_copy_2d_t *copy = next_copy();
        copy->ext = l2;
        copy->loc = l1;
        copy->size = (uint16_t)(part * row_bytes);
        copy->stride = stride;
        copy->length = row_bytes;
        copy->dir = direction;
        copy->merge = 0;
        pi_cl_dma_memcpy_2d(copy);
        l1 += part * row_bytes;
        l2 += part * stride;
        rows -= part;
    }
}

/* One plane: 1-D where its rows lie back to back, or are longer than one copy. */
static void push_plane(pi_cl_dma_dir_e direction, uint32_t l1, uint32_t l2, uint32_t rows,
                       uint32_t row_bytes, uint32_t stride)
{
    if (rows == 1 || stride == row_bytes) {
        push_1d(direction, l1, l2, rows * row_bytes);
    } else if (row_bytes <= MOST_BYTES) {
        push_2d(direction, l1, l2, rows, row_bytes, stride);
    } else {
        for (uint32_t row = 0; row < rows; ++row)
            push_1d(direction, l1 + row * row_bytes, l2 + row * stride, row_bytes);
    }
}

static ec_transfer start(pi_cl_dma_dir_e direction, const void *near, const void *far,
                         const ec_block *block)
{
    uint32_t l1 = (uint32_t)(uintptr_t)near, l2 = (uint32_t)(uintptr_t)far;
    const uint32_t plane_bytes = block->rows * block->length;
    if (plane_bytes * block->planes == 0)
        return EC_NO_TRANSFER;
    if (++dma.serial == EC_NO_TRANSFER)
        ++dma.serial;
    if (block->planes == 1) {
        push_plane(direction, l1, l2, block->rows, block->length, block->row_stride);
    } else if (block->rows == 1) {
        push_plane(direction, l1, l2, block->planes, block->length, block->plane_stride);
    } else {
        for (uint32_t plane = 0; plane < block->planes; ++plane) {
            push_plane(direction, l1, l2, block->rows, block->length, block->row_stride);
            l1 += plane_bytes;
            l2 += block->plane_stride;
        }
    }
    return dma.serial;
}

ec_transfer ec_hal_load(void *l1, const void *l2, const ec_block *block)
{
    return start(PI_CL_DMA_DIR_EXT2LOC, l1, l2, block);
}

ec_transfer ec_hal_store(void *l2, const void *l1, const ec_block *block)
{
    return start(PI_CL_DMA_DIR_LOC2EXT, l1, l2, block);
}

void ec_hal_wait(ec_transfer transfer)
{
    if (transfer == EC_NO_TRANSFER)
        return;
    for (uint32_t i = 0; i < COPIES; ++i)
        if (dma.owner[(dma.next + i) % COPIES] == transfer)
            finish((dma.next + i) % COPIES);
}

/* ---- L3 and flash -------------------------------------------------------------------------- */

static void finish_reads(uint32_t until)
{
    const uint32_t begin = ec_pmsis_now();
    while ((int32_t)(until - l3.done) > 0) {
        l3_read *read = &l3.reads[l3.done++ % EC_READS_AHEAD];
        if (!read->from_flash)
            pi_cl_ram_read_wait(&read->request.ram);
        else if (pi_cl_fs_wait(&read->request.flash) < 0)
            ++ec_pmsis_run.lost_reads;
    }
    spent.l3_wait += ec_pmsis_now() - begin;
}

ec_transfer ec_hal_l3_load(void *l2, uint32_t l3_offset, uint32_t bytes)
{
    if (bytes == 0)
        return EC_NO_TRANSFER;
    if (l3.begun - l3.done == EC_READS_AHEAD)
        finish_reads(l3.done + 1u);
    l3_read *read = &l3.reads[l3.begun % EC_READS_AHEAD];
    read->from_flash = l3_offset >= EC_L3_RAM_BYTES;
    if (read->from_flash)
        pi_cl_fs_copy(ec_pmsis_weights_file, l3_offset, l2, bytes, 1, &read->request.flash);
    else
        pi_cl_ram_read(&ec_pmsis_ram, ec_pmsis_weights + l3_offset, l2, bytes, &read->request.ram);
    return ++l3.begun;
}

void ec_hal_l3_wait(ec_transfer transfer)
{
    if (transfer != EC_NO_TRANSFER)
        finish_reads(transfer);
}

/* ---- cores --------------------------------------------------------------------------------- */

typedef struct {
    ec_task task;
    const void *arguments;
} fork_args;

static void work(void *argument)
{
    const fork_args *args = argument;
    args->task(args->arguments, (uint32_t)pi_core_id(), EC_CORES);
}

static void fork_join(ec_task task, const void *arguments)
{
    fork_args args = {task, arguments};
    pi_cl_team_fork(EC_CORES, work, &args);
}

void ec_hal_fork(ec_task task, const void *arguments)
{
    const uint32_t begin = ec_pmsis_now();
    fork_join(task, arguments);
    spent.compute += ec_pmsis_now() - begin;
}

/* ---- observation --------------------------------------------------------------------------- */

static void count_from_now(void)
{
    spent.compute = spent.dma_wait = spent.l3_wait = ec_pmsis_ne16_wait = 0;
    spent.layer_start = ec_pmsis_now();
}

void ec_hal_layer_begin(uint32_t layer)
{
    if (layer == 0)
        count_from_now();
}

void ec_hal_layer_end(uint32_t layer, const ec_result *result)
{
    ec_pmsis_layer *record = &ec_pmsis_run.layers[layer];
    record->cycles = ec_pmsis_now() - spent.layer_start;
    record->compute = spent.compute;
    record->dma_wait = spent.dma_wait;
    record->l3_wait = spent.l3_wait;
    record->ne16_wait = ec_pmsis_ne16_wait;
    if (ec_pmsis_run.checked)
        record->checksum = ec_checksum_part(result, 0, result->bytes);
    count_from_now();
}
