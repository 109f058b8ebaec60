// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ckpt.save and ckpt.restore in one process; ckpt_ranks.cpp has those of several.
#include "base/clock.h"
#include "workloads/formulas/efficiency.h"
#include "workloads/harness/busy_gemm.h"
#include "workloads/harness/quantile.h"
#include "workloads/ops/cpu/vector_width.h"
#include "workloads/storage/async_checkpoint.h"
#include "workloads/storage/ckpt_state.h"
#include "workloads/storage/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

namespace ridge::workloads {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::int64_t kGemmSize = 512;

double toSeconds(std::int64_t ns) {
    return static_cast<double>(ns) / 1e9;
}

// Median of the timed ones.
double medianOf(std::vector<double> values) {
    if (std::ssize(values) > kCkptWarmup)
        values.erase(values.begin(), values.begin() + kCkptWarmup);
    return quantile(std::move(values), 0.5);
}

struct SaveShape {
    std::size_t bytes = 64 * kMiB;
    SaveOptions options;
    int gemmRepeats = 0;  // computing between two saves
};

// Some computing, then a save that the step waits for.
class SaveCheckpoint final : public CheckpointBase {
public:
    explicit SaveCheckpoint(const SaveShape& shape)
        : CheckpointBase(shape.bytes, shape.options), m_gemmRepeats(shape.gemmRepeats) {}

    Status prepare() override {
        RIDGE_TRY_STATUS(CheckpointBase::prepare());
        if (m_gemmRepeats > 0) {
            RIDGE_TRY(m_gemm, BusyGemm::create(kGemmSize, m_gemmRepeats));
        }
        return {};
    }
    void step(std::uint64_t index) override {
        if (m_gemm) m_gemm->run();
        touchState(m_state.bytes(), index);
        const std::int64_t start = monotonicNs();
        auto times = saveCheckpoint(parent(), index + 3, m_state.bytes(), m_options);
        if (!times.ok()) return keep(times.error());
        m_stall.push_back(toSeconds(monotonicNs() - start));
        m_checksum.push_back(toSeconds(times->checksumNs));
        m_write.push_back(toSeconds(times->writeNs));
        m_sync.push_back(toSeconds(times->syncNs));
    }
    CheckResult finish() override { return compareNewest(); }
    std::vector<Metric> report(const Timing& timing) override {
        using Direction = Metric::Direction;
        const double stall = medianOf(m_stall), checksum = medianOf(m_checksum);
        const double write = medianOf(m_write), sync = medianOf(m_sync);
        return {{"stall", stall, "s", Direction::kLower},
                {"stall_model", formulas::synchronousStall(checksum, write, sync), "s",
                 Direction::kNone},
                {"write_bandwidth", size() / stall, "B/s", Direction::kHigher},
                {"overhead", formulas::checkpointOverhead(stall, timing.medianStepSeconds), "1",
                 Direction::kLower},
                {"checksum_time", checksum, "s", Direction::kLower},
                {"write_time", write, "s", Direction::kLower},
                {"fsync_time", sync, "s", Direction::kLower},
                {m_options.durable ? "time_to_durable" : "time_to_visible", stall, "s",
                 Direction::kLower}};
    }

private:
    int m_gemmRepeats;
    std::optional<BusyGemm> m_gemm;
    std::vector<double> m_stall, m_checksum, m_write, m_sync;
};

// The same computing, and a save in the background.
class SaveInBackground final : public CheckpointBase {
public:
    explicit SaveInBackground(const SaveShape& shape)
        : CheckpointBase(shape.bytes, shape.options), m_gemmRepeats(shape.gemmRepeats) {}

