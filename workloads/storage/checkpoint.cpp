// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/checkpoint.h"

#include "base/clock.h"
#include "workloads/storage/crc32c.h"
#include "workloads/storage/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ridge/work.h>

namespace ridge::workloads {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "ckpt-";
constexpr std::string_view kPartial = ".partial";

Work ioWork(std::size_t read, std::size_t written) {
    return opWork(RIDGE_OP_IO, RIDGE_DTYPE_NONE, 0, read, written);
}

fs::path finalFolder(const fs::path& parent, std::uint64_t number) {
    return parent / fmt::format("{}{}", kPrefix, number);
}

fs::path partialFolder(const fs::path& parent, std::uint64_t number) {
    return finalFolder(parent, number).string() + std::string(kPartial);
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

struct Stopwatch {
    std::int64_t& total;
    std::int64_t start = monotonicNs();
    explicit Stopwatch(std::int64_t& sum) : total(sum) {}
    ~Stopwatch() { total += monotonicNs() - start; }
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;
};

// A direct write takes whole blocks: the rest goes through a padded one, which is cut off again.
Status writeRest(const DiskFile& file, std::span<const std::byte> rest, std::uint64_t offset) {
    AlignedBuffer block(kDiskAlignment);
    std::copy(rest.begin(), rest.end(), block.bytes().begin());
    RIDGE_TRY_STATUS(file.write(block.bytes(), offset));
    return file.truncate(offset + rest.size());
}

Status writePieces(const DiskFile& file, std::span<const std::byte> data, std::size_t shard,
                   const SaveOptions& options) {
    const std::size_t whole =
        options.caching == Caching::kDirect ? data.size() / kDiskAlignment * kDiskAlignment : data.size();
    for (std::size_t at = 0; at < whole; at += kDiskPiece) {
        const std::size_t length = std::min(kDiskPiece, whole - at);
        RIDGE_TRY_STATUS(file.write(data.subspan(at, length), at));
        if (options.onWritten) options.onWritten(shard, at + length);
    }
    return whole < data.size() ? writeRest(file, data.subspan(whole), whole) : Status{};
}

Status writeDurably(const fs::path& path, std::span<const std::byte> data, std::size_t shard,
                    const SaveOptions& options, CheckpointTimes& times) {
    RIDGE_TRY(DiskFile file, DiskFile::create(path, options.caching));
    {
        const WorkRange range("checkpoint.write", ioWork(0, data.size()));
        const Stopwatch watch(times.writeNs);
        RIDGE_TRY_STATUS(writePieces(file, data, shard, options));
    }
    if (options.durable) {
        const WorkRange range("checkpoint.fsync", ioWork(0, 0));
        const Stopwatch watch(times.syncNs);
        RIDGE_TRY_STATUS(file.sync());
    }
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

std::vector<std::uint32_t> checksums(std::span<const std::byte> data) {
    std::vector<std::uint32_t> crcs;
    for (std::size_t at = 0; at < data.size(); at += kDiskPiece)
        crcs.push_back(crc32c(data.subspan(at, std::min(kDiskPiece, data.size() - at))));
    return crcs;
}

// One shard's share of a restore: whole chunks are read, proved, and copied where they are not read
// in place.
class ShardReader {
public:
    ShardReader(const fs::path& folder, const ManifestShard& shard)
        : m_folder(folder), m_shard(shard) {}

    // The shard's bytes [from, from + part.size()) into part.
    Status read(std::uint64_t from, std::span<std::byte> part) {
        RIDGE_TRY(const DiskFile file, DiskFile::openForColdReading(m_folder / m_shard.name));
        const std::uint64_t end = from + part.size();
        for (std::uint64_t chunk = from / kDiskPiece; chunk * kDiskPiece < end; ++chunk) {
            const std::uint64_t start = chunk * kDiskPiece;
            const std::size_t length = std::min<std::uint64_t>(kDiskPiece, m_shard.bytes - start);
            const std::uint64_t first = std::max(from, start);
            const std::uint64_t last = std::min(end, start + length);
            const std::span<std::byte> target = part.subspan(first - from, last - first);
            const bool inPlace = target.size() == length && length % kDiskAlignment == 0 &&
                                 reinterpret_cast<std::uintptr_t>(target.data()) % kDiskAlignment == 0;
            std::span<std::byte> data = target;
            if (!inPlace) data = bounce().first(length);
            RIDGE_TRY_STATUS(readChunk(file, data, start));
            RIDGE_TRY_STATUS(prove(data, chunk));
            if (!inPlace) std::memcpy(target.data(), data.data() + (first - start), target.size());
        }
        return {};
    }

private:
    Status readChunk(const DiskFile& file, std::span<std::byte> data, std::uint64_t offset) const {
        const WorkRange range("checkpoint.read", ioWork(data.size(), 0));
        const std::size_t whole = data.size() / kDiskAlignment * kDiskAlignment;
        RIDGE_TRY_STATUS(file.read(data.first(whole), offset));
        if (whole == data.size()) return {};
        // The end of a file that is no whole block is read as one, and comes up short.
        AlignedBuffer block(kDiskAlignment);
        return file.readTail(block.bytes(), data.subspan(whole), offset + whole);
    }
    Status prove(std::span<const std::byte> data, std::uint64_t chunk) const {
        if (m_shard.crcs.empty()) return {};
        const WorkRange range("checkpoint.verify");
        if (crc32c(data) == m_shard.crcs[chunk]) return {};
        return damagedCheckpoint(m_folder, m_shard.name + " does not match its checksum");
    }
    std::span<std::byte> bounce() {
        if (m_bounce.bytes().empty()) m_bounce = AlignedBuffer(kDiskPiece);
        return m_bounce.bytes();
    }

    const fs::path& m_folder;
    const ManifestShard& m_shard;
    AlignedBuffer m_bounce;
};

Status restoreRange(const fs::path& folder, const Manifest& manifest, std::uint64_t offset,
                    std::span<std::byte> part) {
    const std::uint64_t end = offset + part.size();
    for (const ManifestShard& shard : manifest.shards) {
        const std::uint64_t first = std::max(offset, shard.offset);
        const std::uint64_t last = std::min(end, shard.offset + shard.bytes);
        if (first >= last) continue;
        RIDGE_TRY_STATUS(ShardReader(folder, shard)
                             .read(first - shard.offset, part.subspan(first - offset, last - first)));
    }
    return {};
}

}  // namespace

std::vector<Shard> cutIntoShards(std::span<const std::byte> state, int shards) {
    const auto count = static_cast<std::size_t>(std::max(shards, 1));
    std::size_t each = (state.size() + count - 1) / count;
    each = std::max((each + kDiskAlignment - 1) / kDiskAlignment, std::size_t{1}) * kDiskAlignment;
    std::vector<Shard> pieces;
    for (std::size_t at = 0; at < state.size(); at += each)
        pieces.push_back({pieces.size(), at, state.subspan(at, std::min(each, state.size() - at))});
    return pieces;
}

Status beginCheckpoint(const fs::path& parent, std::uint64_t number) {
    std::error_code error;
    // Replacing a folder is not one step: between removing and renaming there would be no
    // checkpoint.
    const fs::path final = finalFolder(parent, number), partial = partialFolder(parent, number);
    if (fs::exists(final, error))
        return Error{ErrorCode::kBadInput, fmt::format("{} exists already", final.string())};
    fs::remove_all(partial, error);
    fs::create_directories(partial, error);
    if (error)
        return Error{ErrorCode::kIo,
                     fmt::format("cannot create {}: {}", partial.string(), error.message())};
    return {};
}

Result<ShardRecord> writeShard(const fs::path& parent, std::uint64_t number, const Shard& shard,
                               const SaveOptions& options, CheckpointTimes& times) {
    ShardRecord record{shard.offset, shard.data.size(), {}};
    if (options.checksum) {
        const WorkRange range("checkpoint.checksum");
        const Stopwatch watch(times.checksumNs);
        record.crcs = checksums(shard.data);
    }
    RIDGE_TRY_STATUS(writeDurably(partialFolder(parent, number) / shardFileName(shard.index),
                                  shard.data, shard.index, options, times));
    return record;
}

Status publishCheckpoint(const fs::path& parent, std::uint64_t number,
                         std::span<const ShardRecord> shards, const SaveOptions& options,
                         CheckpointTimes& times) {
    const fs::path final = finalFolder(parent, number), partial = partialFolder(parent, number);
    const std::string text = manifestText(number, shards);
    SaveOptions plain = options;
    plain.caching = Caching::kBuffered;
    plain.onWritten = {};
    RIDGE_TRY_STATUS(writeDurably(partial / kManifestName, std::as_bytes(std::span(text)), 0, plain,
                                  times));
    {
        const WorkRange range("checkpoint.publish", ioWork(0, 0));
        const Stopwatch watch(times.syncNs);
        if (options.durable) RIDGE_TRY_STATUS(syncFolder(partial));
        RIDGE_TRY_STATUS(renameFolder(partial, final));
        if (options.durable) RIDGE_TRY_STATUS(syncFolder(parent));
    }
    const WorkRange range("checkpoint.prune");
    removeOthers(parent, final);
    return {};
}

Result<CheckpointTimes> saveCheckpoint(const fs::path& parent, std::uint64_t number,
                                       std::span<const std::byte> state,
                                       const SaveOptions& options) {
    const WorkRange whole("checkpoint.save");
    CheckpointTimes times;
    RIDGE_TRY_STATUS(beginCheckpoint(parent, number));
    std::vector<ShardRecord> records;
    for (const Shard& shard : cutIntoShards(state, options.shards)) {
        RIDGE_TRY(ShardRecord record, writeShard(parent, number, shard, options, times));
        records.push_back(std::move(record));
    }
    RIDGE_TRY_STATUS(publishCheckpoint(parent, number, records, options, times));
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
    RIDGE_TRY(const Manifest manifest, readManifest(folder));
    if (manifest.bytes != state.size())
        return damagedCheckpoint(folder, fmt::format("it holds {} bytes, {} were expected",
                                                     manifest.bytes, state.size()));
    return restoreRange(folder, manifest, 0, state);
}

Status restorePart(const fs::path& folder, std::uint64_t offset, std::span<std::byte> part) {
    const WorkRange whole("checkpoint.restore");
    RIDGE_TRY(const Manifest manifest, readManifest(folder));
    if (offset > manifest.bytes || part.size() > manifest.bytes - offset)
        return damagedCheckpoint(folder, fmt::format("it holds {} bytes, {} from {} on were expected",
                                                     manifest.bytes, part.size(), offset));
    return restoreRange(folder, manifest, offset, part);
}

}  // namespace ridge::workloads
