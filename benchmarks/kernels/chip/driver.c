/*
 * A server of kernel calls on the simulated chip. The host writes requests into a pipe and reads
 * answers from another one; both are opened by semihosting.
 *
 * request: op, cores, size of the arguments, size of the image; arguments; image of ARENA
 * answer:  cycles, then core 0's instructions, load stalls, instruction cache misses; image
 *
 * The arguments are the kernel's structure with addresses inside of ARENA.
 */
#include "edgecomp_kernels.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define ARENA 0x10004800u
#define EVENT_UNIT 0x10204000u
#define CLUSTER_CONTROL 0x10200000u

enum { CORES = 9, OPEN = 1, WRITE0 = 4, WRITE = 5, READ = 6, EXIT_REQUEST = -1 };
enum { READ_BINARY = 1, WRITE_BINARY = 5 };
enum { INSTRUCTIONS = 1, LOAD_STALLS = 2, CACHE_MISSES = 4 };

typedef void kernel(const void *args, uint32_t core, uint32_t cores);

int32_t semihost(int32_t operation, const void *argument);
void sim_exit(int32_t status) __attribute__((noreturn));
void report_trap(uint32_t cause, uint32_t address, uint32_t core);
void cluster_main(uint32_t core);
int main(void);
extern char cluster_boot[];

#include "kernel_list.h" /* static kernel *const kernels[] */

static struct {
    int32_t op;
    uint32_t cores, args_bytes, image_bytes;
} request;
static struct {
    uint32_t cycles, instructions, load_stalls, cache_misses;
} answer;
static uint32_t args[64] __attribute__((section(".l1"))); /* as a project's: in L1 */
static volatile uint32_t go, done, ready;

#define READ_CSR(csr)                                                                           \
    ({                                                                                          \
        uint32_t value_;                                                                        \
        __asm__ volatile("csrr %0, " #csr : "=r"(value_) : : "memory");                         \
        value_;                                                                                 \
    })

static void barrier(void)
{
    uint32_t ignored;
    __asm__ volatile(".insn i 0x03, 6, %0, 0x21c(%1)" : "=r"(ignored) : "r"(EVENT_UNIT) : "memory");
}

/* The request and the answer lie in L2: neither is read nor written while time is measured. */
static void call_kernel(uint32_t core)
{
    kernel *const function = kernels[request.op];
    const uint32_t cores = request.cores;
    barrier();
    __asm__ volatile("csrw 0x79f, %0\n csrw 0xcc0, %1\n csrw 0xcc1, %2"
                     :
                     : "r"(0), "r"(0x7fffffff), "r"(1)
                     : "memory");
    const uint32_t start = READ_CSR(mcycle);
    for (uint32_t share = core; share < cores; share += CORES) {
        function(args, share, cores);
    }
    const uint32_t instructions = READ_CSR(0x781);
    const uint32_t load_stalls = READ_CSR(0x782);
    const uint32_t cache_misses = READ_CSR(0x784);
    barrier();
    const uint32_t end = READ_CSR(mcycle);
    if (core == 0) {
        answer.instructions = instructions;
        answer.load_stalls = load_stalls;
        answer.cache_misses = cache_misses;
        answer.cycles = end - start;
    }
}

void cluster_main(uint32_t core)
{
    REG(EVENT_UNIT + 0x08) = 1u << 16;
    if (core == 0) {
        REG(EVENT_UNIT + 0x200) = (1u << CORES) - 1;
        REG(EVENT_UNIT + 0x20c) = (1u << CORES) - 1;
        ready = 1;
    }
    while (ready == 0) {
    }
    for (;;) {
        while (core == 0 && go == 0) {
        }
        barrier();
        call_kernel(core);
        if (core == 0) {
            go = 0;
            done = 1;
        }
    }
}

static void transfer(int32_t operation, int32_t file, void *data, uint32_t size)
{
    const uint32_t block[3] = {(uint32_t)file, (uint32_t)data, size};
    if (size > 0 && semihost(operation, block) != 0) {
        sim_exit(1);
    }
}

static int32_t open_pipe(const char *path, uint32_t size, uint32_t mode)
{
    const uint32_t block[3] = {(uint32_t)path, mode, size};
    return semihost(OPEN, block);
}

void report_trap(uint32_t cause, uint32_t address, uint32_t core)
{
    static char text[] = "trap: cause ........ address ........ core ........\n";
    const uint32_t values[3] = {cause, address, core};
    static const uint8_t places[3] = {12, 29, 43};
    for (uint32_t i = 0; i < 3; ++i) {
        for (uint32_t digit = 0; digit < 8; ++digit) {
            text[places[i] + digit] = "0123456789abcdef"[(values[i] >> (28 - 4 * digit)) & 15];
        }
    }
    semihost(WRITE0, text);
}

int main(void)
{
    REG(0x1a108800) = 1; /* instruction caches on */
    REG(0x10201400) = 1;
    const int32_t in = open_pipe("requests", 8, READ_BINARY);
    const int32_t out = open_pipe("answers", 7, WRITE_BINARY);
    for (uint32_t core = 0; core < CORES; ++core) {
        REG(CLUSTER_CONTROL + 0x40 + 4 * core) = (uint32_t)cluster_boot;
    }
    REG(CLUSTER_CONTROL + 0x08) = (1u << CORES) - 1;
    for (;;) {
        transfer(READ, in, &request, sizeof request);
        if (request.op == EXIT_REQUEST) {
            sim_exit(0);
        }
        transfer(READ, in, args, request.args_bytes);
        transfer(READ, in, (void *)ARENA, request.image_bytes);
        done = 0;
        __asm__ volatile("" : : : "memory");
        go = 1;
        while (done == 0) {
        }
        transfer(WRITE, out, &answer, sizeof answer);
        transfer(WRITE, out, (void *)ARENA, request.image_bytes);
    }
}
