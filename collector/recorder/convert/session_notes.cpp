// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/session_notes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>

namespace ridge::recorder {
namespace {

constexpr std::size_t kMostNamed = 8;

// A list of names, which may be long and are not ours.
std::string listed(const std::vector<std::string>& names) {
    const std::size_t shown = std::min(names.size(), kMostNamed);
    std::string text;
    for (std::size_t i = 0; i < shown; ++i)
        text += fmt::format("{}\"{}\"", i ? ", " : "", names[i].substr(0, 200));
    return names.size() > shown ? fmt::format("{} and {} more", text, names.size() - shown) : text;
}

std::vector<std::string> filterOf(const spool::ControlBlock& control) {
    std::vector<std::string> names;
    const char* const end = control.domains + sizeof control.domains;
    for (const char* at = control.domains; at < end && *at != 0; at += names.back().size() + 1)
        names.emplace_back(at, strnlen(at, static_cast<std::size_t>(end - at)));
    return names;
}

// Domains are recorded whether their events are wanted or not.
std::string filterNote(const spool::ControlBlock& control, const Catalogue& catalogue) {
    if (control.domainFilter == spool::DomainFilter::kNone) return {};
    std::set<std::string> domains;
    for (const auto& source : catalogue.sources) {
        if (source->agent != spool::AgentKind::kAgent) continue;
        domains.insert("default");  // which every process has
        for (const auto& [id, domain] : source->domains)
            if (const std::int64_t name = source->names.get(domain.nameId))
                domains.insert(catalogue.strings.text(name));
    }
    if (domains.empty()) return {};  // no agent: that is told
    std::vector<std::string> missing;
    for (const std::string& name : filterOf(control))
        if (!domains.contains(name)) missing.push_back(name);
    if (missing.empty()) return {};
    return fmt::format(
        "--nvtx-domain-{} {}: the program made no NVTX domain of {}; it has {}",
        control.domainFilter == spool::DomainFilter::kInclude ? "include" : "exclude",
        listed(missing), missing.size() == 1 ? "that name" : "these names",
        listed({domains.begin(), domains.end()}));
}

std::string staticNote(const spool::ControlBlock& control) {
    if (control.staticPrograms == 0) return {};
    const std::string first(control.firstStatic,
                            strnlen(control.firstStatic, sizeof control.firstStatic));
    return control.staticPrograms == 1
               ? fmt::format(
                     "a statically linked program was started, {}: of its file calls nothing can "
                     "be seen (io is a library that is preloaded)",
                     first)
               : fmt::format(
                     "statically linked programs were started {} times, the first was {}: of their "
                     "file calls nothing can be seen (io is a library that is preloaded)",
                     control.staticPrograms, first);
}

}  // namespace

std::vector<std::string> sessionNotes(const spool::ControlBlock& control,
                                      const Catalogue& catalogue) {
    std::vector<std::string> notes{staticNote(control), filterNote(control, catalogue)};
    std::erase(notes, std::string());
    return notes;
}

}  // namespace ridge::recorder
