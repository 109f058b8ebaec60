// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Verdicts, runs and histories as text: hostile names stay text, tables add up, files that other tools read have their form.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/text.h"
#include "reports/common/csv.h"
#include "reports/history/history.h"
#include "reports/run/formats.h"
#include "reports/verdicts/verdicts.h"
#include "tests/unit/regression/runs.h"

namespace ridge::analyzer::test {
namespace {

const std::string kHostile = "<script>alert(1)</script>|\"'&\n\x1b[31m]]>\xff";

Verdicts sample(const std::string& name) {
    std::vector<StoredRun> base, slow;
    for (int i = 0; i < 8; ++i) {
        base.push_back(runOf("a" + std::to_string(i), {100.0 + 0.1 * i}));
        slow.push_back(runOf("b" + std::to_string(i), {120.0 + 0.1 * i}));
    }
    for (auto* side : {&base, &slow})
        for (StoredRun& r : *side) {
            r.run.benchmarks[0].id = name;
            RunMetric other = r.run.benchmarks[0].metrics[0];
            other.name = name + " other";
            for (RunSample& s : other.samples) s.value = 5;
            r.run.benchmarks[0].metrics.push_back(other);
        }
    slow[0].run.benchmarks.push_back({name + "2", "t", name, {}, "error", name, {}});
    Verdicts v = judgeStored(base, slow, {});
    v.labelA = v.labelB = v.reproduce = name;
    v.notes = v.why = {name};
    return v;
}

TEST(Rendering, hostileNamesStayText) {
    const Verdicts v = sample(kHostile);
    ASSERT_EQ(v.results.size(), 2U);
    const std::string markdown = reports::renderMarkdown(v), terminal = reports::renderTerminal(v, {false, 200, 10});
    const std::size_t fence = markdown.find("\n```");  // what stands in a fence is text
    ASSERT_NE(fence, std::string::npos);
    for (const std::string& markup : {reports::renderHtml(v), reports::renderJunit(v, false), markdown.substr(0, fence)}) EXPECT_EQ(markup.find("<script"), std::string::npos);
    for (const std::string& text : {reports::renderHtml(v), markdown, reports::renderJunit(v, false), terminal}) {
        EXPECT_EQ(text.find('\x1b'), std::string::npos);
        EXPECT_EQ(text.find('\xff'), std::string::npos);
    }
    EXPECT_TRUE(nlohmann::json::accept(reports::renderJson(v)));
}

// A table when it fits, else a list of the same words: nothing is cut.
TEST(Rendering, aTerminalOfAnyWidthSaysAllOfIt) {
    std::vector<StoredRun> base, same;
    for (int i = 0; i < 3; ++i) {
        base.push_back(runOf("a" + std::to_string(i), {100.0 + 9 * i}));
        same.push_back(runOf("b" + std::to_string(i), {100.0 + 9.5 * i}));
    }
    for (auto* side : {&base, &same})
        for (StoredRun& r : *side) r.run.benchmarks[0].id = "train.single/fp32.small with a name that is longer than a column";
    Verdicts v = judgeStored(base, same, {});
    ASSERT_EQ(v.results.size(), 1U);
    v.results[0].mde = 0.237;
    v.results[0].unit = "1/s";
    v.results[0].baseline = 1.49e9;
    for (const std::size_t width : {std::size_t{60}, std::size_t{80}, std::size_t{100}, std::size_t{240}}) {
        const std::string said = reports::renderTerminal(v, {false, width, 10});
        std::string words;
        for (const std::string_view line : split(said, '\n')) {
            EXPECT_LE(line.size(), width) << line;
            for (const std::string_view word : split(line, ' '))
                if (!word.empty()) words += std::string(words.empty() ? "" : " ") + std::string(word);
        }
        for (const char* part : {"with a name that is longer than a column", "inconclusive", "1.49 G/s", "only 3 sessions on one side; 5 are needed for a verdict", "a change of 23.7 % would have been found"})
            EXPECT_NE(words.find(part), std::string::npos) << "at " << width << ": " << part << "\n" << said;
        EXPECT_EQ(said.find("\u2026"), std::string::npos);
    }
}

TEST(Rendering, junitCountsWhatItHas) {
    const std::string xml = reports::renderJunit(sample("x"), false);
    EXPECT_TRUE(std::regex_search(xml, std::regex("testsuite name=\"ridge compare\" tests=\"3\" failures=\"1\" errors=\"1\" skipped=\"0\"")));
    EXPECT_NE(xml.find("type=\"regression\""), std::string::npos);
    EXPECT_NE(xml.find("+19."), std::string::npos) << "the numbers stand in the text";
}

TEST(Rendering, markdownPutsRegressionsFirstAndFoldsTheRest) {
    const std::string text = reports::renderMarkdown(sample("x"));
    EXPECT_LT(text.find("**regressed**"), text.find("<details>"));
    EXPECT_NE(text.find("1 unchanged"), std::string::npos);
    EXPECT_NE(text.find("at most 1 %"), std::string::npos);
}

TEST(Rendering, whatIsInconclusiveIsSkippedOrFails) {
    Verdicts v = sample("x");
    v.results[0].outcome = statistics::Outcome::kInconclusive;
    EXPECT_NE(reports::renderJunit(v, false).find("<skipped message=\"inconclusive"), std::string::npos);
    EXPECT_NE(reports::renderJunit(v, true).find("type=\"inconclusive\""), std::string::npos);
    EXPECT_NE(reports::renderMarkdown(v).find("would have been found"), std::string::npos);
}

TEST(Csv, quotesAndFormulas) {
    EXPECT_EQ(reports::csvLine({"a,b", "c\"d", "-1.5", "=1+1", "x\ny"}), "\"a,b\",\"c\"\"d\",-1.5,'=1+1,\"x\ny\"\n");
    const auto rows = reports::parseCsv("\"a,b\",\"c\"\"d\"\r\nx,\n", "f");
    ASSERT_TRUE(rows.ok());
    EXPECT_EQ(*rows, (std::vector<std::vector<std::string>>{{"a,b", "c\"d"}, {"x", ""}}));
    EXPECT_FALSE(reports::parseCsv("\"a", "f").ok());
}

RunReport hostileRun() {
    RunReport run = runOf("s", {10, 11, 12, 13, 14, 15, 16}).run;
    run.benchmarks[0].id = run.benchmarks[0].name = kHostile;
    RunSample bad = run.benchmarks[0].metrics[0].samples[0];
    bad.valid = false;
    run.benchmarks[0].metrics[0].samples.push_back(bad);
    RunMetric rate{"rate", "B/s", "higher", "wall", run.benchmarks[0].metrics[0].samples};
    run.benchmarks[0].metrics.push_back(rate);
    return run;
}

TEST(Formats, googleBenchmarksFields) {
    const auto json = nlohmann::json::parse(reports::renderGoogleBenchmark(hostileRun(), false));
    ASSERT_EQ(json["benchmarks"].size(), 7U) << "a row per valid sample";
    EXPECT_EQ(json["benchmarks"][1]["real_time"], 11);
    EXPECT_EQ(json["benchmarks"][1]["repetition_index"], 1);
    EXPECT_EQ(json["benchmarks"][0]["rate"], 13);
    const auto rows = nlohmann::json::parse(reports::renderGoogleBenchmark(hostileRun(), true));
    ASSERT_EQ(rows["benchmarks"].size(), 1U);
    EXPECT_EQ(rows["benchmarks"][0]["real_time"], 13);
}

TEST(Formats, customFilesAreOfOneDirection) {
    const auto lower = nlohmann::json::parse(reports::renderCustom(hostileRun(), "lower")), higher = nlohmann::json::parse(reports::renderCustom(hostileRun(), "higher"));
    ASSERT_EQ(lower.size(), 1U);
    ASSERT_EQ(higher.size(), 1U);
    EXPECT_EQ(lower[0]["value"], 13);
    EXPECT_EQ(higher[0]["unit"], "B/s");
    EXPECT_EQ(lower[0]["range"], "\u00b1 3");
}

TEST(Formats, openMetricsLines) {
    const std::string text = reports::renderOpenMetrics(hostileRun());
    EXPECT_TRUE(text.ends_with("# EOF\n"));
    EXPECT_NE(text.find("ridge_metric_seconds{suite=\"t\",benchmark=\"<script>alert(1)</script>|\\\"'&\\n"), std::string::npos) << text;
    EXPECT_NE(text.find("stat=\"median\"} 1.3e-08"), std::string::npos) << text;
    std::size_t at = 0;
    while ((at = text.find('\n', at)) != std::string::npos && at + 1 < text.size()) {
        ++at;
        EXPECT_TRUE(text[at] == '#' || text.compare(at, 6, "ridge_") == 0) << text.substr(at, 60);
    }
}

TEST(Formats, csvHasALinePerSample) {
    const auto rows = reports::parseCsv(reports::renderRunCsv(hostileRun()), "f");
    ASSERT_TRUE(rows.ok());
    EXPECT_EQ(rows->size(), 17U);
    for (const auto& row : *rows) EXPECT_EQ(row.size(), 14U);
    EXPECT_EQ(rows->at(8).back(), "0") << "the invalid one is there, and says so";
}

TEST(HistoryText, exportAndImportAreTheSame) {
    History::Row row{{0, 86400, 0, "r,1", "key", "", "main", "v1", "x"}, "s", "bench \"a\"", "time", "ns", "lower", 3, 0.1};
    const std::string csv = reports::renderCsv({row});
    const auto back = reports::parseHistoryCsv(csv, "f");
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(reports::renderCsv(*back), csv);
    EXPECT_FALSE(reports::parseHistoryCsv("a,b\n", "f").ok());
    EXPECT_FALSE(reports::parseHistoryCsv(csv + "x\n", "f").ok());
}

TEST(HistoryText, pageAndSparkline) {
    reports::PlottedSeries p;
    p.series = {{1, 1}, kHostile, "time", "ns", "lower", "key", 3};
    for (int i = 0; i < 30; ++i) p.points.push_back({86400 * i, i, 1, 100.0 + i});
    ChangePoint c;
    c.run = 10, c.worse = true, c.ratio = 1.06, c.acceptedBy = kHostile;
    p.changes = {c};
    const std::string page = reports::renderHtml({p}, kHostile);
    EXPECT_EQ(page.find("<script"), std::string::npos);
    EXPECT_NE(page.find("<polyline"), std::string::npos);
    EXPECT_NE(page.find("accepted by"), std::string::npos);
    EXPECT_EQ(reports::sparkline({{0, 0, 1, 1.0}, {1, 1, 1, 2.0}}, 10), "\u2581\u2588");
    EXPECT_EQ(reports::sparkline({}, 10), "");
}

}  // namespace
}  // namespace ridge::analyzer::test
