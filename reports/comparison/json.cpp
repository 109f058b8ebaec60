// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/text.h"
#include "reports/comparison/comparison.h"
#include "reports/comparison/parts.h"

namespace ridge::reports {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else
using Json = nlohmann::ordered_json;

Json text(std::string_view value) { return toValidUtf8(value); }

template <typename List, typename Render>
Json array(const List& list, Render render) {
    Json out = Json::array();
    for (const auto& item : list) out.push_back(render(item));
    return out;
}

Json spread(const Spread& s) {
    return {{"steps", s.steps}, {"min_ns", s.least}, {"q1_ns", s.q1}, {"median_ns", s.median}, {"q3_ns", s.q3}, {"max_ns", s.most}};
}

Json side(const ComparisonSide& s) {
    return {{"sources", array(s.sources, [](const Source& x) {
                 return Json{{"path", text(x.path)}, {"kind", text(x.kind)}, {"schema", text(x.schema)}, {"product", text(x.product)}};
             })},
            {"step_source", text(s.stepSource)},
            {"gate", array(s.gate, [](const GateCheck& g) {
                 return Json{{"check", text(g.check)}, {"severity", std::string(name(g.severity))}, {"count", g.count}, {"detail", text(g.detail)}};
             })}};
}

Json rowSide(const RowSide& s, bool there) {
    if (!there) return nullptr;
    return {{"path", text(s.path)}, {"name", text(s.name)}, {"shape", text(s.shape)}, {"count", s.count},
            {"ns", s.ns},           {"own_ns", s.ownNs},    {"spread", spread(s.spread)}};
}

Json row(const ComparisonRow& r) {
    return {{"class", std::string(name(r.wallClass))},
            {"kind", std::string(kNodeKindNames[static_cast<std::size_t>(r.kind)])},
            {"match", std::string(kNodeMatchNames[static_cast<std::size_t>(r.match)])},
            {"change", text(r.change)},
            {"a", rowSide(r.a, r.match != NodeMatch::kAdded)},
            {"b", rowSide(r.b, r.match != NodeMatch::kRemoved)},
            {"delta_ns", r.deltaNs},
            {"slower_ns", r.slowerNs},
            {"oftener_ns", r.oftenerNs},
            {"both_ns", r.bothNs},
            {"within_spread", r.withinSpread}};
}

Json steps(const Spread& s, const ComparedStep& step, std::int64_t warmup, std::int64_t unmatched) {
    return {{"spread", spread(s)},
            {"warmup", warmup},
            {"unmatched", unmatched},
            {"step", {{"index", step.index}, {"start_ns", step.startNs}, {"end_ns", step.endNs}}}};
}

Json lane(const LaneComparison& l) {
    return {{"workload_a", text(l.workloadA)},
            {"workload_b", text(l.workloadB)},
            {"rank", l.rank},
            {"device", l.device},
            {"kind", l.gpu ? "gpu" : "cpu"},
            {"name", text(l.deviceName)},
            {"matched_by", l.matchedByPlace ? "place" : "index"},
            {"a", steps(l.a, l.stepA, l.warmupA, l.unmatchedA)},
            {"b", steps(l.b, l.stepB, l.warmupB, l.unmatchedB)},
            {"delta_ns", l.deltaNs},
            {"classes", array(l.classes,
                              [](const ClassDelta& c) {
                                  return Json{{"class", std::string(name(c.wallClass))}, {"a_ns", c.aNs}, {"b_ns", c.bNs}, {"delta_ns", c.deltaNs},
                                              {"a", spread(c.a)}, {"b", spread(c.b)}};
                              })},
            {"rows", array(l.rows, row)}};
}

}  // namespace

nlohmann::ordered_json toJson(const Comparison& c) {
    const auto texts = [](const std::vector<std::string>& list) { return array(list, [](const std::string& s) { return text(s); }); };
    return {{"schema_version", kComparisonSchemaVersion},
            {"explains", comparison::kExplains},
            {"a", side(c.a)},
            {"b", side(c.b)},
            {"refusal", c.refusal ? Json{{"kind", std::string(kRefusalNames[static_cast<std::size_t>(c.refusal->kind)])}, {"reason", text(c.refusal->reason)}} : Json(nullptr)},
            {"differences", array(c.differences,
                                  [](const Difference& d) {
                                      return Json{{"what", text(d.what)}, {"a", text(d.a)}, {"b", text(d.b)}, {"group", text(d.group)}, {"counts", d.counts}};
                                  })},
            {"lead", c.lanes.empty() ? Json(nullptr) : Json(c.lead)},
            {"lanes", array(c.lanes, lane)},
            {"only_a", texts(c.onlyA)},
            {"only_b", texts(c.onlyB)},
            {"notes", texts(c.notes)}};
}

std::string renderJson(const Comparison& c, int indent) { return toJson(c).dump(indent) + "\n"; }

}  // namespace ridge::reports
