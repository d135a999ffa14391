/* edgecomp_runtime.h - what the generated layers share: operand streams and the layer loop. */
#ifndef EDGECOMP_RUNTIME_H
#define EDGECOMP_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "edgecomp_hal.h"

#define EC_MIN(a, b) ((a) < (b) ? (a) : (b))
#define EC_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Of a function that is to be small rather than fast, since its code takes L2. Layer functions are:
 * networks have hundreds, and what they do between kernels then takes 0.2 % more of all cycles. */
#if defined(__clang__)
#define EC_SMALL __attribute__((minsize))
#else
#define EC_SMALL __attribute__((optimize("Os")))
#endif

typedef struct ec_layer ec_layer;

/* One layer as the compiler planned it. Offsets are bytes from the start of the L2 arena;
 * `weights` lists this layer's constants: where they lie in L3, where they go in L2. */
struct ec_layer {
    void (*run)(const ec_layer *layer);
    const int32_t *numbers; /* in which it differs from other layers that `run` runs */
    uint32_t weights_l3;
    uint32_t weights_l2;
    uint32_t weights_bytes;
    uint32_t weights_from;    /* the layer at whose start the read may begin, at most this one */
    uint32_t output;
    uint32_t output_bytes;
    uint32_t output_row;   /* bytes of the result that lie together, a multiple of 4 where that is */
    uint32_t output_pitch; /* not all of them; from one such row to the next */
};

/* Reads of weights that may be in flight at once, at least 1: a bound of the HAL's queues. */
#define EC_READS_AHEAD 8u

/* Run layers [0, count) in order. Weights come from L3 in the same order, while layers before
 * theirs run where that is planned. */
void ec_run_layers(const ec_layer *layers, uint32_t count);

/* Copy the first `count` numbers of a layer, to read them from L1. */
void ec_layer_numbers(const ec_layer *layer, int32_t *numbers, uint32_t count);

/* Copies of an operand's buffer, at most: what MOST_COPIES is in the compiler. */
#define EC_MOST_COPIES 6u

/* The index behind index k of n. */
#define EC_NEXT(k, n) ((k) + 1 == (n) ? 0 : (k) + 1)

/* A buffer in L1, and the tensor in L2 whose tiles go through it: copies, `pitch` bytes apart. */
typedef struct {
    uint8_t *first;
    uint32_t pitch;
    uint8_t *l2;
    ec_transfer pending[EC_MOST_COPIES];
} ec_stream;

/* Make `copies` copies of a buffer of `bytes` bytes at `l1`, for the tensor at `l2_offset` of the
 * arena. Returns where the next buffer begins. */
uint8_t *ec_stream_open(ec_stream *stream, uint8_t *l1, uint32_t bytes, uint32_t copies,
                        uint32_t l2_offset);

/* The same with one copy, into which the tensor's first `bytes` bytes are loaded. */
uint8_t *ec_stream_fill(ec_stream *stream, uint8_t *l1, uint32_t bytes, uint32_t l2_offset);

/* Start loading a tile into a copy that is not in use: `length` bytes from `offset` of the tensor
 * on; rows of so many bytes; planes of such rows. In L1 they lie back to back. */
void ec_stream_load(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length);
void ec_stream_load_rows(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length,
                         uint32_t rows, uint32_t row_stride);
void ec_stream_load_planes(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length,
                           uint32_t rows, uint32_t row_stride, uint32_t planes,
                           uint32_t plane_stride);

/* Start storing the tile in a copy; arguments as above. */
void ec_stream_store(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length);
void ec_stream_store_rows(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length,
                          uint32_t rows, uint32_t row_stride);
void ec_stream_store_planes(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length,
                            uint32_t rows, uint32_t row_stride, uint32_t planes,
                            uint32_t plane_stride);

/* Wait until nothing comes into a copy or leaves it. */
void ec_stream_wait(ec_stream *stream, int32_t copy);

/* The same for the first copy of `count` streams. */
void ec_streams_wait(ec_stream *streams, uint32_t count);

/* Wait until nothing of `count` streams is in flight. */
void ec_streams_close(ec_stream *streams, uint32_t count);

/* The tile in a copy. */
static inline void *ec_stream_tile(const ec_stream *stream, int32_t copy)
{
    return stream->first + (uint32_t)copy * stream->pitch;
}

/* Order-independent 32-bit checksum of `bytes` bytes, read as little-endian words with the tail
 * padded by zeros: the sum over words i of mix(word[i] + i * 0x9e3779b1). */
uint32_t ec_checksum(const void *data, uint32_t bytes);

/* What bytes [begin, end) of a result, its rows one after another, contribute to the checksum of
 * all of them; `begin` is a multiple of 4. */
uint32_t ec_checksum_part(const ec_result *result, uint32_t begin, uint32_t end);

#endif
