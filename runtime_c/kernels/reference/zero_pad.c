/* A matrix with zeros to its right and below it. */
#include <string.h>

#include "reference.h"

void ec_zero_pad(const ec_zero_pad_args *args, uint32_t core, uint32_t cores)
{
    const uint32_t end = ec_share_start(args->y_rows, core + 1, cores);
    for (uint32_t r = ec_share_start(args->y_rows, core, cores); r < end; ++r) {
        const uint32_t copied = r < args->rows ? args->columns : 0;
        int8_t *y = args->y + (size_t)r * args->y_stride;
        if (copied > 0) {
            memcpy(y, args->x + (size_t)r * args->x_stride, copied);
        }
        memset(y + copied, 0, args->y_columns - copied);
    }
}
