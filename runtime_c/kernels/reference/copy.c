/* Strided copies and fills: data movement inside of L1. */
#include <string.h>

#include "reference.h"

/* One run of elements along the innermost axis; x is NULL for a fill. */
static void copy_run(const ec_copy_args *a, const uint8_t *x, uint8_t *y, uint32_t count)
{
    const size_t bytes = a->element_bytes;
    const size_t x_step = a->x_stride[4] * bytes;
    const size_t y_step = a->y_stride[4] * bytes;
    const uint8_t *fill = (const uint8_t *)&a->fill; /* low bytes first: little endian */
    if (x != NULL && x_step == bytes && y_step == bytes) {
        memcpy(y, x, count * bytes);
        return;
    }
    for (uint32_t c = 0; c < count; ++c) {
        const uint8_t *from = x == NULL ? fill : x + c * x_step;
        for (size_t i = 0; i < bytes; ++i) {
            y[c * y_step + i] = from[i];
        }
    }
}

void ec_copy(const ec_copy_args *args, uint32_t core, uint32_t cores)
{
    const ec_copy_args a = *args;
    const uint32_t rows = a.size[0] * a.size[1] * a.size[2] * a.size[3];
    const ec_share s = ec_share_of(rows, a.size[4], core, cores);
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        const uint8_t *x = a.x;
        if (x != NULL) {
            x += (ec_offset(r, a.size, a.x_stride, 4) + (size_t)s.column * a.x_stride[4]) *
                 a.element_bytes;
        }
        uint8_t *y = a.y;
        y += (ec_offset(r, a.size, a.y_stride, 4) + (size_t)s.column * a.y_stride[4]) *
             a.element_bytes;
        copy_run(&a, x, y, s.column_end - s.column);
    }
}
