// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/stats/rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "schemas/timeline/ids.h"

namespace ridge::analyzer::stats {
namespace {

using timeline::TableScan;

constexpr std::int64_t kMost = std::int64_t{1} << 55;
constexpr std::int64_t kPushPop = 59, kStartEnd = 60, kDomain = 75;
// Older exports count the same kinds from another number.
constexpr std::int64_t kOldPushPop = 70, kOldStartEnd = 71;
// A range inside more than this many open ones is not nested or projected: such files are made, not recorded.
constexpr std::size_t kMostOpen = 512;

template <typename T>
void sortByStart(std::vector<T>& rows) {
    std::stable_sort(rows.begin(), rows.end(), [](const T& a, const T& b) { return a.start < b.start; });
}

std::uint64_t joined(std::int64_t pid, std::int64_t correlation) {
    return static_cast<std::uint64_t>(pid) * 0x9E3779B97F4A7C15ULL ^ static_cast<std::uint64_t>(correlation);
}

}  // namespace

bool Rows::plausible(std::int64_t start, std::int64_t end) {
    if (start <= end && start > -kMost && end < kMost) return true;
    ++m_dropped;
    return false;
}

void Rows::finish(const TableScan& scan, const char* table) {
    if (scan.error()) m_notes.push_back(fmt::format("{} breaks off: {}", table, scan.error()->message));
    if (m_dropped > 0) m_notes.push_back(fmt::format("{}: {} rows with impossible times are left out", table, m_dropped));
    m_dropped = 0;
}

std::string Rows::string(std::int64_t id) {
    if (!m_strings) {
        m_strings.emplace();
        TableScan scan(m_db, "StringIds", {"id", "value"});
        while (scan.next())
            if (const auto key = scan.integer(0)) m_strings->emplace(*key, toValidUtf8(scan.text(1)));
        finish(scan, "StringIds");
    }
    const auto it = m_strings->find(id);
    return it == m_strings->end() ? fmt::format("(string {})", id) : it->second;
}

std::string Rows::threadName(std::int64_t globalTid) {
    if (!m_threadNames) {
        m_threadNames.emplace();
        TableScan scan(m_db, "ThreadNames", {"nameId", "globalTid"});
        while (scan.next())
            if (const auto tid = scan.integer(1)) m_threadNames->emplace(*tid, string(scan.integerOr(0, 0)));
        finish(scan, "ThreadNames");
    }
    const auto it = m_threadNames->find(globalTid);
    return it == m_threadNames->end() ? std::string() : it->second;
}

std::string Rows::label(const char* enumTable, std::int64_t id) {
    const auto [entry, isNew] = m_labels.try_emplace(enumTable);
    if (isNew) {
        TableScan scan(m_db, enumTable, {"id", "label"});
        while (scan.next()) entry->second.emplace(scan.integerOr(0, -1), toValidUtf8(scan.text(1)));
    }
    const auto it = entry->second.find(id);
    return it == entry->second.end() || it->second.empty() ? std::to_string(id) : it->second;
}

std::string Rows::operation(const DeviceRow& row) {
    if (row.kind == DeviceKind::kSet) return "[CUDA memset]";
    if (row.kind == DeviceKind::kCopy) return fmt::format("[CUDA memcpy {}]", label("ENUM_CUDA_MEMCPY_OPER", row.copyKind));
    return string(row.name);
}

void Rows::readApi(const char* table, std::vector<ApiRow>& rows) {
    TableScan scan(m_db, table, {"start", "end", "globalTid", "correlationId", "returnValue", "nameId"});
    while (scan.next()) {
        ApiRow row;
        row.start = scan.integerOr(0, INT64_MIN);
        row.end = scan.integerOr(1, INT64_MIN);
        row.tid = scan.integerOr(2, 0);
        row.correlation = scan.integerOr(3, 0);
        row.result = scan.integerOr(4, 0);
        row.name = scan.integerOr(5, 0);
        if (plausible(row.start, row.end)) rows.push_back(row);
    }
    finish(scan, table);
    sortByStart(rows);
}

const std::vector<ApiRow>& Rows::api() {
    if (!m_api) readApi("CUPTI_ACTIVITY_KIND_RUNTIME", m_api.emplace());
    return *m_api;
}

const std::vector<ApiRow>& Rows::osrt() {
    if (!m_osrt) readApi("OSRT_API", m_osrt.emplace());
    return *m_osrt;
}

const std::vector<FileCall>& Rows::fileCalls() {
    if (m_fileCalls) return *m_fileCalls;
    m_fileCalls.emplace();
    std::unordered_map<std::int64_t, std::pair<std::int64_t, std::int64_t>> times;  // of OSRT_API, by rowid
    {
        TableScan scan(m_db, "OSRT_API", {"start", "end"});
        while (scan.next()) times.emplace(scan.rowid(), std::pair(scan.integerOr(0, INT64_MIN), scan.integerOr(1, INT64_MIN)));
    }
    TableScan scan(m_db, "RIDGE_IO", {"osrtId", "fileAccessId", "op", "bytes", "offset", "errorNumber", "requested"});
    while (scan.next()) {
        const auto call = times.find(scan.integerOr(0, 0));
        if (call == times.end() || !plausible(call->second.first, call->second.second)) continue;
        m_fileCalls->push_back({call->second.first, call->second.second, scan.integerOr(2, 0), std::clamp<std::int64_t>(scan.integerOr(3, 0), 0, kMost),
                                std::clamp<std::int64_t>(scan.integerOr(6, 0), 0, kMost), scan.integer(4),
                                scan.integerOr(1, 0), scan.integerOr(5, 0) != 0});
    }
    finish(scan, "RIDGE_IO");
    sortByStart(*m_fileCalls);
    return *m_fileCalls;
}

const FileName& Rows::file(std::int64_t fileAccessId) {
    if (!m_files) {
        m_files.emplace();
        TableScan names(m_db, "OSRT_FILE_ACCESS_DESCRIPTORS", {"fileAccessId", "filePath"});
        while (names.next()) (*m_files)[names.integerOr(0, 0)] = {toValidUtf8(names.text(1)), {}};
        TableScan kinds(m_db, "RIDGE_FILE_CLASS", {"fileAccessId", "class"});
        while (kinds.next())
            if (const auto it = m_files->find(kinds.integerOr(0, 0)); it != m_files->end()) it->second.kind = toValidUtf8(kinds.text(1));
    }
    return m_files->try_emplace(fileAccessId, FileName{"(unknown)", {}}).first->second;
}

const std::vector<SampledFrame>& Rows::frames() {
    if (m_frames) return *m_frames;
    m_frames.emplace();
    std::unordered_map<std::int64_t, std::int64_t> threads;  // of the samples
    {
        TableScan scan(m_db, "COMPOSITE_EVENTS", {"id", "globalTid"});
        while (scan.next()) threads.emplace(scan.integerOr(0, 0), scan.integerOr(1, 0));
    }
    TableScan scan(m_db, "SAMPLING_CALLCHAINS", {"id", "symbol", "module", "stackDepth", "unresolved"});
    while (scan.next()) {
        SampledFrame frame;
        frame.sample = scan.integerOr(0, 0);
        frame.symbol = scan.integerOr(1, 0);
        frame.module = scan.integerOr(2, 0);
        frame.depth = scan.integerOr(3, 0);
        frame.unresolved = scan.integerOr(4, 0) != 0;
        if (const auto thread = threads.find(frame.sample); thread != threads.end()) frame.tid = thread->second;
        m_frames->push_back(frame);
    }
    finish(scan, "SAMPLING_CALLCHAINS");
    std::stable_sort(m_frames->begin(), m_frames->end(), [](const SampledFrame& a, const SampledFrame& b) { return a.sample < b.sample; });
    for (std::size_t i = 0; i < m_frames->size(); ++i) m_sampleCount += i == 0 || (*m_frames)[i].sample != (*m_frames)[i - 1].sample;
    return *m_frames;
}

void Rows::readKernels() {
    TableScan scan(m_db, "CUPTI_ACTIVITY_KIND_KERNEL",
                   {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "demangledName", "shortName", "mangledName",
                    "gridX", "gridY", "gridZ", "blockX", "blockY", "blockZ", "registersPerThread", "staticSharedMemory", "dynamicSharedMemory",
                    "greenContextId"});
    while (scan.next()) {
        DeviceRow row;
        row.start = scan.integerOr(0, INT64_MIN);
        row.end = scan.integerOr(1, INT64_MIN);
        row.device = scan.integerOr(2, 0);
        row.context = scan.integerOr(3, 0);
        row.stream = scan.integerOr(4, 0);
        row.correlation = scan.integerOr(5, 0);
        row.pid = scan.integerOr(6, 0);
        row.shortName = scan.integerOr(8, 0);
        row.name = scan.integerOr(7, row.shortName);
        row.mangledName = scan.integerOr(9, row.name);
        for (std::size_t i = 0; i < 3; ++i) {
            row.grid[i] = scan.integerOr(10 + i, 0);
            row.block[i] = scan.integerOr(13 + i, 0);
        }
        row.registers = scan.integer(16);
        row.staticShared = scan.integer(17);
        row.dynamicShared = scan.integer(18);
        row.greenContext = scan.integer(19);
        if (plausible(row.start, row.end)) m_device->push_back(row);
    }
    finish(scan, "CUPTI_ACTIVITY_KIND_KERNEL");
}

void Rows::readMemory(const char* table, DeviceKind kind) {
    TableScan scan(m_db, table,
                   {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "bytes", "copyKind", "srcKind", "dstKind",
                    "memKind", "greenContextId"});
    while (scan.next()) {
        DeviceRow row;
        row.kind = kind;
        row.start = scan.integerOr(0, INT64_MIN);
        row.end = scan.integerOr(1, INT64_MIN);
        row.device = scan.integerOr(2, 0);
        row.context = scan.integerOr(3, 0);
        row.stream = scan.integerOr(4, 0);
        row.correlation = scan.integerOr(5, 0);
        row.pid = scan.integerOr(6, 0);
        row.bytes = scan.integerOr(7, 0);
        row.copyKind = scan.integerOr(8, 0);
        row.srcKind = scan.integer(9);
        row.dstKind = kind == DeviceKind::kSet ? scan.integer(11) : scan.integer(10);
        row.greenContext = scan.integer(12);
        if (plausible(row.start, row.end)) m_device->push_back(row);
    }
    finish(scan, table);
}

const std::vector<DeviceRow>& Rows::device() {
    if (m_device) return *m_device;
    m_device.emplace();
    readKernels();
    readMemory("CUPTI_ACTIVITY_KIND_MEMCPY", DeviceKind::kCopy);
    readMemory("CUPTI_ACTIVITY_KIND_MEMSET", DeviceKind::kSet);
    sortByStart(*m_device);
    std::unordered_map<std::uint64_t, std::size_t> calls;
    const auto& rows = api();
    const bool withPid = m_db.columns("CUPTI_ACTIVITY_KIND_KERNEL").contains("globalPid");
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].correlation != 0) calls.try_emplace(joined(withPid ? timeline::globalPidOf(rows[i].tid) : 0, rows[i].correlation), i);
    for (DeviceRow& row : *m_device) {
        const auto it = calls.find(joined(withPid ? row.pid : 0, row.correlation));
        if (row.correlation != 0 && it != calls.end()) row.api = it->second;
    }
    return *m_device;
}

