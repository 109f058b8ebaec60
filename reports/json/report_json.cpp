// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/json/report_json.h"

#include <cmath>

#include "base/text.h"
#include "reports/common/summary.h"

namespace ridge::reports {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else
using Json = nlohmann::ordered_json;

Json text(std::string_view value) { return toValidUtf8(value); }
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }
Json integer(const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(nullptr); }

template <typename List, typename Render>
Json array(const List& list, Render render) {
    Json out = Json::array();
    for (const auto& item : list) out.push_back(render(item));
    return out;
}

Json texts(const std::vector<std::string>& list) {
    return array(list, [](const std::string& s) { return text(s); });
}

// A name that the object does not have yet: nothing is overwritten when names repeat.
std::string freeName(const Json& object, std::string_view wanted) {
    const std::string base = wanted.empty() ? "unnamed" : toValidUtf8(wanted);
    std::string name = base;
    for (int i = 2; object.contains(name); ++i) name = base + "_" + std::to_string(i);
    return name;
}

Json source(const Source& s) {
    return {{"path", text(s.path)}, {"kind", text(s.kind)}, {"schema", text(s.schema)}, {"product", text(s.product)}};
}

Json environment(const std::vector<EnvironmentField>& fields) {
    Json out{{"key_fields", Json::object()}, {"recorded", Json::object()}, {"volatile", Json::object()}};
    for (const auto& field : fields) {
        const char* where = field.fieldClass == "key"        ? "key_fields"
                            : field.fieldClass == "volatile" ? "volatile"
                                                             : "recorded";
        out[where][freeName(out[where], field.name)] = text(field.value);
    }
    return out;
}

Json device(const Device& d) {
    return {{"id", d.id},
            {"rank", d.rank},
            {"kind", text(d.kind)},
            {"name", text(d.name)},
            {"span_ns", d.spanNs},
            {"busy_ns", d.busyNs},
            {"idle_ns", d.idleNs},
            {"compute_ns", d.computeNs},
            {"comm_ns", d.commNs},
            {"copy_ns", d.copyNs},
            {"overlap_ns", d.overlapNs},
            {"exposed_comm_ns", d.exposedCommNs},
            {"exposed_copy_ns", d.exposedCopyNs},
            {"kernels", d.kernels},
            {"copies", d.copies},
            {"unlinked", d.unlinked}};
}

Json classTimes(const ClassTimes& classes) {
    Json out = Json::object();
    for (std::size_t c = 0; c < kWallClassCount; ++c) out[std::string(kWallClassNames[c])] = classes[c];
    return out;
}

Json step(const Step& s) {
    return {{"workload", text(s.workload)}, {"index", s.index},      {"rank", s.rank},   {"device", s.device},
            {"start_ns", s.startNs},        {"end_ns", s.endNs},     {"classes", classTimes(s.classes)}};
}

Json attribution(const ClassTimes& classes) {
    const double total = static_cast<double>(sumOf(classes));
    Json out = Json::object();
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        const Json share = total > 0 ? Json(static_cast<double>(classes[c]) / total) : Json(nullptr);
        out[std::string(kWallClassNames[c])] = {{"ns", classes[c]}, {"share", share}};
    }
    return {{"classes", std::move(out)}};
}

Json ceiling(const Ceiling& c) {
    return {{"kind", text(c.kind)},     {"name", text(c.name)},
            {"dtype", text(c.dtype)},   {"level", text(c.level)},
            {"access", text(c.access)}, {"capacity_bytes", integer(c.capacityBytes)},
            {"value", number(c.value)}, {"unit", text(c.unit)},
            {"method", text(c.method)}};
}

Json point(const RooflinePoint& p) {
    return {{"workload", text(p.workload)},
            {"op", text(p.op)},
            {"op_kind", text(p.opKind)},
            {"dtype", text(p.dtype)},
            {"count", p.count},
            {"time_ns", p.timeNs},
            {"flops", number(p.flops)},
            {"bytes", number(p.bytes)},
            {"intensity", number(p.intensity)},
            {"achieved", number(p.achieved)},
            {"attainment", number(p.attainment)},
            {"bound", text(p.bound)},
            {"ceiling", text(p.ceiling)},
            {"source", text(p.source)},
            {"level", text(p.level)},
            {"blocks", p.blocks}};
}

