/* A function of one 8-bit value: edgecomp/ops/q_table.py. */
#include "reference.h"

void ec_table(const ec_table_args *args, uint32_t core, uint32_t cores)
{
    const ec_table_args a = *args;
    const ec_share s = ec_share_of(a.rows, a.columns, core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const int8_t *x = a.x + (size_t)r * a.x_stride;
        int8_t *y = a.y + (size_t)r * a.y_stride;
        for (uint32_t c = s.column; c < s.column_end; ++c) {
            y[c] = a.table[x[c] + 128];
        }
    }
}
