/* ne16.c - the queue of NE16 on GAP9: two jobs, numbered by the engine, which run in order.
 *
 * The vendor's interface has no function for a job's registers; they are those of hal/gvsoc.
 */
#include "pmsis.h"

#include "edgecomp_hal.h"
#include "hal_pmsis.h"

/* Offsets from the engine's base in the cluster. */
#define COMMIT 0x00u
#define ACQUIRE 0x04u /* read: the job's number, or negative: both are taken */
#define STATUS 0x0cu
#define RUNNING 0x10u /* number of the job that runs or ran last */
#define SOFT_CLEAR 0x14u
#define JOB(i) (0x20u + 4u * (i))
#define OCCUPIED(number) (((number)&1u) ? 0x100u : 1u)
#define POINTERS 6u

#ifndef EC_NE16_READ /* a test may put a model there */
#define CLUSTER 0x10200000u
#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define EC_NE16_READ(offset) REGISTER(CLUSTER + 0x1000u + (offset))
#define EC_NE16_WRITE(offset, value) (REGISTER(CLUSTER + 0x1000u + (offset)) = (value))
#define EC_NE16_ENABLE() (REGISTER(CLUSTER + 0x18u) |= 0x800u) /* the engine's clock */
#define EC_NE16_SLEEP() eu_evt_maskWaitAndClr(1u << 12)
#endif

typedef uint32_t field __attribute__((may_alias));

_Static_assert(sizeof(ec_ne16_job) - offsetof(ec_ne16_job, input_stride) ==
                   4 * (EC_NE16_REGISTERS - POINTERS),
               "behind its pointers a job is the registers' contents");

void ec_pmsis_ne16_init(void)
{
    EC_NE16_ENABLE();
    EC_NE16_WRITE(SOFT_CLEAR, 0);
}

static void write_pointer(uint32_t i, const void *pointer)
{
    EC_NE16_WRITE(JOB(i), (uint32_t)(uintptr_t)pointer);
}

ec_engine_job ec_hal_ne16_start(const ec_ne16_job *job)
{
    const field *rest = (const field *)(const void *)job->input_stride;
    int32_t number;
    while ((number = (int32_t)EC_NE16_READ(ACQUIRE)) < 0)
        EC_NE16_SLEEP();
    write_pointer(0, job->weights);
    write_pointer(1, job->input);
    write_pointer(2, job->output);
    write_pointer(3, job->multiplier);
    write_pointer(4, job->shifts);
    write_pointer(5, job->bias);
    for (uint32_t i = POINTERS; i < EC_NE16_REGISTERS; ++i)
        EC_NE16_WRITE(JOB(i), rest[i - POINTERS]);
    __asm__ volatile("" : : : "memory");
    EC_NE16_WRITE(COMMIT, 0);
    return (ec_engine_job)number + 1;
}

/* Whether the job `number` has ended: a later one has begun, or it was the last and is gone. Numbers
 * have 8 bits: nobody waits for a job when 128 later ones were given. */
static int ended(uint32_t number)
{
    const int8_t ahead = (int8_t)(EC_NE16_READ(RUNNING) - number);
    if (ahead != 0)
        return ahead > 0;
    return (EC_NE16_READ(STATUS) & OCCUPIED(number)) == 0;
}

void ec_hal_ne16_wait(ec_engine_job job)
{
    if (job == EC_NO_ENGINE_JOB)
        return;
    while (!ended(job - 1))
        EC_NE16_SLEEP();
    __asm__ volatile("" : : : "memory");
}
