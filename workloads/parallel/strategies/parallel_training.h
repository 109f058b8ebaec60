// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload around a strategy's ParallelTrainer: the same life, proofs and metrics for all.
//
// Before it is timed it proves: the strategy's collectives by value (integers, exact, guards), five
// steps of a tiny model against one rank in double precision (checks.h), and at full size the first
// two losses against a run of one rank alone (and, where the strategy has a twin that waits for
// every collective, two steps equal to the twin's to the bit). After the timed steps: every loss
// was a number, and the weights are rank 0's to the bit on every rank. Batches are four, by seed,
// the same on every rank.
//
// Metrics: tokens_per_s, flops_per_s_full (the model's, of all ranks), wire_bytes_per_step and
// state_bytes, activation_bytes (rank 0's), link_floor (s: its wire bytes over the emulated link),
// and the strategy's own.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"
#include "workloads/parallel/strategies/checks.h"
#include "workloads/parallel/strategies/parallel_trainer.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ridge::workloads {

struct ParallelSetup {
    std::string name;  // "train.zero/1"
    std::map<std::string, std::string> params;
    Backend backend;
    MakeTrainer make;
    MakeTrainer twin;  // the same arithmetic otherwise arranged: two steps must be equal to the bit
    GptConfig model{.layers = 4, .width = 256, .heads = 4, .context = 256, .vocabulary = 4096};
    std::int64_t sequences = 8;  // of the whole batch
    double link = 0.1e9;         // B/s, emulated; 0: the fabric as it is
    ParallelProof proof;
    // Parameters beyond the layout's at full size.
    std::function<std::vector<float>(const GptConfig& config)> moreParameters;
    std::uint64_t extraFlops = 0;  // of a step, beyond the GPT's
    // What it sends, each proven with this many bytes in all.
    std::map<formulas::Collective, std::size_t> collectives;
    Expected expected{"compute_bound", "compute"};
    std::string fasterVariant, change;
    int ranks = 2;  // of the preset; any number that divides what is shared will do, above 1
    std::int64_t steps = 8;
    bool fullOnly = false;  // in preset full, but not in standard
};

// On an accelerator: a variant beside the processor's, named *.nccl, of this size and over a link
// as fast as that is emulated, in the device's memory. Preset full: it needs a transport of its
// own.
struct DeviceSize {
    GptConfig model;
    std::int64_t sequences = 8;
    double link = 0;
};
void moveToDevice(ParallelSetup& setup, const DeviceSize& size);
// GPT-2's of 124 million parameters.
inline constexpr GptConfig kDeviceModel{
    .layers = 12, .width = 768, .heads = 12, .context = 1024, .vocabulary = 50304};

[[nodiscard]] WorkloadSpec parallelSpec(const ParallelSetup& setup);

}  // namespace ridge::workloads
