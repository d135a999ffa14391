/* ne16_registers.h - offsets of NE16's registers from its base. */
#ifndef EDGECOMP_NE16_REGISTERS_H
#define EDGECOMP_NE16_REGISTERS_H

#define NE16_COMMIT 0x00u
#define NE16_ACQUIRE 0x04u /* read: the job's number, or negative: both sets are taken */
#define NE16_STATUS 0x0cu
#define NE16_RUNNING 0x10u /* number of the job that runs or ran last */
#define NE16_SOFT_CLEAR 0x14u
#define NE16_JOB(i) (0x20u + 4u * (i)) /* the set of the job that was acquired */
#define NE16_OCCUPIED(number) (((number)&1u) ? 0x100u : 1u)

#endif
