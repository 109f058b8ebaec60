// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/timeline/reader.h"

#include "schemas/timeline/ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace ridge::analyzer {

using timeline::TableScan;

NameId NamePool::intern(std::string_view text) {
    if (const auto it = m_ids.find(text); it != m_ids.end()) return NameId{it->second};
    const auto id = static_cast<std::uint32_t>(m_texts.size());
    const auto it = m_ids.emplace(std::string(text), id).first;
    m_texts.push_back(&it->first);
    return NameId{id};
}

std::optional<FileReader::Times> FileReader::takeTimes(TableScan& scan, std::size_t startColumn, std::size_t endColumn,
                                                       bool mayBeOpen, TableReport& report) {
    ++report.rows;
    if (!scan.hasColumn(startColumn) || (!mayBeOpen && !scan.hasColumn(endColumn))) {
        ++report.withoutTimes;
        return std::nullopt;
    }
    const auto start = scan.integer(startColumn);
    const std::int64_t wrongBefore = scan.wrongTypes();
    const auto end = scan.integer(endColumn);
    const auto inRange = [](std::int64_t t) { return t > -kMaxTime && t < kMaxTime; };
    if (!start || !inRange(*start) || (end && !inRange(*end))) {
        ++report.outOfRange;
        return std::nullopt;
    }
    Times times{*start + m_shift, 0, false};
    if (!end) {
        if (!mayBeOpen || scan.wrongTypes() != wrongBefore) {
            ++report.outOfRange;
            return std::nullopt;
        }
        times.open = true;
        times.end = times.start;
        m_timeline.lastTime = std::max(m_timeline.lastTime, times.start);
        return times;
    }
    times.end = *end + m_shift;
    if (times.end < times.start) {
        ++report.negative;
        return std::nullopt;
    }
    if (times.end == times.start) ++report.zero;
    m_timeline.lastTime = std::max(m_timeline.lastTime, times.end);
    return times;
}

void FileReader::finish(TableScan& scan, TableReport& report) {
    report.wrongType = scan.wrongTypes();
    if (scan.error()) report.error = scan.error()->message;
    if (scan.exists()) m_timeline.tables.push_back(report);
}

void FileReader::readStrings() {
    TableScan scan(m_db, "StringIds", {"id", "value"});
    TableReport report{"StringIds"};
    while (scan.next()) {
        ++report.rows;
        const auto id = scan.integer(0);
        if (!id) continue;
        const NameId name = m_timeline.names.intern(scan.text(1));
        const std::size_t far = 4096 + 4 * static_cast<std::size_t>(report.rows);
        if (*id < 0 || static_cast<std::size_t>(*id) >= far) {
            m_farStrings[*id] = name;
            continue;
        }
        if (m_strings.size() <= static_cast<std::size_t>(*id)) m_strings.resize(static_cast<std::size_t>(*id) + 1);
        m_strings[static_cast<std::size_t>(*id)] = name;
    }
    finish(scan, report);
}

std::size_t FileReader::rowsOf(std::string_view table) {
    constexpr std::int64_t kFewestBytes = 20;  // of a row and its cell pointer
    const auto number = [&](const std::string& sql) -> std::int64_t {
        auto statement = m_db.prepare(sql);
        if (!statement.ok()) return 0;
        auto row = statement->step();
        return row.ok() && *row ? statement->integer(0) : 0;
    };
    if (!TableScan(m_db, table, {}).exists()) return 0;
    const std::int64_t bytes = number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    const std::int64_t last = number(fmt::format("SELECT max(rowid) FROM \"{}\"", table));
    return static_cast<std::size_t>(std::clamp<std::int64_t>(last, 0, std::max<std::int64_t>(bytes, 0) / kFewestBytes));
}

NameId FileReader::nameOf(std::optional<std::int64_t> stringId) {
    if (!stringId) return NameId{0};
    if (*stringId >= 0 && static_cast<std::size_t>(*stringId) < m_strings.size()) {
        const NameId name = m_strings[static_cast<std::size_t>(*stringId)];
        if (name != NameId{0} || m_farStrings.empty()) return name;
    }
    if (m_farStrings.empty()) return NameId{0};
    const auto it = m_farStrings.find(*stringId);
    return it == m_farStrings.end() ? NameId{0} : it->second;
}

std::int32_t FileReader::processOf(std::int64_t globalPid) {
    const auto [it, isNew] = m_processes.try_emplace(globalPid, static_cast<std::int32_t>(m_timeline.processes.size()));
    if (isNew) {
        Process process;
        process.file = m_file;
        process.globalPid = globalPid;
        process.pid = timeline::pidOf(globalPid);
        m_timeline.processes.push_back(std::move(process));
    }
    return it->second;
}

std::int32_t FileReader::threadOf(std::int64_t globalTid) {
    if (globalTid == m_lastTid && m_lastThread != kNoIndex) return m_lastThread;
    const auto [it, isNew] = m_threads.try_emplace(globalTid, static_cast<std::int32_t>(m_timeline.threads.size()));
    if (isNew) {
        m_timeline.threads.push_back({globalTid, processOf(timeline::globalPidOf(globalTid))});
    }
    m_lastTid = globalTid;
    m_lastThread = it->second;
    return it->second;
}

