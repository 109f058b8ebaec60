// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/context.h"
#include "workloads/parallel/strategies/emulated_link.h"
#include "workloads/parallel/strategies/offload.h"
#include "workloads/parallel/strategies/parallel_training.h"
#include "workloads/parallel/strategies/train_parallel.h"

namespace ridge::workloads {

std::vector<WorkloadSpec> offloadSpecs(const Backend& backend) {
    const auto make = [](OffloadMode mode) -> MakeTrainer {
        return [mode](Operators& ops, Communicator& /*communicator*/, const GptConfig& config,
                      std::int64_t sequences) -> Result<std::unique_ptr<ParallelTrainer>> {
            RIDGE_TRY(const std::filesystem::path folder, dataFolder());
            return OffloadTrainer::create(ops, config, sequences, mode, folder);
        };
    };
    const auto setupOf = [&](const std::string& label, OffloadMode mode) {
        ParallelSetup setup;
        setup.name = "train.offload/" + label;
        setup.params = {{"offload", label}};
        setup.backend = backend;
        setup.make = make(mode);
        setup.ranks = 1;
        setup.sequences = 4;
        setup.link = linkBesideProducts(0.4e9);
        if (backend.accelerator) {
            // Moments of 1 GB each way over the real link, beside a batch that takes as long.
            setup.model = {
                .layers = 12, .width = 768, .heads = 12, .context = 1024, .vocabulary = 50304};
            setup.sequences = 2;
            setup.link = 0;
        }
        if (mode != OffloadMode::kResident) setup.twin = make(OffloadMode::kResident);
        return setup;
    };
    ParallelSetup blocking = setupOf("blocking", OffloadMode::kBlocking);
    blocking.expected = {"copy", "copy_link"};
    blocking.fasterVariant = "train.offload/prefetch";
    blocking.change = "copies_hidden";
    const ParallelSetup prefetch = setupOf("prefetch", OffloadMode::kPrefetch);
    ParallelSetup resident = setupOf("resident", OffloadMode::kResident);
    resident.link = 0;
    resident.fullOnly = true;
    return {parallelSpec(blocking), parallelSpec(prefetch), parallelSpec(resident)};
}

}  // namespace ridge::workloads
