// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/json/report_json.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/unit/reports/support.h"

namespace ridge::reports::test {
namespace {

TEST(ReportJson, aRichAnalysisSatisfiesTheSchema) {
    EXPECT_EQ(schemaErrors(keep("rich.json", renderJson(richAnalysis())), "report-1.json"), "");
}

TEST(ReportJson, anEmptyAnalysisSatisfiesTheSchema) {
    EXPECT_EQ(schemaErrors(keep("empty.json", renderJson(analyzer::Analysis{})), "report-1.json"), "");
}

TEST(ReportJson, hostileStringsSatisfyTheSchemaAndComeBack) {
    const auto analysis = hostileAnalysis();
    const std::string text = renderJson(analysis);
    EXPECT_EQ(schemaErrors(keep("hostile.json", text), "report-1.json"), "");
    const auto parsed = nlohmann::json::parse(text);
    const std::string title = parsed["findings"][0]["title"];
    EXPECT_NE(title.find("<script>"), std::string::npos) << "JSON carries the string, escaped, not a changed one";
    EXPECT_NE(title.find('\x1b'), std::string::npos);
}

TEST(ReportJson, theSchemaRefusesAWrongDocument) {
    auto json = toJson(richAnalysis());
    json["steps"][0]["classes"]["compute_bound"] = 1.5;
    EXPECT_NE(schemaErrors(keep("wrong1.json", json.dump()), "report-1.json"), "");
    json = toJson(richAnalysis());
    json["findings"][0]["class"] = "compute";
    EXPECT_NE(schemaErrors(keep("wrong2.json", json.dump()), "report-1.json"), "");
    json = toJson(richAnalysis());
    json["new_field"] = 1;
    EXPECT_NE(schemaErrors(keep("wrong3.json", json.dump()), "report-1.json"), "");
}

TEST(ReportJson, classesOfEveryStepAddUpToTheStep) {
    const auto json = toJson(richAnalysis());
    ASSERT_GT(json["steps"].size(), 100U);
    for (const auto& step : json["steps"]) {
        std::int64_t sum = 0;
        for (const auto& [name, ns] : step["classes"].items()) sum += ns.get<std::int64_t>();
        EXPECT_EQ(sum, step["end_ns"].get<std::int64_t>() - step["start_ns"].get<std::int64_t>());
    }
}

TEST(ReportJson, notANumberIsNullAndNeverZero) {
    const auto json = toJson(richAnalysis());
    EXPECT_TRUE(json["workloads"].back()["metrics"]["iops"]["value"].is_null());
    EXPECT_TRUE(json["communication"][1]["bytes"].is_null());
    EXPECT_EQ(renderJson(richAnalysis()).find("NaN"), std::string::npos);
}

TEST(ReportJson, noTwoValuesShareAName) {
    auto analysis = richAnalysis();
    analysis.workloads[0].metrics = {{"a", 1.0, "1", "none"}, {"a", 2.0, "1", "none"}};
    const auto json = toJson(analysis);
    EXPECT_EQ(json["workloads"][0]["metrics"]["a"]["value"], 1.0);
    EXPECT_EQ(json["workloads"][0]["metrics"]["a_2"]["value"], 2.0);
    EXPECT_TRUE(json["findings"][0]["evidence"]["sql"].is_string());
    EXPECT_EQ(json["findings"][0]["evidence"]["sql_2"]["value"], 3.0);
}

TEST(ReportJson, equalsTheGoldenFile) {
    const std::string path = sourcePath("tests/data/golden/report.json");
    const std::string text = renderJson(richAnalysis());
    EXPECT_EQ(text, renderJson(richAnalysis())) << "two renderings of one analysis must be the same bytes";
    if (updateGolden) {
        ASSERT_TRUE(writeFileAtomically(path, text).ok());
        GTEST_SKIP() << "golden file rewritten";
    }
    const auto golden = readFile(path);
    ASSERT_TRUE(golden.ok()) << golden.error().message << "; reports_test --update writes it";
    EXPECT_TRUE(*golden == text) << "the report changed; if that is meant: reports_test --update";
}

}  // namespace
}  // namespace ridge::reports::test
