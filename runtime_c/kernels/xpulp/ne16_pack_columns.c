/* Columns of activations as weights of NE16: pack_weights in edgecomp/codegen/ne16_weights.py. */
#include "ne16_pack.h"

/* Channels i and i + 8 of two columns, two bytes each; x moves on to the next channel. */
EC_INLINE uint32_t load_pair(const int8_t **x, const int8_t **behind, uint32_t stride)
{
    uint32_t low, high;
    __asm__ volatile(EC_ASM_LHU_R("%0", "%2", "%1") : "=r"(low), "+r"(*x) : "r"(stride));
    __asm__ volatile(EC_ASM_LHU_R("%0", "%2", "%1") : "=r"(high), "+r"(*behind) : "r"(stride));
    return ec_pack_h(high, low);
}

/* Two planes: the lower and the higher 8 channels of either column lie two bytes apart. */
EC_INLINE void store_planes(uint32_t plane, uint32_t next, ec_word *y0, ec_word *y1)
{
    *y0 = ec_shuffle2_b(plane, next, 0x06040200);
    *y1 = ec_shuffle2_b(plane, next, 0x07050301);
}

/* One block of 16 channels of two columns: bytes of eight registers hold the matrices of bits. */
EC_INLINE void pack_block(const int8_t *x, uint32_t stride, ec_word *y0, ec_word *y1)
{
    const int8_t *behind = x + 8 * stride;
    uint32_t r0 = load_pair(&x, &behind, stride);
    uint32_t r1 = load_pair(&x, &behind, stride);
    uint32_t r2 = load_pair(&x, &behind, stride);
    uint32_t r3 = load_pair(&x, &behind, stride);
    uint32_t r4 = load_pair(&x, &behind, stride);
    uint32_t r5 = load_pair(&x, &behind, stride);
    uint32_t r6 = load_pair(&x, &behind, stride);
    uint32_t r7 = load_pair(&x, &behind, stride);
    ec_exchange_bits(&r0, &r4, 4, 0x0f0f0f0f);
    ec_exchange_bits(&r1, &r5, 4, 0x0f0f0f0f);
    ec_exchange_bits(&r2, &r6, 4, 0x0f0f0f0f);
    ec_exchange_bits(&r3, &r7, 4, 0x0f0f0f0f);
    ec_exchange_bits(&r0, &r2, 2, 0x33333333);
    ec_exchange_bits(&r1, &r3, 2, 0x33333333);
    ec_exchange_bits(&r4, &r6, 2, 0x33333333);
    ec_exchange_bits(&r5, &r7, 2, 0x33333333);
    ec_exchange_bits(&r0, &r1, 1, 0x55555555);
    ec_exchange_bits(&r2, &r3, 1, 0x55555555);
    ec_exchange_bits(&r4, &r5, 1, 0x55555555);
    ec_exchange_bits(&r6, &r7, 1, 0x55555555);
    store_planes(r0, r1, y0, y1);
    store_planes(r2, r3, y0 + 1, y1 + 1);
    store_planes(r4, r5, y0 + 2, y1 + 2);
    store_planes(r6, ~r7, y0 + 3, y1 + 3); /* the highest plane of x + 128 */
}

/* Two columns. */
static void pack_columns(const ec_ne16_pack_columns_args *a, uint32_t n)
{
    const uint32_t pitch = ec_ne16_blocks(a->depth) * 16;
    const uint32_t stride = a->x_stride;
    const int8_t *x = a->x + n;
    ec_word *y0 = (ec_word *)(a->y + (size_t)n * pitch);
    ec_word *y1 = (ec_word *)(a->y + (size_t)n * pitch + pitch);
    for (uint32_t block = a->depth >> 4; block > 0; --block) {
        pack_block(x, stride, y0, y1);
        x += (size_t)16 * stride;
        y0 += 4;
        y1 += 4;
    }
    if (a->depth & 15) {
        ec_ne16_pack_rest(x, stride, a->depth & 15, y0);
        ec_ne16_pack_rest(x + 1, stride, a->depth & 15, y1);
    }
}

/* One column, byte by byte. */
static void pack_column(const ec_ne16_pack_columns_args *a, uint32_t n)
{
    const uint32_t blocks = ec_ne16_blocks(a->depth);
    for (uint32_t block = 0; block < blocks; ++block) {
        const uint32_t left = a->depth - 16 * block;
        ec_ne16_pack_rest(a->x + (size_t)16 * block * a->x_stride + n, a->x_stride,
                          left < 16 ? left : 16,
                          (ec_word *)(a->y + ((size_t)n * blocks + block) * 16));
    }
}

void ec_ne16_pack_columns(const ec_ne16_pack_columns_args *args, uint32_t core, uint32_t cores)
{
    const ec_ne16_pack_columns_args a = *args;
    const uint32_t pairs = (a.outputs + 1) >> 1;
    const uint32_t end = ec_share_start(pairs, core + 1, cores);
    for (uint32_t pair = ec_share_start(pairs, core, cores); pair < end; ++pair) {
        if (2 * pair + 1 < a.outputs) {
            pack_columns(&a, 2 * pair);
        } else {
            pack_column(&a, 2 * pair);
        }
    }
}
