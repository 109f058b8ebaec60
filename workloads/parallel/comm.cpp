// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/comm.h"

#include "workloads/harness/busy_gemm.h"
#include "workloads/harness/context.h"
#include "workloads/parallel/communicator.h"

#include <fmt/format.h>

#include <optional>
#include <ridge/work.h>

namespace ridge::workloads {
namespace {

constexpr std::size_t kGuard = 64;  // elements before and after the data
constexpr float kGuardValue = -12345.0F;

// A float buffer between guards that a collective must not touch.
class GuardedBuffer {
public:
    explicit GuardedBuffer(std::size_t count)
        : m_count(count), m_values(count + 2 * kGuard, kGuardValue) {}
    [[nodiscard]] std::span<float> data() { return std::span(m_values).subspan(kGuard, m_count); }
    [[nodiscard]] bool guardsIntact() const {
        for (std::size_t i = 0; i < kGuard; ++i)
            if (m_values[i] != kGuardValue || m_values[kGuard + m_count + i] != kGuardValue)
                return false;
        return true;
    }

private:
    std::size_t m_count;
    std::vector<float> m_values;
};

// Small integers, different for every rank, element and round: their sums are exact in any order.
float inputValue(int rank, std::size_t element, std::uint64_t round) {
    return static_cast<float>((element * 7 + round * 13 + static_cast<std::size_t>(rank) * 31) %
                              251);
}

void fill(std::span<float> data, int rank, std::uint64_t round) {
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = inputValue(rank, i, round);
}

// Number of elements that differ from the exact sum.
std::size_t wrongElements(std::span<const float> data, int ranks, std::uint64_t round) {
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
        float sum = 0;
        for (int r = 0; r < ranks; ++r) sum += inputValue(r, i, round);
        wrong += data[i] == sum ? 0 : 1;
    }
    return wrong;
}

CheckResult checkAllReduce(Communicator& comm, std::size_t count, bool threaded) {
    constexpr std::uint64_t kRounds = 3;
    std::size_t wrong = 0;
    bool guards = true;
    // One element more than the ranks divide: the last piece of a ring is then shorter than the
    // others.
    const std::size_t odd = count - count % static_cast<std::size_t>(comm.size()) + 1;
    for (const std::size_t elements : {count, odd}) {
        GuardedBuffer buffer(elements);
        for (std::uint64_t round = 0; round < kRounds; ++round) {
            fill(buffer.data(), comm.rank(), round);
            Status status =
                threaded ? comm.allReduceSumAsync(buffer.data()) : comm.allReduceSum(buffer.data());
            if (status.ok()) status = comm.wait();
            if (!status.ok()) return {false, status.error().message};
            wrong += wrongElements(buffer.data(), comm.size(), round);
        }
        guards = guards && buffer.guardsIntact();
    }
    return {wrong == 0 && guards,
            fmt::format("{} of {} elements wrong, guards {}", wrong, kRounds * (count + odd),
                        guards ? "intact" : "overwritten")};
}

std::vector<Metric> busMetrics(std::size_t bytes, int ranks, double seconds) {
    const auto s = static_cast<double>(bytes);
    return {
        {"latency", seconds, "s", Metric::Direction::kLower},
        {"algbw", s / seconds, "B/s", Metric::Direction::kHigher},
        {"busbw", ringAllReduceWireBytes(s, ranks) / seconds, "B/s", Metric::Direction::kHigher}};
}

struct AllReduceShape {
    std::size_t bytes;
    int batch;  // all-reduces per step
    bool threaded;
};

class AllReduce final : public Workload {
public:
    explicit AllReduce(AllReduceShape shape) : m_shape(shape) {}

    Status prepare() override {
        m_comm = runContext().communicator;
        if (!m_comm) return Error{ErrorCode::kUnsupported, "no communicator"};
        m_buffer.emplace(m_shape.bytes / sizeof(float));
        fill(m_buffer->data(), m_comm->rank(), 0);
        return {};
    }
    CheckResult check() override {
        return checkAllReduce(*m_comm, m_shape.bytes / sizeof(float), m_shape.threaded);
    }
    void step(std::uint64_t index) override {
        // In place, values grow by the number of ranks each time: refill before they leave float's
        // range.
        for (int i = 0; i < m_shape.batch; ++i) {
            if ((index * static_cast<std::uint64_t>(m_shape.batch) +
                 static_cast<std::uint64_t>(i)) %
                    16 ==
                0)
                fill(m_buffer->data(), m_comm->rank(), index);
            Status status = m_shape.threaded ? m_comm->allReduceSumAsync(m_buffer->data())
                                             : m_comm->allReduceSum(m_buffer->data());
            if (m_shape.threaded && status.ok()) status = m_comm->wait();
            if (!status.ok() && m_status.ok()) m_status = std::move(status);
        }
    }
    CheckResult finish() override {
        if (!m_status.ok()) return {false, m_status.error().message};
        return {m_buffer->guardsIntact(), "guards after the timed steps"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        return busMetrics(m_shape.bytes, m_comm->size(), timing.medianStepSeconds / m_shape.batch);
    }

private:
    AllReduceShape m_shape;
    Communicator* m_comm = nullptr;
    std::optional<GuardedBuffer> m_buffer;
    Status m_status;
};

constexpr std::size_t kOverlapBytes = std::size_t{16} << 20;
constexpr double kOverlapLink = 0.5e9;

class Overlap final : public Workload {
public:
    explicit Overlap(bool overlapped) : m_overlapped(overlapped) {}

