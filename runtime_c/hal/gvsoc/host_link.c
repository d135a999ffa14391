#include "host_link.h"

#include "chip.h"

#define OPEN 1
#define WRITE 5
#define READ 6
#define EXIT 0x18
#define EXIT_SUCCESS_CODE 0x20026u

long ec_host_call(long operation, void *argument);

int ec_host_open(const char *path, uint32_t mode)
{
    uint32_t length = 0;
    while (path[length] != '\0')
        ++length;
    uintptr_t block[3] = {(uintptr_t)path, mode, length};
    return (int)ec_host_call(OPEN, block);
}

uint32_t ec_host_read(int file, void *data, uint32_t bytes)
{
    uintptr_t block[3] = {(uintptr_t)file, (uintptr_t)data, bytes};
    return bytes - (uint32_t)ec_host_call(READ, block);
}

uint32_t ec_host_write(int file, const void *data, uint32_t bytes)
{
    uintptr_t block[3] = {(uintptr_t)file, (uintptr_t)data, bytes};
    return bytes - (uint32_t)ec_host_call(WRITE, block);
}

/* The simulator collects a line for every core. */
static void say_byte(char byte)
{
    uint32_t hart;
    __asm__ volatile("csrr %0, mhartid" : "=r"(hart));
    uint32_t offset = ((hart & 31u) << 3) + ((hart >> 5) << 7);
    *(volatile uint8_t *)(STANDARD_OUTPUT + offset) = (uint8_t)byte;
}

void ec_say(const char *text)
{
    while (*text != '\0')
        say_byte(*text++);
}

void ec_say_number(uint32_t value)
{
    char digits[10];
    uint32_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0);
    say_byte(' ');
    while (count > 0)
        say_byte(digits[--count]);
}

void ec_say_hex(uint32_t value)
{
    say_byte(' ');
    for (int32_t shift = 28; shift >= 0; shift -= 4)
        say_byte("0123456789abcdef"[(value >> shift) & 15u]);
}

void ec_say_end(void) { say_byte('\n'); }

void ec_host_exit(int status)
{
    for (;;)
        (void)ec_host_call(EXIT, (void *)(status == 0 ? EXIT_SUCCESS_CODE : 1u));
}
