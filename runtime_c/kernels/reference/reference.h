/* What the reference kernels share; no part of the kernel interface. */
#ifndef EDGECOMP_REFERENCE_H
#define EDGECOMP_REFERENCE_H

#include "edgecomp_kernels.h"

/* Right shifts of negative numbers must be arithmetic (C99 leaves it to the compiler). */
typedef char ec_arithmetic_shift[((-3) >> 1) == -2 ? 1 : -1];

/* The part [row, row_end) x [column, column_end) of a matrix that one core computes. */
typedef struct {
    uint32_t row, row_end, column, column_end;
} ec_share;

/* Start of the share of `core` when `total` items go to `cores` cores in equal runs. */
static inline uint32_t ec_share_start(uint32_t total, uint32_t core, uint32_t cores)
{
    uint32_t part = total / cores;
    uint32_t rest = total % cores;
    return core * part + (core < rest ? core : rest);
}

/* Whole rows for each core, or columns where there are fewer rows than cores. */
static inline ec_share ec_share_of(uint32_t rows, uint32_t columns, uint32_t core, uint32_t cores)
{
    ec_share share = {0, rows, 0, columns};
    if (rows >= cores) {
        share.row = ec_share_start(rows, core, cores);
        share.row_end = ec_share_start(rows, core + 1, cores);
    } else {
        share.column = ec_share_start(columns, core, cores);
        share.column_end = ec_share_start(columns, core + 1, cores);
    }
    return share;
}

static inline int32_t ec_clip(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : (value > high ? high : value);
}

static inline int32_t ec_rescale(int32_t acc, int32_t multiplier, int32_t bias, uint32_t shift)
{
    return (acc * multiplier + bias) >> shift;
}

/* acc in units of 2^shift, rounded; shift 0 leaves it as it is. */
static inline int32_t ec_round_shift(int32_t acc, uint32_t shift)
{
    return (acc + (int32_t)((1U << shift) >> 1)) >> shift;
}

static inline int32_t ec_load(const void *x, size_t index, ec_type type)
{
    switch (type) {
    case EC_I8:
        return ((const int8_t *)x)[index];
    case EC_U8:
        return ((const uint8_t *)x)[index];
    case EC_I16:
        return ((const int16_t *)x)[index];
    default:
        return ((const int32_t *)x)[index];
    }
}

/* Clip to the range of `type` and store. */
static inline void ec_store(void *y, size_t index, ec_type type, int32_t value)
{
    switch (type) {
    case EC_I8:
        ((int8_t *)y)[index] = (int8_t)ec_clip(value, INT8_MIN, INT8_MAX);
        break;
    case EC_U8:
        ((uint8_t *)y)[index] = (uint8_t)ec_clip(value, 0, UINT8_MAX);
        break;
    case EC_I16:
        ((int16_t *)y)[index] = (int16_t)ec_clip(value, INT16_MIN, INT16_MAX);
        break;
    default:
        ((int32_t *)y)[index] = value;
        break;
    }
}

/* The last step of products: table or residual or neither, see ec_linear. */
static inline void ec_finish(void *y, size_t index, ec_type type, int32_t value,
                             const int8_t *table, const int16_t *residual)
{
    if (table != NULL) {
        value = table[ec_clip(value, INT8_MIN, INT8_MAX) + 128];
    } else if (residual != NULL) {
        value = ec_clip(value, INT16_MIN, INT16_MAX) + *residual;
    }
    ec_store(y, index, type, value);
}

static inline int32_t ec_dot(const int8_t *a, const int8_t *b, uint32_t depth)
{
    int32_t acc = 0;
    for (uint32_t i = 0; i < depth; ++i) {
        acc += a[i] * b[i];
    }
    return acc;
}

/* Offset of element `index` of the row-major box `size` in a tensor with `stride`; `axes` axes. */
static inline size_t ec_offset(uint32_t index, const uint32_t *size, const uint32_t *stride,
                               uint32_t axes)
{
    size_t offset = 0;
    for (uint32_t axis = axes; axis-- > 0;) {
        offset += (size_t)(index % size[axis]) * stride[axis];
        index /= size[axis];
    }
    return offset;
}

#endif
