/*
 * The Xpulp instructions of RI5CY-class cores, and what the kernels of this folder share.
 *
 * Two spellings of each instruction: mnemonics for an assembler that knows Xpulp (define
 * EC_XPULP_MNEMONICS), .insn encodings for every other one.
 */
#ifndef EDGECOMP_XPULP_H
#define EDGECOMP_XPULP_H

#include "edgecomp_kernels.h"

/* Right shifts of negative numbers must be arithmetic (C99 leaves it to the compiler). */
typedef char ec_arithmetic_shift[((-3) >> 1) == -2 ? 1 : -1];

/* Words of tensors of any type; rows need not be aligned, the core's loads and stores allow it. */
typedef uint32_t ec_word __attribute__((may_alias));

#define EC_INLINE static inline __attribute__((always_inline, unused))

/* ---- instructions, as lines of assembly ---------------------------------------------------- */

#ifdef EC_XPULP_MNEMONICS
#define EC_ASM_R(name, opcode, f3, f7, d, a, b) name " " d "," a "," b "\n"
#define EC_ASM_LOOP(level, count, instructions) "lp.setup " level "," count ",1f\n"
#define EC_ASM_LAST "1:"
#define EC_ASM_LW(d, step, p) "p.lw " d "," step "(" p "!)\n"
#define EC_ASM_LW_R(d, step, p) "p.lw " d "," step "(" p "!)\n"
#define EC_ASM_LHU_R(d, step, p) "p.lhu " d "," step "(" p "!)\n"
#define EC_ASM_LBU_R(d, step, p) "p.lbu " d "," step "(" p "!)\n"
#define EC_ASM_LB_R(d, step, p) "p.lb " d "," step "(" p "!)\n"
#define EC_ASM_LH_R(d, step, p) "p.lh " d "," step "(" p "!)\n"
#define EC_ASM_SB_R(s, step, p) "p.sb " s "," step "(" p "!)\n"
#define EC_ASM_SH_R(s, step, p) "p.sh " s "," step "(" p "!)\n"
#define EC_ASM_SW(s, step, p) "p.sw " s "," step "(" p "!)\n"
#define EC_ASM_SW_R(s, step, p) "p.sw " s "," step "(" p "!)\n"
#define EC_ASM_LB_AT(d, base, index) "p.lb " d "," index "(" base ")\n"
#define EC_ASM_LBU_AT(d, base, index) "p.lbu " d "," index "(" base ")\n"
#define EC_ASM_FL1(d, a) "p.fl1 " d "," a "\n"
#define EC_ASM_BYTE(d, a, bit) "p.extractu " d "," a ",7," bit "\n"
#define EC_ASM_CLIP(name, f3, d, a, bits) name " " d "," a "," bits "\n"
#else
#define EC_ASM_R(name, opcode, f3, f7, d, a, b) \
    ".insn r " opcode "," f3 "," f7 "," d "," a "," b "\n"
/* The offset of the last instruction behind lp.setup counts half-words. */
#define EC_ASM_LOOP(level, count, instructions) \
    ".insn i 0x7b,4," level "," count "," #instructions "*2\n"
#define EC_ASM_LAST
#define EC_ASM_LW(d, step, p) ".insn i 0x0b,2," d "," step "(" p ")\n"
#define EC_ASM_LW_R(d, step, p) ".insn r 0x0b,7,0x10," d "," p "," step "\n"
#define EC_ASM_LHU_R(d, step, p) ".insn r 0x0b,7,0x28," d "," p "," step "\n"
#define EC_ASM_LB_R(d, step, p) ".insn r 0x0b,7,0x00," d "," p "," step "\n"
#define EC_ASM_LH_R(d, step, p) ".insn r 0x0b,7,0x08," d "," p "," step "\n"
#define EC_ASM_LBU_R(d, step, p) ".insn r 0x0b,7,0x20," d "," p "," step "\n"
#define EC_ASM_SB_R(s, step, p) ".insn r 0x2b,4,0x00," step "," p "," s "\n"
#define EC_ASM_SH_R(s, step, p) ".insn r 0x2b,5,0x00," step "," p "," s "\n"
#define EC_ASM_SW(s, step, p) ".insn s 0x2b,2," s "," step "(" p ")\n"
#define EC_ASM_SW_R(s, step, p) ".insn r 0x2b,6,0x00," step "," p "," s "\n"
#define EC_ASM_LB_AT(d, base, index) ".insn r 0x03,7,0x00," d "," base "," index "\n"
#define EC_ASM_LBU_AT(d, base, index) ".insn r 0x03,7,0x20," d "," base "," index "\n"
#define EC_ASM_FL1(d, a) ".insn r 0x33,1,0x08," d "," a ",x0\n"
#define EC_ASM_BYTE(d, a, bit) ".insn r 0x33,1,0x67," d "," a ",x" bit "\n"
#define EC_ASM_CLIP(name, f3, d, a, bits) ".insn r 0x33," f3 ",0x0a," d "," a ",x" bits "\n"
#endif

