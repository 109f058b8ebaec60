// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/history/history.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include "base/text.h"
#include "reports/common/csv.h"
#include "reports/common/escape.h"
#include "reports/terminal/table.h"

namespace ridge::reports {
namespace {

using analyzer::HistoryCheck;
using Kind = analyzer::SeriesFinding::Kind;

const char* nameOf(Kind kind) {
    switch (kind) {
        case Kind::kSuspect: return "suspect";
        case Kind::kRegressed: return "regressed";
        case Kind::kImproved: return "improved";
        case Kind::kDrift: return "drift";
    }
    return "";
}

std::string headline(const HistoryCheck& c) {
    std::size_t counts[4]{};
    for (const auto& f : c.findings) ++counts[static_cast<std::size_t>(f.kind)];
    std::string out;
    for (const Kind kind : {Kind::kRegressed, Kind::kDrift, Kind::kSuspect, Kind::kImproved})
        if (const std::size_t n = counts[static_cast<std::size_t>(kind)]) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, nameOf(kind));
    return fmt::format("{}: {} of {} series judged", out.empty() ? "no change of level" : out, c.judged, c.series);
}

std::string left(const HistoryCheck& c) {
    std::string out;
    if (c.shortSeries > 0) out += fmt::format("{} series have too few points yet. ", c.shortSeries);
    if (c.notInNewest > 0) out += fmt::format("{} series are not in the newest run {} and were left. ", c.notInNewest, c.newestRun);
    return out + "In 100 runs without a change one alert in 50 histories is expected from the scan (1e-4 per look); a suspect alone is no regression.";
}

std::string where(const analyzer::SeriesFinding& f) { return f.changePoint ? fmt::format("change point {}", f.changePoint) : std::string(); }

}  // namespace

nlohmann::ordered_json toJson(const HistoryCheck& c) {
    using Json = nlohmann::ordered_json;
    Json findings = Json::array();
    for (const auto& f : c.findings)
        findings.push_back({{"kind", nameOf(f.kind)},
                            {"id", toValidUtf8(f.series.benchmark)},
                            {"metric", toValidUtf8(f.series.metric)},
                            {"unit", toValidUtf8(f.series.unit)},
                            {"direction", toValidUtf8(f.series.direction)},
                            {"environment_key", f.series.environmentKey},
                            {"ratio", f.ratio && std::isfinite(*f.ratio) ? Json(*f.ratio) : Json(nullptr)},
                            {"p", f.p ? Json(*f.p) : Json(nullptr)},
                            {"since_run", f.since.empty() ? Json(nullptr) : Json(toValidUtf8(f.since))},
                            {"change_point", f.changePoint ? Json(f.changePoint) : Json(nullptr)},
                            {"text", toValidUtf8(f.text)}});
    return {{"schema_version", 1},          {"newest_run", toValidUtf8(c.newestRun)}, {"at", c.at}, {"regressed", c.regressed()}, {"series", c.series}, {"judged", c.judged},
            {"too_short", c.shortSeries}, {"not_in_newest_run", c.notInNewest},     {"findings", std::move(findings)}};
}

std::string renderTerminal(const HistoryCheck& c, const TerminalOptions& o) {
    Table table({{"series", Table::Align::kLeft, 20}, {"", Table::Align::kLeft}, {"what", Table::Align::kLeft, 30, true}, {"", Table::Align::kLeft}});
    for (const auto& f : c.findings) {
        const Paint paint = f.kind == Kind::kSuspect ? Paint::kWarn : f.kind == Kind::kImproved ? Paint::kGood : Paint::kBad;
        table.add({f.series.name(), Cell(nameOf(f.kind), paint), f.text, Cell(where(f), Paint::kDim)});
    }
    return (c.findings.empty() ? std::string() : table.render(o.width, o.colour) + "\n") + painted(headline(c), Paint::kBold, o.colour) + "\n" + wrapped(left(c), o.width, 0);
}

std::string renderMarkdown(const HistoryCheck& c) {
    std::string out = fmt::format("## Ridgepoint history: {}\n\nNewest run {} of {}\n\n", headline(c), markdown(c.newestRun), c.at);
    if (!c.findings.empty()) {
        out += "| Series | Finding | What | |\n|---|---|---|---|\n";
        for (const auto& f : c.findings) out += fmt::format("| {} | {} | {} | {} |\n", markdown(f.series.name()), nameOf(f.kind), markdown(f.text), where(f));
    }
    return out + "\n" + left(c) + "\n";
}

