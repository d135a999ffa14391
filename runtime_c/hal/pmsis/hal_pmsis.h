/* hal_pmsis.h - the vendor's runtime (PMSIS) as programs of the fabric controller use it. */
#ifndef EDGECOMP_HAL_PMSIS_H
#define EDGECOMP_HAL_PMSIS_H

#include <stdint.h>

#include "pmsis.h"

#include "bsp/fs.h"

#include "edgecomp_config.h"

/* Why ec_pmsis_open failed. */
enum {
    EC_PMSIS_CLUSTER = 1, /* the cluster does not open, or has too little L1 left for the network */
    EC_PMSIS_FLASH = 2,   /* the flash or its file system does not open */
    EC_PMSIS_RAM = 3,     /* the external RAM does not open, or is too small */
    EC_PMSIS_WEIGHTS = 4, /* weights.bin is not in the file system, or has another size */
    EC_PMSIS_CLOCK = 5,   /* a clock does not take the frequency of the board file */
    EC_PMSIS_COPY = 6,    /* the external RAM does not hold what was written to it */
};

/* The same in words. */
const char *ec_pmsis_reason(int reason);

/* Set the clocks, power the cluster and open the memories; copy weights.bin, or what is to be in RAM
 * of it, from the file system in flash into the external RAM. Returns 0, or one of the reasons above.
 * From the fabric controller, once. */
int ec_pmsis_open(void);

/* Run `entry` on the cluster's orchestrating core and return when it has ended; 0, or non-zero. */
int ec_pmsis_call(void (*entry)(void *argument), void *argument);

/* The file system in flash, open after ec_pmsis_open. */
struct pi_device *ec_pmsis_files(void);

/* Off the cluster's supply, and back on; the memories stay open. */
void ec_pmsis_sleep(void);
int ec_pmsis_wake(void);

/* One layer of the last run, in cluster cycles, as hal/gvsoc counts them. */
typedef struct {
    uint32_t cycles;    /* from the end of the layer before to the end of this one */
    uint32_t compute;   /* inside ec_hal_fork */
    uint32_t dma_wait;  /* inside ec_hal_wait, or until the DMA took a copy */
    uint32_t l3_wait;   /* inside ec_hal_l3_wait, or until a read could be queued */
    uint32_t ne16_wait; /* inside ec_hal_ne16_wait, or until NE16 took a job */
    uint32_t checksum;  /* of the result, where asked for */
} ec_pmsis_layer;

/* What a run leaves; `checked` and `counted` say what to observe, and are set before it. */
typedef struct {
    uint32_t checked;    /* checksums */
    uint32_t counted;    /* cycles */
    uint32_t lost_reads; /* of weights, since the start; results after one mean nothing */
    ec_pmsis_layer layers[EC_LAYERS];
} ec_pmsis_record;

extern ec_pmsis_record ec_pmsis_run;

/* For hal_pmsis.c: what ec_pmsis_open has made. */
extern struct pi_device ec_pmsis_ram;
extern uint32_t ec_pmsis_weights; /* where they begin in the external RAM */
extern pi_fs_file_t *ec_pmsis_weights_file; /* open where some are read from flash */
extern uint8_t *ec_pmsis_l1;
extern uint8_t ec_pmsis_l2[EC_L2_BYTES];

/* Cycles of the cluster, where they are counted; else 0. */
uint32_t ec_pmsis_now(void);

/* For ne16_port.h: cycles of waits for NE16 since the layer before ended. */
extern uint32_t ec_pmsis_ne16_wait;

#endif
