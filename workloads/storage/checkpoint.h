// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Durable sharded checkpoints.
//
//   <parent>/ckpt-<number>/ckpt-shard-0000.bin ... manifest.json
//
// 1. A save writes into <parent>/ckpt-<number>.partial: every shard with its CRC-32C, each fsynced,
// the
//    manifest last, fsynced; then the folder is fsynced, renamed, and the parent fsynced.
// 2. So a folder without ".partial" is complete: a process killed at any point leaves the old
// checkpoint or
//    the new one, never a mixture.
// 3. Older checkpoints and leftovers are removed only after the new one is durable.
// 4. Numbers grow: saving one that exists is kBadInput.
// Errors: kIo from the system (disk full included), kBadInput for a damaged checkpoint, with the
// shard's name.

#include "base/result.h"
#include "workloads/storage/disk_file.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

namespace ridge::workloads {

struct CheckpointTimes {
    std::int64_t checksumNs = 0;
    std::int64_t writeNs = 0;
    std::int64_t syncNs = 0;  // fsync of shards, manifest, folders, and the rename
};

Result<CheckpointTimes> saveCheckpoint(const std::filesystem::path& parent, std::uint64_t number,
                                       std::span<const std::byte> state, int shards);

// The complete checkpoint with the highest number, if there is one.
std::optional<std::filesystem::path> newestCheckpoint(const std::filesystem::path& parent);

// Reads past the page cache, and compares every shard with its checksum. state must have the saved
// size and be memory of an AlignedBuffer.
Status restoreCheckpoint(const std::filesystem::path& folder, std::span<std::byte> state);

}  // namespace ridge::workloads
