// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Parts of the run in which the GPU does little: its time in 30 equal parts, neighbours below one half joined.
std::vector<Finding> lowUtilisation(const RuleInput& input) {
    constexpr Ns kParts = 30;
    constexpr double kLow = 0.5;
    std::vector<Finding> findings;
    for (std::size_t g = 0; g < input.context.gpus.size(); ++g) {
        const GpuPartition& p = input.context.gpus[g];
        // Traces of several machines or days may be given together: a GPU answers for its own time only.
        const Interval all{std::max(input.window.start, p.firstStart), std::min(input.window.end, p.lastEnd)};
        if (all.end - all.start < kParts) continue;
        const std::int64_t device = input.context.timeline.devices[static_cast<std::size_t>(p.device)].id;
        Finding finding;
        ClassTimes causes{};
        Ns idle = 0, length = 0;
        const Ns part = (all.end - all.start) / kParts;
        for (Ns i = 0; i < kParts; ++i) {
            const Interval cut{all.start + i * part, i + 1 == kParts ? all.end : all.start + (i + 1) * part};
            const Ns busy = ridge::analyzer::length(clip(p.busy, cut));
            if (static_cast<double>(busy) >= kLow * static_cast<double>(cut.end - cut.start)) continue;
            idle = saturatingAdd(idle, cut.end - cut.start - busy);
            length = saturatingAdd(length, cut.end - cut.start);
            const ClassTimes times = classTimes(p.segments, cut);
            for (std::size_t c = static_cast<std::size_t>(WallClass::kIoInput); c < kWallClassCount; ++c) causes[c] = saturatingAdd(causes[c], times[c]);
            if (!finding.where.empty() && finding.where.back().endNs == cut.start)
                finding.where.back().endNs = cut.end;
            else
                finding.where.push_back({p.rank, device, cut.start, cut.end});
        }
        if (idle <= 0) continue;
        const auto largest = std::max_element(causes.begin(), causes.end());
        finding.wallClass = static_cast<WallClass>(largest - causes.begin());
        finding.cause = causeOf(finding.wallClass);
        finding.costNs = input.perStepOf(idle, p.rank, device);
        finding.savingHighNs = finding.costNs;
        finding.title = fmt::format("GPU {}{} is used for less than half of the time in {} of the run, mostly {}", device, ofRank(input, p.rank),
                                    formatShare(static_cast<double>(length) / static_cast<double>(all.end - all.start)), name(finding.wallClass));
        prove(finding, gapTime(input, g, 1));
        finding.evidence.push_back({"idle_in_these_parts_ns", static_cast<double>(idle), "ns"});
        finding.evidence.push_back({"cause_ns", static_cast<double>(*largest), "ns"});
        finding.confidence = Confidence::kMedium;
        finding.tryThis = "see the cause in the named ranges: it is the same as that of the other findings there";
        finding.verify = "the GPU is busy for more than half of each part";
        // Of several GPUs the one that is idle most speaks for all.
        if (findings.empty() || findings.front().costNs < finding.costNs) findings.assign(1, std::move(finding));
    }
    return findings;
}

}  // namespace ridge::analyzer::rules
