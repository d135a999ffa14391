/*
 * Layer normalisation; the steps and their names are those of edgecomp/ops/q_layer_norm.py.
 *
 * Rows of typical size and range take two elements at a time: their c fit 16 bits, so that the lower
 * half of a difference is the difference. What does not fit goes one by one.
 */
#include "ec_xpulp.h"

enum { MAX_SHIFT = 30 };

/* c = ((x - mean) * (1 << left) - fraction) >> right */
typedef struct {
    int32_t mean, fraction, exponent;
    uint32_t left, right;
} centring;

/* n = (c * factor + (1 << shift >> 1)) >> shift */
typedef struct {
    uint32_t factor, shift;
} scaling;

/* What is the same for all rows. */
typedef struct {
    uint32_t reciprocal; /* floor((2**32 - 1) / columns) */
    uint32_t square_shift;
    uint64_t epsilon; /* epsilon_q8 * columns */
} row_constants;

EC_INLINE uint32_t bit_length(uint32_t value)
{
    return value == 0 ? 0 : ec_highest_bit(value) + 1;
}

/*
 * The integer nearest to sqrt(value), 2**30 <= value < 2**32: a line through the curve, two steps of
 * Newton's method, and a correction by one. Differences of squares are small: they may wrap.
 */
EC_INLINE uint32_t rounded_sqrt(uint32_t value)
{
    uint32_t root = (((value >> 15) * 21846) >> 16) + 23210;
    root = (root + value / root) >> 1;
    root = (root + value / root) >> 1;
    int32_t rest = (int32_t)(value - root * root);
    while (rest > (int32_t)root) {
        rest -= (int32_t)(2 * root + 1);
        ++root;
    }
    while (rest <= -(int32_t)root) {
        rest += (int32_t)(2 * root - 1);
        --root;
    }
    return root;
}

/* value / columns and the remainder, without a division. */
EC_INLINE uint32_t divide(const row_constants *k, uint32_t columns, uint32_t value, uint32_t *rest)
{
    uint32_t quotient = (uint32_t)(((uint64_t)value * k->reciprocal) >> 32);
    uint32_t left = value - quotient * columns;
    while (left >= columns) {
        left -= columns;
        ++quotient;
    }
    *rest = left;
    return quotient;
}

EC_INLINE int32_t load(const void *x, size_t index, ec_type type)
{
    return type == EC_I8 ? ((const int8_t *)x)[index] : ((const int16_t *)x)[index];
}

/* Elements index and index + 1 as halves of a word. */
EC_INLINE uint32_t load_pair(const void *x, size_t index, ec_type type)
{
    if (type == EC_I8) {
        const int8_t *at = (const int8_t *)x + index;
        return ec_pack_h((uint32_t)(int32_t)at[1], (uint32_t)(int32_t)at[0]);
    }
    return *(const ec_word *)((const int16_t *)x + index);
}

/* The last element of a row of odd length, twice. */
EC_INLINE uint32_t load_last(const void *x, size_t index, ec_type type)
{
    const uint32_t value = (uint32_t)load(x, index, type);
    return ec_pack_h(value, value);
}

EC_INLINE centring centre_of(const ec_layer_norm_args *a, const row_constants *k, int32_t sum,
                          int32_t low, int32_t high)
{
    uint32_t rest;
    /* A sum of int16 plus 2**15 each is not negative. */
    const uint32_t lifted = (uint32_t)sum + (a->columns << (a->x_type == EC_I8 ? 7 : 15));
    const uint32_t quotient = divide(k, a->columns, lifted, &rest);
    int32_t mean = (int32_t)(quotient - (1u << (a->x_type == EC_I8 ? 7 : 15)));
    if (a->rms) {
        mean = a->x_zero;
        rest = 0;
    }
    const int32_t largest = high - mean > mean - low ? high - mean : mean - low;
    centring result = {mean, 0, 15 - (int32_t)bit_length((uint32_t)largest), 0, 0};
    if (result.exponent < 0) {
        result.right = 1;
    } else {
        result.left = (uint32_t)result.exponent;
        const uint32_t scaled = (rest << result.left) + a->columns / 2;
        result.fraction = (int32_t)divide(k, a->columns, scaled, &rest);
    }
    return result;
}

