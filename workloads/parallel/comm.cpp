// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// comm.<op>/<size>: one collective at one size.
#include "workloads/parallel/comm.h"

#include "base/clock.h"
#include "base/free_memory.h"
#include "workloads/harness/context.h"
#include "workloads/harness/quantile.h"
#include "workloads/parallel/exact.h"
#include "workloads/parallel/rank_env.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace ridge::workloads {
namespace {

using formulas::Collective;

constexpr std::array kOperations{Collective::kAllReduce,     Collective::kAllGather,
                                 Collective::kReduceScatter, Collective::kAllToAll,
                                 Collective::kBroadcast,     Collective::kSendRecv};
constexpr std::int64_t kWarmup = 5;
constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;

double seconds(std::int64_t ns) {
    return static_cast<double>(ns) / 1e9;
}

struct SweepShape {
    Collective op = Collective::kAllReduce;
    std::size_t bytes = 0;
    int batch = 1;  // per place and step
    bool threaded = false;
    bool inDevice = false;  // only where the transport has memory of its own
};

// The operation out of place and in place, each with its own time.
class Sweep final : public Workload {
public:
    explicit Sweep(SweepShape shape) : m_shape(shape) {}

    Status prepare() override {
        m_comm = runContext().communicator;
        if (!m_comm) return Error{ErrorCode::kUnsupported, "no communicator"};
        if (!m_shape.inDevice) return {};
        if (m_comm->transport().allocate == nullptr)
            return Error{ErrorCode::kUnsupported,
                         "a size for the memory of GPUs: --transport=nccl"};
        std::uint64_t bytes = 0;
        for (const Place place : places())
            bytes += ExactCollective::bufferBytes(m_shape.op, m_shape.bytes, m_comm->size(), place);
        return roomFor(bytes, ranksOnThisHost(m_comm->size()), freeMemoryBytes(),
                       m_comm->transport(), [this] { (void)m_comm->barrier(); });
    }
    // The proof's buffers are gone before the timed ones are there: it is these that must fit.
    CheckResult check() override {
        std::string text;
        for (const Place place : places()) {
            const ExactOutcome outcome =
                proveExact(*m_comm, m_shape.op, m_shape.bytes, place, m_shape.threaded);
            text += (text.empty() ? "" : "; ") + outcome.text +
                    (place == Place::kIn ? " (in place)" : "");
            if (!outcome.ok) return {false, text};
        }
        for (const Place place : places()) {
            m_sides.push_back(
                {place, ExactCollective(*m_comm, m_shape.op, m_shape.bytes, place), {}});
            m_sides.back().collective.fill(0);
        }
        return measureLatency(text);
    }
    void step(std::uint64_t) override {
        for (Side& side : m_sides) {
            std::int64_t spent = 0;
            for (int i = 0; i < m_shape.batch; ++i) {
                if (side.collective.worn()) side.collective.fill(++m_round);
                const std::int64_t start = monotonicNs();
                keep(side.collective.run(m_shape.threaded));
                spent += monotonicNs() - start;
            }
            side.seconds.push_back(seconds(spent) / m_shape.batch);
        }
    }
    Status status() const override { return m_status; }
    CheckResult finish() override {
        for (Side& side : m_sides) {
            if (!side.collective.guardsIntact())
                return {false, "the timed steps wrote outside their buffers"};
            side.collective.fill(++m_round);
            if (const Status status = side.collective.run(m_shape.threaded); !status.ok())
                return {false, status.error().message};
            if (side.collective.wrongElements() > 0 || !side.collective.guardsIntact())
                return {false, "wrong values after the timed steps"};
        }
        return {true, "values and guards after the timed steps"};
    }
    std::vector<Metric> report(const Timing&) override {
        std::vector<Metric> metrics;
        double first = 0;
        for (Side& side : m_sides) {
            if (std::ssize(side.seconds) > kWarmup)
                side.seconds.erase(side.seconds.begin(), side.seconds.begin() + kWarmup);
            const double t = quantile(side.seconds, 0.5);
            const bool main = first <= 0;  // out of place, where there is such a thing
            if (main) first = t;
            const auto bytes = side.collective.bytes();
            const auto n = static_cast<std::uint64_t>(m_comm->size());
            const std::string prefix = main ? "" : "in_place_";
            metrics.push_back({prefix + "latency", t, "s", Metric::Direction::kLower});
            metrics.push_back({prefix + "algbw", formulas::algorithmBandwidth(bytes, t), "B/s",
                               Metric::Direction::kHigher});
            metrics.push_back({prefix + "busbw", formulas::busBandwidth(m_shape.op, n, bytes, t),
                               "B/s", Metric::Direction::kHigher});
        }
        metrics.push_back({"latency_share", first > 0 ? std::min(1.0, m_alpha / first) : 0.0, "1",
                           Metric::Direction::kNone});
        return metrics;
    }

private:
    struct Side {
        Place place;
        ExactCollective collective;
        std::vector<double> seconds;
    };

    [[nodiscard]] std::vector<Place> places() const {
        std::vector<Place> all;
        for (const Place place : {Place::kOut, Place::kIn})
            if (hasPlace(m_shape.op, place)) all.push_back(place);
        return all;
    }
    void keep(Status status) {
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
    }
    // What the operation takes when there is next to nothing to move.
    CheckResult measureLatency(const std::string& text) {
        constexpr int kCalls = 300;
        ExactCollective smallest(*m_comm, m_shape.op, 8, m_sides.front().place);
        std::vector<double> times;
        for (int i = 0; i < kCalls; ++i) {
            smallest.fill(static_cast<std::uint64_t>(i));
            const std::int64_t start = monotonicNs();
            if (const Status status = smallest.run(); !status.ok())
                return {false, status.error().message};
            times.push_back(seconds(monotonicNs() - start));
        }
        m_alpha = quantile(std::move(times), 0.5);
        return {true, text};
    }