Json communication(const CommunicationOp& c) {
    return {{"name", text(c.name)},
            {"communicator", text(c.communicator)},
            {"workload", text(c.workload)},
            {"bytes", integer(c.bytes)},
            {"count", c.count},
            {"busy_ns", c.busyNs},
            {"overlap_ns", c.overlapNs},
            {"wait_ns", integer(c.waitNs)},
            {"transfer_ns", integer(c.transferNs)},
            {"algbw", number(c.algbw)},
            {"busbw", number(c.busbw)}};
}

Json verdict(const Verdict& v) { return {{"class", std::string(name(v.wallClass))}, {"cause", std::string(name(v.cause))}}; }

Json pathShares(const std::vector<PathShare>& shares) {
    return array(shares, [](const PathShare& s) {
        return Json{{"kind", text(s.kind)}, {"name", text(s.name)}, {"ns", s.ns}, {"count", s.count}};
    });
}

Json criticalPath(const std::optional<CriticalPath>& path) {
    if (!path) return nullptr;
    return {{"segments", array(path->segments,
                               [](const PathSegment& s) {
                                   return Json{{"start_ns", s.startNs},
                                               {"end_ns", s.endNs},
                                               {"kind", text(s.kind)},
                                               {"name", text(s.name)}};
                               })},
            {"total_ns", path->totalNs},
            {"workload", text(path->workload)},
            {"rank", path->rank},
            {"device", path->device},
            {"step", path->stepIndex},
            {"steps", path->steps},
            {"steps_left_out", path->stepsLeftOut},
            {"covered_ns", path->coveredNs},
            {"by_kind", pathShares(path->byKind)},
            {"by_name", pathShares(path->byName)},
            {"names_omitted", path->namesOmitted},
            {"second", path->second.empty() ? Json(nullptr) : Json{{"chain", text(path->second)}, {"ns", path->secondNs}}},
            {"slack", array(path->slack,
                            [](const PathSlack& s) {
                                return Json{{"kind", text(s.kind)},
                                            {"name", text(s.name)},
                                            {"count", s.count},
                                            {"busy_ns", s.busyNs},
                                            {"least_slack_ns", s.leastSlackNs},
                                            {"median_slack_ns", s.medianSlackNs}};
                            })},
            {"slack_omitted", path->slackOmitted},
            {"lanes", array(path->lanes, [](const PathLane& l) {
                 return Json{{"rank", l.rank},   {"device", l.device},    {"workload", text(l.workload)},
                             {"steps", l.steps}, {"total_ns", l.totalNs}, {"by_kind", pathShares(l.byKind)}};
             })}};
}

Json evidence(const Finding& f) {
    Json out = Json::object();
    out["sql"] = f.sql.empty() ? Json(nullptr) : text(f.sql);  // first, so that no value takes its name
    out["sql_note"] = f.sqlNote.empty() ? Json(nullptr) : text(f.sqlNote);
    for (const Evidence& e : f.evidence)
        out[freeName(out, e.name)] = {{"value", number(e.value)}, {"unit", text(e.unit)}};
    return out;
}

Json finding(const Finding& f) {
    return {{"id", text(f.id)},
            {"rule", text(f.rule)},
            {"workload", text(f.workload)},
            {"class", std::string(name(f.wallClass))},
            {"cause", std::string(name(f.cause))},
            {"title", text(f.title)},
            {"where", array(f.where,
                            [](const TimeRange& r) {
                                return Json{{"rank", r.rank},
                                            {"device", r.device},
                                            {"start_ns", r.startNs},
                                            {"end_ns", r.endNs}};
                            })},
            {"ops", texts(f.ops)},
            {"cost_ns", f.costNs},
            {"share", number(f.share)},
            {"saving_ns", {{"low", f.savingLowNs}, {"high", f.savingHighNs}}},
            {"evidence", evidence(f)},
            {"confidence", std::string(name(f.confidence))},
            {"assumptions", texts(f.assumptions)},
            {"try", text(f.tryThis)},
            {"verify", text(f.verify)}};
}

Json workload(const WorkloadSummary& w) {
    Json params = Json::object();
    for (const auto& [key, value] : w.params) params[freeName(params, key)] = text(value);
    Json metrics = Json::object();
    for (const auto& m : w.metrics)
        metrics[freeName(metrics, m.name)] = {
            {"value", number(m.value)}, {"unit", text(m.unit)}, {"direction", text(m.direction)}};
    return {{"name", text(w.name)},
            {"params", std::move(params)},
            {"metrics", std::move(metrics)},
            {"check", w.check.empty() ? Json(nullptr) : text(w.check)},
            {"check_detail", text(w.checkDetail)},
            {"verdict", verdict(w.verdict)},
            {"verdict_share", number(w.verdictShare)},
            {"expected", w.expected ? verdict(*w.expected) : Json(nullptr)},
            {"median_step_ns", w.medianStepNs},
            {"roof_share", number(w.roofShare)},
            {"steps", w.steps},
            {"classes", classTimes(w.classes)},
            {"samples", w.samples}};
}

