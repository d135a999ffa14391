/* stubs.c - the vendor's interface on this computer: files for the flash, memory for the RAM.
 *
 * Strict like hal/host: a copy, a read of L3 and a job of NE16 happen in the wait for them and no
 * earlier; cores run in an order that changes. Programs are linked below 4 GiB (-no-pie), so that
 * addresses fit 32 bits. STUB_FAILS names what does not work: clock, ram (takes nothing), flash
 * (from the cluster), uart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bsp/bsp.h"
#include "bsp/fs.h"
#include "bsp/fs/readfs.h"
#include "ne16_model.h"
#include "ne16_stub.h"

static void fail(const char *reason)
{
    fprintf(stderr, "stub: %s\n", reason);
    exit(70);
}

static int fails(const char *what)
{
    const char *asked = getenv("STUB_FAILS");
    return asked != NULL && strcmp(asked, what) == 0;
}

static uint32_t seed = 1;

static uint32_t next_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 16;
}

void pi_open_from_conf(struct pi_device *device, void *conf) { device->config = conf; }
void pmsis_exit(int code) { exit(code); }

/* ---- clocks: slow until they are set; the cluster's needs the cluster ---- */
static uint32_t clocks[] = {50000000, 50000000, 50000000};
static int cluster_is_open;

int32_t pi_freq_set(pi_freq_domain_e domain, uint32_t freq)
{
    if (fails("clock") || (domain == PI_FREQ_DOMAIN_CL && !cluster_is_open))
        return -1;
    clocks[domain] = freq;
    return 0;
}

uint32_t pi_freq_get(pi_freq_domain_e domain) { return clocks[domain]; }

/* ---- cluster: its L1 is a static array, for its address ---- */
static _Alignas(16) uint8_t l1[128 * 1024];
static int l1_is_taken, on_cluster, core = -1;

void pi_cluster_conf_init(struct pi_cluster_conf *conf) { conf->id = -1; }

int pi_cluster_open(struct pi_device *device)
{
    if (cluster_is_open || ((struct pi_cluster_conf *)device->config)->id != 0)
        fail("the cluster is open, or has another number");
    cluster_is_open = 1;
    return 0;
}

int pi_cluster_close(struct pi_device *device)
{
    (void)device;
    cluster_is_open = 0;
    clocks[PI_FREQ_DOMAIN_CL] = 50000000;
    memset(l1, 0xa5, sizeof l1);
    return 0;
}

struct pi_cluster_task *pi_cluster_task(struct pi_cluster_task *task, void (*entry)(void *),
                                        void *arg)
{
    memset(task, 0, sizeof *task);
    task->entry = entry;
    task->arg = arg;
    return task;
}

int pi_cluster_send_task_to_cl(struct pi_device *device, struct pi_cluster_task *task)
{
    (void)device;
    if (!cluster_is_open || !task->stack_size || !task->slave_stack_size)
        return -1;
    on_cluster = 1;
    task->entry(task->arg);
    on_cluster = 0;
    return 0;
}

void *pi_cl_l1_malloc(struct pi_device *device, uint32_t size)
{
    (void)device;
    if (l1_is_taken || size > sizeof l1)
        return NULL;
    l1_is_taken = 1;
    memset(l1, 0xa5, sizeof l1);
    return l1;
}

void pi_cl_l1_free(struct pi_device *device, void *chunk, int size)
{
    (void)device;
    (void)size;
    if (chunk != l1)
        fail("L1 is given back that was not taken");
    l1_is_taken = 0;
}

int pi_core_id(void) { return core; }

void pi_cl_team_fork(int nb_cores, void (*entry)(void *), void *arg)
{
    if (!on_cluster || core >= 0)
        fail("a fork that is not the orchestrator's");
    const int first = (int)(next_random() % (uint32_t)nb_cores);
    for (int i = 0; i < nb_cores; ++i) {
        core = (first + i) % nb_cores;
        entry(arg);
    }
    core = -1;
}

/* ---- DMA ---- */
#define COUNTERS 16
static pi_cl_dma_copy_t pushed[COUNTERS + 1]; /* as it was; an id is an index from 1 */
static int busy[COUNTERS + 1];

