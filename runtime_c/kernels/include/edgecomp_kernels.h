/*
 * Integer kernels on tiles: one interface for every instruction set.
 *
 * The bits are defined by the numpy functions in edgecomp/ops/q_*.py; runtime_c/kernels/reference
 * states them in C99, and every other implementation must agree with it.
 *
 * Calling. ec_<op>(args, core, cores) is called once for each core in [0, cores), in any order or
 * at the same time. Each call computes its own share of the rows (of the columns, where there are
 * fewer rows than cores); no call reads what another one of the same set writes. There is no
 * barrier, no state and no allocation.
 *
 * Tiles. All tensors are row-major with innermost stride 1 unless strides are given. Sizes and
 * strides count elements. A stride may be larger than the row, so that a kernel works on part of a
 * larger tile. Pointers are aligned to their element. Inputs and outputs do not overlap except
 * where a kernel says so. Sizes of 0 are allowed and give nothing.
 *
 * Numbers. requantize(acc, M, B, S) = clip((acc * M + B) >> S): the shift is arithmetic,
 * 0 <= S <= 31, and acc * M + B must fit int32; the compiler proves it. Clipping is to the range of
 * the output type. M is positive unless said otherwise; zero points and half a step are part of B.
 * Tables of 256 int8 values are indexed by value + 128. Where a sum can be large, pre_shift leaves M
 * enough bits: round_shift(acc) = (acc + (1 << pre_shift >> 1)) >> pre_shift, pre_shift <= 16, and
 * the sum in brackets fits int32.
 */
#ifndef EDGECOMP_KERNELS_H
#define EDGECOMP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element type of a tensor whose type is not fixed by the kernel. */
typedef enum { EC_I8 = 0, EC_U8 = 1, EC_I16 = 2, EC_I32 = 3 } ec_type;

/* ---- linear ------------------------------------------------------------------------------- */

/*
 * y[r, c] = requantize(sum_i x[r, i] * w[c, i], multiplier[c], bias[c], shift)
 *
 * With table: y must be i8 and y = table[y + 128]. With residual: y must be i16, and
 * y = saturate16(residual + y); y may be the residual itself. depth <= 131071.
 */
typedef struct {
    const int8_t *x; /* [rows, depth] */
    const int8_t *w; /* [columns, depth] */
    const int32_t *multiplier; /* [columns] */
    const int32_t *bias; /* [columns] */
    const int8_t *table; /* [256] or NULL */
    const int16_t *residual; /* [rows, columns] or NULL */
    void *y; /* [rows, columns] of y_type: EC_I8, EC_U8 or EC_I16 */
    uint32_t rows, columns, depth;
    uint32_t x_stride, w_stride, residual_stride, y_stride;
    uint32_t shift;
    ec_type y_type;
} ec_linear_args;

void ec_linear(const ec_linear_args *args, uint32_t core, uint32_t cores);

/*
 * y[r, c] = saturate16(x[r, c]), with residual saturate16(saturate16(x[r, c]) + residual[r, c])
 *
 * The end of a layer whose products an accelerator has requantized to 32 bits.
 */
typedef struct {
    const int32_t *x; /* [rows, columns] */
    const int16_t *residual; /* [rows, columns] or NULL */
    int16_t *y; /* [rows, columns] */
    uint32_t rows, columns;
    uint32_t x_stride, residual_stride, y_stride;
} ec_saturate_args;

void ec_saturate(const ec_saturate_args *args, uint32_t core, uint32_t cores);

/* x[i] = x[i] ^ 0x80: int8 to u8 raised by 128, and back. */
typedef struct {
    uint8_t *x; /* [bytes] */
    uint32_t bytes;
} ec_flip_sign_args;

void ec_flip_sign(const ec_flip_sign_args *args, uint32_t core, uint32_t cores);

/* y[r, c] = x[r, c], or 0 outside of x: operands of products whose sizes are no whole words. */
typedef struct {
    const int8_t *x; /* [rows, columns] */
    int8_t *y; /* [y_rows, y_columns], each at least as large */
    uint32_t rows, columns, y_rows, y_columns;
    uint32_t x_stride, y_stride;
} ec_zero_pad_args;

void ec_zero_pad(const ec_zero_pad_args *args, uint32_t core, uint32_t cores);

/*
 * The product of two activations, whose zero points are taken out of the sums: ec_matmul_terms of
 * each operand, ec_matmul_pack of the right one, then ec_matmul.
 *
 * terms[r] = offset + factor * sum_i x[r, i]
 */
