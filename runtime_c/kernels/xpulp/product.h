/*
 * Int8 matrix products in blocks of four by four: what linear, matmul, attention_scores and
 * attention_values share.
 *
 * A block's sixteen sums stay in registers from the first product to the stored result: eight loads
 * for sixteen dot products of four bytes. That takes all registers, so a run of blocks is written
 * in assembly. Blocks at the edges are moved back inside of the matrix: some elements are computed
 * and stored twice, with equal results. Only where the output is read too are they left out.
 *
 * A block's code fits the core's own instruction cache (512 bytes), but for the table's.
 */
#ifndef EDGECOMP_XPULP_PRODUCT_H
#define EDGECOMP_XPULP_PRODUCT_H

#include "ec_xpulp.h"

typedef void ec_finish_element(const void *context, uint32_t row, uint32_t column, int32_t sum);

/*
 * a [rows, depth] times the transpose of b [columns, depth], and what becomes of the sums. Strides
 * and steps count bytes.
 */
typedef struct {
    const int8_t *a, *b;
    uint32_t rows, columns, depth;
    uint32_t a_stride, b_stride;
    uint32_t b_step; /* to the next of four words that belong together: b_stride */
    int32_t b_back; /* from the fourth one to the next word of the first: 4 - 3 * b_stride */
    const int32_t *multiplier, *bias; /* [columns], or one for all, or NULL; see EC_TERMS */
    uint32_t shift;
    void *y; /* of element [0, 0] */
    uint32_t y_row, y_column; /* from one to the next */
    int32_t y_step, y_back; /* to the next word of a row, from its last to the next row */
    const void *added; /* residual, summands or term of element [0, 0], or middle of the table */
    uint32_t added_row, added_column;
    int32_t added_step, added_back;
    ec_finish_element *element; /* one sum to y */
    const void *context; /* of element */
} ec_product;

typedef void ec_product_function(const ec_product *p, uint32_t core, uint32_t cores);

/*
 * A run of blocks: four rows of b stay, a goes on by four rows each time; then as many blocks of
 * the next four rows of b. The numbers are offsets.
 */
typedef struct {
    uint32_t words; /* 0: of four elements in the loop */
    int32_t a_next; /* 4: from the end of a block to the next one */
    const int8_t *b; /* 8 */
    const int8_t *a_end; /* 12: behind the last block */
    uint8_t *y; /* 16 */
    int32_t y_step, y_back; /* 20, 24 */
    uint32_t shift; /* 28 */
    const uint8_t *added; /* 32 */
    int32_t added_step, added_back; /* 36, 40 */
    int32_t scale[8]; /* 44: multiplier and bias of the four columns, or of all; see EC_TERMS */
    uint32_t times; /* 76: how often, each with the next four rows of b */
    const int8_t *a; /* 80: the first row */
    uint32_t b_next; /* 84: to the next four rows */
    uint8_t *y_first; /* 88: of the first block */
    uint32_t y_next; /* 92 */
    const uint8_t *added_first; /* 96 */
    uint32_t added_next; /* 100 */
    const int32_t *multiplier, *bias; /* 104, 108: of the next four columns */
} ec_strip;

typedef char ec_strip_offsets[offsetof(ec_strip, bias) == 108 ? 1 : -1];

/* ---- a block, as lines of assembly --------------------------------------------------------- */

/*
 * Registers: s0-s11, a2-a5 sums, row by row; t0-t3 words of b, t4 and t5 of a; a0, a6, a7 and a1,
 * ra, t6 pointer, step and way back in a and b. The strip lies on the stack. At the end of a block
 * t0-t5 and a1 are free.
 */
#define EC_ASM_GET(d, offset) "lw " d "," offset "+%[strip]\n"
#define EC_ASM_PUT(s, offset) "sw " s "," offset "+%[strip]\n"

#define EC_FOUR(macro, a, b, c, d) macro(a) macro(b) macro(c) macro(d)
#define EC_ROWS(row)                                                                            \
    row("s0", "s1", "s2", "s3") row("s4", "s5", "s6", "s7")                                     \
    row("s8", "s9", "s10", "s11") row("a2", "a3", "a4", "a5")

#define EC_ASM_LOAD_B(d) EC_ASM_LW_R(d, "ra", "a1")
#define EC_ASM_LOAD_A(d) EC_ASM_LW_R(d, "a6", "a0")
#define EC_ASM_NO_LOAD(d)

/*
 * The products of a word but for the last one. Loads lie three cycles apart: cores whose rows meet
 * in a bank get out of each other's way by a cycle or two. b0, b1 and a0 are of the next word.
 */
