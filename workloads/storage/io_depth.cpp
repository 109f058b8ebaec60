// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// io.depth: random direct reads of one size with so many of them under way.
#include "base/file.h"
#include "workloads/harness/context.h"
#include "workloads/harness/quantile.h"
#include "workloads/storage/dataset.h"
#include "workloads/storage/read_queue.h"
#include "workloads/storage/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <ridge/work.h>

namespace ridge::workloads {
namespace {

constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;
constexpr std::size_t kFileBytes = 1024 * kMiB;
constexpr std::uint64_t kMark = 0x6b636f6c625f6f69;  // "io_block"

struct DepthShape {
    ReadEngine engine = ReadEngine::kPsync;
    std::size_t block = 4 * kKiB;
    unsigned depth = 1;
    int readsPerStep = 256;
};

// A 4 KiB unit of the file: its number, then a sequence that depends on the number alone.
void fillUnit(std::span<std::byte> unit, std::uint64_t number) {
    std::uint64_t value = number * 0x9E3779B97F4A7C15ULL + 1;
    const std::uint64_t mark = number ^ kMark;
    std::memcpy(unit.data(), &mark, sizeof mark);
    for (std::size_t at = 8; at + 8 <= unit.size(); at += 8) {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
        std::memcpy(unit.data() + at, &value, 8);
    }
}

Status writeFile(const std::filesystem::path& path) {
    AlignedBuffer piece(kDiskPiece);
    RIDGE_TRY(DiskFile file, DiskFile::create(path, Caching::kDirect));
    for (std::size_t at = 0; at < kFileBytes; at += piece.bytes().size()) {
        for (std::size_t unit = 0; unit < piece.bytes().size(); unit += kDiskAlignment)
            fillUnit(piece.bytes().subspan(unit, kDiskAlignment), (at + unit) / kDiskAlignment);
        RIDGE_TRY_STATUS(file.write(piece.bytes(), at));
    }
    RIDGE_TRY_STATUS(file.sync());
    return file.close();
}

Status wrongBlock(std::uint64_t offset) {
    return Error{ErrorCode::kMeasurement, fmt::format("the block at {} is not what was written", offset)};
}

class IoDepth final : public Workload {
public:
    explicit IoDepth(DepthShape shape) : m_shape(shape) {}