static void push(pi_cl_dma_copy_t *copy, uint32_t length)
{
    uint32_t id = 1;
    while (id <= COUNTERS && busy[id])
        ++id;
    if (id > COUNTERS || !on_cluster)
        fail("no counter of the DMA is free");
    if (copy->loc < (uintptr_t)l1 || copy->loc + copy->size > (uintptr_t)(l1 + sizeof l1))
        fail("a copy leaves L1");
    if (length == 0 || copy->size % length || copy->merge)
        fail("a copy that is no whole number of rows");
    copy->id = id;
    busy[id] = 1;
    pushed[id] = *copy;
    pushed[id].length = length;
    if (length == copy->size)
        pushed[id].stride = 0;
}

void pi_cl_dma_memcpy(pi_cl_dma_copy_t *copy) { push(copy, copy->size); }
void pi_cl_dma_memcpy_2d(pi_cl_dma_copy_2d_t *copy) { push(copy, copy->length); }

void pi_cl_dma_wait(void *which)
{
    const uint32_t id = ((pi_cl_dma_copy_t *)which)->id;
    const pi_cl_dma_copy_t *copy = &pushed[id];
    if (id < 1 || id > COUNTERS || !busy[id])
        fail("a wait for no copy");
    for (uint32_t at = 0; at < copy->size; at += copy->length) {
        uint8_t *loc = (uint8_t *)(uintptr_t)(copy->loc + at);
        uint8_t *ext = (uint8_t *)(uintptr_t)(copy->ext + at / copy->length * copy->stride);
        if (copy->dir == PI_CL_DMA_DIR_EXT2LOC)
            memcpy(loc, ext, copy->length);
        else
            memcpy(ext, loc, copy->length);
    }
    busy[id] = 0;
}

/* ---- external RAM; its addresses begin anywhere ---- */
#define RAM_BASE 0x1000u
static uint8_t *ram;
static uint32_t ram_bytes;

void pi_default_ram_conf_init(struct pi_default_ram_conf *conf) { conf->unused = 0; }

int32_t pi_ram_open(struct pi_device *device) { return device->config == NULL; }

int pi_ram_alloc(struct pi_device *device, uint32_t *addr, uint32_t size)
{
    (void)device;
    ram = malloc(size);
    ram_bytes = size;
    *addr = RAM_BASE;
    return ram == NULL;
}

static uint8_t *ram_at(uint32_t address, uint32_t bytes)
{
    const uint32_t offset = address - RAM_BASE;
    if (address < RAM_BASE || offset > ram_bytes || bytes > ram_bytes - offset)
        fail("an access leaves what was taken of the RAM");
    return ram + offset;
}

void pi_ram_write(struct pi_device *device, uint32_t pi_ram_addr, void *data, uint32_t size)
{
    (void)device;
    if (!fails("ram"))
        memcpy(ram_at(pi_ram_addr, size), data, size);
}

void pi_ram_read(struct pi_device *device, uint32_t pi_ram_addr, void *data, uint32_t size)
{
    (void)device;
    memcpy(data, ram_at(pi_ram_addr, size), size);
}

void pi_cl_ram_read(struct pi_device *device, uint32_t pi_ram_addr, void *addr, uint32_t size,
                    pi_cl_ram_req_t *req)
{
    (void)device;
    if (!on_cluster)
        fail("pi_cl_ram_read from the fabric controller");
    *req = (pi_cl_ram_req_t){addr, pi_ram_addr, size, 0};
}

void pi_cl_ram_read_wait(pi_cl_ram_req_t *req)
{
    if (req->done)
        fail("a read is waited for twice");
    memcpy(req->addr, ram_at(req->pi_ram_addr, req->size), req->size);
    req->done = 1;
}

/* ---- flash: the working folder ---- */
void pi_default_flash_conf_init(struct pi_default_flash_conf *conf) { conf->unused = 0; }
int pi_flash_open(struct pi_device *device) { return device->config == NULL; }
void pi_readfs_conf_init(struct pi_readfs_conf *conf) { conf->fs.flash = NULL; }

int32_t pi_fs_mount(struct pi_device *device)
{
    return ((struct pi_readfs_conf *)device->config)->fs.flash == NULL;
}

pi_fs_file_t *pi_fs_open(struct pi_device *device, const char *name, int flags)
{
    (void)device;
    (void)flags;
    FILE *stream = fopen(name, "rb");
    if (stream == NULL)
        return NULL;
    pi_fs_file_t *file = malloc(sizeof *file);
    fseek(stream, 0, SEEK_END);
    *file = (pi_fs_file_t){stream, (unsigned)ftell(stream)};
    rewind(stream);
    return file;
}

