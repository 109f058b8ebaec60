// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Everything that the report says is in the viewer, with the same numbers: every number of report-1.json is asked
// for in the models of the analysis panel, as they are shown.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "analyzer/analyze.h"
#include "base/file.h"
#include "gui/analysis/analysis_panel.h"
#include "reports/json/report_json.h"
#include "tests/unit/analyzer/trace_builder.h"
#include "tests/unit/reports/support.h"

namespace ridge::gui {
namespace {

using Json = nlohmann::ordered_json;
using Numbers = std::multiset<double>;

// "communication[].busy_ns" -> its values; pairs of numbers (samples) are told apart by .0 and .1.
void collect(const Json& json, const std::string& path, std::map<std::string, Numbers>& numbers, std::map<std::string, std::set<std::string>>& texts) {
    if (json.is_object())
        for (const auto& [key, value] : json.items()) collect(value, path.empty() ? key : path + "." + key, numbers, texts);
    else if (json.is_array() && json.size() == 2 && json[0].is_number() && path.ends_with("[]"))
        for (std::size_t i = 0; i < 2; ++i) collect(json[i], path + "." + std::to_string(i), numbers, texts);
    else if (json.is_array())
        for (const Json& value : json) collect(value, path + "[]", numbers, texts);
    else if (json.is_number())
        numbers[path].insert(json.get<double>());
    else if (json.is_string() && !json.get<std::string>().empty())
        texts[path].insert(json.get<std::string>());
}

// What the panels hold: the values of each column of each table, and of the facts.
struct Shown {
    std::vector<Numbers> columns;
    std::set<std::string> texts;

