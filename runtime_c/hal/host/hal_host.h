/* hal_host.h - the host platform's knobs, set by host_main.c. */
#ifndef HAL_HOST_H
#define HAL_HOST_H

#include <stdint.h>
#include <stdio.h>

/* Seed of the order in which cores run and transfers complete. */
extern uint32_t hal_host_seed;

/* Where layer checksums are written, one line each; NULL: nowhere. */
extern FILE *hal_host_trace;

#endif