int32_t pi_fs_read(pi_fs_file_t *file, void *buffer, uint32_t size)
{
    return (int32_t)fread(buffer, 1, size, file->data);
}

void pi_fs_close(pi_fs_file_t *file)
{
    fclose(file->data);
    free(file);
}

void pi_cl_fs_copy(pi_fs_file_t *file, uint32_t index, void *buffer, uint32_t size, int32_t ext2loc,
                   pi_cl_fs_req_t *req)
{
    if (!on_cluster)
        fail("pi_cl_fs_copy from the fabric controller");
    if (!ext2loc || index > file->size || size > file->size - index)
        fail("a copy leaves the file");
    *req = (pi_cl_fs_req_t){file, buffer, index, size, 0};
}

int32_t pi_cl_fs_wait(pi_cl_fs_req_t *req)
{
    if (req->done)
        fail("a copy is waited for twice");
    req->done = 1;
    if (fails("flash"))
        return -1;
    fseek(req->file->data, req->index, SEEK_SET);
    return (int32_t)fread(req->buffer, 1, req->size, req->file->data);
}

/* ---- counters: every reading is one cycle later ---- */
static unsigned cycles, counting;

void pi_perf_conf(unsigned events) { counting = 0 * events; }
void pi_perf_reset(void) { cycles = 0; }
void pi_perf_start(void) { counting = 1; }
void pi_perf_stop(void) { counting = 0; }

unsigned int pi_perf_read(int id)
{
    if (id != PI_PERF_CYCLES || !counting)
        fail("a counter that does not count");
    return cycles++;
}

/* ---- UART: uart.bin; time: none ---- */
static FILE *uart;

void pi_uart_conf_init(struct pi_uart_conf *conf) { memset(conf, 0, sizeof *conf); }

int pi_uart_open(struct pi_device *device)
{
    const struct pi_uart_conf *conf = device->config;
    if (!conf->enable_tx || !conf->baudrate_bps)
        return -1;
    uart = fails("uart") ? NULL : fopen("uart.bin", "wb");
    return uart == NULL;
}

int pi_uart_write(struct pi_device *device, void *buffer, uint32_t size)
{
    (void)device;
    const int missing = fwrite(buffer, 1, size, uart) != size;
    return fflush(uart) || missing;
}

void pi_time_wait_us(int time_us) { (void)time_us; }

/* ---- NE16: two sets of registers; the older job runs when somebody sleeps ---- */
static uint32_t registers[2][EC_NE16_REGISTERS];
static uint32_t given, gone; /* jobs; numbers are their lowest 8 bits */

static void run_oldest(void)
{
    const uint32_t *from = registers[gone % 2];
    ec_ne16_job job = {(const uint8_t *)(uintptr_t)from[0], (const uint8_t *)(uintptr_t)from[1],
                       (void *)(uintptr_t)from[2],          (const void *)(uintptr_t)from[3],
                       (const uint8_t *)(uintptr_t)from[4], (const int32_t *)(uintptr_t)from[5],
                       {0},                                 {0},
                       {0},                                 0,
                       0,                                   0,
                       0,                                   0,
                       0,                                   0,
                       0,                                   0};
    memcpy(job.input_stride, from + 6, 18 * sizeof *from);
    if (ec_ne16_model_run(&job))
        fail("a job of NE16 asks for what its model does not know");
    ++gone;
}

uint32_t stub_ne16_read(uint32_t offset)
{
    switch (offset) {
    case 0x04:
        return given - gone == 2 ? 0xffffffffu : given & 0xffu;
    case 0x0c: {
        uint32_t occupied = 0;
        for (uint32_t job = gone; job != given; ++job)
            occupied |= job & 1u ? 0x100u : 1u;
        return occupied;
    }
    case 0x10:
        return (given == gone ? gone - 1u : gone) & 0xffu;
    default:
        fail("an unknown register of NE16 is read");
        return 0;
    }
}

void stub_ne16_write(uint32_t offset, uint32_t value)
{
    if (offset == 0x00)
        ++given;
    else if (offset == 0x14)
        given = gone = 0;
    else if (offset >= 0x20 && offset < 0x20 + 4 * EC_NE16_REGISTERS)
        registers[given % 2][(offset - 0x20) / 4] = value;
    else
        fail("an unknown register of NE16 is written");
}

void stub_ne16_sleep(void)
{
    if (given == gone)
        fail("nobody will wake a core that waits for NE16");
    run_oldest();
}
