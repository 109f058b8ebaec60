// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The device of the CUDA runtime and cuBLASLt, and the plug-in's entry.
//
// cuBLASLt is column-major. A row-major C = A B is its transpose C' = B' A' there, and a row-major
// matrix read column-major is its own transpose, so B is handed over first and nothing is moved.
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/cuda/local_device.h"
#include "workloads/ops/cuda/plugin.h"
#include "workloads/ops/fp8.h"

#include <array>
#include <cstring>
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace ridge::workloads::cuda {

namespace {

constexpr std::size_t kWorkspace = std::size_t{32} << 20;  // what NVIDIA advises for Hopper
constexpr int kAmpere = 8;                                 // the first with bf16 and tf32
constexpr int kAda = 89;                                   // major and minor: the first with fp8
constexpr int kTuring = 75;                                // likewise: int8 in tensor cores

Status cudaFailed(const char* what, cudaError_t error) {
    if (error == cudaSuccess) return {};
    return Error{ErrorCode::kMeasurement,
                 std::string("CUDA: ") + what + ": " + cudaGetErrorString(error)};
}

Status blasFailed(const char* what, cublasStatus_t error) {
    if (error == CUBLAS_STATUS_SUCCESS) return {};
    return Error{ErrorCode::kMeasurement,
                 std::string("cuBLASLt: ") + what + ": " + cublasLtGetStatusString(error)};
}

cudaDataType_t typeOf(ridge_dtype type) {
    switch (type) {
        case RIDGE_DTYPE_BF16:
            return CUDA_R_16BF;
        case RIDGE_DTYPE_FP8_E4M3:
            return CUDA_R_8F_E4M3;
        case RIDGE_DTYPE_FP8_E5M2:
            return CUDA_R_8F_E5M2;
        case RIDGE_DTYPE_INT8:
            return CUDA_R_8I;
        case RIDGE_DTYPE_INT32:
            return CUDA_R_32I;
        default:
            return CUDA_R_32F;
    }
}

// The largest power of two up to 256 that every matrix of the batch begins at a multiple of.
std::uint32_t alignmentOf(const void* data, std::int64_t step, ridge_dtype type) {
    const auto address = reinterpret_cast<std::uintptr_t>(data) |
                         static_cast<std::uintptr_t>(step * elementBits(type) / 8) | 256U;
    return static_cast<std::uint32_t>(address & (~address + 1));
}

// A product that cuBLASLt has been asked for once: its descriptions and its best algorithm.
class Plan {
public:
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    Plan() = default;
    ~Plan() {
        for (cublasLtMatrixLayout_t layout : {m_first, m_second, m_out})
            if (layout != nullptr) cublasLtMatrixLayoutDestroy(layout);
        if (m_product != nullptr) cublasLtMatmulDescDestroy(m_product);
    }

    Status prepare(cublasLtHandle_t handle, const StridedProduct& product);
    Status run(cublasLtHandle_t handle, const StridedProduct& product, void* workspace,
               cudaStream_t stream);

private:
    template <typename Value>
    Status set(cublasLtMatmulDescAttributes_t attribute, const Value& value) {
        return blasFailed("a product's attribute", cublasLtMatmulDescSetAttribute(
                                                       m_product, attribute, &value, sizeof value));
    }
    // Where the scales of fp8 operands are; B is handed over first.
    Status setScales(const StridedProduct& p) {
        if (!isFp8(p.type)) return {};
        RIDGE_TRY_STATUS(set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, p.scaleB));
        return set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, p.scaleA);
    }
    static Status makeLayout(cublasLtMatrixLayout_t& layout, cudaDataType_t type, std::int64_t rows,
                             std::int64_t columns, std::int64_t ld, std::int64_t batch,
                             std::int64_t step);

    cublasLtMatmulDesc_t m_product = nullptr;
    cublasLtMatrixLayout_t m_first = nullptr, m_second = nullptr, m_out = nullptr;
    cublasLtMatmulAlgo_t m_algorithm{};
};

Status Plan::makeLayout(cublasLtMatrixLayout_t& layout, cudaDataType_t type, std::int64_t rows,
                        std::int64_t columns, std::int64_t ld, std::int64_t batch,
                        std::int64_t step) {
    RIDGE_TRY_STATUS(blasFailed(
        "a matrix", cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(rows),
                                               static_cast<std::uint64_t>(columns), ld)));
    if (batch == 1) return {};
    const auto count = static_cast<std::int32_t>(batch);
    RIDGE_TRY_STATUS(blasFailed(
        "a batch", cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
                                                    &count, sizeof count)));
    return blasFailed("a batch",
                      cublasLtMatrixLayoutSetAttribute(
                          layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step, sizeof step));
}

