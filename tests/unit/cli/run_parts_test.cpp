// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The parts of `ridge run` that need no process: selection, command lines, roofs before and after, merging.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/file.h"
#include "cli/run/ceilings.h"
#include "cli/run/merge.h"
#include "cli/run/plan.h"
#include "cli/run/result.h"

namespace ridge::cli {
namespace {

constexpr std::string_view kDescription = R"([
 {"name":"train.single/fp32","family":"train.single","params":{"batch":8},"presets":["smoke","standard"],"ranks":1,"steps":10,"brief_steps":5,"expected":{"class":"compute_bound","cause":"compute"}},
 {"name":"train.single/bf16","family":"train.single","params":{},"presets":["full"],"ranks":1,"steps":10,"expected":{"class":"nonsense","cause":"compute"}},
 {"name":"comm/all_reduce/1M","family":"comm","params":{},"presets":["smoke"],"ranks":2,"steps":0}])";

std::vector<Variant> variants() { return *parseDescription(kDescription); }

std::vector<std::string> namesOf(const Selection& selection) {
    std::vector<std::string> names;
    const auto chosen = select(variants(), selection);
    if (!chosen.ok()) return {"error: " + chosen.error().message};
    for (const Variant& v : *chosen) names.push_back(v.name);
    return names;
}

// Two processes of a workload "w" that were well, and what the analyzer said of each.
Outcome twoProcesses() {
    Outcome outcome{{}, {{{"ok", "", {0.001}, {}}, 0, "", "", 1}, {{"ok", "", {0.001}, {}}, 0, "", "", 2}}};
    outcome.variant.name = "w";
    return outcome;
}
std::vector<analyzer::Analysis> twoAnalyses(std::int64_t steps) {
    analyzer::WorkloadSummary w;
    w.name = "w";
    w.steps = steps;
    analyzer::Analysis one;
    one.workloads = {w};
    return {one, one};
}

TEST(Plan, readsTheDescription) {
    const auto all = variants();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].params.at("batch"), "8");
    EXPECT_EQ(all[0].expected->wallClass, WallClass::kComputeBound);
    EXPECT_FALSE(all[1].expected) << "a class that is not in the list is no expectation";
    EXPECT_FALSE(parseDescription("{").ok());
    EXPECT_FALSE(parseDescription("[{}]").ok());
}

TEST(Plan, selectsByNameFamilyPresetAndFilter) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(namesOf({{}, "smoke", "", 0}), (Names{"train.single/fp32", "comm/all_reduce/1M"}));
    EXPECT_EQ(namesOf({{"train.single"}, "", "", 0}), (Names{"train.single/fp32", "train.single/bf16"}));
    EXPECT_EQ(namesOf({{"train"}, "", "", 0}), (Names{"train.single/fp32", "train.single/bf16"}));
    EXPECT_EQ(namesOf({{"comm/all_reduce"}, "", "", 0}), (Names{"comm/all_reduce/1M"}));
    EXPECT_EQ(namesOf({{}, "", "bf16$", 0}), (Names{"train.single/bf16"}));
    EXPECT_TRUE(namesOf({{"trai"}, "", "", 0})[0].starts_with("error: there is no workload \"trai\""));
    EXPECT_TRUE(namesOf({{}, "smoke", "bf16", 0})[0].starts_with("error: no workload is left"));
}

TEST(Plan, onlyWorkloadsWithSeveralRanksGetMore) {
    const auto chosen = select(variants(), {{}, "smoke", "", 4});
    EXPECT_EQ((*chosen)[0].ranks, 1);
    EXPECT_EQ((*chosen)[1].ranks, 4);
}

TEST(Plan, commandLineMatchesOneNameOnly) {
    const auto all = variants();
    const auto one = commandFor(all[0], "/bin/ridge-workloads", "r.json", "b.json");
    EXPECT_EQ(one[0], "/bin/ridge-workloads");
    EXPECT_EQ(one[1], "--benchmark_filter=^train\\.single/fp32$");
    const auto two = commandFor(all[2], "/bin/ridge-workloads", "r.json", "b.json");
    EXPECT_EQ(two[0], "mpirun");
    EXPECT_EQ(two[3], "2");
    Variant device = all[2];
    device.params["transport"] = "nccl";
    const auto three = commandFor(device, "/bin/ridge-workloads", "r.json", "b.json", "cuda");
    EXPECT_EQ(three.back(), "--transport=nccl");
    EXPECT_EQ(three[three.size() - 2], "--backend=cuda");
}

