// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "reports/html/html.h"
#include "reports/json/report_json.h"
#include "reports/terminal/terminal.h"
#include "tests/unit/analyzer/check.h"
#include "tests/unit/summary/runs.h"

namespace ridge::test {
namespace {

std::string kept(const std::string& name, const std::string& content) {
    const char* folder = std::getenv("RIDGE_OUTPUT_DIR");
    const std::filesystem::path path = std::filesystem::path(folder ? folder : ".") / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
    return path.string();
}

std::string schemaErrors(const std::string& document, const std::string& schema) {
    const char* source = std::getenv("RIDGE_SOURCE_DIR");
    const std::string command = "/usr/bin/python3 -c \"import json,jsonschema,sys;"
                                "s=json.load(open(sys.argv[1]));jsonschema.Draft202012Validator.check_schema(s);"
                                "jsonschema.Draft202012Validator(s).validate(json.load(open(sys.argv[2])))\" '" +
                                std::string(source ? source : ".") + "/schemas/json/" + schema + "' '" + document + "' > '" + document + ".log' 2>&1";
    if (std::system(command.c_str()) == 0) return {};
    const auto log = readFile(document + ".log");
    return log.ok() && !log->empty() ? *log : "the validator could not be run";
}

std::vector<Summary> ranksOf(int world, std::int64_t late, int steps, Ns skewEach, std::uint64_t seed) {
    std::vector<Summary> parts;
    for (std::int64_t r = 0; r < world; ++r) parts.push_back(summarized(oneRank(r, world, late, steps, r * skewEach, seed).timeline));
    return parts;
}

Summary merged(const std::vector<Summary>& parts) {
    Summary all;
    for (const Summary& part : parts) {
        const Status status = mergeInto(all, part);
        EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    }
    return all;
}

// A random tree of merges; some of its inner results go through JSON.
Summary mergedInATree(std::vector<Summary> parts, std::mt19937_64& random) {
    while (parts.size() > 1) {
        const std::size_t i = random() % parts.size();
        std::swap(parts[i], parts.back());
        Summary one = std::move(parts.back());
        parts.pop_back();
        const std::size_t j = random() % parts.size();
        EXPECT_TRUE(mergeInto(parts[j], std::move(one)).ok());
        if (random() % 3 == 0) {
            auto again = summaryFromJson(summaryToJson(parts[j]));
            EXPECT_TRUE(again.ok()) << (again.ok() ? "" : again.error().message);
            parts[j] = std::move(*again);
        }
    }
    return parts.front();
}

TEST(Merge, AnyOrderAndAnyTreeGivesTheSameBytes) {
    std::mt19937_64 random(7);
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const std::vector<Summary> parts = ranksOf(9, 4, 5, 0, seed);
        const std::string want = summaryToJson(merged(parts));
        const auto report = toAnalysis(merged(parts));
        ASSERT_TRUE(report.ok());
        const std::string wantReport = reports::renderJson(*report);
        for (int trial = 0; trial < 10; ++trial) {
            const Summary tree = mergedInATree(parts, random);
            EXPECT_EQ(summaryToJson(tree), want);
            const auto again = toAnalysis(tree);
            ASSERT_TRUE(again.ok());
            EXPECT_EQ(reports::renderJson(*again), wantReport);
        }
    }
}

TEST(Merge, RandomProgramsToo) {
    std::mt19937_64 random(17);
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        std::vector<Summary> parts;
        for (std::int64_t r = 0; r < 5; ++r) {
            std::mt19937_64 own(seed * 100 + static_cast<std::uint64_t>(r));
            MemoryTimeline m(1, 2, static_cast<int>(seed % 2));
            m.timeline.processes[0].rank = r;
            m.timeline.processes[0].worldSize = 5;
            if (seed % 2 == 1) addProgram(m, own, 0, 5);
            else addChaos(m, own, 80);
            m.finish();
            parts.push_back(summarized(m.timeline));
        }
        const std::string want = summaryToJson(merged(parts));
        for (int trial = 0; trial < 8; ++trial) EXPECT_EQ(summaryToJson(mergedInATree(parts, random)), want);
    }
}

