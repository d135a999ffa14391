/* trace.h - events of a timeline, compiled in with EC_TRACE only: recording takes time. */
#ifndef EDGECOMP_GVSOC_TRACE_H
#define EDGECOMP_GVSOC_TRACE_H

#include <stdint.h>

typedef enum {
    EC_TRACE_LAYER = 0,
    EC_TRACE_FORK = 1,
    EC_TRACE_DMA = 2,      /* start only; its end is at the latest that of the wait */
    EC_TRACE_DMA_WAIT = 3,
    EC_TRACE_L3 = 4,
    EC_TRACE_L3_WAIT = 5,
} ec_trace_kind;

#ifdef EC_TRACE
void ec_trace_event(uint32_t kind, uint32_t begin, uint32_t end, uint32_t value);
#define EC_TRACE_SPAN(kind, begin, end, value) ec_trace_event((kind), (begin), (end), (value))
#define EC_TRACE_START(kind, value) \
    ec_trace_event((kind), core_cycles(), core_cycles(), (value))
#else
#define EC_TRACE_SPAN(kind, begin, end, value) ((void)0)
#define EC_TRACE_START(kind, value) ((void)0)
#endif

#endif
