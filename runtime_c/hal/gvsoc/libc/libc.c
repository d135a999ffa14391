/* libc.c - what compilers call without being asked; nothing else of a C library is linked. */
#include "string.h"

#include <stdint.h>

/* Calls to these appear after link-time optimisation has looked for users. */
#define CALLED_BY_COMPILER __attribute__((used))

CALLED_BY_COMPILER void *memset(void *to, int value, size_t bytes)
{
    uint8_t *byte = to;
    while (bytes > 0 && ((uintptr_t)byte & 3u) != 0) {
        *byte++ = (uint8_t)value;
        --bytes;
    }
    uint32_t *word = (uint32_t *)(void *)byte;
    const uint32_t pattern = (uint32_t)(uint8_t)value * 0x01010101u;
    for (; bytes >= 4; bytes -= 4)
        *word++ = pattern;
    byte = (uint8_t *)word;
    while (bytes-- > 0)
        *byte++ = (uint8_t)value;
    return to;
}

/* Words where both sides are aligned, eight at a time to overlap the latency of L2. */
CALLED_BY_COMPILER void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *byte = to;
    const uint8_t *source = from;
    if ((((uintptr_t)byte | (uintptr_t)source) & 3u) == 0) {
        uint32_t *word = (uint32_t *)(void *)byte;
        const uint32_t *words = (const uint32_t *)(const void *)source;
        for (; bytes >= 16; bytes -= 16, word += 4, words += 4) {
            const uint32_t a = words[0], b = words[1], c = words[2], d = words[3];
            word[0] = a;
            word[1] = b;
            word[2] = c;
            word[3] = d;
        }
        for (; bytes >= 4; bytes -= 4)
            *word++ = *words++;
        byte = (uint8_t *)word;
        source = (const uint8_t *)words;
    }
    while (bytes-- > 0)
        *byte++ = *source++;
    return to;
}

CALLED_BY_COMPILER void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *byte = to;
    const uint8_t *source = from;
    if (byte <= source || byte >= source + bytes)
        return memcpy(to, from, bytes);
    while (bytes-- > 0)
        byte[bytes] = source[bytes];
    return to;
}

/* 64-bit shifts and division on a 32-bit core, so that no compiler needs its own library. */
typedef union {
    uint64_t all;
    struct {
        uint32_t low, high;
    } part;
} split;

CALLED_BY_COMPILER uint64_t __ashldi3(uint64_t value, int count)
{
    split v = {value};
    if (count >= 32) {
        v.part.high = v.part.low << (count - 32);
        v.part.low = 0;
    } else if (count > 0) {
        v.part.high = (v.part.high << count) | (v.part.low >> (32 - count));
        v.part.low <<= count;
    }
    return v.all;
}

CALLED_BY_COMPILER uint64_t __lshrdi3(uint64_t value, int count)
{
    split v = {value};
    if (count >= 32) {
        v.part.low = v.part.high >> (count - 32);
        v.part.high = 0;
    } else if (count > 0) {
        v.part.low = (v.part.low >> count) | (v.part.high << (32 - count));
        v.part.high >>= count;
    }
    return v.all;
}

CALLED_BY_COMPILER int64_t __ashrdi3(int64_t value, int count)
{
    split v = {(uint64_t)value};
    const int32_t high = (int32_t)v.part.high;
    if (count >= 32) {
        v.part.low = (uint32_t)(high >> (count - 32));
        v.part.high = (uint32_t)(high >> 31);
    } else if (count > 0) {
        v.part.low = (v.part.low >> count) | (v.part.high << (32 - count));
        v.part.high = (uint32_t)(high >> count);
    }
    return (int64_t)v.all;
}

/* One bit at a time; the remainder goes to *rest. */
static uint64_t divide(uint64_t value, uint64_t by, uint64_t *rest)
{
    uint64_t quotient = 0;
    uint64_t left = 0;
    for (uint32_t i = 0; i < 64; ++i) {
        const uint32_t carry = (uint32_t)(left >> 63);
        left = (left << 1) | (value >> 63);
        value <<= 1;
        quotient <<= 1;
        if (carry || left >= by) {
            left -= by;
            quotient |= 1u;
        }
    }
    *rest = left;
    return quotient;
}

CALLED_BY_COMPILER uint64_t __udivdi3(uint64_t value, uint64_t by)
{
    uint64_t rest;
    if (((value | by) >> 32) == 0)
        return (uint32_t)value / (uint32_t)by;
    return divide(value, by, &rest);
}

CALLED_BY_COMPILER uint64_t __umoddi3(uint64_t value, uint64_t by)
{
    uint64_t rest;
    (void)divide(value, by, &rest);
    return rest;
}

CALLED_BY_COMPILER int64_t __divdi3(int64_t value, int64_t by)
{
    const uint64_t a = value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
    const uint64_t b = by < 0 ? 0u - (uint64_t)by : (uint64_t)by;
    const uint64_t quotient = __udivdi3(a, b);
    return (int64_t)((value < 0) != (by < 0) ? 0u - quotient : quotient);
}

CALLED_BY_COMPILER int64_t __moddi3(int64_t value, int64_t by)
{
    const uint64_t a = value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
    const uint64_t b = by < 0 ? 0u - (uint64_t)by : (uint64_t)by;
    const uint64_t rest = __umoddi3(a, b);
    return (int64_t)(value < 0 ? 0u - rest : rest);
}
