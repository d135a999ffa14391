/*
 * Layer normalisation; the steps and their names are those of edgecomp/ops/q_layer_norm.py.
 *
 * Rows of typical size and range take two elements at a time: their c fit 16 bits, so that the lower
 * half of a difference is the difference. What does not fit goes one by one.
 */
#include "ec_xpulp.h"

enum { MAX_SHIFT = 30 };

/* What rows of typical size and range do lies in one run of code. */
#define EC_TYPICAL(condition) __builtin_expect(!!(condition), 1)

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
    uint32_t epsilon, epsilon_high; /* epsilon_q8 * columns */
} row_constants;

/*
 * The integer nearest to sqrt(value), 2**30 <= value < 2**32: a parabola along the curve that is off
 * by 0.5 %, a step of Newton's method that leaves less than 1, and a correction by that. Differences
 * of squares are small: they may wrap.
 */
EC_INLINE uint32_t rounded_sqrt(uint32_t value)
{
    const uint32_t high = value >> 16;
    uint32_t root = 16995 + ((high * (34469 - ((high * 10365) >> 16))) >> 15);
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
    while (!EC_TYPICAL(left < columns)) {
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

/* `low` and `high`: the extremes of the elements at even and at odd places. */
EC_INLINE centring centre_of(const ec_layer_norm_args *a, const row_constants *k, uint32_t sum,
                             uint32_t low, uint32_t high, ec_type type)
{
    const uint32_t lift = type == EC_I8 ? 7 : 15; /* a sum of elements and 2**lift each is >= 0 */
    uint32_t rest;
    int32_t mean = (int32_t)divide(k, a->columns, sum + (a->columns << lift), &rest) - (1 << lift);
    if (!EC_TYPICAL(!a->rms)) {
        mean = a->x_zero;
        rest = 0;
    }
    const uint32_t means = ec_pack_h((uint32_t)mean, (uint32_t)mean);
    uint32_t bits = ec_sub_h(ec_max_h(high, means), means) | ec_sub_h(means, ec_min_h(low, means));
    bits |= bits << 16; /* the upper half is as long as the largest distance */
    centring result = {mean, 0, 15, 0, 0};
    if (EC_TYPICAL(bits != 0)) {
        result.exponent = 30 - (int32_t)ec_highest_bit(bits);
    }
    if (!EC_TYPICAL(result.exponent >= 0)) {
        result.right = 1;
    } else {
        result.left = (uint32_t)result.exponent;
        const uint32_t scaled = (rest << result.left) + (a->columns >> 1);
        result.fraction = (int32_t)divide(k, a->columns, scaled, &rest);
    }
    return result;
}

/* The sum, the least and the largest of pairs: `columns` more elements. */
static __attribute__((noinline)) void extend(const ec_layer_norm_args *a, size_t x,
                                             uint32_t columns, uint32_t *by_now)
{
    uint32_t sum = by_now[0], low = by_now[1], high = by_now[2];
    for (; columns > 0; columns -= columns > 1 ? 2 : 1, x += 2) {
        const uint32_t first = (uint32_t)load(a->x, x, a->x_type);
        const uint32_t second = columns > 1 ? (uint32_t)load(a->x, x + 1, a->x_type) : first;
        const uint32_t pair = ec_pack_h(second, first);
        sum += columns > 1 ? first + second : first;
        low = ec_min_h(low, pair);
        high = ec_max_h(high, pair);
    }
    by_now[0] = sum;
    by_now[1] = low;
    by_now[2] = high;
}

EC_INLINE centring centre(const ec_layer_norm_args *args, const ec_layer_norm_args *a,
                          const row_constants *k, size_t x, ec_type type)
{
    uint32_t sum = 0, low = 0x7fff7fff, high = 0x80008000;
    if (type == EC_I16 && EC_TYPICAL(a->columns >= 4)) {
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
                         : [n] "r"(a->columns >> 2), [ones] "r"(0x00010001)
                         : "memory", "t0", "t1");
    }
    const uint32_t rest = type == EC_I16 ? a->columns & 3 : a->columns;
    if (!EC_TYPICAL(rest == 0)) {
        uint32_t by_now[3] = {sum, low, high};
        extend(args, x + a->columns - rest, rest, by_now);
        sum = by_now[0];
        low = by_now[1];
        high = by_now[2];
    }
    return centre_of(a, k, sum, low, high, type);
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

static __attribute__((noinline)) uint32_t sum_of_squares(const ec_layer_norm_args *a, centring by,
                                                         size_t x, uint32_t square_shift,
                                                         uint32_t count)
{
    const int32_t half = (1 << square_shift) >> 1;
    uint32_t sum = 0;
    for (uint32_t c = 0; c < count; ++c) {
        const int32_t value = (centred(a, &by, x + c) + half) >> square_shift;
        sum += (uint32_t)(value * value);
    }
    return sum;
}

/* (c + half) >> g is ((c >> (g - 1)) + 1) >> 1, which needs no 17th bit for g >= 2. */
static __attribute__((noinline)) uint32_t squares_of_i8(const ec_layer_norm_args *a, centring by,
                                                        size_t x, uint32_t square_shift)
{
    const uint32_t ones = 0x00010001;
    const uint32_t left = by.left, right = square_shift - 1;
    const uint32_t offset = centring_offset(&by);
    uint32_t sum = 0;
    for (uint32_t c = a->columns >> 2; c > 0; --c, x += 4) {
        uint32_t first = centred_pair(load_pair(a->x, x, EC_I8), left, offset);
        uint32_t second = centred_pair(load_pair(a->x, x + 2, EC_I8), left, offset);
        first = ec_avg_h(ec_sra_sc_h(first, right), ones);
        second = ec_avg_h(ec_sra_sc_h(second, right), ones);
        sum = ec_sdotsp_h(sum, first, first);
        sum = ec_sdotsp_h(sum, second, second);
    }
    return a->columns & 3 ? sum + sum_of_squares(a, by, x, square_shift, a->columns & 3) : sum;
}

/* The squares of 4 * n elements: each pair goes through `steps`, of `instructions` in all. */
#define EC_SQUARES(instructions, steps)                                                         \
    __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", instructions)                       \
                     EC_ASM_LW("t0", "4", "%[x]") EC_ASM_LW("t1", "4", "%[x]")                  \
                     steps EC_ASM_SDOTSP_H("%[sum]", "t0", "t0")                                \
                     EC_ASM_LAST EC_ASM_SDOTSP_H("%[sum]", "t1", "t1") EC_ASM_END               \
                     : [x] "+&r"(from), [sum] "+&r"(sum)                                        \
                     : [n] "r"(a->columns >> 2), [ones] "r"(0x00010001), [shift] "r"(shift),    \
                       [offset] "r"(ec_pack_h(offset, offset))                                  \
                     : "memory", "t0", "t1")

/*
 * (c + half) >> g without the detour over c: with c = (x << f) - o it is (x << (f - g)) - ((o - half)
 * >> g), or (x + ((half - o) >> f)) >> (g - f), where the sum fits 16 bits if f > 0.
 */
EC_INLINE uint32_t squares_of_i16(const ec_layer_norm_args *args, const ec_layer_norm_args *a,
                                  const centring *by, size_t x, uint32_t square_shift)
{
    const int16_t *from = (const int16_t *)a->x + x;
    const int32_t half = (1 << square_shift) >> 1;
    const uint32_t f = by->left;
    uint32_t sum = 0;
    if (f == 0) { /* as squares_of_i8 */
        const uint32_t offset = (uint32_t)(by->mean + by->fraction), shift = square_shift - 1;
        EC_SQUARES(10, EC_ASM_SUB_H("t0", "t0", "%[offset]") EC_ASM_SUB_H("t1", "t1", "%[offset]")
                           EC_ASM_SRA_SC_H("t0", "t0", "%[shift]")
                           EC_ASM_SRA_SC_H("t1", "t1", "%[shift]")
                           EC_ASM_AVG_H("t0", "t0", "%[ones]")
                           EC_ASM_AVG_H("t1", "t1", "%[ones]"));
    } else if (f < square_shift) {
        const uint32_t offset = (uint32_t)(((half - by->fraction) >> f) - by->mean);
        const uint32_t shift = square_shift - f;
        EC_SQUARES(8, EC_ASM_ADD_H("t0", "t0", "%[offset]") EC_ASM_ADD_H("t1", "t1", "%[offset]")
                          EC_ASM_SRA_SC_H("t0", "t0", "%[shift]")
                          EC_ASM_SRA_SC_H("t1", "t1", "%[shift]"));
    } else {
        const int32_t origin = (int32_t)((uint32_t)by->mean << f) + by->fraction;
        const uint32_t offset = (uint32_t)((half - origin) >> square_shift);
        const uint32_t shift = f - square_shift;
        EC_SQUARES(8, EC_ASM_SLL_SC_H("t0", "t0", "%[shift]")
                          EC_ASM_SLL_SC_H("t1", "t1", "%[shift]")
                          EC_ASM_ADD_H("t0", "t0", "%[offset]")
                          EC_ASM_ADD_H("t1", "t1", "%[offset]"));
    }
    const uint32_t rest = a->columns & 3;
    if (!EC_TYPICAL(rest == 0)) {
        sum += sum_of_squares(args, *by, x + a->columns - rest, square_shift, rest);
    }
    return sum;
}

/* min(epsilon << amount, 2**62) */
static __attribute__((noinline)) uint64_t epsilon(const row_constants *k, int32_t amount)
{
    const uint64_t limit = (uint64_t)1 << 62;
    const uint64_t value = (uint64_t)k->epsilon_high << 32 | k->epsilon;
    if (amount < 0) {
        return value >> -amount;
    }
    return value > limit >> amount ? limit : value << amount;
}

/* t >> 2 * h in [2**30, 2**32) and h, with t of any size. */
static __attribute__((noinline)) uint32_t scaled_square(const row_constants *k, uint32_t squares,
                                                        int32_t amount, int32_t *h)
{
    const uint64_t t = squares + epsilon(k, amount);
    const uint32_t upper = (uint32_t)(t >> 32);
    if (upper > 0) {
        *h = (int32_t)(ec_highest_bit(upper) >> 1) + 1;
        return (uint32_t)(t >> (2 * *h));
    }
    *h = ((int32_t)ec_highest_bit((uint32_t)t) - 30) >> 1;
    return (uint32_t)t << (-2 * *h);
}

EC_INLINE scaling scale(const ec_layer_norm_args *a, const row_constants *constants,
                        const centring *by, uint32_t squares)
{
    const uint32_t g = constants->square_shift;
    const int32_t amount = 2 * (by->exponent - (int32_t)g) - 8;
    uint32_t square = squares + (constants->epsilon >> (-amount & 31));
    int32_t h;
    if (EC_TYPICAL(constants->epsilon_high == 0 && amount <= 0 && square >= squares)) {
        h = ((int32_t)ec_highest_bit(square) - 30) >> 1;
        square <<= -2 * h;
    } else {
        square = scaled_square(constants, squares, amount, &h);
    }
    const uint32_t s = rounded_sqrt(square);
    uint32_t r = (a->multiplier + (s >> 1)) / s;
    int32_t k = (int32_t)(a->shift + g) + h;
    if (!EC_TYPICAL(k <= MAX_SHIFT)) {
        r >>= k - MAX_SHIFT < 31 ? k - MAX_SHIFT : 31;
        k = MAX_SHIFT;
    }
    const scaling result = {r, (uint32_t)k};
    return result;
}

static __attribute__((noinline)) void normalize_one(const ec_layer_norm_args *a, uint32_t column,
                                                    size_t y, int32_t c, scaling to)
{
    int32_t n = (c * (int32_t)to.factor + ((1 << to.shift) >> 1)) >> to.shift;
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
        normalize_one(a, c, y, centred(a, by, x + c), *to);
    }
}

/*
 * From i16 to i8 or u8 without gain (a->zero is 128 lower for u8), without the detour over c: with c = (x << f) - o, (c * r + d) >> k is
 * (x * r + ((d - o * r) >> f)) >> (k - f).
 */
EC_INLINE void normalize_i8(const ec_layer_norm_args *args, const ec_layer_norm_args *a,
                            const centring *by, const scaling *to, size_t x, size_t y)
{
    const int16_t *from = (const int16_t *)a->x + x;
    int8_t *result = (int8_t *)a->y + y;
    const int32_t factor = (int32_t)to->factor;
    const int32_t half = (1 << to->shift) >> 1;
    const int32_t zero = (int32_t)((uint32_t)a->zero << to->shift);
    const int32_t fraction = half + zero - by->fraction * factor;
    __asm__ volatile(EC_ASM_BEGIN
                     EC_ASM_LOOP("x0", "%[n]", 18)
                     EC_ASM_LW("t0", "4", "%[x]")
                     EC_ASM_LW("t1", "4", "%[x]")
                     EC_ASM_DOTSP_H("t2", "t0", "%[low]")
                     EC_ASM_DOTSP_H("t3", "t0", "%[high]")
                     EC_ASM_DOTSP_H("t4", "t1", "%[low]")
                     EC_ASM_DOTSP_H("t5", "t1", "%[high]")
                     EC_ASM_ADD_SHIFT("t2", "%[offset]", "%[shift]")
                     EC_ASM_ADD_SHIFT("t3", "%[offset]", "%[shift]")
                     EC_ASM_ADD_SHIFT("t4", "%[offset]", "%[shift]")
                     EC_ASM_ADD_SHIFT("t5", "%[offset]", "%[shift]")
                     EC_ASM_CLIP_I8("t2") EC_ASM_CLIP_I8("t3") EC_ASM_CLIP_I8("t4")
                     EC_ASM_CLIP_I8("t5")
                     EC_ASM_PACKLO_B("t0", "t3", "t2")
                     EC_ASM_PACKHI_B("t0", "t5", "t4")
                     "xor t0,t0,%[raise]\n"
                     EC_ASM_LAST EC_ASM_SW("t0", "4", "%[y]")
                     EC_ASM_END
                     : [x] "+&r"(from), [y] "+&r"(result)
                     : [raise] "r"(a->y_type == EC_U8 ? 0x80808080u : 0u),
                       [n] "r"(a->columns >> 2), [low] "r"(factor), [high] "r"(factor << 16),
                       [offset] "r"((fraction >> by->left) - by->mean * factor),
                       [shift] "r"(to->shift - by->left)
                     : "memory", "t0", "t1", "t2", "t3", "t4", "t5");
    for (uint32_t c = a->columns & ~3u; c < a->columns; ++c) {
        normalize_one(args, c, y, centred(a, by, x + c), *to);
    }
}

/* Rows with gain from i16, two elements at a time: n as in normalize_i8, then n * gain + offset. */
#define EC_AFFINE(instructions, clip, store)                                                    \
    __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", instructions)                       \
                     EC_ASM_LW("t0", "4", "%[x]") EC_ASM_LW("t1", "4", "%[gain]")               \
                     EC_ASM_DOTSP_H("t2", "t0", "%[low]")                                       \
                     EC_ASM_DOTSP_H("t3", "t0", "%[high]")                                      \
                     EC_ASM_LW("t4", "4", "%[offset]") EC_ASM_LW("t5", "4", "%[offset]")        \
                     EC_ASM_ADD_SHIFT("t2", "%[bias]", "%[shift]")                              \
                     EC_ASM_ADD_SHIFT("t3", "%[bias]", "%[shift]")                              \
                     EC_ASM_CLIP_I16("t2") EC_ASM_CLIP_I16("t3")                                \
                     EC_ASM_PACK_H("t2", "t3", "t2")                                            \
                     EC_ASM_MAC_LOW("t4", "t2", "t1") EC_ASM_MAC_HIGH("t5", "t2", "t1")         \
                     "sra t4,t4,%[gain_shift]\n sra t5,t5,%[gain_shift]\n"                      \
                     clip("t4") clip("t5") store EC_ASM_END                                     \
                     : [x] "+&r"(from), [y] "+&r"(to_y), [gain] "+&r"(gain),                    \
                       [offset] "+&r"(offset)                                                   \
                     : [n] "r"(a->columns >> 1), [low] "r"(factor), [high] "r"(factor << 16),   \
                       [bias] "r"((fraction >> by->left) - by->mean * factor),                  \
                       [shift] "r"(to->shift - by->left), [gain_shift] "r"(a->gain_shift)       \
                     : "memory", "t0", "t1", "t2", "t3", "t4", "t5")
#define EC_STORE_TWO_BYTES "sb t4,0(%[y])\n sb t5,1(%[y])\n" EC_ASM_LAST "addi %[y],%[y],2\n"

static __attribute__((noinline)) void normalize_affine(const ec_layer_norm_args *a,
                                                       const centring *by, const scaling *to,
                                                       size_t x, size_t y)
{
    const int16_t *from = (const int16_t *)a->x + x;
    const int16_t *gain = a->gain;
    const int32_t *offset = a->offset;
    uint8_t *to_y = (uint8_t *)a->y + y * (a->y_type == EC_I16 ? 2 : 1);
    const int32_t factor = (int32_t)to->factor;
    const int32_t fraction = ((1 << to->shift) >> 1) - by->fraction * factor;
    if (a->y_type == EC_I16) {
        EC_AFFINE(19, EC_ASM_CLIP_I16,
                  EC_ASM_PACK_H("t4", "t5", "t4") EC_ASM_LAST EC_ASM_SW("t4", "4", "%[y]"));
    } else if (a->y_type == EC_I8) {
        EC_AFFINE(20, EC_ASM_CLIP_I8, EC_STORE_TWO_BYTES);
    } else {
        EC_AFFINE(20, EC_ASM_CLIP_U8, EC_STORE_TWO_BYTES);
    }
    if (a->columns & 1) {
        const uint32_t last = a->columns - 1;
        normalize_one(a, last, y, centred(a, by, x + last), *to);
    }
}

/* Factors fit 16 bits, and zero << shift leaves room for the product. */
EC_INLINE int fits_pairs(const ec_layer_norm_args *a, const scaling *to)
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
            normalize_one(a, c, y, centred(a, by, x + c), *to);
        }
    } else if (a->x_type == EC_I8) {
        normalize_pairs(a, by, to, x, y, EC_I8, a->y_type, a->gain != NULL);
    } else if (a->gain != NULL && to->shift >= by->left) {
        normalize_affine(a, by, to, x, y);
    } else if (a->y_type == EC_I8) {
        normalize_pairs(a, by, to, x, y, EC_I16, EC_I8, a->gain != NULL);
    } else {
        normalize_pairs(a, by, to, x, y, EC_I16, a->y_type, a->gain != NULL);
    }
}

