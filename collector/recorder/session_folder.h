// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The session's folder as files: its run id, what of it is ours to remove, and how a shell writes
// its path.

#include <cstdint>
#include <string>

namespace ridge::recorder {

// Room for the end of a recording whose disk is full by then (session.json, headers, last
// counters).
inline constexpr std::uint64_t kReservedBytes = std::uint64_t{1} << 20;

// Shows others that a session is begun in this folder, until it is released or this process is
// gone: between mkdir and session.json nothing else does.
class FolderClaim {
public:
    enum class Taken { kYes, kByAnother, kNoLocksHere };
    FolderClaim() = default;
    ~FolderClaim() { release(); }
    FolderClaim(const FolderClaim&) = delete;
    FolderClaim& operator=(const FolderClaim&) = delete;
    Taken take(const std::string& folder);
    void release();

private:
    int m_fd = -1;
};

std::string makeRunId();
std::string absolutePath(const std::string& path);
std::string shellQuoted(const std::string& text);
// Only files of our own making: whatever else lies there stays, and the folder with it.
void removeSession(const std::string& session, const std::string& ringDir);
// False, and nothing is removed: the program of this session was started, somebody begins it right
// now, the file system has no locks, or files of others lie in it.
bool removeUnbegun(const std::string& session);
// Takes the room, or does without where the disk has little left as it is.
void reserveRoom(const std::string& session);
void giveRoomBack(const std::string& session);

}  // namespace ridge::recorder
