#include "ne16_watch.h"

#include "chip.h"
#include "ne16_queue.h"
#include "sections.h"
#include "trace.h"

EC_IN_L1 ec_ne16_state ec_ne16;

/* Jobs run back to back: the next begins when one ends. */
void ec_ne16_take_time(void)
{
    while (ec_ne16.working && ec_ne16_ended(ec_ne16.running)) {
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
    ec_ne16_take_time();
}

void ec_ne16_watch_start(uint32_t number)
{
    ec_ne16_look();
    ec_ne16.last = (uint8_t)number;
    if (ec_ne16.working)
        return;
    ec_ne16.begin = core_cycles();
    ec_ne16.running = (uint8_t)number;
    ec_ne16.working = 1;
}