#define EC_ASM_PASS(dot, load_a, load_b)                                                        \
    dot("s0", "t4", "t0") EC_ASM_LOAD_A("t5")                                                   \
    dot("s1", "t4", "t1") dot("s4", "t5", "t0") EC_ASM_LOAD_B("t2")                             \
    dot("s5", "t5", "t1") dot("s2", "t4", "t2") EC_ASM_LW_R("t3", "t6", "a1")                   \
    dot("s6", "t5", "t2") dot("s3", "t4", "t3") EC_ASM_LOAD_A("t4")                             \
    dot("s7", "t5", "t3") dot("s8", "t4", "t0") EC_ASM_LW_R("t5", "a7", "a0")                   \
    dot("s9", "t4", "t1") dot("a2", "t5", "t0") load_b("t0")                                    \
    dot("a3", "t5", "t1") dot("s10", "t4", "t2") load_b("t1")                                   \
    dot("a4", "t5", "t2") dot("s11", "t4", "t3") load_a("t4")
#define EC_ASM_FIRST_PASS(first)                                                                \
    EC_ASM_LOAD_B("t0") EC_ASM_LOAD_B("t1") EC_ASM_LOAD_A("t4")                                 \
    EC_ASM_PASS(first, EC_ASM_LOAD_A, EC_ASM_LOAD_B)                                            \
    EC_ASM_GET("t2", "0") first("a5", "t5", "t3")
#define EC_ASM_LOOP_PASS(dot)                                                                   \
    EC_ASM_LOOP("x0", "t2", 24)                                                                 \
    EC_ASM_PASS(dot, EC_ASM_LOAD_A, EC_ASM_LOAD_B) EC_ASM_LAST dot("a5", "t5", "t3")

/*
 * The sums of a block; `first` begins sums, `dot` adds to them. The short one loads the word behind
 * the depth of a's first row and b's first two: the start of the rows that follow. The closed one
 * reads nothing but the operands, and has no room for a long end.
 */
#define EC_ASM_SHORT_BLOCK(first, dot)                                                          \
    EC_ASM_BEGIN EC_ASM_FIRST_PASS(first) EC_ASM_LOOP_PASS(dot) EC_ASM_END
#define EC_ASM_CLOSED_BLOCK(first, dot)                                                         \
    EC_ASM_BEGIN EC_ASM_FIRST_PASS(first) "beqz t2,43f\n" EC_ASM_LOOP_PASS(dot) "43:\n"         \
    EC_ASM_PASS(dot, EC_ASM_NO_LOAD, EC_ASM_NO_LOAD) dot("a5", "t5", "t3") EC_ASM_END

/* The next block, or the first one of the next four rows of b. */
#define EC_ASM_NEXT(advance)                                                                    \
    EC_ASM_GET("a1", "8") EC_ASM_GET("t0", "4") EC_ASM_GET("t1", "12")                          \
    "add a0,a0,t0\n bne a0,t1,40b\n"                                                            \
    EC_ASM_GET("t0", "76") EC_ASM_GET("t1", "84") EC_ASM_GET("t5", "88") EC_ASM_GET("t2", "92") \
    EC_ASM_GET("a0", "80") "addi t0,t0,-1\n add a1,a1,t1\n add t5,t5,t2\n"                      \
    EC_ASM_PUT("t0", "76") EC_ASM_PUT("a1", "8") EC_ASM_PUT("t5", "88") EC_ASM_PUT("t5", "16")  \
    "beqz t0,50f\n" advance "j 40b\n 50:\n"
#define EC_ASM_ADVANCE_SCALE                                                                    \
    EC_ASM_GET("t1", "104") EC_ASM_GET("t2", "108")                                             \
    EC_ASM_LW("s0", "4", "t1") EC_ASM_LW("s1", "4", "t2") EC_ASM_LW("s2", "4", "t1")            \
    EC_ASM_LW("s3", "4", "t2") EC_ASM_LW("s4", "4", "t1") EC_ASM_LW("s5", "4", "t2")            \
    EC_ASM_LW("s6", "4", "t1") EC_ASM_LW("s7", "4", "t2")                                       \
    EC_ASM_PUT("s0", "44") EC_ASM_PUT("s1", "48") EC_ASM_PUT("s2", "52") EC_ASM_PUT("s3", "56") \
    EC_ASM_PUT("s4", "60") EC_ASM_PUT("s5", "64") EC_ASM_PUT("s6", "68") EC_ASM_PUT("s7", "72") \
    EC_ASM_PUT("t1", "104") EC_ASM_PUT("t2", "108")