typedef struct {
    const int8_t *x; /* [rows, depth] */
    int32_t *terms; /* [rows] */
    uint32_t rows, depth;
    uint32_t x_stride;
    int32_t factor, offset;
} ec_matmul_terms_args;

void ec_matmul_terms(const ec_matmul_terms_args *args, uint32_t core, uint32_t cores);

/*
 * y[c, i] = b[i, c], or b[c, i] with transpose_b; 0 for depth <= i < depth rounded up to four.
 * y begins at a multiple of four bytes, y_stride is one.
 */
typedef struct {
    const int8_t *b; /* [depth, columns], or [columns, depth] with transpose_b */
    int8_t *y; /* [columns, depth rounded up] */
    uint32_t columns, depth;
    uint32_t b_stride, y_stride;
    uint32_t transpose_b;
} ec_matmul_pack_args;

void ec_matmul_pack(const ec_matmul_pack_args *args, uint32_t core, uint32_t cores);

/*
 * acc     = row_terms[r] + column_terms[c] + sum_i a[r, i] * b[c, i]
 * y[r, c] = requantize(acc >> pre_shift, multiplier, bias, shift)
 *
 * Rounding by pre_shift is in the terms. Rows of b are filled with zeros up to a multiple of four
 * bytes; what follows rows of a may be read, three bytes behind the last one too. depth <= 32767.
 */
typedef struct {
    const int8_t *a; /* [rows, depth] */
    const int8_t *b; /* [columns, depth rounded up to four] */
    const int32_t *row_terms; /* [rows] */
    const int32_t *column_terms; /* [columns] */
    void *y; /* [rows, columns] of y_type */
    uint32_t rows, columns, depth;
    uint32_t a_stride, b_stride, y_stride;
    int32_t multiplier, bias;
    uint32_t shift, pre_shift;
    ec_type y_type;
} ec_matmul_args;

void ec_matmul(const ec_matmul_args *args, uint32_t core, uint32_t cores);

/* ---- attention ---------------------------------------------------------------------------- */

/*
 * One head over a tile of queries: scores for each block of keys, softmax weights of whole rows,
 * values block by block, normalisation. Values are interleaved once for all tiles of queries.
 *
 * scores[r, first_column + c] = sum_i q[r, i] * k[c, i] (+ score_bias[r, first_column + c])
 */
typedef struct {
    const int8_t *q; /* [rows, depth] */
    const int8_t *k; /* [columns, depth] */
    const int32_t *score_bias; /* [rows, >= first_column + columns] or NULL */
    int32_t *scores; /* [rows, >= first_column + columns] */
    uint32_t rows, columns, depth;
    uint32_t q_stride, k_stride, score_bias_stride, scores_stride;
    uint32_t first_column;
} ec_attention_scores_args;

void ec_attention_scores(const ec_attention_scores_args *args, uint32_t core, uint32_t cores);

/*
 * scores[r, first_column + c] = requantize(sum_i q[r, i] * k[c, i], multiplier, bias, shift)
 */
typedef struct {
    const int8_t *q; /* [rows, depth] */
    const int8_t *k; /* [columns, depth] */
    int8_t *scores; /* [rows, >= first_column + columns] */
    uint32_t rows, columns, depth;
    uint32_t q_stride, k_stride, scores_stride;
    uint32_t first_column;
    int32_t multiplier, bias; /* multiplier >= 0 */
    uint32_t shift;
} ec_attention_scores_i8_args;

void ec_attention_scores_i8(const ec_attention_scores_i8_args *args, uint32_t core,
                            uint32_t cores);

/*
 * p[r, c] = exp_table[(min(max_c scores[r, c] - scores[r, c], limit) * multiplier) >> shift]
 * sums[r] = sum_c p[r, c]
 *
 * limit * multiplier fits int32 and gives an index of at most 255; exp_table[0] > 0;
 * columns <= 32767. p may overlay the scores row by row: p = (uint8_t *)scores with
 * p_stride = 4 * scores_stride.
 */
typedef struct {
    const int32_t *scores; /* [rows, columns] */
    const uint8_t *exp_table; /* [256] */
    uint8_t *p; /* [rows, columns] */
    int32_t *sums; /* [rows] */
    uint32_t rows, columns;
    uint32_t scores_stride, p_stride;
    int32_t limit, multiplier;
    uint32_t shift;
} ec_attention_softmax_args;

void ec_attention_softmax(const ec_attention_softmax_args *args, uint32_t core, uint32_t cores);

