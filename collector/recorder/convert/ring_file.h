// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One ring of a finished session, read from the session folder: <stem>.spool (all its bytes) and
// <stem>.head (a copy of its RingHeader, taken when it was drained last). collectRings() first
// moves what still lies in the live rings into these files, which may be repeated at any time.

#include "base/result.h"
#include "schemas/spool/control_block.h"
#include "schemas/spool/ring_header.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ridge::recorder {

// A file mapped read-only; empty and missing files are an empty span.
class MappedFile {
public:
    MappedFile() = default;
    static MappedFile open(const std::string& path);
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {m_data, m_size}; }

private:
    const std::uint8_t* m_data = nullptr;
    std::size_t m_size = 0;
};

struct RingFile {
    std::string stem;
    std::unique_ptr<spool::RingHeader> header;  // null: none was found, or it makes no sense
    MappedFile spool;
    std::vector<MappedFile> definitions;  // of records given up on a full disk: to be read first
    std::uint64_t missingBytes = 0;       // counted by the header as drained, but not in the spool
    bool gaveUp = false;    // the producer left gaps on a full disk, and counted them itself
    bool recorder = false;  // recorder.spool: times are CLOCK_MONOTONIC ns

    [[nodiscard]] std::span<const std::uint8_t> stream() const { return spool.bytes(); }
};

// Behind a walk through a ring's spool: gives back the pages that it has read, which would count as
// our memory to its end. They may be read again (by way of the page cache).
class ReadBehind {
public:
    explicit ReadBehind(const RingFile& ring) : m_stream(ring.stream()) {}
    ~ReadBehind() { release(m_stream.size()); }
    ReadBehind(const ReadBehind&) = delete;
    ReadBehind& operator=(const ReadBehind&) = delete;
    void at(std::uint64_t offset) {
        if (offset - m_done >= kPiece) release(offset & ~(kPiece - 1));
    }

private:
    static constexpr std::uint64_t kPiece = std::uint64_t{4} << 20;
    void release(std::uint64_t end);
    std::span<const std::uint8_t> m_stream;
    std::uint64_t m_done = 0;  // a multiple of kPiece
};

// Sorted by name, the recorder's own first. Errors: the folder cannot be read, or a ring's rest
// cannot be written to its spool (disk full).
Result<std::vector<RingFile>> collectRings(const std::string& sessionFolder,
                                           const std::string& ringDir);

// The session's control block as it was left; nothing where it is missing or damaged.
std::optional<spool::ControlBlock> readControl(const std::string& sessionFolder);

// Header fields that everything rests on: magic, version, sizes, head and tail.
bool soundHeader(const spool::RingHeader& header, std::uint64_t fileBytes);

// Copies [tail, head) of a live ring file to its spool, moves tail, and writes <stem>.head.
// Takes drainOwner; a live holder other than ourselves makes it return without having drained.
// Returns whether anything was moved. Errors: the spool cannot be written.
class RingMapping;
Result<bool> drainRing(RingMapping& ring, int spoolFd, const std::string& spoolPath);
Status saveHeader(const RingMapping& ring, const std::string& path);

class RingMapping {
public:
    // Errors: no such file, or no ring.
    static Result<RingMapping> open(const std::string& path);
    ~RingMapping();
    RingMapping(RingMapping&& other) noexcept;
    RingMapping& operator=(RingMapping&& other) noexcept;
    RingMapping(const RingMapping&) = delete;
    RingMapping& operator=(const RingMapping&) = delete;
    [[nodiscard]] spool::RingHeader& header() const {
        return *reinterpret_cast<spool::RingHeader*>(m_data);
    }
    [[nodiscard]] const std::uint8_t* data() const { return m_data + m_headerBytes; }
    [[nodiscard]] std::uint64_t ringBytes() const { return m_ringBytes; }

private:
    RingMapping() = default;
    std::uint8_t* m_data = nullptr;
    std::size_t m_size = 0;
    std::uint64_t m_ringBytes = 0;  // as it was when mapped: the header may be overwritten
    std::uint32_t m_headerBytes = 0;
};

}  // namespace ridge::recorder
