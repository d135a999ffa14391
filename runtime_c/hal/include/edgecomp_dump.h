/* edgecomp_dump.h - one layer's result and the stores that made it, to find its first wrong element.
 *
 * For programs of simulators, compiled with EC_DUMP_LAYER=<layer>; a platform gives the function
 * that appends to the file. The file holds, for every window: a word EC_DUMP_BEGIN; for every store
 * of the layer EC_DUMP_STORE, then where it goes in L2 and comes from in L1 (bytes from the start of
 * each) and the ec_block; at the end EC_DUMP_END, the offset of the result in L2, its size in bytes,
 * the size of a row and what lies from one row to the next, and the bytes of the rows. With
 * EC_WATCH_L1=<byte> the cores take turns at every task, and EC_DUMP_WROTE with the core is there for
 * every turn that changed that byte of L1.
 */
#ifndef EDGECOMP_DUMP_H
#define EDGECOMP_DUMP_H

#include "edgecomp_hal.h"

#ifdef EC_DUMP_LAYER

enum { EC_DUMP_BEGIN = 0, EC_DUMP_STORE = 1, EC_DUMP_END = 2, EC_DUMP_WROTE = 3 };

typedef void (*ec_dump_append)(const void *data, uint32_t bytes);

static uint32_t ec_dump_layer; /* the layer that runs */

static inline void ec_dump_begin(ec_dump_append append, uint32_t layer)
{
    const uint32_t head = EC_DUMP_BEGIN;
    ec_dump_layer = layer;
    if (layer == EC_DUMP_LAYER)
        append(&head, sizeof head);
}

static inline void ec_dump_store(ec_dump_append append, const void *l2, const void *l1,
                                 const ec_block *block)
{
    const uint32_t head[3] = {EC_DUMP_STORE, (uint32_t)((const uint8_t *)l2 - ec_hal_l2()),
                              (uint32_t)((const uint8_t *)l1 - ec_hal_l1())};
    if (ec_dump_layer != EC_DUMP_LAYER)
        return;
    append(head, sizeof head);
    append(block, sizeof *block);
}

static inline void ec_dump_end(ec_dump_append append, uint32_t layer, const ec_result *result)
{
    const uint32_t head[5] = {EC_DUMP_END, (uint32_t)(result->data - ec_hal_l2()), result->bytes,
                              result->row, result->pitch};
    if (layer != EC_DUMP_LAYER)
        return;
    append(head, sizeof head);
    for (uint32_t row = 0; row < result->bytes / result->row; ++row)
        append(result->data + row * result->pitch, result->row);
}

#ifdef EC_WATCH_L1
/* After a core's turn, with the byte as it was before it. */
static inline void ec_dump_turn(ec_dump_append append, uint8_t before, uint8_t now, uint32_t core)
{
    const uint32_t record[2] = {EC_DUMP_WROTE, core};
    if (ec_dump_layer == EC_DUMP_LAYER && now != before)
        append(record, sizeof record);
}
#endif

#define EC_DUMPING(statement) statement
#else
#define EC_DUMPING(statement)
#endif

#ifdef EC_WATCH_L1
#define EC_WATCHING(statement) statement
#else
#define EC_WATCHING(statement)
#endif

#endif