    Status prepare() override {
        m_comm = runContext().communicator;
        if (!m_comm) return Error{ErrorCode::kUnsupported, "no communicator"};
        RIDGE_TRY(m_gemm, BusyGemm::create(512, 16));
        m_buffer.emplace(kOverlapBytes / sizeof(float));
        return {};
    }
    CheckResult check() override {
        CheckResult product = m_gemm->check();
        if (!product.passed) return product;
        CheckResult sum = checkAllReduce(*m_comm, kOverlapBytes / sizeof(float), m_overlapped);
        fill(m_buffer->data(), m_comm->rank(), 0);
        return {sum.passed, product.detail + "; " + sum.detail};
    }
    void step(std::uint64_t) override {
        // Set per step so that a later workload of the process has the bare fabric again.
        m_comm->setLinkLimit(kOverlapLink);
        Status status = m_overlapped ? m_comm->allReduceSumAsync(m_buffer->data())
                                     : m_comm->allReduceSum(m_buffer->data());
        m_gemm->run();
        if (m_overlapped) {
            const WorkRange range("comm.wait");
            if (status.ok()) status = m_comm->wait();
        }
        m_comm->setLinkLimit(0);
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
    }
    CheckResult finish() override {
        if (!m_status.ok()) return {false, m_status.error().message};
        return {m_buffer->guardsIntact(), "guards after the timed steps"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        return {{"link_floor", ringAllReduceWireBytes(kOverlapBytes, m_comm->size()) / kOverlapLink,
                 "s", Metric::Direction::kNone},
                {"flop_per_s", m_gemm->flopsPerRun() / timing.medianStepSeconds, "FLOP/s",
                 Metric::Direction::kHigher}};
    }

private:
    bool m_overlapped;
    Communicator* m_comm = nullptr;
    std::optional<BusyGemm> m_gemm;
    std::optional<GuardedBuffer> m_buffer;
    Status m_status;
};

WorkloadSpec allReduceSpec(const char* label, AllReduceShape shape,
                           std::vector<std::string> presets, std::int64_t steps) {
    WorkloadSpec spec;
    spec.name = fmt::format("comm.allreduce/{}", label);
    spec.params = {{"bytes", std::to_string(shape.bytes)},
                   {"batch", std::to_string(shape.batch)},
                   {"path", shape.threaded ? "thread" : "caller"},
                   {"dtype", "f32"}};
    spec.presets = std::move(presets);
    spec.ranks = 2;
    spec.expected = {"comm_transfer", "communication"};
    spec.warmupSteps = 5;
    spec.steps = steps;
    spec.create = [shape] { return std::make_unique<AllReduce>(shape); };
    return spec;
}

WorkloadSpec overlapSpec(bool overlapped) {
    WorkloadSpec spec;
    spec.name = overlapped ? "comm.overlap/on" : "comm.overlap/off";
    spec.params = {{"bytes", std::to_string(kOverlapBytes)},
                   {"link_bytes_per_s", fmt::format("{:.0f}", kOverlapLink)},
                   {"gemm", "16x512x512x512"},
                   {"dtype", "f32"},
                   {"overlap", overlapped ? "on" : "off"}};
    spec.presets = {"standard", "full"};
    spec.ranks = 2;
    // Hidden behind the product, the link no longer costs anything: what is left to win is in the
    // product.
    spec.expected = overlapped ? Expected{"compute_bound", "compute"}
                               : Expected{"comm_transfer", "communication"};
    if (!overlapped) {
        spec.fasterVariant = "comm.overlap/on";
        spec.change = "comm_hidden";
    }
    spec.warmupSteps = 2;
    spec.steps = 30;
    spec.create = [overlapped] { return std::make_unique<Overlap>(overlapped); };
    return spec;
}

}  // namespace

std::vector<WorkloadSpec> commSpecs() {
    std::vector<WorkloadSpec> specs;
    specs.push_back(
        allReduceSpec("64KiB", {std::size_t{64} << 10, 32, false}, {"standard", "full"}, 300));
    specs.push_back(allReduceSpec("1MiB", {std::size_t{1} << 20, 8, false},
                                  {"smoke", "standard", "full"}, 200));
    specs.push_back(allReduceSpec("1MiB-thread", {std::size_t{1} << 20, 8, true}, {"full"}, 200));
    specs.push_back(
        allReduceSpec("16MiB", {std::size_t{16} << 20, 1, false}, {"standard", "full"}, 60));
    specs.push_back(overlapSpec(false));
    specs.push_back(overlapSpec(true));
    return specs;
}

}  // namespace ridge::workloads
