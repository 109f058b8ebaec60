// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/file.h"
#include "workloads/harness/context.h"
#include "workloads/storage/checkpoint.h"
#include "workloads/storage/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>

namespace ridge::workloads {
namespace {

constexpr int kShards = 4;

// Model state that changes with every step in every page, as an optimiser's does.
void fillState(std::span<std::byte> state, std::uint64_t seed) {
    std::uint64_t value = seed * 0x9E3779B97F4A7C15ULL + 1;
    for (std::size_t at = 0; at + 8 <= state.size(); at += 8) {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
        std::memcpy(state.data() + at, &value, 8);
    }
}

void touchState(std::span<std::byte> state, std::uint64_t step) {
    for (std::size_t at = 0; at + 8 <= state.size(); at += kDiskAlignment)
        std::memcpy(state.data() + at, &step, 8);
}

// One bit of the second shard, in the middle.
Status flipBit(const std::filesystem::path& folder) {
    const auto path = folder / "ckpt-shard-0001.bin";
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
    char value = 0;
    file.seekg(middle);
    file.get(value);
    file.seekp(middle);
    file.put(static_cast<char>(value ^ 4));
    file.close();
    if (!file) return Error{ErrorCode::kIo, fmt::format("cannot change {}", path.string())};
    return {};
}

// Saves, restores, compares every byte; then flips a bit and demands that the restore refuses.
Status proveRoundTrip(const std::filesystem::path& parent, AlignedBuffer& state,
                      AlignedBuffer& copy) {
    RIDGE_TRY([[maybe_unused]] const CheckpointTimes times,
              saveCheckpoint(parent, 1, state.bytes(), kShards));
    const auto folder = newestCheckpoint(parent);
    if (!folder)
        return Error{ErrorCode::kMeasurement, "the checkpoint that was just saved is not there"};
    RIDGE_TRY_STATUS(restoreCheckpoint(*folder, copy.bytes()));
    if (!std::ranges::equal(state.bytes(), copy.bytes()))
        return Error{ErrorCode::kMeasurement, "the restored state is not the saved one"};
    RIDGE_TRY_STATUS(flipBit(*folder));
    if (restoreCheckpoint(*folder, copy.bytes()).ok())
        return Error{ErrorCode::kMeasurement, "a flipped bit was not found"};
    return {};
}

class CheckpointWorkload : public Workload {
public:
    explicit CheckpointWorkload(std::size_t bytes) : m_bytes(bytes) {}

    Status prepare() override {
        RIDGE_TRY_STATUS(requireDisk(runContext().dataDir));
        RIDGE_TRY(m_folder, TempDir::create("ckpt-", runContext().dataDir));
        m_state = AlignedBuffer(m_bytes);
        m_copy = AlignedBuffer(m_bytes);
        fillState(m_state.bytes(), 1);
        return {};
    }
    CheckResult check() override {
        const Status status = proveRoundTrip(m_folder->path(), m_state, m_copy);
        if (!status.ok()) return {false, status.error().message};
        return {true, fmt::format("{} B restored byte for byte, flipped bit found", m_bytes)};
    }

protected:
    [[nodiscard]] double size() const { return static_cast<double>(m_bytes); }

    std::size_t m_bytes;
    std::optional<TempDir> m_folder;
    AlignedBuffer m_state;
    AlignedBuffer m_copy;
    Status m_status;
};

class SaveCheckpoint final : public CheckpointWorkload {
public:
    using CheckpointWorkload::CheckpointWorkload;

