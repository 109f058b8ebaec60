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
        const RuleInput::OwnSteps own = input.stepsOf(p.rank, device);
        Finding finding;
        ClassTimes causes{};
        IntervalSet low;
        Ns spent = 0, length = 0;
        const Ns part = (all.end - all.start) / kParts;
        for (Ns i = 0; i < kParts; ++i) {
            const Interval cut{all.start + i * part, i + 1 == kParts ? all.end : all.start + (i + 1) * part};
            const IntervalSet pieces = clip(own.windows, cut);  // time between steps is nobody's cost
            const Ns time = ridge::analyzer::length(pieces);
            spent = saturatingAdd(spent, time);
            const Ns busy = ridge::analyzer::length(intersect(clip(p.busy, cut), pieces));
            if (time <= 0 || static_cast<double>(busy) >= kLow * static_cast<double>(time)) continue;
            length = saturatingAdd(length, time);
            for (const Interval& piece : pieces) {
                const ClassTimes times = classTimes(p.segments, piece);
                for (std::size_t c = static_cast<std::size_t>(WallClass::kIoInput); c < kWallClassCount; ++c) causes[c] = saturatingAdd(causes[c], times[c]);
                low.push_back(piece);
            }
        }
        low = normalize(std::move(low));
        const Ns idle = ridge::analyzer::length(intersect(gapsOf(p, 1), low));
        if (idle <= 0) continue;
        for (const Interval& piece : low) finding.where.push_back({p.rank, device, piece.start, piece.end});
        const auto largest = std::max_element(causes.begin(), causes.end());
        finding.wallClass = static_cast<WallClass>(largest - causes.begin());
        finding.cause = causeOf(finding.wallClass);
        finding.costNs = own.perStep(idle);
        finding.share = own.share(idle);
        finding.savingHighNs = std::min(finding.costNs, own.perStep(*largest));
        finding.title = fmt::format("GPU {}{} is used for less than half of the time in {} of its steps, mostly {}", device, ofRank(input, p.rank),
                                    formatShare(static_cast<double>(length) / static_cast<double>(spent)), words(name(finding.wallClass)));
        prove(finding, gapTimeIn(input, g, 1, low));
        finding.evidence.push_back({"own_steps", static_cast<double>(own.count), "1"});
        finding.assumptions.push_back(kOfOwnSteps);
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
