// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Our path against the one that HolisticTraceAnalysis drew into a trace (events with args.critical = 1). Theirs
// is a longest path by weight and leaves out host time between events; ours covers the whole window. Hence the
// measure: of the time in which their critical events run, innermost event first, how much lies on ours as the
// same event.
#include "analyzer/analyze.h"
#include "analyzer/import/kineto/byte_source.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace ridge::test {
namespace {

using namespace analyzer;

std::string gunzip(const std::string& path) {
    std::string text;
    auto source = kineto::ByteSource::open(path);
    if (!source.ok()) return text;
    std::vector<char> buffer(1 << 16);
    while (const std::size_t n = (*source)->read(buffer.data(), buffer.size())) text.append(buffer.data(), n);
    return text;
}

struct Critical {
    Ns start = 0, end = 0;
    std::string name, category;
};

TEST(HtaOracle, TheirCriticalEventsLieOnOurPath) {
    const std::string folder = std::string(RIDGE_TRACES_DIR) + "/kineto/";
    const std::string path = folder + "hta_a100_simple_add_critical_path.json.gz", oracle = folder + "hta_a100_simple_add_critical_path_EXPECTED.json.gz";
    if (!std::filesystem::exists(path) || !std::filesystem::exists(oracle)) GTEST_SKIP() << "no " << oracle;
    const auto answer = analyze({path}, {});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    ASSERT_TRUE(answer->criticalPath);
    const auto& segments = answer->criticalPath->segments;

    const auto json = nlohmann::json::parse(gunzip(oracle), nullptr, false);
    ASSERT_FALSE(json.is_discarded());
    std::vector<Critical> theirs;
    Ns first = std::numeric_limits<Ns>::max();
    for (const auto& e : json["traceEvents"]) {
        if (!e.contains("dur") || !e.contains("ts") || e.value("cat", "") == "Trace") continue;
        const Ns start = e["ts"].get<Ns>() * 1'000;
        const std::string category = e.value("cat", "");
        if (category != "ac2g") first = std::min(first, start);
        if (!e.contains("args") || e["args"].value("critical", 0) != 1) continue;
        theirs.push_back({start, start + e["dur"].get<Ns>() * 1'000, e["name"].get<std::string>(), category});
    }
    ASSERT_EQ(theirs.size(), 624u);
    // Times of ours count from the first row of the file.
    Ns time = 0, ours = 0;
    std::sort(theirs.begin(), theirs.end(), [](const Critical& a, const Critical& b) { return a.start != b.start ? a.start < b.start : a.end > b.end; });
    std::map<std::string, std::pair<Ns, Ns>> byCategory;
    std::vector<Ns> cuts;
    for (Critical& c : theirs) {
        c.start -= first;
        c.end -= first;
        cuts.push_back(c.start);
        cuts.push_back(c.end);
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    const Ns begin = segments.front().startNs, end = segments.back().endNs;
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
        const Critical* innermost = nullptr;
        for (const Critical& c : theirs)
            if (c.start <= cuts[i] && c.end >= cuts[i + 1]) innermost = &c;  // sorted: the last is the innermost
        const Ns from = std::max(cuts[i], begin), to = std::min(cuts[i + 1], end);
        if (!innermost || to <= from) continue;
        auto& [all, same] = byCategory[innermost->category];
        time += to - from;
        all += to - from;
        for (const PathSegment& s : segments) {
            const Ns common = std::min(s.endNs, to) - std::max(s.startNs, from);
            if (common <= 0) continue;
            // A launch segment of ours is their call; host time is named by its op.
            if (s.name != innermost->name) continue;
            ours += common;
            same += common;
        }
    }
    ASSERT_GT(time, 0);
    for (const auto& [category, x] : byCategory)
        RecordProperty("agreement_" + category, std::to_string(100.0 * static_cast<double>(x.second) / static_cast<double>(x.first)));
    const double share = static_cast<double>(ours) / static_cast<double>(time);
    RecordProperty("agreement", std::to_string(100 * share));
    std::printf("of HTA's critical time inside our window %.2f %% is the same event on our path\n", 100 * share);
    for (const auto& [category, x] : byCategory)
        std::printf("  %-14s %.3f ms, %.2f %%\n", category.c_str(), static_cast<double>(x.first) / 1e6, 100.0 * static_cast<double>(x.second) / static_cast<double>(x.first));
    EXPECT_GT(share, 0.95);
}

Ns kindOf(const Analysis& a, const std::string& kind) {
    for (const PathShare& s : a.criticalPath->byKind)
        if (s.kind == kind) return s.ns;
    return 0;
}

// The loader reads in the step: all of that time is on the path, as it is in the partition.
TEST(RealTraces, TheSlowLoaderIsOnThePath) {
    const std::string path = std::string(RIDGE_TRACES_DIR) + "/kineto/kineto_v100_resnet50_dataloader0.json.gz";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
    const auto answer = analyze({path}, {});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    const double io = static_cast<double>(kindOf(*answer, "io_input")) / static_cast<double>(answer->criticalPath->coveredNs);
    EXPECT_NEAR(io, 0.187, 0.01);
    const auto hidden = std::find_if(answer->whatIf.begin(), answer->whatIf.end(), [](const WhatIf& w) { return w.change == "input_hidden"; });
    ASSERT_NE(hidden, answer->whatIf.end());
    EXPECT_NEAR(static_cast<double>(hidden->replayNs) / static_cast<double>(hidden->boundNs), 1, 0.05);
}

// No record of events in this trace: that the copies wait for the collective is seen from its end.
TEST(RealTraces, TheCollectiveThatTheStepWaitsForIsOnThePath) {
    const std::string path = std::string(RIDGE_TRACES_DIR) + "/kineto/tracelens_mi300_ddp_resnet_actckpt.json.gz";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
    const auto answer = analyze({path}, {});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_GT(kindOf(*answer, "communication"), answer->criticalPath->coveredNs / 2);
}

}  // namespace
}  // namespace ridge::test