std::string renderJunit(const HistoryCheck& c) {
    std::size_t failures = 0, skipped = 0;
    std::string cases;
    for (const auto& f : c.findings) {
        const std::string text = html(fmt::format("{}: {}", nameOf(f.kind), f.text));
        std::string inside = fmt::format("<system-out>{}</system-out>", text);
        if (f.kind == Kind::kRegressed || f.kind == Kind::kDrift) {
            ++failures;
            inside = fmt::format("<failure type=\"{}\" message=\"{}\">{}</failure>", f.kind == Kind::kDrift ? "drift" : "regression", text, text);
        } else if (f.kind == Kind::kSuspect) {
            ++skipped;
            inside = fmt::format("<skipped message=\"{}\"/>", text);
        }
        cases += fmt::format("    <testcase name=\"{}\" classname=\"{}\" time=\"0\">{}</testcase>\n", html(f.series.metric + " " + nameOf(f.kind)), html(f.series.benchmark), inside);
    }
    cases += fmt::format("    <testcase name=\"history\" classname=\"ridge\" time=\"0\"><system-out>{}</system-out></testcase>\n", html(headline(c)));
    const std::string counts = fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"", c.findings.size() + 1, failures, skipped);
    return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ridge track\" {0}>\n  <testsuite name=\"ridge track\" {0}>\n{1}  </testsuite>\n</testsuites>\n", counts, cases);
}

std::string renderCsv(const std::vector<analyzer::History::Row>& rows) {
    std::string out = "run_id,session_id,started_at,environment_key,git_sha,branch,tag,benchmark,metric,unit,direction,samples,value\n";
    for (const auto& r : rows)
        out += csvLine({r.run.runId, r.sessionId, analyzer::timeText(r.run.at), r.run.environmentKey, r.run.gitSha, r.run.branch, r.run.tag, r.benchmark, r.metric, r.unit, r.direction, std::to_string(r.samples),
                        fmt::format("{}", r.value)});
    return out;
}

Result<std::vector<analyzer::History::Row>> parseHistoryCsv(const std::string& text, const std::string& path) {
    RIDGE_TRY(const auto lines, parseCsv(text, path));
    constexpr std::size_t kColumns = 13;
    if (lines.empty() || lines.front().size() != kColumns || lines.front().front() != "run_id")
        return Error{ErrorCode::kBadInput, fmt::format("{}: is no export of ridge track (its first line has not the columns)", path)};
    std::vector<analyzer::History::Row> rows;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const auto& f = lines[i];
        const auto at = f.size() == kColumns ? analyzer::parseTime(f[2]) : std::nullopt;
        double value = 0;
        std::int64_t samples = 0;
        const bool numbers = at && std::from_chars(f[12].data(), f[12].data() + f[12].size(), value).ec == std::errc{} && std::isfinite(value) &&
                             std::from_chars(f[11].data(), f[11].data() + f[11].size(), samples).ec == std::errc{};
        if (!numbers) return Error{ErrorCode::kBadInput, fmt::format("{}: row {}: {}", path, i + 1, f.size() == kColumns ? "no time or no number" : "not 13 columns")};
        rows.push_back({{0, *at, 0, f[0], f[3], f[4], f[5], f[6], path}, f[1], f[7], f[8], f[9], f[10], samples, value});
    }
    return rows;
}

std::string sparkline(const std::vector<analyzer::HistoryPoint>& points, std::size_t width) {
    static constexpr const char* kBlocks[]{"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    const std::size_t n = std::min(points.size(), width);
    if (n == 0) return {};
    double low = INFINITY, high = -INFINITY;
    for (std::size_t i = points.size() - n; i < points.size(); ++i) low = std::min(low, points[i].value), high = std::max(high, points[i].value);
    std::string out;
    for (std::size_t i = points.size() - n; i < points.size(); ++i) {
        const double share = high > low ? (points[i].value - low) / (high - low) : 0;
        out += kBlocks[static_cast<std::size_t>(share * 7.999)];
    }
    return out;
}

}  // namespace ridge::reports
