// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// io.decode: a loader whose samples cost the processor something before they are of use: unpacked,
// made smaller as images are, or only held against their checksum.
#include "workloads/storage/image_sample.h"
#include "workloads/storage/io_train.h"
#include "workloads/storage/packed_sample.h"
#include "workloads/storage/storage.h"

#include <fmt/format.h>

namespace ridge::workloads {
namespace {

constexpr std::size_t kUnpacked = std::size_t{2} << 20;
constexpr std::size_t kImageSlot = (kImageBytes / 4096 + 1) * 4096;  // and the header

IoTrainShape shapeOf(std::size_t slotBytes, int workers) {
    IoTrainShape shape;
    shape.dataset = {slotBytes, 16, 4};
    shape.loader.batch = 24;
    shape.loader.depth = workers > 0 ? 4 : 0;
    shape.loader.workers = workers;
    shape.gemmRepeats = 3;
    return shape;
}

IoTrainShape unpackShape(int workers) {
    IoTrainShape shape = shapeOf(640 * 1024, workers);  // a fifth of 2 MiB, with room to spare
    shape.loader.decode = [](std::span<const std::byte> sample, std::uint64_t index) {
        return unpackSample(sample, index, kUnpacked);
    };
    shape.makeSample = [](std::span<std::byte> sample, std::uint64_t index) {
        return packSample(sample, index, kUnpacked);
    };
    shape.decodedBytes = kUnpacked;
    return shape;
}

IoTrainShape resizeShape(int workers) {
    IoTrainShape shape = shapeOf(kImageSlot, workers);
    shape.loader.decode = resizeImageSample;
    shape.makeSample = makeImageSample;
    shape.decodedBytes = kResizedBytes;
    return shape;
}

// CRC-32C runs at 10 GB/s and reading at 1 to 2: twice the bytes and one product instead of three,
// so that the reading is what is left to name.
IoTrainShape checksumShape(int workers) {
    IoTrainShape shape = shapeOf(640 * 1024, workers);
    shape.loader.batch = 48;
    shape.gemmRepeats = 1;
    return shape;
}

WorkloadSpec decodeSpec(std::string name, const IoTrainShape& shape, const char* decode) {
    WorkloadSpec spec;
    spec.name = std::move(name);
    spec.params = ioTrainParams(shape);
    spec.params["decode"] = decode;
    spec.presets = {"full"};
    // The step waits for the processor that unpacks, in its own thread or in others.
    spec.expected = {"host", "host"};
    spec.warmupSteps = 5;
    spec.steps = 25;
    spec.create = [shape] { return makeIoTrain(shape); };
    return spec;
}

}  // namespace

std::vector<WorkloadSpec> ioDecodeSpecs() {
    std::vector<WorkloadSpec> specs;
    for (const int workers : {0, 1, 2}) {
        WorkloadSpec spec = decodeSpec(
            workers == 0 ? "io.decode/inline" : fmt::format("io.decode/workers{}", workers),
            unpackShape(workers), "deflate and crc32c");
        spec.params["unpacked_bytes"] = std::to_string(kUnpacked);
        if (workers == 0) spec.presets = {"standard", "full"};
        specs.push_back(std::move(spec));
    }
    for (const int workers : {0, 2}) {
        const std::string where = workers == 0 ? "inline" : fmt::format("workers{}", workers);
        WorkloadSpec resize =
            decodeSpec("io.decode/resize-" + where, resizeShape(workers), "antialiased resize");
        resize.params["image"] = fmt::format("{0}x{0} to {1}x{1}", kImageSide, kResizedSide);
        specs.push_back(std::move(resize));
        WorkloadSpec checksum =
            decodeSpec("io.decode/checksum-" + where, checksumShape(workers), "crc32c");
        checksum.expected = {"io_input", "input_io"};
        specs.push_back(std::move(checksum));
    }
    return specs;
}

}  // namespace ridge::workloads