/* Hardware loops take no compressed instructions. */
#define EC_ASM_BEGIN ".option push\n.option norvc\n"
#define EC_ASM_END ".option pop\n"

#define EC_ASM_MAX(d, a, b) EC_ASM_R("p.max", "0x33", "6", "0x02", d, a, b)
#define EC_ASM_SDOTUP_B(d, a, b) EC_ASM_R("pv.sdotup.b", "0x57", "1", "0x50", d, a, b)
#define EC_ASM_SUB_B(d, a, b) EC_ASM_R("pv.sub.b", "0x57", "1", "0x04", d, a, b)
#define EC_ASM_MAX_B(d, a, b) EC_ASM_R("pv.max.b", "0x57", "1", "0x18", d, a, b)
#define EC_ASM_ADD_H(d, a, b) EC_ASM_R("pv.add.h", "0x57", "0", "0x00", d, a, b)
#define EC_ASM_MIN_H(d, a, b) EC_ASM_R("pv.min.h", "0x57", "0", "0x10", d, a, b)
#define EC_ASM_MAX_H(d, a, b) EC_ASM_R("pv.max.h", "0x57", "0", "0x18", d, a, b)
#define EC_ASM_SUB_H(d, a, b) EC_ASM_R("pv.sub.h", "0x57", "0", "0x04", d, a, b)
#define EC_ASM_AVG_H(d, a, b) EC_ASM_R("pv.avg.h", "0x57", "0", "0x08", d, a, b)
#define EC_ASM_SRA_SC_H(d, a, b) EC_ASM_R("pv.sra.sc.h", "0x57", "4", "0x24", d, a, b)
#define EC_ASM_SLL_SC_H(d, a, b) EC_ASM_R("pv.sll.sc.h", "0x57", "4", "0x28", d, a, b)
#define EC_ASM_DOTSP_H(d, a, b) EC_ASM_R("pv.dotsp.h", "0x57", "0", "0x4c", d, a, b)
#define EC_ASM_SDOTSP_H(d, a, b) EC_ASM_R("pv.sdotsp.h", "0x57", "0", "0x5c", d, a, b)
#define EC_ASM_ADD_ROUND(d, a, b) EC_ASM_R("p.addRNr", "0x5b", "6", "0x20", d, a, b)
#define EC_ASM_ADD_SHIFT(d, a, b) EC_ASM_R("p.addNr", "0x5b", "2", "0x20", d, a, b)
#define EC_ASM_PACK_H(d, high, low) EC_ASM_R("pv.pack.h", "0x57", "0", "0x68", d, high, low)
#define EC_ASM_SHUFFLE2_B(d, a, b) EC_ASM_R("pv.shuffle2.b", "0x57", "1", "0x64", d, a, b)
#define EC_ASM_PACKLO_B(d, a, b) EC_ASM_R("pv.packlo.b", "0x57", "1", "0x70", d, a, b)
#define EC_ASM_PACKHI_B(d, a, b) EC_ASM_R("pv.packhi.b", "0x57", "1", "0x6c", d, a, b)
#define EC_ASM_MAC(d, a, b) EC_ASM_R("p.mac", "0x33", "0", "0x21", d, a, b)
#define EC_ASM_MAC_LOW(d, a, b) EC_ASM_R("p.macs", "0x5b", "1", "0x40", d, a, b)
#define EC_ASM_MAC_HIGH(d, a, b) EC_ASM_R("p.machhs", "0x5b", "1", "0x60", d, a, b)
#define EC_ASM_DOTSP_B(d, a, b) EC_ASM_R("pv.dotsp.b", "0x57", "1", "0x4c", d, a, b)
#define EC_ASM_SDOTSP_B(d, a, b) EC_ASM_R("pv.sdotsp.b", "0x57", "1", "0x5c", d, a, b)
#define EC_ASM_CLIP_I8(d) EC_ASM_CLIP("p.clip", "1", d, d, "8")
#define EC_ASM_CLIP_U8(d) EC_ASM_CLIP("p.clipu", "2", d, d, "9")
#define EC_ASM_CLIP_I16(d) EC_ASM_CLIP("p.clip", "1", d, d, "16")
#define EC_ASM_DOTUSP_B(d, a, b) EC_ASM_R("pv.dotusp.b", "0x57", "1", "0x44", d, a, b)
#define EC_ASM_SDOTUSP_B(d, a, b) EC_ASM_R("pv.sdotusp.b", "0x57", "1", "0x54", d, a, b)

