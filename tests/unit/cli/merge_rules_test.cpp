// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What becomes of each part of the analyses of one run when they are put together.
#include <gtest/gtest.h>

#include <algorithm>

#include "analyzer/ranges/ranges.h"
#include "cli/run/merge.h"

namespace ridge::cli {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

Analysis named(const std::string& workload) {
    Analysis a;
    a.workloads.emplace_back().name = workload;
    return a;
}

TEST(MergeRules, ChecksThatPassedAreOneAndFailuresSayWhere) {
    Analysis a = named("w1"), b = named("w2"), c = named("w3");
    a.gate = b.gate = {{"links", Severity::kInfo, 2, "all well"}};
    c.gate = {{"links", Severity::kError, 5, "broken"}};
    const Analysis all = mergeAnalyses({a, b, c});
    ASSERT_EQ(all.gate.size(), 2u);
    EXPECT_EQ(all.gate[0].count, 4);
    EXPECT_EQ(all.gate[0].detail, "all well");
    EXPECT_EQ(all.gate[1].detail, "w3: broken");
    b.gate[0].detail = "nearly well";
    EXPECT_TRUE(mergeAnalyses({a, b}).gate[0].detail.empty()) << "two details are not one";
}

TEST(MergeRules, ARankOnOneHostIsOneRankWithAllItsProcesses) {
    Analysis a, b;
    a.ranks = {{0, "n1", {10}}, {1, "n1", {11}}};
    b.ranks = {{0, "n1", {20}}, {1, "n2", {21}}};
    const Analysis all = mergeAnalyses({a, b});
    ASSERT_EQ(all.ranks.size(), 3u);
    EXPECT_EQ(all.ranks[0].pids, (std::vector<std::int64_t>{10, 20}));
    EXPECT_EQ(all.ranks[2].host, "n2");
}

TEST(MergeRules, DevicesAddUpOnlyWithThemselves) {
    Analysis a, b;
    a.devices = {{0, 0, "gpu", "X", 100, 60, 40, 50, 10, 5, 3, 7, 2, 8, 4, 1}};
    b.devices = {{0, 0, "gpu", "X", 10, 6, 4, 5, 1, 1, 1, 0, 0, 2, 1, 1}, {0, 0, "cpu", "X", 1, 1, 0}, {1, 0, "gpu", "X", 1, 1, 0}, {0, 1, "gpu", "X", 1, 1, 0}};
    const Analysis all = mergeAnalyses({a, b});
    ASSERT_EQ(all.devices.size(), 4u);
    const Device& d = all.devices[0];
    EXPECT_EQ(d.spanNs, 110);
    EXPECT_EQ(d.busyNs + d.idleNs, d.spanNs);
    EXPECT_EQ(d.overlapNs, 4);
    EXPECT_EQ(d.overlapNs + d.exposedCommNs, d.commNs);
    EXPECT_EQ(d.kernels, 10);
    EXPECT_EQ(d.copies, 5);
    EXPECT_EQ(d.unlinked, 2);
}

TEST(MergeRules, TheEnvironmentIsOfTheFirstThatSaysIt) {
    Analysis a, b;
    a.environment = {{"cpu.model", "key", "one"}};
    b.environment = {{"cpu.model", "key", "two"}, {"os.load", "volatile", "3"}};
    const Analysis all = mergeAnalyses({a, b});
    ASSERT_EQ(all.environment.size(), 2u);
    EXPECT_EQ(all.environment[0].value, "one");
}

TEST(MergeRules, PathsAddUpAndTheirKindsStillCoverThem) {
    Analysis a, b;
    a.criticalPath.emplace();
    a.criticalPath->steps = 2;
    a.criticalPath->coveredNs = 100;
    a.criticalPath->totalNs = 50;
    a.criticalPath->byKind = {{"compute", "", 70, 3}, {"host", "", 30, 1}};
    a.criticalPath->second = "host";
    a.criticalPath->secondNs = 98;
    b.criticalPath.emplace();
    b.criticalPath->steps = 1;
    b.criticalPath->coveredNs = 60;
    b.criticalPath->byKind = {{"host", "", 60, 2}};
    const Analysis all = mergeAnalyses({a, Analysis{}, b});
    ASSERT_TRUE(all.criticalPath.has_value());
    EXPECT_EQ(all.criticalPath->steps, 3);
    EXPECT_EQ(all.criticalPath->totalNs, 50) << "segments are of one step of the first";
    EXPECT_EQ(all.criticalPath->byKind[0].kind, "host") << "the largest first";
    Ns sum = 0;
    for (const PathShare& s : all.criticalPath->byKind) sum += s.ns;
    EXPECT_EQ(sum, all.criticalPath->coveredNs);
    EXPECT_TRUE(all.criticalPath->second.empty()) << "a second chain is of one timeline";
}

TEST(MergeRules, OfClocksTheWorstIsKept) {
    Analysis a, b;
    a.clocks = {{0, 1, 1, 5, 10}, {1, 1, 1, 50, 10}};
    b.clocks = {{0, 2, 2, 9, 20}, {1, 2, 2, 7, 20}};
    const Analysis all = mergeAnalyses({a, b});
    ASSERT_EQ(all.clocks.size(), 2u);
    EXPECT_EQ(all.clocks[0].residualNs, 9);
    EXPECT_EQ(all.clocks[1].residualNs, 50);
}

TEST(MergeRules, ContentionAddsUpWithTheEndsOfItsInterval) {
    Analysis a, b;
    a.contention = {{0, 0, 100, 10, 5, 15, 90, {{"k1", 5, 5, 1, 2, 10}}}};
    b.contention = {{0, 0, 50, 20, 10, 30, 30, {{"k2", 5, 5, 1, 2, 20}}}, {1, 0, 1, 1, 0, 2, 0, {}}};
    const Analysis all = mergeAnalyses({a, b});
    ASSERT_EQ(all.contention.size(), 2u);
    EXPECT_EQ(all.contention[0].costNs, 30);
    EXPECT_EQ(all.contention[0].costLowNs, 15);
    EXPECT_EQ(all.contention[0].costHighNs, 45);
    EXPECT_EQ(all.contention[0].netHiddenNs, all.contention[0].overlapNs - all.contention[0].costNs);
    EXPECT_EQ(all.contention[0].kernels[0].name, "k2") << "the largest cost first";
}

TEST(MergeRules, PeaksOfMemoryAreTheHighestNotTheSum) {
    Analysis a, b;
    a.memory.peakRssBytes = 100;
    a.memory.fragmentation = 0.1;
    a.memory.reservedUnusedBytes = 7;
    a.memory.rss = {{0, 1.0}};
    b.memory.peakRssBytes = 300;
    b.memory.deviceBytesPeak = 5;
    b.memory.fragmentation = 0.4;
    b.memory.reservedUnusedBytes = 3;
    const Analysis all = mergeAnalyses({a, b});
    EXPECT_EQ(all.memory.peakRssBytes, 300);
    EXPECT_EQ(all.memory.deviceBytesPeak, 5);
    EXPECT_EQ(all.memory.reservedUnusedBytes, 3) << "with the fragmentation that it belongs to";
    EXPECT_TRUE(all.memory.rss.empty()) << "curves of two timelines have no common axis";
    EXPECT_EQ(mergeAnalyses({a}).memory.rss.size(), 1u);
}

TEST(MergeRules, JoulesAddUpAndSourcesAreNotMixedUp) {
    Analysis a, b, none;
    a.energy.joules = 2.0;
    a.energy.joulesPerStep = 0.5;
    a.energy.source = "rapl";
    b.energy.joules = 3.0;
    b.energy.source = "nvml";
    const Analysis all = mergeAnalyses({a, none, b});
    EXPECT_DOUBLE_EQ(*all.energy.joules, 5.0);
    EXPECT_EQ(all.energy.source, "several");
    EXPECT_FALSE(all.energy.joulesPerStep.has_value());
    EXPECT_DOUBLE_EQ(*mergeAnalyses({a}).energy.joulesPerStep, 0.5);
    EXPECT_FALSE(mergeAnalyses({none, none}).energy.joules.has_value());
}

TEST(MergeRules, RangesOfOneNameAreOneAndTheSurplusIsCounted) {
    Analysis a, b;
    for (std::size_t i = 0; i < kMostRangeNames; ++i) a.ranges.push_back({"r" + std::to_string(i), "op", 1, 100, 50, 0, 0});
    b.ranges = {{"r0", "op", 2, 10, 5, 1, 1}, {"r0", "annotation", 1, 500, 5, 0, 0}};
    b.rangesOmitted = 4;
    const Analysis all = mergeAnalyses({a, b});
    EXPECT_EQ(all.ranges.size(), kMostRangeNames);
    EXPECT_EQ(all.rangesOmitted, 5);
    EXPECT_EQ(all.ranges[0].kind, "annotation") << "the largest first";
    EXPECT_EQ(all.ranges[1].totalNs, 110);
    EXPECT_EQ(all.ranges[1].count, 3);
}

TEST(MergeRules, FindingsOfLowConfidenceNeverStandAboveOthers) {
    std::vector<Analysis> parts(4);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        Finding f;
        f.confidence = i % 2 == 0 ? Confidence::kLow : Confidence::kMedium;
        f.share = 0.9 - 0.1 * static_cast<double>(i);
        parts[i].findings = {f};
        parts[i].findingsBelowFloor = 1;
    }
    const Analysis all = mergeAnalyses(parts);
    EXPECT_EQ(all.findingsBelowFloor, 4);
    ASSERT_EQ(all.findings.size(), 4u);
    EXPECT_EQ(all.findings[0].confidence, Confidence::kMedium);
    EXPECT_EQ(all.findings[1].confidence, Confidence::kMedium);
    EXPECT_GT(all.findings[0].share, all.findings[1].share);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(all.findings[i].id, "F" + std::to_string(i + 1));
}

TEST(MergeRules, NothingOfNothing) {
    const Analysis all = mergeAnalyses({});
    EXPECT_TRUE(all.steps.empty());
    EXPECT_FALSE(all.criticalPath.has_value());
}

}  // namespace
}  // namespace ridge::cli
