// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What each fault of a capture does to the findings that rest on what it spoils.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "analyzer/gate/capture.h"
#include "analyzer/gate/completeness.h"
#include "analyzer/gate/gate.h"

namespace ridge::analyzer {
namespace {

enum class Effect : unsigned char { kLow, kOff };

struct Dependence {
    std::string_view check;
    Effect effect;
    std::vector<std::string_view> rules;
};

const std::vector<Dependence>& dependences() {
    static const std::vector<Dependence> list{
        {"graph_launches_without_rows", Effect::kOff, {"launch_bound", "host_time", "gpu_gaps", "synchronous_calls"}},
        {"launches_without_rows", Effect::kOff, {"launch_bound", "host_time", "gpu_gaps", "synchronous_calls", "low_utilisation"}},
        {kRangesOnlyCheck, Effect::kOff, {"host_time"}},
        {"short_graph_replays", Effect::kLow, {"launch_bound", "host_time", "gpu_gaps"}},
        {"mostly_unlinked", Effect::kOff, {"launch_bound", "host_time", "synchronous_calls"}},
        {"kernel_before_launch", Effect::kLow, {"launch_bound", "host_time", "synchronous_calls"}},
        {"rows_outside_capture", Effect::kLow, {"launch_bound", "host_time", "gpu_gaps"}},
        {"collector_lost_records", Effect::kLow, {"gpu_gaps", "host_time", "launch_bound"}},
        {"dropped_records", Effect::kLow, {"gpu_gaps"}},
        {"missing_columns", Effect::kOff, {"exposed_communication", "wait_for_peers", "pipeline_bubble", "synchronous_calls", "launch_bound", "host_time"}},
        {"unknown_kernel_names", Effect::kLow, {"exposed_communication"}},
        {"missing_ranks", Effect::kOff, {"wait_for_peers", "pipeline_bubble"}},
    };
    return list;
}

bool has(const Analysis& answer, std::string_view name) {
    return std::any_of(answer.gate.begin(), answer.gate.end(), [&](const GateCheck& check) { return check.check == name && check.count > 0; });
}

Ns communicationOf(const WorkloadSummary& workload) {
    Ns sum = 0;
    for (const WallClass c : {WallClass::kCommTransfer, WallClass::kCommWait, WallClass::kCommUnsplit}) sum += workload.classes[static_cast<std::size_t>(c)];
    return sum;
}

}  // namespace

void applyGate(Analysis& answer) {
    std::int64_t withheld = 0;
    std::string names;
    for (const Dependence& d : dependences()) {
        if (!has(answer, d.check)) continue;
        const auto concerned = [&](const Finding& f) { return std::find(d.rules.begin(), d.rules.end(), f.rule) != d.rules.end(); };
        for (Finding& finding : answer.findings) {
            if (!concerned(finding)) continue;
            if (d.effect == Effect::kLow) finding.confidence = Confidence::kLow;
            if (d.effect == Effect::kOff) {
                ++withheld;
                names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", finding.rule, d.check);
            }
        }
        if (d.effect == Effect::kOff) std::erase_if(answer.findings, concerned);
    }
    if (withheld > 0)
        answer.gate.push_back({"withheld_findings", Severity::kInfo, withheld, "cannot tell, for what the capture lacks: " + names});
    if (has(answer, kRangesOnlyCheck))
        for (WorkloadSummary& workload : answer.workloads)
            if (communicationOf(workload) <= 0) workload.verdict = {WallClass::kUnknownCapture, Cause::kNone}, workload.verdictShare = 0;
    if (has(answer, kNoVerdictCheck)) {
        if (!answer.findings.empty())
            answer.gate.push_back({"withheld_findings", Severity::kInfo, static_cast<std::int64_t>(answer.findings.size()), "cannot tell, as there is no verdict"});
        answer.findings.clear();
        for (WorkloadSummary& workload : answer.workloads) {
            workload.verdict = {WallClass::kUnknownCapture, Cause::kNone};
            workload.verdictShare = 0;
        }
    }
    std::stable_partition(answer.findings.begin(), answer.findings.end(), [](const Finding& f) { return f.confidence != Confidence::kLow; });
}

}  // namespace ridge::analyzer
