// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Stored weights and the KV cache. Few rows: a warp has one row of the weights, reads it once in
// pieces of 16 bytes a lane and holds a sum per row of x. Many rows: the weights are decoded into
// floats and the library multiplies. Attention over the cache: a block has one row and head, each
// of its warps every fourth token, with a running maximum and sum of its own that are joined at the
// end.
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/cuda/simt.h"

#include <cmath>

namespace ridge::workloads::cuda {

namespace {

constexpr int kFewRows = 8;
constexpr int kWarps = 4;        // of a block that attends
constexpr int kMostPerLane = 8;  // elements of a head per lane: heads up to 256 wide
constexpr float kLowest = -3.0e38F;
constexpr int kHalfGroup = static_cast<int>(kGroup / 2);

// --- weights as they are stored ---------------------------------------------------------------
// decode(): the kChunk elements of chunk c of a row, read at once; element e is that at column(c,
// e). single(): element `at` of the whole matrix. 16 bytes (int4: 8) must lie aligned for decode().

struct FloatRow {
    static constexpr int kChunk = 4;
    const float* values;
    const float* scales;
    __device__ static std::int64_t column(std::int64_t chunk, int e) { return chunk * 4 + e; }
    __device__ void decode(std::int64_t first, std::int64_t chunk, float* out) const {
        const float4 raw = *reinterpret_cast<const float4*>(values + first + chunk * kChunk);
        out[0] = raw.x;
        out[1] = raw.y;
        out[2] = raw.z;
        out[3] = raw.w;
    }
    [[nodiscard]] __device__ float single(std::int64_t at) const { return values[at]; }
};

struct Bf16Row {
    static constexpr int kChunk = 8;
    const std::uint16_t* values;
    const float* scales;
    __device__ static std::int64_t column(std::int64_t chunk, int e) { return chunk * 8 + e; }
    __device__ void decode(std::int64_t first, std::int64_t chunk, float* out) const {
        const uint4 raw = *reinterpret_cast<const uint4*>(values + first + chunk * kChunk);
        const unsigned words[] = {raw.x, raw.y, raw.z, raw.w};
        for (int w = 0; w < 4; ++w) {
            out[2 * w] = __uint_as_float(words[w] << 16);
            out[2 * w + 1] = __uint_as_float(words[w] & 0xFFFF0000U);
        }
    }
    [[nodiscard]] __device__ float single(std::int64_t at) const { return widenBf16(values[at]); }
};

struct Int8Row {
    static constexpr int kChunk = 16;
    const std::int8_t* values;
    const float* scales;
    __device__ static std::int64_t column(std::int64_t chunk, int e) { return chunk * 16 + e; }
    __device__ void decode(std::int64_t first, std::int64_t chunk, float* out) const {
        const std::int64_t at = first + chunk * kChunk;
        const uint4 raw = *reinterpret_cast<const uint4*>(values + at);
        const unsigned words[] = {raw.x, raw.y, raw.z, raw.w};
        const float scale = scales[at / kGroup];
        for (int w = 0; w < 4; ++w)
            for (int b = 0; b < 4; ++b)
                out[4 * w + b] =
                    scale * static_cast<float>(static_cast<std::int8_t>(words[w] >> (8 * b)));
    }
    [[nodiscard]] __device__ float single(std::int64_t at) const {
        return scales[at / kGroup] * static_cast<float>(values[at]);
    }
};

// Byte j of a group's 32 holds elements j (low half) and j + 32 (high half), each plus 8. A chunk
// is 8 bytes: 8 elements, and the 8 that are 32 further.
struct Int4Row {
    static constexpr int kChunk = 16;
    const std::uint8_t* values;
    const float* scales;
    __device__ static std::int64_t column(std::int64_t chunk, int e) {
        return chunk / 4 * kGroup + chunk % 4 * 8 + (e < 8 ? e : kHalfGroup + e - 8);
    }
    __device__ void decode(std::int64_t first, std::int64_t chunk, float* out) const {
        const std::int64_t at = first + chunk * kChunk;
        const uint2 raw = *reinterpret_cast<const uint2*>(values + at / 2);
        const unsigned words[] = {raw.x, raw.y};
        const float scale = scales[at / kGroup];
        for (int w = 0; w < 2; ++w)
            for (int b = 0; b < 4; ++b) {
                const int both = static_cast<int>(words[w] >> (8 * b));
                out[4 * w + b] = scale * static_cast<float>((both & 15) - 8);
                out[8 + 4 * w + b] = scale * static_cast<float>(((both >> 4) & 15) - 8);
            }
    }
    [[nodiscard]] __device__ float single(std::int64_t at) const {
        const std::int64_t place = at % kGroup;
        const int both = values[at / kGroup * kHalfGroup + place % kHalfGroup];
        return scales[at / kGroup] *
               static_cast<float>((place < kHalfGroup ? both & 15 : both >> 4) - 8);
    }
};

// y(r, row) = W(row) x(r) + bias(row) for kRows rows r.
template <typename Row, int kRows>
__global__ void fewRowsKernel(Row weights, std::int64_t n, std::int64_t k, const float* x,
                              const float* bias, float* y) {
    const std::int64_t row =
        (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
    if (row >= n) return;  // a whole warp at a time
    const int lane = static_cast<int>(threadIdx.x % kWarp);
    // Rows of other lengths do not begin where 16 bytes may be read at once.
    const std::int64_t chunks = k % Row::kChunk == 0 ? k / Row::kChunk : 0;
    float sums[kRows] = {};
    for (std::int64_t chunk = lane; chunk < chunks; chunk += kWarp) {
        float w[Row::kChunk];
        weights.decode(row * k, chunk, w);
        for (int r = 0; r < kRows; ++r)
            for (int e = 0; e < Row::kChunk; ++e)
                sums[r] += w[e] * x[r * k + Row::column(chunk, e)];
    }
    for (std::int64_t i = chunks * Row::kChunk + lane; i < k; i += kWarp) {
        const float w = weights.single(row * k + i);
        for (int r = 0; r < kRows; ++r) sums[r] += w * x[r * k + i];
    }
    for (int r = 0; r < kRows; ++r) {
        const float sum = warpSum(sums[r]);
        if (lane == 0) y[r * n + row] = bias != nullptr ? sum + bias[row] : sum;
    }
}

template <typename Row>
__global__ void unpackKernel(Row weights, std::int64_t count, float* out) {
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
    for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         i < count; i += stride)
        out[i] = weights.single(i);
}

template <typename Row, int kRows>
void fewRowsOf(Device& device, const Row& weights, const Weight& weight, const float* x,
               const float* bias, float* y, std::int64_t rows) {
    if (rows == kRows) {
        launch(device, fewRowsKernel<Row, kRows>, dim3(blocksFor(weight.n, kBlock / kWarp)),
               dim3(kBlock), weights, weight.n, weight.k, x, bias, y);
    } else if constexpr (kRows > 1) {
        fewRowsOf<Row, kRows - 1>(device, weights, weight, x, bias, y, rows);
    }
}

// Calls body(row reader) for the way in which the weights are stored.
template <typename Body>
void withRows(const Weight& weight, Body&& body) {
    const float* scales = weight.scales.empty() ? nullptr : weight.scales.f32();
    switch (weight.storage()) {
        case Storage::kF32:
            return body(FloatRow{weight.values.f32(), scales});
        case Storage::kBf16:
            return body(Bf16Row{weight.values.bf16(), scales});
        case Storage::kInt8:
            return body(Int8Row{weight.values.i8(), scales});
        case Storage::kInt4:
            return body(Int4Row{static_cast<const std::uint8_t*>(weight.values.data), scales});
    }
}

// --- the cache ----------------------------------------------------------------------------------

__device__ inline float valueAt(const float* values, const float*, std::int64_t at, std::int64_t) {
    return values[at];
}
__device__ inline float valueAt(const std::uint16_t* values, const float*, std::int64_t at,
                                std::int64_t) {
    return widenBf16(values[at]);
}
__device__ inline float valueAt(const std::int8_t* values, const float* scales, std::int64_t at,
                                std::int64_t scale) {
    return scales[scale] * static_cast<float>(values[at]);
}

// Blocks of tokens: blocks x heads x tokens x headDim, scales without the last.
template <typename Value>
struct Paged {
    Value* keys;
    Value* values;
    float* keyScales;
    float* valueScales;
    std::int64_t heads, headDim, block;
    const std::int32_t* rows;
    const std::int32_t* positions;
    const std::int32_t* first;
    const std::int32_t* blocks;

