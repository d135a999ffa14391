/* A function of one 8-bit value: edgecomp/ops/q_table.py. */
#include "ec_xpulp.h"

static void look_up(const int8_t *x, const int8_t *middle, int8_t *y, uint32_t count)
{
    for (; count >= 8; count -= 8, x += 8, y += 8) {
        const uint32_t a = (uint32_t)ec_lookup_i8(middle, x[0]);
        const uint32_t b = (uint32_t)ec_lookup_i8(middle, x[1]);
        const uint32_t c = (uint32_t)ec_lookup_i8(middle, x[2]);
        const uint32_t d = (uint32_t)ec_lookup_i8(middle, x[3]);
        const uint32_t e = (uint32_t)ec_lookup_i8(middle, x[4]);
        const uint32_t f = (uint32_t)ec_lookup_i8(middle, x[5]);
        const uint32_t g = (uint32_t)ec_lookup_i8(middle, x[6]);
        const uint32_t h = (uint32_t)ec_lookup_i8(middle, x[7]);
        ((ec_word *)y)[0] = ec_bytes(a, b, c, d);
        ((ec_word *)y)[1] = ec_bytes(e, f, g, h);
    }
    for (; count > 0; --count) {
        *y++ = (int8_t)ec_lookup_i8(middle, *x++);
    }
}

void ec_table(const ec_table_args *args, uint32_t core, uint32_t cores)
{
    const ec_table_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        look_up(a.x + (size_t)r * a.x_stride + s.column, a.table + 128,
                a.y + (size_t)r * a.y_stride + s.column, s.column_end - s.column);
    }
}
