// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/elementwise.h"

#include "workloads/formulas/op_cost.h"
#include "workloads/models/gpt_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ridge::workloads {

namespace {

constexpr std::array<Operators::Affine, 4> kChain{
    {{1.5F, 0.25F}, {-0.75F, 1.0F}, {1.25F, -0.5F}, {0.5F, 2.0F}}};
constexpr std::int64_t kElements = std::int64_t{64} << 20;            // 256 MiB per array
constexpr std::int64_t kAcceleratorElements = std::int64_t{1} << 28;  // 1 GiB an array
// 16 KiB an array: a pass takes a few hundred nanoseconds, less than a handful of starts on a processor
// as on a GPU. With a quarter of that most of a step would lie between the operators' ranges.
constexpr std::int64_t kSmallElements = 4096;
constexpr std::int64_t kSmallChains = 500;

class ElementwiseWorkload final : public Workload {
public:
    ElementwiseWorkload(Backend backend, std::int64_t elements, bool fused, std::int64_t chains)
        : m_backend(std::move(backend)), m_elements(elements), m_chains(chains), m_fused(fused) {}

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        m_x = m_ops->allocate(m_elements);
        m_y = m_ops->allocate(m_elements);
        if (!m_fused) m_z = m_ops->allocate(m_elements);
        if (!m_ops->status().ok()) return m_ops->status();
        std::vector<float> piece(static_cast<std::size_t>(std::min(m_elements, kPiece)));
        for (std::size_t i = 0; i < piece.size(); ++i)
            piece[i] = input(static_cast<std::int64_t>(i));
        for (std::int64_t at = 0; at < m_elements; at += kPiece)
            m_ops->upload(m_x.slice(at, std::min(kPiece, m_elements - at)), piece);
        return m_ops->status();
    }

    CheckResult check() override {
        step(0);
        return compare();
    }
    Status status() const override { return m_ops->status(); }
    CheckResult finish() override { return compare(); }

    void step(std::uint64_t) override {
        for (std::int64_t i = 0; i < m_chains; ++i) chain();
        m_ops->synchronize();
    }

    std::vector<Metric> report(const Timing& timing) override {
        using Direction = Metric::Direction;
        const auto chains = static_cast<double>(m_chains);
        const double bytes =
            chains *
            static_cast<double>(formulas::elementwiseChain(static_cast<std::uint64_t>(m_elements),
                                                           kChain.size(), m_fused)
                                    .bytes());
        const double operators = chains * static_cast<double>(m_fused ? 1 : kChain.size());
        const double seconds = timing.medianStepSeconds;
        std::vector<Metric> made{
            {"elements_per_s", chains * static_cast<double>(m_elements) / seconds, "1/s",
             Direction::kHigher},
            {"bytes_per_s", bytes / seconds, "B/s", Direction::kHigher},
            {"bytes_per_step", bytes, "B", Direction::kNone}};
        if (m_chains > 1)
            made.push_back({"operators_per_s", operators / seconds, "1/s", Direction::kHigher});
        return made;
    }

private:
    // Every element of the result against the chain in double.
    CheckResult compare() {
        if (!m_ops->status().ok()) return {false, m_ops->status().error().message};
        std::vector<float> got(static_cast<std::size_t>(std::min(m_elements, kPiece)));
        double worst = 0;
        for (std::int64_t at = 0; at < m_elements; at += kPiece) {
            const std::int64_t count = std::min(kPiece, m_elements - at);
            m_ops->download(got, (m_fused ? m_y : m_z).slice(at, count));
            for (std::int64_t i = 0; i < count; ++i) {
                auto wanted = static_cast<double>(input(i));
                for (const auto& link : kChain)
                    wanted =
                        static_cast<double>(link.scale) * wanted + static_cast<double>(link.shift);
                const double error =
                    std::abs(static_cast<double>(got[static_cast<std::size_t>(i)]) - wanted);
                if (!(error <= worst)) worst = error;
            }
        }
        // Values stay below 4; four roundings.
        return {worst <= 1e-6,
                fmt::format("all {} elements against double: worst {:.1e} (limit 1e-06)",
                            m_elements, worst)};
    }
    void chain() {
        if (m_fused) {
            m_ops->affineChain("chain", kChain, m_x, m_y);
            return;
        }
        static constexpr const char* kNames[] = {"chain.1", "chain.2", "chain.3", "chain.4"};
        // Never in place: x -> y -> z -> y -> z, so that each pass moves what the fused one moves.
        const Tensor* from = &m_x;
        for (std::size_t i = 0; i < kChain.size(); ++i) {
            const Tensor* to = i % 2 == 0 ? &m_y : &m_z;
            m_ops->affine(kNames[i], kChain[i], *from, *to);
            from = to;
        }
    }
    static constexpr std::int64_t kPiece = std::int64_t{1} << 16;
    // The input repeats after kPiece elements: cheap to make and to predict.
    static float input(std::int64_t i) {
        return static_cast<float>(randomBits(1, static_cast<std::uint64_t>(i)) >> 40) *
                   (1.0F / 8388608.0F) -
               1.0F;
    }

    Backend m_backend;
    std::int64_t m_elements, m_chains;
    bool m_fused;
    std::unique_ptr<Operators> m_ops;
    Tensor m_x, m_y, m_z;
};

}  // namespace

std::unique_ptr<Workload> makeElementwiseWorkload(const Backend& backend, std::int64_t elements,
                                                  bool fused, std::int64_t chains) {
    return std::make_unique<ElementwiseWorkload>(backend, elements, fused, chains);
}

std::vector<WorkloadSpec> elementwiseSpecs(const Backend& backend) {
    const std::int64_t elements = backend.accelerator ? kAcceleratorElements : kElements;
    std::vector<WorkloadSpec> specs;
    for (const bool fused : {false, true}) {
        WorkloadSpec spec;
        spec.name = fused ? "elementwise/fused" : "elementwise/unfused";
        spec.params = {{"backend", backend.name},
                       {"dtype", "fp32"},
                       {"operators", std::to_string(kChain.size())},
                       {"elements", std::to_string(elements)}};
        spec.presets = {"smoke", "standard", "full"};
        spec.expected = {"memory_wall", "memory_bandwidth"};
        if (!fused) {
            spec.fasterVariant = "elementwise/fused";
            spec.change = "fused";
        }
        spec.steps = fused ? 60 : 20;
        spec.create = [backend, elements, fused] {
            return makeElementwiseWorkload(backend, elements, fused);
        };
        specs.push_back(std::move(spec));
    }
    WorkloadSpec small;
    small.name = "elementwise/small";
    small.params = {{"backend", backend.name},
                    {"dtype", "fp32"},
                    {"operators", std::to_string(kSmallChains * std::ssize(kChain))},
                    {"elements", std::to_string(kSmallElements)}};
    small.presets = {"full"};
    small.expected = {"latency_bound", "launch"};
    small.warmupSteps = 5;
    small.steps = 100;
    small.create = [backend] {
        return makeElementwiseWorkload(backend, kSmallElements, /*fused=*/false, kSmallChains);
    };
    specs.push_back(std::move(small));
    return specs;
}

}  // namespace ridge::workloads
