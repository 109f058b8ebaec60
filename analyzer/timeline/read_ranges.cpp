// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// NVTX ranges and their work payload.
#include <algorithm>
#include <unordered_set>

#include "analyzer/timeline/framework_op.h"
#include "analyzer/timeline/reader.h"

namespace ridge::analyzer {

using timeline::TableScan;

namespace {

// Domains that ridge import gives what is no annotation.
constexpr std::string_view kOpDomain = "kineto.cpu_op", kFunctionDomain = "kineto.python_function";

constexpr std::int64_t kPushPop = 59, kStartEnd = 60, kPushPopText = 70, kStartEndText = 71, kDomain = 75;

Frame frameOf(std::int64_t category) {
    switch (category) {
        case 1: return Frame::kWorkload;
        case 2: return Frame::kWarmup;
        case 3: return Frame::kStep;
        default: return Frame::kNone;
    }
}

// Domains named "ridge", as (pid bits of globalTid, domain id) in one number each.
std::uint64_t domainKey(std::int64_t globalTid, std::int64_t domain) {
    return ((static_cast<std::uint64_t>(globalTid) >> 24) << 24) ^ static_cast<std::uint64_t>(domain);
}

}  // namespace

void FileReader::readRanges() {
    const std::size_t first = m_timeline.ranges.size();
    std::unordered_set<std::uint64_t> ridgeDomains, opDomains, functionDomains;
    TableScan domains(m_db, "NVTX_EVENTS", {"eventType", "text", "textId", "globalTid", "domainId"});
    while (domains.next()) {
        if (domains.integerOr(0, 0) != kDomain) continue;
        const std::string_view text = domains.text(1);
        const std::string_view name = text.empty() ? std::string_view(m_timeline.names.text(nameOf(domains.integer(2)))) : text;
        const std::uint64_t key = domainKey(domains.integerOr(3, 0), domains.integerOr(4, 0));
        if (name == "ridge") ridgeDomains.insert(key);
        if (name == kOpDomain) opDomains.insert(key);
        if (name == kFunctionDomain) functionDomains.insert(key);
    }

    TableScan scan(m_db, "NVTX_EVENTS",
                   {"start", "end", "eventType", "category", "text", "globalTid", "textId", "domainId", "uint64Value",
                    "int64Value", "jsonTextId"});
    TableReport report{"NVTX_EVENTS"};
    expectRows("NVTX_EVENTS", m_timeline.ranges);
    while (scan.next()) {
        const std::int64_t type = scan.integerOr(2, 0);
        if (type != kPushPop && type != kStartEnd && type != kPushPopText && type != kStartEndText) {
            report.rows += type == kDomain ? 0 : 1;
            continue;
        }
        const auto times = takeTimes(scan, 0, 1, true, report);
        if (!times) continue;
        Range range;
        range.start = times->start;
        range.end = times->end;
        range.open = times->open;
        report.open += times->open ? 1 : 0;
        range.rowid = scan.rowid();
        const std::int64_t globalTid = scan.integerOr(5, 0);
        range.thread = threadOf(globalTid);
        const std::uint64_t domain = domainKey(globalTid, scan.integerOr(7, 0));
        const std::string_view text = scan.text(4);
        if (opDomains.contains(domain)) {
            range.kind = RangeKind::kOp;
            range.shapes = nameOf(scan.integer(10));
        } else if (functionDomains.contains(domain)) {
            range.kind = RangeKind::kFunction;
        }
        if (text.empty())
            range.name = nameOf(scan.integer(6));
        else
            nameFrameworkOp(text, range);
        range.nests = type == kPushPop || type == kPushPopText;
        if (const auto category = scan.integer(3);
            category && *category != 0 && !ridgeDomains.empty() && ridgeDomains.contains(domain))
            range.frame = frameOf(*category);
        range.index = static_cast<std::uint64_t>(scan.integer(8).value_or(scan.integerOr(9, 0)));
        m_timeline.ranges.push_back(range);
    }
    finish(scan, report);
    readProcessEnds();
    closeOpenRanges(first);
    readWork(first);
    readFlows();
}

void FileReader::nameFrameworkOp(std::string_view text, Range& range) {
    if (const std::size_t length = lengthOfOpName(text); length != std::string_view::npos) {
        const std::string_view rest = text.substr(length);
        range.kind = RangeKind::kOp;
        if (const std::size_t sizes = rest.find("sizes = ["); sizes != std::string_view::npos) {
            std::size_t end = sizes + 8, depth = 0;
            for (; end < rest.size(); ++end) {
                depth += rest[end] == '[' ? 1 : 0;
                if (rest[end] == ']' && --depth == 0) break;
            }
            if (end < rest.size()) range.shapes = m_timeline.names.intern(rest.substr(sizes + 8, end + 1 - sizes - 8));
        }
        text = text.substr(0, length);
    }
    range.name = m_timeline.names.intern(text);
}

// Both tables are in the order of NVTX_EVENTS' rowid, so this is a merge.
void FileReader::readWork(std::size_t firstRange) {
    TableScan scan(m_db, "RIDGE_WORK",
                   {"nvtxId", "opKind", "dtype", "flops", "bytesRead", "bytesWritten", "bytesCommunicated",
                    "communicator", "sequence"});
    TableReport report{"RIDGE_WORK"};
    expectRows("RIDGE_WORK", m_timeline.works);
    auto& ranges = m_timeline.ranges;
    const auto begin = ranges.begin() + static_cast<std::ptrdiff_t>(firstRange);
    auto it = begin;  // the first range that is not before the row
    // Counts are unsigned in the payload; SQLite has signed integers only.
    const auto count = [&](std::size_t column) {
        return static_cast<double>(static_cast<std::uint64_t>(scan.integerOr(column, 0)));
    };
    while (scan.next()) {
        ++report.rows;
        const auto id = scan.integer(0);
        if (!id) continue;
        constexpr int kSteps = 16;  // beyond which a search is quicker
        const auto before = [](const Range& r, std::int64_t rowid) { return r.rowid < rowid; };
        if (it != begin && *id <= std::prev(it)->rowid) it = begin;
        for (int step = 0; it != ranges.end() && it->rowid < *id; ++it)
            if (++step > kSteps) {
                it = std::lower_bound(it, ranges.end(), *id, before);
                break;
            }
        if (it == ranges.end() || it->rowid != *id || it->work != kNoIndex) continue;
        Work work;
        work.opKind = static_cast<std::uint16_t>(std::clamp<std::int64_t>(scan.integerOr(1, 0), 0, kOpKindNames.size()));
        if (work.opKind >= kOpKindNames.size()) work.opKind = 0;
        work.dtype = static_cast<std::uint16_t>(std::clamp<std::int64_t>(scan.integerOr(2, 0), 0, kDtypeNames.size()));
        if (work.dtype >= kDtypeNames.size()) work.dtype = 0;
        work.flops = count(3);
        work.bytesRead = count(4);
        work.bytesWritten = count(5);
        work.bytesCommunicated = count(6);
        work.communicator = scan.integerOr(7, 0);
        work.sequence = scan.integerOr(8, 0);
        it->work = static_cast<std::int32_t>(m_timeline.works.size());
        m_timeline.works.push_back(work);
    }
    finish(scan, report);
}

}  // namespace ridge::analyzer
