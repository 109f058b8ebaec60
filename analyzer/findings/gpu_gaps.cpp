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
        Finding finding;
        ClassTimes causes{};
        std::int64_t count = 0;
        Ns total = 0;
        for (std::size_t i = 0; i + 1 < p.busy.size(); ++i) {
            const Interval gap{p.busy[i].end, p.busy[i + 1].start};
            const Interval cut{std::max(gap.start, input.window.start), std::min(gap.end, input.window.end)};
            if (gap.end - gap.start < kLong || cut.end <= cut.start) continue;
            ++count;
            total = saturatingAdd(total, cut.end - cut.start);
            const ClassTimes times = classTimes(p.segments, cut);
            for (std::size_t c = 0; c < kWallClassCount; ++c) causes[c] = saturatingAdd(causes[c], times[c]);
            if (finding.where.size() < 20)
                finding.where.push_back({p.rank, device, cut.start, cut.end});
        }
        if (count == 0) continue;
        const auto largest = std::max_element(causes.begin(), causes.end());
        finding.wallClass = static_cast<WallClass>(largest - causes.begin());
        finding.cause = causeOf(finding.wallClass);
        finding.costNs = input.perStepOf(total, p.rank, device);
        finding.savingHighNs = finding.costNs;
        finding.title = fmt::format("GPU {}{} is idle {} time{} for 1 ms or more, mostly {}", device, ofRank(input, p.rank), count, count == 1 ? "" : "s", name(finding.wallClass));
        prove(finding, gapTime(input, g, kLong));
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
