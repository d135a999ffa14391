/*
 * Strided copies and fills: data movement inside of L1.
 *
 * The order of the axes is free. Where x and y run along different axes, blocks of four by four
 * bytes or two by two halves are transposed in registers; everything else goes in runs along the
 * longest axis. Strides are in bytes.
 */
#include "ec_xpulp.h"

enum { AXES = 5 };

typedef struct {
    uint32_t size, x, y;
} axis;

typedef struct {
    axis axes[AXES];
    uint32_t count; /* of axes, the innermost one of y last */
    uint32_t element;
} copying;

/* `count` bytes, a word at a time; neither side need be aligned. */
static void copy_bytes(const uint8_t *x, uint8_t *y, uint32_t count)
{
    uint32_t words = count >> 3;
    if (words > 0) {
        __asm__ volatile(EC_ASM_BEGIN
                         EC_ASM_LOOP("x0", "%[n]", 4)
                         EC_ASM_LW("t0", "4", "%[x]")
                         EC_ASM_LW("t1", "4", "%[x]")
                         EC_ASM_SW("t0", "4", "%[y]")
                         EC_ASM_LAST EC_ASM_SW("t1", "4", "%[y]")
                         EC_ASM_END
                         : [x] "+&r"(x), [y] "+&r"(y)
                         : [n] "r"(words)
                         : "memory", "t0", "t1");
    }
    for (uint32_t i = 0; i < (count & 7); ++i) {
        y[i] = x[i];
    }
}

/* A run of elements that lie `x_step` and `y_step` bytes apart, two at a time. */
#define EC_COPY_ELEMENTS(name, type, load, store)                                               \
    static void name(const uint8_t *x, uint32_t x_step, uint8_t *y, uint32_t y_step,            \
                     uint32_t count)                                                            \
    {                                                                                           \
        if (count > 1) {                                                                        \
            __asm__ volatile(EC_ASM_BEGIN EC_ASM_LOOP("x0", "%[n]", 4)                          \
                             load("t0", "%[x_step]", "%[x]") load("t1", "%[x_step]", "%[x]")    \
                             store("t0", "%[y_step]", "%[y]")                                   \
                             EC_ASM_LAST store("t1", "%[y_step]", "%[y]") EC_ASM_END            \
                             : [x] "+&r"(x), [y] "+&r"(y)                                       \
                             : [n] "r"(count >> 1), [x_step] "r"(x_step), [y_step] "r"(y_step)  \
                             : "memory", "t0", "t1");                                           \
        }                                                                                       \
        if (count & 1) {                                                                        \
            *(type *)y = *(const type *)x;                                                      \
        }                                                                                       \
    }

typedef uint16_t half __attribute__((may_alias));
EC_COPY_ELEMENTS(copy_1, uint8_t, EC_ASM_LBU_R, EC_ASM_SB_R)
EC_COPY_ELEMENTS(copy_2, half, EC_ASM_LHU_R, EC_ASM_SH_R)
EC_COPY_ELEMENTS(copy_4, ec_word, EC_ASM_LW_R, EC_ASM_SW_R)

static void copy_run(const copying *c, const axis *run, const uint8_t *x, uint8_t *y,
                     uint32_t count)
{
    if (run->x == c->element && run->y == c->element) {
        copy_bytes(x, y, count * c->element);
    } else if (c->element == 1) {
        copy_1(x, run->x, y, run->y, count);
    } else if (c->element == 2) {
        copy_2(x, run->x, y, run->y, count);
    } else {
        copy_4(x, run->x, y, run->y, count);
    }
}

/* Offsets of element `index` of the box of `count` axes. */
static void locate(const axis *axes, uint32_t count, uint32_t index, size_t *x, size_t *y)
{
    while (count-- > 0 && index > 0) {
        const uint32_t rest = index < axes[count].size ? 0 : index / axes[count].size;
        const uint32_t at = index - rest * axes[count].size;
        *x += (size_t)at * axes[count].x;
        *y += (size_t)at * axes[count].y;
        index = rest;
    }
}

