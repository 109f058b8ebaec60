// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/ring_file.h"

#include "collector/recorder/convert/record_walk.h"
#include "collector/recorder/outer_pids.h"
#include "schemas/spool/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace ridge::recorder {
namespace fs = std::filesystem;
namespace {

Error ioError(const std::string& path, int error) {
    return {ErrorCode::kIo, fmt::format("{}: {}", path, std::strerror(error))};
}

template <typename T>
T load(const T& field) {
    return __atomic_load_n(&field, __ATOMIC_ACQUIRE);
}

// A spool that is shorter than what was drained into it was cut or removed meanwhile, or has a gap
// that the producer left on a full disk. What is written next lies behind a hole, and no half
// record may stand before that: it would reach into the hole and be read as a whole one.
int cutToWholeRecords(int fd, const std::string& path, std::uint64_t tail) {
    struct stat info {};
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0 ||
        static_cast<std::uint64_t>(info.st_size) >= tail)
        return 0;
    const MappedFile file = MappedFile::open(path);
    const WalkEnd end = walkRecords(file.bytes(), [](const RecordView&) {});
    if (!end.corrupt) return 0;
    return ftruncate(fd, static_cast<off_t>(end.consumed)) == 0 ? 0 : errno;
}

int writeAt(int fd, const std::uint8_t* data, std::uint64_t bytes, std::uint64_t offset) {
    while (bytes > 0) {
        const ssize_t done = pwrite(fd, data, bytes, static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done < 0 ? errno : ENOSPC;
        data += done;
        offset += static_cast<std::uint64_t>(done);
        bytes -= static_cast<std::uint64_t>(done);
    }
    return 0;
}

// What of a file was written, the rest of it zeros that nobody has to keep: a hole of a file that
// is mapped wants memory of its file system, and on one of memory that is full (tmpfs) reading it
// is a SIGBUS. MAP_FAILED: no holes are known, or there are too many.
void* mapWithoutHoles(int fd, std::size_t bytes) {
    auto* const base = static_cast<std::uint8_t*>(
        mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (base == MAP_FAILED) return base;
    const auto page = static_cast<off_t>(sysconf(_SC_PAGESIZE));
    const auto end = static_cast<off_t>(bytes);
    off_t mapped = 0;
    for (off_t at = 0; at < end;) {
        const off_t data = lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) return base;  // no more
        const off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        const off_t from = std::max(mapped, data / page * page);
        at = std::min(end, (hole + page - 1) / page * page);
        mapped = at;
        if (hole <= data ||
            (at > from && mmap(base + from, static_cast<std::size_t>(at - from), PROT_READ,
                               MAP_PRIVATE | MAP_FIXED, fd, from) == MAP_FAILED)) {
            munmap(base, bytes);
            return MAP_FAILED;
        }
    }
    return base;
}

void* mapReadable(int fd, const struct stat& info) {
    const auto bytes = static_cast<std::size_t>(info.st_size);
    void* data = MAP_FAILED;
    if (std::int64_t{info.st_blocks} * 512 < std::int64_t{info.st_size})
        data = mapWithoutHoles(fd, bytes);
    return data != MAP_FAILED ? data : mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
}

// The lock of invariant 5. A holder that has died is replaced.
bool takeDrain(spool::RingHeader& header) {
    const std::int32_t self = getpid();
    for (int attempt = 0; attempt < 2; ++attempt) {
        std::int32_t owner = 0;
        if (__atomic_compare_exchange_n(&header.drainOwner, &owner, self, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return true;
        if (owner == self) return true;
        // A producer's own number in another namespace: who it is here was found out before.
        if (owner > 0 && (owner & spool::kInnerDrain) != 0) {
            if (header.outerPid > 0 && (kill(header.outerPid, 0) == 0 || errno != ESRCH))
                return false;
            if (__atomic_compare_exchange_n(&header.drainOwner, &owner, self, false,
                                            __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
                return true;
            continue;
        }
        if (owner > 0 && kill(owner, 0) == 0) return false;
        if (owner > 0 && errno != ESRCH) return false;
        if (__atomic_compare_exchange_n(&header.drainOwner, &owner, self, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return true;
    }
    return false;
}

std::unique_ptr<spool::RingHeader> readHead(const std::string& path) {
    const MappedFile file = MappedFile::open(path);
    auto header = std::make_unique<spool::RingHeader>();
    if (file.bytes().size() < sizeof *header) return nullptr;
    std::memcpy(header.get(), file.bytes().data(), sizeof *header);
    if (header->magic != spool::kRingMagic || header->version != spool::kLayoutVersion)
        return nullptr;
    return header;
}

// Not drained is not an error here: a live producer may hold the lock; then its bytes stay for it
// to write.
Status drainLeftover(const fs::path& ringPath, const std::string& folder) {
    const std::string stem = ringPath.stem().string();
    auto ring = RingMapping::open(ringPath.string());
    if (!ring.ok()) return {};  // seen again, and counted, when its spool is read without a header
    const std::string spoolPath = folder + "/" + stem + ".spool";
    const int fd = open(spoolPath.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return ioError(spoolPath, errno);
    Result<bool> drained = drainRing(*ring, fd, spoolPath);
    close(fd);
    if (!drained.ok()) return std::move(drained).takeError();
    return saveHeader(*ring, folder + "/" + stem + ".head");
}

}  // namespace

MappedFile MappedFile::open(const std::string& path) {
    MappedFile file;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return file;
    struct stat info {};
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        void* data = mapReadable(fd, info);
        if (data != MAP_FAILED) {
            file.m_data = static_cast<const std::uint8_t*>(data);
            file.m_size = static_cast<std::size_t>(info.st_size);
        }
    }
    close(fd);
    return file;
}

MappedFile::~MappedFile() {
    if (m_data) munmap(const_cast<std::uint8_t*>(m_data), m_size);
}
MappedFile::MappedFile(MappedFile&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)), m_size(std::exchange(other.m_size, 0)) {}
MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(m_data, other.m_data);
    std::swap(m_size, other.m_size);
    return *this;
}

void ReadBehind::release(std::uint64_t end) {
    if (end <= m_done) return;
    void* const from = const_cast<std::uint8_t*>(m_stream.data()) + m_done;
    madvise(from, static_cast<std::size_t>(end - m_done), MADV_DONTNEED);
    m_done = end;
}

bool soundHeader(const spool::RingHeader& header, std::uint64_t fileBytes) {
    return header.magic == spool::kRingMagic && header.version == spool::kLayoutVersion &&
           header.headerBytes >= sizeof(spool::RingHeader) && header.headerBytes <= fileBytes &&
           header.ringBytes >= 4096 && (header.ringBytes & (header.ringBytes - 1)) == 0 &&
           header.ringBytes <= fileBytes - header.headerBytes;
}

Result<RingMapping> RingMapping::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return ioError(path, errno);
    struct stat info {};
    const bool usable = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                        static_cast<std::size_t>(info.st_size) >= sizeof(spool::RingHeader);
    void* data = usable ? mmap(nullptr, static_cast<std::size_t>(info.st_size),
                               PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                        : MAP_FAILED;
    close(fd);
    if (data == MAP_FAILED) return Error{ErrorCode::kBadInput, fmt::format("{}: not a ring", path)};
    RingMapping ring;
    ring.m_data = static_cast<std::uint8_t*>(data);
    ring.m_size = static_cast<std::size_t>(info.st_size);
    if (!soundHeader(ring.header(), ring.m_size))
        return Error{ErrorCode::kBadInput, fmt::format("{}: not a ring", path)};
    ring.m_ringBytes = ring.header().ringBytes;
    ring.m_headerBytes = ring.header().headerBytes;
    return ring;
}

RingMapping::~RingMapping() {
    if (m_data) munmap(m_data, m_size);
}
RingMapping::RingMapping(RingMapping&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)),
      m_size(other.m_size),
      m_ringBytes(other.m_ringBytes),
      m_headerBytes(other.m_headerBytes) {}
RingMapping& RingMapping::operator=(RingMapping&& other) noexcept {
    std::swap(m_data, other.m_data);
    m_size = other.m_size;
    m_ringBytes = other.m_ringBytes;
    m_headerBytes = other.m_headerBytes;
    return *this;
}

Result<bool> drainRing(RingMapping& ring, int spoolFd, const std::string& spoolPath) {
    spool::RingHeader& header = ring.header();
    if (load(header.head) == load(header.tail)) return false;
    if (!takeDrain(header)) return false;
    const std::uint64_t tail = load(header.tail);
    const std::uint64_t head = load(header.head);
    const std::uint64_t bytes = head - tail;
    int error = 0;
    if (bytes > 0 && bytes <= ring.ringBytes()) {  // a larger distance is no ring of ours any more
        const std::uint64_t at = tail & (ring.ringBytes() - 1);
        const std::uint64_t first = std::min(bytes, ring.ringBytes() - at);
        error = cutToWholeRecords(spoolFd, spoolPath, tail);
        if (!error) error = writeAt(spoolFd, ring.data() + at, first, tail);
        if (!error && bytes > first)
            error = writeAt(spoolFd, ring.data(), bytes - first, tail + first);
        if (!error) __atomic_store_n(&header.tail, head, __ATOMIC_RELEASE);
        // No half record may stand before the hole that follows if the producer gives records up.
        struct stat info {};
        if (error && fstat(spoolFd, &info) == 0 &&
            static_cast<std::uint64_t>(info.st_size) > tail &&
            ftruncate(spoolFd, static_cast<off_t>(tail)) != 0)
            error = errno;
    }
    std::int32_t self = getpid();
    __atomic_compare_exchange_n(&header.drainOwner, &self, 0, false, __ATOMIC_RELEASE,
                                __ATOMIC_RELAXED);
    if (error) return ioError(spoolPath, error);
    return bytes > 0 && bytes <= ring.ringBytes();
}

Status saveHeader(const RingMapping& ring, const std::string& path) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return ioError(path, errno);
    const int error = writeAt(fd, reinterpret_cast<const std::uint8_t*>(&ring.header()),
                              sizeof(spool::RingHeader), 0);
    close(fd);
    if (error) return ioError(path, error);
    return {};
}

std::optional<spool::ControlBlock> readControl(const std::string& sessionFolder) {
    const MappedFile file = MappedFile::open(sessionFolder + "/control");
    spool::ControlBlock block{};
    if (file.bytes().size() < spool::kFirstControlBytes) return {};
    std::memcpy(&block, file.bytes().data(), std::min(file.bytes().size(), sizeof block));
    if (block.magic != spool::kControlMagic) return {};
    return block;
}

Result<std::vector<RingFile>> collectRings(const std::string& sessionFolder,
                                           const std::string& ringDir) {
    std::error_code ec;
    std::set<std::string> stems;
    for (const std::string& dir : {ringDir, sessionFolder}) {
        if (dir.empty()) continue;
        for (const fs::directory_entry& entry : fs::directory_iterator(dir, ec))
            if (entry.path().extension() == ".ring")
                RIDGE_TRY_STATUS(drainLeftover(entry.path(), sessionFolder));
    }
    for (const fs::directory_entry& entry : fs::directory_iterator(sessionFolder, ec)) {
        const auto extension = entry.path().extension();
        if (extension == ".spool" || extension == ".head")
            stems.insert(entry.path().stem().string());
    }
    if (ec) return Error{ErrorCode::kIo, fmt::format("{}: {}", sessionFolder, ec.message())};
    const auto control = readControl(sessionFolder);
    OuterPids outer(control ? control->pidNamespace : 0, false);
    std::vector<RingFile> rings;
    for (const std::string& stem : stems) {
        RingFile ring;
        ring.stem = stem;
        ring.recorder = stem == "recorder";
        ring.spool = MappedFile::open(sessionFolder + "/" + stem + ".spool");
        ring.header = readHead(sessionFolder + "/" + stem + ".head");
        for (const std::string& dir : {ringDir, sessionFolder}) {
            MappedFile definitions = MappedFile::open(dir + "/" + stem + ".names");
            if (!definitions.bytes().empty()) ring.definitions.push_back(std::move(definitions));
        }
        ring.gaveUp = ring.header && ring.header->lost[spool::kLossSpoolWrite] != 0;
        if (ring.header && !ring.gaveUp && ring.header->tail > ring.stream().size())
            ring.missingBytes = ring.header->tail - ring.stream().size();
        if (ring.header) outer.note(*ring.header);
        rings.push_back(std::move(ring));
    }
    for (RingFile& ring : rings)
        if (ring.header) outer.translate(*ring.header);
    std::stable_partition(rings.begin(), rings.end(),
                          [](const RingFile& ring) { return ring.recorder; });
    return rings;
}

}  // namespace ridge::recorder
