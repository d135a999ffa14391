/*
 * Convolution of one channel each, from planes: edgecomp/ops/q_conv.py.
 *
 * Eight outputs of a line at a time: two words of x by four of weights. Where lines are shorter
 * than four outputs, four lines at a time share the weights.
 */
#include "ec_xpulp.h"

typedef enum { TO_I8, TO_U8, TO_I16, TO_TABLE } end_kind;

/*
 * What is added up for an output: words `word_step` apart; `next`: from the end of a row of taps to
 * the next one.
 */
typedef struct {
    uint32_t rows, words, word_step;
    int32_t next;
} window;

/* Rows of a single word are taken for one row of all words. */
EC_INLINE window window_of(const ec_depthwise_args *a)
{
    const uint32_t row = a->dilation_h * a->x_row_stride;
    if (a->words == 1) {
        return (window){1, a->kernel_h, row, 0};
    }
    return (window){a->kernel_h, a->words, 4, (int32_t)(row - 4 * a->words)};
}

/* What becomes of the sums. */
typedef struct {
    int32_t multiplier, bias;
    uint32_t shift;
    const int8_t *middle; /* of the table */
    uint32_t y_step; /* bytes */
} ending;

/* sums[i] and sums[4 + i]: the products of x and of x + step with the weights of output i */
EC_INLINE void eight_sums(const window *at, const int8_t *x, uint32_t step, const int8_t *w,
                          int32_t *sums)
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    uint32_t rows = at->rows;
    __asm__ volatile(EC_ASM_BEGIN
                     "60:\n" EC_ASM_LOOP("x0", "%[words]", 14)
                     EC_ASM_LW_R("t4", "%[step]", "%[x]") EC_ASM_LW("t0", "4", "%[w]")
                     EC_ASM_LW("t1", "4", "%[w]")
                     EC_ASM_SDOTSP_B("%[s0]", "t4", "t0") EC_ASM_LW_R("t5", "%[back]", "%[x]")
                     EC_ASM_SDOTSP_B("%[s1]", "t4", "t1") EC_ASM_LW("t2", "4", "%[w]")
                     EC_ASM_SDOTSP_B("%[s4]", "t5", "t0") EC_ASM_LW("t3", "4", "%[w]")
                     EC_ASM_SDOTSP_B("%[s2]", "t4", "t2") EC_ASM_SDOTSP_B("%[s5]", "t5", "t1")
                     EC_ASM_SDOTSP_B("%[s3]", "t4", "t3") EC_ASM_SDOTSP_B("%[s6]", "t5", "t2")
                     EC_ASM_LAST EC_ASM_SDOTSP_B("%[s7]", "t5", "t3")
                     "addi %[rows],%[rows],-1\n add %[x],%[x],%[next]\n bnez %[rows],60b\n"
                     EC_ASM_END
                     : [x] "+&r"(x), [w] "+&r"(w), [rows] "+&r"(rows), [s0] "+&r"(s0),
                       [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3), [s4] "+&r"(s4),
                       [s5] "+&r"(s5), [s6] "+&r"(s6), [s7] "+&r"(s7)
                     : [words] "r"(at->words), [step] "r"(step), [back] "r"(at->word_step - step),
                       [next] "r"(at->next)
                     : "memory", "t0", "t1", "t2", "t3", "t4", "t5");
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    sums[4] = s4;
    sums[5] = s5;
    sums[6] = s6;
    sums[7] = s7;
}

