// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/html/html.h"

#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <set>
#include <vector>

#include "base/text.h"
#include "reports/common/classes.h"
#include "tests/unit/reports/support.h"

namespace ridge::reports::test {
namespace {

// What a browser would do with the page: every tag closed in order, only tags and attributes that we write.
std::string structureErrors(const std::string& page) {
    static const std::set<std::string> kVoid{"meta", "br"};
    static const std::set<std::string> kKnown{"html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "h3", "p", "div", "span", "nav", "a", "section",
                                              "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "b", "i", "br", "dl", "dt", "dd", "details", "summary", "article", "pre", "code",
                                              "svg", "line", "text", "circle", "rect", "g", "polyline"};
    std::vector<std::string> open;
    for (std::size_t at = page.find('<', 15); at != std::string::npos; at = page.find('<', at + 1)) {
        const std::size_t end = page.find('>', at);
        if (end == std::string::npos) return "tag without end";
        std::string tag = page.substr(at + 1, end - at - 1);
        const bool closing = tag.starts_with('/'), selfClosing = tag.ends_with('/');
        if (closing) tag.erase(0, 1);
        const std::string name = tag.substr(0, tag.find_first_of(" \n/"));
        if (!kKnown.contains(name)) return "unexpected tag <" + tag.substr(0, 60) + ">";
        tag = std::regex_replace(tag, std::regex("\"[^\"]*\""), "\"\"");  // values cannot act
        if (std::regex_search(tag, std::regex("\\son[a-z]+\\s*="))) return "event handler in <" + tag + ">";
        if (closing) {
            if (open.empty() || open.back() != name) return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
            open.pop_back();
        } else if (!selfClosing && !kVoid.contains(name)) {
            open.push_back(name);
        }
    }
    return open.empty() ? "" : "never closed: " + open.back();
}

TEST(Html, everyPageIsWellFormed) {
    for (const auto& [file, analysis] : {std::pair{"rich.html", richAnalysis()}, {"empty.html", analyzer::Analysis{}}, {"hostile.html", hostileAnalysis()}}) {
        const std::string page = renderHtml(analysis);
        keep(file, page);
        EXPECT_EQ(structureErrors(page), "") << file;
        EXPECT_EQ(toValidUtf8(page), page) << file;
    }
}

TEST(Html, loadsNothingAndRunsNothing) {
    const std::string page = renderHtml(richAnalysis());
    EXPECT_EQ(page.find("<script"), std::string::npos);
    EXPECT_EQ(page.find("http:"), std::string::npos);
    EXPECT_EQ(page.find("https:"), std::string::npos);
    EXPECT_EQ(page.find("url("), std::string::npos);
    EXPECT_EQ(page.find(" src="), std::string::npos);
    EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(Html, hostileStringsStayText) {
    const std::string page = renderHtml(hostileAnalysis());
    EXPECT_EQ(page.find("<script"), std::string::npos);
    EXPECT_EQ(page.find("<img"), std::string::npos);
    EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
    for (const char c : page) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

// The schema closes these lists; a page must not rely on it.
TEST(Html, hostileKindsStayText) {
    auto analysis = hostileAnalysis();
    const std::string evil = "</span><script>";
    analysis.criticalPath->second = evil;
    for (auto& k : analysis.criticalPath->byKind) k.kind = evil;
    for (auto& k : analysis.criticalPath->slack) k.kind = evil;
    for (auto& r : analysis.ranges) r.kind = evil;
    for (auto& p : analysis.ridgeline) p.bound = evil;
    const std::string page = renderHtml(analysis);
    EXPECT_EQ(structureErrors(page), "");
    EXPECT_EQ(page.find("<script"), std::string::npos);
}

TEST(Html, saysWhatTheAnalysisSays) {
    const std::string page = renderHtml(richAnalysis());
    for (const char* text : {"train.single/fp32", "memory wall", "as expected", "differs", "expected kernel gap (launch)", "check failed", "91.0 %", "gemm.qkv", "allreduce.grads", "ceiling_drift",
                             "cupti_dropped", "Example CPU @ 2.0 GHz", "communication hidden", "SELECT SUM(end - start)", "prefers-color-scheme:dark", "one column is the mean of 3 steps"})
        EXPECT_NE(page.find(text), std::string::npos) << text;
}

TEST(Html, whatWasSkippedSaysSoAndWhy) {
    auto analysis = richAnalysis();
    analysis.workloads[0].name = "comm.allreduce/64M";
    analysis.workloads[0].check.clear();
    analysis.workloads[0].checkDetail = "needs 2 ranks";
    analysis.workloads[0].steps = 0;
    const std::string page = renderHtml(analysis);
    EXPECT_NE(page.find("<span class=\"soft\">skipped: needs 2 ranks</span>"), std::string::npos);
}

TEST(Html, anEmptyReportExplainsEverySection) {
    const std::string page = renderHtml(analyzer::Analysis{});
    std::size_t sections = 0, explained = 0;
    for (std::size_t at = page.find("<section"); at != std::string::npos; at = page.find("<section", at + 1)) {
        ++sections;
        const std::string body = page.substr(at, page.find("</section>", at) - at);
        explained += body.find("class=\"absent\"") != std::string::npos ? 1U : 0U;
    }
    EXPECT_GE(sections, 10U);
    EXPECT_EQ(explained, sections);
}

TEST(Html, neverPrintsNotANumber) {
    auto analysis = richAnalysis();
    analysis.roofline[0].intensity = std::nan("");
    analysis.roofline[1].achieved = INFINITY;
    analysis.ceilings[0].value = -1;
    analysis.workloads[0].verdictShare = std::nan("");
    const std::string page = renderHtml(analysis);
    EXPECT_FALSE(std::regex_search(page, std::regex("\"-?(nan|inf)|[ ,](nan|inf)[ ,\"]")));
}

TEST(Html, theDeeperAnswersAreShown) {
    const std::string page = renderHtml(richAnalysis());
    for (const char* text : {"href=\"#ranges\"", "saves 32.4 % to 54.3 % of the step; the replay is +29.0 % off what was measured in train.ddp/overlap/link1", "<b>57.1 %</b>",
                             "a second chain, on the host, is nearly as long (101 ms): shortening the path alone gains at most 4 ms", "gemm.side", "Who the others waited for",
                             "blamed on nobody", "gemm_kernel&lt;float, 128, 64&gt;", "8 ms to 15 ms", "Clocks of the ranks", "meets the network wall first", "aten::mm",
                             "17 names with less time", "torch.gpu.reserved", "<dd>25.0 % (", "activations.block", "Recomputing costs", "2 of them of memory from before the recording", "vllm.kv_cache.usage", "What memory bandwidth costs", "memory wall 90.9 %, host 9.1 %",
                             "4 findings that cost less than half a percent of their step are not shown"})
        EXPECT_NE(page.find(text), std::string::npos) << text;
    for (const char* text : {"href=\"#ranges\"", "id=\"ranges\"", "Three walls", "What the overlap costs", "not shown"}) EXPECT_EQ(renderHtml(analyzer::Analysis{}).find(text), std::string::npos) << text;
}

TEST(Html, theAnswerKeyIsAColumnOnlyWhereThereIsOne) {
    auto analysis = richAnalysis();
    EXPECT_NE(renderHtml(analysis).find("Answer key"), std::string::npos);
    for (auto& w : analysis.workloads) w.expected.reset();
    EXPECT_EQ(renderHtml(analysis).find("Answer key"), std::string::npos);
}

TEST(Html, longListsAreCutAndTheRestIsCounted) {
    auto analysis = richAnalysis();
    analysis.whatIf.assign(50, analysis.whatIf.front());
    analysis.ranges.assign(125, analysis.ranges.front());
    analysis.memory.curves.assign(30, analysis.memory.curves.front());
    const std::string page = renderHtml(analysis);
    for (const char* text : {"and 34 more in the JSON report", "and 100 more in the JSON report", "and 22 more in the JSON report"}) EXPECT_NE(page.find(text), std::string::npos) << text;
}

// The labels of the plot: no two boxes of text may meet.
TEST(Html, labelsOfTheRooflineDoNotOverlap) {
    const std::string page = renderHtml(richAnalysis());
    const std::regex label("<text class=\"halo\" x=\"([0-9.]+)\" y=\"([0-9.]+)\" text-anchor=\"(start|end|middle)\">([^<]*)</text>");
    struct Box {
        double x0, x1, y;
        std::string text;
    };
    std::vector<Box> boxes;
    for (auto it = std::sregex_iterator(page.begin(), page.end(), label); it != std::sregex_iterator(); ++it) {
        const double x = std::stod((*it)[1]), y = std::stod((*it)[2]), w = 6.5 * static_cast<double>((*it)[4].length());
        const double x0 = (*it)[3] == "start" ? x : (*it)[3] == "end" ? x - w : x - w / 2;
        for (const Box& b : boxes) EXPECT_FALSE(x0 < b.x1 && b.x0 < x0 + w && std::abs(b.y - y) < 12) << (*it)[4] << " meets " << b.text;
        EXPECT_GE(x0, 60) << (*it)[4] << " is cut on the left";
        EXPECT_LE(x0 + w, 860) << (*it)[4] << " is cut on the right";
        boxes.push_back({x0, x0 + w, y, (*it)[4]});
    }
    EXPECT_GE(boxes.size(), 8U);
}

TEST(Classes, textOnEveryColourCanBeRead) {
    for (std::size_t c = 0; c < kWallClassCount; ++c)
        for (const std::string_view colour : {look(static_cast<WallClass>(c)).light, look(static_cast<WallClass>(c)).dark}) EXPECT_GE(contrast(colour, textOn(colour)), 4.5) << kWallClassNames[c] << " " << colour;
}

TEST(Classes, everyClassHasItsOwnColour) {
    std::set<std::string_view> light, dark;
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        light.insert(look(static_cast<WallClass>(c)).light);
        dark.insert(look(static_cast<WallClass>(c)).dark);
    }
    EXPECT_EQ(light.size(), kWallClassCount);
    EXPECT_EQ(dark.size(), kWallClassCount);
}

}  // namespace
}  // namespace ridge::reports::test
