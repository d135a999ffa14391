/* ne16_stub.h - included before everything: NE16's registers are the model's. */
#ifndef NE16_STUB_H
#define NE16_STUB_H
#include <stdint.h>
uint32_t stub_ne16_read(uint32_t offset);
void stub_ne16_write(uint32_t offset, uint32_t value);
void stub_ne16_sleep(void);
#define EC_NE16_READ(offset) stub_ne16_read(offset)
#define EC_NE16_WRITE(offset, value) stub_ne16_write((offset), (value))
#define EC_NE16_ENABLE() ((void)0)
#define EC_NE16_SLEEP() stub_ne16_sleep()
#endif
