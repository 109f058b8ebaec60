// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/health/health.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>

#include "base/text.h"
#include "reports/common/escape.h"
#include "reports/terminal/table.h"
#include "reports/verdicts/parts.h"

namespace ridge::reports {
namespace {

using analyzer::AcceptanceCheck;
using analyzer::Fitness;
using Json = nlohmann::ordered_json;

Json text(std::string_view value) { return toValidUtf8(value); }
Json textOrNull(std::string_view value) { return value.empty() ? Json(nullptr) : text(value); }
Json number(const std::optional<double>& value, double scale = 1) { return value && std::isfinite(*value) ? Json(*value * scale) : Json(nullptr); }

std::string slowerText(const AcceptanceCheck& c) {
    if (!c.slower) return "-";
    return *c.slower >= 0 ? fmt::format("{:.1f} % slower", 100 * *c.slower) : fmt::format("{:.1f} % faster", 100 * (1 / (1 + *c.slower) - 1));
}

Paint paintOf(Fitness f) { return f == Fitness::kSlow ? Paint::kBad : f == Fitness::kUnknown ? Paint::kWarn : Paint::kGood; }

std::string names(const std::vector<AcceptanceCheck>& checks, Fitness wanted) {
    constexpr std::size_t kMost = 4;
    std::string out;
    std::size_t all = 0;
    for (const AcceptanceCheck& c : checks) {
        if (c.fitness != wanted || ++all > kMost) continue;
        out += fmt::format("{}{}{}", out.empty() ? "" : ", ", c.benchmark, wanted == Fitness::kSlow ? fmt::format(" ({})", slowerText(c)) : "");
    }
    return all > kMost ? fmt::format("{} and {} more", out, all - kMost) : out;
}

// A label of performance data: neither quotes nor equals signs, and no line of its own.
std::string label(const std::string& name) {
    std::string out = printable(name);
    for (char& c : out)
        if (c == '\'' || c == '=' || c == '|') c = '_';
    return out;
}

}  // namespace

std::string_view verdictOf(const HealthReport& r) {
    const Fitness fitness = r.acceptance.overall();
    if (fitness == Fitness::kSlow) return "slow";
    if (!r.acceptance.failed.empty()) return "failed";
    return name(fitness);
}

std::string summaryText(const HealthReport& r) {
    const analyzer::Acceptance& a = r.acceptance;
    const std::string_view verdict = verdictOf(r);
    if (verdict == "slow") return fmt::format("{} of {} checks are slow: {}", a.count(Fitness::kSlow), a.checks.size(), names(a.checks, Fitness::kSlow));
    if (verdict == "failed") return fmt::format("a workload failed: {}", a.failed.front());
    if (verdict == "fit") return fmt::format("{} checks, all as {} {} of this kind", a.checks.size(), a.references, a.references == 1 ? "reference" : "references");
    if (!a.mismatches.empty()) {
        const auto& m = a.mismatches.front();
        return fmt::format("the reference is of another kind of node: {} is {} there and {} here{}", m.field, m.baseline.empty() ? "nothing" : m.baseline, m.candidate.empty() ? "nothing" : m.candidate,
                           a.mismatches.size() > 1 ? fmt::format(", and {} more differ", a.mismatches.size() - 1) : "");
    }
    if (a.references == 0) return "no reference was given: --reference FILE, as ridge health -o FILE writes it on a good node";
    if (a.checks.empty()) return "nothing was measured";
    for (const AcceptanceCheck& c : a.checks)
        if (c.fitness == Fitness::kUnknown) return fmt::format("{} of {} checks could not be judged: {}: {}", a.count(Fitness::kUnknown), a.checks.size(), c.benchmark, c.reason);
    return "nothing could be judged";
}

std::string renderJson(const HealthReport& r) {
    const analyzer::Acceptance& a = r.acceptance;
    Json out{{"schema_version", 1}, {"tool", {{"name", "ridge"}, {"version", text(r.toolVersion)}}}, {"host", text(r.host)}, {"started_at", text(r.startedAt)}, {"ended_at", text(r.endedAt)},
             {"seconds", r.seconds}, {"budget_s", r.budget}, {"environment_key", text(r.environmentKey)}, {"verdict", verdictOf(r)}, {"reason", text(summaryText(r))}};
    Json paths = Json::array(), mismatches = Json::array(), checks = Json::array(), failed = Json::array(), notes = Json::array();
    for (const std::string& path : r.references) paths.push_back(text(path));
    for (const auto& m : a.mismatches) mismatches.push_back({{"field", text(m.field)}, {"reference", textOrNull(m.baseline)}, {"node", textOrNull(m.candidate)}});
    for (const AcceptanceCheck& c : a.checks)
        checks.push_back({{"id", text(c.benchmark)}, {"metric", text(c.metric)}, {"unit", text(c.unit)}, {"direction", text(c.direction)}, {"value", number(c.value)}, {"reference", number(c.reference)},
                          {"slower_pct", number(c.slower, 100)}, {"limit_pct", number(c.limit, 100)}, {"references", c.references}, {"fitness", name(c.fitness)}, {"reason", textOrNull(c.reason)}});
    for (const std::string& f : a.failed) failed.push_back(text(f));
    for (const std::string& n : a.notes) notes.push_back(text(n));
    out["references"] = {{"paths", std::move(paths)}, {"used", a.references}, {"other_kinds", a.otherKinds}, {"mismatches", std::move(mismatches)}};
    out["checks"] = std::move(checks);
    out["failed"] = std::move(failed);
    out["notes"] = std::move(notes);
    return out.dump(1) + "\n";
}

std::string renderTerminal(const HealthReport& r, const TerminalOptions& o) {
    using Align = Table::Align;
    Table table({{"check", Align::kLeft, 20}, {"here", Align::kRight}, {"reference", Align::kRight}, {"difference", Align::kRight}, {"limit", Align::kRight}, {"", Align::kLeft}});
    std::string reasons;
    for (const AcceptanceCheck& c : r.acceptance.checks) {
        table.add({c.benchmark, verdicts::valueText(c.value, c.unit), verdicts::valueText(c.reference, c.unit), slowerText(c), c.limit ? fmt::format("{:.1f} %", 100 * *c.limit) : "-", Cell(std::string(name(c.fitness)), paintOf(c.fitness))});
        if (!c.reason.empty() && c.fitness != Fitness::kFit && r.acceptance.references > 0) reasons += wrapped(printable(c.benchmark + ": " + c.reason), o.width, 0);
    }
    std::string out;
    if (!table.empty()) out += table.render(o.width, o.colour) + reasons + "\n";
    for (const std::string& failed : r.acceptance.failed) out += wrapped(painted("failed", Paint::kBad, o.colour) + "  " + printable(failed), o.width, 0);
    out += wrapped(fmt::format("{}: {}", verdictOf(r), printable(summaryText(r))), o.width, 0);
    for (const std::string& note : r.acceptance.notes) out += wrapped(printable(note), o.width, 0);
    return out;
}

std::string renderNagios(const HealthReport& r) {
    const std::string_view verdict = verdictOf(r);
    std::string out = fmt::format("RIDGE {} - {}", verdict == "fit" ? "OK" : verdict == "unknown" ? "UNKNOWN" : "CRITICAL", printable(summaryText(r)));
    for (char& c : out)
        if (c == '|') c = '/';
    std::string data;
    for (const AcceptanceCheck& c : r.acceptance.checks)
        if (c.slower && c.limit) data += fmt::format(" '{}'={:.1f}%;;{:.1f}:", label(c.benchmark), 100 / (1 + *c.slower), 100 / (1 + *c.limit));
    return out + (data.empty() ? "" : " |" + data) + "\n";
}

std::string nagiosUnknown(const std::string& why) { return "RIDGE UNKNOWN - " + label(why) + "\n"; }

}  // namespace ridge::reports
