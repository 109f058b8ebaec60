// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Pipeline parallel training: each of p ranks (stages) holds L/p blocks, and m micro-batches pass
// through them. Two orders of the same work:
//   GPipe  all m forward, then all m backward (Huang et al. 2019): m micro-batches' activations
//   live 1F1B   after p-1-stage forwards, one forward and one backward in turn (PipeDream-flush,
//          Narayanan et al. 2021): at most p live
// Both leave a stage idle for (p-1)/(m+p-1) of the time; 1F1B saves memory only. Wire: per
// micro-batch mb*T*C*4 bytes of activations down and as much gradient up at each of p-1 boundaries
// (formulas::pipelineWireBytes); the tied token table adds one all-reduce of V*C*4 between the
// first and the last stage.
//
// Neighbours share a communicator of two. Where 1F1B sends in both directions at once it is one
// call, so that two ranks that both send first cannot wait for each other.
//
// Metrics: bubble_share, 1 - (computing / schedule's time), mean of the stages, median of the
// steps; messages and an uneven split (the head is the last stage's) are in it. bubble_formula
// beside it.

#include "workloads/models/gpt_pass.h"
#include "workloads/parallel/strategies/adamw_state.h"
#include "workloads/parallel/strategies/parallel_trainer.h"

namespace ridge::workloads {

enum class PipelineSchedule { kGPipe, kOneForwardOneBackward };

struct PipelineOptions {
    PipelineSchedule schedule = PipelineSchedule::kOneForwardOneBackward;
    std::int64_t microBatches = 4;
};

class PipelineTrainer final : public ParallelTrainer {
public:
    // The ranks must divide the layers, the micro-batches the sequences; two ranks at least.
    static Result<std::unique_ptr<ParallelTrainer>> create(Operators& ops,
                                                           Communicator& communicator,
                                                           const GptConfig& config,
                                                           std::int64_t sequences,
                                                           PipelineOptions options);

    Status load(std::span<const float> parameters) override;
    Result<double> step(std::span<const std::int32_t> tokens, std::span<const std::int32_t> targets,
                        AdamWArgs args) override;
    Result<std::vector<float>> parameters() override;
    [[nodiscard]] std::uint64_t wireBytesPerStep() const override;
    [[nodiscard]] std::int64_t stateBytes() const override { return m_state.bytes(); }
    [[nodiscard]] std::int64_t activationBytes() const override;
    void setLinkLimit(double bytesPerSecond) override;
    [[nodiscard]] std::vector<Metric> metrics() const override;

private:
    PipelineTrainer(Operators& ops, Communicator& communicator, const GptConfig& config,
                    std::int64_t sequences, PipelineOptions options);
    Status connect();
    void allocate();
    [[nodiscard]] bool first() const { return m_stage == 0; }
    [[nodiscard]] bool last() const { return m_stage + 1 == m_stages; }
    [[nodiscard]] RootParameters root(const Tensor& flat) const;
    [[nodiscard]] BlockParameters block(std::int64_t layer, const Tensor& flat) const;
    GptPass& passOf(std::int64_t microBatch);
    Status runGPipe();
    Status runOneForwardOneBackward();
    void forward(std::int64_t microBatch);
    void backward(std::int64_t microBatch);
    // Down: activations to the next stage. Up: gradients to the one before.
    Status receiveInput(std::int64_t microBatch);
    Status sendOutput(std::int64_t microBatch);
    Status receiveGradient();
    Status sendGradient();
    Status sendOutputReceiveGradient(std::int64_t microBatch);
    Status sendGradientReceiveInput(std::int64_t microBatch);

    Operators& m_ops;
    Communicator& m_communicator;
    GptConfig m_config;
    GptLayout m_layout;
    PipelineOptions m_options;
    std::int64_t m_sequences;  // of a micro-batch
    std::int64_t m_stage, m_stages, m_layers;
    std::unique_ptr<Communicator> m_before, m_after, m_ends;
    std::int64_t m_own = 0, m_tokenTable = 0, m_positionTable = 0, m_norm = 0;
    PassScratch m_scratch;
    std::vector<std::unique_ptr<GptPass>> m_passes;  // live micro-batches take turns
    Tensor m_shared;  // the whole model, once it was asked for
    AdamWState m_state;
    std::span<const std::int32_t> m_tokens, m_targets;  // during a step
    std::int64_t m_backwards = 0;                       // of this step
    double m_loss = 0;
    std::int64_t m_computeNs = 0;  // of this step
    std::vector<double> m_bubbles;
};

}  // namespace ridge::workloads
