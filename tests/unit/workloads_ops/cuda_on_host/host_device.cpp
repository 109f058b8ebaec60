// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "host_device.h"

#include "host_device_hooks.h"
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/fp8.h"
#include "workloads/ops/weights.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <mutex>
#include <sys/mman.h>

namespace ridge::workloads::cuda {

namespace {

constexpr std::size_t kRoom = std::size_t{2} << 30;  // of address space: pages come when touched
constexpr std::size_t kAlign = 256;                  // cudaMalloc's

float read(const void* data, ridge_dtype type, std::int64_t at) {
    if (isFp8(type)) return fromFp8(static_cast<const std::uint8_t*>(data)[at], type);
    if (type == RIDGE_DTYPE_BF16) return fromBf16(static_cast<const std::uint16_t*>(data)[at]);
    return static_cast<const float*>(data)[at];
}

void write(void* data, ridge_dtype type, std::int64_t at, float value) {
    if (type == RIDGE_DTYPE_BF16)
        static_cast<std::uint16_t*>(data)[at] = toBf16(value);
    else
        static_cast<float*>(data)[at] = value;
}

// 8 bits of exponent, 10 of mantissa, to nearest.
float tensorFloat(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return std::bit_cast<float>((bits + 0xFFFU + ((bits >> 13) & 1U)) & ~0x1FFFU);
}

class HostDevice;
std::recursive_mutex g_devicesMutex;
std::vector<HostDevice*> g_devices;  // that live

// One lock for everything: a communication thread may wait for what this device was given, and
// touch its memory, while another thread issues.
class HostDevice final : public Device {
public:
    HostDevice(CopiesWhen copiesWhen, WorkWhen workWhen)
        : m_copiesWhen(copiesWhen),
          m_workWhen(workWhen),
          m_memory(static_cast<char*>(::mmap(nullptr, kRoom, PROT_NONE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
        RIDGE_CHECK(m_memory != MAP_FAILED, "no address space for the device's memory");
        for (Mark& mark : m_marks) mark.device = this;
        const std::lock_guard lock(g_devicesMutex);
        g_devices.push_back(this);
    }
    ~HostDevice() override {
        {
            const std::lock_guard lock(g_devicesMutex);
            std::erase(g_devices, this);
        }
        ::munmap(m_memory, kRoom);
    }
    static const HostDeviceHooks& hooks();

    void* allocate(std::size_t bytes) override {
        const std::lock_guard lock(m_mutex);
        if (refused("an allocation")) return nullptr;
        if (m_used + bytes > kRoom) {
            keep(Error{ErrorCode::kMeasurement, "the host's device is full"});
            return nullptr;
        }
        void* data = m_memory + m_used;
        m_used += (bytes + kAlign - 1) / kAlign * kAlign;
        if (m_open > 0) protect(PROT_READ | PROT_WRITE);
        return data;  // anonymous pages are zero
    }
    void toDevice(void* to, const void* from, std::size_t bytes) override {
        if (refused("a copy to the device")) return;
        const auto* first = static_cast<const char*>(from);
        run([this, to, kept = std::vector<char>(first, first + bytes)] {
            const Access access(*this);
            std::memcpy(to, kept.data(), kept.size());
        });
    }
    void toHost(void* to, const void* from, std::size_t bytes) override {
        if (refused("a copy from the device")) return;
        synchronize();
        const Access access(*this);
        std::memcpy(to, from, bytes);
    }
    void zero(void* data, std::size_t bytes) override {
        run([this, data, bytes] {
            const Access access(*this);
            std::memset(data, 0, bytes);
        });
    }
    void multiply(const StridedProduct& product) override {
        run([this, product] { multiplyNow(product); });
    }
    Status canMultiply(ridge_dtype type) const override {
        if (type == RIDGE_DTYPE_F32 || type == RIDGE_DTYPE_BF16 || type == RIDGE_DTYPE_TF32 ||
            type == RIDGE_DTYPE_INT8 || isFp8(type))
            return {};
        return Error{ErrorCode::kUnsupported, "no products of this type on the host's device"};
    }
    void synchronize() override {
        if (!refused("a wait")) runUntil(m_issued);
    }
    void run(const std::function<void()>& work) override {
        const std::lock_guard lock(m_mutex);
        if (m_recording) {
            m_recorded.push_back(work);
            return;
        }
        ++m_issued;
        m_queue.push_back(work);
        if (m_workWhen == WorkWhen::kAtOnce) runUntil(m_issued);
    }
    // What was issued first is done first, up to that number.
    void runUntil(std::uint64_t number) {
        const std::lock_guard lock(m_mutex);
        while (m_issued - m_queue.size() < number) {
            const std::function<void()> work = std::move(m_queue.front());
            m_queue.pop_front();
            work();
        }
    }
    void beginGraph() override { m_recording = true; }
    Result<std::unique_ptr<OperatorGraph>> endGraph() override {
        m_recording = false;
        RIDGE_TRY_STATUS(status());
        return std::unique_ptr<OperatorGraph>(
            std::make_unique<HostGraph>(*this, std::exchange(m_recorded, {})));
    }
    void* allocatePinned(std::size_t bytes) override {
        return m_pinned.emplace_back(std::make_unique<char[]>(bytes)).get();
    }
    std::uint64_t copyBeside(Direction direction, void* to, const void* from, std::size_t bytes,
                             std::uint64_t after) override {
        m_copies.push_back({direction, to, from, bytes, after});
        const std::uint64_t ticket = m_copies.size();
        if (m_copiesWhen == CopiesWhen::kAtOnce) perform(ticket);
        return ticket;
    }
    void waitForCopy(std::uint64_t ticket) override { perform(ticket); }
    void finishCopies() override { performAll(); }
    void* stream() override { return nullptr; }
    void crossStreams(int) override {}
    // A device beside it, of which nobody sees more than this memory.
    int peers() override { return 1; }
    void copyPeer(int, Direction direction, void* own, std::size_t bytes) override {
        run([this, direction, own, bytes] {
            const Access access(*this);
            m_peer.resize(std::max(m_peer.size(), bytes));
            if (direction == Direction::kOut)
                std::memcpy(m_peer.data(), own, bytes);
            else
                std::memcpy(own, m_peer.data(), bytes);
        });
    }
    void* mark() override {
        const std::lock_guard lock(m_mutex);
        Mark& mark = m_marks[m_marked++ % m_marks.size()];
        mark.number = m_issued;
        return &mark;
    }
    void launched() override {}
    std::string describe() const override { return "cuda: on the host"; }
    std::int64_t planCount() const override { return 0; }

protected:
    void open() override {
        const std::lock_guard lock(m_mutex);
        if (m_open++ == 0) protect(PROT_READ | PROT_WRITE);
    }
    void close() override {
        const std::lock_guard lock(m_mutex);
        if (--m_open == 0) protect(PROT_NONE);
    }

private:
    struct Mark {
        HostDevice* device = nullptr;
        std::uint64_t number = 0;  // of what was issued last
    };
    class HostGraph final : public OperatorGraph {
    public:
        HostGraph(HostDevice& device, std::vector<std::function<void()>> works)
            : m_device(device), m_works(std::move(works)) {}
        void launch() override {
            for (const auto& work : m_works) m_device.run(work);
        }
        std::int64_t nodes() const override { return std::ssize(m_works); }

    private:
        HostDevice& m_device;
        std::vector<std::function<void()>> m_works;
    };

    // As a capture of the CUDA runtime would.
    bool refused(const char* what) {
        if (m_recording)
            keep(Error{ErrorCode::kInternal, std::string(what) + " while a graph is recorded"});
        return m_recording;
    }
    void multiplyNow(const StridedProduct& product);
    void protect(int rights) {
        RIDGE_CHECK(m_used == 0 || ::mprotect(m_memory, m_used + 4096 - m_used % 4096, rights) == 0,
                    "mprotect");
    }

    // A copy, behind those that it comes after: `after`, and the earlier ones of its direction.
    void perform(std::uint64_t ticket) {
        if (ticket == 0 || m_copies[ticket - 1].done) return;
        synchronize();  // it begins behind the operators issued before it
        Copy& copy = m_copies[ticket - 1];
        copy.done = true;
        for (std::uint64_t earlier = ticket; --earlier > 0;)
            if (m_copies[earlier - 1].direction == copy.direction) {
                perform(earlier);
                break;
            }
        perform(copy.after);
        const Access access(*this);
        std::memcpy(copy.to, copy.from, copy.bytes);
    }
    void performAll() {
        for (std::uint64_t ticket = 1; ticket <= m_copies.size(); ++ticket) perform(ticket);
    }

    struct Copy {
        Direction direction;
        void* to;
        const void* from;
        std::size_t bytes;
        std::uint64_t after;
        bool done = false;
    };
    CopiesWhen m_copiesWhen;
    WorkWhen m_workWhen;
    std::recursive_mutex m_mutex;
    std::deque<std::function<void()>> m_queue;
    std::uint64_t m_issued = 0;
    bool m_recording = false;
    std::vector<std::function<void()>> m_recorded;
    std::array<Mark, StreamMarks::kMarks> m_marks;
    std::uint64_t m_marked = 0;
    std::vector<char> m_peer;
    std::vector<Copy> m_copies;
    std::vector<std::unique_ptr<char[]>> m_pinned;
    char* m_memory;
    std::size_t m_used = 0;
    int m_open = 0;
};

// int8 into int32. cuBLASLt asks for the summed index last in both, and for fours of all but the
// rows of A.
void multiplyWhole(const StridedProduct& p) {
    RIDGE_CHECK(p.layout == GemmLayout::kNT && p.k % 4 == 0 && p.n % 4 == 0 && p.bias == nullptr &&
                    p.rightType() == RIDGE_DTYPE_INT8 && p.outType == RIDGE_DTYPE_INT32,
                "an int8 product that cuBLASLt does not have");
    const auto* a = static_cast<const std::int8_t*>(p.a);
    const auto* b = static_cast<const std::int8_t*>(p.b);
    auto* c = static_cast<std::int32_t*>(p.c);
    for (std::int64_t batch = 0; batch < p.batch; ++batch)
        for (std::int64_t i = 0; i < p.m; ++i)
            for (std::int64_t j = 0; j < p.n; ++j) {
                std::int32_t sum = 0;
                for (std::int64_t x = 0; x < p.k; ++x)
                    sum += a[batch * p.stepA + i * p.lda + x] * b[batch * p.stepB + j * p.ldb + x];
                std::int32_t& to = c[batch * p.stepC + i * p.ldc + j];
                to = p.beta != 0 ? to + sum : sum;
            }
}

void HostDevice::multiplyNow(const StridedProduct& p) {
    const Access access(*this);
    if (p.type == RIDGE_DTYPE_INT8) return multiplyWhole(p);
    const bool transposedA = p.layout == GemmLayout::kTN;
    const bool transposedB = p.layout == GemmLayout::kNT;
    // What cuBLASLt asks of eight-bit operands: E5M2 on one side at most, the summed index last in
    // both, in sixteens, and no float bias.
    RIDGE_CHECK(!isFp8(p.type) ||
                    (p.layout == GemmLayout::kNT && p.k % kFp8Step == 0 && p.n % kFp8Step == 0 &&
                     p.bias == nullptr && p.rightType() == RIDGE_DTYPE_FP8_E4M3),
                "an fp8 product that cuBLASLt does not have");
    const auto operand = [&](const void* data, ridge_dtype type, std::int64_t at) {
        const float value = read(data, type, at);
        return p.tensorFloat ? tensorFloat(value) : value;
    };
    std::vector<float> column(static_cast<std::size_t>(p.k));
    for (std::int64_t batch = 0; batch < p.batch; ++batch)
        for (std::int64_t j = 0; j < p.n; ++j) {
            for (std::int64_t x = 0; x < p.k; ++x)
                column[static_cast<std::size_t>(x)] =
                    operand(p.b, p.rightType(),
                            batch * p.stepB + (transposedB ? j * p.ldb + x : x * p.ldb + j));
            for (std::int64_t i = 0; i < p.m; ++i) {
                float sum = 0;
                for (std::int64_t x = 0; x < p.k; ++x)
                    sum +=
                        operand(p.a, p.type,
                                batch * p.stepA + (transposedA ? x * p.lda + i : i * p.lda + x)) *
                        column[static_cast<std::size_t>(x)];
                const std::int64_t at = batch * p.stepC + i * p.ldc + j;
                float value = p.alpha * sum;
                for (const float* scale : {p.scaleA, p.scaleB})
                    if (scale != nullptr) value *= *scale;
                if (p.beta != 0) value += p.beta * read(p.c, p.outType, at);
                if (p.bias != nullptr) value += p.bias[j];
                write(p.c, p.outType, at, value);
            }
        }
}

template <typename Body>
void forDevices(const Body& body) {
    const std::lock_guard lock(g_devicesMutex);
    for (HostDevice* device : g_devices) body(*device);
}

const HostDeviceHooks& HostDevice::hooks() {
    static const HostDeviceHooks made{
        .contains =
            [](const void* data, std::size_t bytes) {
                bool found = false;
                forDevices([&](const HostDevice& device) {
                    const auto* at = static_cast<const char*>(data);
                    found = found || (at >= device.m_memory &&
                                      at + bytes <= device.m_memory + device.m_used);
                });
                return found;
            },
        .open = [] { forDevices([](HostDevice& device) { device.open(); }); },
        .close = [] { forDevices([](HostDevice& device) { device.close(); }); },
        .await =
            [](void* event) {
                const Mark& mark = *static_cast<const Mark*>(event);
                mark.device->runUntil(mark.number);
            }};
    return made;
}

}  // namespace

const HostDeviceHooks& hostDeviceHooks() {
    return HostDevice::hooks();
}

std::unique_ptr<Device> makeHostDevice(CopiesWhen copiesWhen, WorkWhen workWhen) {
    return std::make_unique<HostDevice>(copiesWhen, workWhen);
}

std::unique_ptr<Operators> makeOperatorsOnHost(CopiesWhen copiesWhen, WorkWhen workWhen) {
    return std::make_unique<CudaOperators>(makeHostDevice(copiesWhen, workWhen));
}

}  // namespace ridge::workloads::cuda
