// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The manifest of a checkpoint (checkpoint.h): format "ridge-checkpoint-2", the state's size, and
// per shard its file, place, size and the CRC-32C of every 4 MiB. Nothing in a file is trusted: what
// readManifest returns covers the state from 0 to its end without gap or overlap. Errors: kIo,
// kBadInput.

#include "base/result.h"
#include "workloads/storage/checkpoint.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace ridge::workloads {

inline constexpr const char* kManifestName = "manifest.json";

struct ManifestShard {
    std::string name;  // a file of the folder
    std::uint64_t offset = 0, bytes = 0;
    std::vector<std::uint32_t> crcs;  // empty: saved without checksums
};

struct Manifest {
    std::uint64_t bytes = 0;
    std::vector<ManifestShard> shards;
};

std::string shardFileName(std::size_t index);
std::string manifestText(std::uint64_t number, std::span<const ShardRecord> shards);
Result<Manifest> readManifest(const std::filesystem::path& folder);
Error damagedCheckpoint(const std::filesystem::path& folder, const std::string& what);

}  // namespace ridge::workloads
