#include "trace.h"

#ifdef EC_TRACE

#include "hal_gvsoc.h"
#include "host_link.h"

typedef struct {
    uint32_t begin, end, kind, value;
} event;

enum { CAPACITY = 1024 };

static EC_IN_PRIVATE event events[CAPACITY];
static EC_IN_PRIVATE uint32_t count;
static EC_IN_PRIVATE uint32_t recording;
static EC_IN_PRIVATE int file;

void ec_trace_open(void)
{
    count = 0;
    recording = 0;
    file = ec_host_open("trace.bin", EC_HOST_WRITE);
}

void ec_trace_record(uint32_t on) { recording = on; }

void ec_trace_event(uint32_t kind, uint32_t begin, uint32_t end, uint32_t value)
{
    if (!recording)
        return;
    events[count++] = (event){begin, end, kind, value};
    if (count == CAPACITY)
        ec_trace_flush();
}

void ec_trace_flush(void)
{
    (void)ec_host_write(file, events, count * (uint32_t)sizeof(event));
    count = 0;
}

#endif