EC_INLINE centring centre(const ec_layer_norm_args *a, const row_constants *k, size_t x,
                          ec_type type)
{
    const uint32_t ones = 0x00010001;
    const uint32_t columns = a->columns;
    uint32_t last = load_last(a->x, x + columns - 1, type);
    uint32_t low = last, high = last, sum = 0;
    const uint32_t quads = columns >> 2;
    if (type == EC_I16 && quads > 0) {
        const int16_t *from = (const int16_t *)a->x + x;
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 8)
                         EC_ASM_LW("t0", "4", "%[x]")
                         EC_ASM_LW("t1", "4", "%[x]")
                         EC_ASM_SDOTSP_H("%[sum]", "t0", "%[ones]")
                         EC_ASM_MIN_H("%[low]", "%[low]", "t0")
                         EC_ASM_MAX_H("%[high]", "%[high]", "t0")
                         EC_ASM_SDOTSP_H("%[sum]", "t1", "%[ones]")
                         EC_ASM_MIN_H("%[low]", "%[low]", "t1")
                         EC_ASM_LAST EC_ASM_MAX_H("%[high]", "%[high]", "t1")
                         EC_ASM_END
                         : [x] "+&r"(from), [sum] "+&r"(sum), [low] "+&r"(low), [high] "+&r"(high)
                         : [n] "r"(quads), [ones] "r"(ones)
                         : "memory", "t0", "t1");
        x += 4 * quads;
    } else {
        for (uint32_t c = quads; c > 0; --c, x += 4) {
            const uint32_t first = load_pair(a->x, x, type);
            const uint32_t second = load_pair(a->x, x + 2, type);
            sum = ec_sdotsp_h(ec_sdotsp_h(sum, first, ones), second, ones);
            low = ec_min_h(ec_min_h(low, first), second);
            high = ec_max_h(ec_max_h(high, first), second);
        }
    }
    for (uint32_t c = columns & 3; c > 0; --c, ++x) {
        last = load_last(a->x, x, type);
        sum = ec_sdotsp_h(sum, last, 1);
        low = ec_min_h(low, last);
        high = ec_max_h(high, last);
    }
    const int32_t low0 = (int16_t)low, low1 = (int32_t)low >> 16;
    const int32_t high0 = (int16_t)high, high1 = (int32_t)high >> 16;
    return centre_of(a, k, (int32_t)sum, low0 < low1 ? low0 : low1, high0 > high1 ? high0 : high1);
}

EC_INLINE int32_t centred(const ec_layer_norm_args *a, const centring *by, size_t index)
{
    const int32_t difference = load(a->x, index, a->x_type) - by->mean;
    return (difference * (1 << by->left) - by->fraction) >> by->right;
}

/* c of two elements where right is 0: x * 2**left - offset, offset twice the same half. */
EC_INLINE uint32_t centred_pair(uint32_t pair, uint32_t left, uint32_t offset)
{
    return ec_sub_h(ec_sll_sc_h(pair, left), offset);
}

EC_INLINE uint32_t centring_offset(const centring *by)
{
    const uint32_t offset = ((uint32_t)by->mean << by->left) + (uint32_t)by->fraction;
    return ec_pack_h(offset, offset);
}

static __attribute__((noinline)) uint32_t sum_of_squares(const ec_layer_norm_args *a, const centring *by, size_t x,
                               uint32_t square_shift, uint32_t count)
{
    const int32_t half = (1 << square_shift) >> 1;
    uint32_t sum = 0;
    for (uint32_t c = 0; c < count; ++c) {
        const int32_t value = (centred(a, by, x + c) + half) >> square_shift;
        sum += (uint32_t)(value * value);
    }
    return sum;
}

