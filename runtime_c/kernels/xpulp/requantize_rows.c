/* Accumulators to outputs, per column: the second half of edgecomp/ops/q_linear.py. */
#include "ec_xpulp.h"

typedef enum { PLAIN, TABLE, RESIDUAL } ending;

/* The last step for one value; what is stored has the low bits of the result. */
EC_INLINE uint32_t finish(int32_t value, ec_type type, ending end, const int8_t *middle,
                          const int16_t *residual)
{
    if (end == TABLE) {
        return (uint32_t)ec_lookup_i8(middle, ec_clip_i8(value));
    }
    if (end == RESIDUAL) {
        return (uint32_t)ec_clip_i16(ec_clip_i16(value) + *residual);
    }
    return (uint32_t)(type == EC_I8   ? ec_clip_i8(value)
                      : type == EC_U8 ? ec_clip_u8(value)
                                      : ec_clip_i16(value));
}

/* Four columns of the rows [row, row_end): multipliers and biases stay in registers. */
EC_INLINE void four_columns(const ec_requantize_rows_args *a, uint32_t row, uint32_t row_end,
                            uint32_t c, ec_type type, ending end)
{
    const int32_t m0 = a->multiplier[c], m1 = a->multiplier[c + 1];
    const int32_t m2 = a->multiplier[c + 2], m3 = a->multiplier[c + 3];
    const int32_t b0 = a->bias[c], b1 = a->bias[c + 1], b2 = a->bias[c + 2], b3 = a->bias[c + 3];
    const uint32_t shift = a->shift, acc_stride = a->acc_stride;
    const uint32_t residual_stride = a->residual_stride;
    const uint32_t y_step = a->y_stride * (type == EC_I16 ? 2 : 1);
    const int8_t *middle = a->table + 128;
    const int32_t *acc = a->acc + (size_t)row * acc_stride + c;
    const int16_t *residual = end == RESIDUAL ? a->residual + (size_t)row * residual_stride + c : NULL;
    uint8_t *y = (uint8_t *)a->y + (size_t)row * y_step + c * (type == EC_I16 ? 2 : 1);
    for (uint32_t left = row_end - row; left > 0; --left) {
        const int32_t a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3];
        acc += acc_stride;
        const int32_t v0 = a0 * m0, v1 = a1 * m1, v2 = a2 * m2, v3 = a3 * m3;
#define FINISH(i)                                                                               \
    finish((int32_t)ec_add_shift((uint32_t)v##i, (uint32_t)b##i, shift), type, end, middle,     \
           residual + i)
        const uint32_t r0 = FINISH(0), r1 = FINISH(1), r2 = FINISH(2), r3 = FINISH(3);
#undef FINISH
        if (type == EC_I16) {
            ((int16_t *)y)[0] = (int16_t)r0;
            ((int16_t *)y)[1] = (int16_t)r1;
            ((int16_t *)y)[2] = (int16_t)r2;
            ((int16_t *)y)[3] = (int16_t)r3;
        } else {
            *(ec_word *)y = ec_bytes(r0, r1, r2, r3);
        }
        y += y_step;
        if (end == RESIDUAL) {
            residual += residual_stride;
        }
    }
}

static void one_column(const ec_requantize_rows_args *a, uint32_t row, uint32_t row_end, uint32_t c)
{
    for (uint32_t r = row; r < row_end; ++r) {
        const int32_t acc = a->acc[(size_t)r * a->acc_stride + c];
        const int32_t value = ec_rescale(acc, a->multiplier[c], a->bias[c], a->shift);
        const int16_t *residual =
            a->residual == NULL ? NULL : a->residual + (size_t)r * a->residual_stride + c;
        ec_finish(a->y, (size_t)r * a->y_stride + c, a->y_type, value, a->table, residual);
    }
}

#define EC_FOUR_COLUMNS(name, type, end)                                                        \
    static void name(const ec_requantize_rows_args *a, uint32_t row, uint32_t row_end,          \
                     uint32_t c)                                                                \
    {                                                                                           \
        four_columns(a, row, row_end, c, type, end);                                            \
    }

EC_FOUR_COLUMNS(four_i8, EC_I8, PLAIN)
EC_FOUR_COLUMNS(four_u8, EC_U8, PLAIN)
EC_FOUR_COLUMNS(four_i16, EC_I16, PLAIN)
EC_FOUR_COLUMNS(four_table, EC_I8, TABLE)
EC_FOUR_COLUMNS(four_residual, EC_I16, RESIDUAL)

void ec_requantize_rows(const ec_requantize_rows_args *args, uint32_t core, uint32_t cores)
{
    const ec_requantize_rows_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    void (*four)(const ec_requantize_rows_args *, uint32_t, uint32_t, uint32_t) =
        a.table != NULL      ? four_table
        : a.residual != NULL ? four_residual
        : a.y_type == EC_I8  ? four_i8
        : a.y_type == EC_U8  ? four_u8
                             : four_i16;
    uint32_t c = s.column;
    for (; c + 4 <= s.column_end; c += 4) {
        four(&a, s.row, s.row_end, c);
    }
    for (; c < s.column_end; ++c) {
        one_column(&a, s.row, s.row_end, c);
    }
}
