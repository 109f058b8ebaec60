// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/dataset.h"

#include "workloads/storage/crc32c.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace ridge::workloads {
namespace {

struct SampleHeader {
    std::uint64_t magic = 0;
    std::uint64_t index = 0;
    std::uint32_t crc = 0;  // of what follows the header
    std::uint32_t reserved = 0;
};
constexpr std::uint64_t kMagic = 0x315f656c706d6173;  // "sample_1"

std::filesystem::path shardPath(const std::filesystem::path& folder, std::size_t shard) {
    return folder / fmt::format("train-data-{:05}.bin", shard);
}

}  // namespace

void fillSample(std::span<std::byte> sample, std::uint64_t index) {
    std::uint64_t state =
        index * 0x9E3779B97F4A7C15ULL + 1;  // splitmix64's increment: no two samples alike
    for (std::size_t at = sizeof(SampleHeader); at + 8 <= sample.size(); at += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        std::memcpy(sample.data() + at, &state, 8);
    }
    const SampleHeader header{kMagic, index, crc32c(sample.subspan(sizeof(SampleHeader))), 0};
    std::memcpy(sample.data(), &header, sizeof header);
}

Status writeDataset(const std::filesystem::path& folder, const DatasetShape& shape,
                    const SampleMaker& fill) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        return Error{ErrorCode::kIo,
                     fmt::format("cannot create {}: {}", folder.string(), error.message())};
    AlignedBuffer sample(shape.sampleBytes);
    std::vector<DiskFile> files;
    for (std::size_t shard = 0; shard < shape.shards; ++shard) {
        RIDGE_TRY(DiskFile file, DiskFile::create(shardPath(folder, shard)));
        for (std::size_t i = 0; i < shape.samplesPerShard; ++i) {
            const std::uint64_t index = shard * shape.samplesPerShard + i;
            if (fill) {
                RIDGE_TRY_STATUS(fill(sample.bytes(), index));
            } else {
                fillSample(sample.bytes(), index);
            }
            RIDGE_TRY_STATUS(file.write(sample.bytes(), i * shape.sampleBytes));
        }
        files.push_back(std::move(file));
    }
    for (DiskFile& file : files) {
        RIDGE_TRY_STATUS(file.sync());
        RIDGE_TRY_STATUS(file.close());
    }
    return syncFolder(folder);
}

Result<Dataset> Dataset::open(const std::filesystem::path& folder, const DatasetShape& shape) {
    Dataset dataset;
    dataset.m_shape = shape;
    for (std::size_t shard = 0; shard < shape.shards; ++shard) {
        RIDGE_TRY(DiskFile file, DiskFile::openForColdReading(shardPath(folder, shard)));
        dataset.m_files.push_back(std::move(file));
    }
    return dataset;
}

Status Dataset::read(std::uint64_t index, std::span<std::byte> sample) const {
    if (index >= m_shape.samples())
        return Error{ErrorCode::kInternal,
                     fmt::format("sample {} of {}", index, m_shape.samples())};
    return m_files[index / m_shape.samplesPerShard].read(
        sample.first(m_shape.sampleBytes), index % m_shape.samplesPerShard * m_shape.sampleBytes);
}

bool Dataset::direct() const {
    return std::all_of(m_files.begin(), m_files.end(),
                       [](const DiskFile& file) { return file.direct(); });
}

Status identifySample(std::span<const std::byte> sample, std::uint64_t expectedIndex) {
    SampleHeader header;
    if (sample.size() < sizeof header)
        return Error{ErrorCode::kBadInput, "a sample is shorter than its header"};
    std::memcpy(&header, sample.data(), sizeof header);
    if (header.magic != kMagic || header.index != expectedIndex)
        return Error{ErrorCode::kBadInput,
                     fmt::format("sample {} expected, {} found", expectedIndex, header.index)};
    return {};
}

Status verifySample(std::span<const std::byte> sample, std::uint64_t expectedIndex) {
    RIDGE_TRY_STATUS(identifySample(sample, expectedIndex));
    SampleHeader header;
    std::memcpy(&header, sample.data(), sizeof header);
    if (crc32c(sample.subspan(sizeof header)) != header.crc)
        return Error{ErrorCode::kBadInput,
                     fmt::format("sample {} does not match its checksum", expectedIndex)};
    return {};
}

// Fisher-Yates with splitmix64.
std::vector<std::uint64_t> shuffledOrder(std::size_t count, std::uint64_t seed) {
    std::vector<std::uint64_t> values(count);
    std::iota(values.begin(), values.end(), std::uint64_t{0});
    for (std::size_t i = values.size(); i > 1; --i) {
        seed += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        z ^= z >> 31;
        std::swap(values[i - 1], values[z % i]);
    }
    return values;
}

}  // namespace ridge::workloads
