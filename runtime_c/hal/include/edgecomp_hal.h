/* edgecomp_hal.h - what generated code needs from a platform.
 *
 * One implementation per platform lives in hal/<platform>/. All functions are called by the
 * orchestrating core only; kernels never call the HAL.
 *
 * Memories: L1 is the cluster's scratchpad, L2 the on-chip memory that holds code and the planned
 * arena, L3 the external memory that holds the weights. Only transfers move data between them.
 */
#ifndef EDGECOMP_HAL_H
#define EDGECOMP_HAL_H

#include <stdint.h>

#include "edgecomp_ne16.h"

/* A transfer in flight; EC_NO_TRANSFER is complete from the start. */
typedef uint32_t ec_transfer;
#define EC_NO_TRANSFER ((ec_transfer)0)

/* planes x rows runs of `length` bytes in L2, strides in bytes; packed densely in L1. */
typedef struct {
    uint32_t length;
    uint32_t rows;
    uint32_t row_stride;
    uint32_t planes;
    uint32_t plane_stride;
} ec_block;

/* A kernel as the cores run it: core in [0, cores). */
typedef void (*ec_task)(const void *arguments, uint32_t core, uint32_t cores);

/* Start the platform. Returns 0, or a non-zero platform code. */
int ec_hal_init(void);

/* Start of the planned L1 and L2 memories. */
uint8_t *ec_hal_l1(void);
uint8_t *ec_hal_l2(void);

/* Declare a buffer of the layer about to run. Checked builds allow kernels to touch nothing else. */
void ec_hal_l1_open(uint32_t offset, uint32_t bytes);
void ec_hal_l1_close(void);

/* Start a transfer between L2 and L1. The data may be used, and the source changed, only after
 * ec_hal_wait. Waiting twice, or for EC_NO_TRANSFER, is allowed. */
ec_transfer ec_hal_load(void *l1, const void *l2, const ec_block *block);
ec_transfer ec_hal_store(void *l2, const void *l1, const ec_block *block);
void ec_hal_wait(ec_transfer transfer);

/* Start a read of `bytes` bytes of the weights into L2, from `l3_offset` on. The first
 * EC_L3_RAM_BYTES of the weights are in L3, the others in flash; no read needs both. Reads are done
 * in the order in which they were started; a platform takes at least EC_READS_AHEAD at once. */
ec_transfer ec_hal_l3_load(void *l2, uint32_t l3_offset, uint32_t bytes);
void ec_hal_l3_wait(ec_transfer transfer);

/* Run `task` on all cores and return when all are done. */
void ec_hal_fork(ec_task task, const void *arguments);

/* A job of NE16 that was started; EC_NO_ENGINE_JOB has ended from the start. */
typedef uint32_t ec_engine_job;
#define EC_NO_ENGINE_JOB ((ec_engine_job)0)

/* Queue a job of NE16, on targets that have it. Jobs run in order; two are queued at most, a third
 * start waits. `job` itself may be changed at once, but the memory it reads only after
 * ec_hal_ne16_wait, and its results may be used only then. Waiting for a job waits for those
 * before it. */
ec_engine_job ec_hal_ne16_start(const ec_ne16_job *job);
void ec_hal_ne16_wait(ec_engine_job job);

/* A layer's result: `bytes` bytes in rows of `row`, which begin `pitch` bytes apart. */
typedef struct {
    const uint8_t *data;
    uint32_t bytes;
    uint32_t row;
    uint32_t pitch;
} ec_result;

/* Observation points around layer `layer`, and what it made. */
void ec_hal_layer_begin(uint32_t layer);
void ec_hal_layer_end(uint32_t layer, const ec_result *result);

#endif
