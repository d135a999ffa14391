/* Unnormalised 8-bit softmax of whole rows of scores: edgecomp/ops/q_attention.py. */
#include "ec_xpulp.h"

static int32_t row_maximum(const int32_t *scores, uint32_t columns)
{
    uint32_t a = (uint32_t)INT32_MIN, b = a, c = a, d = a;
    for (; columns >= 8; columns -= 8, scores += 8) {
        const uint32_t s0 = (uint32_t)scores[0], s1 = (uint32_t)scores[1];
        const uint32_t s2 = (uint32_t)scores[2], s3 = (uint32_t)scores[3];
        const uint32_t s4 = (uint32_t)scores[4], s5 = (uint32_t)scores[5];
        const uint32_t s6 = (uint32_t)scores[6], s7 = (uint32_t)scores[7];
        a = ec_max(a, s0);
        b = ec_max(b, s1);
        c = ec_max(c, s2);
        d = ec_max(d, s3);
        a = ec_max(a, s4);
        b = ec_max(b, s5);
        c = ec_max(c, s6);
        d = ec_max(d, s7);
    }
    for (; columns > 0; --columns) {
        a = ec_max(a, (uint32_t)*scores++);
    }
    return (int32_t)ec_max(ec_max(a, b), ec_max(c, d));
}

/* p may overlay the scores: element c is read before byte c, which never lies behind it, is written. */
static uint32_t weights(const ec_attention_softmax_args *a, const int32_t *scores, uint8_t *p)
{
    const uint32_t maximum = (uint32_t)row_maximum(scores, a->columns);
    const uint32_t limit = (uint32_t)a->limit;
    const uint32_t multiplier = (uint32_t)a->multiplier;
    const uint32_t shift = a->shift;
    const uint8_t *table = a->exp_table;
    uint32_t sum = 0;
    uint32_t left = a->columns;
    for (; left >= 4; left -= 4, scores += 4, p += 4) {
        uint32_t d0 = ec_minu(maximum - (uint32_t)scores[0], limit);
        uint32_t d1 = ec_minu(maximum - (uint32_t)scores[1], limit);
        uint32_t d2 = ec_minu(maximum - (uint32_t)scores[2], limit);
        uint32_t d3 = ec_minu(maximum - (uint32_t)scores[3], limit);
        d0 = ec_lookup_u8(table, (d0 * multiplier) >> shift);
        d1 = ec_lookup_u8(table, (d1 * multiplier) >> shift);
        d2 = ec_lookup_u8(table, (d2 * multiplier) >> shift);
        d3 = ec_lookup_u8(table, (d3 * multiplier) >> shift);
        const ec_word four = ec_bytes(d0, d1, d2, d3);
        *(ec_word *)p = four;
        sum = ec_sdotup_b(sum, four, 0x01010101);
    }
    for (; left > 0; --left) {
        const uint32_t distance = ec_minu(maximum - (uint32_t)*scores++, limit);
        const uint32_t weight = ec_lookup_u8(table, (distance * multiplier) >> shift);
        *p++ = (uint8_t)weight;
        sum += weight;
    }
    return sum;
}

void ec_attention_softmax(const ec_attention_softmax_args *args, uint32_t core, uint32_t cores)
{
    const ec_attention_softmax_args a = *args;
    const uint32_t end = ec_share_start(a.rows, core + 1, cores);
    for (uint32_t r = ec_share_start(a.rows, core, cores); r < end; ++r) {
        a.sums[r] = (int32_t)weights(&a, a.scores + (size_t)r * a.scores_stride,
                                     a.p + (size_t)r * a.p_stride);
    }
}
