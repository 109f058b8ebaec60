// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The list of families, in the order of the tables. A new family adds its header and its line here.
#include "workloads/ceilings/cal_peak.h"
#include "workloads/families/families.h"
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
#include <set>
#include <string>

namespace ridge::workloads {
namespace {

// What can run on a GPU is written over Operators alone (and, offload, over its copy streams).
std::vector<WorkloadSpec> onGpu() {
    const Backend backend = cudaBackend();
    const FamilyBackend families = cudaFamilyBackend();
    std::vector<WorkloadSpec> all;
    for (auto& family :
         {calPeakSpecs(true), gemmSpecs(backend), elementwiseSpecs(backend), vectorSpecs(backend),
          attentionSpecs(backend), launchSpecs(backend), trainSpecs(backend), dlrmSpecs(families),
          gcnSpecs(families), convSpecs(families), offloadSpecs(backend), inferSpecs(backend),
          serving::serveSpecs(backend), speculativeSpecs(backend)})
        all.insert(all.end(), family.begin(), family.end());
    return all;
}

// What several ranks do in GPUs' memory, over a transport that has to be asked for: beside what
// they do on the processor, under names of its own.
std::vector<WorkloadSpec> ranksOnGpus() {
    const Backend backend = cudaBackend();
    std::vector<WorkloadSpec> all;
    for (auto& family :
         {dataParallelSpecs(backend), zeroSpecs(backend), tensorParallelSpecs(backend),
          pipelineSpecs(backend), contextParallelSpecs(backend), expertParallelSpecs(backend),
          deviceOverlapSpecs(backend), deviceSweepSpecs()})
        all.insert(all.end(), family.begin(), family.end());
    return all;
}

std::vector<WorkloadSpec> collect() {
    std::vector<WorkloadSpec> all;
    const auto add = [&all](std::vector<WorkloadSpec> family) {
        std::move(family.begin(), family.end(), std::back_inserter(all));
    };
    add(calPeakSpecs());
    add(gemmSpecs());
    add(elementwiseSpecs());
    add(vectorSpecs());
    add(attentionSpecs());
    add(launchSpecs());
    add(trainSpecs());
    add(dlrmSpecs());
    add(gcnSpecs());
    add(convSpecs());
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

// The families that a GPU runs are its own; the others are the machine's, whatever computes.
std::vector<WorkloadSpec> collectForCuda() {
    std::vector<WorkloadSpec> all = onGpu();
    std::set<std::string> families;
    const auto familyOf = [](const std::string& name) { return name.substr(0, name.find('/')); };
    for (const WorkloadSpec& spec : all) families.insert(familyOf(spec.name));
    for (WorkloadSpec& spec : collect())
        if (!families.contains(familyOf(spec.name))) all.push_back(std::move(spec));
    for (WorkloadSpec& spec : ranksOnGpus()) all.push_back(std::move(spec));
    return all;
}

}  // namespace

const std::vector<WorkloadSpec>& allWorkloads(BackendKind backend) {
    if (backend == BackendKind::kCuda) {
        static const std::vector<WorkloadSpec> cuda = collectForCuda();
        return cuda;
    }
    static const std::vector<WorkloadSpec> specs = collect();
    return specs;
}

}  // namespace ridge::workloads