    // Of a token and head: its scale; its first element is headDim times that.
    [[nodiscard]] __device__ std::int64_t place(std::int64_t entry, std::int64_t head,
                                                std::int64_t token) const {
        return (blocks[first[entry] + token / block] * heads + head) * block + token % block;
    }
    [[nodiscard]] __device__ std::int64_t element(std::int64_t place) const {
        return place * headDim;
    }
    [[nodiscard]] __device__ std::int64_t row(std::int64_t entry) const { return rows[entry]; }
    [[nodiscard]] __device__ std::int64_t context(std::int64_t entry) const {
        return positions[entry] + 1;
    }
};

// One sequence, a row of all heads per token; one query.
struct Plain {
    const float* keys;
    const float* values;
    const float* keyScales;
    const float* valueScales;
    std::int64_t heads, headDim, tokens;

    [[nodiscard]] __device__ std::int64_t place(std::int64_t, std::int64_t head,
                                                std::int64_t token) const {
        return token * heads + head;
    }
    [[nodiscard]] __device__ std::int64_t element(std::int64_t place) const {
        return place * headDim;
    }
    [[nodiscard]] __device__ std::int64_t row(std::int64_t) const { return 0; }
    [[nodiscard]] __device__ std::int64_t context(std::int64_t) const { return tokens; }
};

// Block (entry, head). A lane has elements lane, lane + 32, ... of the head.
template <typename Cache>
__global__ void attendKernel(Cache cache, float scale, const float* qkv, float* out) {
    __shared__ float maxima[kWarps];
    __shared__ float sums[kWarps];
    __shared__ float parts[kWarps][kWarp * kMostPerLane];
    const std::int64_t entry = blockIdx.x;
    const std::int64_t head = blockIdx.y;
    const std::int64_t width = cache.heads * cache.headDim;
    const std::int64_t context = cache.context(entry);
    const int warp = static_cast<int>(threadIdx.x / kWarp);
    const int lane = static_cast<int>(threadIdx.x % kWarp);
    const float* query = qkv + cache.row(entry) * 3 * width + head * cache.headDim;
    float q[kMostPerLane];
    float mine[kMostPerLane] = {};
    for (int i = 0; i < kMostPerLane; ++i)
        q[i] = lane + kWarp * i < cache.headDim ? query[lane + kWarp * i] * scale : 0.0F;

    float maximum = kLowest;
    float sum = 0.0F;
    for (std::int64_t token = warp; token < context; token += kWarps) {
        const std::int64_t place = cache.place(entry, head, token);
        const std::int64_t at = cache.element(place) + lane;
        float dot = 0.0F;
        for (int i = 0; i < kMostPerLane; ++i)
            if (lane + kWarp * i < cache.headDim)
                dot += q[i] * valueAt(cache.keys, cache.keyScales, at + kWarp * i, place);
        dot = warpSum(dot);
        const float top = fmaxf(maximum, dot);
        const float factor = expf(maximum - top);
        const float weight = expf(dot - top);
        sum = sum * factor + weight;
        maximum = top;
        for (int i = 0; i < kMostPerLane; ++i)
            if (lane + kWarp * i < cache.headDim)
                mine[i] = mine[i] * factor +
                          weight * valueAt(cache.values, cache.valueScales, at + kWarp * i, place);
    }
    if (lane == 0) {
        maxima[warp] = maximum;
        sums[warp] = sum;
    }
    for (int i = 0; i < kMostPerLane; ++i) parts[warp][lane + kWarp * i] = mine[i];
    __syncthreads();
    float top = maxima[0];
    for (int w = 1; w < kWarps; ++w) top = fmaxf(top, maxima[w]);
    float total = 0.0F;
    for (int w = 0; w < kWarps; ++w) total += sums[w] * expf(maxima[w] - top);
    float* to = out + cache.row(entry) * width + head * cache.headDim;
    for (int i = static_cast<int>(threadIdx.x); i < cache.headDim; i += kWarps * kWarp) {
        float value = 0.0F;
        for (int w = 0; w < kWarps; ++w) value += parts[w][i] * expf(maxima[w] - top);
        to[i] = value / total;
    }
}

// One warp writes `count` elements in the cache's type.
__device__ inline void storeHead(const float* from, std::int64_t count, float* to, float*) {
    for (std::int64_t i = threadIdx.x; i < count; i += kWarp) to[i] = from[i];
}
__device__ inline void storeHead(const float* from, std::int64_t count, std::uint16_t* to, float*) {
    for (std::int64_t i = threadIdx.x; i < count; i += kWarp) to[i] = roundToBf16(from[i]);
}
__device__ inline void storeHead(const float* from, std::int64_t count, std::int8_t* to,
                                 float* scale) {
    float largest = 0.0F;
    for (std::int64_t i = threadIdx.x; i < count; i += kWarp)
        largest = fmaxf(largest, fabsf(from[i]));
    largest = warpMax(largest);
    const float step = largest / 127.0F;
    for (std::int64_t i = threadIdx.x; i < count; i += kWarp) {
        const float level = step > 0.0F ? rintf(from[i] / step) : 0.0F;
        to[i] = static_cast<std::int8_t>(fminf(fmaxf(level, -127.0F), 127.0F));
    }
    if (threadIdx.x == 0) *scale = step;
}

template <typename Value>
__global__ void storeKernel(Paged<Value> cache, const float* qkv) {
    const std::int64_t entry = blockIdx.x;
    const std::int64_t head = blockIdx.y;
    const std::int64_t width = cache.heads * cache.headDim;
    const std::int64_t place = cache.place(entry, head, cache.positions[entry]);
    const float* row = qkv + cache.rows[entry] * 3 * width + head * cache.headDim;
    storeHead(row + width, cache.headDim, cache.keys + cache.element(place),
              cache.keyScales + place);
    storeHead(row + 2 * width, cache.headDim, cache.values + cache.element(place),
              cache.valueScales + place);
}

__global__ void appendKernel(const float* qkv, float* keys, float* values, std::int64_t at,
                             std::int64_t width) {
    const float* row = qkv + blockIdx.x * 3 * width;
    const std::int64_t to = (at + blockIdx.x) * width;
    for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x) {
        keys[to + i] = row[width + i];
        values[to + i] = row[2 * width + i];
    }
}

template <typename Value>
Paged<Value> paged(const KvCache& cache) {
    return {static_cast<Value*>(cache.keys.data),
            static_cast<Value*>(cache.values.data),
            orNull(cache.keyScales),
            orNull(cache.valueScales),
            cache.heads,
            cache.headDim,
            cache.block,
            nullptr,
            nullptr,
            nullptr,
            nullptr};
}

// Calls body(cache) with the cache in its type.
template <typename Body>
void withCache(const KvCache& cache, Body&& body) {
    if (cache.storage() == Storage::kInt8) return body(paged<std::int8_t>(cache));
    if (cache.storage() == Storage::kBf16) return body(paged<std::uint16_t>(cache));
    body(paged<float>(cache));
}

Status fits(std::int64_t headDim) {
    if (headDim <= kWarp * kMostPerLane) return {};
    return Error{ErrorCode::kUnsupported, "attention on CUDA is for heads up to 256 wide"};
}

float scaleOf(std::int64_t headDim) {
    return 1.0F / std::sqrt(static_cast<float>(headDim));
}

}  // namespace