TEST(Merge, SaysWhatTheAnalysisOfTheWholeRunSays) {
    const int world = 6;
    const auto whole = analyzeTimeline(wholeRun(world, 2, 6, 1).timeline, {});
    ASSERT_TRUE(whole.ok());
    const auto report = toAnalysis(merged(ranksOf(world, 2, 6, 0, 1)));
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->attribution, whole->attribution);
    EXPECT_GT(at(report->attribution, WallClass::kCommWait), 0);
    EXPECT_EQ(at(report->attribution, WallClass::kCommUnsplit), 0);
    ASSERT_EQ(report->stragglers.size(), 1u);
    ASSERT_EQ(whole->stragglers.size(), 1u);
    EXPECT_EQ(report->stragglers[0].rank, 2);
    EXPECT_EQ(report->stragglers[0].blameNs, whole->stragglers[0].blameNs);
    EXPECT_EQ(report->stragglers[0].excessClass, whole->stragglers[0].excessClass);
    ASSERT_EQ(report->communication.size(), 1u);
    EXPECT_EQ(report->communication[0].waitNs, whole->communication[0].waitNs);
    EXPECT_EQ(report->communication[0].transferNs, whole->communication[0].transferNs);
    EXPECT_EQ(report->communication[0].count, whole->communication[0].count);
    EXPECT_EQ(report->communication[0].bytes, whole->communication[0].bytes);
    ASSERT_EQ(report->workloads.size(), 1u);
    EXPECT_EQ(report->workloads[0].classes, whole->workloads[0].classes);
    EXPECT_EQ(report->workloads[0].verdict.wallClass, whole->workloads[0].verdict.wallClass);
    EXPECT_EQ(report->workloads[0].verdict.cause, whole->workloads[0].verdict.cause);
    EXPECT_EQ(report->workloads[0].steps, whole->workloads[0].steps);
    for (const Step& step : report->steps) EXPECT_EQ(std::accumulate(step.classes.begin(), step.classes.end(), Ns{0}), step.endNs - step.startNs);
}

TEST(Merge, FindsWhatSumsCanTell) {
    const auto report = toAnalysis(merged(ranksOf(6, 2, 6, 0, 1)));
    ASSERT_TRUE(report.ok());
    const auto found = [&](std::string_view rule) {
        return std::find_if(report->findings.begin(), report->findings.end(), [&](const Finding& f) { return f.rule == rule; });
    };
    const auto wait = found("wait_for_peers");
    ASSERT_NE(wait, report->findings.end());
    EXPECT_EQ(wait->cause, Cause::kStraggler);
    EXPECT_NE(wait->title.find("rank 2"), std::string::npos) << wait->title;
    EXPECT_EQ(wait->evidence.front().name, "wait_ns");
    EXPECT_EQ(wait->evidence.front().value, static_cast<double>(at(report->attribution, WallClass::kCommWait)));
    for (const Finding& f : report->findings) {
        EXPECT_FALSE(f.evidence.empty()) << f.id;
        EXPECT_NE(f.confidence, Confidence::kHigh) << f.id;
        EXPECT_LE(f.savingHighNs, f.costNs) << f.id;
        EXPECT_LE(f.costNs, report->workloads.front().medianStepNs) << f.id;
    }
    // Without all ranks nobody knows who waited.
    std::vector<Summary> part = ranksOf(6, 2, 6, 0, 1);
    part.pop_back();
    const auto less = toAnalysis(merged(part));
    ASSERT_TRUE(less.ok());
    for (const Finding& f : less->findings) EXPECT_NE(f.rule, "wait_for_peers");
}

// A rank whose clock is 3 ms ahead of its anchor still waits and transfers what it did.
TEST(Merge, AlignsClocksByTheEndsOfTheCollectives) {
    const auto straight = toAnalysis(merged(ranksOf(4, 1, 6, 0, 3)));
    std::vector<Summary> parts;
    for (std::int64_t r = 0; r < 4; ++r) parts.push_back(summarized(oneRank(r, 4, 1, 6, r == 3 ? 3'000'000 : 0, 3).timeline));
    const auto skewed = toAnalysis(merged(parts));
    ASSERT_TRUE(straight.ok() && skewed.ok());
    EXPECT_EQ(skewed->attribution, straight->attribution);
    ASSERT_EQ(skewed->stragglers.size(), 1u);
    EXPECT_EQ(skewed->stragglers[0].rank, 1);
    ASSERT_EQ(skewed->clocks.size(), 4u);
    EXPECT_EQ(skewed->clocks[3].offsetNs, 3'000'000);
}

TEST(Merge, WithoutAllRanksNothingIsSplitAndItSaysSo) {
    std::vector<Summary> parts = ranksOf(4, 1, 5, 0, 2);
    parts.pop_back();
    const auto report = toAnalysis(merged(parts));
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(at(report->attribution, WallClass::kCommWait), 0);
    EXPECT_GT(at(report->attribution, WallClass::kCommUnsplit), 0);
    EXPECT_TRUE(report->stragglers.empty());
    ASSERT_NE(gateOf(*report, "missing_ranks"), nullptr);
    EXPECT_EQ(gateOf(*report, "missing_ranks")->count, 1);
    EXPECT_EQ(gateOf(*report, "incomplete_collectives")->count, 5);
}

