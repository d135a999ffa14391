/*
 * Int8 matrix products in blocks of four by four: what linear, linear_accumulate,
 * attention_scores and attention_values share.
 *
 * A block's sixteen sums stay in registers from the first product to the stored result: eight loads
 * for sixteen dot products of four bytes. That takes all registers, so a strip of blocks is written
 * in assembly. Blocks at the edges are moved back inside of the matrix: some elements are computed
 * and stored twice, with equal results. Only where the output is read too are they left out.
 */
#ifndef EDGECOMP_XPULP_PRODUCT_H
#define EDGECOMP_XPULP_PRODUCT_H

#include "ec_xpulp.h"

/* a [rows, depth] times the transpose of b [columns, depth]. */
typedef struct {
    const int8_t *a, *b;
    uint32_t rows, columns, depth;
    uint32_t a_stride, b_stride;
} ec_product;

/* What becomes of the sums of a strip. */
typedef enum {
    EC_TO_I8,
    EC_TO_TABLE,
    EC_TO_RESIDUAL,
    EC_TO_I16,
    EC_TO_U8,
    EC_TO_SUMS, /* y i32 */
    EC_TO_ADDED /* y i32: the sums plus `added` */
} ec_target;

/*
 * A run of blocks along four rows of a. Steps lead from row to row and count bytes. The strip
 * advances b, multiplier, bias, y and added; the numbers below are its offsets.
 */
typedef struct {
    const void *a, *b; /* 0, 4 */
    uint32_t a_step; /* 8 */
    int32_t a_back; /* 12: from the fourth row to the next word of the first */
    uint32_t b_step; /* 16 */
    int32_t b_back; /* 20 */
    uint32_t words; /* 24: of four elements, more than 0 */
    int32_t b_next; /* 28: from the end of a block's first row to the next block */
    uint32_t blocks; /* 32 */
    const int32_t *multiplier, *bias; /* 36, 40 */
    uint32_t shift; /* 44 */
    void *y; /* 48 */
    uint32_t y_step, y_next; /* 52, 56: to the next row, to the next block */
    const int8_t *table_middle; /* 60 */
    const void *added; /* 64: residual or summand */
    uint32_t added_step; /* 68 */
    ec_target target; /* 72 */
} ec_strip;

typedef char ec_strip_offsets[offsetof(ec_strip, target) == 72 ? 1 : -1];

#define EC_FOUR(macro, a, b, c, d) macro(a) macro(b) macro(c) macro(d)
#define EC_ROWS(row) row("s0", "s1", "s2", "s3") row("s4", "s5", "s6", "s7")                    \
    row("s8", "s9", "s10", "s11") row("a2", "a3", "a4", "a5")

#define EC_ASM_ZERO(s) "li " s ",0\n"
#define EC_ASM_ZERO_ROW(a, b, c, d) EC_FOUR(EC_ASM_ZERO, a, b, c, d)

/* Sums of a block in s0-s11, a2-a5; then ra is the strip. The state lies at 0(sp). */
#define EC_ASM_BLOCK(dot)                                                                       \
    "lw t0,0(sp)\n lw a0,0(t0)\n lw a1,4(t0)\n lw a6,8(t0)\n lw a7,12(t0)\n lw ra,16(t0)\n"     \
    "lw t6,20(t0)\n lw t5,24(t0)\n"                                                             \
    EC_ROWS(EC_ASM_ZERO_ROW)                                                                    \
    EC_ASM_BEGIN                                                                                \
    EC_ASM_LOOP("x0", "t5", 24)                                                                 \
    EC_ASM_LW_R("t0", "ra", "a1")                                                               \
    EC_ASM_LW_R("t1", "ra", "a1")                                                               \
    EC_ASM_LW_R("t2", "ra", "a1")                                                               \
    EC_ASM_LW_R("t3", "t6", "a1")                                                               \
    EC_ASM_LW_R("t4", "a6", "a0")                                                               \
    EC_ASM_LW_R("t5", "a6", "a0")                                                               \
    dot("s0", "t4", "t0") dot("s1", "t4", "t1") dot("s2", "t4", "t2") dot("s3", "t4", "t3")     \
    EC_ASM_LW_R("t4", "a6", "a0")                                                               \
    dot("s4", "t5", "t0") dot("s5", "t5", "t1") dot("s6", "t5", "t2") dot("s7", "t5", "t3")     \
    EC_ASM_LW_R("t5", "a7", "a0")                                                               \
    dot("s8", "t4", "t0") dot("s9", "t4", "t1") dot("s10", "t4", "t2") dot("s11", "t4", "t3")   \
    dot("a2", "t5", "t0") dot("a3", "t5", "t1") dot("a4", "t5", "t2")                           \
    EC_ASM_LAST dot("a5", "t5", "t3")                                                           \
    EC_ASM_END                                                                                  \
    "lw ra,0(sp)\n lw t0,28(ra)\n lw t2,72(ra)\n add a1,a1,t0\n sw a1,4(ra)\n"

