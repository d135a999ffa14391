/* ne16.c - the queue of NE16: two jobs, numbered by the engine, which run in order.
 *
 * For platforms that reach the engine's registers. Of the platform, in its ne16_port.h:
 *
 *   ne16_read, ne16_write     a register, by its offset
 *   ne16_sleep                until a job ends; an end that nobody slept for ends the sleep at once
 *   ne16_now                  cycles, for waits
 *   ne16_waited               the time of a wait and the job waited for
 *   ne16_given, ne16_seen     a job was given; the end of one was seen
 */
#include <stddef.h>

#include "edgecomp_hal.h"
#include "ne16_port.h"
#include "ne16_queue.h"
#include "ne16_registers.h"

#define POINTERS 6u

/* The fields of a job, whatever their types. */
typedef uint32_t field __attribute__((may_alias));

_Static_assert(offsetof(ec_ne16_job, input_stride) == POINTERS * sizeof(void *) &&
                   sizeof(ec_ne16_job) - offsetof(ec_ne16_job, input_stride) ==
                       4 * (EC_NE16_REGISTERS - POINTERS),
               "a job is the registers' contents, six pointers first");

/* A later one has begun, or it was the last and is gone. */
int ec_ne16_ended(uint32_t number)
{
    const int8_t ahead = (int8_t)(ne16_read(NE16_RUNNING) - number);
    if (ahead != 0)
        return ahead > 0;
    return (ne16_read(NE16_STATUS) & NE16_OCCUPIED(number)) == 0;
}

static inline void count_wait(uint32_t begin, uint32_t number)
{
    ne16_waited(begin, ne16_now(), number & 0xffu);
}

/* Both functions that wait are apart, so that who need not wait saves no registers for them. */
static __attribute__((noinline)) int32_t wait_for_place(void)
{
    const uint32_t begin = ne16_now();
    int32_t number;
    do
        ne16_sleep();
    while ((number = (int32_t)ne16_read(NE16_ACQUIRE)) < 0);
    count_wait(begin, (uint32_t)number - 2u);
    return number;
}

static __attribute__((noinline)) void wait_for_end(uint32_t number)
{
    const uint32_t begin = ne16_now();
    do
        ne16_sleep();
    while (!ec_ne16_ended(number));
    count_wait(begin, number);
}

/* Order all accesses before with all after; the core accesses memory in order, so this binds the
 * compiler only. */
static inline void order(void) { __asm__ volatile("" : : : "memory"); }

static inline void write_pointer(uint32_t i, const void *pointer)
{
    ne16_write(NE16_JOB(i), (uint32_t)(uintptr_t)pointer);
}

ec_engine_job ec_hal_ne16_start(const ec_ne16_job *job)
{
    const field *rest = (const field *)(const void *)job->input_stride;
    int32_t number = (int32_t)ne16_read(NE16_ACQUIRE);
    if (number < 0)
        number = wait_for_place();
    order();
    write_pointer(0, job->weights);
    write_pointer(1, job->input);
    write_pointer(2, job->output);
    write_pointer(3, job->multiplier);
    write_pointer(4, job->shifts);
    write_pointer(5, job->bias);
#pragma GCC unroll 18
    for (uint32_t i = POINTERS; i < EC_NE16_REGISTERS; ++i)
        ne16_write(NE16_JOB(i), rest[i - POINTERS]);
    ne16_write(NE16_COMMIT, 0);
    ne16_given((uint32_t)number);
    return (ec_engine_job)number + 1;
}

void ec_hal_ne16_wait(ec_engine_job job)
{
    if (job == EC_NO_ENGINE_JOB)
        return;
    if (!ec_ne16_ended(job - 1))
        wait_for_end(job - 1);
    order();
    ne16_seen();
}
