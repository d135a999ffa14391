/*
 * Softmax weights times a block of values: edgecomp/ops/q_attention.py.
 *
 * The product runs along the keys, along which v is not contiguous: four columns of v and up to KEYS
 * keys are transposed to the stack, where all rows of weights use them.
 */
#include "product.h"

enum { KEYS = 128 };

static __attribute__((noinline)) void run(ec_strip *strip)
{
    EC_STRIP_RUN(strip, EC_ASM_SDOTUSP_B, EC_ASM_FINISH_SUMS);
}

/* to[KEYS * e + i] = v[i, e], e < 4, i < 4 * blocks. */
static void transpose(const int8_t *v, uint32_t stride, ec_word *to, uint32_t blocks)
{
    for (uint32_t i = 0; i < blocks; ++i) {
        const ec_word r0 = *(const ec_word *)v;
        const ec_word r1 = *(const ec_word *)(v + stride);
        const ec_word r2 = *(const ec_word *)(v + 2 * stride);
        const ec_word r3 = *(const ec_word *)(v + 3 * stride);
        v += 4 * stride;
        const uint32_t low01 = ec_shuffle2_b(r0, r1, 0x05010400);
        const uint32_t high01 = ec_shuffle2_b(r0, r1, 0x07030602);
        const uint32_t low23 = ec_shuffle2_b(r2, r3, 0x05010400);
        const uint32_t high23 = ec_shuffle2_b(r2, r3, 0x07030602);
        to[0] = ec_shuffle2_b(low01, low23, 0x05040100);
        to[KEYS / 4] = ec_shuffle2_b(low01, low23, 0x07060302);
        to[2 * KEYS / 4] = ec_shuffle2_b(high01, high23, 0x05040100);
        to[3 * KEYS / 4] = ec_shuffle2_b(high01, high23, 0x07060302);
        ++to;
    }
}

/* Rows [row, row_end) of the columns [e, e_end) from `first` key on, one by one. */
static __attribute__((noinline)) void scalar_part(const ec_attention_values_args *a, uint32_t row,
                                                  uint32_t row_end, uint32_t e, uint32_t e_end,
                                                  uint32_t first)
{
    for (uint32_t r = row; r < row_end; ++r) {
        const uint8_t *p = a->p + (size_t)r * a->p_stride + a->first_column;
        for (uint32_t j = e; j < e_end; ++j) {
            int32_t *acc = a->acc + (size_t)r * a->acc_stride + j;
            int32_t sum = a->first && first == 0 ? 0 : *acc;
            for (uint32_t c = first; c < a->columns; ++c) {
                sum += p[c] * a->v[(size_t)c * a->v_stride + j];
            }
            *acc = sum;
        }
    }
}

/* A block that reaches over the edge of acc: its sums, of which only acc's own are used. */
static __attribute__((noinline)) void edge_block(const ec_attention_values_args *a,
                                                 ec_strip strip, uint32_t row, uint32_t row_end,
                                                 uint32_t e, uint32_t e_end)
{
    int32_t sums[16];
    const int add = strip.target == EC_TO_ADDED;
    strip.y = sums;
    strip.y_step = 16;
    strip.target = EC_TO_SUMS;
    run(&strip);
    for (uint32_t r = row; r < row_end; ++r) {
        for (uint32_t j = e; j < e_end; ++j) {
            int32_t *acc = a->acc + (size_t)r * a->acc_stride + j;
            const int32_t sum = sums[4 * (r + 4 - row_end) + j + 4 - e_end];
            *acc = add ? *acc + sum : sum;
        }
    }
}

/* Rows [row, row_end) times the columns [e, e_end), at most four of them. */
static void block_part(const ec_attention_values_args *a, uint32_t row, uint32_t row_end,
                       uint32_t e, uint32_t e_end)
{
    ec_word columns[KEYS];
    const uint32_t whole = a->columns & ~3u;
    for (uint32_t key = 0; key < whole; key += KEYS) {
        const uint32_t count = whole - key < KEYS ? whole - key : KEYS;
        const int8_t *v = a->v + (size_t)key * a->v_stride + e_end - 4;
        transpose(v, a->v_stride, columns, count >> 2);
        ec_strip strip = {.a_step = a->p_stride,
                          .a_back = 4 - 3 * (int32_t)a->p_stride,
                          .b_step = KEYS,
                          .b_back = 4 - 3 * KEYS,
                          .words = count >> 2,
                          .y_step = 4 * a->acc_stride,
                          .added_step = 4 * a->acc_stride,
                          .target = a->first && key == 0 ? EC_TO_SUMS : EC_TO_ADDED};
        for (uint32_t r = row; r < row_end; r += 4) {
            const uint32_t end = r + 4 < row_end ? r + 4 : row_end;
            const uint32_t at = end - 4;
            strip.a = a->p + (size_t)at * a->p_stride + a->first_column + key;
            strip.b = columns;
            strip.blocks = 1;
            if (at < r || e + 4 > e_end) {
                edge_block(a, strip, r, end, e, e_end);
                continue;
            }
            strip.y = a->acc + (size_t)r * a->acc_stride + e;
            strip.added = strip.y;
            run(&strip);
        }
    }
    if (a->columns & 3) {
        scalar_part(a, row, row_end, e, e_end, whole);
    }
}

void ec_attention_values(const ec_attention_values_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_values_args a = *args;
    if (a.columns < 4 || a.rows < 4 || a.depth < 4) {
        const ec_share s = ec_share_of(a.rows, a.depth, core, cores);
        scalar_part(&a, s.row, s.row_end, s.column, s.column_end, 0);
        return;
    }
    const uint32_t down = (a.rows + 3) >> 2;
    const uint32_t blocks = down * ((a.depth + 3) >> 2);
    const uint32_t end = ec_share_start(blocks, core + 1, cores);
    uint32_t block = ec_share_start(blocks, core, cores);
    while (block < end) { /* a run of blocks of rows under the same four columns */
        const uint32_t e = block / down * 4;
        const uint32_t first = block % down;
        const uint32_t count = down - first < end - block ? down - first : end - block;
        const uint32_t row = first * 4;
        const uint32_t row_end = row + count * 4 < a.rows ? row + count * 4 : a.rows;
        block += count;
        block_part(&a, row, row_end, e, e + 4 < a.depth ? e + 4 : a.depth);
    }
}
