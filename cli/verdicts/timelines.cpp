// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/verdicts/timelines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "analyzer/ceilings.h"
#include "cli/run/ceilings.h"

namespace ridge::cli {
namespace {

namespace fs = std::filesystem;

// A folder of ridge run: every workload's timelines (trace.sqlite, of repeats trace-2.sqlite, ...). Each is a run of its own.
Result<std::vector<std::string>> tracesIn(const std::string& folder) {
    std::vector<std::string> traces;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
        if (!entry.is_directory(ec)) continue;
        for (const auto& file : fs::directory_iterator(entry.path(), ec)) {
            const std::string name = file.path().filename().string();
            if (name.starts_with("trace") && name.ends_with(".sqlite") && file.is_regular_file(ec)) traces.push_back(file.path().string());
        }
    }
    if (traces.empty()) return Error{ErrorCode::kBadInput, fmt::format("{} holds no */trace.sqlite; name a folder of ridge run, or traces", folder)};
    std::sort(traces.begin(), traces.end());
    return traces;
}

// Of repeats of one workload the one whose median step is the median stays.
void keepMiddleRepeats(std::vector<analyzer::RunProfile>& runs) {
    std::map<std::string, std::vector<std::pair<analyzer::Ns, std::size_t>>> repeats;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i].lanes.empty()) continue;
        std::vector<analyzer::Ns> lengths;
        for (const auto& step : runs[i].lanes.front().steps) lengths.push_back(step.endNs - step.startNs);
        repeats[runs[i].lanes.front().workload].emplace_back(analyzer::spreadOf(std::move(lengths)).median, i);
    }
    std::vector<bool> keep(runs.size(), false);
    for (auto& [name, list] : repeats) {
        std::sort(list.begin(), list.end());
        keep[list[(list.size() - 1) / 2].second] = true;
    }
    std::vector<analyzer::RunProfile> kept;
    for (std::size_t i = 0; i < runs.size(); ++i)
        if (keep[i]) kept.push_back(std::move(runs[i]));
    runs = std::move(kept);
}

}  // namespace

Result<std::vector<analyzer::RunProfile>> profilesOf(const std::vector<std::string>& inputs, const analyzer::AnalyzeOptions& options) {
    std::vector<analyzer::RunProfile> runs;
    std::error_code ec;
    if (inputs.size() == 1 && fs::is_directory(inputs.front(), ec)) {
        RIDGE_TRY(const std::vector<std::string> traces, tracesIn(inputs.front()));
        for (const std::string& trace : traces) {
            RIDGE_TRY(analyzer::RunProfile run, analyzer::profileRun({trace}, options));
            runs.push_back(std::move(run));
        }
        keepMiddleRepeats(runs);
        return runs;
    }
    RIDGE_TRY(analyzer::RunProfile run, analyzer::profileRun(inputs, options));
    runs.push_back(std::move(run));
    return runs;
}

std::string workloadOf(const analyzer::RunProfile& run) { return run.lanes.empty() ? std::string() : run.lanes.front().workload; }

analyzer::Comparison joinedComparison(const std::vector<analyzer::RunProfile>& a, const std::vector<analyzer::RunProfile>& b, const analyzer::CompareOptions& options) {
    if (a.size() == 1 && b.size() == 1) return compareProfiles(a.front(), b.front(), options);
    const auto nameOf = workloadOf;
    analyzer::Comparison all;
    std::vector<bool> usedB(b.size(), false);
    std::optional<analyzer::Refusal> refusal;
    const auto take = [&](analyzer::Comparison one) {
        for (auto [to, from] : {std::pair(&all.a, &one.a), std::pair(&all.b, &one.b)}) {
            to->sources.insert(to->sources.end(), from->sources.begin(), from->sources.end());
            to->gate.insert(to->gate.end(), from->gate.begin(), from->gate.end());
            if (to->stepSource.empty()) to->stepSource = from->stepSource;
        }
        for (auto& d : one.differences)
            if (std::none_of(all.differences.begin(), all.differences.end(), [&](const auto& x) { return x.what == d.what && x.a == d.a && x.b == d.b; })) all.differences.push_back(std::move(d));
        for (auto& lane : one.lanes) all.lanes.push_back(std::move(lane));
        for (auto& note : one.notes)
            if (std::find(all.notes.begin(), all.notes.end(), note) == all.notes.end()) all.notes.push_back(std::move(note));
        if (one.refusal) {
            all.notes.push_back("left out: " + one.refusal->reason);
            if (!refusal) refusal = one.refusal;
        }
    };
    for (const auto& run : a) {
        std::string wanted = nameOf(run);
        for (const auto& [left, right] : options.pairs)
            if (left == wanted) wanted = right;
        const auto other = std::find_if(b.begin(), b.end(), [&](const auto& x) { return nameOf(x) == wanted; });
        if (other == b.end()) {
            all.onlyA.push_back(nameOf(run));
            continue;
        }
        usedB[static_cast<std::size_t>(other - b.begin())] = true;
        take(compareProfiles(run, *other, options));
    }
    for (std::size_t i = 0; i < b.size(); ++i)
        if (!usedB[i]) all.onlyB.push_back(nameOf(b[i]));
    if (all.lanes.empty())
        all.refusal = refusal ? *refusal : analyzer::Refusal{analyzer::RefusalKind::kWorkload, "the two folders have no workload in common"};
    for (const auto& name : all.onlyA) all.notes.push_back("only A ran " + name);
    for (const auto& name : all.onlyB) all.notes.push_back("only B ran " + name);
    for (std::size_t i = 0; i < all.lanes.size(); ++i)
        if (std::abs(all.lanes[i].deltaNs) > std::abs(all.lanes[all.lead].deltaNs)) all.lead = i;
    return all;
}

std::vector<analyzer::Ceiling> roofsBeside(const std::vector<std::string>& inputs) {
    std::vector<analyzer::Ceiling> best;
    std::error_code ec;
    for (const std::string& input : inputs)
        for (const char* name : {"ceilings-before.json", "ceilings-after.json"}) {
            const fs::path file = fs::path(input) / name;
            if (!fs::is_directory(input, ec) || !fs::is_regular_file(file, ec)) continue;
            if (auto roofs = analyzer::readCeilings(file.string()); roofs.ok()) best = best.empty() ? std::move(*roofs) : betterOf(best, *roofs);
        }
    return best;
}

bool hasTimelines(const std::string& folder) {
    std::error_code ec;
    return fs::is_directory(folder, ec) && tracesIn(folder).ok();
}

}  // namespace ridge::cli
