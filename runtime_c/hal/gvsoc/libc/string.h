/* string.h - the part of the standard header that generated code and kernels use. */
#ifndef EDGECOMP_GVSOC_STRING_H
#define EDGECOMP_GVSOC_STRING_H

#include <stddef.h>

void *memset(void *to, int value, size_t bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);

#endif