/* ---- instructions, as functions ------------------------------------------------------------ */

#define EC_BINARY(function, name, opcode, f3, f7)                                               \
    EC_INLINE uint32_t function(uint32_t a, uint32_t b)                                         \
    {                                                                                           \
        uint32_t d;                                                                             \
        __asm__(EC_ASM_R(name, opcode, f3, f7, "%0", "%1", "%2") : "=r"(d) : "r"(a), "r"(b));   \
        return d;                                                                               \
    }

/* d is an operand too. */
#define EC_TERNARY(function, name, opcode, f3, f7)                                              \
    EC_INLINE uint32_t function(uint32_t d, uint32_t a, uint32_t b)                             \
    {                                                                                           \
        __asm__(EC_ASM_R(name, opcode, f3, f7, "%0", "%1", "%2") : "+r"(d) : "r"(a), "r"(b));   \
        return d;                                                                               \
    }

#define EC_CLIPPING(function, name, f3, bits)                                                   \
    EC_INLINE int32_t function(int32_t a)                                                       \
    {                                                                                           \
        int32_t d;                                                                              \
        __asm__(EC_ASM_CLIP(name, f3, "%0", "%1", bits) : "=r"(d) : "r"(a));                    \
        return d;                                                                               \
    }

EC_CLIPPING(ec_clip_i8, "p.clip", "1", "8")
EC_CLIPPING(ec_clip_i16, "p.clip", "1", "16")
EC_CLIPPING(ec_clip_u8, "p.clipu", "2", "9")

EC_BINARY(ec_max, "p.max", "0x33", "6", "0x02")
EC_BINARY(ec_max_b, "pv.max.b", "0x57", "1", "0x18")
EC_BINARY(ec_sub_h, "pv.sub.h", "0x57", "0", "0x04")
EC_BINARY(ec_avg_h, "pv.avg.h", "0x57", "0", "0x08")
EC_BINARY(ec_min_h, "pv.min.h", "0x57", "0", "0x10")
EC_BINARY(ec_max_h, "pv.max.h", "0x57", "0", "0x18")
EC_BINARY(ec_sra_sc_h, "pv.sra.sc.h", "0x57", "4", "0x24")
EC_BINARY(ec_sll_sc_h, "pv.sll.sc.h", "0x57", "4", "0x28")
EC_BINARY(ec_dotsp_h, "pv.dotsp.h", "0x57", "0", "0x4c")
EC_BINARY(ec_pack_h, "pv.pack.h", "0x57", "0", "0x68")
EC_TERNARY(ec_shuffle2_b, "pv.shuffle2.b", "0x57", "1", "0x64")
EC_TERNARY(ec_sdotup_b, "pv.sdotup.b", "0x57", "1", "0x50")
EC_TERNARY(ec_packlo_b, "pv.packlo.b", "0x57", "1", "0x70")
EC_TERNARY(ec_packhi_b, "pv.packhi.b", "0x57", "1", "0x6c")
/* (d + a) >> b, arithmetic */
EC_TERNARY(ec_add_shift, "p.addNr", "0x5b", "2", "0x20")
EC_TERNARY(ec_sdotsp_b, "pv.sdotsp.b", "0x57", "1", "0x5c")
EC_TERNARY(ec_sdotsp_h, "pv.sdotsp.h", "0x57", "0", "0x5c")
/* (d + a + (1 << b >> 1)) >> b */
EC_TERNARY(ec_add_round, "p.addRNr", "0x5b", "6", "0x20")

