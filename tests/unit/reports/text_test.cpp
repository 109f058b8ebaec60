// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "reports/common/escape.h"
#include "reports/common/summary.h"
#include "reports/markdown/markdown.h"
#include "tests/unit/reports/support.h"

namespace ridge::reports::test {
namespace {

TEST(Number, hasFourDigitsAndNoExponent) {
    EXPECT_EQ(formatNumber(0), "0");
    EXPECT_EQ(formatNumber(0.91), "0.91");
    EXPECT_EQ(formatNumber(1530.25), "1530");
    EXPECT_EQ(formatNumber(9999.4), "9999");
    EXPECT_EQ(formatNumber(9999.6), "10000");
    EXPECT_EQ(formatNumber(22431), "22430");
    EXPECT_EQ(formatNumber(-22436), "-22440");
    EXPECT_EQ(formatNumber(99'996), "100000");
    EXPECT_EQ(formatNumber(412'345), "412300");
    EXPECT_EQ(formatNumber(999'960), "1 M");
    EXPECT_EQ(formatNumber(371e6), "371 M");
    EXPECT_EQ(formatNumber(std::nan("")), "-");
}

TEST(Match, whatWasSkippedOrFailedNeitherMatchesNorMisses) {
    analyzer::WorkloadSummary w;
    w.expected = analyzer::Verdict{WallClass::kMemoryWall, Cause::kNone};
    EXPECT_EQ(matchOf(w), Match::kNoExpectation) << "no step";
    w.steps = 1;
    EXPECT_EQ(matchOf(w), Match::kMissed);
    w.verdict = *w.expected;
    EXPECT_EQ(matchOf(w), Match::kMatched);
    w.check = "failed";
    EXPECT_EQ(matchOf(w), Match::kNoExpectation);
}

TEST(Escape, controlCharactersBecomeVisible) {
    EXPECT_EQ(printable("a\x1b[31m"), "a\xE2\x90\x9B[31m");
    EXPECT_EQ(printable("a\nb"), "a\xE2\x90\x8A" "b");
    EXPECT_EQ(printableLines("a\nb"), "a\nb");
    EXPECT_EQ(printable(std::string_view("\0", 1)), "\xE2\x90\x80");
    EXPECT_EQ(printable("\xC2\x9B" "31m"), "\xEF\xBF\xBD" "31m") << "C1 control sequence introducer";
    EXPECT_EQ(printable("a\xE2\x80\xAE" "b"), "a\xEF\xBF\xBD" "b") << "right-to-left override";
    EXPECT_EQ(printable("\xFF"), "\xEF\xBF\xBD");
    EXPECT_EQ(printable("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
}

TEST(Escape, htmlLeavesNoMarkup) { EXPECT_EQ(html("<a b='c' d=\"e\">&"), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;"); }

TEST(Escape, widthsAreTerminalColumns) {
    EXPECT_EQ(displayWidth("abc"), 3U);
    EXPECT_EQ(displayWidth("\xE6\xBC\xA2\xE5\xAD\x97"), 4U) << "two wide characters";
    EXPECT_EQ(displayWidth("e\xCC\x81"), 1U) << "a combining accent takes no column";
    EXPECT_EQ(elide("abcdef", 4), "abc\xE2\x80\xA6");
    EXPECT_EQ(elide("\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2", 4), "\xE6\xBC\xA2\xE2\x80\xA6") << "never half a character";
    EXPECT_EQ(elideMiddle("abcdefghij", 7), "abc\xE2\x80\xA6hij");
    for (std::size_t n = 0; n < 12; ++n) EXPECT_LE(displayWidth(elideMiddle("\xE6\xBC\xA2 some text", n)), n);
}

TEST(Markdown, aFenceCannotBeClosedByItsContent) {
    const std::string fence = markdownFence("x\n````\n<script>", "sql");
    EXPECT_TRUE(fence.starts_with("`````sql\n"));
    EXPECT_TRUE(fence.ends_with("\n`````\n"));
}

TEST(Markdown, tablesKeepTheirColumnsWhateverTheNamesAre) {
    const std::string page = renderMarkdown(hostileAnalysis());
    keep("hostile.md", page);
    EXPECT_EQ(toValidUtf8(page), page);
    std::size_t columns = 0, rows = 0;
    std::string fence;  // that is open now; only a line that equals it closes it
    for (const auto line : split(page, '\n')) {
        if (!fence.empty()) {
            if (line == fence) fence.clear();
            continue;
        }
        if (line.starts_with("```")) {
            fence = line.substr(0, line.find_first_not_of('`'));
            continue;
        }
        EXPECT_EQ(line.find("<script"), std::string::npos);
        EXPECT_EQ(line.find("<img"), std::string::npos);
        const auto bars = static_cast<std::size_t>(std::count(line.begin(), line.end(), '|'));
        if (bars == 0) columns = 0;
        else if (columns == 0) columns = bars;
        else EXPECT_EQ(bars, columns) << line;
        rows += bars > 0 ? 1U : 0U;
    }
    EXPECT_TRUE(fence.empty());
    EXPECT_GT(rows, 20U);
}

TEST(Markdown, theDeeperAnswersAreShown) {
    const std::string page = renderMarkdown(richAnalysis());
    for (const char* text : {"| communication hidden | train.ddp/sync/link1 | 105 ms | 71 ms | 48 ms | 55 ms | +29.0 % |", "| compute | 57.1 % | 60 ms | 1 |", "| network | 15 ms | 2 ms | 42 ms | 90 ms |",
                             "| aten::mm | op | 960 |", "| 1 | 110 ms | compute bound |", "| 0 | 3 | 90 ms | 12 ms | 8 ms to 15 ms | 78 ms |", "agree to 2.5 us", "torch.gpu.reserved of rank 1", "| activations.block | device |", "| 166 ms | 30 ms |",
                             "memory wall 90.9 %, host 9.1 %", "4 findings that cost less"})
        EXPECT_NE(page.find(text), std::string::npos) << text;
    const std::string empty = renderMarkdown(analyzer::Analysis{});
    for (const char* text : {"What if", "Critical path", "Three walls", "Time by range", "Communication", "Memory and energy", "not shown"}) EXPECT_EQ(empty.find(text), std::string::npos) << text;
    auto unjudged = richAnalysis();
    for (auto& w : unjudged.workloads) w.expected.reset();
    EXPECT_NE(page.find("Answer key"), std::string::npos);
    EXPECT_EQ(renderMarkdown(unjudged).find("Answer key"), std::string::npos);
}

TEST(Markdown, whatWasSkippedSaysSoAndWhy) {
    analyzer::Analysis analysis;
    analysis.workloads.resize(1);
    analysis.workloads[0].name = "comm.allreduce/64M";
    analysis.workloads[0].checkDetail = "needs 2 ranks";
    EXPECT_NE(renderMarkdown(analysis).find("| comm.allreduce/64M | skipped: needs 2 ranks | - | - | - |"), std::string::npos);
}

TEST(Markdown, saysWhatTheAnalysisSays) {
    const std::string page = renderMarkdown(richAnalysis());
    keep("rich.md", page);
    for (const char* text : {"| train.single/fp32 |", "**memory wall (memory bandwidth)**", "as expected", "**check failed**", "### 1. All-reduce", "```sql", "lost: 128 records"}) EXPECT_NE(page.find(text), std::string::npos) << text;
    const std::string empty = renderMarkdown(analyzer::Analysis{});
    for (const char* text : {"No trace was read", "No steps were found", "None: no rule", "Nothing was lost"}) EXPECT_NE(empty.find(text), std::string::npos) << text;
    EXPECT_LT(page.size(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace ridge::reports::test