/*
 * p[r, c] = exp_table[max_c scores[r, c] - scores[r, c]]
 * sums[r] = sum_c p[r, c]
 *
 * exp_table[0] > 0; columns <= 32767. p may be the scores, with their stride.
 */
typedef struct {
    const int8_t *scores; /* [rows, columns] */
    const uint8_t *exp_table; /* [256] */
    uint8_t *p; /* [rows, columns] */
    int32_t *sums; /* [rows] */
    uint32_t rows, columns;
    uint32_t scores_stride, p_stride;
} ec_attention_softmax_i8_args;

void ec_attention_softmax_i8(const ec_attention_softmax_i8_args *args, uint32_t core,
                             uint32_t cores);

/*
 * Interleaves a block of values in place: four keys of one column become one word.
 *
 * v[4i + j, 4e + l] and v[4i + l, 4e + j] change places, j and l < 4, in whole blocks of four keys
 * by four columns; what is left over at the ends of either axis stays. Twice is once nothing.
 */
typedef struct {
    int8_t *v; /* [columns, depth] */
    uint32_t columns, depth;
    uint32_t v_stride;
} ec_attention_interleave_args;

void ec_attention_interleave(const ec_attention_interleave_args *args, uint32_t core,
                             uint32_t cores);

/*
 * acc[r, e] = (first ? 0 : acc[r, e]) + sum_c p[r, first_column + c] * v[c, e]
 */
typedef struct {
    const uint8_t *p; /* [rows, >= first_column + columns] */
    const int8_t *v; /* [columns, depth], interleaved */
    int32_t *acc; /* [rows, depth] */
    uint32_t rows, columns, depth;
    uint32_t p_stride, v_stride, acc_stride;
    uint32_t first_column;
    uint32_t first;
} ec_attention_values_args;

void ec_attention_values(const ec_attention_values_args *args, uint32_t core, uint32_t cores);

/*
 * k       = max(bit_length(sums[r]) - 10, 0)        d = (sums[r] << 9) >> k
 * a       = (acc[r, e] - v_zero * sums[r] + (1 << k >> 1)) >> k
 * y[r, e] = requantize(a, (multiplier + d / 2) / d, bias, shift)
 */
typedef struct {
    const int32_t *acc; /* [rows, depth] */
    const int32_t *sums; /* [rows], each in [1, 2**23) */
    void *y; /* [rows, depth] of y_type */
    uint32_t rows, depth;
    uint32_t acc_stride, y_stride;
    int32_t v_zero; /* [-128, 127] */
    int32_t multiplier, bias; /* multiplier >= 0 */
    uint32_t shift;
    ec_type y_type;
} ec_attention_normalize_args;

void ec_attention_normalize(const ec_attention_normalize_args *args, uint32_t core,
                            uint32_t cores);

/*
 * Softmax of rows of 8- or 16-bit scores with normalised output:
 *
 * p       = exp_table[(min(max_c x[r, c] - x[r, c], limit) * score_multiplier) >> score_shift]
 * y[r, c] = requantize((p * (0xFFFFFFFF / sum_c p)) >> 16, multiplier, bias, shift)
 */
typedef struct {
    const void *x; /* [rows, columns] of x_type: EC_I8 or EC_I16 */
    const uint8_t *exp_table; /* [256] */
    void *y; /* [rows, columns] of y_type */
    uint32_t rows, columns;
    uint32_t x_stride, y_stride;
    int32_t limit, score_multiplier;
    uint32_t score_shift;
    int32_t multiplier, bias;
    uint32_t shift;
    ec_type x_type, y_type;
} ec_softmax_args;

void ec_softmax(const ec_softmax_args *args, uint32_t core, uint32_t cores);

/* ---- normalisation ------------------------------------------------------------------------ */

/*
 * Rows to zero mean and unit variance, or with rms to unit mean square; the exact steps are in edgecomp/ops/q_layer_norm.py.
 *
 * gain == NULL: y = clip(round(n * multiplier / (sqrt(columns) * 2**shift)) + zero)
 * otherwise:    y[r, c] = requantize(n10, gain[c], offset[c], gain_shift), n10 the same in int16
 *
 * multiplier in [2**29, 2**30), 6 <= shift <= 60, epsilon_q8 >= 0 in units of the squared step of x
 * with 8 fraction bits, columns <= 65536 (131072 for EC_I8). Rows are never split over cores.
 */