/* sums[i] = the products of x + i * step with the weights of one output of a line */
EC_INLINE void four_sums(const window *at, const int8_t *x, uint32_t step, const int8_t *w,
                         int32_t *sums)
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    uint32_t rows = at->rows;
    __asm__ volatile(EC_ASM_BEGIN
                     "60:\n" EC_ASM_LOOP("x0", "%[words]", 9)
                     EC_ASM_LW("t0", "16", "%[w]")
                     EC_ASM_LW_R("t1", "%[step]", "%[x]") EC_ASM_LW_R("t2", "%[step]", "%[x]")
                     EC_ASM_SDOTSP_B("%[s0]", "t1", "t0") EC_ASM_LW_R("t3", "%[step]", "%[x]")
                     EC_ASM_SDOTSP_B("%[s1]", "t2", "t0") EC_ASM_LW_R("t4", "%[back]", "%[x]")
                     EC_ASM_SDOTSP_B("%[s2]", "t3", "t0")
                     EC_ASM_LAST EC_ASM_SDOTSP_B("%[s3]", "t4", "t0")
                     "addi %[rows],%[rows],-1\n add %[x],%[x],%[next]\n bnez %[rows],60b\n"
                     EC_ASM_END
                     : [x] "+&r"(x), [w] "+&r"(w), [rows] "+&r"(rows), [s0] "+&r"(s0),
                       [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3)
                     : [words] "r"(at->words), [step] "r"(step), [back] "r"(at->word_step - 3 * step),
                       [next] "r"(at->next)
                     : "memory", "t0", "t1", "t2", "t3", "t4");
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* The output of `sum` at y; the next one's place. */
EC_INLINE uint8_t *finish(const ending *e, uint8_t *y, int32_t sum, end_kind end)
{
    int32_t value = ec_rescale(sum, e->multiplier, e->bias, e->shift);
    if (end == TO_I16) {
        value = ec_clip_i16(value);
        __asm__ volatile(EC_ASM_SH_R("%[value]", "%[step]", "%[y]")
                         : [y] "+r"(y) : [value] "r"(value), [step] "r"(e->y_step) : "memory");
        return y;
    }
    value = end == TO_U8 ? ec_clip_u8(value) : ec_clip_i8(value);
    if (end == TO_TABLE) {
        value = ec_lookup_i8(e->middle, value);
    }
    __asm__ volatile(EC_ASM_SB_R("%[value]", "%[step]", "%[y]")
                     : [y] "+r"(y) : [value] "r"(value), [step] "r"(e->y_step) : "memory");
    return y;
}

/* This core's share of the lines of all channels, in parts of eight outputs. */
EC_INLINE void across(const ec_depthwise_args *a, uint32_t core, uint32_t cores, end_kind end)
{
    const uint32_t bytes = end == TO_I16 ? 2 : 1;
    const uint32_t parts = (a->out_width + 7) >> 3;
    const uint32_t total = a->out_channels * a->out_height * parts;
    const uint32_t start = ec_share_start(total, core, cores);
    uint32_t share = ec_share_start(total, core + 1, cores) - start;
    if (share == 0) {
        return;
    }
    const window at = window_of(a);
    ending e = {0, 0, a->shift, end == TO_TABLE ? a->table + 128 : NULL, bytes * a->y_pixel_stride};
    const uint32_t step = 4 * a->stride_w;
    uint32_t first = start / parts;
    uint32_t o = first / a->out_height, oy = first - o * a->out_height;
    first = 8 * (start - first * parts);
    while (share > 0) {
        const size_t y_line = (size_t)oy * a->y_row_stride + (size_t)first * a->y_pixel_stride + o;
        const uint32_t channel = a->multiple == 1 ? o : o / a->multiple;
        const int8_t *x = a->x + (size_t)channel * a->x_plane_stride +
                          (size_t)(oy * a->stride_h) * a->x_row_stride + first * a->stride_w;
        const int8_t *w = a->w + (size_t)(o * a->kernel_h) * a->words * 16;
        uint8_t *y = (uint8_t *)a->y + bytes * y_line;
        e.multiplier = a->multiplier[o];
        e.bias = a->bias[o];
        int32_t left = (int32_t)(a->out_width - first);
        do {
            int32_t sums[8];
            eight_sums(&at, x, left > 4 ? step : 0, w, sums);
            x += 2 * step;
            y = finish(&e, y, sums[0], end);
            if (left < 8) {
                y = left > 1 ? finish(&e, y, sums[1], end) : y;
                y = left > 2 ? finish(&e, y, sums[2], end) : y;
                y = left > 3 ? finish(&e, y, sums[3], end) : y;
                y = left > 4 ? finish(&e, y, sums[4], end) : y;
                y = left > 5 ? finish(&e, y, sums[5], end) : y;
                y = left > 6 ? finish(&e, y, sums[6], end) : y;
            } else {
                y = finish(&e, y, sums[1], end);
                y = finish(&e, y, sums[2], end);
                y = finish(&e, y, sums[3], end);
                y = finish(&e, y, sums[4], end);
                y = finish(&e, y, sums[5], end);
                y = finish(&e, y, sums[6], end);
                y = finish(&e, y, sums[7], end);
            }
            left -= 8;
            --share;
        } while (left > 0 && share > 0);
        first = 0;
        if (++oy == a->out_height) {
            oy = 0;
            ++o;
        }
    }
}

