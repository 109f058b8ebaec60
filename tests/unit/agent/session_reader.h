// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The tests' own reader of a session folder, written from schemas/spool alone: every
// record of every ring, spool first, then what is still in the ring. Throws on anything malformed.

#include "schemas/spool/control_block.h"
#include "schemas/spool/record.h"
#include "schemas/spool/ring_header.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace ridge::test {

struct ReadRecord {
    size_t ring;
    spool::RecordHeader header;
    std::vector<uint8_t> bytes;
    template <class T>
    T as() const {
        if (bytes.size() < sizeof(T)) throw std::runtime_error("record shorter than its type");
        T value;
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    template <class T>
    std::vector<uint8_t> after() const {
        return {bytes.begin() + sizeof(T), bytes.end()};
    }
};

struct ReadRing {
    std::string name;
    spool::RingHeader header;
};

struct ReadSession {
    std::vector<ReadRing> rings;
    std::vector<ReadRecord> records;
    std::map<std::pair<std::string, uint32_t>, std::string> names;  // (image and agent, id)
    uint64_t holes = 0;  // 8-byte words of zeros in spools

    std::string imageOf(size_t ring) const {
        const auto& h = rings.at(ring).header;
        return std::to_string(h.pid) + "-" + std::to_string(h.imageId) + "-" +
               std::to_string(uint32_t(h.agent));
    }
    std::string name(size_t ring, uint32_t id) const {
        if (id == 0) return "";
        const auto found = names.find({imageOf(ring), id});
        return found == names.end() ? "<unknown " + std::to_string(id) + ">" : found->second;
    }
    std::string nameOf(const ReadRecord& record) const {
        return name(record.ring, record.header.id);
    }
    std::vector<ReadRecord> of(spool::RecordType type) const {
        std::vector<ReadRecord> result;
        for (const auto& record : records)
            if (record.header.type == type) result.push_back(record);
        return result;
    }
    uint64_t lost(spool::LossKind kind) const {
        uint64_t sum = 0;
        for (const auto& ring : rings) sum += ring.header.lost[kind];
        return sum;
    }
    uint64_t count(spool::RecordType type) const {
        uint64_t n = 0;
        for (const auto& record : records) n += record.header.type == type;
        return n;
    }
};

ReadSession readSession(const std::filesystem::path& session, const std::filesystem::path& ringDir);

// A session folder with its control block, removed at the end.
class TestSession {
public:
    explicit TestSession(uint64_t ringBytes = 1 << 20, const std::string& cuptiPath = "");
    ~TestSession();
    TestSession(const TestSession&) = delete;
    TestSession& operator=(const TestSession&) = delete;
    const std::filesystem::path& folder() const { return m_folder; }
    const std::filesystem::path& ringDir() const { return m_rings; }
    spool::ControlBlock* control() { return m_control; }
    ReadSession read() const { return readSession(m_folder, m_rings); }
    // The variables a recorder would set.
    std::vector<std::string> environment(bool io = false) const;

private:
    std::filesystem::path m_folder;
    std::filesystem::path m_rings;
    spool::ControlBlock* m_control = nullptr;
};

struct ChildResult {
    int status = 0;  // as waitpid gives it
    int pid = 0;
    std::string output;  // stdout
    std::string errors;  // stderr
};

// Runs a program with these variables added; extra is done in the child before exec.
ChildResult runChild(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment, void (*before)() = nullptr);
// Starts it and returns after it wrote the first byte to stdout; the caller kills and reaps.
int startChild(const std::vector<std::string>& command,
               const std::vector<std::string>& environment);

}  // namespace ridge::test