Status Plan::prepare(cublasLtHandle_t handle, const StridedProduct& p) {
    const bool transposedA = p.layout == GemmLayout::kTN;
    const bool transposedB = p.layout == GemmLayout::kNT;
    const bool whole = p.type == RIDGE_DTYPE_INT8;
    const cublasComputeType_t compute = whole           ? CUBLAS_COMPUTE_32I
                                        : p.tensorFloat ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                        : CUBLAS_COMPUTE_32F;
    RIDGE_TRY_STATUS(
        blasFailed("a product",
                   cublasLtMatmulDescCreate(&m_product, compute, whole ? CUDA_R_32I : CUDA_R_32F)));
    RIDGE_TRY_STATUS(set(CUBLASLT_MATMUL_DESC_TRANSA, transposedB ? CUBLAS_OP_T : CUBLAS_OP_N));
    RIDGE_TRY_STATUS(set(CUBLASLT_MATMUL_DESC_TRANSB, transposedA ? CUBLAS_OP_T : CUBLAS_OP_N));
    if (p.bias != nullptr) {
        RIDGE_TRY_STATUS(set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS));
        RIDGE_TRY_STATUS(set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_32F));
        RIDGE_TRY_STATUS(set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias));
    }
    RIDGE_TRY_STATUS(setScales(p));
    // Sums of two E4M3 operands may be kept in the tensor cores' own, shorter registers: what
    // training does forward, and what the data sheet's rate is of.
    const std::int8_t fast = p.type == RIDGE_DTYPE_FP8_E4M3 ? 1 : 0;
    RIDGE_TRY_STATUS(set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, fast));
    RIDGE_TRY_STATUS(makeLayout(m_first, typeOf(p.rightType()), transposedB ? p.k : p.n,
                                transposedB ? p.n : p.k, p.ldb, p.batch, p.stepB));
    RIDGE_TRY_STATUS(makeLayout(m_second, typeOf(p.type), transposedA ? p.m : p.k,
                                transposedA ? p.k : p.m, p.lda, p.batch, p.stepA));
    RIDGE_TRY_STATUS(makeLayout(m_out, typeOf(p.outType), p.n, p.m, p.ldc, p.batch, p.stepC));

    cublasLtMatmulPreference_t preference = nullptr;
    RIDGE_TRY_STATUS(blasFailed("a preference", cublasLtMatmulPreferenceCreate(&preference)));
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                         &kWorkspace, sizeof kWorkspace);
    // Unless told, the library takes 256 bytes for granted, which slices of a tensor do not keep.
    // It numbers the operands as they are handed over: B first.
    const std::pair<cublasLtMatmulPreferenceAttributes_t, std::uint32_t> alignments[] = {
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignmentOf(p.b, p.stepB, p.rightType())},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignmentOf(p.a, p.stepA, p.type)},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignmentOf(p.c, p.stepC, p.outType)},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignmentOf(p.c, p.stepC, p.outType)}};
    for (const auto& [attribute, bytes] : alignments)
        cublasLtMatmulPreferenceSetAttribute(preference, attribute, &bytes, sizeof bytes);
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        handle, m_product, m_first, m_second, m_out, m_out, preference, 1, &found, &count);
    cublasLtMatmulPreferenceDestroy(preference);
    RIDGE_TRY_STATUS(blasFailed("no algorithm for a product", status));
    if (count == 0) return blasFailed("no algorithm for a product", CUBLAS_STATUS_NOT_SUPPORTED);
    m_algorithm = found.algo;
    return {};
}

Status Plan::run(cublasLtHandle_t handle, const StridedProduct& p, void* workspace,
                 cudaStream_t stream) {
    if (p.bias != nullptr) RIDGE_TRY_STATUS(set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias));
    RIDGE_TRY_STATUS(setScales(p));
    // Factors are of the type that sums are kept in.
    const std::int32_t wholeAlpha = p.alpha != 0 ? 1 : 0, wholeBeta = p.beta != 0 ? 1 : 0;
    const bool whole = p.type == RIDGE_DTYPE_INT8;
    const void* alpha = whole ? static_cast<const void*>(&wholeAlpha) : &p.alpha;
    const void* beta = whole ? static_cast<const void*>(&wholeBeta) : &p.beta;
    return blasFailed("a product", cublasLtMatmul(handle, m_product, alpha, p.b, m_first, p.a,
                                                  m_second, beta, p.c, m_out, p.c, m_out,
                                                  &m_algorithm, workspace, kWorkspace, stream));
}