    void step(std::uint64_t index) override {
        touchState(m_state.bytes(), index);
        auto times = saveCheckpoint(m_folder->path(), index + 2, m_state.bytes(), kShards);
        if (times.ok()) {
            m_total.checksumNs += times->checksumNs;
            m_total.writeNs += times->writeNs;
            m_total.syncNs += times->syncNs;
            ++m_saves;
        } else if (m_status.ok()) {
            m_status = times.error();
        }
    }
    CheckResult finish() override {
        if (!m_status.ok()) return {false, m_status.error().message};
        const auto folder = newestCheckpoint(m_folder->path());
        if (!folder) return {false, "no checkpoint after the last save"};
        if (const Status status = restoreCheckpoint(*folder, m_copy.bytes()); !status.ok())
            return {false, status.error().message};
        return {std::ranges::equal(m_state.bytes(), m_copy.bytes()),
                "the last save against memory"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        const auto each = [this](std::int64_t ns) {
            return static_cast<double>(ns) / 1e9 / static_cast<double>(m_saves);
        };
        return {{"stall", timing.medianStepSeconds, "s", Metric::Direction::kLower},
                {"write_bandwidth", size() / timing.medianStepSeconds, "B/s",
                 Metric::Direction::kHigher},
                {"checksum_time", each(m_total.checksumNs), "s", Metric::Direction::kLower},
                {"write_time", each(m_total.writeNs), "s", Metric::Direction::kLower},
                {"fsync_time", each(m_total.syncNs), "s", Metric::Direction::kLower}};
    }

private:
    CheckpointTimes m_total;
    std::int64_t m_saves = 0;
};

class RestoreCheckpoint final : public CheckpointWorkload {
public:
    using CheckpointWorkload::CheckpointWorkload;

    CheckResult check() override {
        CheckResult result = CheckpointWorkload::check();
        if (!result.passed) return result;
        if (auto saved = saveCheckpoint(m_folder->path(), 2, m_state.bytes(), kShards); !saved.ok())
            return {false, saved.error().message};
        m_source = newestCheckpoint(m_folder->path());
        return {m_source.has_value(), result.detail};
    }
    void step(std::uint64_t) override {
        Status status = restoreCheckpoint(*m_source, m_copy.bytes());
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
    }
    CheckResult finish() override {
        if (!m_status.ok()) return {false, m_status.error().message};
        return {std::ranges::equal(m_state.bytes(), m_copy.bytes()),
                "the last restore against memory"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        return {{"restore_time", timing.medianStepSeconds, "s", Metric::Direction::kLower},
                {"read_bandwidth", size() / timing.medianStepSeconds, "B/s",
                 Metric::Direction::kHigher}};
    }

private:
    std::optional<std::filesystem::path> m_source;
};

template <typename Kind>
WorkloadSpec checkpointSpec(std::string name, std::size_t bytes, std::vector<std::string> presets,
                            std::int64_t steps) {
    WorkloadSpec spec;
    spec.name = std::move(name);
    spec.params = {{"bytes", std::to_string(bytes)},
                   {"shards", std::to_string(kShards)},
                   {"durable", "fsync"}};
    spec.presets = std::move(presets);
    spec.expected = {"io_checkpoint", "checkpoint_io"};
    spec.warmupSteps = 1;
    spec.steps = steps;
    spec.create = [bytes] { return std::make_unique<Kind>(bytes); };
    return spec;
}

}  // namespace

std::vector<WorkloadSpec> checkpointSpecs() {
    constexpr std::size_t kMiB = std::size_t{1} << 20;
    std::vector<WorkloadSpec> specs;
    specs.push_back(checkpointSpec<SaveCheckpoint>("ckpt.save/sync", 64 * kMiB,
                                                   {"smoke", "standard", "full"}, 15));
    specs.push_back(
        checkpointSpec<SaveCheckpoint>("ckpt.save/sync-256MiB", 256 * kMiB, {"full"}, 10));
    specs.push_back(checkpointSpec<RestoreCheckpoint>("ckpt.restore", 64 * kMiB,
                                                      {"smoke", "standard", "full"}, 25));
    specs.push_back(
        checkpointSpec<RestoreCheckpoint>("ckpt.restore/256MiB", 256 * kMiB, {"full"}, 15));
    return specs;
}

}  // namespace ridge::workloads