#define EC_ASM_RESCALE_ROW(a, b, c, d)                                                          \
    "mul " a "," a ",t0\n mul " b "," b ",t1\n mul " c "," c ",t2\n mul " d "," d ",t3\n"       \
    EC_ASM_ADD_SHIFT(a, "t4", "a7") EC_ASM_ADD_SHIFT(b, "t5", "a7")                             \
    EC_ASM_ADD_SHIFT(c, "t6", "a7") EC_ASM_ADD_SHIFT(d, "a6", "a7")

/* sums = (sums * multiplier + bias) >> shift; keeps t2 in a1. */
#define EC_ASM_RESCALE                                                                          \
    "lw a0,36(ra)\n lw a1,40(ra)\n lw a7,44(ra)\n"                                              \
    EC_ASM_LW("t0", "4", "a0") EC_ASM_LW("t4", "4", "a1") EC_ASM_LW("t1", "4", "a0")            \
    EC_ASM_LW("t5", "4", "a1") EC_ASM_LW("t2", "4", "a0") EC_ASM_LW("t6", "4", "a1")            \
    EC_ASM_LW("t3", "4", "a0") EC_ASM_LW("a6", "4", "a1")                                       \
    "sw a0,36(ra)\n sw a1,40(ra)\n lw a1,72(ra)\n"                                              \
    EC_ROWS(EC_ASM_RESCALE_ROW)

/* a0: y, advanced in the strip; a1: its step. */
#define EC_ASM_Y                                                                                \
    "lw a0,48(ra)\n lw t0,56(ra)\n lw a1,52(ra)\n add t0,t0,a0\n sw t0,48(ra)\n"

/* t1: added, advanced in the strip by `bytes`; t2: its step. */
#define EC_ASM_ADDED(bytes)                                                                     \
    "lw t1,64(ra)\n lw t2,68(ra)\n addi t3,t1," bytes "\n sw t3,64(ra)\n"

#define EC_ASM_STORE_ROW(store, size, a, b, c, d)                                               \
    store " " a ",0(a0)\n" store " " b "," size "(a0)\n" store " " c ",2*" size "(a0)\n"        \
    store " " d ",3*" size "(a0)\n add a0,a0,a1\n"
#define EC_ASM_BYTES_ROW(a, b, c, d)                                                            \
    EC_ASM_PACKLO_B("t0", b, a) EC_ASM_PACKHI_B("t0", d, c) "sw t0,0(a0)\n add a0,a0,a1\n"
#define EC_ASM_I8_ROW(a, b, c, d)                                                               \
    EC_FOUR(EC_ASM_CLIP_I8, a, b, c, d) EC_ASM_BYTES_ROW(a, b, c, d)
#define EC_ASM_U8_ROW(a, b, c, d)                                                               \
    EC_FOUR(EC_ASM_CLIP_U8, a, b, c, d) EC_ASM_BYTES_ROW(a, b, c, d)
#define EC_ASM_I16_ROW(a, b, c, d)                                                              \
    EC_FOUR(EC_ASM_CLIP_I16, a, b, c, d) EC_ASM_STORE_ROW("sh", "2", a, b, c, d)
#define EC_ASM_SUMS_ROW(a, b, c, d) EC_ASM_STORE_ROW("sw", "4", a, b, c, d)
#define EC_ASM_LOOKUP(s) EC_ASM_LB_AT(s, "t1", s)
#define EC_ASM_TABLE_ROW(a, b, c, d)                                                            \
    EC_FOUR(EC_ASM_CLIP_I8, a, b, c, d) EC_FOUR(EC_ASM_LOOKUP, a, b, c, d)                      \
    EC_ASM_BYTES_ROW(a, b, c, d)
#define EC_ASM_ADD_ROW(load, size, a, b, c, d)                                                  \
    load " t3,0(t1)\n" load " t4," size "(t1)\n" load " t5,2*" size "(t1)\n"                    \
    load " t6,3*" size "(t1)\n add t1,t1,t2\n"                                                  \
    "add " a "," a ",t3\n add " b "," b ",t4\n add " c "," c ",t5\n add " d "," d ",t6\n"
