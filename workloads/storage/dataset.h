// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The training set of io.train: shard files train-data-00000.bin ... of samples of a fixed size. A
// sample carries its own index and the CRC-32C of its payload, so that a loader can prove what it
// delivered. Errors: kIo, kBadInput (a sample that is not what its place says).

#include "base/result.h"
#include "workloads/storage/disk_file.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

namespace ridge::workloads {

struct DatasetShape {
    std::size_t sampleBytes = std::size_t{1} << 20;  // a multiple of kDiskAlignment
    std::size_t samplesPerShard = 32;
    std::size_t shards = 8;
    [[nodiscard]] std::size_t samples() const { return samplesPerShard * shards; }
};

// Writes the shards and makes them durable; fill makes a sample (fillSample, if none is given).
using SampleMaker = std::function<Status(std::span<std::byte> sample, std::uint64_t index)>;
Status writeDataset(const std::filesystem::path& folder, const DatasetShape& shape,
                    const SampleMaker& fill = {});

// Open shards; read() may be called by several threads at once.
class Dataset {
public:
    static Result<Dataset> open(const std::filesystem::path& folder, const DatasetShape& shape);
    Status read(std::uint64_t index, std::span<std::byte> sample) const;
    [[nodiscard]] const DatasetShape& shape() const { return m_shape; }
    // False: reads come from the page cache after the first epoch.
    [[nodiscard]] bool direct() const;

private:
    DatasetShape m_shape;
    std::vector<DiskFile> m_files;
};

// Makes sample number `index`: header and a payload that no other sample has.
void fillSample(std::span<std::byte> sample, std::uint64_t index);
// The decoding step: index and checksum must fit.
Status verifySample(std::span<const std::byte> sample, std::uint64_t expectedIndex);
// The header alone: is this sample `expectedIndex`?
Status identifySample(std::span<const std::byte> sample, std::uint64_t expectedIndex);

// 0 .. count-1 in an order that depends on the seed alone (std::shuffle's differs by library).
std::vector<std::uint64_t> shuffledOrder(std::size_t count, std::uint64_t seed);

}  // namespace ridge::workloads
