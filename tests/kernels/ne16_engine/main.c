/* The driver of hal/common on an engine of two jobs; names the line of what is wrong. */
#include <stdint.h>
#include <stdio.h>

#include "edgecomp_hal.h"
#include "ne16_port.h"
#include "ne16_queue.h"
#include "ne16_registers.h"

enum { CYCLES_A_JOB = 100 };

static uint32_t registers[2][EC_NE16_REGISTERS];
static uint32_t begun, gone; /* jobs; their numbers are the lowest 8 bits */
static uint32_t cycles, waits, waited_cycles, waited_for, sum_of_ended;

uint32_t ne16_read(uint32_t offset)
{
    if (offset == NE16_ACQUIRE)
        return begun - gone == 2 ? 0xffffffffu : begun & 0xffu;
    if (offset == NE16_RUNNING)
        return (begun == gone ? gone - 1u : gone) & 0xffu;
    uint32_t occupied = 0;
    for (uint32_t job = gone; job != begun; ++job)
        occupied |= NE16_OCCUPIED(job);
    return occupied;
}

void ne16_write(uint32_t offset, uint32_t value)
{
    if (offset == NE16_COMMIT)
        ++begun;
    else
        registers[begun % 2][(offset - NE16_JOB(0)) / 4] = value;
}

void ne16_sleep(void)
{
    sum_of_ended += registers[gone % 2][EC_NE16_REGISTERS - 1];
    ++gone;
    cycles += CYCLES_A_JOB;
}

uint32_t ne16_now(void) { return cycles; }

void ne16_waited(uint32_t begin, uint32_t end, uint32_t number)
{
    ++waits;
    waited_cycles += end - begin;
    waited_for = number;
}

void ne16_given(uint32_t number) { (void)number; }
void ne16_seen(void) {}

static int fail(int line)
{
    fprintf(stderr, "line %d\n", line);
    return 1;
}

#define CHECK(condition) \
    if (!(condition))    \
        return fail(__LINE__)

int main(void)
{
    enum { JOBS = 600 }; /* numbers come again, twice */
    ec_engine_job given[JOBS];
    uint32_t sum = 0;
    for (uint32_t i = 0; i < JOBS; ++i) {
        const ec_ne16_job job = {.configuration = i};
        sum += i;
        given[i] = ec_hal_ne16_start(&job);
        CHECK(given[i] != EC_NO_ENGINE_JOB);
        CHECK(!ec_ne16_ended(given[i] - 1));
        if (i < 2) {
            CHECK(waits == 0);
            continue;
        }
        CHECK(waits == i - 1); /* a full queue is a wait, for the older job */
        CHECK(waited_for == ((i - 2) & 0xffu));
        CHECK(ec_ne16_ended(given[i - 2] - 1) && !ec_ne16_ended(given[i - 1] - 1));
    }
    CHECK(waited_cycles == (JOBS - 2) * CYCLES_A_JOB);
    ec_hal_ne16_wait(EC_NO_ENGINE_JOB);
    ec_hal_ne16_wait(given[JOBS - 3]);
    CHECK(waits == JOBS - 2); /* it had ended */
    ec_hal_ne16_wait(given[JOBS - 1]);
    CHECK(waits == JOBS - 1 && waited_cycles == JOBS * CYCLES_A_JOB);
    CHECK(begun == JOBS && gone == JOBS && sum_of_ended == sum);
    return 0;
}