    Status prepare() override {
        RIDGE_TRY_STATUS(CheckpointBase::prepare());
        RIDGE_TRY(m_gemm, BusyGemm::create(kGemmSize, m_gemmRepeats));
        return {};
    }
    CheckResult check() override {
        CheckResult result = CheckpointBase::check();
        m_saver = std::make_unique<AsyncCheckpointer>(parent(), m_bytes, m_options);
        return result;
    }
    void step(std::uint64_t index) override {
        const std::int64_t start = monotonicNs();
        m_gemm->run();
        m_compute.push_back(toSeconds(monotonicNs() - start));
        touchState(m_state.bytes(), index);
        auto stall = m_saver->save(index + 3, m_state.bytes());
        if (!stall.ok()) return keep(stall.error());
        m_waited.push_back(toSeconds(stall->waitedNs));
        m_copied.push_back(toSeconds(stall->copiedNs));
        if (stall->persistNs > 0) m_persist.push_back(toSeconds(stall->persistNs));
    }
    CheckResult finish() override {
        keep(m_saver->wait());
        m_persist.push_back(toSeconds(m_saver->lastPersistNs()));
        return compareNewest();
    }
    std::vector<Metric> report(const Timing& timing) override {
        using Direction = Metric::Direction;
        std::vector<double> stalls;
        for (std::size_t i = 0; i < m_waited.size(); ++i)
            stalls.push_back(m_waited[i] + m_copied[i]);
        const double stall = medianOf(stalls), copied = medianOf(m_copied);
        const double persist = medianOf(m_persist), compute = medianOf(m_compute);
        return {{"stall", stall, "s", Direction::kLower},
                {"stall_model", formulas::asynchronousStall(copied, persist, compute), "s",
                 Direction::kNone},
                {"snapshot_time", copied, "s", Direction::kLower},
                {"backpressure_time", medianOf(m_waited), "s", Direction::kLower},
                {"persist_time", persist, "s", Direction::kLower},
                {"time_to_durable", copied + persist, "s", Direction::kLower},
                {"overhead", formulas::checkpointOverhead(stall, timing.medianStepSeconds), "1",
                 Direction::kLower}};
    }

private:
    int m_gemmRepeats;
    std::optional<BusyGemm> m_gemm;
    std::unique_ptr<AsyncCheckpointer> m_saver;
    std::vector<double> m_waited, m_copied, m_persist, m_compute;
};

// Restores the last complete checkpoint; with `crashed`, one beside the leavings of a save that was
// killed.
class RestoreCheckpoint final : public CheckpointBase {
public:
    RestoreCheckpoint(std::size_t bytes, bool crashed)
        : CheckpointBase(bytes, {}), m_crashed(crashed) {}

