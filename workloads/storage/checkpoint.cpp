// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/checkpoint.h"

#include "base/clock.h"
#include "base/file.h"
#include "workloads/storage/crc32c.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <ridge/work.h>
#include <vector>

namespace ridge::workloads {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.json";
constexpr std::string_view kPrefix = "ckpt-";
constexpr std::string_view kPartial = ".partial";

Work ioWork(std::size_t read, std::size_t written) {
    return opWork(RIDGE_OP_IO, RIDGE_DTYPE_NONE, 0, read, written);
}

Status renameFolder(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    if (error)
        return Error{ErrorCode::kIo, fmt::format("cannot rename {} to {}: {}", from.string(),
                                                 to.string(), error.message())};
    return {};
}

// "ckpt-12" -> 12; nothing for any other name.
std::optional<std::uint64_t> checkpointNumber(const fs::path& folder) {
    const std::string name = folder.filename().string();
    if (!name.starts_with(kPrefix)) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] =
        std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return number;
}

// Shards of equal size, cut at multiples of the alignment; the last takes what is left.
std::vector<std::span<const std::byte>> cut(std::span<const std::byte> state, int shards) {
    const auto count = static_cast<std::size_t>(std::max(shards, 1));
    std::size_t each = (state.size() + count - 1) / count;
    each = (each + kDiskAlignment - 1) / kDiskAlignment * kDiskAlignment;
    std::vector<std::span<const std::byte>> pieces;
    for (std::size_t at = 0; at < state.size(); at += each)
        pieces.push_back(state.subspan(at, std::min(each, state.size() - at)));
    return pieces;
}

struct Stopwatch {
    std::int64_t& total;
    std::int64_t start = monotonicNs();
    explicit Stopwatch(std::int64_t& sum) : total(sum) {}
    ~Stopwatch() { total += monotonicNs() - start; }
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;
};

Status writeDurably(const fs::path& path, std::span<const std::byte> data, CheckpointTimes& times) {
    RIDGE_TRY(DiskFile file, DiskFile::create(path));
    {
        const WorkRange range("checkpoint.write", ioWork(0, data.size()));
        const Stopwatch watch(times.writeNs);
        RIDGE_TRY_STATUS(file.write(data, 0));
    }
    const WorkRange range("checkpoint.fsync", ioWork(0, 0));
    const Stopwatch watch(times.syncNs);
    RIDGE_TRY_STATUS(file.sync());
    return file.close();
}

void removeOthers(const fs::path& parent, const fs::path& keep) {
    std::error_code error;
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(parent, error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(kPrefix) && entry.path() != keep) old.push_back(entry.path());
    }
    for (const fs::path& folder : old) fs::remove_all(folder, error);
}

std::string shardName(std::size_t index) {
    return fmt::format("ckpt-shard-{:04}.bin", index);
}

}  // namespace

Result<CheckpointTimes> saveCheckpoint(const fs::path& parent, std::uint64_t number,
                                       std::span<const std::byte> state, int shards) {
    const WorkRange whole("checkpoint.save");
    CheckpointTimes times;
    const fs::path final = parent / fmt::format("{}{}", kPrefix, number);
    const fs::path partial = final.string() + std::string(kPartial);
    std::error_code error;
    // Replacing a folder is not one step: between removing and renaming there would be no
    // checkpoint.
    if (fs::exists(final, error))
        return Error{ErrorCode::kBadInput, fmt::format("{} exists already", final.string())};
    fs::remove_all(partial, error);
    fs::create_directories(partial, error);
    if (error)
        return Error{ErrorCode::kIo,
                     fmt::format("cannot create {}: {}", partial.string(), error.message())};

    nlohmann::json manifest{
        {"format", "ridge-checkpoint-1"}, {"number", number}, {"bytes", state.size()}};
    std::size_t index = 0;
    for (const auto piece : cut(state, shards)) {
        std::uint32_t crc = 0;
        {
            const WorkRange range("checkpoint.checksum");
            const Stopwatch watch(times.checksumNs);
            crc = crc32c(piece);
        }
        RIDGE_TRY_STATUS(writeDurably(partial / shardName(index), piece, times));
        manifest["shards"].push_back(
            {{"name", shardName(index)}, {"bytes", piece.size()}, {"crc32c", crc}});
        ++index;
    }
    const std::string text = manifest.dump(1);
    RIDGE_TRY_STATUS(writeDurably(partial / kManifest, std::as_bytes(std::span(text)), times));
    {
        const WorkRange range("checkpoint.publish", ioWork(0, 0));
        const Stopwatch watch(times.syncNs);
        RIDGE_TRY_STATUS(syncFolder(partial));
        RIDGE_TRY_STATUS(renameFolder(partial, final));
        RIDGE_TRY_STATUS(syncFolder(parent));
    }
    const WorkRange range("checkpoint.prune");
    removeOthers(parent, final);
    return times;
}

std::optional<fs::path> newestCheckpoint(const fs::path& parent) {
    std::error_code error;
    std::optional<fs::path> newest;
    std::uint64_t highest = 0;
    for (const auto& entry : fs::directory_iterator(parent, error)) {
        const auto number = checkpointNumber(entry.path());
        if (!number || (newest && *number < highest)) continue;
        newest = entry.path();
        highest = *number;
    }
    return newest;
}

Status restoreCheckpoint(const fs::path& folder, std::span<std::byte> state) {
    const WorkRange whole("checkpoint.restore");
    RIDGE_TRY(const std::string text, readFile(folder / kManifest, std::size_t{16} << 20));
    const nlohmann::json manifest = nlohmann::json::parse(text, nullptr, false);
    const auto damaged = [&folder](const std::string& what) {
        return Error{ErrorCode::kBadInput,
                     fmt::format("checkpoint {} is damaged: {}", folder.string(), what)};
    };
    if (manifest.is_discarded() || !manifest.is_object())
        return damaged("the manifest is no JSON object");
    try {
        if (manifest.at("bytes").get<std::size_t>() != state.size())
            return damaged(fmt::format("it holds {} bytes, {} were expected",
                                       manifest.at("bytes").dump(), state.size()));
        std::size_t at = 0;
        // Direct reads are whole blocks: the tail of a file goes through a buffer of its own.
        AlignedBuffer tail(kDiskAlignment);
        for (const auto& shard : manifest.at("shards")) {
            const auto name = shard.at("name").get<std::string>();
            const auto bytes = shard.at("bytes").get<std::size_t>();
            if (name != fs::path(name).filename() || bytes > state.size() - at)
                return damaged("the manifest's shards do not fit");
            const std::span<std::byte> target = state.subspan(at, bytes);
            RIDGE_TRY(const DiskFile file, DiskFile::openForColdReading(folder / name));
            {
                const WorkRange range("checkpoint.read", ioWork(bytes, 0));
                const std::size_t blocks = bytes / kDiskAlignment * kDiskAlignment;
                RIDGE_TRY_STATUS(file.read(target.first(blocks), 0));
                if (blocks < bytes)
                    RIDGE_TRY_STATUS(file.readTail(tail.bytes(), target.subspan(blocks), blocks));
            }
            const WorkRange range("checkpoint.verify");
            if (crc32c(target) != shard.at("crc32c").get<std::uint32_t>())
                return damaged(name + " does not match its checksum");
            at += bytes;
        }
        if (at != state.size())
            return damaged(fmt::format("its shards hold {} of {} bytes", at, state.size()));
    } catch (const nlohmann::json::exception& error) {
        return damaged(error.what());
    }
    return {};
}

}  // namespace ridge::workloads