/* (c + half) >> g is ((c >> (g - 1)) + 1) >> 1, which needs no 17th bit for g >= 2. */
EC_INLINE uint32_t squares_of_pairs(const ec_layer_norm_args *a, const centring *by, size_t x,
                                    uint32_t square_shift, ec_type type)
{
    const uint32_t ones = 0x00010001;
    const uint32_t left = by->left, right = square_shift - 1;
    const uint32_t offset = centring_offset(by);
    uint32_t sum = 0;
    const uint32_t quads = a->columns >> 2;
    if (type == EC_I16) {
        const int16_t *from = (const int16_t *)a->x + x;
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 12)
                         EC_ASM_LW("t0", "4", "%[x]")
                         EC_ASM_LW("t1", "4", "%[x]")
                         EC_ASM_SLL_SC_H("t0", "t0", "%[left]")
                         EC_ASM_SLL_SC_H("t1", "t1", "%[left]")
                         EC_ASM_SUB_H("t0", "t0", "%[offset]")
                         EC_ASM_SUB_H("t1", "t1", "%[offset]")
                         EC_ASM_SRA_SC_H("t0", "t0", "%[right]")
                         EC_ASM_SRA_SC_H("t1", "t1", "%[right]")
                         EC_ASM_AVG_H("t0", "t0", "%[ones]")
                         EC_ASM_AVG_H("t1", "t1", "%[ones]")
                         EC_ASM_SDOTSP_H("%[sum]", "t0", "t0")
                         EC_ASM_LAST EC_ASM_SDOTSP_H("%[sum]", "t1", "t1")
                         EC_ASM_END
                         : [x] "+&r"(from), [sum] "+&r"(sum)
                         : [n] "r"(quads), [ones] "r"(ones), [left] "r"(left),
                           [offset] "r"(offset), [right] "r"(right)
                         : "memory", "t0", "t1");
        x += 4 * quads;
    } else {
        for (uint32_t c = quads; c > 0; --c, x += 4) {
            uint32_t first = centred_pair(load_pair(a->x, x, type), left, offset);
            uint32_t second = centred_pair(load_pair(a->x, x + 2, type), left, offset);
            first = ec_avg_h(ec_sra_sc_h(first, right), ones);
            second = ec_avg_h(ec_sra_sc_h(second, right), ones);
            sum = ec_sdotsp_h(sum, first, first);
            sum = ec_sdotsp_h(sum, second, second);
        }
    }
    return a->columns & 3 ? sum + sum_of_squares(a, by, x, square_shift, a->columns & 3) : sum;
}

static __attribute__((noinline)) uint64_t epsilon(const row_constants *k, int32_t amount)
{
    const uint64_t limit = (uint64_t)1 << 62;
    if (amount < 0 && k->epsilon >> 32 == 0) {
        return (uint32_t)k->epsilon >> -amount;
    }
    if (amount < 0) {
        return k->epsilon >> -amount;
    }
    return k->epsilon > limit >> amount ? limit : k->epsilon << amount;
}

static uint32_t square_shift_of(uint32_t width)
{
    uint32_t shift = 0;
    while (((uint64_t)width << (2 * (15 - shift))) >> 32) {
        ++shift;
    }
    return shift;
}

EC_INLINE scaling scale(const ec_layer_norm_args *a, const row_constants *constants,
                     const centring *by, uint32_t squares)
{
    const uint32_t g = constants->square_shift;
    const uint64_t t = squares + epsilon(constants, 2 * (by->exponent - (int32_t)g) - 8);
    const uint32_t upper = (uint32_t)(t >> 32);
    int32_t h;
    uint32_t scaled; /* in [2**30, 2**32) */
    if (upper == 0) {
        h = ((int32_t)bit_length((uint32_t)t) - 31) >> 1;
        scaled = (uint32_t)t << (-2 * h);
    } else {
        h = ((int32_t)bit_length(upper) + 1) >> 1;
        scaled = (uint32_t)(t >> (2 * h));
    }
    const uint32_t s = rounded_sqrt(scaled);
    uint32_t r = (a->multiplier + (s >> 1)) / s;
    int32_t k = (int32_t)(a->shift + g) + h;
    if (k > MAX_SHIFT) {
        r >>= k - MAX_SHIFT < 31 ? k - MAX_SHIFT : 31;
        k = MAX_SHIFT;
    }
    const scaling result = {r, (uint32_t)k};
    return result;
}

static __attribute__((noinline)) void normalize_one(const ec_layer_norm_args *a, uint32_t column, size_t y, int32_t c,
                          const scaling *to)
{
    int32_t n = (c * (int32_t)to->factor + ((1 << to->shift) >> 1)) >> to->shift;
    if (a->gain == NULL) {
        n += a->zero;
    } else {
        n = ec_rescale(ec_clip_i16(n), a->gain[column], a->offset[column], a->gain_shift);
    }
    ec_store(a->y, y + column, a->y_type, n);
}

/* n of both halves of c; factors are {r, 0} and {0, r}. */
EC_INLINE int32_t normalized(uint32_t pair, uint32_t factors, uint32_t zero, uint32_t shift)
{
    return (int32_t)ec_add_round(ec_dotsp_h(pair, factors), zero, shift);
}