/* `a` is a copy of `args` whose fields stay in registers, with the zero point of int8 for u8. */
EC_INLINE void normalize_row(const ec_layer_norm_args *args, const ec_layer_norm_args *a,
                             const row_constants *constants, size_t x, size_t y, ec_type x_type)
{
    const centring by = centre(args, a, constants, x, x_type);
    const uint32_t g = constants->square_shift;
    int pairs = by.exponent >= 0 && a->columns >= 4 &&
                (g >= 2 || (x_type == EC_I16 && by.exponent > 0));
    scaling to = {0, 0};
    if (EC_TYPICAL(by.exponent < 15)) { /* not all equal */
        const uint32_t squares = !EC_TYPICAL(pairs) ? sum_of_squares(args, by, x, g, a->columns)
                                 : x_type == EC_I8 ? squares_of_i8(args, by, x, g)
                                                   : squares_of_i16(args, a, &by, x, g);
        to = scale(a, constants, &by, squares);
    }
    const int to_bytes = a->gain == NULL && (a->y_type == EC_I8 || a->y_type == EC_U8);
    if (EC_TYPICAL(pairs && x_type == EC_I16 && to_bytes && fits_pairs(a, &to) &&
                   to.shift >= by.left)) {
        normalize_i8(args, a, &by, &to, x, y);
    } else {
        const centring same_by = by;
        const scaling same_to = to;
        normalize_other(args, &same_by, &same_to, x, y, pairs && fits_pairs(args, &to));
    }
}

