// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Attention over whole sequences: with stored probabilities and in the textbook's three passes
// (products by the library, one kernel per softmax), and fused.
//
// Fused, forward: a block has kQueries queries of one head, walks over the keys kKeys at a time and
// keeps the running maximum and sum of each row (Milakov and Gimelshein 2018; Dao et al. 2022), so
// that scores live in registers and shared memory only. Backward: the scores are made anew, once by
// the block that has the queries (dQ), once by the block that has the keys (dK, dV): nine products
// instead of seven, but no atomics, so the result is the same every time. 16 x 16 threads; thread
// (x, y) has the elements (y + 16 i, x + 16 j) of every tile.
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/cuda/simt.h"

#include <cmath>

namespace ridge::workloads::cuda {

namespace {

constexpr int kSide = 16;
constexpr float kLowest = -3.0e38F;

float scaleOf(const AttentionArgs& args) {
    return 1.0F / std::sqrt(static_cast<float>(args.headDim));
}

// --- softmax of stored scores -----------------------------------------------------------------

// Block r has row r of all (pair, query) rows; columns after the query are masked when causal.
__global__ void softmaxKernel(std::int64_t tokens, bool causal, float* scores) {
    __shared__ float parts[kWarp];
    float* row = scores + blockIdx.x * tokens;
    const std::int64_t seen = causal ? blockIdx.x % tokens + 1 : tokens;
    float largest = row[0];
    for (std::int64_t i = threadIdx.x; i < seen; i += blockDim.x) largest = fmaxf(largest, row[i]);
    largest = blockMax(largest, parts);
    float sum = 0.0F;
    for (std::int64_t i = threadIdx.x; i < seen; i += blockDim.x) {
        row[i] = expf(row[i] - largest);
        sum += row[i];
    }
    const float factor = 1.0F / blockSum(sum, parts);
    for (std::int64_t i = threadIdx.x; i < tokens; i += blockDim.x)
        row[i] = i < seen ? row[i] * factor : 0.0F;
}

// gradient = scale p (gradient - sum p gradient), row by row.
__global__ void softmaxGradientKernel(std::int64_t tokens, bool causal, float scale, const float* p,
                                      float* gradient) {
    __shared__ float parts[kWarp];
    const float* row = p + blockIdx.x * tokens;
    float* g = gradient + blockIdx.x * tokens;
    const std::int64_t seen = causal ? blockIdx.x % tokens + 1 : tokens;
    float dot = 0.0F;
    for (std::int64_t i = threadIdx.x; i < seen; i += blockDim.x) dot += row[i] * g[i];
    dot = blockSum(dot, parts);
    for (std::int64_t i = threadIdx.x; i < tokens; i += blockDim.x)
        g[i] = i < seen ? scale * row[i] * (g[i] - dot) : 0.0F;
}

// --- fused --------------------------------------------------------------------------------------

struct FusedArgs {
    std::int64_t heads, tokens, headDim;
    bool causal;
    float scale;
    const float* qkv;
    float* out;
    float* logSums;
    const float* dOut;
    const float* dots;  // per row: sum of out * dOut
    float* dQkv;

    [[nodiscard]] __device__ std::int64_t width() const { return heads * headDim; }
    // Of token t of a pair: where its q lies in qkv (k and v `width` and 2 `width` further).
    [[nodiscard]] __device__ std::int64_t inQkv(std::int64_t pair, std::int64_t t) const {
        return (pair / heads * tokens + t) * 3 * width() + pair % heads * headDim;
    }
    [[nodiscard]] __device__ std::int64_t inOut(std::int64_t pair, std::int64_t t) const {
        return (pair / heads * tokens + t) * width() + pair % heads * headDim;
    }
    [[nodiscard]] __device__ bool sees(std::int64_t query, std::int64_t key) const {
        return query < tokens && key < tokens && (!causal || key <= query);
    }
};

// A tile of rows in shared memory; a column more than needed, so that threads which read a column
// of different rows find them in different banks.
template <int kRows, int kWidth>
struct Tile {
    float values[kRows][kWidth + 1];