// Everything that the choice of an algorithm depends on.
auto keyOf(const StridedProduct& p) {
    return std::tuple(p.layout, p.m, p.n, p.k, p.type, p.rightType(), p.outType, p.tensorFloat,
                      p.beta != 0.0F, p.lda, p.stepA, p.ldb, p.stepB, p.ldc, p.stepC, p.batch,
                      alignmentOf(p.a, p.stepA, p.type), alignmentOf(p.b, p.stepB, p.rightType()),
                      alignmentOf(p.c, p.stepC, p.outType),
                      p.bias == nullptr ? 0 : alignmentOf(p.bias, 0, RIDGE_DTYPE_F32));
}

class CudaGraph final : public OperatorGraph {
public:
    CudaGraph(Device& device, cudaStream_t stream, cudaGraph_t graph)
        : m_device(device), m_stream(stream), m_graph(graph) {}
    ~CudaGraph() override {
        // What was launched reads it until it is done.
        (void)cudaStreamSynchronize(m_stream);
        if (m_ready != nullptr) (void)cudaGraphExecDestroy(m_ready);
        if (m_graph != nullptr) (void)cudaGraphDestroy(m_graph);
    }
    Status prepare() {
        std::size_t count = 0;
        RIDGE_TRY_STATUS(cudaFailed("a graph", cudaGraphGetNodes(m_graph, nullptr, &count)));
        m_nodes = static_cast<std::int64_t>(count);
        RIDGE_TRY_STATUS(cudaFailed("a graph", cudaGraphInstantiate(&m_ready, m_graph, 0)));
        // Now, so that the first launch is as quick as the others.
        return cudaFailed("a graph", cudaGraphUpload(m_ready, m_stream));
    }
    void launch() override {
        m_device.keep(cudaFailed("a graph's launch", cudaGraphLaunch(m_ready, m_stream)));
    }
    std::int64_t nodes() const override { return m_nodes; }

private:
    Device& m_device;
    cudaStream_t m_stream;
    cudaGraph_t m_graph = nullptr;
    cudaGraphExec_t m_ready = nullptr;
    std::int64_t m_nodes = 0;
};

// Copies beside the operators' stream: one stream in, one out, an event behind each copy.
class Copies {
public:
    Copies() = default;
    Copies(const Copies&) = delete;
    Copies& operator=(const Copies&) = delete;
    ~Copies() {
        (void)finish();
        for (const cudaStream_t stream : m_streams)
            if (stream != nullptr) cudaStreamDestroy(stream);
        for (const cudaEvent_t event : m_done)
            if (event != nullptr) cudaEventDestroy(event);
        if (m_operators != nullptr) cudaEventDestroy(m_operators);
    }

    Status start() {
        for (cudaStream_t& stream : m_streams)
            RIDGE_TRY_STATUS(cudaFailed("a copy stream",
                                        cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)));
        const auto event = [](cudaEvent_t& made) {
            return cudaFailed("an event", cudaEventCreateWithFlags(&made, cudaEventDisableTiming));
        };
        for (cudaEvent_t& done : m_done) RIDGE_TRY_STATUS(event(done));
        return event(m_operators);
    }
    Status issue(Device::Direction direction, cudaStream_t operators, void* to, const void* from,
                 std::size_t bytes, std::uint64_t after, std::uint64_t& ticket) {
        const bool in = direction == Device::Direction::kIn;
        const cudaStream_t stream = m_streams[in ? 0 : 1];
        RIDGE_TRY_STATUS(cudaFailed("an event", cudaEventRecord(m_operators, operators)));
        RIDGE_TRY_STATUS(cudaFailed("a wait", cudaStreamWaitEvent(stream, m_operators, 0)));
        if (after != 0) RIDGE_TRY_STATUS(holdBack(stream, after));
        RIDGE_TRY_STATUS(cudaFailed(
            "a copy",
            cudaMemcpyAsync(to, from, bytes, in ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost,
                            stream)));
        ticket = ++m_issued;
        return cudaFailed("an event", cudaEventRecord(eventOf(ticket), stream));
    }
    // What is issued to the stream from now on begins when that copy is done.
    Status holdBack(cudaStream_t stream, std::uint64_t ticket) {
        RIDGE_CHECK(ticket <= m_issued && m_issued - ticket < CopyStreams::kTickets,
                    "a copy's ticket is too old");
        return cudaFailed("a wait", cudaStreamWaitEvent(stream, eventOf(ticket), 0));
    }
    Status finish() {
        for (const cudaStream_t stream : m_streams)
            if (stream != nullptr)
                RIDGE_TRY_STATUS(cudaFailed("the copies", cudaStreamSynchronize(stream)));
        return {};
    }

