// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/parallel_training.h"
#include "workloads/parallel/strategies/pipeline_parallel.h"
#include "workloads/parallel/strategies/train_parallel.h"

namespace ridge::workloads {

std::vector<WorkloadSpec> pipelineSpecs(const Backend& backend) {
    std::vector<WorkloadSpec> all;
    for (const auto schedule : {PipelineSchedule::kGPipe, PipelineSchedule::kOneForwardOneBackward})
        for (const std::int64_t microBatches : {2, 4, 8}) {
            const bool gpipe = schedule == PipelineSchedule::kGPipe;
            const std::string label = gpipe ? "gpipe" : "1f1b";
            ParallelSetup setup;
            setup.name = "train.pp/" + label + ".m" + std::to_string(microBatches);
            setup.params = {{"schedule", label}, {"micro_batches", std::to_string(microBatches)}};
            setup.backend = backend;
            setup.make = [=](Operators& ops, Communicator& communicator, const GptConfig& config,
                             std::int64_t sequences) {
                return PipelineTrainer::create(ops, communicator, config, sequences,
                                               {schedule, std::min(microBatches, sequences)});
            };
            // A small vocabulary, so that the head makes the last stage no longer by much.
            setup.model.vocabulary = 512;
            setup.link = 0;
            setup.fullOnly = gpipe || microBatches == 8;
            setup.collectives = {{formulas::Collective::kSendRecv, std::size_t{1} << 18}};
            // A third of the time is bubble, seen as waiting for a neighbour; a fifth or a ninth is
            // less than what products usually leave below the roof.
            setup.expected = microBatches == 2 ? Expected{"comm_wait", "pipeline_bubble"}
                                               : Expected{"compute_bound", "compute"};
            GptConfig larger = kDeviceModel;
            larger.vocabulary = setup.model.vocabulary;
            moveToDevice(setup, {larger, 8, 0});
            all.push_back(parallelSpec(setup));
        }
    return all;
}

}  // namespace ridge::workloads
