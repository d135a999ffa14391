/* chip.h - registers of the pulp-open family as GVSoC models them. */
#ifndef EDGECOMP_GVSOC_CHIP_H
#define EDGECOMP_GVSOC_CHIP_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define STANDARD_OUTPUT 0x1a10f000u
#define FABRIC_ICACHE_ENABLE 0x1a108800u
#define CLUSTER_ICACHE_ENABLE 0x10201400u
#define CLUSTER_FETCH_ENABLE 0x10200008u
#define CLUSTER_BOOT_ADDRESS(core) (0x10200040u + 4u * (core))

/* The event unit, as a core of the cluster sees its own. */
#define EVENT_MASK 0x10204000u
#define EVENT_PENDING 0x1020401cu
#define EVENT_CLEAR 0x10204028u
#define EVENT_UNIT 0x10204000u
#define EVENT_WAIT 0x38           /* read by p.elw */
#define EVENT_WAIT_CLEAR 0x3c     /* read by p.elw */
#define BARRIER_WAIT 0x218        /* read by p.elw: arrive, wait */
#define BARRIER_WAIT_CLEAR 0x21c  /* read by p.elw: arrive, wait, clear */
#define BARRIER_CORES 0x10204200u
#define BARRIER_WAKES 0x1020420cu
#define EVENT_DMA (1u << 8)
#define EVENT_NE16 (1u << 12)
#define EVENT_BARRIER (1u << 16)

#define NE16 0x10201000u /* the engine's registers: common/ne16_registers.h */

/* The cluster DMA, as a core of the cluster sees its own queue. */
#define DMA_QUEUE 0x10204400u
#define DMA_STATUS 0x10204404u /* read: busy counters; write: free counters */
#define DMA_MOST_BYTES 0x1fffcu /* of one command: 17 bits */
#define DMA_L2_TO_L1 (1u << 17)
#define DMA_INCREMENT (1u << 18)
#define DMA_2D (1u << 19)
#define DMA_EVENT (1u << 20)
#define DMA_COUNTERS 16u

/* The uDMA channel of the external memories. */
#define UDMA_CLOCKS 0x1a102000u
#define UDMA_HYPER_CLOCKS 0x1ff00u
#define HYPER 0x1a102480u
#define HYPER_READ_L2 (HYPER + 0x00u)
#define HYPER_READ_BYTES (HYPER + 0x04u)
#define HYPER_READ_START (HYPER + 0x08u)
#define HYPER_WRITE_L2 (HYPER + 0x0cu)
#define HYPER_WRITE_BYTES (HYPER + 0x10u)
#define HYPER_WRITE_START (HYPER + 0x14u)
#define HYPER_COMMAND (HYPER + 0x18u)
#define HYPER_ADDRESS (HYPER + 0x1cu)
#define HYPER_STATUS (HYPER + 0x24u) /* bit 0: busy */
#define HYPER_ENABLE (1u << 4)
#define HYPER_LINEAR 1u
#define HYPER_READ 4u
#define HYPER_PAGE_BOUND 0x1a102880u
#define HYPER_LATENCY 0x1a102884u
#define HYPER_ADDED_LATENCY 0x1a102888u
#define HYPER_CHIP_SELECT 0x1a1028a0u
#define HYPER_RAM 0u
#define HYPER_FLASH 1u

/* Load from the event unit; the core sleeps until the event is there. */
#define EVENT_LOAD(base, offset)                                          \
    do {                                                                  \
        uint32_t value_;                                                  \
        __asm__ volatile(".insn i 0x03, 6, %0, %2(%1)"                    \
                         : "=r"(value_)                                   \
                         : "r"(base), "i"(offset)                         \
                         : "memory");                                     \
        (void)value_;                                                     \
    } while (0)

static inline uint32_t core_cycles(void)
{
    uint32_t value;
    __asm__ volatile("csrr %0, mcycle" : "=r"(value) : : "memory");
    return value;
}

/* Order all accesses before with all after; the cores access memory in order, so this binds the
 * compiler only. */
#define COMPILER_BARRIER() __asm__ volatile("" : : : "memory")

#endif
