// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The list of families, in the order of the tables. A new family adds its header and its line here.
#include "workloads/faults/faults.h"
#include "workloads/harness/workload.h"
#include "workloads/models/elementwise.h"
#include "workloads/models/infer.h"
#include "workloads/models/kernels/kernels.h"
#include "workloads/models/serving/serve.h"
#include "workloads/models/speculative.h"
#include "workloads/models/train.h"
#include "workloads/parallel/comm.h"
#include "workloads/parallel/strategies/train_dp.h"
#include "workloads/parallel/strategies/train_parallel.h"
#include "workloads/storage/storage.h"

#include <iterator>

namespace ridge::workloads {
namespace {

std::vector<WorkloadSpec> collect() {
    std::vector<WorkloadSpec> all;
    const auto add = [&all](std::vector<WorkloadSpec> family) {
        std::move(family.begin(), family.end(), std::back_inserter(all));
    };
    add(gemmSpecs());
    add(elementwiseSpecs());
    add(vectorSpecs());
    add(attentionSpecs());
    add(launchSpecs());
    add(trainSpecs());
    add(dataParallelSpecs());
    add(zeroSpecs());
    add(tensorParallelSpecs());
    add(pipelineSpecs());
    add(contextParallelSpecs());
    add(expertParallelSpecs());
    add(offloadSpecs());
    add(inferSpecs());
    add(serving::serveSpecs());
    add(speculativeSpecs());
    add(commSpecs());
    add(ioLayoutSpecs());
    add(ioDepthSpecs());
    add(ioTrainSpecs());
    add(ioDecodeSpecs());
    add(checkpointSpecs());
    add(faultSpecs());
    return all;
}

}  // namespace

const std::vector<WorkloadSpec>& allWorkloads() {
    static const std::vector<WorkloadSpec> specs = collect();
    return specs;
}

}  // namespace ridge::workloads