    CheckResult check() override {
        CheckResult result = CheckpointBase::check();
        if (!result.passed) return result;
        if (auto saved = saveCheckpoint(parent(), 3, m_state.bytes(), m_options); !saved.ok())
            return {false, saved.error().message};
        if (m_crashed)
            if (Status status = proveCrash(parent(), 3, m_state, m_copy, m_options, 4);
                !status.ok())
                return {false, status.error().message};
        return result;
    }
    void step(std::uint64_t) override {
        const auto newest = newestCheckpoint(parent());
        if (!newest) return keep(Error{ErrorCode::kMeasurement, "the checkpoint is gone"});
        keep(restoreCheckpoint(*newest, m_copy.bytes()));
    }
    Status status() const override { return m_status; }
    CheckResult finish() override {
        return {std::ranges::equal(m_state.bytes(), m_copy.bytes()),
                "the last restore against memory"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        return {{"restore_time", timing.medianStepSeconds, "s", Metric::Direction::kLower},
                {"read_bandwidth", size() / timing.medianStepSeconds, "B/s",
                 Metric::Direction::kHigher}};
    }

private:
    bool m_crashed;
};

using Presets = std::vector<std::string>;

template <typename Kind>
WorkloadSpec saveSpec(std::string name, const SaveShape& shape, Presets presets,
                      std::int64_t steps) {
    WorkloadSpec spec;
    spec.name = std::move(name);
    spec.params = {{"bytes", std::to_string(shape.bytes)},
                   {"shards", std::to_string(shape.options.shards)},
                   {"write", shape.options.caching == Caching::kDirect ? "O_DIRECT" : "buffered"},
                   {"durable", shape.options.durable ? "fsync" : "NOT DURABLE"},
                   {"checksum", shape.options.checksum ? "crc32c" : "none"}};
    if (shape.gemmRepeats > 0)
        spec.params["gemm"] =
            fmt::format("{}x{}x{}x{}", shape.gemmRepeats, kGemmSize, kGemmSize, kGemmSize);
    spec.presets = std::move(presets);
    spec.expected = {"io_checkpoint", "checkpoint_io"};
    spec.warmupSteps = kCkptWarmup;
    spec.steps = steps;
    spec.create = [shape] { return std::make_unique<Kind>(shape); };
    return spec;
}

WorkloadSpec restoreSpec(std::string name, std::size_t bytes, bool crashed, Presets presets,
                         std::int64_t steps) {
    WorkloadSpec spec;
    spec.name = std::move(name);
    spec.params = {{"bytes", std::to_string(bytes)},
                   {"shards", std::to_string(SaveOptions{}.shards)},
                   {"cache", "O_DIRECT: past the page cache"},
                   {"checksum", "crc32c"}};
    if (crashed) spec.params["before"] = "a save killed in the middle of a shard";
    spec.presets = std::move(presets);
    spec.expected = {"io_checkpoint", "checkpoint_io"};
    spec.warmupSteps = kCkptWarmup;
    spec.steps = steps;
    spec.create = [bytes, crashed] { return std::make_unique<RestoreCheckpoint>(bytes, crashed); };
    return spec;
}

// One change each against the plain synchronous save.
std::vector<WorkloadSpec> knobSpecs() {
    SaveShape one, direct, cached, unchecked, large;
    one.options.shards = 1;
    direct.options.caching = Caching::kDirect;
    cached.options.durable = false;
    unchecked.options.checksum = false;
    large.bytes = 256 * kMiB;
    return {saveSpec<SaveCheckpoint>("ckpt.save/sync-1shard", one, {"full"}, 15),
            saveSpec<SaveCheckpoint>("ckpt.save/sync-direct", direct, {"standard", "full"}, 15),
            saveSpec<SaveCheckpoint>("ckpt.save/sync-nofsync", cached, {"full"}, 15),
            saveSpec<SaveCheckpoint>("ckpt.save/sync-nocrc", unchecked, {"full"}, 15),
            saveSpec<SaveCheckpoint>("ckpt.save/sync-256MiB", large, {"full"}, 10)};
}

}  // namespace

std::vector<WorkloadSpec> checkpointSpecs() {
    SaveShape pair, pressed;
    // 16 GFLOP, and where there is no AVX-512 as many as take as long: 130 to 160 ms. That hides
    // the 134 ms that a disk of 0.5 GB/s takes for 64 MiB, and leaves what one of 1 GB/s makes a
    // step wait for at a third of it.
    pair.gemmRepeats = static_cast<int>(60 * cpu::productRate());
    pressed.gemmRepeats = 4;
    std::vector<WorkloadSpec> specs{
        saveSpec<SaveCheckpoint>("ckpt.save/sync", pair, {"smoke", "standard", "full"}, 12),
        saveSpec<SaveInBackground>("ckpt.save/async", pair, {"smoke", "standard", "full"}, 12),
        saveSpec<SaveInBackground>("ckpt.save/async.backpressure", pressed, {"standard", "full"},
                                   15)};
    specs[0].fasterVariant = "ckpt.save/async";
    specs[0].change = "checkpoint_hidden";
    specs[1].expected = {"compute_bound", "compute"};
    for (WorkloadSpec& spec : knobSpecs()) specs.push_back(std::move(spec));
    specs.push_back(
        restoreSpec("ckpt.restore", 64 * kMiB, false, {"smoke", "standard", "full"}, 25));
    specs.push_back(restoreSpec("ckpt.restore/256MiB", 256 * kMiB, false, {"full"}, 15));
    specs.push_back(restoreSpec("ckpt.restore/after-crash", 64 * kMiB, true, {"full"}, 25));
    for (WorkloadSpec& spec : checkpointRankSpecs()) specs.push_back(std::move(spec));
    return specs;
}

}  // namespace ridge::workloads
