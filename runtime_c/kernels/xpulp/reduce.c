/*
 * Sum, maximum or minimum over axes: edgecomp/ops/q_reduce.py.
 *
 * Sums take a word at a time, along the innermost reduced axis or across neighbours that are kept.
 */
#include "ec_xpulp.h"

static int32_t load(const ec_reduce_args *a, size_t index)
{
    return a->x_type == EC_I8 ? ((const int8_t *)a->x)[index] : ((const int16_t *)a->x)[index];
}

static void finish(const ec_reduce_args *a, size_t y, int32_t total)
{
    const int32_t shifted = (int32_t)ec_add_round((uint32_t)total, 0, a->pre_shift);
    ec_store(a->y, y, a->y_type, ec_rescale(shifted, a->multiplier, a->bias, a->shift));
}

/* One of the runs along the innermost reduced axis. */
EC_INLINE size_t run_start(const ec_reduce_args *a, size_t x, uint32_t run)
{
    return x + ec_offset(run, a->reduced, a->x_reduced_stride, 3);
}

static int32_t extreme(const ec_reduce_args *a, size_t x, uint32_t runs)
{
    const int32_t sign = a->reduction == EC_MAX ? 1 : -1;
    int32_t total = sign * load(a, x);
    for (uint32_t r = 0; r < runs; ++r) {
        size_t at = run_start(a, x, r);
        for (uint32_t c = a->reduced[3]; c > 0; --c, at += a->x_reduced_stride[3]) {
            total = (int32_t)ec_max((uint32_t)total, (uint32_t)(sign * load(a, at)));
        }
    }
    return sign * total;
}

