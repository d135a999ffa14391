/* int8 to u8 raised by 128, and back. */
#include "reference.h"

void ec_flip_sign(const ec_flip_sign_args *args, uint32_t core, uint32_t cores)
{
    const uint32_t end = ec_share_start(args->bytes, core + 1, cores);
    for (uint32_t i = ec_share_start(args->bytes, core, cores); i < end; ++i) {
        args->x[i] ^= 0x80u;
    }
}
