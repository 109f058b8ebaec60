// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/timeline/schema_check.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <initializer_list>

#include "base/text.h"
#include "schemas/timeline/read_table.h"

namespace ridge::analyzer {
namespace {

constexpr int kOldestMajor = 2, kOldestMinor = 9;   // read and tested
constexpr int kNewestMajor = 3, kNewestMinor = 25;

struct Needed {
    std::string_view table;
    std::vector<std::string_view> columns;  // "a|b": one of them
};

const std::vector<Needed>& neededColumns() {
    static const std::vector<Needed> list{
        {"CUPTI_ACTIVITY_KIND_KERNEL", {"start", "end", "deviceId", "streamId", "correlationId", "globalPid", "demangledName|shortName"}},
        {"CUPTI_ACTIVITY_KIND_MEMCPY", {"start", "end", "deviceId", "streamId", "correlationId", "bytes", "copyKind"}},
        {"CUPTI_ACTIVITY_KIND_MEMSET", {"start", "end", "deviceId", "streamId", "correlationId", "bytes"}},
        {"CUPTI_ACTIVITY_KIND_RUNTIME", {"start", "end", "globalTid", "correlationId", "nameId"}},
        {"CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", {"start", "end", "syncType|deprecatedSyncType"}},
        {"NVTX_EVENTS", {"start", "end", "eventType", "globalTid", "text|textId"}},
        {"OSRT_API", {"start", "end", "globalTid", "nameId"}},
    };
    return list;
}

// -1: no number there.
int numberAt(std::string_view text, std::size_t part) {
    const auto parts = split(text, '.');
    if (part >= parts.size()) return -1;
    int value = -1;
    const auto [end, error] = std::from_chars(parts[part].data(), parts[part].data() + parts[part].size(), value);
    return error == std::errc() && end == parts[part].data() + parts[part].size() ? value : -1;
}

void checkVersion(std::string_view schema, std::vector<std::string>& missing) {
    const int major = numberAt(schema, 0), minor = numberAt(schema, 1);
    if (major < 0 || minor < 0)
        missing.push_back("the export says no schema version; columns may mean something else");
    else if (major < kOldestMajor || (major == kOldestMajor && minor < kOldestMinor))
        missing.push_back(fmt::format("schema {} is older than 2.9, the oldest that is known here; export again with a newer nsys", timeline::oneLine(schema)));
    else if (major > kNewestMajor || (major == kNewestMajor && minor > kNewestMinor))
        missing.push_back(fmt::format("schema {} is newer than 3.25, the newest that is known here; columns may mean something else", timeline::oneLine(schema)));
}

}  // namespace

std::vector<std::string> findMissing(Database& db, std::string_view schema) {
    std::vector<std::string> missing;
    checkVersion(schema, missing);
    if (!timeline::TableScan(db, "StringIds", {}).exists())
        missing.push_back("there is no table StringIds: kernels and calls have no names, so communication and blocking calls are not told from the rest");
    for (const Needed& needed : neededColumns()) {
        if (!timeline::TableScan(db, needed.table, {}).exists()) continue;
        const auto columns = db.columns(needed.table);
        for (const std::string_view column : needed.columns) {
            bool there = false;
            for (const std::string_view one : split(column, '|')) there = there || columns.contains(std::string(one));
            if (!there) missing.push_back(fmt::format("{} has no column {}", needed.table, column));
        }
    }
    return missing;
}

}  // namespace ridge::analyzer
