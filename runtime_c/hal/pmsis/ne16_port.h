/* ne16_port.h - what hal/common/ne16.c needs of GAP9.
 *
 * The vendor's interface has no function for a job's registers: they are reached directly.
 */
#ifndef EDGECOMP_NE16_PORT_H
#define EDGECOMP_NE16_PORT_H

#include "hal_pmsis.h"

#ifndef EC_NE16_READ /* a test may put a model there */
#define CLUSTER 0x10200000u
#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define EC_NE16_READ(offset) REGISTER(CLUSTER + 0x1000u + (offset))
#define EC_NE16_WRITE(offset, value) (REGISTER(CLUSTER + 0x1000u + (offset)) = (value))
#define EC_NE16_ENABLE() (REGISTER(CLUSTER + 0x18u) |= 0x800u) /* the engine's clock */
#define EC_NE16_SLEEP() eu_evt_maskWaitAndClr(1u << 12)
#endif

static inline uint32_t ne16_read(uint32_t offset) { return EC_NE16_READ(offset); }
static inline void ne16_write(uint32_t offset, uint32_t value) { EC_NE16_WRITE(offset, value); }
static inline void ne16_sleep(void) { EC_NE16_SLEEP(); }
static inline uint32_t ne16_now(void) { return ec_pmsis_now(); }

static inline void ne16_waited(uint32_t begin, uint32_t end, uint32_t number)
{
    (void)number;
    ec_pmsis_ne16_wait += end - begin;
}

/* Nobody watches when the engine works: the vendor's fork does not wake for its events. */
static inline void ne16_given(uint32_t number) { (void)number; }
static inline void ne16_seen(void) {}

#endif
