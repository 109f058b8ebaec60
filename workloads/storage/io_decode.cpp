// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// io.decode: a loader whose samples must be unpacked, so that it needs the processor and not the
// disk.
#include "workloads/storage/io_train.h"
#include "workloads/storage/packed_sample.h"
#include "workloads/storage/storage.h"

#include <fmt/format.h>

namespace ridge::workloads {
namespace {

constexpr std::size_t kUnpacked = std::size_t{2} << 20;

IoTrainShape decodeShape(int depth, int workers) {
    IoTrainShape shape;
    shape.dataset = {640 * 1024, 16, 4};  // a fifth of 2 MiB, with room to spare
    shape.loader.batch = 24;
    shape.loader.depth = depth;
    shape.loader.workers = workers;
    shape.loader.decode = [](std::span<const std::byte> sample, std::uint64_t index) {
        return unpackSample(sample, index, kUnpacked);
    };
    shape.makeSample = [](std::span<std::byte> sample, std::uint64_t index) {
        return packSample(sample, index, kUnpacked);
    };
    shape.decodedBytes = kUnpacked;
    shape.gemmRepeats = 3;
    return shape;
}

}  // namespace

std::vector<WorkloadSpec> ioDecodeSpecs() {
    std::vector<WorkloadSpec> specs;
    for (const int workers : {0, 1, 2}) {
        const IoTrainShape shape = decodeShape(workers > 0 ? 4 : 0, workers);
        WorkloadSpec spec;
        spec.name = workers == 0 ? "io.decode/inline" : fmt::format("io.decode/workers{}", workers);
        spec.params = ioTrainParams(shape);
        spec.params["decode"] = "deflate and crc32c";
        spec.params["unpacked_bytes"] = std::to_string(kUnpacked);
        spec.presets = workers == 0 ? std::vector<std::string>{"standard", "full"}
                                    : std::vector<std::string>{"full"};
        // The step waits for the processor that unpacks, in its own thread or in others.
        spec.expected = {"host", "host"};
        spec.warmupSteps = 5;
        spec.steps = 25;
        spec.create = [shape] { return makeIoTrain(shape); };
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ridge::workloads