Json straggler(const Straggler& s) {
    return {{"rank", s.rank},
            {"workload", text(s.workload)},
            {"collective", text(s.collective)},
            {"blame_ns", s.blameNs},
            {"excess_class", text(s.excessClass)}};
}

Json clock(const ClockAlignment& c) {
    return {{"rank", c.rank},
            {"measured_ns", c.measuredNs},
            {"offset_ns", c.offsetNs},
            {"residual_ns", c.residualNs},
            {"collectives", c.collectives}};
}

Json contention(const Contention& c) {
    return {{"rank", c.rank},
            {"device", c.device},
            {"overlap_ns", c.overlapNs},
            {"cost_ns", c.costNs},
            {"cost_ns_low", c.costLowNs},
            {"cost_ns_high", c.costHighNs},
            {"net_hidden_ns", c.netHiddenNs},
            {"kernels", array(c.kernels, [](const ContendedKernel& k) {
                 return Json{{"name", text(k.name)},
                             {"alone", k.alone},
                             {"overlapped", k.overlapped},
                             {"median_alone_ns", k.medianAloneNs},
                             {"median_overlapped_ns", k.medianOverlappedNs},
                             {"cost_ns", k.costNs}};
             })}};
}

Json whatIf(const WhatIf& w) {
    return {{"workload", text(w.workload)},
            {"change", text(w.change)},
            {"step_ns_low", w.stepNsLow},
            {"step_ns_high", w.stepNsHigh},
            {"measured_ns", integer(w.measuredNs)},
            {"step_ns", w.stepNs},
            {"replay_ns", w.replayNs},
            {"bound_ns", w.boundNs},
            {"compared_with", w.comparedWith.empty() ? Json(nullptr) : text(w.comparedWith)},
            {"error", number(w.error)}};
}

Json range(const RangeSummary& r) {
    return {{"name", text(r.name)},      {"kind", text(r.kind)},       {"count", r.count},
            {"total_ns", r.totalNs},     {"self_ns", r.selfNs},        {"device_ns", r.deviceNs},
            {"device_self_ns", r.deviceSelfNs}};
}

Json footprint(const DeviceFootprint& d) {
    return {{"rank", d.rank},
            {"device", d.device},
            {"peak_bytes", d.peakBytes},
            {"peak_time_ns", d.peakTimeNs},
            {"last_bytes", d.lastBytes},
            {"allocations", d.allocations},
            {"releases", d.releases},
            {"unmatched_releases", d.unmatchedReleases},
            {"link_bandwidth", number(d.linkBandwidth)},
            {"samples", array(d.samples, [](const auto& s) { return Json::array({Json(s.first), number(s.second)}); })},
            {"owners", array(d.owners, [](const MemoryOwner& o) {
                 return Json{{"name", text(o.name)},
                             {"kind", text(o.kind)},
                             {"at_peak_bytes", o.atPeakBytes},
                             {"peak_bytes", o.peakBytes},
                             {"allocations", o.allocations},
                             {"offload_ns", integer(o.offloadNs)},
                             {"recompute_ns", integer(o.recomputeNs)}};
             })}};
}

