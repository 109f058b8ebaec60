// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the CUDA operators need of a device besides kernels: memory, copies, products, one stream on
// which all of it runs in order. cuda_device.cpp has it by the CUDA runtime and cuBLASLt; the tests
// have one on the host (tests/unit/workloads_ops/host_device.h), whose memory can be reached only
// while a kernel or a copy runs.
//
// Nothing throws: the first failure is kept in status(), and calls after it do nothing of use.
// One thread uses a device at a time. Bytes and elements as named.

#include "base/result.h"
#include "workloads/ops/graphs.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace ridge::workloads::cuda {

// For each i of batch: C_i = alpha op(A_i) op(B_i) + beta C_i [+ bias], row-major, rows lda, ldb,
// ldc elements apart, the matrices of a batch step* elements apart.
struct StridedProduct {
    GemmLayout layout = GemmLayout::kNN;
    std::int64_t m = 0, n = 0, k = 0;
    ridge_dtype type = RIDGE_DTYPE_F32;     // of A and B
    ridge_dtype typeB = RIDGE_DTYPE_NONE;   // of B, where it is another (fp8)
    ridge_dtype outType = RIDGE_DTYPE_F32;  // of C
    bool tensorFloat = false;               // f32 operands rounded to tf32 on the way in
    float alpha = 1.0F, beta = 0.0F;        // 0 or 1 where C is int32
    const void* a = nullptr;
    std::int64_t lda = 0, stepA = 0;
    const void* b = nullptr;
    std::int64_t ldb = 0, stepB = 0;
    void* c = nullptr;
    std::int64_t ldc = 0, stepC = 0;
    std::int64_t batch = 1;
    const float* bias = nullptr;  // n floats added to each row; not of eight-bit products
    // One float each in the device's memory that all elements of A or B are times; null: 1. fp8.
    const float* scaleA = nullptr;
    const float* scaleB = nullptr;

    [[nodiscard]] ridge_dtype rightType() const { return typeB == RIDGE_DTYPE_NONE ? type : typeB; }
};

class Device {
public:
    virtual ~Device() = default;
    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    // Zeroed; null and a bad status when there is no room. Freed with this object.
    [[nodiscard]] virtual void* allocate(std::size_t bytes) = 0;
    // In the order of the stream; `from` may change once the call returns.
    virtual void toDevice(void* to, const void* from, std::size_t bytes) = 0;
    // Waits for everything before it and for the copy.
    virtual void toHost(void* to, const void* from, std::size_t bytes) = 0;
    virtual void zero(void* data, std::size_t bytes) = 0;
    virtual void multiply(const StridedProduct& product) = 0;
    [[nodiscard]] virtual Status canMultiply(ridge_dtype type) const = 0;
    virtual void synchronize() = 0;
    [[nodiscard]] virtual void* stream() = 0;
    // What is issued in between is recorded instead of done (ops/graphs.h).
    virtual void beginGraph() {}
    [[nodiscard]] virtual Result<std::unique_ptr<OperatorGraph>> endGraph() {
        return Error{ErrorCode::kUnsupported, "this device records no graphs"};
    }
    // Copies beside the stream (ops/copy_streams.h). No pinned memory: null and a bad status.
    enum class Direction { kIn, kOut };
    [[nodiscard]] virtual void* allocatePinned(std::size_t bytes) = 0;
    virtual std::uint64_t copyBeside(Direction direction, void* to, const void* from,
                                     std::size_t bytes, std::uint64_t after) = 0;
    virtual void waitForCopy(std::uint64_t ticket) = 0;
    virtual void finishCopies() = 0;
    // An event behind everything issued so far (ops/stream_marks.h).
    [[nodiscard]] virtual void* mark() = 0;
    virtual void crossStreams(int times) = 0;
    // Other devices (ops/peer_copies.h); kOut is from this one.
    [[nodiscard]] virtual int peers() = 0;
    virtual void copyPeer(int peer, Direction direction, void* own, std::size_t bytes) = 0;
    // A kernel was handed to the stream: keeps the error if that failed.
    virtual void launched() = 0;
    // The same where the host plays the device: done now, or later in the order of the stream.
    virtual void run(const std::function<void()>& kernel) { kernel(); }
    [[nodiscard]] virtual std::string describe() const = 0;
    [[nodiscard]] virtual std::int64_t planCount() const = 0;

    [[nodiscard]] const Status& status() const { return m_status; }
    void keep(const Status& status) {
        if (m_status.ok() && !status.ok()) m_status = status;
    }

    // While one lives, the device's memory may be touched by whoever plays the device.
    class Access {
    public:
        explicit Access(Device& device) : m_device(device) { m_device.open(); }
        ~Access() { m_device.close(); }
        Access(const Access&) = delete;
        Access& operator=(const Access&) = delete;

    private:
        Device& m_device;
    };

protected:
    virtual void open() {}
    virtual void close() {}

private:
    Status m_status;
};

}  // namespace ridge::workloads::cuda