TEST(Plan, theSmokePresetAsksForBriefRunsOfProgramsThatKnowThem) {
    const auto smoke = *select(variants(), {{}, "smoke", "", 0}), standard = *select(variants(), {{}, "standard", "", 0});
    const auto commandOf = [](const Variant& v) { return commandFor(v, "/bin/ridge-workloads", "r.json", "b.json"); };
    EXPECT_EQ(commandOf(smoke[0]).back(), "--brief");
    EXPECT_NE(commandOf(smoke[1]).back(), "--brief") << "its description has no brief steps";
    EXPECT_NE(commandOf(standard[0]).back(), "--brief");
}

TEST(Plan, folderNamesAreSafeAndDifferent) {
    const std::set<std::string> names{folderNameFor("a/b"), folderNameFor("a_b"), folderNameFor("../x"), folderNameFor(".."), folderNameFor("a b"), folderNameFor("")};
    EXPECT_EQ(names.size(), 6U);
    for (const auto& name : names) {
        EXPECT_EQ(name.find('/'), std::string::npos);
        EXPECT_FALSE(name.starts_with('.'));
    }
}

analyzer::Ceiling roof(const std::string& name, double value, const std::string& unit) { return {"memory", name, "", "DRAM", "read", std::nullopt, value, unit, ""}; }

analyzer::RooflinePoint pointUnder(const std::string& roof) {
    analyzer::RooflinePoint point;
    point.dtype = "f32";
    point.ceiling = roof;
    return point;
}

TEST(Ceilings, theBetterOfBothCounts) {
    const auto best = betterOf({roof("bw", 10, "B/s"), roof("dispatch", 5, "s"), roof("only before", 1, "B/s")}, {roof("bw", 12, "B/s"), roof("dispatch", 4, "s"), roof("only after", 2, "B/s")});
    ASSERT_EQ(best.size(), 4U);
    EXPECT_EQ(best[0].value, 12);
    EXPECT_EQ(best[1].value, 4);
    EXPECT_EQ(best[3].name, "only after");
}

TEST(Ceilings, driftIsToldAndWarnedAbout) {
    const auto calm = driftCheck({roof("bw", 100, "B/s")}, {roof("bw", 97, "B/s")}, {pointUnder("bw")});
    EXPECT_EQ(calm.severity, Severity::kInfo);
    EXPECT_NE(calm.detail.find("-3.0 %"), std::string::npos);
    const auto wild = driftCheck({roof("bw", 100, "B/s"), roof("l2", 100, "B/s")}, {roof("bw", 80, "B/s"), roof("l2", 101, "B/s")},
                                 {pointUnder("bw"), pointUnder("l2")});
    EXPECT_EQ(wild.severity, Severity::kWarning);
    EXPECT_EQ(wild.count, 1);
    EXPECT_NE(wild.detail.find("-20.0 % (bw)"), std::string::npos);
}

TEST(Ceilings, driftOfARoofThatBindsNothingIsNoWarning) {
    const auto check = driftCheck({roof("bw", 100, "B/s"), roof("l2", 100, "B/s")}, {roof("bw", 99, "B/s"), roof("l2", 10, "B/s")}, {pointUnder("bw")});
    EXPECT_EQ(check.severity, Severity::kInfo);
    EXPECT_NE(check.detail.find("-1.0 % (bw)"), std::string::npos) << check.detail;
    auto network = roof("loopback", 100, "B/s");
    network.kind = "network";
    EXPECT_EQ(driftCheck({network}, {roof("loopback", 10, "B/s")}, {pointUnder("loopback")}).severity, Severity::kInfo);
    auto f32 = roof("gemm", 100, "FLOP/s");
    f32.kind = "compute";
    f32.dtype = "f32";
    auto slower = f32;
    slower.value = 50;
    EXPECT_EQ(driftCheck({f32}, {slower}, {}).count, 1) << "with no op to go by, arithmetic counts";
    auto half = pointUnder("gemm");
    half.dtype = "f16";
    EXPECT_EQ(driftCheck({f32}, {slower}, {half}).count, 0) << "another type's roof";
}