/* Runs along the longest axis. */
static __attribute__((noinline)) void copy_runs(copying *c, const uint8_t *x, uint8_t *y, uint32_t core, uint32_t cores)
{
    const axis inner = c->axes[c->count - 1];
    const int whole = inner.x == c->element && inner.y == c->element && inner.size >= 8;
    uint32_t longest = c->count - 1;
    for (uint32_t i = 0; !whole && i < c->count; ++i) {
        longest = c->axes[i].size > c->axes[longest].size ? i : longest;
    }
    const axis run = c->axes[longest];
    uint32_t rows = 1;
    for (uint32_t i = 0; i < c->count; ++i) {
        rows *= i == longest ? 1 : c->axes[i].size;
    }
    c->count -= 1;
    for (uint32_t i = longest; i < c->count; ++i) {
        c->axes[i] = c->axes[i + 1];
    }
    const ec_share s = ec_share_of(rows, run.size, core, cores);
    size_t from = (size_t)s.column * run.x, to = (size_t)s.column * run.y;
    uint32_t index[AXES];
    uint32_t row = s.row;
    for (uint32_t i = c->count; i-- > 0;) {
        const uint32_t rest = i > 0 ? row / c->axes[i].size : 0;
        index[i] = row - rest * c->axes[i].size;
        from += (size_t)index[i] * c->axes[i].x;
        to += (size_t)index[i] * c->axes[i].y;
        row = rest;
    }
    for (uint32_t r = s.row; r < s.row_end; ++r) {
        copy_run(c, &run, x + from, y + to, s.column_end - s.column);
        for (uint32_t i = c->count; i-- > 0;) { /* the next row */
            from += c->axes[i].x;
            to += c->axes[i].y;
            if (++index[i] < c->axes[i].size) {
                break;
            }
            index[i] = 0;
            from -= (size_t)c->axes[i].size * c->axes[i].x;
            to -= (size_t)c->axes[i].size * c->axes[i].y;
        }
    }
}

/*
 * Elements that lie together in one tensor: steps in the other one from even places to odd ones and
 * from odd to even. Two axes are one of these where the inner one has two elements.
 */
typedef struct {
    uint32_t size, even, odd;
} line;

/* Where places of a line, multiples of its granule, are. */
EC_INLINE size_t place_of(const line *l, uint32_t place)
{
    return (size_t)(place >> 1) * (l->even + l->odd) + (place & 1 ? l->even : 0);
}

/* Steps between the loads and between the stores of a block and to the next block. */
typedef struct {
    uint32_t even, odd, next;
} steps;

/* `count` > 0 blocks of four by four bytes. */
static void transpose_bytes(const uint8_t *x, const steps *load, uint8_t *y, const steps *store,
                            uint32_t count)
{
    __asm__ volatile(EC_ASM_BEGIN
                     EC_ASM_LOOP("x0", "%[n]", 18)
                     EC_ASM_LW_R("t0", "%[x_even]", "%[x]")
                     EC_ASM_LW_R("t1", "%[x_odd]", "%[x]")
                     EC_ASM_LW_R("t2", "%[x_even]", "%[x]")
                     EC_ASM_LW_R("t3", "%[x_next]", "%[x]")
                     "mv t4,t0\n mv t5,t2\n"
                     EC_ASM_SHUFFLE2_B("t4", "t1", "%[even]")
                     EC_ASM_SHUFFLE2_B("t0", "t1", "%[odd]")
                     EC_ASM_SHUFFLE2_B("t5", "t3", "%[even]")
                     EC_ASM_SHUFFLE2_B("t2", "t3", "%[odd]")
                     EC_ASM_PACK_H("t1", "t5", "t4")
                     EC_ASM_SHUFFLE2_B("t4", "t5", "%[high]")
                     EC_ASM_PACK_H("t3", "t2", "t0")
                     EC_ASM_SHUFFLE2_B("t0", "t2", "%[high]")
                     EC_ASM_SW_R("t1", "%[y_even]", "%[y]")
                     EC_ASM_SW_R("t4", "%[y_odd]", "%[y]")
                     EC_ASM_SW_R("t3", "%[y_even]", "%[y]")
                     EC_ASM_LAST EC_ASM_SW_R("t0", "%[y_next]", "%[y]")
                     EC_ASM_END
                     : [x] "+&r"(x), [y] "+&r"(y)
                     : [n] "r"(count), [x_even] "r"(load->even), [x_odd] "r"(load->odd),
                       [x_next] "r"(load->next), [y_even] "r"(store->even),
                       [y_odd] "r"(store->odd), [y_next] "r"(store->next),
                       [even] "r"(0x05010400), [odd] "r"(0x07030602), [high] "r"(0x07060302)
                     : "memory", "t0", "t1", "t2", "t3", "t4", "t5");
}

