/* ne16_port.h - what hal/common/ne16.c needs of the simulated chip. */
#ifndef EDGECOMP_NE16_PORT_H
#define EDGECOMP_NE16_PORT_H

#include "chip.h"
#include "ne16_watch.h"
#include "trace.h"

static inline uint32_t ne16_read(uint32_t offset) { return REGISTER(NE16 + offset); }

static inline void ne16_write(uint32_t offset, uint32_t value) { REGISTER(NE16 + offset) = value; }

/* The event stays until a sleeper takes it, so none is missed. */
static inline void ne16_sleep(void)
{
    REGISTER(EVENT_MASK) = EVENT_NE16;
    EVENT_LOAD(EVENT_UNIT, EVENT_WAIT_CLEAR);
    REGISTER(EVENT_MASK) = EVENT_BARRIER;
    if (ec_ne16.working)
        ec_ne16_take_time();
}

static inline uint32_t ne16_now(void) { return core_cycles(); }

static inline void ne16_waited(uint32_t begin, uint32_t end, uint32_t number)
{
    ec_ne16.wait += end - begin;
    EC_TRACE_SPAN(EC_TRACE_NE16_WAIT, begin, end, number);
}

static inline void ne16_given(uint32_t number)
{
    if (ec_ne16.watched)
        ec_ne16_watch_start(number);
}

static inline void ne16_seen(void)
{
    if (ec_ne16.working)
        ec_ne16_look();
}

#endif