typedef struct {
    const void *x; /* [rows, columns] of x_type: EC_I8 or EC_I16 */
    const int16_t *gain; /* [columns] or NULL */
    const int32_t *offset; /* [columns], with gain */
    void *y; /* [rows, columns] of y_type */
    uint32_t rows, columns;
    uint32_t x_stride, y_stride;
    uint32_t epsilon_q8;
    uint32_t multiplier, shift;
    uint32_t gain_shift;
    int32_t zero;
    ec_type x_type, y_type;
    uint32_t rms; /* 1: the mean stays */
    int32_t x_zero; /* with rms */
} ec_layer_norm_args;

void ec_layer_norm(const ec_layer_norm_args *args, uint32_t core, uint32_t cores);

/* ---- elementwise -------------------------------------------------------------------------- */

/* y[r, c] = table[x[r, c] + 128]. y may be x. */
typedef struct {
    const int8_t *x; /* [rows, columns] */
    const int8_t *table; /* [256] */
    int8_t *y; /* [rows, columns] */
    uint32_t rows, columns;
    uint32_t x_stride, y_stride;
} ec_table_args;

void ec_table(const ec_table_args *args, uint32_t core, uint32_t cores);

/* y[r, c] = requantize(x[r, c], multiplier, bias, shift). y may be x where the types agree. */
typedef struct {
    const void *x; /* [rows, columns] of x_type */
    void *y; /* [rows, columns] of y_type */
    uint32_t rows, columns;
    uint32_t x_stride, y_stride;
    int32_t multiplier, bias; /* the multiplier may be negative */
    uint32_t shift;
    ec_type x_type, y_type;
} ec_requantize_args;

void ec_requantize(const ec_requantize_args *args, uint32_t core, uint32_t cores);

/*
 * y[i] = clip((a[i] * multiplier_a + b[i] * multiplier_b + bias) >> shift) over four axes
 *
 * A stride of 0 broadcasts. Unused outer axes have size 1. Multipliers may be negative. y may be
 * a or b where type and strides agree.
 */
typedef struct {
    const void *a; /* EC_I8 or EC_I16 */
    const void *b; /* EC_I8 or EC_I16 */
    void *y;
    uint32_t size[4];
    uint32_t a_stride[4], b_stride[4], y_stride[4];
    int32_t multiplier_a, multiplier_b, bias;
    uint32_t shift;
    ec_type a_type, b_type, y_type;
} ec_add_args;

void ec_add(const ec_add_args *args, uint32_t core, uint32_t cores);

/* y[i] = requantize((a[i] - zero_a) * (b[i] - zero_b), multiplier, bias, shift); axes as ec_add. */
typedef struct {
    const void *a; /* EC_I8 or EC_I16 */
    const void *b; /* EC_I8 or EC_I16 */
    void *y;
    uint32_t size[4];
    uint32_t a_stride[4], b_stride[4], y_stride[4];
    int32_t zero_a, zero_b; /* within the operand's type */
    int32_t multiplier, bias;
    uint32_t shift;
    ec_type a_type, b_type, y_type;
} ec_mul_args;

void ec_mul(const ec_mul_args *args, uint32_t core, uint32_t cores);

/* ---- reductions and windows --------------------------------------------------------------- */

typedef enum { EC_SUM = 0, EC_MAX = 1, EC_MIN = 2 } ec_reduction;

/*
 * y[i] = requantize(round_shift(reduction over j of x[i, j]), multiplier, bias, shift)
 *
 * i runs over the four kept axes, j over the four reduced axes; unused axes have size 1. Means are
 * sums with 1 / count in the multiplier. Sums fit int32; reduced axes are not empty.
 */
typedef struct {
    const void *x; /* EC_I8 or EC_I16 */
    void *y;
    uint32_t kept[4], reduced[4];
    uint32_t x_kept_stride[4], x_reduced_stride[4], y_stride[4];
    ec_reduction reduction;
    int32_t multiplier, bias;
    uint32_t shift, pre_shift;
    ec_type x_type, y_type;
} ec_reduce_args;

void ec_reduce(const ec_reduce_args *args, uint32_t core, uint32_t cores);

/*
 * d[i, j] = round_shift(x[i, j] - zero_x, drop)
 * r[i] = floor(sqrt(sum over j of d[i, j]^2 << 2 * fraction))
 * y[i] = requantize(r[i], multiplier, bias, shift), or
 * y[i] = table[(e << 5) + (r[i] >> e)] with e = max(0, position of the highest bit of r[i] - 5)
 *
 * Axes as for ec_reduce. The shifted sums are below 2^32. A table is of y_type, EC_I8 or EC_U8.
 */
