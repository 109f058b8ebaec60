// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/flame/call_stacks.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>

#include "base/text.h"
#include "gui/model/colours.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {
namespace {

using timeline::TableScan;

constexpr std::int64_t kLookEvery = 4096, kDeepest = 1024;

struct Stack {
    std::vector<std::pair<std::int64_t, std::int64_t>> calls;  // depth (0: innermost), symbol
};

// Texts of the symbols that occur; names in the order of first use.
std::unordered_map<std::int64_t, std::uint32_t> nameSymbols(Database& db, const std::unordered_map<std::int64_t, Stack>& stacks, Names& names) {
    std::set<std::int64_t> used;
    for (const auto& [id, stack] : stacks)
        for (const auto& [depth, symbol] : stack.calls) used.insert(symbol);
    std::unordered_map<std::int64_t, std::uint32_t> ids;
    std::unordered_map<std::string, std::uint32_t> byText;  // one function may have several ids
    const auto intern = [&](std::string text) {
        const auto [it, isNew] = byText.try_emplace(text, static_cast<std::uint32_t>(names.texts.size()));
        if (isNew) {
            names.colours.push_back(shadeOf(text));
            names.texts.push_back(std::move(text));
        }
        return it->second;
    };
    TableScan strings(db, "StringIds", {"id", "value"});
    while (strings.next())
        if (const auto id = strings.integer(0); id && used.contains(*id)) ids.emplace(*id, intern(toValidUtf8(strings.text(1))));
    for (const std::int64_t symbol : used)
        if (!ids.contains(symbol)) ids.emplace(symbol, intern("(unknown)"));
    return ids;
}

}  // namespace

std::optional<std::int64_t> threadOfKey(const std::string& key) {
    const std::size_t at = key.find("/t");
    std::int64_t thread = 0;
    if (at == std::string::npos) return std::nullopt;
    const auto parsed = std::from_chars(key.data() + at + 2, key.data() + key.size(), thread);
    return parsed.ec == std::errc{} ? std::optional(thread) : std::nullopt;
}

Result<FlameTree> stacksOf(const std::string& path, const std::vector<std::int64_t>& threads, Ns from, Ns to, const std::atomic<bool>& stop) {
    FlameTree tree;
    tree.source = FlameSource::kStacks;
    tree.from = from;
    tree.to = to;
    char head[16] = {};
    std::ifstream(path, std::ios::binary).read(head, sizeof head);
    if (std::string_view(head, 15) != "SQLite format 3") return tree;
    RIDGE_TRY(Database db, Database::openForReading(path));
    std::unordered_map<std::int64_t, Stack> stacks;
    std::set<std::int64_t> seen;
    TableScan events(db, "COMPOSITE_EVENTS", {"id", "start", "globalTid"});
    while (events.next() && !stop) {
        const std::int64_t start = events.integerOr(1, INT64_MIN), thread = events.integerOr(2, 0);
        const auto id = events.integer(0);
        if (!id || start < from || start >= to || (!threads.empty() && std::find(threads.begin(), threads.end(), thread) == threads.end())) continue;
        stacks.try_emplace(*id);
        seen.insert(thread);
    }
    TableScan chains(db, "SAMPLING_CALLCHAINS", {"id", "symbol", "stackDepth"});
    for (std::int64_t n = 0; chains.next(); ++n) {
        if (n % kLookEvery == 0 && stop) break;
        const auto it = stacks.find(chains.integerOr(0, INT64_MIN));
        const std::int64_t depth = chains.integerOr(2, -1);
        if (it != stacks.end() && depth >= 0 && depth < kDeepest) it->second.calls.emplace_back(depth, chains.integerOr(1, 0));
    }
    auto names = std::make_shared<Names>();
    const auto nameOf = nameSymbols(db, stacks, *names);
    tree.names = names;
    tree.rows = seen.size();
    for (auto& [id, stack] : stacks) {
        std::sort(stack.calls.begin(), stack.calls.end(), std::greater<>());
        std::uint32_t at = 0;
        for (const auto& [depth, symbol] : stack.calls) {
            const std::uint32_t next = tree.child(at, nameOf.at(symbol));
            if (next == kNoFrame) {
                ++tree.omitted;
                break;
            }
            at = next;
            ++tree.frames[at].count;
            ++tree.frames[at].total;
        }
        if (at != 0) ++tree.frames[at].self;
    }
    tree.cancelled = stop;
    tree.finish();
    return tree;
}

}  // namespace ridge::gui