TEST(Merge, addsUpWhatCanBeAddedAndKeepsTheRestApart) {
    analyzer::Analysis a, b;
    a.steps.push_back({"w1", 0, 0, 0, 0, 100, {}});
    a.steps[0].classes[0] = a.attribution[0] = 100;
    a.devices.push_back({0, 0, "cpu", "c", 100, 90, 10});
    a.gate = {{"dropped", Severity::kInfo, 0, "none"}};
    a.losses = {{"x", 1}};
    a.workloads.emplace_back().name = "w1";
    b = a;
    b.steps[0].workload = b.workloads[0].name = "w2";
    b.gate = {{"dropped", Severity::kWarning, 3, "3 buffers"}};
    analyzer::Finding low, high;
    low.confidence = Confidence::kLow, low.share = 0.9;
    high.confidence = Confidence::kHigh, high.share = 0.1;
    a.findings = {low};
    b.findings = {high};
    const auto all = mergeAnalyses({a, b});
    EXPECT_EQ(all.steps.size(), 2U);
    EXPECT_EQ(all.attribution[0], 200);
    ASSERT_EQ(all.devices.size(), 1U);
    EXPECT_EQ(all.devices[0].spanNs, 200);
    ASSERT_EQ(all.gate.size(), 2U);
    EXPECT_EQ(all.gate[1].detail, "w2: 3 buffers");
    EXPECT_EQ(all.losses[0].count, 2);
    EXPECT_EQ(all.findings[0].confidence, Confidence::kHigh) << "low confidence never comes first";
    EXPECT_NE(all.findings[0].id, all.findings[1].id);
}

TEST(Result, readsStepsAndMetricsAndKeepsFailuresApart) {
    auto folder = TempDir::create("ridge-result-");
    const std::string path = (folder->path() / "r.json").string();
    ASSERT_TRUE(writeFileAtomically(path, R"({"workloads":[{"name":"w","status":"ok","detail":"fine","runs":[{"step_seconds":[0.001,0.002],
        "metrics":[{"name":"mfu","value":0.5,"unit":"1","direction":"higher"},{"name":"odd","value":null,"unit":"furlongs","direction":"none"}]}]}]})").ok());
    const auto result = readResult(path, "w");
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->stepSeconds.size(), 2U);
    EXPECT_FALSE(result->metrics[1].value);
    EXPECT_FALSE(readResult(path, "other").ok());
    Outcome outcome{{}, {{*result, 0, "", "", 1}, {{"error", "numbers differ", {0.003}, {}}, 4, "", "", 2}}};
    outcome.variant.name = "w";
    EXPECT_EQ(outcome.status(), "error");
    EXPECT_EQ(outcome.reason(), "numbers differ");
    EXPECT_EQ(factsOf(outcome).check, "failed");
    std::vector<reports::RunWarning> warnings;
    const auto b = benchmarkOf(outcome, {}, warnings);
    ASSERT_EQ(b.metrics[0].name, "step_time");
    ASSERT_EQ(b.metrics[0].samples.size(), 3U);
    EXPECT_EQ(*b.metrics[0].samples[1].value, 2e6);
    EXPECT_FALSE(b.metrics[0].samples[2].valid) << "a failed process keeps its sample, marked";
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_EQ(warnings[0].code, "unknown_unit");
}

// What the analyzer found stands beside what the workload said, each with unit and direction, a value per process.
TEST(Result, theAnalyzersMetricsAreSamplesToo) {
    const Outcome outcome = twoProcesses();
    auto analyses = twoAnalyses(4);
    for (analyzer::Analysis& analysis : analyses) {
        analyzer::WorkloadSummary& w = analysis.workloads[0];
        w.roofShare = 0.5;
        w.classes[static_cast<std::size_t>(WallClass::kMemoryWall)] = 300;
        w.classes[static_cast<std::size_t>(WallClass::kCommTransfer)] = 60;
        w.classes[static_cast<std::size_t>(WallClass::kCommWait)] = 40;
        analyzer::WorkloadEnergy energy;
        energy.workload = "w";
        energy.steps = 4;
        energy.joulesPerStep = 2.5;
        analysis.energy.workloads = {energy, energy};
        analysis.energy.workloads[1].workload = "another";
    }
    std::vector<reports::RunWarning> warnings;
    const auto b = benchmarkOf(outcome, analyses, warnings);
    struct Wanted {
        const char *name, *unit, *direction;
        double value;
    };
    for (const Wanted& wanted : {Wanted{"class.memory_wall", "ns", "lower", 75}, {"exposed_communication", "ns", "lower", 25}, {"memory_wall_share", "share", "none", 0.75}, {"joules_per_step", "J", "lower", 2.5}, {"roof_share", "share", "higher", 0.5}}) {
        const auto m = std::find_if(b.metrics.begin(), b.metrics.end(), [&](const auto& x) { return x.name == wanted.name; });
        ASSERT_NE(m, b.metrics.end()) << wanted.name;
        EXPECT_EQ(m->unit, wanted.unit);
        EXPECT_EQ(m->direction, wanted.direction);
        ASSERT_EQ(m->samples.size(), 2U);
        EXPECT_EQ(m->samples[1].process, 1);
        EXPECT_DOUBLE_EQ(*m->samples[1].value, wanted.value) << wanted.name;
    }
}

