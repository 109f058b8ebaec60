// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Sharded checkpoints.
//
//   <parent>/ckpt-<number>/ckpt-shard-0000.bin ... manifest.json
//
// 1. A save writes into <parent>/ckpt-<number>.partial: every shard, each fsynced, the manifest last
//    with the CRC-32C of every 4 MiB of every shard, fsynced; then the folder is fsynced, renamed,
//    and the parent fsynced.
// 2. So a folder without ".partial" is complete: a process killed at any point leaves the old
//    checkpoint or the new one, never a mixture. Without fsync (durable = false) that holds for a
//    killed process, not for a machine that loses power: NOT DURABLE.
// 3. Older checkpoints and leftovers are removed only after the new one is durable.
// 4. Numbers grow: saving one that exists is kBadInput.
// 5. A checkpoint is one array of bytes, however it is cut: any part can be restored from any number
//    of shards, and what is read is proved chunk by chunk.
// Several ranks save together: begin (one of them), writeShard (each its own), publish (the one).
// Errors: kIo from the system (disk full included), kBadInput for a damaged checkpoint, with the
// shard's name; kUnsupported for direct writing where the file system has none.

#include "base/result.h"
#include "workloads/storage/disk_file.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace ridge::workloads {

struct SaveOptions {
    int shards = 4;
    Caching caching = Caching::kBuffered;  // kDirect: state is memory of an AlignedBuffer
    bool durable = true;                   // fsync
    bool checksum = true;
    // Told the bytes of the shard at hand after each piece: for tests that die in mid-save.
    std::function<void(std::size_t shard, std::size_t written)> onWritten = {};
};

struct CheckpointTimes {
    std::int64_t checksumNs = 0;
    std::int64_t writeNs = 0;
    std::int64_t syncNs = 0;  // fsync of shards, manifest, folders, and the rename
};

// A part of the state, and where it goes.
struct Shard {
    std::size_t index = 0;
    std::uint64_t offset = 0;
    std::span<const std::byte> data;
};
// What the manifest has to know of a written shard.
struct ShardRecord {
    std::uint64_t offset = 0, bytes = 0;
    std::vector<std::uint32_t> crcs;  // of each 4 MiB; empty without checksums
};

// Shards of equal size, cut at multiples of the alignment; the last takes what is left.
std::vector<Shard> cutIntoShards(std::span<const std::byte> state, int shards);

Status beginCheckpoint(const std::filesystem::path& parent, std::uint64_t number);
Result<ShardRecord> writeShard(const std::filesystem::path& parent, std::uint64_t number,
                               const Shard& shard, const SaveOptions& options,
                               CheckpointTimes& times);
// shards: of the whole state, by index.
Status publishCheckpoint(const std::filesystem::path& parent, std::uint64_t number,
                         std::span<const ShardRecord> shards, const SaveOptions& options,
                         CheckpointTimes& times);

// All three in one process.
Result<CheckpointTimes> saveCheckpoint(const std::filesystem::path& parent, std::uint64_t number,
                                       std::span<const std::byte> state,
                                       const SaveOptions& options);
inline Result<CheckpointTimes> saveCheckpoint(const std::filesystem::path& parent,
                                              std::uint64_t number,
                                              std::span<const std::byte> state, int shards) {
    SaveOptions options;
    options.shards = shards;
    return saveCheckpoint(parent, number, state, options);
}

// The complete checkpoint with the highest number, if there is one.
std::optional<std::filesystem::path> newestCheckpoint(const std::filesystem::path& parent);

// Reads past the page cache. state must have the saved size and be memory of an AlignedBuffer.
Status restoreCheckpoint(const std::filesystem::path& folder, std::span<std::byte> state);
// The bytes [offset, offset + part.size()) of the saved state, from as many shards as hold them.
Status restorePart(const std::filesystem::path& folder, std::uint64_t offset,
                   std::span<std::byte> part);

}  // namespace ridge::workloads
