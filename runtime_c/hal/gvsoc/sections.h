/* sections.h - places for variables of the HAL. Neither is loaded nor cleared. */
#ifndef EDGECOMP_GVSOC_SECTIONS_H
#define EDGECOMP_GVSOC_SECTIONS_H

/* The cluster's L1, and the fabric controller's private L2, in which edgecomp plans nothing. */
#define EC_IN_L1 __attribute__((section(".l1.state")))
#define EC_IN_PRIVATE __attribute__((section(".private")))

#endif
