// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/perf/perf_record.h"

#include <cstring>

namespace ridge::recorder::perf {
namespace {

// Takes fields off the front; once something was not there, nothing is.
class Reader {
public:
    explicit Reader(std::span<const std::uint8_t> bytes) : m_bytes(bytes) {}
    template <typename T>
    T take() {
        T value{};
        if (m_bytes.size() < sizeof value) {
            m_broken = true;
            m_bytes = {};
            return value;
        }
        std::memcpy(&value, m_bytes.data(), sizeof value);
        m_bytes = m_bytes.subspan(sizeof value);
        return value;
    }
    [[nodiscard]] std::size_t left() const { return m_bytes.size(); }
    [[nodiscard]] const std::uint8_t* data() const { return m_bytes.data(); }
    void fail() { m_broken = true; }
    [[nodiscard]] bool broken() const { return m_broken; }

private:
    std::span<const std::uint8_t> m_bytes;
    bool m_broken = false;
};

// What sample_id_all puts at the end of every record that is no sample.
struct Trailer {
    std::uint32_t pid, tid;
    std::uint64_t time;
    std::uint32_t cpu, reserved;
};

void sample(Reader& reader, std::uint16_t misc, Record& record) {
    const auto address = reader.take<std::uint64_t>();
    record.pid = reader.take<std::uint32_t>();
    record.tid = reader.take<std::uint32_t>();
    record.time = reader.take<std::uint64_t>();
    record.cpu = reader.take<std::uint32_t>();
    reader.take<std::uint32_t>();
    record.period = reader.take<std::uint64_t>();
    const auto count = reader.take<std::uint64_t>();
    if (count > reader.left() / sizeof(std::uint64_t)) reader.fail();
    if (reader.broken()) return;
    record.inKernel = (misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
    bool user = false;
    record.addresses.push_back(address);
    bool first = true;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = reader.take<std::uint64_t>();
        if (entry >= PERF_CONTEXT_MAX) {  // a marker: whose addresses follow
            user = entry == PERF_CONTEXT_USER;
            continue;
        }
        // The chain begins with the address itself, unless that was the kernel's and the chain is the user's.
        const bool same = first && entry == address;
        first = false;
        if (!user || same || entry == 0) continue;
        record.addresses.push_back(entry);
    }
}

}  // namespace

void decode(std::span<const std::uint8_t> bytes, Record& record) {
    std::vector<std::uint64_t> addresses = std::move(record.addresses);
    addresses.clear();
    record = Record{};
    record.addresses = std::move(addresses);
    Reader reader(bytes);
    const auto header = reader.take<perf_event_header>();
    if (reader.broken() || header.size != bytes.size()) {
        record.kind = Kind::kBroken;
        return;
    }
    if (header.type == PERF_RECORD_SAMPLE) {
        record.kind = Kind::kSample;
        sample(reader, header.misc, record);
        if (reader.broken()) record.kind = Kind::kBroken;
        return;
    }
    Trailer trailer{};
    if (reader.left() < sizeof trailer) {
        record.kind = Kind::kBroken;
        return;
    }
    std::memcpy(&trailer, bytes.data() + bytes.size() - sizeof trailer, sizeof trailer);
    Reader body(std::span(reader.data(), reader.left() - sizeof trailer));
    record.pid = trailer.pid;
    record.tid = trailer.tid;
    record.time = trailer.time;
    record.cpu = trailer.cpu;
    switch (header.type) {
        case PERF_RECORD_MMAP2: {
            record.pid = body.take<std::uint32_t>();
            record.tid = body.take<std::uint32_t>();
            record.start = body.take<std::uint64_t>();
            record.length = body.take<std::uint64_t>();
            record.fileOffset = body.take<std::uint64_t>();
            body.take<std::uint64_t>();  // major, minor
            record.inode = body.take<std::uint64_t>();
            body.take<std::uint64_t>();  // generation
            body.take<std::uint64_t>();  // protection, flags
            if ((header.misc & PERF_RECORD_MISC_MMAP_BUILD_ID) != 0) record.inode = 0;
            const char* const text = reinterpret_cast<const char*>(body.data());
            record.path = std::string_view(text, strnlen(text, body.left()));
            record.kind = Kind::kMap;
            break;
        }
        case PERF_RECORD_COMM:
            record.pid = body.take<std::uint32_t>();
            record.tid = body.take<std::uint32_t>();
            record.kind = (header.misc & PERF_RECORD_MISC_COMM_EXEC) != 0 ? Kind::kExec : Kind::kOther;
            break;
        case PERF_RECORD_FORK:
            record.pid = body.take<std::uint32_t>();
            record.parentPid = body.take<std::uint32_t>();
            record.tid = body.take<std::uint32_t>();
            record.kind = Kind::kFork;
            break;
        case PERF_RECORD_LOST:
            body.take<std::uint64_t>();
            record.lost = body.take<std::uint64_t>();
            record.kind = Kind::kLost;
            break;
        case PERF_RECORD_SWITCH:
            record.out = (header.misc & PERF_RECORD_MISC_SWITCH_OUT) != 0;
            record.preempted = (header.misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT) != 0;
            record.kind = Kind::kSwitch;
            break;
        case PERF_RECORD_THROTTLE:
            record.kind = Kind::kThrottle;
            break;
        default:
            break;
    }
    if (body.broken()) record.kind = Kind::kBroken;
}

}  // namespace ridge::recorder::perf