void Rows::readRanges() {
    std::map<std::pair<std::int64_t, std::int64_t>, std::string> domains;  // (process, domain) -> its name
    {
        TableScan scan(m_db, "NVTX_EVENTS", {"eventType", "globalTid", "domainId", "text", "textId"});
        while (scan.next())
            if (scan.integerOr(0, 0) == kDomain) {
                const auto id = scan.integer(4);
                domains[{timeline::globalPidOf(scan.integerOr(1, 0)), scan.integerOr(2, 0)}] = scan.text(3).empty() && id ? string(*id) : toValidUtf8(scan.text(3));
            }
    }
    std::unordered_map<std::string, std::size_t> names;
    TableScan scan(m_db, "NVTX_EVENTS", {"start", "end", "eventType", "globalTid", "domainId", "text", "textId"});
    while (scan.next()) {
        const std::int64_t type = scan.integerOr(2, 0);
        const bool nests = type == kPushPop || type == kOldPushPop;
        if (!nests && type != kStartEnd && type != kOldStartEnd) continue;
        const auto end = scan.integer(1);
        if (!end) continue;  // still open at the end: nsys leaves these out as well
        RangeRow row;
        row.start = scan.integerOr(0, INT64_MIN);
        row.end = *end;
        row.tid = scan.integerOr(3, 0);
        row.rowid = scan.rowid();
        row.nests = nests;
        if (!plausible(row.start, row.end)) continue;
        const auto textId = scan.integer(6);
        const std::string text = scan.text(5).empty() && textId ? string(*textId) : toValidUtf8(scan.text(5));
        const auto domain = domains.find({timeline::globalPidOf(row.tid), scan.integerOr(4, 0)});
        const std::string full = (domain == domains.end() ? std::string() : domain->second) + ":" + text;
        const auto [it, isNew] = names.try_emplace(full, m_rangeNames.size());
        if (isNew) m_rangeNames.push_back(full);
        row.name = it->second;
        m_ranges->push_back(row);
    }
    finish(scan, "NVTX_EVENTS");
    std::stable_sort(m_ranges->begin(), m_ranges->end(),
                     [](const RangeRow& a, const RangeRow& b) { return a.start != b.start ? a.start < b.start : a.end > b.end; });
}

