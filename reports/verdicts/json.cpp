// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <cmath>

#include "base/text.h"
#include "reports/verdicts/verdicts.h"

namespace ridge::reports {
namespace {

using Json = nlohmann::ordered_json;
using statistics::Outcome;

Json text(std::string_view value) { return toValidUtf8(value); }
Json textOrNull(std::string_view value) { return value.empty() ? Json(nullptr) : text(value); }
Json number(const std::optional<double>& value) { return value && std::isfinite(*value) ? Json(*value) : Json(nullptr); }
Json percent(const std::optional<double>& value) { return value && std::isfinite(*value) ? Json(100 * *value) : Json(nullptr); }

template <typename List, typename Function>
Json array(const List& list, Function function) {
    Json out = Json::array();
    for (const auto& item : list) out.push_back(function(item));
    return out;
}
Json texts(const std::vector<std::string>& list) {
    return array(list, [](const std::string& s) { return text(s); });
}
Json numbers(const std::vector<double>& list) {
    return array(list, [](double v) { return number(v); });
}

Json result(const analyzer::MetricVerdict& v) {
    return {{"id", text(v.benchmark)},
            {"metric", text(v.metric)},
            {"unit", text(v.unit)},
            {"direction", text(v.direction)},
            {"verdict", name(v.outcome)},
            {"baseline", number(v.baseline)},
            {"candidate", number(v.candidate)},
            {"ratio", number(v.ratio)},
            {"change_pct", v.ratio ? number(100 * (*v.ratio - 1)) : Json(nullptr)},
            {"ci_low", number(v.ciLow)},
            {"ci_high", number(v.ciHigh)},
            {"ci_level", v.ciLevel},
            {"p", number(v.p)},
            {"p_adjusted", number(v.pAdjusted)},
            {"mde_pct", percent(v.mde)},
            {"n_baseline", v.baselineValues.size()},
            {"n_candidate", v.candidateValues.size()},
            {"confirmed", v.confirmed},
            {"reason", textOrNull(v.reason)},
            {"baseline_values", numbers(v.baselineValues)},
            {"candidate_values", numbers(v.candidateValues)}};
}

Json runs(const std::vector<analyzer::JudgedRun>& list, const std::string& label) {
    return {{"label", text(label)}, {"runs", array(list, [](const analyzer::JudgedRun& r) {
                                         return Json{{"id", text(r.id)}, {"session_id", text(r.session)}, {"path", textOrNull(r.path)}, {"environment_key", textOrNull(r.environmentKey)}, {"git_sha", textOrNull(r.gitSha)}};
                                     })}};
}

}  // namespace

Json toJson(const analyzer::Verdicts& v) {
    const auto& m = v.method;
    Json out;
    out["schema_version"] = kVerdictsSchemaVersion;
    out["title"] = text(v.title);
    out["baseline"] = runs(v.baseline, v.labelA);
    out["candidate"] = runs(v.candidate, v.labelB);
    out["environment"] = {{"comparable", v.comparable()}, {"mismatches", array(v.mismatches, [](const analyzer::EnvironmentMismatch& x) {
                               return Json{{"field", text(x.field)}, {"baseline", text(x.baseline)}, {"candidate", text(x.candidate)}, {"class", text(x.fieldClass)}, {"allowed", x.allowed}};
                           })}};
    out["method"] = {{"name", m.name},
                     {"correction", m.correction},
                     {"alpha", m.alpha},
                     {"floor_pct", 100 * m.floor},
                     {"min_effect_pct", 100 * m.minEffect},
                     {"blocks", m.blocks},
                     {"confirm_blocks", m.confirmBlocks},
                     {"seed", m.seed ? Json(*m.seed) : Json(nullptr)},
                     {"false_alarm_bound", analyzer::falseAlarmBound(m)}};
    out["summary"] = {{"regressed", v.count(Outcome::kRegressed)},
                      {"improved", v.count(Outcome::kImproved)},
                      {"unchanged", v.count(Outcome::kUnchanged)},
                      {"inconclusive", v.count(Outcome::kInconclusive)},
                      {"missing", texts(v.missing)},
                      {"added", texts(v.added)},
                      {"failed", texts(v.failed)},
                      {"interrupted", v.interrupted},
                      {"verdict", name(v.overall())}};
    out["results"] = array(v.results, result);
    out["why"] = texts(v.why);
    out["notes"] = texts(v.notes);
    out["reproduce"] = textOrNull(v.reproduce);
    return out;
}

std::string renderJson(const analyzer::Verdicts& v, int indent) { return toJson(v).dump(indent, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace ridge::reports
