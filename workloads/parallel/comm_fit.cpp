// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// comm.fit/<op>: one collective at all sizes, and the line through its times.
#include "base/clock.h"
#include "workloads/formulas/link_fit.h"
#include "workloads/harness/context.h"
#include "workloads/harness/quantile.h"
#include "workloads/parallel/comm.h"
#include "workloads/parallel/exact.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ridge::workloads {
namespace {

using formulas::Collective;

constexpr std::size_t kLargest = std::size_t{16} << 20;
constexpr std::int64_t kWarmup = 3;

// Every step goes through all sizes, so that a slow spell of the machine meets all of them.
class Fit final : public Workload {
public:
    explicit Fit(Collective op)
        : m_op(op), m_place(hasPlace(op, Place::kOut) ? Place::kOut : Place::kIn) {}

    Status prepare() override {
        m_comm = runContext().communicator;
        if (!m_comm) return Error{ErrorCode::kUnsupported, "no communicator"};
        for (std::size_t bytes = 8; bytes <= kLargest; bytes *= 2) {
            m_points.push_back({ExactCollective(*m_comm, m_op, bytes, m_place), {}});
            m_points.back().collective.fill(0);
        }
        return {};
    }
    CheckResult check() override {
        std::size_t wrong = 0, seen = 0;
        for (Point& point : m_points) {
            for (std::uint64_t round = 1; round <= 2; ++round) {
                point.collective.fill(round);
                if (const Status status = point.collective.run(); !status.ok())
                    return {false, status.error().message};
                wrong += point.collective.wrongElements();
                seen += point.collective.outputElements();
            }
            if (!point.collective.guardsIntact()) return {false, "guards overwritten"};
        }
        return {wrong == 0, fmt::format("{} of {} elements wrong at {} sizes", wrong, seen,
                                        m_points.size())};
    }
    void step(std::uint64_t) override {
        for (Point& point : m_points) {
            const auto calls = static_cast<int>(
                std::clamp<std::size_t>((std::size_t{64} << 10) / point.collective.bytes(), 1, 32));
            const std::int64_t start = monotonicNs();
            for (int i = 0; i < calls; ++i) {
                Status status = point.collective.run();
                if (!status.ok() && m_status.ok()) m_status = std::move(status);
            }
            point.seconds.push_back(static_cast<double>(monotonicNs() - start) / 1e9 / calls);
        }
    }
    Status status() const override { return m_status; }
    CheckResult finish() override {
        for (Point& point : m_points) {
            point.collective.fill(99);
            if (const Status status = point.collective.run(); !status.ok())
                return {false, status.error().message};
            if (point.collective.wrongElements() > 0 || !point.collective.guardsIntact())
                return {false, fmt::format("wrong values at {} bytes", point.collective.bytes())};
        }
        return {true, "values and guards after the timed steps"};
    }
    std::vector<Metric> report(const Timing&) override {
        std::vector<formulas::LinkSample> samples;
        for (Point& point : m_points) {
            if (std::ssize(point.seconds) > kWarmup)
                point.seconds.erase(point.seconds.begin(), point.seconds.begin() + kWarmup);
            samples.push_back({static_cast<double>(point.collective.bytes()),
                               quantile(point.seconds, 0.5)});
        }
        const auto fit = formulas::fitLink(samples);
        if (!fit) return {};  // time did not grow with size: there is no line
        const auto none = Metric::Direction::kNone;
        std::vector<Metric> metrics{
            {"alpha", fit->alpha.value, "s", Metric::Direction::kLower},
            {"alpha_low", fit->alpha.low, "s", none},
            {"alpha_high", fit->alpha.high, "s", none},
            {"beta", fit->beta.value, "B/s", Metric::Direction::kHigher},
            {"beta_low", fit->beta.low, "B/s", none},
            {"knee_bytes", fit->kneeBytes.value, "B", none},
            {"knee_bytes_low", fit->kneeBytes.low, "B", none},
            {"knee_bytes_high", fit->kneeBytes.high, "B", none},
            {"worst_residual", fit->worstResidual, "1", none},
            {"sizes", static_cast<double>(samples.size()), "1", none}};
        if (std::isfinite(fit->beta.high))
            metrics.push_back({"beta_high", fit->beta.high, "B/s", none});
        return metrics;
    }

private:
    struct Point {
        ExactCollective collective;
        std::vector<double> seconds;
    };
    Collective m_op;
    Place m_place;
    Communicator* m_comm = nullptr;
    std::vector<Point> m_points;
    Status m_status;
};

}  // namespace

std::vector<WorkloadSpec> fitSpecs() {
    std::vector<WorkloadSpec> specs;
    for (const Collective op :
         {Collective::kAllReduce, Collective::kAllGather, Collective::kReduceScatter,
          Collective::kAllToAll, Collective::kBroadcast, Collective::kSendRecv}) {
        WorkloadSpec spec;
        spec.name = fmt::format("comm.fit/{}", shortName(op));
        spec.params = {{"from_bytes", "8"},
                       {"to_bytes", std::to_string(kLargest)},
                       {"factor", "2"},
                       {"model", "t = alpha + S/beta, relative least squares"}};
        spec.presets = op == Collective::kAllReduce ? std::vector<std::string>{"standard", "full"}
                                                    : std::vector<std::string>{"full"};
        spec.ranks = 2;
        spec.anyRanks = true;
        spec.expected = {"comm_transfer", "communication"};
        spec.warmupSteps = kWarmup;
        spec.steps = 30;
        spec.create = [op] { return std::make_unique<Fit>(op); };
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ridge::workloads