#define EC_ASM_ADVANCE_TERMS                                                                    \
    EC_ASM_GET("t2", "108")                                                                     \
    EC_ASM_LW("s0", "4", "t2") EC_ASM_LW("s1", "4", "t2") EC_ASM_LW("s2", "4", "t2")            \
    EC_ASM_LW("s3", "4", "t2")                                                                  \
    EC_ASM_PUT("s0", "44") EC_ASM_PUT("s1", "48") EC_ASM_PUT("s2", "52") EC_ASM_PUT("s3", "56") \
    EC_ASM_PUT("t2", "108")
#define EC_ASM_ADVANCE_ADDED                                                                    \
    EC_ASM_GET("t1", "96") EC_ASM_GET("t2", "100") "add t1,t1,t2\n"                             \
    EC_ASM_PUT("t1", "96") EC_ASM_PUT("t1", "32")

/* ---- what becomes of the sums -------------------------------------------------------------- */

/*
 * sums = (sums * multiplier + bias) >> shift, a column after the other; the last of a column adds
 * to the bias itself.
 */
#define EC_ASM_RESCALE_COLUMN(a, b, c, d, multiplier, bias, then1, then2)                       \
    "mul " a "," a "," multiplier "\n mul " b "," b "," multiplier "\n"                         \
    "mul " c "," c "," multiplier "\n"                                                          \
    EC_ASM_ADD_SHIFT(a, bias, "t4") EC_ASM_ADD_SHIFT(b, bias, "t4")                             \
    EC_ASM_ADD_SHIFT(c, bias, "t4") EC_ASM_MAC(bias, d, multiplier) then1                       \
    "sra " d "," bias ",t4\n" then2
#define EC_ASM_RESCALE                                                                          \
    EC_ASM_GET("t0", "44") EC_ASM_GET("t1", "48") EC_ASM_GET("t4", "28")                        \
    EC_ASM_GET("t2", "52") EC_ASM_GET("t3", "56")                                               \
    EC_ASM_RESCALE_COLUMN("s0", "s4", "s8", "a2", "t0", "t1", EC_ASM_GET("t0", "60"),           \
                          EC_ASM_GET("t1", "64"))                                               \
    EC_ASM_RESCALE_COLUMN("s1", "s5", "s9", "a3", "t2", "t3", EC_ASM_GET("t2", "68"),           \
                          EC_ASM_GET("t3", "72"))                                               \
    EC_ASM_RESCALE_COLUMN("s2", "s6", "s10", "a4", "t0", "t1", EC_ASM_GET("t5", "16"),          \
                          EC_ASM_GET("a1", "24"))                                               \
    EC_ASM_RESCALE_COLUMN("s3", "s7", "s11", "a5", "t2", "t3", EC_ASM_GET("t0", "32"), "")

/* Rows of finished sums to memory; t5: y, a1: y_back, t0: table. */
#define EC_ASM_BYTES_ROW(a, b, c, d)                                                            \
    EC_ASM_PACKLO_B(a, b, a) EC_ASM_PACKHI_B(a, d, c) EC_ASM_SW_R(a, "a1", "t5")
#define EC_ASM_I8_ROW(a, b, c, d)                                                               \
    EC_FOUR(EC_ASM_CLIP_I8, a, b, c, d) EC_ASM_BYTES_ROW(a, b, c, d)
#define EC_ASM_U8_ROW(a, b, c, d)                                                               \
    EC_FOUR(EC_ASM_CLIP_U8, a, b, c, d) EC_ASM_BYTES_ROW(a, b, c, d)
#define EC_ASM_I16_ROW(a, b, c, d)                                                              \
    EC_FOUR(EC_ASM_CLIP_I16, a, b, c, d) EC_ASM_PACK_H(a, b, a) EC_ASM_PACK_H(c, d, c)          \
    EC_ASM_SW(a, "4", "t5") EC_ASM_SW_R(c, "a1", "t5")
#define EC_ASM_LOOKUP(s) EC_ASM_LB_AT(s, "t0", s)
#define EC_ASM_TABLE_ROW(a, b, c, d)                                                            \
    EC_FOUR(EC_ASM_CLIP_I8, a, b, c, d) EC_FOUR(EC_ASM_LOOKUP, a, b, c, d)                      \
    EC_ASM_BYTES_ROW(a, b, c, d)
