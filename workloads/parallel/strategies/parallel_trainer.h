// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What every strategy of parallel training is to its workload and to its proof: one rank's part of
// a model that trains on the whole batch together with the other ranks. All ranks make the same
// calls in the same order, with the same arguments. Parameters outside are always the whole
// model's, in GptLayout's order (a strategy with more of them says so).
//
// Errors: the communicator's. The Operators and the Communicator outlive it. Memory is that of the
// Operators: in a device's all but offload's tier work under an OrderedCollectives.

#include "workloads/harness/workload.h"
#include "workloads/models/gpt_layout.h"
#include "workloads/ops/operators.h"
#include "workloads/parallel/communicator.h"

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace ridge::workloads {

class ParallelTrainer {
public:
    virtual ~ParallelTrainer() = default;
    ParallelTrainer() = default;
    ParallelTrainer(const ParallelTrainer&) = delete;
    ParallelTrainer& operator=(const ParallelTrainer&) = delete;

    // Moments and step count go back to zero.
    virtual Status load(std::span<const float> parameters) = 0;
    // One optimizer step on the whole batch (sequences x T of each). Returns this rank's share of
    // the mean loss before it: the shares of all ranks add up.
    virtual Result<double> step(std::span<const std::int32_t> tokens,
                                std::span<const std::int32_t> targets, AdamWArgs args) = 0;
    // The whole model, on every rank.
    virtual Result<std::vector<float>> parameters() = 0;

    // What this rank sends in a step, by the formula library; the payloads of a step add up to it.
    [[nodiscard]] virtual std::uint64_t wireBytesPerStep() const = 0;
    // Parameters, gradients and moments that this rank keeps.
    [[nodiscard]] virtual std::int64_t stateBytes() const = 0;
    // What it keeps for the backward pass.
    [[nodiscard]] virtual std::int64_t activationBytes() const = 0;
    // Of the communicators that it has split off; 0: the fabric as it is.
    virtual void setLinkLimit(double /*bytesPerSecond*/) {}
    // More that the strategy has measured in its steps since load(). Every rank calls.
    [[nodiscard]] virtual std::vector<Metric> metrics() const { return {}; }
};

// Makes a strategy's trainer for a model and a batch of that many sequences in all. Every rank
// calls (communicators are split in it).
using MakeTrainer = std::function<Result<std::unique_ptr<ParallelTrainer>>(
    Operators& ops, Communicator& communicator, const GptConfig& config, std::int64_t sequences)>;

}  // namespace ridge::workloads