typedef struct {
    const void *x; /* EC_I8 or EC_I16 */
    const int8_t *table; /* [384] or NULL */
    void *y;
    uint32_t kept[4], reduced[4];
    uint32_t x_kept_stride[4], x_reduced_stride[4], y_stride[4];
    int32_t zero_x;
    uint32_t drop, fraction;
    int32_t multiplier, bias;
    uint32_t shift;
    ec_type x_type, y_type;
} ec_norm_args;

void ec_norm(const ec_norm_args *args, uint32_t core, uint32_t cores);

/*
 * Convolution of one image tile, channels last:
 *
 * y[oy, ox, o] = requantize(sum_{ky, kx, i} x[iy, ix, g + i] * w[o, ky, kx, i],
 *                           multiplier[o], bias[o], shift), then table as in ec_linear
 * iy = oy * stride_h + ky * dilation_h - pad_top,  ix = ox * stride_w + kx * dilation_w - pad_left
 *
 * x outside [0, height) x [0, width) is zero_x: the padding at the bottom and right follows from the
 * output size. The channels of group o / (out_channels / groups) start at g. A tile of the output
 * rows is computed with x pointing at its first input row and pad_top the padding still above it;
 * a tile of the output channels points w, multiplier, bias and y at its first channel (and x at the
 * first channel of its groups, with groups counting those of the tile).
 */
typedef struct {
    const int8_t *x; /* [height, width, channels] */
    const int8_t *w; /* [out_channels, kernel_h, kernel_w, channels / groups] */
    const int32_t *multiplier; /* [out_channels] */
    const int32_t *bias; /* [out_channels] */
    const int8_t *table; /* [256] or NULL */
    void *y; /* [out_height, out_width, out_channels] of y_type */
    uint32_t height, width, channels;
    uint32_t x_row_stride, x_pixel_stride;
    uint32_t out_height, out_width, out_channels;
    uint32_t y_row_stride, y_pixel_stride;
    uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    uint32_t pad_top, pad_left;
    uint32_t groups;
    int32_t zero_x; /* [-128, 127] */
    uint32_t shift;
    ec_type y_type;
} ec_conv_args;

void ec_conv(const ec_conv_args *args, uint32_t core, uint32_t cores);

/*
 * The windows of an image tile as rows of a matrix, of which ec_linear makes a convolution:
 *
 * y[oy * out_width + ox, (ky * kernel_w + kx) * channels + i] = x[iy, ix, i], iy and ix as in ec_conv
 *
 * zero_x outside of the image, and 0 behind the taps up to y_stride, which is their number rounded up
 * to four. y begins at a multiple of four bytes.
 */
typedef struct {
    const int8_t *x; /* [height, width, channels] */
    int8_t *y; /* [out_height * out_width, y_stride] */
    uint32_t height, width, channels;
    uint32_t x_row_stride, x_pixel_stride;
    uint32_t out_height, out_width;
    uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    uint32_t pad_top, pad_left;
    uint32_t y_stride;
    int32_t zero_x; /* [-128, 127] */
} ec_conv_rows_args;

void ec_conv_rows(const ec_conv_rows_args *args, uint32_t core, uint32_t cores);

/*
 * The channels of an image tile one behind the other, each with its padding; for ec_depthwise.
 *
 * y[c, r, i] = x[r - pad_top, i - pad_left, c], zero_x outside of [0, height) x [0, width)
 */
typedef struct {
    const int8_t *x; /* [height, width, channels] */
    int8_t *y; /* [channels, rows, columns], rows without gaps */
    uint32_t height, width, channels;
    uint32_t x_row_stride, x_pixel_stride;
    uint32_t rows, columns;
    uint32_t y_plane_stride;
    uint32_t pad_top, pad_left;
    int32_t zero_x; /* [-128, 127] */
} ec_depthwise_planes_args;

void ec_depthwise_planes(const ec_depthwise_planes_args *args, uint32_t core, uint32_t cores);

/*
 * Convolution of one channel each, out_channels / channels = `multiple` times, without padding:
 *
 * y[oy, ox, o] = requantize(sum_{ky, i} x[o / multiple, oy * stride_h + ky * dilation_h,
 *                                         ox / 4 * 4 * stride_w + i] * w[o, ky, i / 4, ox % 4, i % 4],
 *                           multiplier[o], bias[o], shift), then table as in ec_linear
 *
 * i < 4 * words. Four neighbouring outputs read the same words of x, with weights that lie
 * stride_w further each time and are 0 around. x, w and their strides are multiples of four bytes.
 */