/* Two elements from `column` on. */
EC_INLINE void finish_pair(const ec_layer_norm_args *a, uint32_t column, int32_t *n, int affine)
{
    if (affine) {
        n[0] = ec_rescale(ec_clip_i16(n[0]), a->gain[column], a->offset[column], a->gain_shift);
        n[1] = ec_rescale(ec_clip_i16(n[1]), a->gain[column + 1], a->offset[column + 1],
                          a->gain_shift);
    }
}

EC_INLINE void normalize_pairs(const ec_layer_norm_args *a, const centring *by, const scaling *to,
                               size_t x, size_t y, ec_type x_type, ec_type y_type, int affine)
{
    const uint32_t left = by->left, shift = to->shift;
    const uint32_t offset = centring_offset(by);
    const uint32_t low = to->factor, high = to->factor << 16;
    const uint32_t zero = affine ? 0 : (uint32_t)a->zero << shift;
    const uint32_t end = a->columns & ~3u;
    const void *from = x_type == EC_I8 ? (const void *)((const int8_t *)a->x + x)
                                       : (const void *)((const int16_t *)a->x + x);
    for (uint32_t c = 0; c < end; c += 4) {
        const uint32_t first = centred_pair(load_pair(from, c, x_type), left, offset);
        const uint32_t second = centred_pair(load_pair(from, c + 2, x_type), left, offset);
        int32_t n[4] = {normalized(first, low, zero, shift), normalized(first, high, zero, shift),
                        normalized(second, low, zero, shift),
                        normalized(second, high, zero, shift)};
        finish_pair(a, c, n, affine);
        finish_pair(a, c + 2, n + 2, affine);
        if (y_type == EC_I8) {
            *(ec_word *)((int8_t *)a->y + y + c) =
                ec_bytes((uint32_t)ec_clip_i8(n[0]), (uint32_t)ec_clip_i8(n[1]),
                         (uint32_t)ec_clip_i8(n[2]), (uint32_t)ec_clip_i8(n[3]));
        } else {
            ec_store(a->y, y + c, y_type, n[0]);
            ec_store(a->y, y + c + 1, y_type, n[1]);
            ec_store(a->y, y + c + 2, y_type, n[2]);
            ec_store(a->y, y + c + 3, y_type, n[3]);
        }
    }
    for (uint32_t c = end; c < a->columns; ++c) {
        normalize_one(a, c, y, centred(a, by, x + c), to);
    }
}

/* normalize_pairs from i16 to i8 without gain. */
static void normalize_i8(const ec_layer_norm_args *a, const centring *by, const scaling *to,
                         size_t x, size_t y)
{
    const int16_t *from = (const int16_t *)a->x + x;
    int8_t *result = (int8_t *)a->y + y;
    __asm__ volatile(EC_ASM_BEGIN
                     EC_ASM_LOOP("x0", "%[n]", 21)
                     EC_ASM_LW("t0", "4", "%[x]")
                     EC_ASM_LW("t1", "4", "%[x]")
                     EC_ASM_SLL_SC_H("t0", "t0", "%[left]")
                     EC_ASM_SLL_SC_H("t1", "t1", "%[left]")
                     EC_ASM_SUB_H("t0", "t0", "%[offset]")
                     EC_ASM_SUB_H("t1", "t1", "%[offset]")
                     EC_ASM_DOTSP_H("t2", "t0", "%[low]")
                     EC_ASM_DOTSP_H("t3", "t0", "%[high]")
                     EC_ASM_DOTSP_H("t4", "t1", "%[low]")
                     EC_ASM_DOTSP_H("t5", "t1", "%[high]")
                     EC_ASM_ADD_ROUND("t2", "%[zero]", "%[shift]")
                     EC_ASM_ADD_ROUND("t3", "%[zero]", "%[shift]")
                     EC_ASM_ADD_ROUND("t4", "%[zero]", "%[shift]")
                     EC_ASM_ADD_ROUND("t5", "%[zero]", "%[shift]")
                     EC_ASM_CLIP_I8("t2") EC_ASM_CLIP_I8("t3") EC_ASM_CLIP_I8("t4")
                     EC_ASM_CLIP_I8("t5")
                     EC_ASM_PACKLO_B("t0", "t3", "t2")
                     EC_ASM_PACKHI_B("t0", "t5", "t4")
                     EC_ASM_LAST EC_ASM_SW("t0", "4", "%[y]")
                     EC_ASM_END
                     : [x] "+&r"(from), [y] "+&r"(result)
                     : [n] "r"(a->columns >> 2), [left] "r"(by->left),
                       [offset] "r"(centring_offset(by)), [low] "r"(to->factor),
                       [high] "r"(to->factor << 16), [zero] "r"((uint32_t)a->zero << to->shift),
                       [shift] "r"(to->shift)
                     : "memory", "t0", "t1", "t2", "t3", "t4", "t5");
    for (uint32_t c = a->columns & ~3u; c < a->columns; ++c) {
        normalize_one(a, c, y, centred(a, by, x + c), to);
    }
}