private:
    cudaEvent_t& eventOf(std::uint64_t ticket) { return m_done[ticket % CopyStreams::kTickets]; }

    cudaStream_t m_streams[2] = {};
    cudaEvent_t m_done[CopyStreams::kTickets] = {};
    cudaEvent_t m_operators = nullptr;  // behind the operators issued so far
    std::uint64_t m_issued = 0;
};

// Room on the host's other devices that this one reaches by itself.
class Peers {
public:
    explicit Peers(int own) : m_own(own) {}
    Peers(const Peers&) = delete;
    Peers& operator=(const Peers&) = delete;
    ~Peers() {
        for (const Peer& peer : m_peers)
            if (peer.room != nullptr) cudaFree(peer.room);  // whichever device is current
    }

    Status find() {
        int count = 0;
        RIDGE_TRY_STATUS(cudaFailed("the devices", cudaGetDeviceCount(&count)));
        for (int device = 0; device < count; ++device) {
            int reachable = 0;
            if (device == m_own) continue;
            RIDGE_TRY_STATUS(
                cudaFailed("a peer", cudaDeviceCanAccessPeer(&reachable, m_own, device)));
            if (reachable != 0) m_peers.push_back({device, nullptr, 0});
        }
        return {};
    }
    [[nodiscard]] int count() const { return static_cast<int>(m_peers.size()); }
    Status copy(int number, Device::Direction direction, void* own, std::size_t bytes,
                cudaStream_t stream) {
        Peer& peer = m_peers[static_cast<std::size_t>(number)];
        RIDGE_TRY_STATUS(reserve(peer, bytes));
        const bool out = direction == Device::Direction::kOut;
        return cudaFailed(
            "a copy between devices",
            out ? cudaMemcpyPeerAsync(peer.room, peer.device, own, m_own, bytes, stream)
                : cudaMemcpyPeerAsync(own, m_own, peer.room, peer.device, bytes, stream));
    }

private:
    struct Peer {
        int device;
        void* room;
        std::size_t bytes;
    };
    Status reserve(Peer& peer, std::size_t bytes) {
        if (peer.bytes >= bytes) return {};
        if (peer.room == nullptr)
            RIDGE_TRY_STATUS(cudaFailed("a peer", cudaDeviceEnablePeerAccess(peer.device, 0)));
        RIDGE_TRY_STATUS(cudaFailed("a peer", cudaSetDevice(peer.device)));
        (void)cudaFree(peer.room);
        const cudaError_t error = cudaMalloc(&peer.room, bytes);
        peer.bytes = error == cudaSuccess ? bytes : 0;
        RIDGE_TRY_STATUS(cudaFailed("a peer", cudaSetDevice(m_own)));
        return cudaFailed("a peer's memory", error);
    }

    int m_own;
    std::vector<Peer> m_peers;
};

class CudaDevice final : public Device {
public:
    ~CudaDevice() override {
        if (m_stream != nullptr) cudaStreamSynchronize(m_stream);
        m_copies.reset();
        m_peers.reset();
        if (m_side != nullptr) cudaStreamDestroy(m_side);
        m_plans.clear();
        for (void* data : m_blocks) cudaFree(data);
        for (void* data : m_pinned) cudaFreeHost(data);
        for (const cudaEvent_t event : m_marks)
            if (event != nullptr) cudaEventDestroy(event);
        if (m_handle != nullptr) cublasLtDestroy(m_handle);
        if (m_stream != nullptr) cudaStreamDestroy(m_stream);
    }

