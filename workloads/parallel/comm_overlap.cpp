// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// comm.overlap: a product after, and beside, an all-reduce.
#include "base/clock.h"
#include "workloads/harness/busy_gemm.h"
#include "workloads/harness/context.h"
#include "workloads/harness/quantile.h"
#include "workloads/parallel/comm.h"
#include "workloads/parallel/exact.h"

#include <fmt/format.h>

#include <optional>

namespace ridge::workloads {
namespace {

constexpr double kLink = 0.5e9;
constexpr std::int64_t kWarmup = 2;

double secondsOf(const std::function<void()>& body) {
    const std::int64_t start = monotonicNs();
    body();
    return static_cast<double>(monotonicNs() - start) / 1e9;
}

class ProcessorProduct final : public OverlapProduct {
public:
    explicit ProcessorProduct(BusyGemm gemm) : m_gemm(std::move(gemm)) {}
    void run() override { m_gemm.run(); }
    CheckResult check() override { return m_gemm.check(); }
    [[nodiscard]] double flopsPerRun() const override { return m_gemm.flopsPerRun(); }

private:
    BusyGemm m_gemm;
};

Result<std::unique_ptr<OverlapProduct>> processorProduct(Communicator&) {
    RIDGE_TRY(BusyGemm gemm, BusyGemm::create(512, 16));
    return std::unique_ptr<OverlapProduct>(std::make_unique<ProcessorProduct>(std::move(gemm)));
}

class Overlap final : public Workload {
public:
    explicit Overlap(OverlapOptions options) : m_options(std::move(options)) {
        if (!m_options.product) m_options.product = processorProduct;
    }

    Status prepare() override {
        m_comm = runContext().communicator;
        if (!m_comm) return Error{ErrorCode::kUnsupported, "no communicator"};
        RIDGE_TRY(m_gemm, m_options.product(*m_comm));
        m_collective.emplace(*m_comm, formulas::Collective::kAllReduce, m_options.bytes,
                             Place::kIn);
        m_collective->fill(0);
        return {};
    }
    CheckResult check() override {
        const CheckResult product = m_gemm->check();
        const ExactOutcome sum = proveExact(*m_comm, formulas::Collective::kAllReduce,
                                            m_options.bytes, Place::kIn, m_options.overlapped);
        if (product.passed && sum.ok) measureAlone();
        return {product.passed && sum.ok && m_status.ok(), product.detail + "; " + sum.text};
    }
    void step(std::uint64_t index) override {
        if (m_collective->worn()) m_collective->fill(index);
        // Set per step so that a later workload of the process has the bare fabric again.
        m_comm->setLinkLimit(m_options.link);
        keep(m_options.overlapped ? m_collective->start() : m_collective->run());
        m_gemmSeconds.push_back(secondsOf([this] { m_gemm->run(); }));
        if (m_options.overlapped) {
            const WorkRange range("comm.wait");
            keep(m_comm->wait());
        }
        m_comm->setLinkLimit(0);
    }
    Status status() const override { return m_status.ok() ? m_gemm->status() : m_status; }
    CheckResult finish() override {
        if (!m_collective->guardsIntact()) return {false, "guards overwritten"};
        m_collective->fill(7);
        if (const Status status = m_collective->run(); !status.ok())
            return {false, status.error().message};
        return {m_collective->wrongElements() == 0, "values and guards after the timed steps"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        if (std::ssize(m_gemmSeconds) > kWarmup)
            m_gemmSeconds.erase(m_gemmSeconds.begin(), m_gemmSeconds.begin() + kWarmup);
        const double beside = quantile(m_gemmSeconds, 0.5);
        std::vector<Metric> metrics{
            {"gemm_alone", m_alone, "s", Metric::Direction::kNone},
            {"gemm_interference", beside / m_alone - 1, "1", Metric::Direction::kLower},
            {"flop_per_s", m_gemm->flopsPerRun() / timing.medianStepSeconds, "FLOP/s",
             Metric::Direction::kHigher}};
        if (m_options.link > 0)
            metrics.push_back(
                {"link_floor",
                 ringAllReduceWireBytes(static_cast<double>(m_options.bytes), m_comm->size()) /
                     m_options.link,
                 "s", Metric::Direction::kNone});
        return metrics;
    }

private:
    void keep(Status status) {
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
    }
    // The product on all ranks at once, with nothing on the wire.
    void measureAlone() {
        std::vector<double> times;
        for (int i = 0; i < 9; ++i) {
            keep(m_comm->barrier());
            times.push_back(secondsOf([this] { m_gemm->run(); }));
        }
        m_alone = quantile(std::move(times), 0.5);
    }

    OverlapOptions m_options;
    Communicator* m_comm = nullptr;
    std::unique_ptr<OverlapProduct> m_gemm;
    std::optional<ExactCollective> m_collective;
    std::vector<double> m_gemmSeconds;
    double m_alone = 0;
    Status m_status;
};

}  // namespace

WorkloadSpec overlapSpec(const std::string& variant, const OverlapOptions& options) {
    WorkloadSpec spec;
    spec.name = fmt::format("comm.overlap/{}", variant);
    spec.params = {
        {"bytes", std::to_string(options.bytes)},
        {"link_bytes_per_s", options.link > 0 ? fmt::format("{:.0f}", options.link) : "as it is"},
        {"gemm", "16x512x512x512"},
        {"dtype", "f32"},
        {"overlap", options.overlapped ? "on" : "off"}};
    spec.presets = {"standard", "full"};
    spec.ranks = 2;
    // Hidden behind the product, the link no longer costs anything: what is left to win is in the
    // product.
    spec.expected = options.overlapped ? Expected{"compute_bound", "compute"}
                                       : Expected{"comm_transfer", "communication"};
    spec.warmupSteps = kWarmup;
    spec.steps = 30;
    spec.create = [options] { return makeOverlap(options); };
    return spec;
}

std::unique_ptr<Workload> makeOverlap(const OverlapOptions& options) {
    return std::make_unique<Overlap>(options);
}

std::vector<WorkloadSpec> overlapSpecs() {
    WorkloadSpec off = overlapSpec("off", {.link = kLink});
    off.fasterVariant = "comm.overlap/on";
    off.change = "comm_hidden";
    WorkloadSpec bare = overlapSpec("bare", {.overlapped = true});
    bare.presets = {"full"};
    return {off, overlapSpec("on", {.overlapped = true, .link = kLink}), bare};
}

}  // namespace ridge::workloads
