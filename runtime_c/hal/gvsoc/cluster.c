/* cluster.c - the cores of the cluster: boot, the workers' loop, fork and join.
 *
 * One hardware barrier of all cores stands for both ends of a fork: the orchestrator writes the
 * task and arrives, the workers wait there; everybody arrives again when its share is done.
 */
#include "chip.h"
#include "edgecomp_hal.h"
#include "hal_gvsoc.h"
#include "ne16_watch.h"
#include "trace.h"

#define EC_ALL_CORES ((1u << (EC_CORES + 1u)) - 1u)

EC_IN_L1 ec_fork_state ec_fork;

extern char ec_cluster_start[];

void ec_cluster_boot(void)
{
    REGISTER(CLUSTER_ICACHE_ENABLE) = 1;
    for (uint32_t core = 0; core <= EC_CORES; ++core)
        REGISTER(CLUSTER_BOOT_ADDRESS(core)) = (uint32_t)(uintptr_t)ec_cluster_start;
    REGISTER(CLUSTER_FETCH_ENABLE) = EC_ALL_CORES;
}

static inline void barrier(void) { EVENT_LOAD(EVENT_UNIT, BARRIER_WAIT_CLEAR); }

static inline void join_barrier(void) { REGISTER(EVENT_MASK) = EVENT_BARRIER; }

void ec_work(uint32_t core)
{
    join_barrier();
    for (;;) {
        barrier();
        ec_fork.busy[core] = 1;
        EC_TRACING(ec_fork.begin[core] = core_cycles();)
        ec_fork.task(ec_fork.arguments, core, EC_CORES);
        EC_TRACING(ec_fork.end[core] = core_cycles();)
        ec_fork.busy[core] = 0;
        barrier();
    }
}

void ec_fork_init(void)
{
    ec_fork.task = 0;
    for (uint32_t core = 0; core < EC_CORES; ++core)
        ec_fork.busy[core] = 0;
    join_barrier();
    REGISTER(BARRIER_CORES) = EC_ALL_CORES; /* first: no core set equals no arrivals */
    REGISTER(BARRIER_WAKES) = EC_ALL_CORES;
}

/* Arrive and wait as in barrier(), and see when NE16 ends a job. */
static EC_WATCHING_ONLY void watchful_barrier(void)
{
    REGISTER(EVENT_MASK) = EVENT_BARRIER | EVENT_NE16;
    EVENT_LOAD(EVENT_UNIT, BARRIER_WAIT);
    while (!(REGISTER(EVENT_PENDING) & EVENT_BARRIER)) {
        ec_ne16_look();
        EVENT_LOAD(EVENT_UNIT, EVENT_WAIT);
    }
    REGISTER(EVENT_CLEAR) = EVENT_BARRIER;
    join_barrier();
}

void ec_fork_join(ec_task task, const void *arguments)
{
    ec_fork.task = task;
    ec_fork.arguments = arguments;
    barrier();
    if (ec_ne16.working)
        watchful_barrier();
    else
        barrier();
}
