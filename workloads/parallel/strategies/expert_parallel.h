// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Mixture of experts with expert parallel training (Shazeer et al. 2017; GShard, Lepikhin et al.
// 2020; Switch, Fedus et al. 2021). Each of n ranks has its own sequences, all dense parameters and
// E/n of every layer's experts. A token's router gives probabilities; its k best experts get it:
//   dispatch   an all-to-all takes tokens to their experts' ranks, in rooms of `capacity` rows per
//              expert and source rank; what does not fit is dropped (the stream passes by) and
//              counted; dropless makes the step's rooms as large as the fullest (agreed by the
//              all-gather of the counts)
//   experts    an MLP each, over the rows that are really there (rounded up to 16)
//   combine    a second all-to-all takes the results back; they are weighted by their probability
// and both again backward. Wire per layer and rank: 4 (n-1)/n * rooms * C * 4 bytes, rooms = E *
// capacity rows (formulas::expertWireBytes; tok_local * k at capacity factor 1), and the counts.
// Dense gradients are all-reduced as in data parallel; experts' gradients need no further sum.
//
// Metrics: dropped_share (of the choices), imbalance (fullest expert over the mean), both of the
// last step and over all ranks and layers.

#include "workloads/models/gpt_pass.h"
#include "workloads/parallel/strategies/adamw_state.h"
#include "workloads/parallel/strategies/expert_layout.h"
#include "workloads/parallel/strategies/parallel_trainer.h"

namespace ridge::workloads {

class ExpertParallelTrainer final : public ParallelTrainer {
public:
    // The ranks must divide the sequences and the experts. parameters: the GPT's, then those of
    // ExpertLayout.
    static Result<std::unique_ptr<ParallelTrainer>> create(Operators& ops,
                                                           Communicator& communicator,
                                                           const GptConfig& config,
                                                           std::int64_t sequences,
                                                           ExpertOptions options);

    Status load(std::span<const float> parameters) override;
    Result<double> step(std::span<const std::int32_t> tokens, std::span<const std::int32_t> targets,
                        AdamWArgs args) override;
    Result<std::vector<float>> parameters() override;
    [[nodiscard]] std::uint64_t wireBytesPerStep() const override;
    [[nodiscard]] std::int64_t stateBytes() const override { return m_state.bytes(); }
    [[nodiscard]] std::int64_t activationBytes() const override { return m_activationBytes; }
    [[nodiscard]] std::vector<Metric> metrics() const override;

private:
    // One choice of one token: where it lies among the rooms; negative: dropped.
    struct Choice {
        std::int64_t expert = 0, place = -1;
    };
    // What a layer keeps for its backward pass.
    struct Layer {
        Tensor input, normed, mean, rstd, probabilities;
        Tensor in, up, gelu, out;          // of the experts here: [source][expert][room]
        Tensor returned;                   // of this rank's tokens: [expert][room]
        Tensor places;                     // of the choices among the rooms, token by token, k each
        std::vector<std::int64_t> counts;  // [source][expert], all experts
        std::int64_t room = 0;
    };

    ExpertParallelTrainer(Operators& ops, Communicator& communicator, const GptConfig& config,
                          std::int64_t sequences, ExpertOptions options);
    void allocate();
    [[nodiscard]] std::int64_t localExperts() const {
        return m_options.experts / m_communicator.size();
    }
    [[nodiscard]] Tensor shared(std::size_t layer, const Tensor& flat) const;
    [[nodiscard]] Tensor expert(std::size_t layer, std::int64_t index, const Tensor& flat) const;
    Status route(Layer& layer);
    void chooseExperts(Layer& layer, std::vector<std::int64_t>& counts);
    Status exchange(const Layer& layer, const Tensor& from, const Tensor& to, const char* name);
    Status gatherCounts(Layer& layer, const std::vector<std::int64_t>& own);
    [[nodiscard]] ExpertRows expertRows(const Layer& layer, bool weighted) const;
    void scatterRows(const Layer& layer, const Tensor& rows, bool weighted);
    // Calls work(source, expert, first row, rows) for the rows that are there.
    template <typename Work>
    void forRooms(const Layer& layer, const Work& work) const;
    Status forwardLayer(std::size_t index);
    Status backwardLayer(std::size_t index);
    void expertsForward(std::size_t index);
    void expertsBackward(std::size_t index);
    Status forward();
    Status backward();

    Operators& m_ops;
    Communicator& m_communicator;
    GptConfig m_config;
    GptLayout m_layout;
    ExpertOptions m_options;
    ExpertLayout m_experts;
    GptPass m_pass;
    std::int64_t m_rows;
    std::int64_t m_dense = 0;  // parameters that every rank has, which come first
    std::int64_t m_own = 0;
    std::int64_t m_activationBytes = 0;
    std::vector<Layer> m_layers;
    AdamWState m_state;
    Tensor m_send, m_receive, m_dIn, m_wide, m_dNormed, m_dLogits;
    Tensor m_ownCounts, m_allCounts, m_allExperts;  // bytes of int64; floats of a layer's experts
    std::vector<Choice> m_chosen;                   // of the layer that was routed last
    std::vector<float> m_hostProbabilities;
    double m_loss = 0;
    std::uint64_t m_wireBytes = 0;  // of the last step
};

}  // namespace ridge::workloads