    SweepShape m_shape;
    Communicator* m_comm = nullptr;
    std::vector<Side> m_sides;
    double m_alpha = 0;
    std::uint64_t m_round = 0;
    Status m_status;
};

int batchFor(std::size_t bytes) {
    const std::size_t each = std::max(bytes, std::size_t{16} * kKiB);
    return static_cast<int>(std::clamp<std::size_t>(4 * kMiB / each, 1, 256));
}

std::int64_t stepsFor(std::size_t bytes) {
    return bytes > 64 * kMiB    ? 10
           : bytes >= 64 * kMiB ? 20
           : bytes >= 8 * kMiB  ? 25
           : bytes >= kMiB      ? 60
                                : 150;
}

WorkloadSpec sweepSpec(Collective op, std::size_t bytes, bool threaded,
                       std::vector<std::string> presets) {
    const SweepShape shape{op, bytes, batchFor(bytes), threaded};
    WorkloadSpec spec;
    spec.name =
        fmt::format("comm.{}/{}{}", shortName(op), sizeLabel(bytes), threaded ? "-thread" : "");
    spec.params = {{"bytes", std::to_string(bytes)},
                   {"batch", std::to_string(shape.batch)},
                   {"path", threaded ? "thread" : "caller"},
                   {"place", !hasPlace(op, Place::kIn)    ? "out"
                             : !hasPlace(op, Place::kOut) ? "in"
                                                          : "out and in"},
                   {"dtype", "f32"}};
    spec.presets = std::move(presets);
    spec.ranks = 2;
    spec.anyRanks = true;
    spec.expected = {"comm_transfer", "communication"};
    spec.warmupSteps = kWarmup;
    spec.steps = stepsFor(bytes);
    spec.create = [shape] { return std::make_unique<Sweep>(shape); };
    return spec;
}

std::vector<std::string> presetsOf(Collective op, std::size_t bytes) {
    if (op == Collective::kAllReduce && bytes == kMiB) return {"smoke", "standard", "full"};
    const bool standard =
        op == Collective::kAllReduce ? bytes == 64 * kKiB || bytes == 16 * kMiB : bytes == 4 * kMiB;
    return standard || bytes == 8 * kKiB ? std::vector<std::string>{"standard", "full"}
                                         : std::vector<std::string>{"full"};
}

}  // namespace

Status roomFor(std::uint64_t bytes, int ranksOnHost, std::uint64_t available,
               const ridge_transport_t& transport, const std::function<void()>& meet) {
    constexpr double kGiB = 1U << 30;
    const auto wanted = static_cast<double>(bytes) / kGiB;
    const bool fits = bytes <= available / static_cast<std::uint64_t>(ranksOnHost);
    void* there = fits && transport.allocate != nullptr ? transport.allocate(bytes) : nullptr;
    meet();
    if (!fits)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("its buffers take {:.1f} GiB of memory for each of {} ranks here, "
                                 "and {:.1f} are free",
                                 wanted, ranksOnHost, static_cast<double>(available) / kGiB)};
    if (transport.allocate != nullptr && there == nullptr)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("its buffers take {:.1f} GiB of the GPU's memory for each rank, "
                                 "and less is free",
                                 wanted)};
    if (there != nullptr) transport.deallocate(there);
    return {};
}

std::string sizeLabel(std::size_t bytes) {
    if (bytes >= kMiB && bytes % kMiB == 0) return fmt::format("{}MiB", bytes / kMiB);
    if (bytes >= kKiB && bytes % kKiB == 0) return fmt::format("{}KiB", bytes / kKiB);
    return fmt::format("{}B", bytes);
}

std::vector<WorkloadSpec> sweepSpecs() {
    std::vector<WorkloadSpec> specs;
    for (const Collective op : kOperations)
        for (std::size_t bytes = 8; bytes <= 64 * kMiB; bytes *= 2)
            specs.push_back(sweepSpec(op, bytes, false, presetsOf(op, bytes)));
    specs.push_back(sweepSpec(Collective::kAllReduce, kMiB, true, {"full"}));
    return specs;
}

std::vector<WorkloadSpec> deviceSweepSpecs() {
    std::vector<WorkloadSpec> specs;
    for (const Collective op : kOperations)
        for (std::size_t bytes = 128 * kMiB; bytes <= 8192 * kMiB; bytes *= 2) {
            WorkloadSpec spec = sweepSpec(op, bytes, false, {"full"});
            spec.name += ".nccl";
            spec.params["backend"] = "cuda";
            spec.params["transport"] = "nccl";
            const SweepShape shape{op, bytes, batchFor(bytes), false, true};
            spec.create = [shape] { return std::make_unique<Sweep>(shape); };
            specs.push_back(std::move(spec));
        }
    return specs;
}

std::vector<WorkloadSpec> commSpecs() {
    std::vector<WorkloadSpec> all;
    for (std::vector<WorkloadSpec> part : {sweepSpecs(), fitSpecs(), overlapSpecs()})
        std::move(part.begin(), part.end(), std::back_inserter(all));
    return all;
}

}  // namespace ridge::workloads
