// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ckpt.save/ranks and ckpt.restore/reshard: checkpoints of several ranks. Each has its part of the
// state, as ZeRO has it; the folder is rank 0's, which all must reach.
#include "base/clock.h"
#include "workloads/harness/context.h"
#include "workloads/harness/quantile.h"
#include "workloads/parallel/communicator.h"
#include "workloads/storage/ckpt_state.h"
#include "workloads/storage/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ridge::workloads {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kPerRank = 32 * kMiB;
constexpr int kShardsPerRank = 2;

using Direction = Metric::Direction;

// Rank 0's folder, known to all.
class SharedCheckpoint : public CheckpointBase {
public:
    SharedCheckpoint() : CheckpointBase(kPerRank, {}) {}

    Status prepare() override {
        m_comm = runContext().communicator;
        if (!m_comm) return Error{ErrorCode::kUnsupported, "no communicator"};
        RIDGE_TRY_STATUS(CheckpointBase::prepare());
        fillState(m_state.bytes(), static_cast<std::uint64_t>(m_comm->rank()) + 1);
        std::array<char, 4096> path{};
        const std::string own = parent().string();
        if (own.size() >= path.size()) return Error{ErrorCode::kBadInput, "--data-dir is too long"};
        std::memcpy(path.data(), own.data(), own.size());
        RIDGE_TRY_STATUS(m_comm->controlBroadcast(path.data(), path.size(), 0));
        m_shared = path.data();
        return {};
    }

protected:
    [[nodiscard]] std::uint64_t offset() const {
        return static_cast<std::uint64_t>(m_comm->rank()) * kPerRank;
    }
    [[nodiscard]] double totalBytes() const { return size() * m_comm->size(); }

    // Every rank writes its shards; rank 0 learns their checksums and publishes.
    Status saveTogether(std::uint64_t number) {
        CheckpointTimes times;
        Status status;
        if (m_comm->rank() == 0) status = beginCheckpoint(m_shared, number);
        RIDGE_TRY_STATUS(m_comm->barrier());
        std::vector<std::uint32_t> crcs;
        if (status.ok()) status = writeOwn(number, crcs, times);
        // Also a rank that failed must take part, or the others wait for ever.
        crcs.resize(crcsPerRank());
        std::vector<std::uint32_t> all(crcs.size() * static_cast<std::size_t>(m_comm->size()));
        RIDGE_TRY_STATUS(m_comm->allGather(std::as_bytes(std::span(crcs)),
                                           std::as_writable_bytes(std::span(all)),
                                           "checkpoint.gather"));
        RIDGE_TRY(const bool good, m_comm->allAgree(status.ok()));
        if (!good) return status.ok() ? Status(Error{ErrorCode::kIo, "another rank failed"}) : status;
        if (m_comm->rank() == 0)
            status = publishCheckpoint(m_shared, number, recordsOf(all), m_options, times);
        float done = 0;
        RIDGE_TRY_STATUS(m_comm->allReduceSum({&done, 1}, "checkpoint.published"));
        return status;
    }
    Status compare() {
        const auto newest = newestCheckpoint(m_shared);
        if (!newest) return Error{ErrorCode::kMeasurement, "there is no checkpoint"};
        RIDGE_TRY_STATUS(restorePart(*newest, offset(), m_copy.bytes()));
        if (std::ranges::equal(m_state.bytes(), m_copy.bytes())) return {};
        return Error{ErrorCode::kMeasurement, "what this rank restored is not what it saved"};
    }

    Communicator* m_comm = nullptr;
    std::filesystem::path m_shared;

private:
    [[nodiscard]] static std::size_t crcsPerRank() {
        return kShardsPerRank * (kPerRank / kShardsPerRank / kDiskPiece);
    }
    Status writeOwn(std::uint64_t number, std::vector<std::uint32_t>& crcs, CheckpointTimes& times) {
        for (Shard shard : cutIntoShards(m_state.bytes(), kShardsPerRank)) {
            shard.index += static_cast<std::size_t>(m_comm->rank()) * kShardsPerRank;
            shard.offset += offset();
            RIDGE_TRY(const ShardRecord record, writeShard(m_shared, number, shard, m_options, times));
            crcs.insert(crcs.end(), record.crcs.begin(), record.crcs.end());
        }
        return {};
    }
    [[nodiscard]] std::vector<ShardRecord> recordsOf(std::span<const std::uint32_t> all) const {
        std::vector<ShardRecord> records;
        const std::size_t bytes = kPerRank / kShardsPerRank, each = bytes / kDiskPiece;
        for (std::size_t i = 0; i * each < all.size(); ++i) {
            const auto crcs = all.subspan(i * each, each);
            records.push_back({i * bytes, bytes, {crcs.begin(), crcs.end()}});
        }
        return records;
    }
};

static_assert(kPerRank % (kShardsPerRank * kDiskPiece) == 0);