TEST(Merge, CountsLossesAndKeepsWhatDiffers) {
    const auto report = toAnalysis(merged(ranksOf(9, 1, 4, 0, 2)));
    ASSERT_TRUE(report.ok());
    ASSERT_EQ(report->losses.size(), 1u);
    EXPECT_EQ(report->losses[0].count, 9);
    for (const EnvironmentField& f : report->environment) {
        if (f.name == "gpu.driver") {
            EXPECT_EQ(f.value, "550");
        } else if (f.name == "host.name") {
            EXPECT_NE(f.value.find("not the same"), std::string::npos);
        }
    }
}

TEST(Merge, RefusesDoublesAndStrangers) {
    const std::vector<Summary> parts = ranksOf(3, 1, 3, 0, 2);
    Summary all = merged(parts);
    const std::string before = summaryToJson(all);
    const Status twice = mergeInto(all, parts[1]);
    ASSERT_FALSE(twice.ok());
    EXPECT_EQ(twice.error().code, ErrorCode::kBadInput);
    EXPECT_NE(twice.error().message.find("rank 1"), std::string::npos);
    Summary world = summarized(oneRank(7, 8, 1, 3, 0, 2).timeline);
    EXPECT_FALSE(mergeInto(all, world).ok());
    Summary kind = summarized(oneRank(7, 3, 1, 3, 0, 2).timeline);
    kind.kind = "nsys";
    EXPECT_FALSE(mergeInto(all, kind).ok());
    EXPECT_EQ(summaryToJson(all), before);  // a refused merge changes nothing
}

// A line of the gate is of as many files as saw it, and its text of one.
TEST(Merge, SaysInHowManyFilesACheckWasSeen) {
    std::vector<Summary> parts = ranksOf(4, 1, 4, 0, 2);
    parts[2].gate["short_graph_replays"] = {Severity::kWarning, 7, 1, "replays show fewer rows"};
    parts[3].gate["short_graph_replays"] = {Severity::kInfo, 0, 0, "none"};
    const auto report = toAnalysis(merged(parts));
    ASSERT_TRUE(report.ok());
    int seen = 0;
    for (const GateCheck& g : report->gate) {
        if (g.check != "short_graph_replays") continue;
        ++seen;
        EXPECT_EQ(g.count, 7);
        EXPECT_EQ(g.detail, "in 1 of 4 files: replays show fewer rows");
    }
    EXPECT_EQ(seen, 1);
}

TEST(Merge, RanksOnDifferentGpusOrDaysAreSaidToBe) {
    const auto gateOfMerge = [](const std::vector<Summary>& parts) {
        const auto report = toAnalysis(merged(parts));
        EXPECT_TRUE(report.ok());
        for (const GateCheck& g : report->gate)
            if (g.check == "one_run") return g;
        return GateCheck{};
    };
    std::vector<Summary> parts = ranksOf(3, 1, 4, 0, 2);
    EXPECT_EQ(gateOfMerge(parts).count, 0);
    parts[1].ranks.begin()->second.devices.front().name = "NVIDIA H100";
    parts[2].ranks.begin()->second.devices.front().name = "NVIDIA V100";
    EXPECT_EQ(gateOfMerge(parts).count, 1);
    parts[2].ranks.begin()->second.utcOfZero += 86'400'000'000'000;
    const GateCheck both = gateOfMerge(parts);
    EXPECT_EQ(both.count, 2);
    EXPECT_EQ(both.severity, Severity::kWarning);
    EXPECT_NE(both.detail.find("before another begins"), std::string::npos);
}

