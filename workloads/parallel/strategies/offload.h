// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Optimizer offload: AdamW's moments rest outside of working memory and come for their step only
// (Rajbhandari et al. 2021, "ZeRO-Infinity"; Ren et al. 2021, "ZeRO-Offload"). The model is cut
// into units (tables, each block, last norm); a unit's moments are fetched, stepped, stored. One
// rank.
//
//   resident  moments in working memory, for comparison
//   blocking  after the backward pass, unit by unit: fetch, step, store
//   prefetch  a unit is stepped in the backward pass, as soon as its gradients are final; the next
//             units' moments are on their way meanwhile, and stepped ones on their way back, by a
//             copy thread through three buffers. The first units of the next step come during its
//             forward pass.
// All three do the same arithmetic: their parameters are equal to the bit. Over the link go 8 B of
// moments per parameter in each direction and step; a GPU that leaves gradients and weights to the
// host's optimizer moves 2 + 2 B instead. Working memory: 8 B per parameter and three units'
// moments, instead of 16 B. On a CPU the second memory is a mapped file and the link's speed is
// emulated: what is shown is the schedule, not the medium. On a GPU it is page-locked host memory
// over the real link, and "copy thread" reads "a stream for each direction" (state_tier.h).

#include "workloads/models/gpt_pass.h"
#include "workloads/parallel/strategies/parallel_trainer.h"
#include "workloads/parallel/strategies/state_tier.h"

#include <array>

namespace ridge::workloads {

enum class OffloadMode { kResident, kBlocking, kPrefetch };

class OffloadTrainer final : public ParallelTrainer {
public:
    // A CPU's state is a file made in `folder`.
    static Result<std::unique_ptr<ParallelTrainer>> create(Operators& ops, const GptConfig& config,
                                                           std::int64_t sequences, OffloadMode mode,
                                                           const std::filesystem::path& folder);

    Status load(std::span<const float> parameters) override;
    Result<double> step(std::span<const std::int32_t> tokens, std::span<const std::int32_t> targets,
                        AdamWArgs args) override;
    Result<std::vector<float>> parameters() override;
    [[nodiscard]] std::uint64_t wireBytesPerStep() const override { return 0; }
    [[nodiscard]] std::int64_t stateBytes() const override { return m_stateBytes; }
    [[nodiscard]] std::int64_t activationBytes() const override { return m_pass.activationBytes(); }
    void setLinkLimit(double bytesPerSecond) override;
    [[nodiscard]] std::vector<Metric> metrics() const override;

private:
    static constexpr std::size_t kSlots = 3;
    struct Unit {
        std::int64_t offset = 0, count = 0;
        std::uint64_t fetching = 0;  // ticket
    };

    OffloadTrainer(Operators& ops, const GptConfig& config, std::int64_t sequences,
                   OffloadMode mode);
    Status allocate(const std::filesystem::path& folder);
    void fetch(std::size_t unit);
    void stepUnit(std::size_t unit, const AdamWArgs& args);
    void forward();
    void backward(const AdamWArgs& args);

    Operators& m_ops;
    GptConfig m_config;
    GptLayout m_layout;
    OffloadMode m_mode;
    GptPass m_pass;
    std::vector<Unit> m_units;  // in the order in which their gradients become final
    Tensor m_weights, m_gradients;
    std::vector<Tensor> m_moments;  // slots: first, then second moments; resident: one per unit
    std::unique_ptr<StateTier> m_tier;
    double m_link = 0;
    std::int64_t m_stateBytes = 0;
    std::int64_t m_steps = 0;
    double m_loss = 0;
};

}  // namespace ridge::workloads