class SaveOfRanks final : public SharedCheckpoint {
public:
    CheckResult check() override {
        Status status = saveTogether(1);
        if (status.ok()) status = compare();
        if (!status.ok()) return {false, status.error().message};
        return {true, fmt::format("{} B of {} ranks restored byte for byte", kPerRank *
                                  static_cast<std::size_t>(m_comm->size()), m_comm->size())};
    }
    void step(std::uint64_t index) override {
        touchState(m_state.bytes(), index);
        const std::int64_t start = monotonicNs();
        keep(saveTogether(index + 2));
        m_seconds.push_back(static_cast<double>(monotonicNs() - start) / 1e9);
    }
    CheckResult finish() override {
        if (m_status.ok()) keep(compare());
        if (!m_status.ok()) return {false, m_status.error().message};
        return {true, "the last save against memory"};
    }
    std::vector<Metric> report(const Timing&) override {
        if (std::ssize(m_seconds) > kCkptWarmup) m_seconds.erase(m_seconds.begin());
        const auto all = m_comm->controlGather(quantile(m_seconds, 0.5));
        if (!all.ok()) return {};
        const double slowest = *std::max_element(all->begin(), all->end());
        return {{"stall", slowest, "s", Direction::kLower},
                {"time_to_durable", slowest, "s", Direction::kLower},
                {"write_bandwidth", totalBytes() / slowest, "B/s", Direction::kHigher}};
    }

private:
    std::vector<double> m_seconds;
};

// Three shards, written by one process, restored by all ranks: no rank's part fits a shard.
class RestoreOnOtherRanks final : public SharedCheckpoint {
public:
    CheckResult check() override {
        Status status;
        if (m_comm->rank() == 0) status = saveWhole();
        const auto saved = m_comm->allAgree(status.ok());
        if (!saved.ok() || !*saved)
            return {false, status.ok() ? "rank 0 cannot save" : status.error().message};
        status = compare();
        if (!status.ok()) return {false, status.error().message};
        return {true, fmt::format("3 shards restored by {} ranks byte for byte", m_comm->size())};
    }
    void step(std::uint64_t) override {
        const auto newest = newestCheckpoint(m_shared);
        const std::int64_t start = monotonicNs();
        if (newest)
            keep(restorePart(*newest, offset(), m_copy.bytes()));
        else
            keep(Error{ErrorCode::kMeasurement, "the checkpoint is gone"});
        m_seconds.push_back(static_cast<double>(monotonicNs() - start) / 1e9);
    }
    Status status() const override { return m_status; }
    CheckResult finish() override {
        return {std::ranges::equal(m_state.bytes(), m_copy.bytes()),
                "the last restore against memory"};
    }
    std::vector<Metric> report(const Timing&) override {
        if (std::ssize(m_seconds) > kCkptWarmup) m_seconds.erase(m_seconds.begin());
        const auto all = m_comm->controlGather(quantile(m_seconds, 0.5));
        if (!all.ok()) return {};
        const double slowest = *std::max_element(all->begin(), all->end());
        return {{"restore_time", slowest, "s", Direction::kLower},
                {"read_bandwidth", totalBytes() / slowest, "B/s", Direction::kHigher}};
    }

private:
    Status saveWhole() {
        AlignedBuffer whole(kPerRank * static_cast<std::size_t>(m_comm->size()));
        for (int r = 0; r < m_comm->size(); ++r)
            fillState(whole.bytes().subspan(static_cast<std::size_t>(r) * kPerRank, kPerRank),
                      static_cast<std::uint64_t>(r) + 1);
        auto saved = saveCheckpoint(m_shared, 1, whole.bytes(), 3);
        if (!saved.ok()) return saved.error();
        return {};
    }
    std::vector<double> m_seconds;
};

WorkloadSpec ranksSpec(std::string name, const char* shards, std::vector<std::string> presets) {
    WorkloadSpec spec;
    spec.name = std::move(name);
    spec.params = {{"bytes_per_rank", std::to_string(kPerRank)},
                   {"shards", shards},
                   {"durable", "fsync"},
                   {"checksum", "crc32c"}};
    spec.presets = std::move(presets);
    spec.ranks = 2;
    spec.anyRanks = true;
    spec.expected = {"io_checkpoint", "checkpoint_io"};
    spec.warmupSteps = kCkptWarmup;
    spec.steps = 15;
    return spec;
}

}  // namespace

std::vector<WorkloadSpec> checkpointRankSpecs() {
    WorkloadSpec save = ranksSpec("ckpt.save/ranks", "2 per rank", {"standard", "full"});
    save.create = [] { return std::make_unique<SaveOfRanks>(); };
    WorkloadSpec restore = ranksSpec("ckpt.restore/reshard", "3, whatever the ranks", {"standard", "full"});
    restore.create = [] { return std::make_unique<RestoreOnOtherRanks>(); };
    return {save, restore};
}

}  // namespace ridge::workloads