    Status prepare() override {
        RIDGE_TRY(const std::filesystem::path parent, dataFolder());
        RIDGE_TRY_STATUS(requireDisk(parent));
        std::error_code error;
        const auto space = std::filesystem::space(parent, error);
        if (!error && space.available < 2 * kFileBytes)
            return Error{ErrorCode::kUnsupported,
                         fmt::format("{} has {} MiB left; {} are wanted", parent.string(),
                                     space.available / kMiB, 2 * kFileBytes / kMiB)};
        RIDGE_TRY(m_queue, makeReadQueue(m_shape.engine, m_shape.block, m_shape.depth));
        RIDGE_TRY(m_folder, TempDir::create("io-depth-", parent));
        const auto path = m_folder->path() / "train-data.bin";
        RIDGE_TRY_STATUS(writeFile(path));
        RIDGE_TRY(m_file, DiskFile::openForReading(path, Caching::kDirect));
        m_order = shuffledOrder(kFileBytes / m_shape.block, 1);
        return {};
    }
    // Whole blocks, byte by byte.
    CheckResult check() override {
        std::vector<std::uint64_t> offsets;
        for (int i = 0; i < m_shape.readsPerStep; ++i) offsets.push_back(nextOffset());
        AlignedBuffer expected(kDiskAlignment);
        std::vector<std::int64_t> latencies;
        const Status status = m_queue->readAll(
            *m_file, offsets, latencies,
            [&](std::uint64_t index, std::span<const std::byte> data) -> Status {
                for (std::size_t at = 0; at < data.size(); at += kDiskAlignment) {
                    fillUnit(expected.bytes(), (offsets[index] + at) / kDiskAlignment);
                    if (!std::ranges::equal(expected.bytes(), data.subspan(at, kDiskAlignment)))
                        return wrongBlock(offsets[index]);
                }
                return {};
            });
        if (!status.ok()) return {false, status.error().message};
        return {latencies.size() == offsets.size(),
                fmt::format("{} blocks byte for byte", latencies.size())};
    }
    void step(std::uint64_t) override {
        const auto reads = static_cast<std::size_t>(m_shape.readsPerStep);
        const WorkRange range("io.read",
                              opWork(RIDGE_OP_IO, RIDGE_DTYPE_NONE, 0, reads * m_shape.block, 0));
        Status status = m_queue->readOn(
            *m_file, [this] { return nextOffset(); }, reads, m_latencies,
            [](std::uint64_t offset, std::span<const std::byte> data) -> Status {
                std::uint64_t mark = 0;
                std::memcpy(&mark, data.data(), sizeof mark);
                return (mark ^ kMark) == offset / kDiskAlignment ? Status{} : wrongBlock(offset);
            });
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
    }
    Status status() const override { return m_status; }
    CheckResult finish() override {
        return {true, "every block is the one that was asked for"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        // All reads over all of the time, as fio counts.
        const double reads = m_shape.readsPerStep / timing.meanStepSeconds;
        std::vector<double> latencies(m_latencies.begin(), m_latencies.end());
        const auto latency = [&](double q) { return quantile(latencies, q) / 1e9; };
        return {{"iops", reads, "1/s", Metric::Direction::kHigher},
                {"read_bandwidth", reads * static_cast<double>(m_shape.block), "B/s",
                 Metric::Direction::kHigher},
                {"clat_p50", latency(0.5), "s", Metric::Direction::kLower},
                {"clat_p99", latency(0.99), "s", Metric::Direction::kLower}};
    }

private:
    // Without repetition until the whole file was read.
    std::uint64_t nextOffset() { return m_order[m_at++ % m_order.size()] * m_shape.block; }

    DepthShape m_shape;
    std::optional<TempDir> m_folder;
    std::unique_ptr<ReadQueue> m_queue;
    std::optional<DiskFile> m_file;
    std::vector<std::uint64_t> m_order;
    std::size_t m_at = 0;
    std::vector<std::int64_t> m_latencies;
    Status m_status;
};

const char* blockLabel(std::size_t block) {
    return block == 4 * kKiB ? "4k" : block == 128 * kKiB ? "128k" : "1M";
}

// About 25 ms per step on a disk that does 15 k requests or 1.3 GB/s one at a time.
int readsPerStep(std::size_t block, unsigned depth) {
    const int alone = block == 4 * kKiB ? 400 : block == 128 * kKiB ? 160 : 32;
    return alone * static_cast<int>(std::min(depth, block == 4 * kKiB ? 4U : 2U));
}

WorkloadSpec depthSpec(ReadEngine engine, std::size_t block, unsigned depth, bool standard) {
    const DepthShape shape{engine, block, depth, readsPerStep(block, depth)};
    WorkloadSpec spec;
    const bool uring = engine == ReadEngine::kUring;
    spec.name = uring ? fmt::format("io.depth/uring-{}-qd{}", blockLabel(block), depth)
                      : fmt::format("io.depth/psync-{}", blockLabel(block));
    spec.params = {{"engine", uring ? "io_uring" : "psync"},
                   {"block_bytes", std::to_string(block)},
                   {"depth", std::to_string(depth)},
                   {"file_bytes", std::to_string(kFileBytes)},
                   {"reads_per_step", std::to_string(shape.readsPerStep)},
                   {"pattern", "random, each block once"},
                   {"cache", "O_DIRECT: past the page cache"}};
    spec.presets = standard ? std::vector<std::string>{"standard", "full"}
                            : std::vector<std::string>{"full"};
    spec.expected = {"io_input", "input_io"};
    spec.warmupSteps = 2;
    spec.steps = 40;
    spec.create = [shape] { return std::make_unique<IoDepth>(shape); };
    return spec;
}

}  // namespace

std::vector<WorkloadSpec> ioDepthSpecs() {
    std::vector<WorkloadSpec> specs;
    for (const std::size_t block : {4 * kKiB, 128 * kKiB, kMiB}) {
        const bool ends = block != 128 * kKiB;
        specs.push_back(depthSpec(ReadEngine::kPsync, block, 1, ends));
        for (unsigned depth = 1; depth <= 64; depth *= 2)
            specs.push_back(depthSpec(ReadEngine::kUring, block, depth, ends && depth == 32));
    }
    return specs;
}

}  // namespace ridge::workloads