/* The sum of `count` bytes or halves that follow each other. */
#define EC_SUM_ALONG(name, type, per_word, dot, ones)                                           \
    static int32_t name(const type *x, uint32_t count)                                          \
    {                                                                                           \
        int32_t sum = 0;                                                                        \
        if (count >= 2 * per_word) {                                                            \
            __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", 4)                          \
                             EC_ASM_LW("t0", "4", "%[x]") EC_ASM_LW("t1", "4", "%[x]")          \
                             dot("%[sum]", "t0", "%[one]")                                      \
                             EC_ASM_LAST dot("%[sum]", "t1", "%[one]") EC_ASM_END               \
                             : [x] "+&r"(x), [sum] "+&r"(sum)                                   \
                             : [n] "r"(count / (2 * per_word)), [one] "r"(ones)                 \
                             : "memory", "t0", "t1");                                           \
        }                                                                                       \
        for (uint32_t c = count % (2 * per_word); c > 0; --c) {                                 \
            sum += *x++;                                                                        \
        }                                                                                       \
        return sum;                                                                             \
    }

EC_SUM_ALONG(sum_of_bytes, int8_t, 4, EC_ASM_SDOTSP_B, 0x01010101)
EC_SUM_ALONG(sum_of_halves, int16_t, 2, EC_ASM_SDOTSP_H, 0x00010001)

static int32_t sum_of_run(const ec_reduce_args *a, size_t at)
{
    if (a->x_reduced_stride[3] == 1) {
        return a->x_type == EC_I8 ? sum_of_bytes((const int8_t *)a->x + at, a->reduced[3])
                                  : sum_of_halves((const int16_t *)a->x + at, a->reduced[3]);
    }
    int32_t sum = 0;
    for (uint32_t c = a->reduced[3]; c > 0; --c, at += a->x_reduced_stride[3]) {
        sum += load(a, at);
    }
    return sum;
}

/* Where kept element `column` of row `outer` is: no division where the other axes are one. */
EC_INLINE size_t kept_at(const ec_reduce_args *a, const uint32_t *stride, uint32_t outer,
                         uint32_t column)
{
    return ec_offset(outer, a->kept, stride, 3) + (size_t)column * stride[3];
}

static void one_output(const ec_reduce_args *a, uint32_t outer, uint32_t column, uint32_t runs)
{
    const size_t x = kept_at(a, a->x_kept_stride, outer, column);
    int32_t total = 0;
    if (a->reduction != EC_SUM) {
        total = extreme(a, x, runs);
    } else {
        for (uint32_t r = 0; r < runs; ++r) {
            total += sum_of_run(a, run_start(a, x, r));
        }
    }
    finish(a, kept_at(a, a->y_stride, outer, column), total);
}

/* Four neighbours in `count` rows, `step` bytes apart: `loads` of `instructions` lines, then sums. */
#define EC_SUM_ACROSS(instructions, loads, count, one0, one1, one2, one3)                       \
    __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", instructions) loads EC_ASM_END      \
                     : [x] "+&r"(x), [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2),            \
                       [s3] "+&r"(s3)                                                           \
                     : [n] "r"(count), [step] "r"(step), [o0] "r"(one0), [o1] "r"(one1),        \
                       [o2] "r"(one2), [o3] "r"(one3)                                           \
                     : "memory", "t0", "t1")
#define EC_ADD_BYTES(t)                                                                         \
    EC_ASM_SDOTSP_B("%[s0]", t, "%[o0]") EC_ASM_SDOTSP_B("%[s1]", t, "%[o1]")                   \
    EC_ASM_SDOTSP_B("%[s2]", t, "%[o2]")

/* The sums of four neighbours along one run. */
static void add_four(const ec_reduce_args *a, size_t at, int32_t *sums)
{
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    const uint32_t count = a->reduced[3];
    if (a->x_type == EC_I8) {
        const int8_t *x = (const int8_t *)a->x + at;
        const uint32_t step = a->x_reduced_stride[3];
        if (count >= 2) {
            EC_SUM_ACROSS(10, EC_ASM_LW_R("t0", "%[step]", "%[x]")
                          EC_ASM_LW_R("t1", "%[step]", "%[x]")
                          EC_ADD_BYTES("t0") EC_ASM_SDOTSP_B("%[s3]", "t0", "%[o3]")
                          EC_ADD_BYTES("t1") EC_ASM_LAST EC_ASM_SDOTSP_B("%[s3]", "t1", "%[o3]"),
                          count >> 1, 1, 1 << 8, 1 << 16, 1 << 24);
        }
        if (count & 1) {
            s0 += x[0];
            s1 += x[1];
            s2 += x[2];
            s3 += x[3];
        }
    } else {
        const int16_t *x = (const int16_t *)a->x + at;
        const uint32_t step = 2 * a->x_reduced_stride[3];
        EC_SUM_ACROSS(6, "lw t1,4(%[x])\n" EC_ASM_LW_R("t0", "%[step]", "%[x]")
                      EC_ASM_SDOTSP_H("%[s2]", "t1", "%[o0]")
                      EC_ASM_SDOTSP_H("%[s3]", "t1", "%[o1]")
                      EC_ASM_SDOTSP_H("%[s0]", "t0", "%[o0]")
                      EC_ASM_LAST EC_ASM_SDOTSP_H("%[s1]", "t0", "%[o1]"),
                      count, 1, 1 << 16, 0, 0);
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

static void four_outputs(const ec_reduce_args *a, uint32_t outer, uint32_t column, uint32_t runs)
{
    const size_t x = kept_at(a, a->x_kept_stride, outer, column);
    int32_t sums[4] = {0, 0, 0, 0};
    for (uint32_t r = 0; r < runs; ++r) {
        add_four(a, run_start(a, x, r), sums);
    }
    const size_t y = kept_at(a, a->y_stride, outer, column);
    for (uint32_t i = 0; i < 4; ++i) {
        finish(a, y + i * a->y_stride[3], sums[i]);
    }
}

void ec_reduce(const ec_reduce_args *args, uint32_t core, uint32_t cores)
{
    const ec_reduce_args a = *args;
    const uint32_t outer = a.kept[0] * a.kept[1] * a.kept[2];
    const uint32_t runs = a.reduced[0] * a.reduced[1] * a.reduced[2];
    const int across = a.reduction == EC_SUM && a.x_kept_stride[3] == 1;
    const uint32_t quads = across ? a.kept[3] >> 2 : 0;
    const uint32_t rest = a.kept[3] - 4 * quads;
    uint32_t left = ec_share_start(outer * quads, core + 1, cores);
    uint32_t first = ec_share_start(outer * quads, core, cores);
    uint32_t row = quads > 0 ? first / quads : 0;
    left -= first;
    for (first -= row * quads; left > 0; --left) {
        four_outputs(&a, row, 4 * first, runs);
        if (++first == quads) {
            first = 0;
            ++row;
        }
    }
    left = ec_share_start(outer * rest, core + 1, cores);
    first = ec_share_start(outer * rest, core, cores);
    row = rest > 0 ? first / rest : 0;
    left -= first;
    for (first -= row * rest; left > 0; --left) {
        one_output(&a, row, 4 * quads + first, runs);
        if (++first == rest) {
            first = 0;
            ++row;
        }
    }
}