void CudaOperators::doLinear(const Weight& weight, const Tensor& x, const Tensor& bias,
                             const Tensor& y, std::int64_t rows) {
    if (rows <= kFewRows) {
        withRows(weight, [&](const auto& reader) {
            fewRowsOf<std::decay_t<decltype(reader)>, kFewRows>(*m_device, reader, weight, x.f32(),
                                                                orNull(bias), y.f32(), rows);
        });
        return;
    }
    Tensor unpacked = weight.values;
    if (weight.storage() != Storage::kF32) {
        float* to = floats(kWeights, weight.n * weight.k);
        if (to == nullptr) return;
        withRows(weight, [&](const auto& reader) {
            launch(*m_device, unpackKernel<std::decay_t<decltype(reader)>>,
                   dim3(blocksFor(weight.n * weight.k, 4 * kBlock)), dim3(kBlock), reader,
                   weight.n * weight.k, to);
        });
        unpacked = {to, weight.n * weight.k, RIDGE_DTYPE_F32};
    }
    doGemm(productOf({unpacked, {}, weight.n, weight.k}, x, bias, y, rows));
}

void CudaOperators::doGemv(const Tensor& weight, const Tensor& x, const Tensor& bias,
                           const Tensor& y, std::int64_t n, std::int64_t k) {
    doLinear({weight, {}, n, k}, x, bias, y, 1);
}

