// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/roofline/points.h"

#include <algorithm>

#include "base/text.h"
#include "schemas/enums/op_kind.h"

namespace ridge::analyzer {

void addRoofline(const Context& context, Analysis& answer) {
    for (const OpGroup& g : context.ops.groups) {
        if (g.work.opKind == kOpCollective || g.work.opKind == kOpIo || g.timeNs <= 0) continue;
        RooflinePoint point;
        point.workload = context.steps.workloads[static_cast<std::size_t>(g.workload)];
        point.op = toValidUtf8(context.timeline.names.text(g.name));
        point.opKind = kOpKindNames[g.work.opKind];
        point.dtype = kDtypeNames[g.work.dtype];
        point.count = g.count;
        point.timeNs = g.timeNs;
        const double count = static_cast<double>(g.count);
        const double bytes = g.work.bytesRead + g.work.bytesWritten;
        const double seconds = static_cast<double>(g.timeNs) / 1e9;
        point.flops = g.work.flops * count;
        point.bytes = bytes * count;
        if (bytes > 0) point.intensity = g.work.flops / bytes;
        if (g.work.flops > 0 || bytes > 0) point.achieved = (g.work.flops > 0 ? point.flops : point.bytes) / seconds;
        point.attainment = g.answer.attainment;
        point.bound = g.answer.bound;
        point.ceiling = g.answer.ceiling;
        point.source = "model";
        answer.roofline.push_back(std::move(point));
    }
    std::stable_sort(answer.roofline.begin(), answer.roofline.end(),
                     [](const RooflinePoint& a, const RooflinePoint& b) { return a.timeNs > b.timeNs; });
}

}  // namespace ridge::analyzer
