/* edgecomp_runtime.h - what the generated layers share: operand streams and the layer loop. */
#ifndef EDGECOMP_RUNTIME_H
#define EDGECOMP_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "edgecomp_hal.h"

#define EC_MIN(a, b) ((a) < (b) ? (a) : (b))
#define EC_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Of a function that is to be small rather than fast, since its code takes L2. */
#if defined(__clang__)
#define EC_SMALL __attribute__((minsize))
#else
#define EC_SMALL __attribute__((cold))
#endif

typedef struct ec_layer ec_layer;

/* One layer as the compiler planned it. Offsets are bytes from the start of the L2 arena;
 * `weights` lists this layer's constants: where they lie in L3, where they go in L2. */
struct ec_layer {
    void (*run)(const ec_layer *layer);
    const uint32_t *tensors;  /* L2 offset of every operand */
    const int32_t *scalars;   /* values that differ between layers of the same program */
    uint32_t weights_l3;
    uint32_t weights_l2;
    uint32_t weights_bytes;
    uint32_t weights_from;    /* the layer at whose start the read may begin, at most this one */
    uint32_t output;
    uint32_t output_bytes;
};

/* Reads of weights that may be in flight at once, at least 1: a bound of the HAL's queues. */
#define EC_READS_AHEAD 8u

/* Run layers [0, count) in order. Weights come from L3 in the same order, while layers before
 * theirs run where that is planned. */
void ec_run_layers(const ec_layer *layers, uint32_t count);

/* Copies of an operand's buffer, at most: what MOST_COPIES is in the compiler. */
#define EC_MOST_COPIES 6u

/* The copy behind copy k of n. */
#define EC_NEXT(k, n) ((k) + 1u == (n) ? 0u : (k) + 1u)

/* One operand on its way through L1: copies of its buffer, `pitch` bytes apart. */
typedef struct {
    uint8_t *first;
    uint32_t pitch;
    ec_transfer pending[EC_MOST_COPIES];
} ec_stream;

/* A stream whose first buffer is at L1 offset `offset`. */
ec_stream ec_stream_open(uint32_t offset, uint32_t pitch);

/* Start loading a tile into a copy that is not in use. */
void ec_stream_load(ec_stream *stream, uint32_t copy, const uint8_t *l2, const ec_block *block);

/* Start storing the tile in a copy. */
void ec_stream_store(ec_stream *stream, uint32_t copy, uint8_t *l2, const ec_block *block);

/* Wait until nothing comes into a copy or leaves it. */
void ec_stream_wait(ec_stream *stream, uint32_t copy);

/* Wait until nothing of this stream is in flight. */
void ec_stream_close(ec_stream *stream);

/* The tile in a copy. */
static inline void *ec_stream_tile(const ec_stream *stream, uint32_t copy)
{
    return stream->first + copy * stream->pitch;
}

/* Order-independent 32-bit checksum of `bytes` bytes, read as little-endian words with the tail
 * padded by zeros: the sum over words i of mix(word[i] + i * 0x9e3779b1). */
uint32_t ec_checksum(const void *data, uint32_t bytes);

/* The share of it that a part contributes: `data` starts at word `first` of the whole. */
uint32_t ec_checksum_part(const void *data, uint32_t bytes, uint32_t first);

#endif
