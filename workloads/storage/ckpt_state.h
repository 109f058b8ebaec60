// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the checkpoint workloads share: a model state that changes at every step, and the proof that
// saving and restoring it works before anything is timed.

#include "base/file.h"
#include "workloads/harness/workload.h"
#include "workloads/storage/checkpoint.h"

#include <cstdint>
#include <optional>

namespace ridge::workloads {

inline constexpr std::int64_t kCkptWarmup = 1;

// Different in every page for every seed.
void fillState(std::span<std::byte> state, std::uint64_t seed);
// A word of each page, as an optimiser changes all of them.
void touchState(std::span<std::byte> state, std::uint64_t step);

// Saves, restores whole and in parts that fit no shard, compares every byte; then flips a bit and
// demands that the restore refuses (where there are checksums).
Status proveRoundTrip(const std::filesystem::path& parent, AlignedBuffer& state,
                      AlignedBuffer& copy, const SaveOptions& options);

// A child saves number + 1 and is killed in the middle of a shard's writing, the seed says where;
// then the newest complete checkpoint must be `number`, with the bytes of state.
Status proveCrash(const std::filesystem::path& parent, std::uint64_t number, AlignedBuffer& state,
                  AlignedBuffer& copy, const SaveOptions& options, std::uint64_t seed);

// Memory and folder of one rank.
class CheckpointBase : public Workload {
public:
    CheckpointBase(std::size_t bytes, SaveOptions options)
        : m_bytes(bytes), m_options(std::move(options)) {}
    Status prepare() override;
    CheckResult check() override;

protected:
    void keep(Status status) {
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
    }
    [[nodiscard]] const std::filesystem::path& parent() const { return m_folder->path(); }
    // The newest checkpoint against memory.
    CheckResult compareNewest();
    [[nodiscard]] double size() const { return static_cast<double>(m_bytes); }

    std::size_t m_bytes;
    SaveOptions m_options;
    std::optional<TempDir> m_folder;
    AlignedBuffer m_state, m_copy;
    Status m_status;
};

}  // namespace ridge::workloads
