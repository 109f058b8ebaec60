// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/roofline/ridgeline.h"

#include "schemas/enums/op_kind.h"

#include <algorithm>
#include <map>
#include <set>

namespace ridge::analyzer {
namespace {

// The best roof of a kind; of compute for one type.
double roofOf(const std::vector<Ceiling>& ceilings, const std::string& kind, const std::string& dtype) {
    double best = 0;
    for (const Ceiling& c : ceilings) {
        if (c.kind != kind) continue;
        if (kind == "compute" && c.dtype != dtype) continue;
        if (kind == "memory" && !c.level.empty() && c.level != "DRAM") continue;
        best = std::max(best, c.value);
    }
    return best;
}

}  // namespace

RidgelineAnswer ridgeline(const RidgelineInput& in) {
    RidgelineAnswer out;
    const auto time = [](double work, double roof) { return work > 0 && roof > 0 ? work / roof : 0.0; };
    out.computeSeconds = time(in.flops, in.peakFlops);
    out.memorySeconds = time(in.memoryBytes, in.memoryBandwidth);
    out.networkSeconds = time(in.networkBytes, in.networkBandwidth);
    if (in.memoryBytes > 0) out.y = in.flops / in.memoryBytes;
    if (in.networkBytes > 0) out.x = in.memoryBytes / in.networkBytes;
    out.seconds = std::max({out.computeSeconds, out.memorySeconds, out.networkSeconds});
    if (out.seconds <= 0) return out;
    // The conditions above are these comparisons of times: y >= P / BWm is FLOP / P >= Bm / BWm, and so on.
    if (out.computeSeconds >= out.memorySeconds && out.computeSeconds >= out.networkSeconds)
        out.bound = "compute";
    else
        out.bound = out.memorySeconds >= out.networkSeconds ? "memory" : "network";
    return out;
}

void addRidgeline(const Context& context, Analysis& answer) {
    for (const WorkloadSummary& summary : answer.workloads) {
        const auto it = std::find(context.steps.workloads.begin(), context.steps.workloads.end(), summary.name);
        const auto workload = static_cast<std::int32_t>(it - context.steps.workloads.begin());
        RidgelineInput in;
        std::map<std::uint16_t, double> byDtype;
        for (const OpGroup& g : context.ops.groups) {
            if (g.workload != workload || g.work.opKind == kOpIo) continue;
            const double count = static_cast<double>(g.count);
            in.flops += g.work.flops * count;
            in.memoryBytes += g.work.opKind == kOpCollective ? 0 : (g.work.bytesRead + g.work.bytesWritten) * count;
            in.networkBytes += g.work.bytesCommunicated * count;
            byDtype[g.work.dtype] += g.work.flops * count;
        }
        if (summary.steps <= 0 || (in.flops <= 0 && in.memoryBytes <= 0 && in.networkBytes <= 0)) continue;
        // steps counts those of every rank, as the ops do.
        for (double* total : {&in.flops, &in.memoryBytes, &in.networkBytes}) *total /= static_cast<double>(summary.steps);
        const auto main = std::max_element(byDtype.begin(), byDtype.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        std::string dtype(kDtypeNames[main->first]);
        if (dtype == "none") dtype = "f32";
        in.peakFlops = roofOf(answer.ceilings, "compute", dtype);
        in.memoryBandwidth = roofOf(answer.ceilings, "memory", "");
        in.networkBandwidth = roofOf(answer.ceilings, "network", "");
        const RidgelineAnswer out = ridgeline(in);
        RidgelinePoint point;
        point.workload = summary.name;
        point.flops = in.flops;
        point.memoryBytes = in.memoryBytes;
        point.networkBytes = in.networkBytes;
        point.x = out.x;
        point.y = out.y;
        point.bound = out.bound;
        const auto ns = [](double seconds) { return static_cast<Ns>(std::min(seconds * 1e9, 9e18)); };
        point.computeNs = ns(out.computeSeconds);
        point.memoryNs = ns(out.memorySeconds);
        point.networkNs = ns(out.networkSeconds);
        point.stepNs = summary.medianStepNs;
        answer.ridgeline.push_back(std::move(point));
    }
}

}  // namespace ridge::analyzer
