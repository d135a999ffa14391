/* ne16_port.h - an engine that ends one job every time somebody sleeps. */
#ifndef TEST_NE16_PORT_H
#define TEST_NE16_PORT_H

#include <stdint.h>

uint32_t ne16_read(uint32_t offset);
void ne16_write(uint32_t offset, uint32_t value);
void ne16_sleep(void);
uint32_t ne16_now(void);
void ne16_waited(uint32_t begin, uint32_t end, uint32_t number);
void ne16_given(uint32_t number);
void ne16_seen(void);

#endif