/* Position of the highest bit set; value > 0. */
EC_INLINE uint32_t ec_highest_bit(uint32_t value)
{
    uint32_t d;
    __asm__(EC_ASM_FL1("%0", "%1") : "=r"(d) : "r"(value));
    return d;
}

/* base[index]; what base points to must not change between calls of the kernel's functions. */
EC_INLINE int32_t ec_lookup_i8(const int8_t *base, int32_t index)
{
    int32_t d;
    __asm__(EC_ASM_LB_AT("%0", "%1", "%2") : "=r"(d) : "r"(base), "r"(index));
    return d;
}

EC_INLINE uint32_t ec_lookup_u8(const uint8_t *base, uint32_t index)
{
    uint32_t d;
    __asm__(EC_ASM_LBU_AT("%0", "%1", "%2") : "=r"(d) : "r"(base), "r"(index));
    return d;
}

/* The low bytes of four values, the first at the lowest address. */
EC_INLINE ec_word ec_bytes(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return ec_packhi_b(ec_packlo_b(0, b, a), d, c);
}

/* ---- shares and rounding, as in the reference ---------------------------------------------- */

/* Start of the share of `core` when `total` items go to `cores` cores in equal runs. */
EC_INLINE uint32_t ec_share_start(uint32_t total, uint32_t core, uint32_t cores)
{
    if (cores == 8) {
        return ((total >> 3) * core) + (core < (total & 7) ? core : (total & 7));
    }
    uint32_t part = total / cores;
    uint32_t rest = total % cores;
    return core * part + (core < rest ? core : rest);
}

/* The part [row, row_end) x [column, column_end) of a matrix that one core computes. */
typedef struct {
    uint32_t row, row_end, column, column_end;
} ec_share;

/* Whole rows for each core, or columns where there are fewer rows than cores. */
EC_INLINE ec_share ec_share_of(uint32_t rows, uint32_t columns, uint32_t core, uint32_t cores)
{
    ec_share share = {0, rows, 0, columns};
    if (rows >= cores) {
        share.row = ec_share_start(rows, core, cores);
        share.row_end = ec_share_start(rows, core + 1, cores);
    } else {
        share.column = ec_share_start(columns, core, cores);
        share.column_end = ec_share_start(columns, core + 1, cores);
    }
    return share;
}

/* Offset of element `index` of the row-major box `size` in a tensor with `stride`; `axes` axes. */
EC_INLINE size_t ec_offset(uint32_t index, const uint32_t *size, const uint32_t *stride,
                           uint32_t axes)
{
    size_t offset = 0;
    for (uint32_t axis = axes; axis-- > 0;) {
        if (size[axis] == 1) {
            continue;
        }
        if (index < size[axis]) { /* nothing is left for the outer axes: no division */
            return offset + (size_t)index * stride[axis];
        }
        offset += (size_t)(index % size[axis]) * stride[axis];
        index /= size[axis];
    }
    return offset;
}

EC_INLINE int32_t ec_rescale(int32_t acc, int32_t multiplier, int32_t bias, uint32_t shift)
{
    return (int32_t)ec_add_shift((uint32_t)(acc * multiplier), (uint32_t)bias, shift);
}

/* Clip to the range of `type` and store. */
EC_INLINE void ec_store(void *y, size_t index, ec_type type, int32_t value)
{
    if (type == EC_I8) {
        ((int8_t *)y)[index] = (int8_t)ec_clip_i8(value);
    } else if (type == EC_U8) {
        ((uint8_t *)y)[index] = (uint8_t)ec_clip_u8(value);
    } else if (type == EC_I16) {
        ((int16_t *)y)[index] = (int16_t)ec_clip_i16(value);
    } else {
        ((int32_t *)y)[index] = value;
    }
}

/* The last step of products: table or residual or neither, see ec_linear. */
EC_INLINE void ec_finish(void *y, size_t index, ec_type type, int32_t value, const int8_t *table,
                         const int16_t *residual)
{
    if (table != NULL) {
        value = table[ec_clip_i8(value) + 128];
    } else if (residual != NULL) {
        value = ec_clip_i16(value) + *residual;
    }
    ec_store(y, index, type, value);
}

#endif
