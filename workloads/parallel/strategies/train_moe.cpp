// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/context.h"
#include "workloads/parallel/strategies/expert_parallel.h"
#include "workloads/parallel/strategies/expert_reference.h"
#include "workloads/parallel/strategies/parallel_training.h"
#include "workloads/parallel/strategies/train_parallel.h"

#include <fmt/format.h>

namespace ridge::workloads {

namespace {

constexpr std::uint64_t kSeed = 1;

// Links, in B/s: over the first dispatch and combine take most of a step, over the second next to
// nothing.
struct Links {
    double slow, fast;
};
constexpr Links kProcessorLinks{0.02e9, 1e9}, kDeviceLinks{0.5e9, 20e9};
constexpr std::int64_t kExperts = 4, kDeviceExperts = 8;

ParallelSetup setupOf(const Backend& backend, const std::string& label, ExpertOptions options,
                      double Links::*link) {
    options.experts = backend.accelerator ? kDeviceExperts : kExperts;
    ParallelSetup setup;
    setup.name = "train.moe/" + label;
    setup.params = {
        {"experts", std::to_string(options.experts)},
        {"choices", std::to_string(options.choices)},
        {"capacity", options.capacity > 0 ? fmt::format("{}", options.capacity) : "dropless"},
        {"gate", options.skew > 0 ? "zipf" : "balanced"}};
    setup.backend = backend;
    setup.make = [options](Operators& ops, Communicator& communicator, const GptConfig& config,
                           std::int64_t sequences) {
        return ExpertParallelTrainer::create(ops, communicator, config, sequences, options);
    };
    setup.model = {.layers = 2, .width = 128, .heads = 4, .context = 256, .vocabulary = 512};
    setup.link = kProcessorLinks.*link;
    moveToDevice(setup,
                 {{.layers = 2, .width = 2048, .heads = 16, .context = 1024, .vocabulary = 8192},
                  8,
                  kDeviceLinks.*link});
    setup.moreParameters = [options](const GptConfig& config) {
        return expertParameters(config, options, kSeed, 0.02F);
    };
    // An MLP per choice and the router, forward and twice that backward.
    const auto tokens = static_cast<std::uint64_t>(setup.sequences * setup.model.context);
    const auto c = static_cast<std::uint64_t>(setup.model.width);
    setup.extraFlops = static_cast<std::uint64_t>(setup.model.layers) * 6 * tokens *
                       (static_cast<std::uint64_t>(options.choices) * 8 * c * c +
                        static_cast<std::uint64_t>(options.experts) * c);
    // Each rank has rooms of its own: the oracle must know how many there are.
    setup.proof.oracle = [options](const TrajectoryInput& input) {
        return expertOracle(options, runContext().communicator->size())(input);
    };
    setup.proof.moreParameters = expertParameters(setup.proof.config, options, kSeed, 0.3F);
    setup.collectives = {{formulas::Collective::kAllToAll, std::size_t{1} << 19},
                         {formulas::Collective::kAllGather, 64},
                         {formulas::Collective::kAllReduce, std::size_t{1} << 20}};
    return setup;
}

}  // namespace

std::vector<WorkloadSpec> expertParallelSpecs(const Backend& backend) {
    const Expected exposed{"comm_transfer", "communication"};
    std::vector<WorkloadSpec> all;
    for (const std::int64_t choices : {1, 2}) {
        ParallelSetup even = setupOf(backend, "k" + std::to_string(choices),
                                     {.choices = choices, .capacity = 1.25}, &Links::slow);
        even.expected = exposed;
        even.fullOnly = even.fullOnly || choices > 1;
        all.push_back(parallelSpec(even));
    }
    // A router that prefers the first experts, all of them on the first rank.
    ParallelSetup skewed = setupOf(backend, "k1.zipf.dropless",
                                   {.choices = 1, .capacity = 0, .skew = 1.0}, &Links::fast);
    skewed.expected = {"comm_wait", "straggler"};
    skewed.fullOnly = true;
    all.push_back(parallelSpec(skewed));
    ParallelSetup dropped = setupOf(backend, "k1.zipf.capacity1",
                                    {.choices = 1, .capacity = 1.0, .skew = 1.0}, &Links::slow);
    dropped.expected = exposed;
    dropped.fullOnly = true;
    all.push_back(parallelSpec(dropped));
    return all;
}

}  // namespace ridge::workloads