CudaOperators::Places CudaOperators::findPlaces(const KvCache& cache,
                                                std::span<const CacheRows> rows) {
    std::int64_t count = 0, blocks = 0;
    for (const CacheRows& part : rows) {
        count += part.rows;
        blocks += std::ssize(part.blocks);
    }
    m_wanted.resize(static_cast<std::size_t>(3 * count));
    std::int64_t entry = 0;
    for (const CacheRows& part : rows) {
        const auto begin = static_cast<std::int32_t>(std::ssize(m_wanted) - 3 * count);
        const std::int64_t used = (part.position + part.rows + cache.block - 1) / cache.block;
        m_wanted.insert(m_wanted.end(), part.blocks.begin(), part.blocks.begin() + used);
        for (std::int64_t r = 0; r < part.rows; ++r, ++entry) {
            m_wanted[static_cast<std::size_t>(entry)] =
                static_cast<std::int32_t>(part.firstRow + r);
            m_wanted[static_cast<std::size_t>(count + entry)] =
                static_cast<std::int32_t>(part.position + r);
            m_wanted[static_cast<std::size_t>(2 * count + entry)] = begin;
        }
    }
    // Room for all that these sequences may grow to: a recorded pass knows one address.
    const std::int64_t room = 4 * (3 * count + blocks);
    if (m_rooms[kPlaces].bytes < room) {
        m_places.clear();
        ++m_placesMoved;
    }
    auto* to = static_cast<std::int32_t*>(scratch(kPlaces, room));
    if (to == nullptr) return {};
    if (m_wanted != m_places) {
        m_device->toDevice(to, m_wanted.data(), 4 * m_wanted.size());
        std::swap(m_wanted, m_places);
    }
    return {to, to + count, to + 2 * count, to + 3 * count, count};
}