/* The same where lines are short: four outputs below each other, less one by one. */
static __attribute__((noinline)) void down(const ec_depthwise_args *a, uint32_t core,
                                           uint32_t cores)
{
    const uint32_t row = a->stride_h * a->x_row_stride;
    const uint32_t parts = (a->out_height + 3) >> 2;
    const uint32_t total = a->out_channels * a->out_width * parts;
    const uint32_t stop = ec_share_start(total, core + 1, cores);
    const window at = window_of(a);
    for (uint32_t part = ec_share_start(total, core, cores); part < stop; ++part) {
        const uint32_t line = part / parts;
        const uint32_t oy = 4 * (part - line * parts);
        const uint32_t o = line / a->out_width;
        const uint32_t ox = line - o * a->out_width;
        const uint32_t channel = a->multiple == 1 ? o : o / a->multiple;
        const int8_t *x = a->x + (size_t)channel * a->x_plane_stride + (size_t)oy * row;
        const int8_t *w = a->w + ((size_t)(o * a->kernel_h) * a->words * 4 + ox) * 4;
        const uint32_t left = a->out_height - oy;
        size_t y = (size_t)oy * a->y_row_stride + (size_t)ox * a->y_pixel_stride + o;
        int32_t sums[4];
        if (left >= 4) {
            four_sums(&at, x, row, w, sums);
        }
        for (uint32_t i = 0; i < 4 && i < left; ++i, y += a->y_row_stride) {
            int32_t alone[4];
            if (left < 4) {
                four_sums(&at, x + (size_t)i * row, 0, w, alone);
            }
            const int32_t sum = left < 4 ? alone[0] : sums[i];
            ec_finish(a->y, y, a->y_type, ec_rescale(sum, a->multiplier[o], a->bias[o], a->shift),
                      a->table, NULL);
        }
    }
}

#define FUNCTION(name, end)                                                                     \
    static __attribute__((noinline)) void name(const ec_depthwise_args *a, uint32_t core,       \
                                               uint32_t cores)                                  \
    {                                                                                           \
        across(a, core, cores, end);                                                            \
    }

FUNCTION(to_i8, TO_I8)
FUNCTION(to_u8, TO_U8)
FUNCTION(to_i16, TO_I16)
FUNCTION(to_table, TO_TABLE)

void ec_depthwise(const ec_depthwise_args *args, uint32_t core, uint32_t cores)
{
    const ec_depthwise_args a = *args;
    if (a.out_width < 4 && a.out_height > a.out_width) {
        down(&a, core, cores);
    } else if (a.table != NULL) {
        to_table(&a, core, cores);
    } else if (a.y_type == EC_I8) {
        to_i8(&a, core, cores);
    } else if (a.y_type == EC_U8) {
        to_u8(&a, core, cores);
    } else {
        to_i16(&a, core, cores);
    }
}
