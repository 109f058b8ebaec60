// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/manifest.h"

#include "base/file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ridge::workloads {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "ridge-checkpoint-2";

ManifestShard readShard(const nlohmann::json& json) {
    ManifestShard shard;
    shard.name = json.at("name").get<std::string>();
    shard.offset = json.at("offset").get<std::uint64_t>();
    shard.bytes = json.at("bytes").get<std::uint64_t>();
    shard.crcs = json.at("crc32c").get<std::vector<std::uint32_t>>();
    return shard;
}

}  // namespace

std::string shardFileName(std::size_t index) {
    return fmt::format("ckpt-shard-{:04}.bin", index);
}

Error damagedCheckpoint(const fs::path& folder, const std::string& what) {
    return {ErrorCode::kBadInput,
            fmt::format("checkpoint {} is damaged: {}", folder.string(), what)};
}

std::string manifestText(std::uint64_t number, std::span<const ShardRecord> shards) {
    nlohmann::ordered_json manifest{{"format", kFormat}, {"number", number}};
    std::uint64_t bytes = 0;
    auto list = nlohmann::ordered_json::array();
    for (const ShardRecord& shard : shards) {
        list.push_back({{"name", shardFileName(list.size())},
                        {"offset", shard.offset},
                        {"bytes", shard.bytes},
                        {"crc32c", shard.crcs}});
        bytes += shard.bytes;
    }
    manifest["bytes"] = bytes;
    manifest["chunk_bytes"] = kDiskPiece;
    manifest["shards"] = std::move(list);
    return manifest.dump(1);
}

Result<Manifest> readManifest(const fs::path& folder) {
    RIDGE_TRY(const std::string text, readFile(folder / kManifestName, std::size_t{16} << 20));
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded() || !json.is_object())
        return damagedCheckpoint(folder, "the manifest is no JSON object");
    Manifest manifest;
    try {
        if (json.at("format") != kFormat || json.at("chunk_bytes") != kDiskPiece)
            return damagedCheckpoint(folder, "the manifest is of another format");
        manifest.bytes = json.at("bytes").get<std::uint64_t>();
        for (const auto& entry : json.at("shards")) manifest.shards.push_back(readShard(entry));
    } catch (const nlohmann::json::exception& error) {
        return damagedCheckpoint(folder, error.what());
    }
    std::uint64_t at = 0;
    for (const ManifestShard& shard : manifest.shards) {
        const bool chunksFit = shard.crcs.empty() ||
                               shard.crcs.size() == (shard.bytes + kDiskPiece - 1) / kDiskPiece;
        if (shard.name != fs::path(shard.name).filename() || shard.name.empty() ||
            shard.offset != at || shard.bytes > manifest.bytes - at || !chunksFit)
            return damagedCheckpoint(folder, "the manifest's shards do not fit");
        at += shard.bytes;
    }
    if (at != manifest.bytes)
        return damagedCheckpoint(folder,
                                 fmt::format("its shards hold {} of {} bytes", at, manifest.bytes));
    return manifest;
}

}  // namespace ridge::workloads
