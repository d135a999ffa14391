/* Layer normalisation; the steps and their names are those of edgecomp/ops/q_layer_norm.py. */
#include "reference.h"

enum { MAX_SHIFT = 30 };

/* c = ((x - mean) * (1 << left) - fraction) >> right */
typedef struct {
    int32_t mean, fraction, exponent;
    uint32_t left, right;
} centring;

/* n = (c * factor + half) >> shift */
typedef struct {
    int32_t factor, half;
    uint32_t shift;
} scaling;

static int32_t bit_length(uint32_t value)
{
    int32_t length = 0;
    for (int32_t step = 16; step > 0; step >>= 1) {
        if (value >> step) {
            value >>= step;
            length += step;
        }
    }
    return length + (int32_t)value;
}

/* The integer nearest to sqrt(value). */
static uint32_t rounded_sqrt(uint32_t value)
{
    uint32_t root = 0;
    uint32_t rest = value;
    for (uint32_t bit = 1u << 30; bit > 0; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return root + (rest > root);
}

static centring centre(const ec_layer_norm_args *a, size_t x)
{
    const int32_t width = (int32_t)a->columns;
    int32_t low = INT32_MAX;
    int32_t high = INT32_MIN;
    int32_t sum = 0;
    for (uint32_t c = 0; c < a->columns; ++c) {
        int32_t value = ec_load(a->x, x + c, a->x_type);
        sum += value;
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    int32_t mean = sum / width;
    int32_t rest = sum % width;
    if (rest < 0) {
        mean -= 1;
        rest += width;
    }
    if (a->rms) {
        mean = a->x_zero;
        rest = 0;
    }
    int32_t largest = high - mean > mean - low ? high - mean : mean - low;
    centring result = {mean, 0, 15 - bit_length((uint32_t)largest), 0, 0};
    if (result.exponent < 0) {
        result.right = 1;
    } else {
        result.left = (uint32_t)result.exponent;
        uint32_t scaled = ((uint32_t)rest << result.left) + a->columns / 2;
        result.fraction = (int32_t)(scaled / a->columns);
    }
    return result;
}

static int32_t centred(const ec_layer_norm_args *a, const centring *by, size_t index)
{
    int32_t difference = ec_load(a->x, index, a->x_type) - by->mean;
    return (difference * (1 << by->left) - by->fraction) >> by->right;
}

static uint32_t sum_of_squares(const ec_layer_norm_args *a, const centring *by, size_t x,
                               uint32_t square_shift)
{
    const int32_t half = (1 << square_shift) >> 1;
    uint32_t sum = 0;
    for (uint32_t c = 0; c < a->columns; ++c) {
        int32_t value = (centred(a, by, x + c) + half) >> square_shift;
        sum += (uint32_t)(value * value);
    }
    return sum;
}

static uint64_t epsilon(const ec_layer_norm_args *a, int32_t amount)
{
    const uint64_t limit = (uint64_t)1 << 62;
    const uint64_t value = (uint64_t)a->epsilon_q8 * a->columns;
    if (amount < 0) {
        return value >> -amount;
    }
    return value > limit >> amount ? limit : value << amount;
}

static uint32_t square_shift_of(uint32_t width)
{
    uint32_t shift = 0;
    while (((uint64_t)width << (2 * (15 - shift))) >> 32) {
        ++shift;
    }
    return shift;
}

static scaling scale(const ec_layer_norm_args *a, const centring *by, size_t x)
{
    const uint32_t g = square_shift_of(a->columns);
    uint64_t t = sum_of_squares(a, by, x, g) + epsilon(a, 2 * (by->exponent - (int32_t)g) - 8);
    uint32_t upper = (uint32_t)(t >> 32);
    int32_t length = upper ? 32 + bit_length(upper) : bit_length((uint32_t)t);
    int32_t h = (length - 31) >> 1;
    uint32_t s = rounded_sqrt((uint32_t)(h < 0 ? t << (-2 * h) : t >> (2 * h)));
    uint32_t r = (a->multiplier + (s >> 1)) / s;
    int32_t k = (int32_t)(a->shift + g) + h;
    if (k > MAX_SHIFT) {
        r >>= k - MAX_SHIFT < 31 ? k - MAX_SHIFT : 31;
        k = MAX_SHIFT;
    }
    scaling result = {(int32_t)r, (1 << k) >> 1, (uint32_t)k};
    return result;
}

static void normalize_row(const ec_layer_norm_args *a, size_t x, size_t y)
{
    const centring by = centre(a, x);
    scaling to = {0, 0, 0};
    if (by.exponent < 15) { /* not all equal */
        to = scale(a, &by, x);
    }
    for (uint32_t c = 0; c < a->columns; ++c) {
        int32_t n = (centred(a, &by, x + c) * to.factor + to.half) >> to.shift;
        if (a->gain == NULL) {
            n += a->zero;
        } else {
            n = ec_clip(n, INT16_MIN, INT16_MAX);
            n = ec_rescale(n, a->gain[c], a->offset[c], a->gain_shift);
        }
        ec_store(a->y, y + c, a->y_type, n);
    }
}

void ec_layer_norm(const ec_layer_norm_args *args, uint32_t core, uint32_t cores)
{
    const ec_layer_norm_args a = *args;
    const uint32_t end = ec_share_start(a.rows, core + 1, cores);
    for (uint32_t r = ec_share_start(a.rows, core, cores); a.columns > 0 && r < end; ++r) {
        normalize_row(&a, (size_t)r * a.x_stride, (size_t)r * a.y_stride);
    }
}
