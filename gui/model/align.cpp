// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/align.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace ridge::gui {

std::optional<Ns> shiftOf(const analyzer::Analysis& trace, const analyzer::Analysis& base, std::int64_t index) {
    if (trace.steps.empty() || base.steps.empty()) return std::nullopt;
    const auto keyOf = [](const analyzer::Step& s) { return std::tuple(std::string_view(s.workload), s.rank, s.device, s.index); };
    std::map<std::tuple<std::string_view, std::int64_t, std::int64_t, std::int64_t>, Ns> starts;
    for (const analyzer::Step& s : base.steps) starts.try_emplace(keyOf(s), s.startNs);
    const analyzer::Step* chosen = nullptr;
    for (const analyzer::Step& s : trace.steps)
        if ((index < 0 || s.index == index) && starts.contains(keyOf(s)) && (!chosen || s.startNs < chosen->startNs)) chosen = &s;
    if (chosen) return chosen->startNs - starts.at(keyOf(*chosen));
    if (index >= 0) return std::nullopt;
    const auto earlier = [](const analyzer::Step& a, const analyzer::Step& b) { return a.startNs < b.startNs; };
    return std::min_element(trace.steps.begin(), trace.steps.end(), earlier)->startNs - std::min_element(base.steps.begin(), base.steps.end(), earlier)->startNs;
}

std::optional<std::int64_t> stepIndexAt(const analyzer::Analysis& trace, Ns t) {
    const analyzer::Step* best = nullptr;
    const auto distance = [t](const analyzer::Step& s) { return t < s.startNs ? s.startNs - t : t >= s.endNs ? t - s.endNs : Ns{-1}; };
    for (const analyzer::Step& s : trace.steps)
        if (!best || distance(s) < distance(*best)) best = &s;
    return best ? std::optional(best->index) : std::nullopt;
}

}  // namespace ridge::gui