std::int32_t FileReader::threadOfTid(std::int64_t tid) {
    std::int32_t found = kNoIndex;  // of several (of namespaces that count each for itself) the one of the smallest id
    for (std::size_t i = 0; i < m_timeline.threads.size(); ++i) {
        const Thread& thread = m_timeline.threads[i];
        if (m_timeline.processes[static_cast<std::size_t>(thread.process)].file == m_file && timeline::tidOf(thread.globalTid) == timeline::tidOf(tid) &&
            (found == kNoIndex || thread.globalTid < m_timeline.threads[static_cast<std::size_t>(found)].globalTid))
            found = static_cast<std::int32_t>(i);
    }
    return found;
}

std::int32_t FileReader::deviceOf(std::optional<std::int64_t> globalPid, std::int64_t id) {
    return deviceOfMachine(globalPid ? static_cast<std::int64_t>(static_cast<std::uint64_t>(*globalPid) >> 48) : 0, id);
}

std::int32_t FileReader::deviceOfMachine(std::int64_t machine, std::int64_t id) {
    const auto [it, isNew] = m_devices.try_emplace({machine, id}, static_cast<std::int32_t>(m_timeline.devices.size()));
    if (isNew) m_timeline.devices.push_back({m_file, id, {}, machine});
    return it->second;
}

void FileReader::readProcesses() {
    TableScan names(m_db, "PROCESSES", {"globalPid", "name"});
    std::unordered_map<std::int64_t, std::string> nameOfProcess;
    while (names.next())
        if (const auto id = names.integer(0)) nameOfProcess[*id] = toValidUtf8(names.text(1));
    TableScan ranks(m_db, "RIDGE_RANK", {"globalPid", "rank", "worldSize", "host"});
    TableReport report{"RIDGE_RANK"};
    while (ranks.next()) {
        ++report.rows;
        const auto id = ranks.integer(0);
        if (!id) continue;
        Process& process = m_timeline.processes[static_cast<std::size_t>(processOf(*id))];
        const auto rank = ranks.integer(1);
        process.rankKnown = rank && *rank >= 0 && *rank < (1 << 24);
        if (process.rankKnown) process.rank = *rank;
        process.worldSize = std::clamp<std::int64_t>(ranks.integerOr(2, 0), 0, 1 << 24);
        process.host = toValidUtf8(ranks.text(3));
    }
    finish(ranks, report);
    for (Process& process : m_timeline.processes)
        if (process.file == m_file)
            if (const auto it = nameOfProcess.find(process.globalPid); it != nameOfProcess.end())
                process.name = it->second;
}

// When each image of a process began and ended.
void FileReader::readProcessEnds() {
    TableScan scan(m_db, "RIDGE_PROCESS", {"start", "end", "globalPid"});
    TableReport report{"RIDGE_PROCESS"};
    while (scan.next())
        if (const auto t = takeTimes(scan, 0, 1, false, report))
            m_processEnds[scan.integerOr(2, 0)].emplace_back(t->start, t->end);
    for (auto& [globalPid, images] : m_processEnds) std::sort(images.begin(), images.end());
    finish(scan, report);
}

// At the end of their process where the file knows it, else (later, in load()) at the last time seen.
void FileReader::closeOpenRanges(std::size_t firstRange) {
    if (m_processEnds.empty()) return;
    for (std::size_t i = firstRange; i < m_timeline.ranges.size(); ++i) {
        Range& range = m_timeline.ranges[i];
        if (!range.open) continue;
        const auto& thread = m_timeline.threads[static_cast<std::size_t>(range.thread)];
        const auto it = m_processEnds.find(m_timeline.processes[static_cast<std::size_t>(thread.process)].globalPid);
        if (it == m_processEnds.end()) continue;
        auto image = std::upper_bound(it->second.begin(), it->second.end(), std::pair{range.start, std::numeric_limits<Ns>::max()});
        if (image != it->second.begin()) --image;
        range.end = std::max(range.start, image->second);
        range.endKnown = true;
    }
}

void FileReader::readFlows() {
    TableScan scan(m_db, "RIDGE_FLOW", {"fromTime", "toTime", "fromTid", "toTid"});
    TableReport report{"RIDGE_FLOW"};
    const auto inRange = [](std::int64_t t) { return t > -kMaxTime && t < kMaxTime; };
    while (scan.next()) {
        ++report.rows;
        const auto from = scan.integer(0), to = scan.integer(1);
        if (!from || !to || !inRange(*from) || !inRange(*to)) {
            ++report.outOfRange;
            continue;
        }
        m_timeline.flows.push_back({*from + m_shift, *to + m_shift, threadOf(scan.integerOr(2, 0)), threadOf(scan.integerOr(3, 0))});
    }
    finish(scan, report);
}

void FileReader::readDiagnostics() {
    constexpr std::size_t kMost = 10'000;
    TableScan scan(m_db, "DIAGNOSTIC_EVENT", {"severity", "text"});
    while (scan.next() && m_timeline.diagnostics.size() < kMost)
        m_timeline.diagnostics.push_back({scan.integerOr(0, 0), toValidUtf8(scan.text(1).substr(0, 1000))});
}

void FileReader::readPreemptions() {
    TableScan scan(m_db, "RIDGE_PREEMPTION", {"start", "end", "cpu"});
    TableReport report{"RIDGE_PREEMPTION"};
    while (scan.next())
        if (const auto t = takeTimes(scan, 0, 1, false, report))
            m_timeline.preemptions.push_back({t->start, t->end, scan.integerOr(2, 0)});
    finish(scan, report);
}

}  // namespace ridge::analyzer
