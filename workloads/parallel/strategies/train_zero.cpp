// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/emulated_link.h"
#include "workloads/parallel/strategies/parallel_training.h"
#include "workloads/parallel/strategies/train_parallel.h"
#include "workloads/parallel/strategies/zero.h"

namespace ridge::workloads {

namespace {

ParallelSetup setupOf(const Backend& backend, ZeroOptions options) {
    using formulas::Collective;
    constexpr std::size_t kBlockBytes = std::size_t{3} << 20;  // about one block's
    // Stage 3 moves half as much again as data parallelism, and its first gather and last scatter
    // have nothing to hide beside: over the others' 0.1 GB/s these alone are a quarter of the step.
    constexpr double kLink = 0.15e9;
    ParallelSetup setup;
    setup.name = "train.zero/" + std::to_string(options.stage);
    setup.params = {{"zero_stage", std::to_string(options.stage)},
                    {"prefetch", options.prefetch ? "on" : "off"}};
    setup.backend = backend;
    setup.link = linkBesideProducts(kLink);
    setup.make = [options](Operators& ops, Communicator& communicator, const GptConfig& config,
                           std::int64_t sequences) {
        return ZeroTrainer::create(ops, communicator, config, sequences, options);
    };
    setup.fullOnly = options.stage < 3;
    if (options.stage == 0)
        setup.collectives = {{Collective::kAllReduce, kBlockBytes}};
    else
        setup.collectives = {{Collective::kReduceScatter, kBlockBytes},
                             {Collective::kAllGather, kBlockBytes}};
    if (options.prefetch) {
        setup.name += ".prefetch";
        setup.twin = [stage = options.stage](Operators& ops, Communicator& communicator,
                                             const GptConfig& config, std::int64_t sequences) {
            return ZeroTrainer::create(ops, communicator, config, sequences, {stage, false});
        };
    } else {
        setup.expected = {"comm_transfer", "communication"};
        setup.fasterVariant = setup.name + ".prefetch";
        setup.change = "comm_hidden";
    }
    // Half a gigabyte of gradients is 0.1 s there; 3 TFLOP a rank take a data-centre GPU about as
    // long in float.
    moveToDevice(setup, {kDeviceModel, 8, 5e9});
    return setup;
}

}  // namespace

std::vector<WorkloadSpec> zeroSpecs(const Backend& backend) {
    std::vector<WorkloadSpec> all;
    for (const int stage : {0, 1, 2, 3})
        for (const bool prefetch : {false, true})
            all.push_back(parallelSpec(setupOf(backend, {stage, prefetch})));
    return all;
}

}  // namespace ridge::workloads
