// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/formulas/op_cost.h"
#include "workloads/models/check_values.h"
#include "workloads/models/checks_operators.h"
#include "workloads/models/gpt_layout.h"
#include "workloads/models/kernels/kernels.h"
#include "workloads/models/tiny_model.h"

#include <fmt/format.h>

namespace ridge::workloads {

namespace {

using Direction = Metric::Direction;
using formulas::AttentionConvention;

constexpr AttentionArgs kProcessorShape{2, 4, 512, 64, false};
constexpr AttentionArgs kAcceleratorShape{4, 16, 4096, 128, false};

class AttentionWorkload final : public Workload {
public:
    AttentionWorkload(Backend backend, const AttentionCase& options)
        : m_backend(std::move(backend)), m_case(options) {}

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        const AttentionArgs& s = m_case.shape;
        const std::int64_t rows = s.batch * s.tokens;
        const std::int64_t width = s.heads * s.headDim;
        const std::int64_t pairs = s.batch * s.heads;
        m_qkv = m_ops->allocate(rows * 3 * width);
        m_out = m_ops->allocate(rows * width);
        m_kept = m_ops->allocate(m_case.fused ? pairs * s.tokens : pairs * s.tokens * s.tokens);
        if (m_case.backward) {
            m_dOut = m_ops->allocate(rows * width);
            m_dQkv = m_ops->allocate(rows * 3 * width);
        }
        if (!m_ops->status().ok()) return m_ops->status();
        fill(m_qkv, 1);
        if (m_case.backward) fill(m_dOut, 2);
        step(0);
        m_first = results();
        return m_ops->status();
    }
    Status status() const override { return m_ops->status(); }
    CheckResult finish() override {
        return tiny::sameAsBefore("attention after the timed steps and before", results(), m_first);
    }
    CheckResult check() override {
        const bool stored = m_case.backward && !m_case.fused;
        return checkAttention(*m_ops, m_case.shape,
                              m_case.fused ? AttentionKind::kFused
                              : stored     ? AttentionKind::kStored
                                           : AttentionKind::kUnfused,
                              m_case.backward);
    }
    void step(std::uint64_t) override {
        const AttentionArgs& s = m_case.shape;
        if (m_case.fused) {
            m_ops->attentionFused("attention.fused", s, m_qkv, m_out, m_kept);
            if (m_case.backward)
                m_ops->attentionFusedBackward("attention.fused.dx", s, m_qkv, m_out, m_kept, m_dOut,
                                              m_dQkv);
        } else if (m_case.backward) {
            m_ops->attentionForward("attention", s, m_qkv, m_kept, m_out);
            m_ops->attentionBackward("attention.dx", s, m_qkv, m_kept, m_dOut, m_dQkv);
        } else {
            m_ops->attentionScores("scores", s, m_qkv, m_kept);
            m_ops->attentionSoftmax("softmax", s, m_kept);
            m_ops->attentionValues("values", s, m_kept, m_qkv, m_out);
        }
        m_ops->synchronize();
    }
    std::vector<Metric> report(const Timing& timing) override {
        const AttentionArgs& s = m_case.shape;
        const formulas::AttentionShape shape{
            static_cast<std::uint64_t>(s.batch), static_cast<std::uint64_t>(s.heads),
            static_cast<std::uint64_t>(s.tokens), static_cast<std::uint64_t>(s.headDim)};
        const auto flops = [&](AttentionConvention convention) {
            return static_cast<double>(formulas::attentionForwardFlops(shape, convention)) *
                   (m_case.backward ? 3.5 : 1.0);
        };
        const double seconds = timing.medianStepSeconds;
        const auto memory = static_cast<double>((m_qkv.count + m_out.count + m_kept.count) * 4);
        return {{"flops_per_s_full", flops(AttentionConvention::kFull) / seconds, "FLOP/s",
                 s.causal ? Direction::kNone : Direction::kHigher},
                {"flops_per_s_causal", flops(AttentionConvention::kCausal) / seconds, "FLOP/s",
                 s.causal ? Direction::kHigher : Direction::kNone},
                {"bytes_unfused", static_cast<double>(formulas::attentionUnfusedBytes(shape, 4)),
                 "B", Direction::kNone},
                {"bytes_fused", static_cast<double>(formulas::attentionFusedBytes(shape, 4)), "B",
                 Direction::kNone},
                {"memory", memory, "B", Direction::kLower}};
    }

private:
    std::vector<float> results() {
        std::vector<float> all = tiny::host(*m_ops, m_out);
        if (!m_case.backward) return all;
        const std::vector<float> gradients = tiny::host(*m_ops, m_dQkv);
        all.insert(all.end(), gradients.begin(), gradients.end());
        return all;
    }
    void fill(const Tensor& tensor, std::uint64_t seed) {
        m_ops->upload(tensor, tiny::draw(tensor.count, seed));
    }

    Backend m_backend;
    AttentionCase m_case;
    std::unique_ptr<Operators> m_ops;
    Tensor m_qkv, m_out, m_kept, m_dOut, m_dQkv;
    std::vector<float> m_first;  // what the first step gave
};

}  // namespace

std::unique_ptr<Workload> makeAttentionWorkload(const Backend& backend,
                                                const AttentionCase& options) {
    return std::make_unique<AttentionWorkload>(backend, options);
}

std::vector<WorkloadSpec> attentionSpecs(const Backend& backend) {
    const AttentionArgs& shape = backend.accelerator ? kAcceleratorShape : kProcessorShape;
    std::vector<WorkloadSpec> specs;
    for (const bool backward : {false, true})
        for (const bool causal : {false, true})
            for (const bool fused : {false, true}) {
                AttentionCase options{shape, fused, backward};
                options.shape.causal = causal;
                const std::string rest =
                    std::string(causal ? ".causal" : "") + (backward ? ".bwd" : "");
                WorkloadSpec spec;
                spec.name = std::string("attention/") + (fused ? "fused" : "unfused") + rest;
                spec.params = {{"backend", backend.name},
                               {"dtype", "fp32"},
                               {"shape", fmt::format("B{} H{} T{} d{}", shape.batch, shape.heads,
                                                     shape.tokens, shape.headDim)},
                               {"mask", causal ? "causal" : "none"}};
                spec.presets = {"full"};
                if (!backward) spec.presets.insert(spec.presets.begin(), "standard");
                if (rest.empty()) spec.presets.insert(spec.presets.begin(), "smoke");
                // Even in three passes 16 FLOP per byte: above a processor's ridge point, below a
                // GPU's.
                spec.expected = {"compute_bound", "compute"};
                if (!fused && backend.accelerator)
                    spec.expected = {"memory_wall", "memory_bandwidth"};
                // By the causal count: tiles on the diagonal are half used, and exponentials do not
                // count. About half of a product's rate, which is near no roof.
                if (fused && causal && !backend.accelerator)
                    spec.expected = {"latency_bound", "none"};
                if (!fused) {
                    spec.fasterVariant = "attention/fused" + rest;
                    spec.change = "attention_fused";
                }
                spec.warmupSteps = 3;
                spec.steps = backward ? 40 : 100;
                spec.create = [backend, options] {
                    return makeAttentionWorkload(backend, options);
                };
                specs.push_back(std::move(spec));
            }
    return specs;
}

}  // namespace ridge::workloads
