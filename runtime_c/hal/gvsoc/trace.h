/* trace.h - events of a timeline in trace.bin, compiled in with EC_TRACE only: recording takes time.
 *
 * An event is four words: begin and end in cluster cycles, kind, value.
 */
#ifndef EDGECOMP_GVSOC_TRACE_H
#define EDGECOMP_GVSOC_TRACE_H

#include <stdint.h>

typedef enum {
    EC_TRACE_LAYER = 0,     /* value: the layer */
    EC_TRACE_FORK = 1,      /* value: the task */
    EC_TRACE_DMA = 2,       /* start only; value: the transfer */
    EC_TRACE_DMA_WAIT = 3,  /* value: the transfer */
    EC_TRACE_L3 = 4,        /* as EC_TRACE_DMA */
    EC_TRACE_L3_WAIT = 5,   /* as EC_TRACE_DMA_WAIT */
    EC_TRACE_NE16 = 6,      /* value: the job's number, 8 bits */
    EC_TRACE_NE16_WAIT = 7, /* value: the number of the job waited for */
    EC_TRACE_CORE = 16,     /* + core: a core in its task; value: the task */
} ec_trace_kind;

#ifdef EC_TRACE
void ec_trace_open(void);
void ec_trace_record(uint32_t on);
void ec_trace_event(uint32_t kind, uint32_t begin, uint32_t end, uint32_t value);
void ec_trace_flush(void);
#define EC_TRACE_SPAN(kind, begin, end, value) ec_trace_event((kind), (begin), (end), (value))
#define EC_TRACE_START(kind, value) ec_trace_event((kind), core_cycles(), 0, (value))
#define EC_TRACING(statement) statement
#else
#define EC_TRACE_SPAN(kind, begin, end, value) ((void)(value))
#define EC_TRACE_START(kind, value) ((void)0)
#define EC_TRACING(statement)
#endif

#endif
