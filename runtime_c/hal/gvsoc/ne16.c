/* ne16.c - the queue of NE16: two jobs, numbered by the engine, which run in order. */
#include "chip.h"
#include "edgecomp_hal.h"
#include "ne16.h"
#include "sections.h"
#include "trace.h"

/* The fields of a job, whatever their types. */
typedef uint32_t field __attribute__((may_alias));

_Static_assert(sizeof(ec_ne16_job) == 4 * EC_NE16_REGISTERS, "a job is the registers' contents");

EC_IN_L1 ec_ne16_state ec_ne16;

/* Whether the job `number` has ended: a later one has begun, or it was the last and is gone. Numbers
 * have 8 bits: nobody waits for a job when 128 later ones were given. */
static int ended(uint32_t number)
{
    const int8_t ahead = (int8_t)(REGISTER(NE16_RUNNING) - number);
    if (ahead != 0)
        return ahead > 0;
    return (REGISTER(NE16_STATUS) & NE16_OCCUPIED(number)) == 0;
}

/* ---- counting ------------------------------------------------------------------------------ */

/* After an event of the engine was taken. Jobs run back to back: the next begins when one ends. */
static EC_WATCHING_ONLY void take_time(void)
{
    while (ec_ne16.working && ended(ec_ne16.running)) {
        const uint32_t now = core_cycles();
        ec_ne16.busy += now - ec_ne16.begin;
        EC_TRACE_SPAN(EC_TRACE_NE16, ec_ne16.begin, now, ec_ne16.running);
        ec_ne16.begin = now;
        ec_ne16.working = ec_ne16.running++ != ec_ne16.last;
    }
}

void ec_ne16_look(void)
{
    if (!(REGISTER(EVENT_PENDING) & EVENT_NE16))
        return;
    REGISTER(EVENT_CLEAR) = EVENT_NE16;
    take_time();
}

/* The job `number` was given; those before it may have ended without being seen. */
static EC_WATCHING_ONLY void watch_start(uint32_t number)
{
    ec_ne16_look();
    ec_ne16.last = (uint8_t)number;
    if (ec_ne16.working)
        return;
    ec_ne16.begin = core_cycles();
    ec_ne16.running = (uint8_t)number;
    ec_ne16.working = 1;
}

/* ---- the queue ----------------------------------------------------------------------------- */

/* Sleep until a job ends. The event stays until a sleeper takes it, so none is missed. */
static inline void sleep_for_end(void)
{
    REGISTER(EVENT_MASK) = EVENT_NE16;
    EVENT_LOAD(EVENT_UNIT, EVENT_WAIT_CLEAR);
    REGISTER(EVENT_MASK) = EVENT_BARRIER;
    if (ec_ne16.working)
        take_time();
}

static inline void count_wait(uint32_t begin, uint32_t number)
{
    const uint32_t end = core_cycles();
    ec_ne16.wait += end - begin;
    EC_TRACE_SPAN(EC_TRACE_NE16_WAIT, begin, end, number & 0xffu);
}

/* Both functions that wait are apart, so that who need not wait saves no registers for them. */
static __attribute__((noinline)) int32_t wait_for_place(void)
{
    const uint32_t begin = core_cycles();
    int32_t number;
    do
        sleep_for_end();
    while ((number = (int32_t)REGISTER(NE16_ACQUIRE)) < 0);
    count_wait(begin, (uint32_t)number - 2u);
    return number;
}

static __attribute__((noinline)) void wait_for_end(uint32_t number)
{
    const uint32_t begin = core_cycles();
    do
        sleep_for_end();
    while (!ended(number));
    count_wait(begin, number);
}

ec_engine_job ec_hal_ne16_start(const ec_ne16_job *job)
{
    const field *from = (const field *)(const void *)job;
    int32_t number = (int32_t)REGISTER(NE16_ACQUIRE);
    if (number < 0)
        number = wait_for_place();
    COMPILER_BARRIER();
#pragma GCC unroll 24
    for (uint32_t i = 0; i < EC_NE16_REGISTERS; ++i)
        REGISTER(NE16_REGISTER(i)) = from[i];
    REGISTER(NE16_COMMIT) = 0;
    if (ec_ne16.watched)
        watch_start((uint32_t)number);
    return (ec_engine_job)number + 1;
}

void ec_hal_ne16_wait(ec_engine_job job)
{
    if (job == EC_NO_ENGINE_JOB)
        return;
    if (!ended(job - 1))
        wait_for_end(job - 1);
    COMPILER_BARRIER();
    if (ec_ne16.working)
        ec_ne16_look();
}
