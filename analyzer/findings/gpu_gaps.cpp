// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Long idle times of a GPU, whoever caused them.
std::vector<Finding> gpuGaps(const RuleInput& input) {
    constexpr Ns kLong = 1'000'000;  // 1 ms: far above any launch
    std::vector<Finding> findings;
    for (std::size_t g = 0; g < input.context.gpus.size(); ++g) {
        const GpuPartition& p = input.context.gpus[g];
        const std::int64_t device = input.context.timeline.devices[static_cast<std::size_t>(p.device)].id;
        const RuleInput::OwnSteps own = input.stepsOf(p.rank, device);
        const IntervalSet gaps = gapsOf(p, kLong), inside = intersect(gaps, own.windows);
        if (inside.empty()) continue;
        Finding finding;
        ClassTimes causes{};
        std::int64_t count = 0;
        Ns before = inside.front().start;
        for (const Interval& piece : inside) {
            // A gap over a time between two steps is in pieces, and one gap.
            const auto gap = std::upper_bound(gaps.begin(), gaps.end(), piece.start, [](Ns t, const Interval& one) { return t < one.start; });
            const Ns start = std::prev(gap)->start;
            count += count == 0 || start != before ? 1 : 0;
            before = start;
            const ClassTimes times = classTimes(p.segments, piece);
            for (std::size_t c = 0; c < kWallClassCount; ++c) causes[c] = saturatingAdd(causes[c], times[c]);
            if (finding.where.size() < 20) finding.where.push_back({p.rank, device, piece.start, piece.end});
        }
        const Ns total = length(inside);
        const auto largest = std::max_element(causes.begin(), causes.end());
        finding.wallClass = static_cast<WallClass>(largest - causes.begin());
        finding.cause = causeOf(finding.wallClass);
        finding.costNs = own.perStep(total);
        finding.share = own.share(total);
        finding.savingHighNs = std::min(finding.costNs, own.perStep(*largest));
        finding.title = fmt::format("GPU {}{} is idle {} time{} for 1 ms or more, mostly {}", device, ofRank(input, p.rank), count, count == 1 ? "" : "s", words(name(finding.wallClass)));
        prove(finding, gapTimeIn(input, g, kLong, own.windows));
        finding.evidence.push_back({"own_steps", static_cast<double>(own.count), "1"});
        finding.assumptions.push_back(kOfOwnSteps);
        finding.evidence.push_back({"gaps", static_cast<double>(count), "1"});
        finding.evidence.push_back({"cause_ns", static_cast<double>(*largest), "ns"});
        const bool told = finding.wallClass != WallClass::kUnlinked && finding.wallClass != WallClass::kUnknownCapture;
        finding.confidence = told ? Confidence::kMedium : Confidence::kLow;
        finding.tryThis = "look at what the launching thread does in the named ranges";
        finding.verify = "the number and length of the gaps fall";
        findings.push_back(std::move(finding));
    }
    return findings;
}

}  // namespace ridge::analyzer::rules
