// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/rank_of_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

#include "analyzer/import/kineto/byte_source.h"
#include "gui/load/trace_loader.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {
namespace {

constexpr std::size_t kHead = 1 << 16;  // "distributedInfo" stands before the events

std::optional<std::int64_t> rankInTable(const std::string& path) {
    auto db = Database::openForReading(path);
    if (!db.ok()) return std::nullopt;
    timeline::TableScan scan(*db, "RIDGE_RANK", {"rank"});
    std::set<std::int64_t> ranks;
    while (scan.next())
        if (const auto rank = scan.integer(0)) ranks.insert(*rank);
    return ranks.size() == 1 ? std::optional(*ranks.begin()) : std::nullopt;
}

std::optional<std::int64_t> rankInHead(const std::string& path) {
    auto source = analyzer::kineto::ByteSource::open(path);
    if (!source.ok()) return std::nullopt;
    std::string head(kHead, '\0');
    std::size_t have = 0;
    while (have < head.size()) {
        const std::size_t got = (*source)->read(head.data() + have, head.size() - have);
        if (got == 0) break;
        have += got;
    }
    head.resize(have);
    const std::size_t key = head.find("\"distributedInfo\"");
    const std::size_t open = key == std::string::npos ? key : head.find('{', key);
    if (open == std::string::npos) return std::nullopt;
    std::size_t depth = 0, end = open;
    for (; end < head.size(); ++end) {
        if (head[end] == '{') ++depth;
        if (head[end] == '}' && --depth == 0) break;
    }
    if (end == head.size()) return std::nullopt;
    const auto info = nlohmann::json::parse(head.substr(open, end + 1 - open), nullptr, false);
    if (!info.is_object() || !info.contains("rank") || !info["rank"].is_number_integer()) return std::nullopt;
    return info["rank"].get<std::int64_t>();
}

}  // namespace

std::optional<std::int64_t> rankOfFile(const std::string& path) {
    if (whyNotAFile(path)) return std::nullopt;
    return looksLikeSqlite(path) ? rankInTable(path) : rankInHead(path);
}

bool areRanksOfOneRun(const std::vector<std::string>& paths) {
    std::set<std::int64_t> seen;
    return paths.size() > 1 && std::all_of(paths.begin(), paths.end(), [&](const std::string& path) {
               const auto rank = rankOfFile(path);
               return rank && seen.insert(*rank).second;
           });
}

}  // namespace ridge::gui
