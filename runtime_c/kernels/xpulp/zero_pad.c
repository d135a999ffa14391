/* A matrix with zeros to its right and below it. */
#include "ec_xpulp.h"

/* Row by row; words of x need not be aligned. */
void ec_zero_pad(const ec_zero_pad_args *args, uint32_t core, uint32_t cores)
{
    const ec_zero_pad_args a = *args;
    const uint32_t end = ec_share_start(a.y_rows, core + 1, cores);
    for (uint32_t r = ec_share_start(a.y_rows, core, cores); r < end; ++r) {
        const int8_t *x = a.x + (size_t)r * a.x_stride;
        int8_t *y = a.y + (size_t)r * a.y_stride;
        const uint32_t copied = r < a.rows ? a.columns : 0;
        uint32_t c = 0;
        if (copied >= 4) {
            const int8_t *from = x;
            int8_t *to = y;
            __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", 2) EC_ASM_LW("t0", "4", "%[x]")
                             EC_ASM_LAST EC_ASM_SW("t0", "4", "%[y]") EC_ASM_END
                             : [x] "+&r"(from), [y] "+&r"(to)
                             : [n] "r"(copied >> 2)
                             : "memory", "t0");
            c = copied & ~3u;
        }
        for (; c < copied; ++c) {
            y[c] = x[c];
        }
        for (; (c & 3) != 0 && c < a.y_columns; ++c) {
            y[c] = 0;
        }
        for (; c + 4 <= a.y_columns; c += 4) {
            *(ec_word *)(y + c) = 0;
        }
        for (; c < a.y_columns; ++c) {
            y[c] = 0;
        }
    }
}