    // Rows [first, first + kRows) from `from`, `stride` apart; zeros past `rows` and past
    // `columns`.
    __device__ void load(const float* from, std::int64_t stride, std::int64_t first,
                         std::int64_t rows, std::int64_t columns) {
        const int thread = static_cast<int>(threadIdx.y * kSide + threadIdx.x);
        for (int i = thread; i < kRows * kWidth; i += kSide * kSide) {
            const int row = i / kWidth;
            const int column = i % kWidth;
            values[row][column] = first + row < rows && column < columns
                                      ? from[(first + row) * stride + column]
                                      : 0.0F;
        }
    }
};

// c(i, j) += sum over k of a(row i, k) b(row j, k): this thread's elements of A B^T.
template <int kA, int kB, int kWidth>
__device__ inline void multiplyRows(const Tile<kA, kWidth>& a, const Tile<kB, kWidth>& b,
                                    float (&c)[kA / kSide][kB / kSide]) {
    for (int k = 0; k < kWidth; ++k)
        for (int i = 0; i < kA / kSide; ++i)
            for (int j = 0; j < kB / kSide; ++j)
                c[i][j] +=
                    a.values[threadIdx.y + kSide * i][k] * b.values[threadIdx.x + kSide * j][k];
}

// c(i, j) += sum over k of a(row i, k) b(k, column j).
template <int kA, int kInner, int kWidth>
__device__ inline void multiply(const Tile<kA, kInner>& a, const Tile<kInner, kWidth>& b,
                                float (&c)[kA / kSide][kWidth / kSide]) {
    for (int k = 0; k < kInner; ++k)
        for (int i = 0; i < kA / kSide; ++i)
            for (int j = 0; j < kWidth / kSide; ++j)
                c[i][j] +=
                    a.values[threadIdx.y + kSide * i][k] * b.values[k][threadIdx.x + kSide * j];
}

// c(i, j) += sum over k of a(k, row i) b(k, column j).
template <int kA, int kInner, int kWidth>
__device__ inline void multiplyTransposed(const Tile<kInner, kA>& a, const Tile<kInner, kWidth>& b,
                                          float (&c)[kA / kSide][kWidth / kSide]) {
    for (int k = 0; k < kInner; ++k)
        for (int i = 0; i < kA / kSide; ++i)
            for (int j = 0; j < kWidth / kSide; ++j)
                c[i][j] +=
                    a.values[k][threadIdx.y + kSide * i] * b.values[k][threadIdx.x + kSide * j];
}

// Over the 16 threads of equal y: half a warp.
__device__ inline float lineMax(float value) {
    for (int lanes = kSide / 2; lanes > 0; lanes /= 2)
        value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, lanes));
    return value;
}
__device__ inline float lineSum(float value) {
    for (int lanes = kSide / 2; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync(kAllLanes, value, lanes);
    return value;
}

template <int kWidth, int kQueries, int kKeys>
__global__ void fusedForwardKernel(FusedArgs args) {
    constexpr int kRows = kQueries / kSide;
    __shared__ Tile<kQueries, kWidth> q;
    __shared__ Tile<kKeys, kWidth> keys;  // then values
    __shared__ Tile<kQueries, kKeys> p;
    const std::int64_t pair = blockIdx.y;
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kQueries;
    const std::int64_t stride = 3 * args.width();
    const float* base = args.qkv + args.inQkv(pair, 0);
    q.load(base, stride, first, args.tokens, args.headDim);

    float out[kRows][kWidth / kSide] = {};
    float maxima[kRows];
    float sums[kRows] = {};
    for (float& maximum : maxima) maximum = kLowest;

    const std::int64_t past = first + kQueries < args.tokens ? first + kQueries : args.tokens;
    const std::int64_t end = args.causal ? past : args.tokens;
    for (std::int64_t key = 0; key < end; key += kKeys) {
        __syncthreads();  // the tiles of the turn before are no longer read
        keys.load(base + args.width(), stride, key, args.tokens, args.headDim);
        __syncthreads();
        float scores[kRows][kKeys / kSide] = {};
        multiplyRows(q, keys, scores);
        for (int i = 0; i < kRows; ++i) {
            const std::int64_t query = first + threadIdx.y + kSide * i;
            float top = maxima[i];
            for (int j = 0; j < kKeys / kSide; ++j) {
                const bool seen = args.sees(query, key + threadIdx.x + kSide * j);
                scores[i][j] = seen ? scores[i][j] * args.scale : kLowest;
                top = fmaxf(top, scores[i][j]);
            }
            top = lineMax(top);
            const float factor = expf(maxima[i] - top);
            float sum = 0.0F;
            for (int j = 0; j < kKeys / kSide; ++j) {
                // A row that has seen nothing yet has top == kLowest: exp(0) must not count.
                const float e = scores[i][j] > kLowest ? expf(scores[i][j] - top) : 0.0F;
                p.values[threadIdx.y + kSide * i][threadIdx.x + kSide * j] = e;
                sum += e;
            }
            sums[i] = sums[i] * factor + lineSum(sum);
            maxima[i] = top;
            for (float& value : out[i]) value *= factor;
        }
        __syncthreads();  // keys were read, p is whole
        keys.load(base + 2 * args.width(), stride, key, args.tokens, args.headDim);
        __syncthreads();
        multiply(p, keys, out);
    }
    for (int i = 0; i < kRows; ++i) {
        const std::int64_t query = first + threadIdx.y + kSide * i;
        if (query >= args.tokens) continue;
        for (int j = 0; j < kWidth / kSide; ++j) {
            const int column = static_cast<int>(threadIdx.x) + kSide * j;
            if (column < args.headDim)
                args.out[args.inOut(pair, query) + column] = out[i][j] / sums[i];
        }
        if (threadIdx.x == 0) args.logSums[pair * args.tokens + query] = maxima[i] + logf(sums[i]);
    }
}

// dots(pair, t) = sum of out * dOut over the head's columns: one warp per row.
__global__ void rowDotsKernel(FusedArgs args, float* dots, std::int64_t rows) {
    const std::int64_t row =
        (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
    if (row >= rows) return;  // a whole warp at a time
    const std::int64_t at = args.inOut(row / args.tokens, row % args.tokens);
    float dot = 0.0F;
    for (std::int64_t i = threadIdx.x % kWarp; i < args.headDim; i += kWarp)
        dot += args.out[at + i] * args.dOut[at + i];
    dot = warpSum(dot);
    if (threadIdx.x % kWarp == 0) dots[row] = dot;
}

// This thread's elements of P and of dS for queries [query, ...) and keys [key, ...).
template <int kTile, int kWidth>
__device__ inline void scoreGradients(const FusedArgs& args, std::int64_t pair, std::int64_t query,
                                      std::int64_t key, const Tile<kTile, kWidth>& q,
                                      const Tile<kTile, kWidth>& k, const Tile<kTile, kWidth>& v,
                                      const Tile<kTile, kWidth>& dO,
                                      float (&p)[kTile / kSide][kTile / kSide],
                                      float (&dS)[kTile / kSide][kTile / kSide]) {
    multiplyRows(q, k, p);
    multiplyRows(dO, v, dS);
    for (int i = 0; i < kTile / kSide; ++i)
        for (int j = 0; j < kTile / kSide; ++j) {
            const std::int64_t row = query + threadIdx.y + kSide * i;
            const bool seen = args.sees(row, key + threadIdx.x + kSide * j);
            const std::int64_t at = pair * args.tokens + row;
            p[i][j] = seen ? expf(p[i][j] * args.scale - args.logSums[at]) : 0.0F;
            dS[i][j] = seen ? args.scale * p[i][j] * (dS[i][j] - args.dots[at]) : 0.0F;
        }
}

template <int kTile>
__device__ inline void put(Tile<kTile, kTile>& tile,
                           const float (&c)[kTile / kSide][kTile / kSide]) {
    for (int i = 0; i < kTile / kSide; ++i)
        for (int j = 0; j < kTile / kSide; ++j)
            tile.values[threadIdx.y + kSide * i][threadIdx.x + kSide * j] = c[i][j];
}

template <int kTile, int kWidth>
__device__ inline void write(const FusedArgs& args, float* to, std::int64_t first,
                             const float (&c)[kTile / kSide][kWidth / kSide]) {
    for (int i = 0; i < kTile / kSide; ++i)
        for (int j = 0; j < kWidth / kSide; ++j) {
            const std::int64_t token = first + threadIdx.y + kSide * i;
            const int column = static_cast<int>(threadIdx.x) + kSide * j;
            if (token < args.tokens && column < args.headDim)
                to[token * 3 * args.width() + column] = c[i][j];
        }
}

template <int kWidth, int kTile>
__global__ void fusedQueryGradientKernel(FusedArgs args) {
    __shared__ Tile<kTile, kWidth> q, k, v, dO;
    __shared__ Tile<kTile, kTile> scores;
    const std::int64_t pair = blockIdx.y;
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kTile;
    const std::int64_t stride = 3 * args.width();
    const float* base = args.qkv + args.inQkv(pair, 0);
    q.load(base, stride, first, args.tokens, args.headDim);
    dO.load(args.dOut + args.inOut(pair, 0), args.width(), first, args.tokens, args.headDim);
    float dQ[kTile / kSide][kWidth / kSide] = {};
    const std::int64_t past = first + kTile < args.tokens ? first + kTile : args.tokens;
    const std::int64_t end = args.causal ? past : args.tokens;
    for (std::int64_t key = 0; key < end; key += kTile) {
        __syncthreads();
        k.load(base + args.width(), stride, key, args.tokens, args.headDim);
        v.load(base + 2 * args.width(), stride, key, args.tokens, args.headDim);
        __syncthreads();
        float p[kTile / kSide][kTile / kSide] = {};
        float dS[kTile / kSide][kTile / kSide] = {};
        scoreGradients(args, pair, first, key, q, k, v, dO, p, dS);
        put(scores, dS);
        __syncthreads();
        multiply(scores, k, dQ);
    }
    write<kTile, kWidth>(args, args.dQkv + args.inQkv(pair, 0), first, dQ);
}

template <int kWidth, int kTile>
__global__ void fusedKeyGradientKernel(FusedArgs args) {
    __shared__ Tile<kTile, kWidth> q, k, v, dO;
    __shared__ Tile<kTile, kTile> scores;  // P, then dS
    const std::int64_t pair = blockIdx.y;
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kTile;
    const std::int64_t stride = 3 * args.width();
    const float* base = args.qkv + args.inQkv(pair, 0);
    k.load(base + args.width(), stride, first, args.tokens, args.headDim);
    v.load(base + 2 * args.width(), stride, first, args.tokens, args.headDim);
    float dK[kTile / kSide][kWidth / kSide] = {};
    float dV[kTile / kSide][kWidth / kSide] = {};
    for (std::int64_t query = args.causal ? first : 0; query < args.tokens; query += kTile) {
        __syncthreads();
        q.load(base, stride, query, args.tokens, args.headDim);
        dO.load(args.dOut + args.inOut(pair, 0), args.width(), query, args.tokens, args.headDim);
        __syncthreads();
        float p[kTile / kSide][kTile / kSide] = {};
        float dS[kTile / kSide][kTile / kSide] = {};
        scoreGradients(args, pair, query, first, q, k, v, dO, p, dS);
        put(scores, p);
        __syncthreads();
        multiplyTransposed(scores, dO, dV);
        __syncthreads();
        put(scores, dS);
        __syncthreads();
        multiplyTransposed(scores, q, dK);
    }
    float* to = args.dQkv + args.inQkv(pair, 0);
    write<kTile, kWidth>(args, to + args.width(), first, dK);
    write<kTile, kWidth>(args, to + 2 * args.width(), first, dV);
}

template <int kWidth, int kQueries, int kKeys>
void forwardOf(Device& device, const FusedArgs& args, std::int64_t pairs) {
    launch(device, fusedForwardKernel<kWidth, kQueries, kKeys>,
           dim3(blocksFor(args.tokens, kQueries), static_cast<unsigned>(pairs)), dim3(kSide, kSide),
           args);
}

template <int kWidth, int kTile>
void backwardOf(Device& device, const FusedArgs& args, std::int64_t pairs) {
    const dim3 grid(blocksFor(args.tokens, kTile), static_cast<unsigned>(pairs));
    launch(device, fusedQueryGradientKernel<kWidth, kTile>, grid, dim3(kSide, kSide), args);
    launch(device, fusedKeyGradientKernel<kWidth, kTile>, grid, dim3(kSide, kSide), args);
}

FusedArgs fusedArgs(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                    const Tensor& logSums) {
    return {args.heads, args.tokens,   args.headDim, args.causal, scaleOf(args), qkv.f32(),
            out.f32(),  logSums.f32(), nullptr,      nullptr,     nullptr};
}

// Shared memory that needs no permission is 48 KiB; wider heads do not fit into it.
Status fits(const AttentionArgs& args) {
    if (args.headDim <= 128) return {};
    return Error{ErrorCode::kUnsupported, "fused attention on CUDA is for heads up to 128 wide"};
}

// A matrix per head of one sequence: rows `row` elements apart, heads `head`.
struct Heads {
    float* data;
    std::int64_t row, head;
};

// The q (0), k (1) or v (2) part of a sequence's rows in qkv.
Heads partOf(const AttentionArgs& args, const Tensor& qkv, std::int64_t sequence, int part) {
    const std::int64_t width = args.heads * args.headDim;
    return {qkv.f32() + sequence * args.tokens * 3 * width + part * width, 3 * width, args.headDim};
}
Heads rowsOf(const AttentionArgs& args, const Tensor& rows, std::int64_t sequence) {
    const std::int64_t width = args.heads * args.headDim;
    return {rows.f32() + sequence * args.tokens * width, width, args.headDim};
}
Heads squareOf(const AttentionArgs& args, float* scores) {
    return {scores, args.tokens, args.tokens * args.tokens};
}
Heads squareOf(const AttentionArgs& args, const Tensor& scores, std::int64_t sequence) {
    return squareOf(args, scores.f32() + sequence * args.heads * args.tokens * args.tokens);
}

// c = alpha op(a) op(b) for all heads of a sequence; (m, n, k) by what c is: scores, or rows.
struct HeadProducts {
    Device& device;
    const AttentionArgs& args;
    bool tensorFloat;

    void operator()(GemmLayout layout, bool scores, const Heads& a, const Heads& b, const Heads& c,
                    float alpha = 1.0F) const {
        device.multiply({.layout = layout,
                         .m = args.tokens,
                         .n = scores ? args.tokens : args.headDim,
                         .k = scores ? args.headDim : args.tokens,
                         .tensorFloat = tensorFloat,
                         .alpha = alpha,
                         .a = a.data,
                         .lda = a.row,
                         .stepA = a.head,
                         .b = b.data,
                         .ldb = b.row,
                         .stepB = b.head,
                         .c = c.data,
                         .ldc = c.row,
                         .stepC = c.head,
                         .batch = args.heads});
    }
};

dim3 scoreRows(const AttentionArgs& args) {
    return {static_cast<unsigned>(args.batch * args.heads * args.tokens)};
}

}  // namespace

void CudaOperators::doAttentionScores(const AttentionArgs& args, const Tensor& qkv,
                                      const Tensor& scores) {
    const HeadProducts products{*m_device, args, tensorFloat()};
    for (std::int64_t s = 0; s < args.batch; ++s)
        products(GemmLayout::kNT, true, partOf(args, qkv, s, 0), partOf(args, qkv, s, 1),
                 squareOf(args, scores, s), scaleOf(args));
}

void CudaOperators::doAttentionSoftmax(const AttentionArgs& args, const Tensor& scores) {
    launch(*m_device, softmaxKernel, scoreRows(args), dim3(kBlock), args.tokens, args.causal,
           scores.f32());
}

void CudaOperators::doAttentionValues(const AttentionArgs& args, const Tensor& scores,
                                      const Tensor& qkv, const Tensor& out) {
    const HeadProducts products{*m_device, args, tensorFloat()};
    for (std::int64_t s = 0; s < args.batch; ++s)
        products(GemmLayout::kNN, false, squareOf(args, scores, s), partOf(args, qkv, s, 2),
                 rowsOf(args, out, s));
}

void CudaOperators::doAttentionForward(const AttentionArgs& args, const Tensor& qkv,
                                       const Tensor& probabilities, const Tensor& out) {
    doAttentionScores(args, qkv, probabilities);
    doAttentionSoftmax(args, probabilities);
    doAttentionValues(args, probabilities, qkv, out);
}

void CudaOperators::doAttentionBackward(const AttentionArgs& args, const Tensor& qkv,
                                        const Tensor& probabilities, const Tensor& dOut,
                                        const Tensor& dQkv) {
    const HeadProducts products{*m_device, args, tensorFloat()};
    using enum GemmLayout;
    float* gradient = floats(kScores, args.heads * args.tokens * args.tokens);
    if (gradient == nullptr) return;
    const Heads g = squareOf(args, gradient);
    for (std::int64_t s = 0; s < args.batch; ++s) {
        const Heads p = squareOf(args, probabilities, s);
        const Heads dO = rowsOf(args, dOut, s);
        products(kNT, true, dO, partOf(args, qkv, s, 2), g);
        products(kTN, false, p, dO, partOf(args, dQkv, s, 2));
        launch(*m_device, softmaxGradientKernel,
               dim3(static_cast<unsigned>(args.heads * args.tokens)), dim3(kBlock), args.tokens,
               args.causal, scaleOf(args), static_cast<const float*>(p.data), gradient);
        products(kNN, false, g, partOf(args, qkv, s, 1), partOf(args, dQkv, s, 0));
        products(kTN, false, g, partOf(args, qkv, s, 0), partOf(args, dQkv, s, 1));
    }
}

void CudaOperators::doAttentionFused(const AttentionArgs& args, const Tensor& qkv,
                                     const Tensor& out, const Tensor& logSums) {
    m_device->keep(fits(args));
    const FusedArgs fused = fusedArgs(args, qkv, out, logSums);
    const std::int64_t pairs = args.batch * args.heads;
    if (args.headDim <= 32)
        forwardOf<32, 64, 32>(*m_device, fused, pairs);
    else if (args.headDim <= 64)
        forwardOf<64, 64, 32>(*m_device, fused, pairs);
    else if (args.headDim <= 128)
        forwardOf<128, 32, 32>(*m_device, fused, pairs);
}

void CudaOperators::doAttentionFusedBackward(const AttentionArgs& args, const Tensor& qkv,
                                             const Tensor& out, const Tensor& logSums,
                                             const Tensor& dOut, const Tensor& dQkv) {
    m_device->keep(fits(args));
    const std::int64_t pairs = args.batch * args.heads;
    const std::int64_t rows = pairs * args.tokens;
    float* dots = floats(kPartials, rows);
    if (dots == nullptr) return;
    FusedArgs fused = fusedArgs(args, qkv, out, logSums);
    fused.dOut = dOut.f32();
    fused.dQkv = dQkv.f32();
    launch(*m_device, rowDotsKernel, dim3(blocksFor(rows, kBlock / kWarp)), dim3(kBlock), fused,
           dots, rows);
    fused.dots = dots;
    if (args.headDim <= 32)
        backwardOf<32, 32>(*m_device, fused, pairs);
    else if (args.headDim <= 64)
        backwardOf<64, 32>(*m_device, fused, pairs);
    else if (args.headDim <= 128)
        backwardOf<128, 16>(*m_device, fused, pairs);
}

}  // namespace ridge::workloads::cuda