/* Factors fit 16 bits, and zero << shift leaves room for the product. */
static int fits_pairs(const ec_layer_norm_args *a, const scaling *to)
{
    const uint32_t magnitude = (uint32_t)(a->zero < 0 ? -a->zero : a->zero);
    const int zero_fits = a->gain != NULL || magnitude <= (1u << 29) >> to->shift;
    return to->factor <= INT16_MAX && to->shift > 0 && zero_fits;
}

/* Any row, with or without gain. */
static __attribute__((noinline)) void normalize_other(const ec_layer_norm_args *a,
                                                      const centring *by, const scaling *to,
                                                      size_t x, size_t y, int pairs)
{
    if (!pairs) {
        for (uint32_t c = 0; c < a->columns; ++c) {
            normalize_one(a, c, y, centred(a, by, x + c), to);
        }
    } else if (a->x_type == EC_I8) {
        normalize_pairs(a, by, to, x, y, EC_I8, a->y_type, a->gain != NULL);
    } else if (a->y_type == EC_I8) { /* with gain */
        normalize_pairs(a, by, to, x, y, EC_I16, EC_I8, 1);
    } else {
        normalize_pairs(a, by, to, x, y, EC_I16, a->y_type, a->gain != NULL);
    }
}

EC_INLINE void normalize_row(const ec_layer_norm_args *a, const row_constants *constants, size_t x,
                             size_t y, ec_type x_type)
{
    const centring by = centre(a, constants, x, x_type);
    int pairs = by.exponent >= 0 && constants->square_shift >= 2;
    scaling to = {0, 0};
    if (by.exponent < 15) { /* not all equal */
        const uint32_t g = constants->square_shift;
        const uint32_t squares = pairs ? squares_of_pairs(a, &by, x, g, x_type)
                                       : sum_of_squares(a, &by, x, g, a->columns);
        to = scale(a, constants, &by, squares);
    }
    pairs = pairs && fits_pairs(a, &to);
    if (pairs && x_type == EC_I16 && a->y_type == EC_I8 && a->gain == NULL) {
        normalize_i8(a, &by, &to, x, y);
    } else {
        normalize_other(a, &by, &to, x, y, pairs);
    }
}

#define EC_NORMALIZE_ROWS(name, type)                                                           \
    static __attribute__((noinline)) void name(const ec_layer_norm_args *a,                     \
                                               const row_constants *constants, uint32_t row,    \
                                               uint32_t end)                                    \
    {                                                                                           \
        for (uint32_t r = row; r < end; ++r) {                                                  \
            normalize_row(a, constants, (size_t)r * a->x_stride, (size_t)r * a->y_stride, type);\
        }                                                                                       \
    }

EC_NORMALIZE_ROWS(normalize_i8_rows, EC_I8)
EC_NORMALIZE_ROWS(normalize_i16_rows, EC_I16)

void ec_layer_norm(const ec_layer_norm_args *args, uint32_t core, uint32_t cores)
{
    const ec_layer_norm_args a = *args;
    const uint32_t end = ec_share_start(a.rows, core + 1, cores);
    const uint32_t r = ec_share_start(a.rows, core, cores);
    if (a.columns == 0 || r >= end) {
        return;
    }
    const row_constants constants = {UINT32_MAX / a.columns, square_shift_of(a.columns),
                                     (uint64_t)a.epsilon_q8 * a.columns};
    if (a.x_type == EC_I8) {
        normalize_i8_rows(&a, &constants, r, end);
    } else {
        normalize_i16_rows(&a, &constants, r, end);
    }
}
