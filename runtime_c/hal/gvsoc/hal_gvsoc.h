/* hal_gvsoc.h - what the fabric controller and the cluster share. */
#ifndef EDGECOMP_HAL_GVSOC_H
#define EDGECOMP_HAL_GVSOC_H

#include <stdint.h>

#include "chip.h"
#include "edgecomp_config.h"
#include "sections.h"

/* What the cluster is asked to do with the window in the arena. */
typedef enum {
    EC_IDLE = 0,
    EC_INIT = 1,
    EC_TIMED = 2,   /* run without observation */
    EC_CHECKED = 3, /* run with checksums */
} ec_command;

/* One layer of the last run, in cluster cycles. */
typedef struct {
    uint32_t cycles;     /* from the end of the layer before to the end of this one */
    uint32_t compute;    /* inside ec_hal_fork */
    uint32_t dma_wait;   /* inside ec_hal_wait */
    uint32_t l3_wait;    /* inside ec_hal_l3_wait */
    uint32_t ne16_wait;  /* inside ec_hal_ne16_wait, or until NE16 took a job */
    uint32_t ne16_busy;  /* of checked runs: in which NE16 worked, beside all of these */
    uint32_t checksum;   /* of checked runs */
} ec_layer_record;

/* The mailbox. Words are written by one side each, and read and written through the functions below:
 * what was written before a word is there for who has read it. */
typedef struct {
    volatile uint32_t command;   /* set by the fabric controller, back to EC_IDLE by the cluster */
    volatile uint32_t finished;  /* layers that are finished in this run */
    volatile uint32_t cycles;    /* of the whole run */
    volatile uint32_t status;    /* of ec_network_init */
    ec_layer_record layers[EC_LAYERS];
} ec_mailbox;

extern ec_mailbox ec_mail;

static inline void ec_mail_send(volatile uint32_t *word, uint32_t value)
{
    COMPILER_BARRIER();
    *word = value;
}

static inline uint32_t ec_mail_receive(const volatile uint32_t *word)
{
    const uint32_t value = *word;
    COMPILER_BARRIER();
    return value;
}

/* What the cores of the cluster share to fork: written by the orchestrator, `busy` by workers. */
typedef struct {
    void (*volatile task)(const void *arguments, uint32_t core, uint32_t cores);
    const void *volatile arguments;
    volatile uint8_t busy[EC_CORES];
#ifdef EC_TRACE
    volatile uint32_t begin[EC_CORES]; /* of the task, in cycles */
    volatile uint32_t end[EC_CORES];
#endif
} ec_fork_state;

extern ec_fork_state ec_fork;

/* Start the cores of the cluster: from the fabric controller. */
void ec_cluster_boot(void);

/* Prepare forks, and fork: from the orchestrator. */
void ec_fork_init(void);
void ec_fork_join(void (*task)(const void *arguments, uint32_t core, uint32_t cores),
                  const void *arguments);

/* L3 from the fabric controller, before the cluster starts; ec_l3_read reads flash, too. */
void ec_l3_init(void);
void ec_l3_write(uint32_t l3_offset, const void *l2, uint32_t bytes);
void ec_l3_read(void *l2, uint32_t l3_offset, uint32_t bytes);

#endif