    explicit Shown(AnalysisPanel& panel) {
        for (const SectionName& name : sectionNames()) {
            panel.showSection(QString::fromLatin1(name.id));
            EXPECT_EQ(panel.section(), QLatin1String(name.id));
            for (const QTableView* view : panel.tables()) take(*view->model());
        }
        Numbers facts;
        for (const Section& section : panel.sections())
            for (const Fact& fact : section.facts) {
                if (const auto* i = std::get_if<std::int64_t>(&fact.value)) facts.insert(static_cast<double>(*i));
                if (const auto* d = std::get_if<double>(&fact.value)) facts.insert(*d);
                if (const auto* s = std::get_if<std::string>(&fact.value)) texts.insert(*s);
            }
        columns.push_back(std::move(facts));
    }
    void take(const QAbstractItemModel& model) {
        for (int c = 0; c < model.columnCount(); ++c) {
            Numbers values;
            for (int r = 0; r < model.rowCount(); ++r) {
                const QVariant value = model.index(r, c).data(Qt::EditRole);
                if (value.typeId() == QMetaType::LongLong || value.typeId() == QMetaType::Double) values.insert(value.toDouble());
                else texts.insert(value.toString().toStdString());
                // What is known is shown as something.
                EXPECT_FALSE(value.isValid() && !value.toString().isEmpty() && model.index(r, c).data(Qt::DisplayRole).toString().isEmpty());
            }
            columns.push_back(std::move(values));
        }
    }
    [[nodiscard]] bool has(const Numbers& wanted) const {
        return std::any_of(columns.begin(), columns.end(), [&](const Numbers& column) { return std::includes(column.begin(), column.end(), wanted.begin(), wanted.end()); });
    }
};

// Where 0 stands for "not known" or "none" the viewer shows "-" or leaves the line out.
void dropZeros(const std::string& path, Numbers& values) {
    static const std::set<std::string> kNone{"roofline.points[].blocks", "roofline.ridgeline[].compute_ns", "roofline.ridgeline[].memory_ns", "roofline.ridgeline[].network_ns",
                                             "findings_below_floor", "ranges_omitted", "unclaimed_skew_ns", "critical_path.steps_left_out", "critical_path.names_omitted",
                                             "critical_path.slack_omitted"};
    if (kNone.contains(path) || path.find("classes.") != std::string::npos) {
        const bool all = std::all_of(values.begin(), values.end(), [](double v) { return v == 0; });
        if (all || kNone.contains(path)) values.erase(0);
    }
}

// Paths of numbers that no column and no fact has.
std::vector<std::string> missing(const Json& report, const Shown& shown) {
    std::map<std::string, Numbers> numbers;
    std::map<std::string, std::set<std::string>> texts;
    collect(report, "", numbers, texts);
    std::vector<std::string> lost;
    for (auto& [path, values] : numbers) {
        dropZeros(path, values);
        if (path == "ranks[].pids[]") continue;  // written side by side in one cell
        if (!values.empty() && !shown.has(values)) lost.push_back(path);
    }
    for (const auto& [path, values] : texts) {
        // Advice, SQL, what is said of it, and ops are on the page of the finding; "source" repeats the first of "sources".
        if (path.starts_with("findings[].try") || path.starts_with("findings[].verify") || path.starts_with("findings[].ops") || path.starts_with("findings[].assumptions") ||
            path.ends_with(".sql") || path.ends_with(".sql_note") || path.starts_with("source.") || path.ends_with("].unit") || path.ends_with(".unit") || path == "critical_path.second.chain" || path == "what_if[].change")
            continue;
        for (const std::string& value : values)
            if (!shown.texts.contains(value)) lost.push_back(path + " = " + value);
    }
    return lost;
}

struct Panel {
    ViewController view;
    AnalysisPanel panel{view, lightTheme()};
    explicit Panel(const analyzer::Analysis& analysis) {
        auto insight = std::make_shared<Insight>();
        insight->analysis = analysis;
        view.setInsight(insight);
    }
};

void expectEverything(const analyzer::Analysis& analysis) {
    Panel p(analysis);
    const Shown shown(p.panel);
    for (const std::string& path : missing(reports::toJson(analysis), shown)) ADD_FAILURE() << "not in the viewer: " << path;
}

TEST(Coverage, OfAnAnalysisWithEveryField) {
    const analyzer::Analysis a = reports::test::richAnalysis();
    expectEverything(a);
    // The walk itself can fail: numbers that the viewer does not have are noticed.
    Panel p(a);
    const Shown shown(p.panel);
    Json report = reports::toJson(a);
    report["communication"][0]["busy_ns"] = 987654321;
    report["invented"] = {{"number", 31337.25}};
    const auto lost = missing(report, shown);
    EXPECT_EQ(lost, (std::vector<std::string>{"communication[].busy_ns", "invented.number"}));
}

// What the walk above walks: each part of the report says something there.
TEST(Coverage, NoPartOfTheReportIsEmptyInIt) {
    const Json report = reports::toJson(reports::test::richAnalysis());
    for (const char* part : {"gate", "environment", "ranks", "devices", "steps", "attribution", "roofline", "communication", "stragglers", "critical_path", "what_if", "findings",
                             "workloads", "memory", "energy", "losses"}) {
        ASSERT_TRUE(report.contains(part)) << part;
        std::map<std::string, Numbers> numbers;
        std::map<std::string, std::set<std::string>> texts;
        collect(report[part], part, numbers, texts);
        EXPECT_FALSE(numbers.empty() && texts.empty()) << part;
    }
}

TEST(Coverage, OfHostileTextsToo) {
    Panel p(reports::test::hostileAnalysis());
    const Shown shown(p.panel);
    EXPECT_GT(shown.columns.size(), 100U);
}

TEST(Coverage, OfATraceOfOurs) {
    const auto folder = std::move(TempDir::create("ridge-coverage")).value();
    ridge::test::TraceBuilder b((folder.path() / "t.sqlite").string());
    const auto tid = ridge::test::TraceBuilder::tid(100, 100);
    b.rank(100, 0, 1);
    b.ceiling("compute", "fma.f32", "f32", "", "", 0, 1e12, "FLOP/s");
    b.ceiling("memory", "triad", "", "DRAM", "triad", 0, 1e11, "B/s");
    for (int i = 0; i < 6; ++i) {
        const Ns t = i * 1'000'000;
        b.range(tid, t, t + 900'000 + i * 1000, "step", 3, i);
        b.work(tid, t + 100'000, t + 500'000, "mm", {1, 1, 100'000'000, 1'000'000, 1'000'000, 0, 0, 0});
        b.work(tid, t + 500'000, t + 600'000, "add", {4, 1, 1000, 8'000'000, 4'000'000, 0, 0, 0});
        b.io(tid, t + 600'000, t + 800'000, "read", 2, "/data/x", 1 << 20);
    }
    b.finish();
    const auto analysis = analyzer::analyze({b.path()}, {});
    ASSERT_TRUE(analysis.ok()) << analysis.error().message;
    expectEverything(*analysis);
}

TEST(Coverage, OfRealTraces) {
    const std::filesystem::path traces = std::getenv("RIDGE_TRACES") ? std::getenv("RIDGE_TRACES") : RIDGE_TRACES_DIR;
    int seen = 0;
    const auto folder = std::move(TempDir::create("ridge-coverage")).value();
    for (const char* name : {"kineto/tracelens_h100_qwen05b.json.gz", "kineto/hta_a100_ddp_nccl_args.json.gz", "nsys/s3.23.3_rtx3090_launch_bound.sqlite.gz",
                             "nsys/s3.25.0_h100_h100_2gpu_1s.sqlite.gz"}) {
        if (!std::filesystem::exists(traces / name)) continue;
        SCOPED_TRACE(name);
        std::filesystem::path trace = traces / name;
        if (trace.string().ends_with(".sqlite.gz")) {  // unpacked with the system's gzip
            const std::filesystem::path plain = folder.path() / trace.stem();
            if (std::system(("gzip -dc '" + trace.string() + "' > '" + plain.string() + "'").c_str()) != 0) continue;
            trace = plain;
        }
        ++seen;
        const auto analysis = analyzer::analyze({trace.string()}, {});
        ASSERT_TRUE(analysis.ok()) << analysis.error().message;
        expectEverything(*analysis);
    }
    if (seen == 0) GTEST_SKIP() << "no folder of real traces at " << traces;
}

}  // namespace
}  // namespace ridge::gui