/* `count` > 0 blocks of two by two halves. */
static void transpose_halves(const uint8_t *x, const steps *load, uint8_t *y, const steps *store,
                             uint32_t count)
{
    __asm__ volatile(EC_ASM_BEGIN
                     EC_ASM_LOOP("x0", "%[n]", 6)
                     EC_ASM_LW_R("t0", "%[x_even]", "%[x]")
                     EC_ASM_LW_R("t1", "%[x_next]", "%[x]")
                     EC_ASM_PACK_H("t2", "t1", "t0")
                     EC_ASM_SHUFFLE2_B("t0", "t1", "%[high]")
                     EC_ASM_SW_R("t2", "%[y_even]", "%[y]")
                     EC_ASM_LAST EC_ASM_SW_R("t0", "%[y_next]", "%[y]")
                     EC_ASM_END
                     : [x] "+&r"(x), [y] "+&r"(y)
                     : [n] "r"(count), [x_even] "r"(load->even), [x_next] "r"(load->next),
                       [y_even] "r"(store->even), [y_next] "r"(store->next),
                       [high] "r"(0x07060302)
                     : "memory", "t0", "t1", "t2");
}

/* Blocks one behind the other along `along`, strips of them along `across` and the outer axes. */
typedef struct {
    copying outer;
    line of_x, of_y; /* what lies together in x and in y */
    uint32_t side;
    int along_y; /* whether strips go along of_y */
    uint32_t blocks, groups; /* of a strip; strips of a plane */
    uint32_t whole, last; /* blocks before the one that is moved back, and its place */
    steps load, store;
} transposition;

/* The axis whose step in one tensor is `step`, or the number of axes. */
EC_INLINE uint32_t find(const copying *c, int in_y, uint32_t step)
{
    uint32_t i = 0;
    while (i < c->count && (in_y ? c->axes[i].y : c->axes[i].x) != step) {
        ++i;
    }
    return i;
}

static axis take(copying *c, uint32_t index)
{
    const axis taken = c->axes[index];
    c->count -= 1;
    for (uint32_t i = index; i < c->count; ++i) {
        c->axes[i] = c->axes[i + 1];
    }
    return taken;
}

/* Takes the axes that lie together in one tensor out of `c`; of size 0 where there are none. */
static __attribute__((noinline)) line take_line(copying *c, int in_y)
{
    const uint32_t at = find(c, in_y, c->element);
    if (at == c->count) {
        return (line){0, 0, 0};
    }
    const axis first = take(c, at);
    const uint32_t step = in_y ? first.x : first.y;
    line result = {first.size, step, step};
    const uint32_t next = find(c, in_y, 2 * c->element);
    if (first.size == 2 && c->element == 1 && next < c->count) {
        const axis second = take(c, next);
        result.size = 2 * second.size;
        result.odd = (in_y ? second.x : second.y) - step;
    }
    return result;
}

/* Whether `c` is to be transposed in blocks, and how. */
static int plan(transposition *t, const copying *c)
{
    t->outer = *c;
    t->side = 4 / c->element;
    t->of_y = take_line(&t->outer, 1);
    t->of_x = take_line(&t->outer, 0);
    if (t->of_x.size < t->side || t->of_y.size < t->side) {
        return 0;
    }
    t->along_y = t->of_y.size >= t->of_x.size;
    const line *along = t->along_y ? &t->of_y : &t->of_x;
    const line *across = t->along_y ? &t->of_x : &t->of_y;
    t->blocks = (along->size + t->side - 1) / t->side;
    t->whole = along->size / t->side;
    t->last = along->size - t->side;
    t->groups = (across->size + t->side - 1) / t->side;
    t->load = (steps){t->of_y.even, t->of_y.odd, t->of_y.odd};
    t->store = (steps){t->of_x.even, t->of_x.odd, t->of_x.odd};
    steps *back = t->along_y ? &t->store : &t->load;
    back->next = 4 - (uint32_t)place_of(t->along_y ? &t->of_x : &t->of_y, t->side - 1);
    return 1;
}

/* Where a strip begins in x and y. */
static __attribute__((noinline)) void locate_strip(const transposition *t, uint32_t strip, size_t *x, size_t *y)
{
    const uint32_t plane = strip < t->groups ? 0 : strip / t->groups;
    const line *across = t->along_y ? &t->of_x : &t->of_y;
    uint32_t place = (strip - plane * t->groups) * t->side;
    place = place + t->side <= across->size ? place : across->size - t->side;
    const size_t bytes = (size_t)place * t->outer.element;
    *x = t->along_y ? bytes : place_of(across, place);
    *y = t->along_y ? place_of(across, place) : bytes;
    locate(t->outer.axes, t->outer.count, plane, x, y);
}

/* `count` > 0 blocks from `place` of the strip that begins at x and y. */
static __attribute__((noinline)) void transpose_run(const transposition *t, const uint8_t *x, uint8_t *y, uint32_t place,
                          uint32_t count)
{
    const line *along = t->along_y ? &t->of_y : &t->of_x;
    const size_t bytes = (size_t)place * t->outer.element;
    x += t->along_y ? place_of(along, place) : bytes;
    y += t->along_y ? bytes : place_of(along, place);
    if (t->outer.element == 1) {
        transpose_bytes(x, &t->load, y, &t->store, count);
    } else {
        transpose_halves(x, &t->load, y, &t->store, count);
    }
}