// Too many collectives for one summary: all ranks keep the same ones.
TEST(Merge, BoundedPerRankAndStillMatched) {
    constexpr int kCollectives = 6'000;
    std::vector<Summary> parts;
    for (std::int64_t r = 0; r < 2; ++r) {
        MemoryTimeline m(1, 1, 1);
        m.timeline.processes[0].rank = r;
        m.timeline.processes[0].worldSize = 2;
        Ns now = 0;
        for (int i = 0; i < kCollectives; ++i) {
            const std::int32_t call = m.call(0, now, now + 1'000, "cudaLaunchKernel");
            m.row(0, 7, now + 2'000 + r * 3'000, now + 9'000, "ncclDevKernel_AllReduce", call);
            now += 10'000;
        }
        m.step(0, 0, now, 0);
        m.finish();
        parts.push_back(summarized(m.timeline));
        ASSERT_EQ(parts.back().ranks.begin()->second.communicators.size(), 1u);
        EXPECT_EQ(parts.back().ranks.begin()->second.communicators[0].stamps.size(), kMostStamps);
        EXPECT_EQ(parts.back().ranks.begin()->second.communicators[0].count, kCollectives);
    }
    const auto report = toAnalysis(merged(parts));
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(gateOf(*report, "collectives_left_out")->count, 2 * (kCollectives - static_cast<int>(kMostStamps)));
    EXPECT_EQ(gateOf(*report, "incomplete_collectives")->count, 0);
    ASSERT_EQ(report->stragglers.size(), 1u);
    EXPECT_EQ(report->stragglers[0].rank, 1);
    EXPECT_EQ(report->stragglers[0].blameNs, static_cast<Ns>(kMostStamps) * 3'000);
    EXPECT_FALSE(report->communication[0].waitNs.has_value());  // of a part only: not said of all
}

// Whether it is the bubble of a pipeline is told by the order in the step, which a summary does not hold: so it is said.
TEST(Merge, WaitingInExchangesIsSaidToBePerhapsABubble) {
    for (const bool exchange : {false, true}) {
        std::vector<Summary> parts;
        for (std::int64_t r = 0; r < 2; ++r) {
            MemoryTimeline m = oneRank(r, 2, 1, 6, 0, 3);
            const NameId name = m.timeline.names.intern("ncclDevKernel_SendRecv");
            for (GpuRow& row : m.timeline.gpu)
                if (exchange && row.collective != kNoIndex) row.name = name;
            parts.push_back(summarized(m.finish()));
        }
        const auto report = toAnalysis(merged(parts));
        ASSERT_TRUE(report.ok());
        const auto* gate = gateOf(*report, "pipeline_bubble_not_told");
        ASSERT_EQ(gate != nullptr, exchange);
        if (!exchange) continue;
        EXPECT_EQ(gate->severity, Severity::kWarning);
        EXPECT_EQ(gate->count, 12);
    }
}

TEST(Merge, JsonSatisfiesTheSchemasAndComesBackEqual) {
    const Summary all = merged(ranksOf(5, 1, 4, 0, 2));
    const std::string json = summaryToJson(all);
    EXPECT_EQ(schemaErrors(kept("summary.json", json), "summary-1.json"), "");
    const auto again = summaryFromJson(json);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(summaryToJson(*again), json);
    const auto report = toAnalysis(all);
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(schemaErrors(kept("report.json", reports::renderJson(*report)), "report-1.json"), "");
    kept("report.html", reports::renderHtml(*report));
    EXPECT_FALSE(reports::renderTerminal(*report, {false, 100, 5}).empty());
}

// Thousands of ranks: one at a time is read, the whole stays within what its ranks need.
TEST(Merge, TwoThousandRanksInBoundedMemory) {
    constexpr std::int64_t kWorld = 2'000;
    const Summary pattern = summarized(oneRank(0, kWorld, 5, 20, 0, 2).timeline);
    Summary all;
    std::size_t bytes = 0;
    for (std::int64_t r = 0; r < kWorld; ++r) {
        Summary one = pattern;
        auto node = one.ranks.extract(0);
        node.key() = r;
        node.mapped().rank = node.mapped().clock = r;
        for (RankLane& lane : node.mapped().lanes) lane.median.rank = r;
        if (r == 1'234)  // it begins later
            for (CollectiveStamp& s : node.mapped().communicators[0].stamps) s.start += 50'000;
        one.ranks.insert(std::move(node));
        const std::string json = summaryToJson(one);
        bytes += json.size();
        auto read = summaryFromJson(json);
        ASSERT_TRUE(read.ok()) << read.error().message;
        ASSERT_TRUE(mergeInto(all, std::move(*read)).ok());
    }
    const auto report = toAnalysis(all);
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->ranks.size(), 2'000u);
    EXPECT_EQ(report->workloads[0].steps, 20 * kWorld);
    ASSERT_FALSE(report->stragglers.empty());
    EXPECT_EQ(report->stragglers[0].rank, 1'234);
    EXPECT_EQ(report->stragglers[0].blameNs, 20 * 50'000);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("2000 summaries: %.1f MB of JSON, %.1f MB merged, peak memory of this process %.0f MB\n", static_cast<double>(bytes) / 1e6,
                static_cast<double>(summaryToJson(all).size()) / 1e6, static_cast<double>(usage.ru_maxrss) / 1e3);
    EXPECT_LT(usage.ru_maxrss, 600'000);
}

}  // namespace
}  // namespace ridge::test
