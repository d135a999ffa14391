#include "edgecomp_runtime.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weights, tables and checksums are little-endian"
#endif

#include <string.h>

/* From one copy of a buffer to the next: what Buffer.pitch is in the compiler. */
static uint32_t pitch_of(uint32_t bytes) { return (bytes + 15u) & ~7u; }

uint8_t *ec_stream_open(ec_stream *stream, uint8_t *l1, uint32_t bytes, uint32_t copies,
                        uint32_t l2_offset)
{
    stream->first = l1;
    stream->pitch = pitch_of(bytes);
    stream->l2 = ec_hal_l2() + l2_offset;
    for (uint32_t copy = 0; copy < EC_MOST_COPIES; ++copy)
        stream->pending[copy] = EC_NO_TRANSFER;
    for (uint32_t copy = 0; copy < copies; ++copy, l1 += stream->pitch)
        ec_hal_l1_open((uint32_t)(l1 - ec_hal_l1()), bytes);
    return l1;
}

uint8_t *ec_stream_fill(ec_stream *stream, uint8_t *l1, uint32_t bytes, uint32_t l2_offset)
{
    uint8_t *const end = ec_stream_open(stream, l1, bytes, 1, l2_offset);
    ec_stream_load(stream, 0, 0, bytes);
    return end;
}

void ec_stream_load_planes(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length,
                           uint32_t rows, uint32_t row_stride, uint32_t planes,
                           uint32_t plane_stride)
{
    const ec_block block = {length, rows, row_stride, planes, plane_stride};
    stream->pending[copy] =
        ec_hal_load(ec_stream_tile(stream, copy), stream->l2 + offset, &block);
}

void ec_stream_load_rows(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length,
                         uint32_t rows, uint32_t row_stride)
{
    ec_stream_load_planes(stream, copy, offset, length, rows, row_stride, 1, 0);
}

void ec_stream_load(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length)
{
    ec_stream_load_planes(stream, copy, offset, length, 1, 0, 1, 0);
}

void ec_stream_store_planes(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length,
                            uint32_t rows, uint32_t row_stride, uint32_t planes,
                            uint32_t plane_stride)
{
    const ec_block block = {length, rows, row_stride, planes, plane_stride};
    stream->pending[copy] =
        ec_hal_store(stream->l2 + offset, ec_stream_tile(stream, copy), &block);
}

void ec_stream_store_rows(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length,
                          uint32_t rows, uint32_t row_stride)
{
    ec_stream_store_planes(stream, copy, offset, length, rows, row_stride, 1, 0);
}

void ec_stream_store(ec_stream *stream, int32_t copy, uint32_t offset, uint32_t length)
{
    ec_stream_store_planes(stream, copy, offset, length, 1, 0, 1, 0);
}

void ec_stream_wait(ec_stream *stream, int32_t copy)
{
    if (stream->pending[copy] == EC_NO_TRANSFER)
        return;
    ec_hal_wait(stream->pending[copy]);
    stream->pending[copy] = EC_NO_TRANSFER;
}

void ec_streams_wait(ec_stream *streams, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i)
        ec_stream_wait(&streams[i], 0);
}

void ec_streams_close(ec_stream *streams, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i)
        for (int32_t copy = 0; copy < (int32_t)EC_MOST_COPIES; ++copy)
            ec_stream_wait(&streams[i], copy);
}

void ec_layer_numbers(const ec_layer *layer, int32_t *numbers, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i)
        numbers[i] = layer->numbers[i];
}

/* The first layer from `layer` on that has weights; count if there is none. */
static uint32_t with_weights(const ec_layer *layers, uint32_t count, uint32_t layer)
{
    while (layer < count && layers[layer].weights_bytes == 0)
        ++layer;
    return layer;
}

static ec_transfer load_weights(const ec_layer *layer)
{
    return ec_hal_l3_load(ec_hal_l2() + layer->weights_l2, layer->weights_l3,
                          layer->weights_bytes);
}

void ec_run_layers(const ec_layer *layers, uint32_t count)
{
    ec_transfer reads[EC_READS_AHEAD];              /* a ring, in the order of the layers */
    uint32_t begun = 0, used = 0;                   /* how many reads */
    uint32_t next = with_weights(layers, count, 0); /* whose weights are read next */
    for (uint32_t i = 0; i < count; ++i) {
        ec_hal_layer_begin(i);
        while (next < count && layers[next].weights_from <= i && begun - used < EC_READS_AHEAD) {
            reads[begun++ % EC_READS_AHEAD] = load_weights(&layers[next]);
            next = with_weights(layers, count, next + 1);
        }
        if (layers[i].weights_bytes > 0)
            ec_hal_l3_wait(reads[used++ % EC_READS_AHEAD]);
        layers[i].run(&layers[i]);
        const ec_result result = {ec_hal_l2() + layers[i].output, layers[i].output_bytes,
                                  layers[i].output_row, layers[i].output_pitch};
        ec_hal_layer_end(i, &result);
    }
}

static uint32_t mix(uint32_t word)
{
    word ^= word >> 15;
    word *= 0x85ebca77u;
    word ^= word >> 13;
    return word;
}

static uint32_t load_word(const uint8_t *byte)
{
    uint32_t word;
    memcpy(&word, __builtin_assume_aligned(byte, 4), sizeof word);
    return word;
}

/* The checksum of `bytes` bytes that start at word `first` of the whole. */
static uint32_t checksum_run(const uint8_t *byte, uint32_t bytes, uint32_t first)
{
    const uint32_t whole = ((uintptr_t)byte & 3u) == 0 ? bytes / 4 : 0;
    uint32_t sum = 0;
    uint32_t index = first * 0x9e3779b1u;
    for (uint32_t i = 0; i < whole; ++i, index += 0x9e3779b1u)
        sum += mix(load_word(byte + 4 * i) + index);
    for (uint32_t i = 4 * whole; i < bytes; i += 4, index += 0x9e3779b1u) {
        uint32_t word = 0;
        for (uint32_t j = 0; j < 4 && i + j < bytes; ++j)
            word |= (uint32_t)byte[i + j] << (8 * j);
        sum += mix(word + index);
    }
    return sum;
}

uint32_t ec_checksum_part(const ec_result *result, uint32_t begin, uint32_t end)
{
    uint32_t sum = 0;
    while (begin < end) {
        const uint32_t row = begin / result->row, column = begin % result->row;
        const uint32_t bytes = EC_MIN(result->row - column, end - begin);
        sum += checksum_run(result->data + row * result->pitch + column, bytes, begin / 4u);
        begin += bytes;
    }
    return sum;
}

uint32_t ec_checksum(const void *data, uint32_t bytes) { return checksum_run(data, bytes, 0); }