/* Blocks [first, end) of the strip at x and y; the last one is moved back inside. */
static __attribute__((noinline)) void transpose_blocks(const transposition *t, const uint8_t *x, uint8_t *y, uint32_t first,
                             uint32_t end)
{
    const uint32_t whole = end < t->whole ? end : t->whole;
    if (first < whole) {
        transpose_run(t, x, y, first * t->side, whole - first);
    }
    if (whole < end) {
        transpose_run(t, x, y, t->last, 1);
    }
}

/*
 * A strip after the other: cores take neighbouring ones, and each starts a block further on, so that
 * they are in banks of their own whatever the strides. The blocks of the last strips are shared.
 */
static void transpose(const transposition *t, const uint8_t *x, uint8_t *y, uint32_t core,
                      uint32_t cores)
{
    uint32_t strips = t->groups;
    for (uint32_t i = 0; i < t->outer.count; ++i) {
        strips *= t->outer.axes[i].size;
    }
    size_t from, to;
    const uint32_t even = strips - strips % cores;
    const uint32_t turn = t->blocks >= 2 * cores ? core : 0;
    for (uint32_t strip = core; strip < even; strip += cores) {
        locate_strip(t, strip, &from, &to);
        transpose_blocks(t, x + from, y + to, turn, t->blocks);
        transpose_blocks(t, x + from, y + to, 0, turn);
    }
    const uint32_t blocks = (strips - even) * t->blocks;
    const uint32_t end = ec_share_start(blocks, core + 1, cores);
    for (uint32_t block = ec_share_start(blocks, core, cores); block < end;) {
        const uint32_t strip = block / t->blocks;
        const uint32_t first = block - strip * t->blocks;
        const uint32_t left = end - block;
        const uint32_t count = t->blocks - first < left ? t->blocks - first : left;
        locate_strip(t, even + strip, &from, &to);
        transpose_blocks(t, x + from, y + to, first, first + count);
        block += count;
    }
}

/* Copies in blocks, or returns 0 where that cannot be. */
static __attribute__((noinline)) int transposed(const copying *c, const uint8_t *x, uint8_t *y,
                                                uint32_t core, uint32_t cores)
{
    transposition t;
    if (c->element > 2 || !plan(&t, c)) {
        return 0;
    }
    transpose(&t, x, y, core, cores);
    return 1;
}

/* The axes of more than one element; neighbours that follow each other in both tensors merge. */
static void collect(copying *c, const ec_copy_args *a)
{
    c->element = a->element_bytes;
    c->count = 0;
    for (uint32_t i = 0; i < AXES; ++i) {
        if (a->size[i] == 1) {
            continue;
        }
        const axis next = {a->size[i], a->x_stride[i] * c->element, a->y_stride[i] * c->element};
        axis *last = c->axes + c->count;
        if (c->count > 0 && last[-1].x == next.size * next.x &&
            last[-1].y == next.size * next.y) {
            last[-1] = (axis){last[-1].size * next.size, next.x, next.y};
        } else {
            *last = next;
            c->count += 1;
        }
    }
    if (c->count == 0) {
        c->axes[c->count++] = (axis){1, c->element, c->element};
    }
}

/* Elements that stay neighbours move as one of twice the size where everything is even. */
static void widen(copying *c)
{
    while (c->element < 4) {
        axis *inner = &c->axes[c->count - 1];
        uint32_t odd = inner->size & 1;
        for (uint32_t i = 0; i + 1 < c->count; ++i) {
            odd |= (c->axes[i].x | c->axes[i].y) & (2 * c->element - 1);
        }
        if (odd || inner->x != c->element || inner->y != c->element) {
            return;
        }
        c->element *= 2;
        *inner = (axis){inner->size >> 1, c->element, c->element};
        c->count -= inner->size == 1 && c->count > 1;
    }
}

void ec_copy(const ec_copy_args *args, uint32_t core, uint32_t cores)
{
    copying c;
    collect(&c, args);
    if (args->x == NULL) { /* low bytes first: little endian */
        for (uint32_t i = 0; i < c.count; ++i) {
            c.axes[i].x = 0;
        }
        copy_runs(&c, (const uint8_t *)&args->fill, args->y, core, cores);
        return;
    }
    widen(&c);
    const axis *inner = &c.axes[c.count - 1];
    if ((inner->x == c.element && inner->y == c.element) ||
        !transposed(&c, args->x, args->y, core, cores)) {
        copy_runs(&c, args->x, args->y, core, cores);
    }
}
