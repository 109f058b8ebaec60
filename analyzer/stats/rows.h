// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The rows that the classic reports are made of, read once per file and only when a report asks for them.
// Private to analyzer/stats.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "analyzer/model/stats_table.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/read_table.h"

namespace ridge::analyzer::stats {

inline constexpr std::size_t kNone = SIZE_MAX;

struct ApiRow {
    std::int64_t start = 0, end = 0, tid = 0, correlation = 0, result = 0, name = 0;
};

enum class DeviceKind : std::uint8_t { kKernel, kCopy, kSet };

struct DeviceRow {
    std::int64_t start = 0, end = 0, device = 0, context = 0, stream = 0, correlation = 0, pid = 0;
    std::int64_t name = 0, shortName = 0, mangledName = 0;  // of kernels: ids of strings
    std::int64_t bytes = 0, copyKind = 0;
    std::optional<std::int64_t> srcKind, dstKind, greenContext, registers, staticShared, dynamicShared;
    std::array<std::int64_t, 3> grid{}, block{};
    std::size_t api = kNone;  // into api(): the call that launched it
    DeviceKind kind = DeviceKind::kKernel;
};

struct RangeRow {
    std::int64_t start = 0, end = 0, tid = 0, rowid = 0;
    std::size_t name = 0;  // into rangeNames()
    bool nests = true;     // push/pop; else start/end
    // Of the nesting on its thread:
    std::size_t parent = kNone;
    std::int64_t level = 0, children = 0, childrenNs = 0;
    // Of the GPU work launched in it, its children's included:
    std::int64_t operations = 0, projectedStart = 0, projectedEnd = 0;
};

// One call on a file, RIDGE_IO beside OSRT_API.
struct FileCall {
    std::int64_t start = 0, end = 0, op = 0, bytes = 0, requested = 0;  // op: ENUM_RIDGE_IO_OP
    std::optional<std::int64_t> offset;
    std::int64_t file = 0;  // fileAccessId
    bool failed = false;
};

struct FileName {
    std::string path, kind;  // kind: the class of --io-class; empty where nothing was said
};

// One entry of a sampled call stack.
struct SampledFrame {
    std::int64_t sample = 0, symbol = 0, module = 0, depth = 0, tid = 0;
    bool unresolved = false;
};

class Rows {
public:
    explicit Rows(Database& db) : m_db(db) {}

    const std::vector<ApiRow>& api();         // by start
    const std::vector<DeviceRow>& device();   // by start, linked to api()
    const std::vector<RangeRow>& ranges();    // by start; nesting and projection filled in
    const std::vector<ApiRow>& osrt();
    const std::vector<FileCall>& fileCalls();  // by start
    const FileName& file(std::int64_t fileAccessId);
    const std::vector<SampledFrame>& frames();  // one sample's behind each other
    // Samples that have a call stack. frames() must have run.
    [[nodiscard]] std::int64_t sampleCount() const { return m_sampleCount; }
    const std::vector<std::string>& rangeNames() const { return m_rangeNames; }  // "domain:text"
    // Kernels launched while the range was open on their thread, innermost range first. ranges() must have run.
    const std::vector<std::pair<std::size_t, std::size_t>>& kernelsInRanges() const { return m_kernelsInRanges; }

    std::string string(std::int64_t id);
    std::string threadName(std::int64_t globalTid);
    std::string label(const char* enumTable, std::int64_t id);  // the number where the file has no label
    std::string operation(const DeviceRow& row);                // "[CUDA memcpy Host-to-Device]", a kernel's name
    bool has(const char* table) { return m_db.hasTable(table); }
    std::vector<std::string> takeNotes() { return std::exchange(m_notes, {}); }

private:
    bool plausible(std::int64_t start, std::int64_t end);
    void finish(const timeline::TableScan& scan, const char* table);
    void readApi(const char* table, std::vector<ApiRow>& rows);
    void readKernels();
    void readMemory(const char* table, DeviceKind kind);
    void readRanges();
    void nest();
    void walkThread(const std::vector<std::size_t>& ranges, const std::vector<std::size_t>& launches);

    Database& m_db;
    std::vector<std::string> m_notes;
    std::int64_t m_dropped = 0, m_tooDeep = 0;
    std::optional<std::unordered_map<std::int64_t, std::string>> m_strings;
    std::optional<std::map<std::int64_t, std::string>> m_threadNames;
    std::map<std::string, std::map<std::int64_t, std::string>> m_labels;
    std::optional<std::vector<ApiRow>> m_api, m_osrt;
    std::optional<std::vector<FileCall>> m_fileCalls;
    std::optional<std::map<std::int64_t, FileName>> m_files;
    std::optional<std::vector<SampledFrame>> m_frames;
    std::int64_t m_sampleCount = 0;
    std::optional<std::vector<DeviceRow>> m_device;
    std::optional<std::vector<RangeRow>> m_ranges;
    std::vector<std::string> m_rangeNames;
    std::vector<std::pair<std::size_t, std::size_t>> m_kernelsInRanges;  // range, device row
};

}  // namespace ridge::analyzer::stats
