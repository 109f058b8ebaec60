// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/ckpt_state.h"

#include "workloads/harness/context.h"
#include "workloads/storage/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

namespace ridge::workloads {
namespace {

constexpr int kCrashSeeds = 3;

Error failed(const char* what) {
    return {ErrorCode::kMeasurement, what};
}

// One bit of the last shard, in the middle.
Status flipBit(const std::filesystem::path& folder) {
    RIDGE_TRY(const Manifest manifest, readManifest(folder));
    const auto path = folder / manifest.shards.back().name;
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

// As three ranks would restore what four shards hold.
Status restoreInThree(const std::filesystem::path& folder, std::span<std::byte> copy) {
    const std::size_t third = copy.size() / 3 + 1;
    for (std::size_t at = 0; at < copy.size(); at += third)
        RIDGE_TRY_STATUS(
            restorePart(folder, at, copy.subspan(at, std::min(third, copy.size() - at))));
    return {};
}

}  // namespace

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

Status proveRoundTrip(const std::filesystem::path& parent, AlignedBuffer& state,
                      AlignedBuffer& copy, const SaveOptions& options) {
    RIDGE_TRY([[maybe_unused]] const CheckpointTimes times,
              saveCheckpoint(parent, 1, state.bytes(), options));
    const auto folder = newestCheckpoint(parent);
    if (!folder) return failed("the checkpoint that was just saved is not there");
    RIDGE_TRY_STATUS(restoreCheckpoint(*folder, copy.bytes()));
    if (!std::ranges::equal(state.bytes(), copy.bytes()))
        return failed("the restored state is not the saved one");
    std::ranges::fill(copy.bytes(), std::byte{0});
    RIDGE_TRY_STATUS(restoreInThree(*folder, copy.bytes()));
    if (!std::ranges::equal(state.bytes(), copy.bytes()))
        return failed("the state restored in three parts is not the saved one");
    if (!options.checksum) return {};
    RIDGE_TRY_STATUS(flipBit(*folder));
    if (restoreCheckpoint(*folder, copy.bytes()).ok()) return failed("a flipped bit was not found");
    return {};
}

Status proveCrash(const std::filesystem::path& parent, std::uint64_t number, AlignedBuffer& state,
                  AlignedBuffer& copy, const SaveOptions& options, std::uint64_t seed) {
    const auto shards = cutIntoShards(state.bytes(), options.shards);
    const Shard& victim = shards[seed * 7 % shards.size()];
    const std::size_t pieces = (victim.data.size() + kDiskPiece - 1) / kDiskPiece;
    const std::size_t limit = (seed * 5 % pieces) * kDiskPiece;
    const pid_t child = ::fork();
    if (child < 0) return Error{ErrorCode::kIo, fmt::format("cannot fork: {}", std::strerror(errno))};
    if (child == 0) {
        SaveOptions dying = options;
        dying.onWritten = [&](std::size_t shard, std::size_t written) {
            if (shard == victim.index && written > limit) ::raise(SIGKILL);
        };
        const bool saved = saveCheckpoint(parent, number + 1, state.bytes(), dying).ok();
        ::_exit(saved ? 0 : 1);  // reached only if nothing killed it
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        return failed("the saving process was not killed in mid-save");
    const auto newest = newestCheckpoint(parent);
    if (!newest || newest->filename() != fmt::format("ckpt-{}", number))
        return failed("after a crash in mid-save the last complete checkpoint is not the newest");
    RIDGE_TRY_STATUS(restoreCheckpoint(*newest, copy.bytes()));
    if (!std::ranges::equal(state.bytes(), copy.bytes()))
        return failed("after a crash in mid-save the last complete checkpoint does not load");
    return {};
}

Status CheckpointBase::prepare() {
    RIDGE_TRY(const std::filesystem::path parent, dataFolder());
    RIDGE_TRY_STATUS(requireDisk(parent));
    RIDGE_TRY(m_folder, TempDir::create("ckpt-", parent));
    m_state = AlignedBuffer(m_bytes);
    m_copy = AlignedBuffer(m_bytes);
    fillState(m_state.bytes(), 1);
    return {};
}

CheckResult CheckpointBase::check() {
    Status status = proveRoundTrip(parent(), m_state, m_copy, m_options);
    if (!status.ok()) return {false, status.error().message};
    if (auto saved = saveCheckpoint(parent(), 2, m_state.bytes(), m_options); !saved.ok())
        return {false, saved.error().message};
    for (std::uint64_t seed = 1; seed <= kCrashSeeds && status.ok(); ++seed)
        status = proveCrash(parent(), 2, m_state, m_copy, m_options, seed);
    if (!status.ok()) return {false, status.error().message};
    return {true, fmt::format("{} B restored byte for byte, whole and in three parts{}, the last one "
                              "loads after {} crashes",
                              m_bytes, m_options.checksum ? ", flipped bit found" : "", kCrashSeeds)};
}

CheckResult CheckpointBase::compareNewest() {
    if (!m_status.ok()) return {false, m_status.error().message};
    const auto folder = newestCheckpoint(parent());
    if (!folder) return {false, "no checkpoint after the last save"};
    if (const Status status = restoreCheckpoint(*folder, m_copy.bytes()); !status.ok())
        return {false, status.error().message};
    return {std::ranges::equal(m_state.bytes(), m_copy.bytes()), "the last save against memory"};
}

}  // namespace ridge::workloads