#define EC_ASM_RESIDUAL_ROW(a, b, c, d)                                                         \
    EC_FOUR(EC_ASM_CLIP_I16, a, b, c, d) EC_ASM_ADD_ROW("lh", "2", a, b, c, d)                  \
    EC_ASM_I16_ROW(a, b, c, d)
#define EC_ASM_ADDED_ROW(a, b, c, d)                                                            \
    EC_ASM_ADD_ROW("lw", "4", a, b, c, d) EC_ASM_SUMS_ROW(a, b, c, d)

/* The next block, if there is one. Other ends of a block follow and come back to 20. */
#define EC_ASM_NEXT "20: lw t1,32(ra)\n addi t1,t1,-1\n sw t1,32(ra)\n bnez t1,1b\n j 30f\n"

#define EC_ASM_FINISH_RESCALED                                                                  \
    EC_ASM_RESCALE                                                                              \
    "bnez a1,10f\n" EC_ASM_Y EC_ROWS(EC_ASM_I8_ROW) EC_ASM_NEXT                                 \
    "10: addi a1,a1,-2\n bltz a1,11f\n beqz a1,12f\n addi a1,a1,-1\n beqz a1,13f\n"             \
    EC_ASM_Y EC_ROWS(EC_ASM_U8_ROW) "j 20b\n"                                                   \
    "13:\n" EC_ASM_Y EC_ROWS(EC_ASM_I16_ROW) "j 20b\n"                                          \
    "12:\n" EC_ASM_Y EC_ASM_ADDED("8") EC_ROWS(EC_ASM_RESIDUAL_ROW) "j 20b\n"                   \
    "11:\n" EC_ASM_Y "lw t1,60(ra)\n" EC_ROWS(EC_ASM_TABLE_ROW) "j 20b\n"
#define EC_ASM_FINISH_SUMS                                                                      \
    EC_ASM_Y                                                                                    \
    "addi t2,t2,-5\n bnez t2,10f\n" EC_ROWS(EC_ASM_SUMS_ROW) EC_ASM_NEXT                        \
    "10:\n" EC_ASM_ADDED("16") EC_ROWS(EC_ASM_ADDED_ROW) "j 20b\n"

