// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/terminal/terminal.h"

#include <gtest/gtest.h>

#include <regex>

#include "base/text.h"
#include "reports/common/escape.h"
#include "reports/common/summary.h"
#include "reports/html/html.h"
#include "reports/markdown/markdown.h"
#include "reports/terminal/table.h"
#include "tests/unit/reports/support.h"

namespace ridge::reports::test {
namespace {

bool matches(const std::string& text, const std::string& pattern) { return std::regex_search(text, std::regex(pattern)); }

TEST(Table, alignsByTerminalColumns) {
    Table table({{"name", Table::Align::kLeft}, {"n", Table::Align::kRight}});
    table.add({"\xE6\xBC\xA2\xE5\xAD\x97", "1"});
    table.add({"abcdef", "12345"});
    EXPECT_EQ(table.render(0, false), "name        n\n\xE6\xBC\xA2\xE5\xAD\x97        1\nabcdef  12345\n");
}

TEST(Table, cutsTheColumnThatMayShrink) {
    Table table({{"name", Table::Align::kLeft, 10}, {"n", Table::Align::kRight}});
    table.add({std::string(200, 'x'), "12345"});
    const std::string text = table.render(40, false);
    for (const auto line : split(text, '\n')) EXPECT_LE(displayWidth(line), 40U);
}

TEST(Terminal, workloadTable) {
    const std::string text = renderWorkloadTable(richAnalysis(), {});
    EXPECT_TRUE(matches(text, R"(workload +result +% of roof +verdict +cost of the wall +answer key)")) << text;
    EXPECT_TRUE(matches(text, R"(decode/b1/ctx512 +0\.91 mbu +91\.0 % +memory wall +1\.\d+ ms \(8\d\.\d %\) +as expected)")) << text;
    EXPECT_TRUE(matches(text, R"(gpu.launch/tiny_kernels +5\.2 ms +4\.0 % +launch +\S+ ms \(\d+\.\d %\) +expected ker)")) << text;
    EXPECT_TRUE(matches(text, R"(storage/never/ran +failed +- +- +- +-)")) << text;
    EXPECT_EQ(renderWorkloadTable(analyzer::Analysis{}, {}), "");
}

TEST(Terminal, whatWasSkippedSaysSoAndWhy) {
    auto analysis = richAnalysis();
    analyzer::WorkloadSummary skipped;
    skipped.name = "comm.allreduce/64M";
    skipped.checkDetail = "needs 2 ranks";
    analysis.workloads.push_back(skipped);
    const std::string text = renderWorkloadTable(analysis, {});
    EXPECT_TRUE(matches(text, R"(comm.allreduce/64M +skipped +- +- +- +-\n)")) << text;
    EXPECT_TRUE(matches(text, R"(\ncomm.allreduce/64M: skipped: needs 2 ranks\n)")) << text;
}

TEST(Terminal, withoutATerminalNothingIsCut) {
    auto analysis = richAnalysis();
    analysis.workloads[4].name = std::string(150, 'w');
    const std::string text = renderWorkloadTable(analysis, {.width = 0});
    EXPECT_TRUE(matches(text, "w{150} +5\\.2 ms .*expected kernel gap \\(launch\\)\n")) << text;
}

// At 26 % of a CPU a product reaches 5 % of its roof: "as expected" alone would call that a proof.
TEST(Terminal, aStarvedRowIsMarkedAndCounted) {
    auto analysis = richAnalysis();
    auto& first = analysis.workloads.front();
    EXPECT_EQ(renderWorkloadTable(analysis, {}).find("busy machine"), std::string::npos);
    first.metrics.push_back({"cpu_share", 0.26, "share", "none"});
    const std::string text = renderWorkloadTable(analysis, {});
    EXPECT_TRUE(matches(text, R"(train.single/fp32 +1530 tokens/s \* .*as expected \*)")) << text;
    EXPECT_TRUE(matches(text, R"(\* 1 row measured on a busy machine: train.single/fp32 on a CPU for only 26\.0 % of its time)")) << text;
    EXPECT_NE(renderMarkdown(analysis).find("1 row measured on a busy machine"), std::string::npos);
    EXPECT_NE(renderHtml(analysis).find("1 row measured on a busy machine</h1>"), std::string::npos);
    first.metrics.back().value = 0.95;
    EXPECT_EQ(renderWorkloadTable(analysis, {}).find("busy machine"), std::string::npos);
    first.metrics = {{"cpu_share", 0.5, "share", "none"}};
    EXPECT_EQ(resultMetric(first), nullptr) << "what befell it is no result";
}

TEST(Terminal, wholeReport) {
    const std::string text = renderTerminal(richAnalysis(), {});
    keep("rich.txt", text);
    EXPECT_TRUE(matches(text, R"(memory wall +\d+\.\d % +\S+ m?s +█+)")) << text;
    EXPECT_TRUE(matches(text, R"(1\. All-reduce of 8\.4 MB)"));
    EXPECT_TRUE(matches(text, R"(42 ms of a step \(46\.0 %\); a fix saves 21 ms to 38 ms; confidence high)"));
    EXPECT_TRUE(matches(text, R"(4 checks, 2 with a warning or an error)"));
    EXPECT_TRUE(matches(text, R"(lost: 128 records of cupti_dropped)"));
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << "no colour unless asked for";
    EXPECT_NE(renderTerminal(richAnalysis(), {.colour = true}).find("\x1b[1m"), std::string::npos);
}

TEST(Terminal, theDeeperAnswersAreShown) {
    auto analysis = richAnalysis();
    const std::string text = renderTerminal(analysis, {});
    EXPECT_TRUE(matches(text, R"(communication hidden +105 ms +71 ms +48 ms +55 ms +train)")) << text;
    EXPECT_TRUE(matches(text, R"(compute 57\.1 %, communication 38\.1 %, host 4\.8 %)")) << text;
    EXPECT_TRUE(matches(text, R"( 1 +110 ms +compute bound +allreduce\.grads)")) << text;
    EXPECT_TRUE(matches(text, "4 findings that cost less than half a percent of their step are not shown")) << text;
    analysis.whatIf.assign(10, analysis.whatIf.front());
    EXPECT_TRUE(matches(renderTerminal(analysis, {}), "and 7 more"));
    EXPECT_FALSE(matches(renderTerminal(analyzer::Analysis{}, {}), "Critical path|would take|waited for|not shown"));
}

// Both ends of the gain are said, and how far the measured step lies outside them: 100 ms becomes 60 to 80 ms by the
// prediction; 70 ms is inside, 40 is half of itself shorter than the shortest, 100 a fifth of itself longer than the longest.
TEST(Terminal, aPairSaysWhetherThePredictionHeld) {
    analyzer::Analysis analysis;
    for (const std::int64_t measured : {70'000'000, 40'000'000, 100'000'000}) {
        analyzer::WhatIf w;
        w.workload = "slow";
        w.change = "comm_hidden";
        w.stepNs = 100'000'000;
        w.stepNsLow = w.replayNs = 60'000'000;
        w.stepNsHigh = w.boundNs = 80'000'000;
        w.measuredNs = measured;
        analysis.whatIf.push_back(w);
    }
    analyzer::WhatIf alone = analysis.whatIf.front();
    alone.measuredNs.reset();
    alone.workload = "alone";
    analysis.whatIf.push_back(alone);
    const std::string text = renderPairTable(analysis, {.width = 160});
    EXPECT_TRUE(matches(text, R"(60 ms to 80 ms +70 ms +20\.0 % to 40\.0 % +30\.0 % +no)")) << text;
    EXPECT_TRUE(matches(text, R"(40 ms +20\.0 % to 40\.0 % +60\.0 % +-50\.0 %)")) << text;
    EXPECT_TRUE(matches(text, R"(100 ms +20\.0 % to 40\.0 % +0\.0 % +\+20\.0 %)")) << text;
    EXPECT_FALSE(matches(text, "alone")) << text;
}

// What a row's mark says of its result holds for what is concluded from it.
TEST(Terminal, aPairOfABusyMachineAndAShareAboveTheRoofAreMarked) {
    analyzer::Analysis analysis;
    for (const char* name : {"slow", "fast"}) {
        analyzer::WorkloadSummary w;
        w.name = name;
        w.steps = 5;
        w.medianStepNs = 100;
        w.roofShare = std::string(name) == "fast" ? 1.245 : 0.5;
        analysis.workloads.push_back(w);
    }
    analyzer::WhatIf pair;
    pair.workload = "slow";
    pair.comparedWith = "fast";
    pair.change = "fused";
    pair.stepNs = 100;
    pair.measuredNs = 70;
    analysis.whatIf.push_back(pair);
    EXPECT_FALSE(matches(renderPairTable(analysis, {.width = 160}), "busy"));
    analysis.workloads[1].metrics.push_back({"cpu_share", 0.3, "share", "none"});
    const std::string pairs = renderPairTable(analysis, {.width = 160});
    EXPECT_TRUE(matches(pairs, R"(70 ns \*)")) << pairs;
    EXPECT_TRUE(matches(pairs, "one of the two was measured on a busy machine")) << pairs;
    const std::string rows = renderWorkloadTable(analysis, {.width = 160});
    EXPECT_TRUE(matches(rows, R"(124\.5 % \?)")) << rows;
    EXPECT_TRUE(matches(rows, R"(\? 1 row above the roof)")) << rows;
    EXPECT_TRUE(matches(rows, R"( 50\.0 %  )")) << rows;
}

TEST(Terminal, noLineIsWiderThanTheTerminal) {
    for (const std::size_t width : {80U, 120U}) {
        const std::string text = renderTerminal(richAnalysis(), {.width = width});
        for (const auto line : split(text, '\n')) EXPECT_LE(displayWidth(line), width) << line;
    }
}

TEST(Terminal, hostileStringsCannotReachTheTerminal) {
    const std::string text = renderTerminal(hostileAnalysis(), {});
    for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
    EXPECT_EQ(toValidUtf8(text), text);
}

TEST(Terminal, anEmptyAnalysisSaysWhatIsMissing) {
    const std::string text = renderTerminal(analyzer::Analysis{}, {});
    EXPECT_TRUE(matches(text, "none: the trace has no rows"));
    EXPECT_TRUE(matches(text, "--step NAME"));
    EXPECT_TRUE(matches(text, "nothing was lost"));
}

}  // namespace
}  // namespace ridge::reports::test
