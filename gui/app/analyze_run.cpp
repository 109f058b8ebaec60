// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/app/analyze_run.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "analyzer/analyze.h"
#include "analyzer/ceilings.h"
#include "analyzer/compare/comparison.h"
#include "gui/load/insight_rows.h"
#include "gui/model/colours.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {
namespace {

// Slices of a partition, named by class, as a lane that draws like any other.
std::shared_ptr<const Lane> laneOf(const analyzer::Segments& segments) {
    auto lane = std::make_shared<Lane>();
    lane->reserve(segments.size());
    for (const auto& segment : segments) lane->append(segment.start, segment.end, segment.layer, 0);
    lane->build(classColours());
    return lane;
}

// The best measurement of each roof that ridge run takes around its workloads. Two traces that are compared are held
// against the same roofs, as ridge compare does.
std::vector<analyzer::Ceiling> roofsBeside(const AnalysisWish& wish) {
    std::vector<analyzer::Ceiling> best;
    std::vector<std::filesystem::path> files;
    for (const std::string& trace : {wish.path, wish.base})
        for (const char* name : {"ceilings-before.json", "ceilings-after.json"})
            if (!trace.empty()) files.push_back(std::filesystem::path(trace).parent_path() / ".." / name);
    for (const auto& file : files) {
        const auto found = analyzer::readCeilings(file.string());
        if (!found.ok()) continue;
        for (const analyzer::Ceiling& roof : *found) {
            const auto same = std::find_if(best.begin(), best.end(), [&](const auto& b) {
                return b.kind == roof.kind && b.name == roof.name && b.dtype == roof.dtype && b.level == roof.level && b.access == roof.access;
            });
            if (same == best.end()) best.push_back(roof);
            else if (roof.unit == "s" ? roof.value < same->value : roof.value > same->value) *same = roof;
        }
    }
    return best;
}

Result<analyzer::AnalyzeOptions> optionsFor(const AnalysisWish& wish, Insight& insight, bool base) {
    analyzer::AnalyzeOptions options;
    options.onPartition = [&insight, base](std::int64_t rank, std::int64_t device, bool gpu, const analyzer::Segments& segments) {
        insight.strips.push_back({rank, device, gpu, laneOf(segments), base});
    };
    options.stepName = wish.step;
    options.stop = wish.stop;
    if (wish.ceilings.empty()) {
        options.ceilings = roofsBeside(wish);
    } else {
        RIDGE_TRY(options.ceilings, analyzer::readCeilings(wish.ceilings));
    }
    return options;
}

std::string lineOf(const Error& error) { return timeline::oneLine(error.message); }

using Collectives = std::vector<analyzer::CollectivePart>;

// Profile of one side; its analysis comes along.
Result<analyzer::RunProfile> profileOf(const std::string& path, const AnalysisWish& wish, bool base, Insight& insight, analyzer::Analysis& analysis,
                                       Collectives& collectives) {
    RIDGE_TRY(analyzer::AnalyzeOptions options, optionsFor(wish, insight, base));
    options.onCollective = [&collectives](const analyzer::CollectivePart& part) { collectives.push_back(part); };
    return analyzer::profileRun(base || wish.paths.empty() ? std::vector<std::string>{path} : wish.paths, options, &analysis);
}

// Both sides, and what is different. A base that cannot be read leaves the trace.
void compareRuns(const AnalysisWish& wish, AnalysisAnswer& answer) {
    Collectives ofTrace, ofBase;
    auto trace = profileOf(wish.path, wish, false, *answer.insight, answer.insight->analysis, ofTrace);
    if (!trace.ok()) return void(answer.problem = lineOf(trace.error()));
    auto analysis = std::make_shared<analyzer::Analysis>();
    const auto base = profileOf(wish.base, wish, true, *answer.insight, *analysis, ofBase);
    if (wish.snapshot) answer.snapshot = withCollectives(wish.snapshot, ofTrace);
    if (!base.ok()) return void(answer.baseProblem = lineOf(base.error()));
    if (wish.baseSnapshot) answer.baseSnapshot = withCollectives(wish.baseSnapshot, ofBase);
    answer.insight->base = std::move(analysis);
    analyzer::CompareOptions options;
    options.pairs = wish.pairs;
    answer.insight->comparison = std::make_shared<const analyzer::Comparison>(analyzer::compareProfiles(*base, *trace, options));
}

// Collectives as rows, and everything on one clock.
SnapshotPtr joined(SnapshotPtr snapshot, const Collectives& collectives, Insight& insight) {
    snapshot = onOneClock(withCollectives(snapshot, collectives), insight.analysis);
    analyzer::Analysis moved = insight.analysis;
    if (!shiftTimes(moved)) return snapshot;
    for (Strip& strip : insight.strips) strip.lane = strip.lane->shifted(shiftOfRank(moved, strip.rank));
    insight.asReported = std::exchange(insight.analysis, std::move(moved));
    return snapshot;
}

}  // namespace

std::vector<ColourId> classColours() {
    std::vector<ColourId> colours;
    for (std::size_t c = 0; c < kWallClassCount; ++c) colours.push_back(colourOf(static_cast<WallClass>(c)));
    return colours;
}

AnalysisAnswer analyzeRun(const AnalysisWish& wish) {
    AnalysisAnswer answer{std::make_shared<Insight>(), {}, {}, {}, {}};
    try {
        if (wish.base.empty()) {
            auto options = optionsFor(wish, *answer.insight, false);
            if (!options.ok()) return {nullptr, lineOf(options.error()), {}, {}, {}};
            Collectives collectives;
            options->onCollective = [&](const analyzer::CollectivePart& part) { collectives.push_back(part); };
            auto analysis = analyzer::analyze(wish.paths.empty() ? std::vector<std::string>{wish.path} : wish.paths, *options);
            if (!analysis.ok()) return {nullptr, lineOf(analysis.error()), {}, {}, {}};
            answer.insight->analysis = std::move(analysis).value();
            if (wish.snapshot) answer.snapshot = joined(wish.snapshot, collectives, *answer.insight);
        } else {
            compareRuns(wish, answer);
            if (!answer.problem.empty()) return {nullptr, answer.problem, {}, {}, {}};
        }
        const std::atomic<bool> goOn{false};
        if (auto memory = memoryByOwner(wish.path, wish.stop ? *wish.stop : goOn); memory.ok() && !memory->empty())
            answer.insight->memory = std::make_shared<const std::vector<DeviceMemory>>(std::move(*memory));
    } catch (const std::exception& error) {
        return {nullptr, error.what(), {}, {}, {}};
    }
    return answer;
}

}  // namespace ridge::gui