typedef struct {
    const int8_t *x; /* [channels, rows, columns]: see ec_depthwise_planes */
    const int8_t *w; /* [out_channels, kernel_h, words, 4, 4] */
    const int32_t *multiplier; /* [out_channels] */
    const int32_t *bias; /* [out_channels] */
    const int8_t *table; /* [256] or NULL */
    void *y; /* [out_height, out_width, out_channels] of y_type */
    uint32_t multiple;
    uint32_t x_plane_stride, x_row_stride;
    uint32_t out_height, out_width, out_channels;
    uint32_t y_row_stride, y_pixel_stride;
    uint32_t kernel_h, words, stride_h, stride_w, dilation_h;
    uint32_t shift;
    ec_type y_type;
} ec_depthwise_args;

void ec_depthwise(const ec_depthwise_args *args, uint32_t core, uint32_t cores);

/*
 * Pooling of one image tile, channels last; windows and tiles as in ec_conv.
 *
 * EC_MAX: maximum of the window's part inside of x; EC_SUM: sum, zero_x outside of x. Then
 * requantize(round_shift(.), multiplier, bias, shift); an average has 1 / (kernel_h * kernel_w) in the
 * multiplier.
 */
typedef struct {
    const int8_t *x; /* [height, width, channels] */
    void *y; /* [out_height, out_width, channels] of y_type */
    uint32_t height, width, channels;
    uint32_t x_row_stride, x_pixel_stride;
    uint32_t out_height, out_width;
    uint32_t y_row_stride, y_pixel_stride;
    uint32_t kernel_h, kernel_w, stride_h, stride_w;
    uint32_t pad_top, pad_left;
    ec_reduction reduction; /* EC_MAX or EC_SUM */
    int32_t zero_x; /* [-128, 127] */
    int32_t multiplier, bias;
    uint32_t shift, pre_shift;
    ec_type y_type;
} ec_pool_args;

void ec_pool(const ec_pool_args *args, uint32_t core, uint32_t cores);

/* ---- weights of NE16 ----------------------------------------------------------------------- */

/*
 * Activations raised by 128 as 8-bit weights of a 1x1 job of NE16: for each of `outputs` rows of w, for
 * each block of 16 of its `depth` channels, 8 planes of 16 bits. Bit k % 16 of plane b is bit b of
 * w[n, k]; channels behind depth have all bits clear.
 *
 * ec_ne16_pack_rows: w[n, k] = x[n, k], and
 * bias[n] = offset - 128 * multiplier * sum_k (x[n, k] - 128), modulo 2^32: the bias of products that
 * are requantized by multiplier and offset, of other activations that are raised.
 */
typedef struct {
    const uint8_t *x; /* [outputs, depth] */
    uint8_t *y; /* [outputs, ceil(depth / 16), 8, 2] */
    int32_t *bias; /* [outputs] or NULL */
    uint32_t outputs, depth;
    uint32_t x_stride;
    int32_t multiplier, offset;
} ec_ne16_pack_rows_args;

void ec_ne16_pack_rows(const ec_ne16_pack_rows_args *args, uint32_t core, uint32_t cores);

/* ec_ne16_pack_columns: w[n, k] = x[k, n]. y_stride is in bytes and may be larger than a row's. */
typedef struct {
    const uint8_t *x; /* [depth, outputs] */
    uint8_t *y; /* [outputs, ceil(depth / 16), 8, 2] */
    uint32_t outputs, depth;
    uint32_t x_stride, y_stride;
} ec_ne16_pack_columns_args;

void ec_ne16_pack_columns(const ec_ne16_pack_columns_args *args, uint32_t core, uint32_t cores);

/* ---- data movement ------------------------------------------------------------------------ */

/*
 * y[i] = x[i] over five axes, elements of element_bytes (1, 2 or 4) bytes; strides in elements,
 * a stride of 0 in x repeats. Unused outer axes have size 1. Transposes, slices, concatenation,
 * expansion. x == NULL writes `fill`, converted to the element, instead: padding.
 */
typedef struct {
    const void *x; /* or NULL */
    void *y;
    uint32_t size[5];
    uint32_t x_stride[5], y_stride[5];
    uint32_t element_bytes;
    int32_t fill;
} ec_copy_args;

void ec_copy(const ec_copy_args *args, uint32_t core, uint32_t cores);

#ifdef __cplusplus
}
#endif

#endif
