/* The right operand of a product, by columns: edgecomp/ops/q_matmul.py. */
#include "transpose.h"

/* This core's share of all blocks; the last columns' are moved back into the matrix. */
static void whole_blocks(const ec_matmul_pack_args *p, uint32_t core, uint32_t cores)
{
    const uint32_t down = p->depth >> 2;
    const uint32_t blocks = down * ((p->columns + 3) >> 2);
    const uint32_t end = ec_share_start(blocks, core + 1, cores);
    uint32_t block = ec_share_start(blocks, core, cores);
    while (block < end) {
        const uint32_t column = block / down * 4;
        const uint32_t c = column + 4 <= p->columns ? column : p->columns - 4;
        const uint32_t first = block % down;
        const uint32_t count = down - first < end - block ? down - first : end - block;
        ec_transpose(p->b + (size_t)(4 * first) * p->b_stride + c, p->b_stride,
                     p->y + (size_t)c * p->y_stride + 4 * first, p->y_stride, count);
        block += count;
    }
}

/* `count` <= 4 bytes, `step` apart, then zeros. */
static ec_word gather(const int8_t *from, uint32_t step, uint32_t count)
{
    if (count >= 4 && step == 1) {
        return *(const ec_word *)from;
    }
    uint32_t word = 0;
    for (uint32_t i = 0; i < count && i < 4; ++i) {
        word |= (uint32_t)(uint8_t)from[(size_t)i * step] << (8 * i);
    }
    return word;
}

/* This core's share of the words of all columns from word `first` on. */
static void single_words(const ec_matmul_pack_args *p, uint32_t first, uint32_t core,
                         uint32_t cores)
{
    const uint32_t words = ((p->depth + 3) >> 2) - first;
    const uint32_t column_step = p->transpose_b ? p->b_stride : 1;
    const uint32_t depth_step = p->transpose_b ? 1 : p->b_stride;
    const uint32_t end = ec_share_start(words * p->columns, core + 1, cores);
    for (uint32_t i = ec_share_start(words * p->columns, core, cores); i < end; ++i) {
        const uint32_t column = words == 1 ? i : i / words;
        const uint32_t at = 4 * (first + i - column * words);
        const int8_t *from = p->b + (size_t)column * column_step + (size_t)at * depth_step;
        *(ec_word *)(p->y + (size_t)column * p->y_stride + at) =
            gather(from, depth_step, p->depth - at);
    }
}

void ec_matmul_pack(const ec_matmul_pack_args *args, uint32_t core, uint32_t cores)
{
    const ec_matmul_pack_args p = *args;
    const int in_blocks = !p.transpose_b && p.columns >= 4 && p.depth >= 4;
    if (in_blocks) {
        whole_blocks(&p, core, cores);
    }
    const uint32_t done = in_blocks ? p.depth >> 2 : 0;
    if (4 * done < p.depth) {
        single_words(&p, done, core, cores);
    }
}
