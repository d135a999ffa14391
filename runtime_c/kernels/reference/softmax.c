/* Softmax of rows with normalised output: edgecomp/ops/q_softmax.py. */
#include "reference.h"

static uint32_t weight(const ec_softmax_args *a, int32_t maximum, int32_t score)
{
    int32_t distance = maximum - score;
    distance = distance < a->limit ? distance : a->limit;
    return a->exp_table[(distance * a->score_multiplier) >> a->score_shift];
}

static void softmax_row(const ec_softmax_args *a, size_t x, size_t y)
{
    int32_t maximum = INT32_MIN;
    uint32_t sum = 0;
    for (uint32_t c = 0; c < a->columns; ++c) {
        int32_t score = ec_load(a->x, x + c, a->x_type);
        maximum = score > maximum ? score : maximum;
    }
    for (uint32_t c = 0; c < a->columns; ++c) {
        sum += weight(a, maximum, ec_load(a->x, x + c, a->x_type));
    }
    for (uint32_t c = 0; c < a->columns; ++c) {
        uint32_t p = weight(a, maximum, ec_load(a->x, x + c, a->x_type));
        int32_t probability = (int32_t)((p * (UINT32_MAX / sum)) >> 16);
        int32_t value = ec_rescale(probability, a->multiplier, a->bias, a->shift);
        ec_store(a->y, y + c, a->y_type, value);
    }
}

void ec_softmax(const ec_softmax_args *args, uint32_t core, uint32_t cores)
{
    const ec_softmax_args a = *args;
    const uint32_t end = ec_share_start(a.rows, core + 1, cores);
    for (uint32_t r = ec_share_start(a.rows, core, cores); a.columns > 0 && r < end; ++r) {
        softmax_row(&a, (size_t)r * a.x_stride, (size_t)r * a.y_stride);
    }
}