/* All blocks of a strip; `strip` is changed. */
#define EC_STRIP_RUN(strip, dot, finish)                                                        \
    do {                                                                                        \
        register ec_strip *at_ __asm__("t0") = (strip);                                         \
        __asm__ volatile("addi sp,sp,-16\n sw t0,0(sp)\n .balign 16\n"                          \
                         "1:\n" EC_ASM_BLOCK(dot) finish                                        \
                         "30: addi sp,sp,16\n"                                                  \
                         : "+r"(at_)                                                            \
                         :                                                                      \
                         : "memory", "ra", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1",      \
                           "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3", "s4",    \
                           "s5", "s6", "s7", "s8", "s9", "s10", "s11");                         \
    } while (0)

/* sums[4 * R + C] += sum_i a[R * a_step + i] * b[C * b_step + i], i < count < 4: the odd end. */
static __attribute__((noinline, unused)) void ec_block_rest(int32_t *sums, const int8_t *a,
                                                            uint32_t a_step, const int8_t *b,
                                                            uint32_t b_step, uint32_t count)
{
    for (uint32_t block = 0; block < 16; ++block) {
        const int8_t *first = a + (block >> 2) * a_step;
        const int8_t *second = b + (block & 3) * b_step;
        for (uint32_t i = 0; i < count; ++i) {
            sums[block] += first[i] * second[i];
        }
    }
}

/* One element of the product: four bytes at a time. */
EC_INLINE int32_t ec_dot(const int8_t *a, const int8_t *b, uint32_t depth)
{
    int32_t sum = 0;
    uint32_t words = depth >> 2;
    if (words > 0) {
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 3)
                         EC_ASM_LW("t0", "4", "%[a]")
                         EC_ASM_LW("t1", "4", "%[b]")
                         EC_ASM_LAST EC_ASM_SDOTSP_B("%[sum]", "t0", "t1")
                         EC_ASM_END
                         : [sum] "+&r"(sum), [a] "+&r"(a), [b] "+&r"(b)
                         : [n] "r"(words)
                         : "memory", "t0", "t1");
    }
    for (uint32_t i = 0; i < (depth & 3); ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

typedef void ec_finish_element(const void *context, uint32_t row, uint32_t column, int32_t sum);

/* Less than a block: element by element. */
EC_INLINE void ec_product_small(const ec_product *p, uint32_t core, uint32_t cores,
                                const void *context, ec_finish_element *element)
{
    const uint32_t end = ec_share_start(p->rows * p->columns, core + 1, cores);
    for (uint32_t i = ec_share_start(p->rows * p->columns, core, cores); i < end; ++i) {
        const uint32_t r = i / p->columns;
        const uint32_t c = i % p->columns;
        const int8_t *a = p->a + (size_t)r * p->a_stride;
        element(context, r, c, ec_dot(a, p->b + (size_t)c * p->b_stride, p->depth));
    }
}


typedef void ec_run_strip(ec_strip *strip);

/* A block at the edge of an output that is read too, or one of an odd depth: sums to memory, then element by element. */
static __attribute__((noinline, unused)) void
ec_edge_block(const ec_product *p, ec_strip strip, uint32_t row, uint32_t column,
              const void *context, ec_run_strip *run, ec_finish_element *element)
{
    int32_t sums[16];
    const uint32_t r = row + 4 <= p->rows ? row : p->rows - 4;
    const uint32_t c = column + 4 <= p->columns ? column : p->columns - 4;
    strip.a = p->a + (size_t)r * p->a_stride;
    strip.b = p->b + (size_t)c * p->b_stride;
    strip.blocks = 1;
    strip.y = sums;
    strip.y_step = 16;
    strip.target = EC_TO_SUMS;
    run(&strip);
    if (p->depth & 3) {
        const uint32_t done = p->depth & ~3u;
        ec_block_rest(sums, p->a + (size_t)r * p->a_stride + done, p->a_stride,
                      p->b + (size_t)c * p->b_stride + done, p->b_stride, p->depth & 3);
    }
    for (uint32_t i = row; i < r + 4; ++i) {
        for (uint32_t j = column; j < c + 4; ++j) {
            element(context, i, j, sums[4 * (i - r) + j - c]);
        }
    }
}

/*
 * This core's share of the product: equal runs of blocks, a row of blocks after the other.
 * `whole` runs a strip into the kernel's output, `edge` one with target EC_TO_SUMS.
 */
EC_INLINE void ec_product_run(const ec_product *p, uint32_t core, uint32_t cores,
                              const ec_strip *output, uint32_t added_bytes, const void *context,
                              ec_run_strip *whole, ec_run_strip *edge, ec_finish_element *element)
{
    if (p->rows < 4 || p->columns < 4 || p->depth < 4) {
        ec_product_small(p, core, cores, context, element);
        return;
    }
    const uint32_t across = (p->columns + 3) >> 2;
    const uint32_t blocks = across * ((p->rows + 3) >> 2);
    uint32_t block = ec_share_start(blocks, core, cores);
    const uint32_t end = ec_share_start(blocks, core + 1, cores);
    ec_strip strip = *output;
    strip.a_step = p->a_stride;
    strip.a_back = 4 - 3 * (int32_t)p->a_stride;
    strip.b_step = p->b_stride;
    strip.b_back = 4 - 3 * (int32_t)p->b_stride;
    strip.words = p->depth >> 2;
    strip.b_next = 4 * (int32_t)(p->b_stride - strip.words);
    uint32_t row = block / across * 4;
    uint32_t column = block % across * 4;
    while (block < end) {
        uint32_t count = (p->columns - column) >> 2;
        count = count < end - block ? count : end - block;
        const int at_edge = count == 0 || row + 4 > p->rows;
        count = count == 0 ? 1 : count;
        if ((p->depth & 3) || (at_edge && output->added == output->y)) {
            count = 1;
            ec_edge_block(p, strip, row, column, context, edge, element);
        } else {
            const uint32_t r = row + 4 <= p->rows ? row : p->rows - 4;
            const uint32_t c = column + 4 <= p->columns ? column : p->columns - 4;
            strip.a = p->a + (size_t)r * p->a_stride;
            strip.b = p->b + (size_t)c * p->b_stride;
            strip.blocks = count;
            if (output->multiplier != NULL) {
                strip.multiplier = output->multiplier + c;
                strip.bias = output->bias + c;
            }
            strip.y = (uint8_t *)output->y + (size_t)r * output->y_step + c * (output->y_next >> 2);
            strip.added = (const uint8_t *)output->added + (size_t)r * output->added_step +
                          c * added_bytes;
            whole(&strip);
        }
        block += count;
        column += 4 * count;
        if (column >= p->columns) {
            column = 0;
            row += 4;
        }
    }
}

#endif
