// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The renderings of a comparison: JSON against its schema, tables that add up, hostile names.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "reports/comparison/comparison.h"
#include "reports/comparison/parts.h"
#include "tests/unit/compare/check.h"

namespace ridge::test {
namespace {

std::string kept(const std::string& name, const std::string& content) {
    const char* folder = std::getenv("RIDGE_OUTPUT_DIR");
    const std::filesystem::path path = std::filesystem::path(folder ? folder : ".") / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
    return path.string();
}

// Message of the validator; empty when the document satisfies the schema.
std::string schemaErrors(const std::string& document) {
    const char* source = std::getenv("RIDGE_SOURCE_DIR");
    const std::string command = "/usr/bin/python3 -c \"import json,jsonschema,sys;"
                                "s=json.load(open(sys.argv[1]));jsonschema.Draft202012Validator.check_schema(s);"
                                "jsonschema.Draft202012Validator(s).validate(json.load(open(sys.argv[2])))\" '" +
                                std::string(source ? source : ".") + "/schemas/json/comparison-1.json' '" + document + "' > '" + document + ".log' 2>&1";
    if (std::system(command.c_str()) == 0) return {};
    const auto log = readFile(document + ".log");
    return log.ok() && !log->empty() ? *log : "the validator could not be run";
}

Comparison sample(const std::string& name) {
    std::mt19937_64 random(4);
    MemoryTimeline a(2, 1, 1), b(2, 1, 1);
    for (std::int32_t p = 0; p < 2; ++p) {
        addProgram(a, random, p, 6);
        addProgram(b, random, p, 6);
    }
    b.range(0, 2'000, 90'000, name);
    for (auto* m : {&a, &b}) m->timeline.sources = {{name, "ridge", "1", "ridge"}};
    a.timeline.environment = {{"gpu.driver", "key", "550"}};
    b.timeline.environment = {{"gpu.driver", "key", name}};
    a.finish();
    b.finish();
    return compared(a.timeline, b.timeline);
}

TEST(Rendering, JsonSatisfiesTheSchema) {
    EXPECT_EQ(schemaErrors(kept("plain.json", reports::renderJson(sample("x")))), "");
    EXPECT_EQ(schemaErrors(kept("hostile.json", reports::renderJson(sample("<script>\xff\x1b[31m|`\n")))), "");
    Comparison refused;
    refused.refusal = Refusal{RefusalKind::kMachine, "different"};
    EXPECT_EQ(schemaErrors(kept("refused.json", reports::renderJson(refused))), "");
    auto broken = reports::toJson(sample("x"));
    broken["lanes"][0]["rows"][0]["class"] = "sunshine";
    EXPECT_NE(schemaErrors(kept("broken.json", broken.dump())), "");
}

TEST(Rendering, JsonAddsUp) {
    const auto json = reports::toJson(sample("x"));
    for (const auto& lane : json["lanes"]) {
        std::int64_t rows = 0, classes = 0;
        for (const auto& row : lane["rows"]) rows += row["delta_ns"].get<std::int64_t>();
        for (const auto& c : lane["classes"]) classes += c["delta_ns"].get<std::int64_t>();
        EXPECT_EQ(rows, lane["delta_ns"].get<std::int64_t>());
        EXPECT_EQ(classes, lane["delta_ns"].get<std::int64_t>());
    }
}

TEST(Rendering, TheRowOfTheOthersMakesTheTableAddUp) {
    const Comparison c = sample("x");
    for (const LaneComparison& lane : c.lanes)
        for (std::size_t most = 0; most < lane.rows.size() + 2; ++most) {
            const auto top = reports::comparison::topRows(lane, most);
            Ns sum = top.othersDelta;
            for (const ComparisonRow* row : top.rows) sum += row->deltaNs;
            EXPECT_EQ(sum, lane.deltaNs);
            EXPECT_EQ(top.rows.size() + top.others, lane.rows.size());
        }
}

TEST(Rendering, HostileNamesStayText) {
    const Comparison c = sample("<script>alert(1)</script>\x1b[31m|evil|");
    const std::string html = reports::renderHtml(c), text = reports::renderTerminal(c, {false, 100, 10}), markdown = reports::renderMarkdown(c);
    kept("hostile.html", html);
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(markdown.find("<script"), std::string::npos);
    EXPECT_EQ(markdown.find("|evil|"), std::string::npos);
}

TEST(Rendering, SaysThatRepeatedRunsDecide) {
    const Comparison c = sample("x");
    kept("sample.html", reports::renderHtml(c));
    for (const std::string& text : {reports::renderHtml(c), reports::renderTerminal(c, {false, 0, 10}), reports::renderMarkdown(c), reports::renderJson(c)})
        EXPECT_NE(text.find("decided by repeated runs"), std::string::npos);
}

TEST(Rendering, DifferencesStandBeforeTheOps) {
    const std::string text = reports::renderTerminal(sample("x"), {false, 120, 10});
    EXPECT_LT(text.find("gpu.driver"), text.find("Which op"));
    EXPECT_NE(text.find("gpu.driver"), std::string::npos);
}

TEST(Rendering, JunitIsXmlWhateverTheNamesAndNothingInItFails) {
    const auto count = [](const std::string& path, const std::string& what) {
        const std::string command = "/usr/bin/python3 -c \"import sys,xml.etree.ElementTree as e;t=e.parse(sys.argv[1]).getroot();print(len(list(t.iter(sys.argv[2]))))\" '" + path +
                                    "' " + what + " > '" + path + ".out'";
        if (std::system(command.c_str()) != 0) return std::string("not XML");
        const auto out = readFile(path + ".out");
        return out.ok() ? out->substr(0, out->find('\n')) : std::string("no output");
    };
    const Comparison c = sample("<script>\xff\x1b[31m|`\"'&]]>\n");
    ASSERT_FALSE(c.lanes.empty());
    const std::string path = kept("hostile.xml", reports::renderJunit(c));
    EXPECT_EQ(count(path, "testsuite"), std::to_string(c.lanes.size()));
    std::size_t cases = 0;
    for (const LaneComparison& lane : c.lanes) cases += lane.classes.size() + 1;
    EXPECT_EQ(count(path, "testcase"), std::to_string(cases));
    EXPECT_EQ(count(path, "failure"), "0");
    EXPECT_EQ(count(path, "skipped"), "0");
    Comparison refused;
    refused.refusal = Refusal{RefusalKind::kMachine, "a < b & \"c\""};
    EXPECT_EQ(count(kept("refused.xml", reports::renderJunit(refused)), "skipped"), "1");
}

}  // namespace
}  // namespace ridge::test
