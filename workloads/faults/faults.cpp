// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/faults/faults.h"

#include "workloads/parallel/comm.h"
#include "workloads/storage/io_train.h"

namespace ridge::workloads {
namespace {

WorkloadSpec linkSpec() {
    constexpr double kSlowLink = 0.1e9;
    WorkloadSpec spec;
    spec.name = "train.fault/link";
    spec.params = {{"fault", "throttled link"},
                   {"link_bytes_per_s", "100000000"},
                   {"healthy_link_bytes_per_s", "500000000"},
                   {"like", "comm.overlap/on"}};
    spec.presets = {"standard", "full"};
    spec.ranks = 2;
    spec.expected = {"comm_transfer", "communication"};
    spec.warmupSteps = 2;
    spec.steps = 15;
    spec.create = [] { return makeOverlap({.overlapped = true, .link = kSlowLink}); };
    return spec;
}

WorkloadSpec loaderSpec() {
    IoTrainShape shape = diskTrainShape(4, 2);
    shape.loader.fetchDelayNs = 200'000'000;
    WorkloadSpec spec;
    spec.name = "train.fault/loader";
    spec.params = ioTrainParams(shape);
    spec.params["fault"] = "slow loader";
    spec.params["like"] = "io.train/prefetch4";
    spec.presets = {"standard", "full"};
    spec.expected = {"io_input", "input_io"};
    spec.warmupSteps = 5;
    spec.steps = 25;
    spec.create = [shape] { return makeIoTrain(shape); };
    return spec;
}

}  // namespace

std::vector<WorkloadSpec> faultSpecs() {
    std::vector<WorkloadSpec> specs = stragglerSpecs();
    specs.push_back(linkSpec());
    specs.push_back(loaderSpec());
    specs.push_back(preemptedSpec());
    return specs;
}

}  // namespace ridge::workloads