    Status start() {
        int count = 0;
        RIDGE_TRY_STATUS(cudaFailed("the devices", cudaGetDeviceCount(&count)));
        m_number = localDevice(count);
        RIDGE_TRY_STATUS(cudaFailed("the device", cudaSetDevice(m_number)));
        RIDGE_TRY_STATUS(
            cudaFailed("the device", cudaGetDeviceProperties(&m_properties, m_number)));
        RIDGE_TRY_STATUS(
            cudaFailed("a stream", cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking)));
        RIDGE_TRY_STATUS(blasFailed("the library", cublasLtCreate(&m_handle)));
        m_workspace = allocate(kWorkspace);
        return status();
    }

    void* allocate(std::size_t bytes) override {
        if (refused("an allocation")) return nullptr;
        void* data = nullptr;
        if (const cudaError_t error = cudaMalloc(&data, bytes); error != cudaSuccess) {
            (void)cudaGetLastError();  // not sticky: others may go on
            keep(Error{ErrorCode::kMeasurement, "no device memory for a buffer of " +
                                                    std::to_string(bytes) +
                                                    " bytes: use a smaller preset"});
            return nullptr;
        }
        m_blocks.push_back(data);
        zero(data, bytes);
        return data;
    }
    void toDevice(void* to, const void* from, std::size_t bytes) override {
        if (refused("a copy to the device")) return;
        // Of pageable memory: returns when `from` has been read.
        keep(cudaFailed("a copy to the device",
                        cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, m_stream)));
    }
    void toHost(void* to, const void* from, std::size_t bytes) override {
        if (refused("a copy from the device")) return;
        keep(cudaFailed("a copy from the device",
                        cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, m_stream)));
        synchronize();
    }
    void zero(void* data, std::size_t bytes) override {
        keep(cudaFailed("a set", cudaMemsetAsync(data, 0, bytes, m_stream)));
    }
    void multiply(const StridedProduct& product) override;
    Status canMultiply(ridge_dtype type) const override;
    void synchronize() override {
        if (refused("a wait")) return;
        keep(cudaFailed("what was issued", cudaStreamSynchronize(m_stream)));
    }
    void* stream() override { return m_stream; }
    void* allocatePinned(std::size_t bytes) override {
        void* data = nullptr;
        if (const cudaError_t error = cudaMallocHost(&data, bytes); error != cudaSuccess) {
            (void)cudaGetLastError();
            keep(Error{ErrorCode::kMeasurement, "no page-locked host memory for a buffer of " +
                                                    std::to_string(bytes) + " bytes"});
            return nullptr;
        }
        m_pinned.push_back(data);
        std::memset(data, 0, bytes);
        return data;
    }
    std::uint64_t copyBeside(Direction direction, void* to, const void* from, std::size_t bytes,
                             std::uint64_t after) override {
        if (m_copies == nullptr) {
            m_copies = std::make_unique<Copies>();
            keep(m_copies->start());
        }
        if (!status().ok()) return 0;
        std::uint64_t ticket = 0;
        keep(m_copies->issue(direction, m_stream, to, from, bytes, after, ticket));
        return ticket;
    }
    void waitForCopy(std::uint64_t ticket) override {
        if (m_copies != nullptr && ticket != 0) keep(m_copies->holdBack(m_stream, ticket));
    }
    void finishCopies() override {
        if (m_copies != nullptr) keep(m_copies->finish());
    }
    void* mark() override {
        cudaEvent_t& event = m_marks[m_marked++ % StreamMarks::kMarks];
        if (event == nullptr)
            keep(cudaFailed("an event", cudaEventCreateWithFlags(&event, cudaEventDisableTiming)));
        keep(cudaFailed("an event", cudaEventRecord(event, m_stream)));
        return status().ok() ? event : nullptr;
    }
    void crossStreams(int times) override {
        if (m_side == nullptr)
            keep(cudaFailed("a stream", cudaStreamCreateWithFlags(&m_side, cudaStreamNonBlocking)));
        for (int i = 0; i < times && status().ok(); ++i) {
            auto* const here = static_cast<cudaEvent_t>(mark());
            if (here == nullptr) return;
            keep(cudaFailed("a wait", cudaStreamWaitEvent(m_side, here, 0)));
            // The same event again: what waits for it waits for its last record.
            keep(cudaFailed("an event", cudaEventRecord(here, m_side)));
            keep(cudaFailed("a wait", cudaStreamWaitEvent(m_stream, here, 0)));
        }
    }
    int peers() override {
        if (m_peers == nullptr) {
            m_peers = std::make_unique<Peers>(m_number);
            keep(m_peers->find());
        }
        return m_peers->count();
    }
    void copyPeer(int peer, Direction direction, void* own, std::size_t bytes) override {
        RIDGE_CHECK(peer >= 0 && peer < peers(), "no such peer");
        if (!refused("a copy between devices"))
            keep(m_peers->copy(peer, direction, own, bytes, m_stream));
    }
    void beginGraph() override {
        m_recording = true;
        // Of this thread only: calls that a capture forbids stay allowed to other threads.
        keep(cudaFailed("the recording of a graph",
                        cudaStreamBeginCapture(m_stream, cudaStreamCaptureModeThreadLocal)));
    }
    Result<std::unique_ptr<OperatorGraph>> endGraph() override {
        cudaGraph_t graph = nullptr;
        m_recording = false;
        const cudaError_t error = cudaStreamEndCapture(m_stream, &graph);
        RIDGE_TRY_STATUS(cudaFailed("the recording of a graph", error));
        RIDGE_TRY_STATUS(status());
        auto made = std::make_unique<CudaGraph>(*this, m_stream, graph);
        RIDGE_TRY_STATUS(made->prepare());
        return std::unique_ptr<OperatorGraph>(std::move(made));
    }
    void launched() override { keep(cudaFailed("a kernel's launch", cudaGetLastError())); }
    std::string describe() const override {
        int runtime = 0;
        cudaRuntimeGetVersion(&runtime);
        return std::string("cuda: ") + m_properties.name + ", CUDA " +
               std::to_string(runtime / 1000) + "." + std::to_string(runtime % 1000 / 10) +
               ", cuBLASLt " + std::to_string(cublasLtGetVersion());
    }
    std::int64_t planCount() const override { return static_cast<std::int64_t>(m_plans.size()); }