#define EC_ASM_FINISH_I8 EC_ASM_RESCALE EC_ROWS(EC_ASM_I8_ROW) EC_ASM_PUT("t5", "16")
#define EC_ASM_FINISH_U8 EC_ASM_RESCALE EC_ROWS(EC_ASM_U8_ROW) EC_ASM_PUT("t5", "16")
#define EC_ASM_FINISH_I16 EC_ASM_RESCALE EC_ROWS(EC_ASM_I16_ROW) EC_ASM_PUT("t5", "16")
#define EC_ASM_FINISH_TABLE EC_ASM_RESCALE EC_ROWS(EC_ASM_TABLE_ROW) EC_ASM_PUT("t5", "16")

/*
 * The end with a residual is long: two rows at a time, so that the block's code stays in the
 * instruction cache; the last two rows move to the registers of the first. t3 counts, t1 and a1
 * are multipliers and t2 is a bias, then t1 is added_back, a1 y_back, and t2 ones.
 */
#define EC_ASM_RESCALE_PAIR(a, b, multiplier, bias, then)                                       \
    EC_ASM_GET("t2", bias) "mul " a "," a "," multiplier "\n" then                              \
    EC_ASM_ADD_SHIFT(a, "t2", "t4") EC_ASM_MAC("t2", b, multiplier) "sra " b ",t2,t4\n"
#define EC_ASM_RESIDUAL_ROW(a, b, c, d)                                                         \
    EC_ASM_LW("t4", "4", "t0") EC_ASM_CLIP_I16(a) EC_ASM_CLIP_I16(b)                            \
    EC_ASM_MAC_LOW(a, "t4", "t2") EC_ASM_MAC_HIGH(b, "t4", "t2")                                \
    EC_ASM_LW_R("t4", "t1", "t0") EC_ASM_CLIP_I16(c) EC_ASM_CLIP_I16(d)                         \
    EC_ASM_MAC_LOW(c, "t4", "t2") EC_ASM_MAC_HIGH(d, "t4", "t2") EC_ASM_I16_ROW(a, b, c, d)
#define EC_ASM_FINISH_RESIDUAL                                                                  \
    EC_ASM_GET("t5", "16") EC_ASM_GET("t0", "32") "li t3,1\n 41:\n"                             \
    EC_ASM_GET("t1", "44") EC_ASM_GET("t4", "28")                                               \
    EC_ASM_RESCALE_PAIR("s0", "s4", "t1", "48", EC_ASM_GET("a1", "52"))                         \
    EC_ASM_RESCALE_PAIR("s1", "s5", "a1", "56", EC_ASM_GET("t1", "60"))                         \
    EC_ASM_RESCALE_PAIR("s2", "s6", "t1", "64", EC_ASM_GET("a1", "68"))                         \
    EC_ASM_RESCALE_PAIR("s3", "s7", "a1", "72", EC_ASM_GET("t1", "40"))                         \
    EC_ASM_GET("a1", "24") "lui t2,16\n addi t2,t2,1\n"                                         \
    EC_ASM_RESIDUAL_ROW("s0", "s1", "s2", "s3") EC_ASM_RESIDUAL_ROW("s4", "s5", "s6", "s7")     \
    "addi t3,t3,-1\n bltz t3,42f\n mv s0,s8\n mv s1,s9\n mv s2,s10\n mv s3,s11\n"               \
    "mv s4,a2\n mv s5,a3\n mv s6,a4\n mv s7,a5\n j 41b\n 42:\n"                                 \
    EC_ASM_PUT("t5", "16") EC_ASM_PUT("t0", "32")

/* Sums as they are, and on top of others; t2: y_step, t3: added_step, t1: added_back. */
#define EC_ASM_SUMS_ROW(a, b, c, d)                                                             \
    EC_ASM_SW_R(a, "t2", "t5") EC_ASM_SW_R(b, "t2", "t5") EC_ASM_SW_R(c, "t2", "t5")            \
    EC_ASM_SW_R(d, "a1", "t5")
#define EC_ASM_ADDED_ROW(a, b, c, d)                                                            \
    EC_ASM_LW_R("t4", "t3", "t0") "add " a "," a ",t4\n" EC_ASM_LW_R("t4", "t3", "t0")          \
    EC_ASM_SW_R(a, "t2", "t5") "add " b "," b ",t4\n" EC_ASM_LW_R("t4", "t3", "t0")             \
    EC_ASM_SW_R(b, "t2", "t5") "add " c "," c ",t4\n" EC_ASM_LW_R("t4", "t1", "t0")             \
    EC_ASM_SW_R(c, "t2", "t5") "add " d "," d ",t4\n" EC_ASM_SW_R(d, "a1", "t5")
