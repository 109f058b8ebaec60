// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A producer by the letter of schemas/spool, for tests: makes session folders with spools as an
// agent would leave them, or rings that were never drained.

#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/recorder/session.h"
#include "schemas/spool/control_block.h"
#include "schemas/spool/cuda_records.h"
#include "schemas/spool/io_records.h"
#include "schemas/spool/nccl_records.h"
#include "schemas/spool/nvtx_records.h"
#include "schemas/spool/record.h"
#include "schemas/spool/ring_header.h"
#include "schemas/spool/sample_records.h"
#include "schemas/spool/version.h"

namespace ridge::recorder::test {

using namespace spool;

class FakeRing {
public:
    FakeRing(std::int32_t pid, std::int32_t tid, std::uint64_t image = 7) {
        m_header->magic = kRingMagic;
        m_header->version = kLayoutVersion;
        m_header->headerBytes = kHeaderBytes;
        m_header->agent = AgentKind::kAgent;
        m_header->ringBytes = kDefaultRingBytes;
        m_header->pid = pid;
        m_header->parentPid = 1;
        m_header->tid = tid;
        m_header->imageId = image;
        m_header->clock = ClockKind::kMonotonicNs;
        m_header->anchorTicks = 1000;
        m_header->anchorMonotonicNs = 1000;
    }
    RingHeader& header() { return *m_header; }
    std::vector<char>& bytes() { return m_bytes; }

    template <typename Record>
    void add(Record record, RecordType type, std::uint32_t id, std::string_view tail = {}, std::uint8_t flags = 0) {
        const std::size_t size = (sizeof record + tail.size() + 7) & ~std::size_t{7};
        record.header = {type, flags, static_cast<std::uint16_t>(size / 8), id};
        const std::size_t at = m_bytes.size();
        m_bytes.resize(at + size);
        std::memcpy(m_bytes.data() + at, &record, sizeof record);
        if (!tail.empty()) std::memcpy(m_bytes.data() + at + sizeof record, tail.data(), tail.size());
    }
    void name(std::uint32_t id, std::string_view text) {
        Name record{};
        record.length = static_cast<std::uint32_t>(text.size());
        add(record, RecordType::kName, id, text);
    }
    void range(std::uint32_t nameId, std::uint64_t start, std::uint64_t end, std::string_view tail = {}, std::uint8_t flags = 0,
               std::uint16_t domain = 0) {
        Range record{};
        record.start = start;
        record.end = end;
        record.domainId = domain;
        add(record, RecordType::kRange, nameId, tail, flags);
    }
    void open(std::uint64_t start, std::uint32_t nameId) {
        OpenFrame& frame = m_header->openFrames[m_header->openCount++];
        frame.start = start;
        frame.nameId = nameId;
    }

    // As a drained spool with its header.
    void saveSpool(const std::string& folder, const std::string& stem) {
        m_header->head = m_header->tail = m_bytes.size();
        write(folder + "/" + stem + ".spool", {m_bytes.data(), m_bytes.size()});
        write(folder + "/" + stem + ".head", {reinterpret_cast<const char*>(m_header.get()), sizeof(RingHeader)});
    }
    // As a ring file of which the first drained bytes are in the spool and the rest is not.
    void saveRing(const std::string& folder, const std::string& ringDir, const std::string& stem, std::size_t drained) {
        m_header->head = m_bytes.size();
        m_header->tail = drained;
        std::string file(kHeaderBytes + m_header->ringBytes, '\0');
        std::memcpy(file.data(), m_header.get(), sizeof(RingHeader));
        for (std::size_t i = drained; i < m_bytes.size(); ++i)
            file[kHeaderBytes + i % m_header->ringBytes] = m_bytes[i];
        write(ringDir + "/" + stem + ".ring", file);
        write(folder + "/" + stem + ".spool", {m_bytes.data(), drained});
    }
    static void write(const std::string& path, std::string_view bytes) {
        std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }

private:
    std::unique_ptr<RingHeader> m_header = std::make_unique<RingHeader>();
    std::vector<char> m_bytes;
};

inline SessionInfo fakeSession(const std::string& ringDir = {}) {
    SessionInfo info;
    info.runId = "test";
    info.command = {"program", "argument"};
    info.toolVersion = "0";
    info.ringDir = ringDir;
    info.startMonotonicNs = 1000;
    info.startUtcNs = 1'700'000'000'000'000'000;
    info.endMonotonicNs = 1'000'001'000;
    info.exitStatus = 0;
    info.outcome = "complete";
    return info;
}

}  // namespace ridge::recorder::test
