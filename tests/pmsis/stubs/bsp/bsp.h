#ifndef STUB_BSP_H
#define STUB_BSP_H
#include "bsp/flash.h"
#include "bsp/ram.h"
#endif