#define EC_ASM_FINISH_SUMS                                                                      \
    EC_ASM_GET("t5", "16") EC_ASM_GET("t2", "20") EC_ASM_GET("a1", "24")                        \
    EC_ROWS(EC_ASM_SUMS_ROW) EC_ASM_PUT("t5", "16")
#define EC_ASM_FINISH_ADDED                                                                     \
    EC_ASM_GET("t0", "32") EC_ASM_GET("t3", "36") EC_ASM_GET("t5", "16") EC_ASM_GET("t2", "20") \
    EC_ASM_GET("a1", "24") EC_ASM_GET("t1", "40")                                               \
    EC_ROWS(EC_ASM_ADDED_ROW) EC_ASM_PUT("t5", "16") EC_ASM_PUT("t0", "32")

/*
 * Terms of rows and columns join the sums; then they are rescaled all alike. Two rows at a time, as
 * above. t0: terms of the rows, a1 and t1: of columns, multiplier and bias, t2: pre_shift.
 */
#define EC_ASM_ADD_T1(s) "add " s "," s ",t1\n"
#define EC_ASM_ADD_T2(s) "add " s "," s ",t2\n"
#define EC_ASM_MUL_A1(s) "mul " s "," s ",a1\n"
#define EC_ASM_ADD_SHIFT_T1(s) EC_ASM_ADD_SHIFT(s, "t1", "t4")
#define EC_ASM_COLUMN_TERM(a, b, term)                                                          \
    EC_ASM_ADD_SHIFT(a, term, "t2") EC_ASM_ADD_SHIFT(b, term, "t2")
#define EC_ASM_FINISH_TERMS(row)                                                                \
    EC_ASM_GET("t5", "16") EC_ASM_GET("t0", "32") EC_ASM_GET("t4", "28") "li t3,1\n 41:\n"      \
    EC_ASM_LW("t1", "4", "t0") EC_ASM_LW("t2", "4", "t0") EC_ASM_GET("a1", "44")                \
    EC_FOUR(EC_ASM_ADD_T1, "s0", "s1", "s2", "s3")                                              \
    EC_FOUR(EC_ASM_ADD_T2, "s4", "s5", "s6", "s7")                                              \
    EC_ASM_GET("t2", "68") EC_ASM_GET("t1", "48")                                               \
    EC_ASM_COLUMN_TERM("s0", "s4", "a1") EC_ASM_GET("a1", "52")                                 \
    EC_ASM_COLUMN_TERM("s1", "s5", "t1") EC_ASM_GET("t1", "56")                                 \
    EC_ASM_COLUMN_TERM("s2", "s6", "a1") EC_ASM_GET("a1", "60")                                 \
    EC_ASM_COLUMN_TERM("s3", "s7", "t1") EC_ASM_GET("t1", "64")                                 \
    EC_FOUR(EC_ASM_MUL_A1, "s0", "s1", "s2", "s3")                                              \
    EC_FOUR(EC_ASM_MUL_A1, "s4", "s5", "s6", "s7")                                              \
    EC_ASM_GET("a1", "24") EC_FOUR(EC_ASM_ADD_SHIFT_T1, "s0", "s1", "s2", "s3")                 \
    EC_FOUR(EC_ASM_ADD_SHIFT_T1, "s4", "s5", "s6", "s7")                                        \
    row("s0", "s1", "s2", "s3") row("s4", "s5", "s6", "s7")                                     \
    "addi t3,t3,-1\n bltz t3,42f\n mv s0,s8\n mv s1,s9\n mv s2,s10\n mv s3,s11\n"               \
    "mv s4,a2\n mv s5,a3\n mv s6,a4\n mv s7,a5\n j 41b\n 42:\n"                                 \
    EC_ASM_PUT("t5", "16") EC_ASM_PUT("t0", "32")

/* ---- runs of blocks ------------------------------------------------------------------------ */

