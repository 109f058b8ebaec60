// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A GPT's training step over Operators: forward with loss, backward, AdamW. Written once for every
// backend; the Operators object must outlive it. Parameters, gradients and both moments are flat
// arrays in the order of GptLayout. forward(), backward() and optimise() open the phase ranges
// "forward", "backward" and "optimizer" (no work of their own), and "recompute" inside "backward"
// (gpt_pass.h says what is). Not thread-safe.

#include "workloads/models/gpt_pass.h"
#include "workloads/ops/graphs.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace ridge::workloads {

class GptTrainer {
public:
    // Allocates all of it: 16 B per parameter and the activations of `sequences` full contexts.
    [[nodiscard]] static Result<std::unique_ptr<GptTrainer>> create(
        Operators& ops, const GptConfig& config, std::int64_t sequences,
        Recompute recompute = Recompute::kNone, bool fusedAttention = false);

    // Parameters from the seed; moments and step count back to zero.
    void initialise(std::uint64_t seed, float deviation = 0.02F);
    // sequences * context of each.
    void setBatch(std::span<const std::int32_t> tokens, std::span<const std::int32_t> targets);
    // This batch is one of `parts` of equal size whose gradients are added up (micro-batches,
    // ranks): its gradients come out divided by that, so that the sum is the whole batch's mean.
    void setParts(std::int64_t parts) { m_parts = parts; }
    // Mean loss of this batch in nats; the logits have become their gradient.
    double forward();
    // After one forward(). Replaces the gradients, or adds to them.
    void backward(bool accumulate = false);
    // Counts the steps itself; args.step is ignored.
    void optimise(AdamWArgs args = {});
    // One whole step (forward, backward, AdamW with these arguments) as one graph of the device
    // (ops/graphs.h), after steps of the same shape. kUnsupported: this backend records none.
    // Needs one part, and nobody who listens to gradients.
    [[nodiscard]] Status recordStep(const AdamWArgs& args = {});
    // What forward(), backward() and optimise() of the recording's arguments do, to the bit, by one
    // launch in the range "step.graph"; the loss before it. What changes from step to step (the
    // batch, the corrections of the moments) is written into the device's memory before.
    double runRecordedStep();
    // Of the graph; 0: none was recorded.
    [[nodiscard]] std::int64_t recordedNodes() const { return m_graph ? m_graph->nodes() : 0; }

    // Called in backward() as soon as the gradients [offset, offset + count) are final: the last
    // norm, the blocks from last to first, then both tables. Lets communication start early.
    void onGradientsReady(std::function<void(std::int64_t offset, std::int64_t count)> observer) {
        m_observer = std::move(observer);
    }

    [[nodiscard]] Operators& operators() const { return m_ops; }
    [[nodiscard]] const GptConfig& config() const { return m_config; }
    [[nodiscard]] const GptLayout& layout() const { return m_layout; }
    [[nodiscard]] std::int64_t sequences() const { return m_pass.shape().sequences; }
    // Bytes held for the backward pass: the block's buffers, the probabilities, the blocks'
    // outputs.
    [[nodiscard]] std::int64_t activationBytes() const { return m_pass.blockBytes(); }
    [[nodiscard]] Tensor parameters() const { return m_parameters; }
    [[nodiscard]] Tensor gradients() const { return m_gradients; }

private:
    GptTrainer(Operators& ops, const GptConfig& config, const PassShape& shape);
    void ready(std::int64_t begin, std::int64_t end) const;
    void issueForward();

    Operators& m_ops;
    GptConfig m_config;
    GptLayout m_layout;
    GptPass m_pass;
    std::int64_t m_parts = 1;
    std::int64_t m_steps = 0;
    Tensor m_parameters, m_gradients, m_firstMoments, m_secondMoments;
    RootParameters m_root, m_rootGradients;
    std::vector<BlockParameters> m_weights, m_weightGradients;
    std::function<void(std::int64_t, std::int64_t)> m_observer;
    AdamWArgs m_recordedArgs;
    Tensor m_corrections;  // of the moments, for the recorded step
    Work m_graphWork{};
    std::unique_ptr<OperatorGraph> m_graph;
};

}  // namespace ridge::workloads