// The ranges that are open when a launch is made hold it; push/pop ranges besides hold what was pushed in them.
void Rows::walkThread(const std::vector<std::size_t>& ranges, const std::vector<std::size_t>& launches) {
    auto& all = *m_ranges;
    std::vector<std::size_t> open;  // nesting ones form the stack, the others stand among them
    std::size_t next = 0;
    const auto close = [&](std::int64_t instant) { std::erase_if(open, [&](std::size_t r) { return all[r].end <= instant; }); };
    const auto launchesBefore = [&](std::int64_t limit) {
        for (; next < launches.size(); ++next) {
            const DeviceRow& row = (*m_device)[launches[next]];
            const std::int64_t at = (*m_api)[row.api].start;
            if (at >= limit) return;
            close(at);
            for (auto r = open.rbegin(); r != open.rend(); ++r) {
                RangeRow& range = all[*r];
                range.projectedStart = range.operations == 0 ? row.start : std::min(range.projectedStart, row.start);
                range.projectedEnd = range.operations == 0 ? row.end : std::max(range.projectedEnd, row.end);
                ++range.operations;
                if (row.kind == DeviceKind::kKernel) m_kernelsInRanges.emplace_back(*r, launches[next]);
            }
        }
    };
    for (const std::size_t index : ranges) {
        RangeRow& range = all[index];
        launchesBefore(range.start);
        close(range.start);
        if (range.nests) {
            for (auto r = open.rbegin(); r != open.rend(); ++r) {
                if (!all[*r].nests) continue;
                range.parent = *r;
                range.level = all[*r].level + 1;
                ++all[*r].children;
                all[*r].childrenNs += std::min(range.end, all[*r].end) - range.start;
                break;
            }
        }
        if (open.size() < kMostOpen) open.push_back(index);
        else ++m_tooDeep;
    }
    launchesBefore(kMost);
}

void Rows::nest() {
    std::map<std::int64_t, std::pair<std::vector<std::size_t>, std::vector<std::size_t>>> threads;
    for (std::size_t i = 0; i < m_ranges->size(); ++i) threads[(*m_ranges)[i].tid].first.push_back(i);
    const auto& rows = device();
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].api != kNone) threads[(*m_api)[rows[i].api].tid].second.push_back(i);
    for (auto& [tid, lists] : threads) {
        std::stable_sort(lists.second.begin(), lists.second.end(),
                         [&](std::size_t a, std::size_t b) { return (*m_api)[rows[a].api].start < (*m_api)[rows[b].api].start; });
        walkThread(lists.first, lists.second);
    }
}

const std::vector<RangeRow>& Rows::ranges() {
    if (!m_ranges) {
        m_ranges.emplace();
        readRanges();
        nest();
        if (m_tooDeep > 0) m_notes.push_back(fmt::format("{} ranges lie in more than {} open ones; nothing is counted into them", m_tooDeep, kMostOpen));
    }
    return *m_ranges;
}

}  // namespace ridge::analyzer::stats