Json memory(const MemorySummary& m) {
    return {{"peak_rss_bytes", integer(m.peakRssBytes)},
            {"device_bytes_peak", integer(m.deviceBytesPeak)},
            {"rss", array(m.rss, [](const auto& s) { return Json::array({Json(s.first), number(s.second)}); })},
            {"curves", array(m.curves,
                             [](const MemoryCurve& c) {
                                 return Json{{"name", text(c.name)},
                                             {"rank", c.rank},
                                             {"peak_bytes", c.peakBytes},
                                             {"peak_time_ns", c.peakTimeNs},
                                             {"last_bytes", c.lastBytes},
                                             {"samples", array(c.samples, [](const auto& s) {
                                                  return Json::array({Json(s.first), number(s.second)});
                                              })}};
                             })},
            {"fragmentation", number(m.fragmentation)},
            {"reserved_unused_bytes", integer(m.reservedUnusedBytes)},
            {"bandwidth", array(m.bandwidth, [](const BandwidthWall& b) {
                 return Json{{"workload", text(b.workload)},
                             {"time_ns", b.timeNs},
                             {"above_roof_ns", b.aboveRoofNs},
                             {"bytes", number(b.bytes)},
                             {"half_type_saves_ns", b.halfTypeSavesNs},
                             {"fusion_saves_ns", integer(b.fusionSavesNs)}};
             })},
            {"devices", array(m.devices, footprint)},
            {"kv_cache", array(m.kvCache, [](const CacheOccupancy& c) {
                 return Json{{"name", text(c.name)}, {"unit", text(c.unit)}, {"rank", c.rank}, {"peak", number(c.peak)}, {"mean", number(c.mean)}};
             })}};
}

Json energy(const EnergySummary& e) {
    return {{"joules", number(e.joules)},
            {"joules_per_step", number(e.joulesPerStep)},
            {"source", text(e.source)},
            {"workloads", array(e.workloads, [](const WorkloadEnergy& w) {
                 Json classes = Json::object();
                 for (std::size_t c = 0; c < kWallClassCount; ++c)
                     if (w.classes[c] != 0) classes[std::string(kWallClassNames[c])] = number(w.classes[c]);
                 return Json{{"workload", text(w.workload)},
                             {"joules", number(w.joules)},
                             {"joules_per_step", number(w.joulesPerStep)},
                             {"joules_per_token", number(w.joulesPerToken)},
                             {"coverage", number(w.coverage)},
                             {"steps", w.steps},
                             {"classes", w.classesKnown ? std::move(classes) : Json(nullptr)}};
             })}};
}

Json ridgelinePoint(const RidgelinePoint& p) {
    return {{"workload", text(p.workload)},
            {"flops", number(p.flops)},
            {"memory_bytes", number(p.memoryBytes)},
            {"network_bytes", number(p.networkBytes)},
            {"x", number(p.x)},
            {"y", number(p.y)},
            {"bound", text(p.bound)},
            {"compute_ns", p.computeNs},
            {"memory_ns", p.memoryNs},
            {"network_ns", p.networkNs},
            {"step_ns", p.stepNs}};
}

Json gateCheck(const GateCheck& g) {
    return {{"check", text(g.check)}, {"severity", std::string(name(g.severity))}, {"count", g.count}, {"detail", text(g.detail)}};
}

}  // namespace

Json toJson(const Analysis& a) {
    Json out;
    out["schema_version"] = kReportSchemaVersion;
    out["source"] = source(a.sources.empty() ? Source{} : a.sources.front());
    out["sources"] = array(a.sources, source);
    out["gate"] = array(a.gate, gateCheck);
    out["environment"] = environment(a.environment);
    out["ranks"] = array(a.ranks, [](const Rank& r) {
        return Json{{"rank", r.rank}, {"host", text(r.host)}, {"pids", r.pids}};
    });
    out["devices"] = array(a.devices, device);
    out["step_source"] = text(a.stepSource);
    out["steps"] = array(a.steps, step);
    out["attribution"] = attribution(a.attribution);
    out["roofline"] = {{"ceilings", array(a.ceilings, ceiling)}, {"points", array(a.roofline, point)},
                       {"ridgeline", array(a.ridgeline, ridgelinePoint)}};
    out["communication"] = array(a.communication, communication);
    out["stragglers"] = array(a.stragglers, straggler);
    out["clocks"] = array(a.clocks, clock);
    out["unclaimed_skew_ns"] = a.unclaimedSkewNs;
    out["contention"] = array(a.contention, contention);
    out["critical_path"] = criticalPath(a.criticalPath);
    out["what_if"] = array(a.whatIf, whatIf);
    out["findings"] = array(a.findings, finding);
    out["workloads"] = array(a.workloads, workload);
    out["ranges"] = array(a.ranges, range);
    out["ranges_omitted"] = a.rangesOmitted;
    out["memory"] = memory(a.memory);
    out["energy"] = energy(a.energy);
    out["findings_below_floor"] = a.findingsBelowFloor;
    out["losses"] = array(a.losses, [](const Loss& l) {
        return Json{{"source", text(l.source)}, {"count", l.count}};
    });
    return out;
}

std::string renderJson(const Analysis& analysis, int indent) {
    return toJson(analysis).dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ridge::reports