// What was recorded reads places where they were then.
class CudaOperators::PlacedGraph final : public OperatorGraph {
public:
    PlacedGraph(CudaOperators& ops, std::unique_ptr<OperatorGraph> graph)
        : m_ops(ops), m_placesMoved(ops.m_placesMoved), m_graph(std::move(graph)) {}
    void launch() override {
        if (m_placesMoved == m_ops.m_placesMoved) return m_graph->launch();
        m_ops.device().keep(Error{ErrorCode::kInternal,
                                  "a graph whose rows have been placed elsewhere since: record it "
                                  "after the largest pass"});
    }
    std::int64_t nodes() const override { return m_graph->nodes(); }

private:
    CudaOperators& m_ops;
    std::uint64_t m_placesMoved;
    std::unique_ptr<OperatorGraph> m_graph;
};

void CudaOperators::beginGraph() {
    forgetQuantisedWeights();
    m_device->beginGraph();
}

Result<std::unique_ptr<OperatorGraph>> CudaOperators::endGraph() {
    forgetQuantisedWeights();
    RIDGE_TRY(auto graph, m_device->endGraph());
    return std::unique_ptr<OperatorGraph>(std::make_unique<PlacedGraph>(*this, std::move(graph)));
}

void CudaOperators::doCacheStore(const Tensor& qkv, const KvCache& cache,
                                 std::span<const CacheRows> rows) {
    const Places places = findPlaces(cache, rows);
    withCache(cache, [&](auto typed) {
        typed.rows = places.rows;
        typed.positions = places.positions;
        typed.first = places.first;
        typed.blocks = places.blocks;
        using Value = std::remove_pointer_t<decltype(typed.keys)>;
        launch(*m_device, storeKernel<Value>,
               dim3(static_cast<unsigned>(places.count), static_cast<unsigned>(cache.heads)),
               dim3(kWarp), typed, qkv.f32());
    });
}

void CudaOperators::doAttentionCached(const Tensor& qkv, const KvCache& cache,
                                      std::span<const CacheRows> rows, const Tensor& out) {
    m_device->keep(fits(cache.headDim));
    const Places places = findPlaces(cache, rows);
    withCache(cache, [&](auto typed) {
        typed.rows = places.rows;
        typed.positions = places.positions;
        typed.first = places.first;
        typed.blocks = places.blocks;
        launch(*m_device, attendKernel<decltype(typed)>,
               dim3(static_cast<unsigned>(places.count), static_cast<unsigned>(cache.heads)),
               dim3(kWarps * kWarp), typed, scaleOf(cache.headDim), qkv.f32(), out.f32());
    });
}

void CudaOperators::doCacheAppend(const Tensor& qkv, const Tensor& keys, const Tensor& values,
                                  std::int64_t at, std::int64_t rows, std::int64_t width) {
    launch(*m_device, appendKernel, dim3(static_cast<unsigned>(rows)), dim3(kBlock), qkv.f32(),
           keys.f32(), values.f32(), at, width);
}

void CudaOperators::doAttentionDecode(std::int64_t heads, std::int64_t headDim,
                                      std::int64_t context, const Tensor& qkv, const Tensor& keys,
                                      const Tensor& values, const Tensor& out) {
    m_device->keep(fits(headDim));
    const Plain plain{keys.f32(), values.f32(), nullptr, nullptr, heads, headDim, context};
    launch(*m_device, attendKernel<Plain>, dim3(1, static_cast<unsigned>(heads)),
           dim3(kWarps * kWarp), plain, scaleOf(headDim), qkv.f32(), out.f32());
}

}  // namespace ridge::workloads::cuda