/* All blocks of a strip. */
#define EC_STRIP_RUN(strip_, p, block, finish, advance)                                         \
    do {                                                                                        \
        register const int8_t *at_a __asm__("a0") = (strip_).a;                                 \
        register const int8_t *at_b __asm__("a1") = (strip_).b;                                 \
        register uint32_t a_step __asm__("a6") = (p)->a_stride;                                 \
        register uint32_t a_back __asm__("a7") = 4 - 3 * a_step;                                \
        register uint32_t b_step __asm__("ra") = (p)->b_step;                                   \
        register int32_t b_back __asm__("t6") = (p)->b_back;                                    \
        __asm__ volatile(".balign 16\n 40:\n" block finish EC_ASM_NEXT(advance)                 \
                         : "+r"(at_a), "+r"(at_b), [strip] "+m"(strip_)                         \
                         : "r"(a_step), "r"(a_back), "r"(b_step), "r"(b_back)                   \
                         : "memory", "t0", "t1", "t2", "t3", "t4", "t5", "a2", "a3", "a4",      \
                           "a5", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9",    \
                           "s10", "s11");                                                       \
    } while (0)

/* sums[4 * R + C] += sum_i a[R * a_step + i] * b[C * b_step + i], i < count < 4: the odd end. */
static __attribute__((noinline, unused)) void ec_block_rest(int32_t *sums, const int8_t *a,
                                                            uint32_t a_step, const int8_t *b,
                                                            uint32_t b_step, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i, ++a, ++b) {
        const int32_t b0 = b[0], b1 = b[b_step], b2 = b[2 * b_step], b3 = b[3 * b_step];
        for (uint32_t row = 0; row < 4; ++row) {
            const int32_t value = a[row * a_step];
            sums[4 * row] += value * b0;
            sums[4 * row + 1] += value * b1;
            sums[4 * row + 2] += value * b2;
            sums[4 * row + 3] += value * b3;
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

/* Less than a block: element by element. */
static __attribute__((noinline, unused)) void ec_product_small(const ec_product *p, uint32_t core,
                                                               uint32_t cores)
{
    const uint32_t end = ec_share_start(p->rows * p->columns, core + 1, cores);
    for (uint32_t i = ec_share_start(p->rows * p->columns, core, cores); i < end; ++i) {
        const uint32_t r = i / p->columns;
        const uint32_t c = i % p->columns;
        const int8_t *a = p->a + (size_t)r * p->a_stride;
        p->element(p->context, r, c, ec_dot(a, p->b + (size_t)c * p->b_stride, p->depth));
    }
}

/* Place of a block that would reach over the edge: it is moved back. */
EC_INLINE uint32_t ec_block_at(uint32_t place, uint32_t size)
{
    return place + 4 <= size ? place : size - 4;
}

/* The sums of one block of signed operands, but for the odd end of the depth; depth >= 4. */
static __attribute__((noinline, unused)) void ec_block_sums(const ec_product *p, const int8_t *a,
                                                            const int8_t *b, int32_t *sums)
{
    const uint32_t words = p->depth >> 2;
    if (words < 2) {
        for (uint32_t i = 0; i < 16; ++i) {
            sums[i] = ec_dot(a + (i >> 2) * p->a_stride, b + (i & 3) * p->b_stride, 4);
        }
        return;
    }
    ec_strip strip;
    strip.words = words - 2;
    strip.a_next = (int32_t)(4 * p->a_stride - 4 * words);
    strip.a = a;
    strip.b = b;
    strip.a_end = a + (size_t)4 * p->a_stride;
    strip.times = 1;
    strip.b_next = 0;
    strip.y = (uint8_t *)sums;
    strip.y_first = strip.y;
    strip.y_step = 4;
    strip.y_back = 4;
    strip.y_next = 0;
    EC_STRIP_RUN(strip, p, EC_ASM_CLOSED_BLOCK(EC_ASM_DOTSP_B, EC_ASM_SDOTSP_B),
                 EC_ASM_FINISH_SUMS, "");
}

/*
 * A block at the edge of an output that is read too, or one of an odd depth: sums to memory, then
 * element by element.
 */
static __attribute__((noinline, unused)) void ec_edge_block(const ec_product *p, uint32_t row,
                                                            uint32_t column)
{
    int32_t sums[16];
    const uint32_t r = ec_block_at(row, p->rows);
    const uint32_t c = ec_block_at(column, p->columns);
    const int8_t *a = p->a + (size_t)r * p->a_stride;
    const int8_t *b = p->b + (size_t)c * p->b_stride;
    ec_block_sums(p, a, b, sums);
    if (p->depth & 3) {
        const uint32_t done = p->depth & ~3u;
        ec_block_rest(sums, a + done, p->a_stride, b + done, p->b_stride, p->depth & 3);
    }
    for (uint32_t i = row; i < r + 4; ++i) {
        for (uint32_t j = column; j < c + 4; ++j) {
            p->element(p->context, i, j, sums[4 * (i - r) + j - c]);
        }
    }
}

/* A core's share of the product: equal runs of blocks, down four columns after the other. */
typedef struct {
    uint32_t row, column; /* of the next block */
    uint32_t blocks; /* not done yet */
} ec_share_of_blocks;

EC_INLINE ec_share_of_blocks ec_product_share(const ec_product *p, uint32_t core, uint32_t cores)
{
    const uint32_t down = (p->rows + 3) >> 2;
    const uint32_t blocks = down * ((p->columns + 3) >> 2);
    const uint32_t start = ec_share_start(blocks, core, cores);
    uint32_t across = start / down;
    __asm__("" : "+r"(across)); /* the remainder takes no second division */
    const ec_share_of_blocks share = {4 * (start - across * down), 4 * across,
                                      ec_share_start(blocks, core + 1, cores) - start};
    return share;
}

/* Number of blocks from the next one on that make a strip; 0: it is an edge block. */
EC_INLINE uint32_t ec_strip_blocks(const ec_product *p, const ec_share_of_blocks *share)
{
    const uint32_t whole = (p->rows - share->row) >> 2;
    const int at_edge = whole == 0 || share->column + 4 > p->columns;
    if (p->depth < 8 || (p->depth & 3) || (at_edge && p->added == p->y)) {
        return 0;
    }
    return whole == 0 ? 1 : whole < share->blocks ? whole : share->blocks;
}

/* How many strips of all rows follow each other from the next block on; at least 1. */
EC_INLINE uint32_t ec_strip_times(const ec_product *p, const ec_share_of_blocks *share,
                                  uint32_t blocks)
{
    if (4 * blocks != p->rows || share->blocks < 2 * blocks) {
        return 1;
    }
    const uint32_t times = share->blocks / blocks;
    const uint32_t whole = (p->columns - share->column) >> 2;
    return whole == 0 ? 1 : times < whole ? times : whole;
}

/*
 * How the end of a block rescales: not, each column with its own multiplier and bias, all alike, or
 * all alike after terms are added. EC_TERMS: `multiplier` has the multiplier, the bias and
 * pre_shift, `bias` terms of the columns, `added` those of the rows; a strip's scale begins with
 * those of the four columns.
 */
enum { EC_UNSCALED, EC_BY_COLUMN, EC_ALL_ALIKE, EC_TERMS };

/* What does not differ from strip to strip. */
EC_INLINE void ec_strip_prepare(ec_strip *strip, const ec_product *p, int closed, int rescaled,
                                int added)
{
    const uint32_t words = p->depth >> 2;
    strip->words = words - (closed ? 2 : 1);
    strip->a_next = (int32_t)((closed ? 4 : 3) * p->a_stride - 4 * words);
    strip->b_next = 4 * p->b_stride;
    strip->y_back = p->y_back;
    strip->y_next = 4 * p->y_column;
    strip->added = p->added;
    if (rescaled != EC_UNSCALED) {
        strip->shift = p->shift;
    }
    if (rescaled == EC_ALL_ALIKE) {
        strip->scale[0] = *p->multiplier;
        strip->scale[1] = *p->bias;
    }
    if (rescaled == EC_TERMS) {
        strip->scale[4] = p->multiplier[0];
        strip->scale[5] = p->multiplier[1];
        strip->scale[6] = p->multiplier[2];
    }
    if (rescaled != EC_BY_COLUMN) {
        strip->y_step = p->y_step;
    }
    if (added) {
        strip->added_step = p->added_step;
        strip->added_back = p->added_back;
        strip->added_next = 4 * p->added_column;
    }
}

/* A strip of `blocks` blocks, `times` times. */
EC_INLINE void ec_strip_start(ec_strip *strip, const ec_product *p, uint32_t row, uint32_t column,
                              uint32_t blocks, uint32_t times, int rescaled, int added)
{
    const uint32_t r = ec_block_at(row, p->rows);
    const uint32_t c = ec_block_at(column, p->columns);
    strip->times = times;
    strip->a = p->a + (size_t)r * p->a_stride;
    strip->b = p->b + (size_t)c * p->b_stride;
    strip->a_end = strip->a + (size_t)(4 * blocks) * p->a_stride;
    strip->y = (uint8_t *)p->y + (size_t)r * p->y_row + (size_t)c * p->y_column;
    strip->y_first = strip->y;
    if (added) {
        strip->added = (const uint8_t *)p->added + (size_t)r * p->added_row +
                       (size_t)c * p->added_column;
        strip->added_first = strip->added;
    }
    if (rescaled == EC_BY_COLUMN) {
        const int32_t *multiplier = p->multiplier + c;
        const int32_t *bias = p->bias + c;
        strip->scale[0] = multiplier[0];
        strip->scale[1] = bias[0];
        strip->scale[2] = multiplier[1];
        strip->scale[3] = bias[1];
        strip->scale[4] = multiplier[2];
        strip->scale[5] = bias[2];
        strip->scale[6] = multiplier[3];
        strip->scale[7] = bias[3];
        strip->multiplier = multiplier + 4;
        strip->bias = bias + 4;
    }
    if (rescaled == EC_TERMS) {
        const int32_t *terms = p->bias + c;
        strip->scale[0] = terms[0];
        strip->scale[1] = terms[1];
        strip->scale[2] = terms[2];
        strip->scale[3] = terms[3];
        strip->bias = terms + 4;
    }
}

/* Defines the ec_product_function `name`; rescaled and added_ say what finish and advance read. */
#define EC_PRODUCT(name, block, closed, finish, advance, rescaled, added_)                      \
    static __attribute__((noinline)) void name(const ec_product *p, uint32_t core,              \
                                               uint32_t cores)                                  \
    {                                                                                           \
        if (p->rows < 4 || p->columns < 4 || p->depth < 4) {                                    \
            ec_product_small(p, core, cores);                                                   \
            return;                                                                             \
        }                                                                                       \
        ec_share_of_blocks share = ec_product_share(p, core, cores);                            \
        ec_strip strip;                                                                         \
        ec_strip_prepare(&strip, p, closed, rescaled, added_);                                  \
        while (share.blocks > 0) {                                                              \
            uint32_t blocks = ec_strip_blocks(p, &share);                                       \
            uint32_t times = 1;                                                                 \
            if (blocks == 0) {                                                                  \
                blocks = 1;                                                                     \
                ec_edge_block(p, share.row, share.column);                                      \
            } else {                                                                            \
                times = ec_strip_times(p, &share, blocks);                                      \
                ec_strip_start(&strip, p, share.row, share.column, blocks, times, rescaled,     \
                               added_);                                                         \
                EC_STRIP_RUN(strip, p, block, finish, advance);                                 \
            }                                                                                   \
            share.blocks -= blocks * times;                                                     \
            share.row += 4 * blocks;                                                            \
            if (share.row >= p->rows) {                                                         \
                share.row = 0;                                                                  \
                share.column += 4 * times;                                                      \
            }                                                                                   \
        }                                                                                       \
    }

/* Rescaled sums of signed operands; sums and sums on top of others with the dot products given. */
#define EC_PRODUCT_RESCALED(name, finish)                                                       \
    EC_PRODUCT(name, EC_ASM_SHORT_BLOCK(EC_ASM_DOTSP_B, EC_ASM_SDOTSP_B), 0, finish,            \
               EC_ASM_ADVANCE_SCALE, EC_BY_COLUMN, 0)
#define EC_PRODUCT_ALL_ALIKE(name, finish)                                                      \
    EC_PRODUCT(name, EC_ASM_SHORT_BLOCK(EC_ASM_DOTSP_B, EC_ASM_SDOTSP_B), 0, finish, "",        \
               EC_ALL_ALIKE, 0)
#define EC_PRODUCT_RESIDUAL(name)                                                               \
    EC_PRODUCT(name, EC_ASM_SHORT_BLOCK(EC_ASM_DOTSP_B, EC_ASM_SDOTSP_B), 0,                    \
               EC_ASM_FINISH_RESIDUAL, EC_ASM_ADVANCE_SCALE EC_ASM_ADVANCE_ADDED,               \
               EC_BY_COLUMN, 1)
#define EC_PRODUCT_TERMS(name, row)                                                             \
    EC_PRODUCT(name, EC_ASM_SHORT_BLOCK(EC_ASM_DOTSP_B, EC_ASM_SDOTSP_B), 0,                    \
               EC_ASM_FINISH_TERMS(row), EC_ASM_ADVANCE_TERMS EC_ASM_ADVANCE_ADDED, EC_TERMS, 1)
#define EC_PRODUCT_SUMS(name, first, dot)                                                       \
    EC_PRODUCT(name, EC_ASM_CLOSED_BLOCK(first, dot), 1, EC_ASM_FINISH_SUMS, "",           \
               EC_UNSCALED, 0)
#define EC_PRODUCT_ADDED(name, first, dot)                                                      \
    EC_PRODUCT(name, EC_ASM_CLOSED_BLOCK(first, dot), 1, EC_ASM_FINISH_ADDED,                   \
               EC_ASM_ADVANCE_ADDED, EC_UNSCALED, 1)

#endif