private:
    // What a recording cannot hold: it would end it, or be done again with each launch.
    bool refused(const char* what) {
        if (m_recording)
            keep(Error{ErrorCode::kInternal, std::string(what) + " while a graph is recorded"});
        return m_recording;
    }

    cudaDeviceProp m_properties{};
    int m_number = 0;
    bool m_recording = false;
    cudaStream_t m_stream = nullptr;
    cudaStream_t m_side = nullptr;  // once events are to cross to it
    cublasLtHandle_t m_handle = nullptr;
    void* m_workspace = nullptr;
    std::vector<void*> m_blocks, m_pinned;
    std::unique_ptr<Copies> m_copies;  // once one is asked for
    std::unique_ptr<Peers> m_peers;    // likewise
    std::array<cudaEvent_t, StreamMarks::kMarks> m_marks{};
    std::uint64_t m_marked = 0;
    std::map<decltype(keyOf({})), Plan> m_plans;
};

void CudaDevice::multiply(const StridedProduct& product) {
    if (!status().ok()) return;
    const auto [found, isNew] = m_plans.try_emplace(keyOf(product));
    if (isNew) keep(found->second.prepare(m_handle, product));
    if (status().ok()) keep(found->second.run(m_handle, product, m_workspace, m_stream));
}

Status CudaDevice::canMultiply(ridge_dtype type) const {
    if (type == RIDGE_DTYPE_F32) return {};
    if ((type == RIDGE_DTYPE_BF16 || type == RIDGE_DTYPE_TF32) && m_properties.major >= kAmpere)
        return {};
    const int version = 10 * m_properties.major + m_properties.minor;
    if (isFp8(type) && version >= kAda) return {};
    if (type == RIDGE_DTYPE_INT8 && version >= kTuring) return {};
    return Error{ErrorCode::kUnsupported,
                 std::string(m_properties.name) + " has no products of this type in this set"};
}

}  // namespace

}  // namespace ridge::workloads::cuda

extern "C" int ridgeCudaOperators(ridge::workloads::Operators** operators, char* reason,
                                  std::size_t room) {
    using namespace ridge;
    using namespace ridge::workloads;
    const auto say = [&](const std::string& text) {
        std::strncpy(reason, text.c_str(), room - 1);
        reason[room - 1] = '\0';
        return 1;
    };
    int count = 0;
    if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess)
        return say(cudaGetErrorString(error));
    if (count == 0) return say("no device");
    auto device = std::make_unique<cuda::CudaDevice>();
    if (const Status status = device->start(); !status.ok()) return say(status.error().message);
    *operators = new cuda::CudaOperators(std::move(device));
    return 0;
}
