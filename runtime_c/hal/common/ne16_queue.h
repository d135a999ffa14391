/* ne16_queue.h - the queue of NE16 beyond edgecomp_hal.h, for the platform. */
#ifndef EDGECOMP_NE16_QUEUE_H
#define EDGECOMP_NE16_QUEUE_H

#include <stdint.h>

/* Whether the job `number` has ended. Numbers have 8 bits: nobody may ask for a job when 128 later
 * ones were given. */
int ec_ne16_ended(uint32_t number);

#endif
