// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/parallel_training.h"
#include "workloads/parallel/strategies/tensor_parallel.h"
#include "workloads/parallel/strategies/train_parallel.h"

namespace ridge::workloads {

std::vector<WorkloadSpec> tensorParallelSpecs(const Backend& backend) {
    using formulas::Collective;
    std::vector<WorkloadSpec> all;
    for (const bool sequenceParallel : {false, true}) {
        ParallelSetup setup;
        setup.name = sequenceParallel ? "train.tp/sp" : "train.tp/plain";
        setup.params = {{"sequence_parallel", sequenceParallel ? "on" : "off"}};
        setup.backend = backend;
        setup.make = [sequenceParallel](Operators& ops, Communicator& communicator,
                                        const GptConfig& config, std::int64_t sequences) {
            return TensorParallelTrainer::create(ops, communicator, config, sequences,
                                                 sequenceParallel);
        };
        // Wide and short: 8 exchanges of 1 MiB a step.
        setup.model = {.layers = 2, .width = 512, .heads = 8, .context = 128, .vocabulary = 1024};
        setup.sequences = 4;
        setup.link = 0.025e9;
        constexpr std::size_t kBytes = std::size_t{1} << 20;
        setup.collectives = {{Collective::kAllReduce, kBytes}};
        if (sequenceParallel)
            setup.collectives = {{Collective::kReduceScatter, kBytes},
                                 {Collective::kAllGather, kBytes}};
        setup.expected = {"comm_transfer", "communication"};
        setup.fullOnly = sequenceParallel;
        // 16 exchanges of 32 MiB a step.
        moveToDevice(
            setup, {{.layers = 4, .width = 2048, .heads = 16, .context = 1024, .vocabulary = 8192},
                    4,
                    2e9});
        all.push_back(parallelSpec(setup));
    }
    return all;
}

}  // namespace ridge::workloads