// A reading beside the steps that was starved itself put decoding at 126 % of what can be read.
TEST(Result, mbuIsHeldAgainstTheFasterReadRoofAndAboveItNotBelieved) {
    const std::vector<analyzer::WorkloadMetric> decode{{"bytes_per_s", 16.9e9, "B/s", "higher"}, {"mbu", 1.258, "1", "higher"}, {"read_bandwidth", 13.4e9, "B/s", "none"}};
    analyzer::Ceiling read{"memory", "read", "", "DRAM", "read", {}, 21e9, "B/s", ""}, triad = read, gpu = read;
    triad.access = "triad";
    triad.value = 40e9;
    gpu.name = "gpu.read";
    gpu.value = 3e12;
    auto metrics = decode;
    holdAgainstReadRoof(metrics, {triad, gpu, read}, false);
    EXPECT_DOUBLE_EQ(*metrics[1].value, 16.9 / 21);
    EXPECT_DOUBLE_EQ(*metrics[2].value, 21e9);
    metrics = decode;
    holdAgainstReadRoof(metrics, {}, false);
    EXPECT_DOUBLE_EQ(*metrics[1].value, 16.9 / 13.4) << "no roof but its own";

    Outcome outcome{{}, {{{"ok", "", {0.001}, metrics}, 0, "", "", 1}}};
    outcome.variant.name = "infer.decode/fp32";
    std::vector<reports::RunWarning> warnings;
    const auto b = benchmarkOf(outcome, {}, warnings);
    const auto mbu = std::find_if(b.metrics.begin(), b.metrics.end(), [](const auto& m) { return m.name == "mbu"; });
    ASSERT_NE(mbu, b.metrics.end());
    EXPECT_FALSE(mbu->samples.front().valid);
    EXPECT_NE(mbu->samples.front().cause.find("above its roof"), std::string::npos);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_EQ(warnings[0].code, "unreliable_metric");
    EXPECT_EQ(factsOf(outcome).metrics[1].name, "mbu_unreliable");
}

// On a machine too busy to show its roof an op came to 124.5 % of it: kept and told, and no comparison takes it.
TEST(Result, aShareAboveTheRoofIsAWarningAndNoValue) {
    const Outcome outcome = twoProcesses();
    auto analyses = twoAnalyses(1);
    analyses[0].workloads[0].roofShare = 1.245;
    analyses[1].workloads[0].roofShare = 1.0;
    std::vector<reports::RunWarning> warnings;
    const auto b = benchmarkOf(outcome, analyses, warnings);
    const auto share = std::find_if(b.metrics.begin(), b.metrics.end(), [](const auto& m) { return m.name == "roof_share"; });
    ASSERT_NE(share, b.metrics.end());
    ASSERT_EQ(share->samples.size(), 2U);
    EXPECT_FALSE(share->samples[0].valid);
    EXPECT_EQ(share->samples[0].value, std::optional(1.245));
    EXPECT_TRUE(share->samples[1].valid);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_EQ(warnings[0].code, "unreliable_metric");
}

TEST(Result, aStarvedMeasurementIsAWarningAndKept) {
    const Outcome outcome = twoProcesses();
    auto analyses = twoAnalyses(1);
    analyses[0].workloads[0].metrics = {{"cpu_share", 0.26, "share", "none"}};
    analyses[1].workloads[0].metrics = {{"cpu_share", 0.95, "share", "none"}};
    std::vector<reports::RunWarning> warnings;
    const auto b = benchmarkOf(outcome, analyses, warnings);
    ASSERT_EQ(warnings.size(), 1U) << "the second had its CPU";
    EXPECT_EQ(warnings[0].code, "shared_cpu");
    EXPECT_NE(warnings[0].message.find("26 %"), std::string::npos);
    EXPECT_EQ(b.metrics.back().name, "cpu_share");
    EXPECT_EQ(b.metrics.back().samples.size(), 2U);
    EXPECT_TRUE(b.metrics.front().samples.front().valid);
}

}  // namespace
}  // namespace ridge::cli
