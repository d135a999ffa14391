/* Another scale or element type: edgecomp/ops/q_requantize.py. */
#include "ec_xpulp.h"

#define EC_REQUANTIZE_RUN(name, type)                                                           \
    static void name(const ec_requantize_args *a, const type *x, size_t y, uint32_t count)      \
    {                                                                                           \
        for (uint32_t c = 0; c < count; ++c) {                                                  \
            ec_store(a->y, y + c, a->y_type,                                                    \
                     ec_rescale(x[c], a->multiplier, a->bias, a->shift));                       \
        }                                                                                       \
    }

EC_REQUANTIZE_RUN(run_i8, int8_t)
EC_REQUANTIZE_RUN(run_u8, uint8_t)
EC_REQUANTIZE_RUN(run_i16, int16_t)
EC_REQUANTIZE_RUN(run_i32, int32_t)

void ec_requantize(const ec_requantize_args *args, uint32_t core, uint32_t cores)
{
    const ec_requantize_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const size_t x = (size_t)r * a.x_stride + s.column;
        const size_t y = (size_t)r * a.y_stride + s.column;
        const uint32_t count = s.column_end - s.column;
        switch (a.x_type) {
        case EC_I8:
            run_i8(&a, (const int8_t *)a.x + x, y, count);
            break;
        case EC_U8:
            run_u8(&a, (const uint8_t *)a.x + x, y, count);
            break;
        case EC_I16:
            run_i16(&a, (const int16_t *)a.x + x, y, count);
            break;
        case EC_I32:
            run_i32(&a, (const int32_t *)a.x + x, y, count);
            break;
        }
    }
}
