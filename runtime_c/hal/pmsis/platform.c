/* platform.c - the fabric controller's part: cluster, flash, external RAM, weights. */
#include <string.h>

#include "pmsis.h"

#include "bsp/bsp.h"
#include "bsp/flash.h"
#include "bsp/fs.h"
#include "bsp/fs/readfs.h"
#include "bsp/ram.h"

#include "edgecomp_hal.h"
#include "edgecomp_runtime.h"
#include "hal_pmsis.h"

#ifndef EC_MASTER_STACK_BYTES
#define EC_MASTER_STACK_BYTES 2048
#endif
#ifndef EC_SLAVE_STACK_BYTES
#define EC_SLAVE_STACK_BYTES 1024
#endif

/* What one copy from flash to RAM takes at most; the arena of the network is the buffer. */
#define CHUNK 32768u
#define SAMPLE 64u /* bytes read back of a chunk, or a few more */

struct pi_device ec_pmsis_ram;
uint32_t ec_pmsis_weights;
pi_fs_file_t *ec_pmsis_weights_file;
uint8_t *ec_pmsis_l1;
PI_L2 uint8_t ec_pmsis_l2[EC_L2_BYTES] __attribute__((aligned(16)));

static struct pi_device cluster, flash, files;
static struct pi_cluster_task task;

const char *ec_pmsis_reason(int reason)
{
    switch (reason) {
    case EC_PMSIS_CLUSTER:
        return "the cluster does not open, or has too little L1";
    case EC_PMSIS_FLASH:
        return "the flash or its file system does not open";
    case EC_PMSIS_RAM:
        return "the external RAM does not open, or is too small";
    case EC_PMSIS_WEIGHTS:
        return "weights.bin is not in the flash, or has another size";
    case EC_PMSIS_CLOCK:
        return "a clock does not take the board file's frequency";
    case EC_PMSIS_COPY:
        return "the external RAM does not hold what was written to it";
    default:
        return "unknown";
    }
}

/* The SDK starts with clocks of its own, which are slower. */
static int set_clock(pi_freq_domain_e domain, uint32_t hertz)
{
    return pi_freq_set(domain, hertz) < 0 ? EC_PMSIS_CLOCK : 0;
}

int ec_pmsis_wake(void)
{
    static struct pi_cluster_conf conf;
    pi_cluster_conf_init(&conf);
    conf.id = 0;
    pi_open_from_conf(&cluster, &conf);
    if (pi_cluster_open(&cluster))
        return EC_PMSIS_CLUSTER;
    ec_pmsis_l1 = pi_cl_l1_malloc(&cluster, EC_L1_BYTES);
    if (ec_pmsis_l1 == NULL || ((uintptr_t)ec_pmsis_l1 & 3u))
        return EC_PMSIS_CLUSTER;
    return set_clock(PI_FREQ_DOMAIN_CL, EC_CLUSTER_HZ);
}

void ec_pmsis_sleep(void)
{
    pi_cl_l1_free(&cluster, ec_pmsis_l1, EC_L1_BYTES);
    pi_cluster_close(&cluster);
}

static int open_files(void)
{
    static struct pi_default_flash_conf flash_conf;
    static struct pi_readfs_conf files_conf;
    pi_default_flash_conf_init(&flash_conf);
    pi_open_from_conf(&flash, &flash_conf);
    if (pi_flash_open(&flash))
        return EC_PMSIS_FLASH;
    pi_readfs_conf_init(&files_conf);
    files_conf.fs.flash = &flash;
    pi_open_from_conf(&files, &files_conf);
    return pi_fs_mount(&files) ? EC_PMSIS_FLASH : 0;
}

static int open_ram(void)
{
    static struct pi_default_ram_conf conf;
    pi_default_ram_conf_init(&conf);
    pi_open_from_conf(&ec_pmsis_ram, &conf);
    if (pi_ram_open(&ec_pmsis_ram))
        return EC_PMSIS_RAM;
    return EC_L3_RAM_BYTES > 0 && pi_ram_alloc(&ec_pmsis_ram, &ec_pmsis_weights, EC_L3_RAM_BYTES)
               ? EC_PMSIS_RAM
               : 0;
}

/* The end of a chunk of weights, which is in the arena, against what the RAM has of it. */
static int is_in_ram(uint32_t at, uint32_t bytes)
{
    PI_L2 static uint8_t found[SAMPLE + 8u] __attribute__((aligned(8)));
    const uint32_t from = (bytes - EC_MIN(bytes, SAMPLE)) & ~7u;
    pi_ram_read(&ec_pmsis_ram, ec_pmsis_weights + at + from, found, bytes - from);
    return memcmp(found, ec_pmsis_l2 + from, bytes - from) == 0;
}

/* The file stays open where weights are read from it later. */
static int place_weights(void)
{
    const uint32_t chunk = EC_L2_BYTES < CHUNK ? EC_L2_BYTES & ~7u : CHUNK;
    pi_fs_file_t *file = pi_fs_open(&files, "weights.bin", PI_FS_FLAGS_READ);
    if (file == NULL || file->size != EC_L3_BYTES)
        return EC_PMSIS_WEIGHTS;
    for (uint32_t at = 0; at < EC_L3_RAM_BYTES; at += chunk) {
        const uint32_t bytes = EC_MIN(EC_L3_RAM_BYTES - at, chunk);
        if (pi_fs_read(file, ec_pmsis_l2, bytes) != (int32_t)bytes)
            return EC_PMSIS_WEIGHTS;
        pi_ram_write(&ec_pmsis_ram, ec_pmsis_weights + at, ec_pmsis_l2, bytes);
        if (!is_in_ram(at, bytes))
            return EC_PMSIS_COPY;
    }
    if (EC_L3_RAM_BYTES == EC_L3_BYTES)
        pi_fs_close(file);
    else
        ec_pmsis_weights_file = file;
    return 0;
}

int ec_pmsis_open(void)
{
    int reason = set_clock(PI_FREQ_DOMAIN_FC, EC_FABRIC_HZ);
    if (reason == 0)
        reason = set_clock(PI_FREQ_DOMAIN_PERIPH, EC_PERIPHERAL_HZ);
    if (reason == 0)
        reason = ec_pmsis_wake();
    if (reason == 0)
        reason = open_files();
    if (reason == 0)
        reason = open_ram();
    return reason == 0 && EC_L3_BYTES > 0 ? place_weights() : reason;
}

int ec_pmsis_call(void (*entry)(void *argument), void *argument)
{
    pi_cluster_task(&task, entry, argument);
    task.stack_size = EC_MASTER_STACK_BYTES;
    task.slave_stack_size = EC_SLAVE_STACK_BYTES;
    return pi_cluster_send_task_to_cl(&cluster, &task);
}

struct pi_device *ec_pmsis_files(void) { return &files; }
