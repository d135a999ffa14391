/* ne16.c - the queue of NE16: two jobs, numbered by the engine, which run in order. */
#include "chip.h"
#include "edgecomp_hal.h"

/* The fields of a job, whatever their types. */
typedef uint32_t field __attribute__((may_alias));

_Static_assert(sizeof(ec_ne16_job) == 4 * EC_NE16_REGISTERS, "a job is the registers' contents");

/* Sleep until a job ends. The event stays until a sleeper takes it, so none is missed. */
static void sleep_for_end(void)
{
    REGISTER(EVENT_MASK) = EVENT_NE16;
    EVENT_LOAD(EVENT_UNIT, EVENT_WAIT_CLEAR);
    REGISTER(EVENT_MASK) = EVENT_BARRIER;
}

ec_engine_job ec_hal_ne16_start(const ec_ne16_job *job)
{
    const field *from = (const field *)(const void *)job;
    int32_t number;
    while ((number = (int32_t)REGISTER(NE16_ACQUIRE)) < 0)
        sleep_for_end();
    COMPILER_BARRIER();
    for (uint32_t i = 0; i < EC_NE16_REGISTERS; ++i)
        REGISTER(NE16_REGISTER(i)) = from[i];
    REGISTER(NE16_COMMIT) = 0;
    return (ec_engine_job)number + 1;
}

/* Whether the job `number` has ended: a later one has begun, or it was the last and is gone. */
static int ended(uint32_t number)
{
    const uint32_t latest = REGISTER(NE16_RUNNING);
    if (latest != number)
        return (int32_t)(latest - number) > 0;
    return (REGISTER(NE16_STATUS) & NE16_OCCUPIED(number)) == 0;
}

void ec_hal_ne16_wait(ec_engine_job job)
{
    if (job == EC_NO_ENGINE_JOB)
        return;
    while (!ended(job - 1))
        sleep_for_end();
    COMPILER_BARRIER();
}