#define EC_NORMALIZE_ROWS(name, type)                                                           \
    static __attribute__((noinline)) void name(const ec_layer_norm_args *args,                  \
                                               const row_constants *constants, uint32_t row,    \
                                               uint32_t end)                                    \
    {                                                                                           \
        ec_layer_norm_args a = *args;                                                           \
        a.zero -= a.y_type == EC_U8 && a.gain == NULL ? 128 : 0;                                \
        const row_constants k = *constants;                                                     \
        for (uint32_t r = row; r < end; ++r) {                                                  \
            normalize_row(args, &a, &k, (size_t)r * a.x_stride, (size_t)r * a.y_stride, type);  \
        }                                                                                       \
    }

EC_NORMALIZE_ROWS(normalize_i8_rows, EC_I8)
EC_NORMALIZE_ROWS(normalize_i16_rows, EC_I16)

/* The smallest g with width << 2 * (15 - g) < 2**32. */
EC_INLINE uint32_t square_shift_of(uint32_t width)
{
    return ec_highest_bit(width) >> 1;
}

void ec_layer_norm(const ec_layer_norm_args *args, uint32_t core, uint32_t cores)
{
    const uint32_t columns = args->columns;
    const uint32_t end = ec_share_start(args->rows, core + 1, cores);
    const uint32_t r = ec_share_start(args->rows, core, cores);
    if (columns == 0 || r >= end) {
        return;
    }
    const uint64_t wide = (uint64_t)args->epsilon_q8 * columns;
    const row_constants constants = {UINT32_MAX / columns, square_shift_of(columns),
                                     (uint32_t)wide, (uint32_t)(wide >> 32)};
    if (args->x_type == EC_I8) {
        normalize_i8_rows(args, &constants, r, end);
    } else {
        normalize_i16_rows(args, &constants, r, end);
    }
}
