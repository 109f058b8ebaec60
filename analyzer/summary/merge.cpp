// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/intervals/intervals.h"
#include "analyzer/summary/rank_summary.h"

namespace ridge::analyzer {
namespace {

Status mayMerge(const Summary& into, const Summary& part) {
    if (into.kind != part.kind)
        return Error{ErrorCode::kBadInput, fmt::format("one summary is of {} traces, another of {}: they are not of one run", std::min(into.kind, part.kind), std::max(into.kind, part.kind))};
    if (into.worldSize > 0 && part.worldSize > 0 && into.worldSize != part.worldSize)
        return Error{ErrorCode::kBadInput, fmt::format("one summary is of a run with {} ranks, another of one with {}: they are not of one run", std::min(into.worldSize, part.worldSize),
                                                       std::max(into.worldSize, part.worldSize))};
    for (const auto& [number, rank] : part.ranks) {
        const auto same = into.ranks.find(number);
        if (same == into.ranks.end()) continue;
        if (!rank.rankKnown || !same->second.rankKnown)
            return Error{ErrorCode::kBadInput, "two summaries are of traces that do not say their rank: analyze such traces together, or record the rank"};
        return Error{ErrorCode::kBadInput, fmt::format("rank {} is there twice; give each rank once", number)};
    }
    return {};
}

// The smaller of two texts; an empty one says nothing.
void keepFirst(std::string& to, const std::string& from) {
    if (to.empty() || (!from.empty() && from < to)) to = from;
}

}  // namespace

Status mergeInto(Summary& into, Summary part) {
    if (into.files == 0) {
        into = std::move(part);
        return {};
    }
    RIDGE_TRY_STATUS(mayMerge(into, part));
    keepFirst(into.product, part.product);
    keepFirst(into.stepSource, part.stepSource);
    into.worldSize = std::max(into.worldSize, part.worldSize);
    into.files += part.files;
    into.ranks.merge(part.ranks);
    for (const auto& [name, distribution] : part.workloads) {
        WorkloadDistribution& to = into.workloads[name];
        to.steps.merge(distribution.steps);
        for (std::size_t c = 0; c < kWallClassCount; ++c) to.classes[c].merge(distribution.classes[c]);
    }
    for (const auto& [check, sum] : part.gate) {
        GateSum& to = into.gate[check];
        to.severity = std::max(to.severity, sum.severity);
        to.count = saturatingAdd(to.count, sum.count);
        to.files += sum.files;
        // "none" is what a check that passed says.
        if (to.detail.empty() || to.detail == "none") to.detail = sum.detail.empty() ? to.detail : sum.detail;
        else if (sum.detail != "none") keepFirst(to.detail, sum.detail);
    }
    for (const auto& [name, sum] : part.environment) {
        const auto [it, isNew] = into.environment.try_emplace(name, sum);
        if (isNew) continue;
        it->second.fieldClass = std::min(it->second.fieldClass, sum.fieldClass);
        it->second.least = std::min(it->second.least, sum.least);
        it->second.most = std::max(it->second.most, sum.most);
        it->second.files += sum.files;
    }
    for (const auto& [source, count] : part.losses) into.losses[source] = saturatingAdd(into.losses[source], count);
    return {};
}

}  // namespace ridge::analyzer
