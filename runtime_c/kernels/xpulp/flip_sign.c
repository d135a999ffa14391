/* int8 to u8 raised by 128, and back. */
#include "ec_xpulp.h"

/* Whole words are shared; the last core takes the odd bytes. */
void ec_flip_sign(const ec_flip_sign_args *args, uint32_t core, uint32_t cores)
{
    const uint32_t words = args->bytes >> 2;
    const uint32_t start = ec_share_start(words, core, cores);
    ec_word *x = (ec_word *)args->x + start;
    for (uint32_t left = ec_share_start(words, core + 1, cores) - start; left > 0; --left) {
        *x++ ^= 0x80808080u;
    }
    if (core + 1 == cores) {
        for (uint32_t i = 4 * words; i < args->bytes; ++i) {
            args->x[i] ^= 0x80u;
        }
    }
}
