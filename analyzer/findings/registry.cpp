// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/findings/registry.h"

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/findings/slow_steps.h"
#include "analyzer/gate/gate.h"
#include "analyzer/threads.h"
#include "analyzer/what_if/what_if.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace ridge::analyzer {
namespace {

constexpr double kWorthSaying = 0.005;  // of the step
constexpr double kSteady = 0.2;         // half width of the median's interval
constexpr std::size_t kFewSteps = 5;
constexpr double kMostUnlinked = 0.01;

Interval windowOf(const Context& context, const Analysis& answer, std::int32_t workload) {
    Interval window{0, 0};
    bool first = true;
    for (std::size_t i = 0; i < answer.steps.size(); ++i) {
        if (context.origins[i].workload != workload) continue;
        const Step& step = answer.steps[i];
        window.start = first ? step.startNs : std::min(window.start, step.startNs);
        window.end = first ? step.endNs : std::max(window.end, step.endNs);
        first = false;
    }
    return window;
}

// 1.57 interquartile ranges over the root of n, over the median: the notch of a box plot, about the 95 %
// interval of a median.
double halfWidth(std::vector<Ns> samples) {
    if (samples.empty()) return 1;
    std::sort(samples.begin(), samples.end());
    const double middle = static_cast<double>(samples[(samples.size() - 1) / 2]);
    const double range = static_cast<double>(samples[samples.size() * 3 / 4] - samples[samples.size() / 4]);
    return middle > 0 ? 1.57 * range / std::sqrt(static_cast<double>(samples.size())) / middle : 1;
}

// What a rule's cure is called among the what-ifs; nullptr: none.
const char* changeOf(std::string_view rule) {
    if (rule == "exposed_communication") return "comm_hidden";
    if (rule == "wait_for_peers") return "straggler_removed";
    if (rule == "input_io") return "input_hidden";
    if (rule == "checkpoint_stall") return "checkpoint_hidden";
    if (rule == "launch_bound") return "no_launch_cost";
    if (rule == "synchronous_calls") return "sync_removed";
    if (rule == "exposed_copies") return "copies_hidden";
    return nullptr;
}

// The interval of the what-if in place of the rule's own.
void takeWhatIf(std::string_view rule, const Analysis& answer, Finding& finding) {
    const char* change = changeOf(rule);
    if (!change) return;
    for (const WhatIf& w : answer.whatIf) {
        if (w.change != change || w.workload != finding.workload) continue;
        const Ns own = finding.savingLowNs;
        finding.savingLowNs = w.stepNs - w.stepNsHigh;
        finding.savingHighNs = w.stepNs - w.stepNsLow;
        if (w.change == "comm_hidden" || w.change == "copies_hidden") {
            const OverlapCost cost = overlapCost(answer);
            finding.assumptions.push_back(fmt::format(
                "low end of the saving: contention takes back {:.0f} % of what is hidden, {}",
                100 * cost.share,
                cost.measured ? "the most that overlap costs in this trace"
                              : "the most that was published of compute beside collectives "
                                "(nothing overlaps here to measure it by)"));
        }
        // A replay that gains all of the class, or more, says no lower end: the rule's own holds.
        if (std::min(finding.savingHighNs, finding.costNs) <= std::min(finding.savingLowNs, finding.costNs) && own < finding.costNs) {
            finding.savingLowNs = std::min(own, finding.savingLowNs);
            finding.assumptions.push_back("the replay gains all of the cost or more; the low end is the rule's own");
        }
        finding.evidence.push_back({"replayed_step_ns", static_cast<double>(w.replayNs), "ns"});
        finding.assumptions.push_back("saving: between the replay of the step's dependencies and the closed form, at most the cost");
    }
}

// A rule about one device, or about the steps that are slow, holds its saving against those itself.
bool capsItself(std::string_view rule) { return rule == "gpu_gaps" || rule == "low_utilisation" || rule == "slow_steps"; }

// metrics.md 1.6: no saving is more than the time of the classes that the finding names.
void capByClass(std::string_view rule, const RuleInput& input, Finding& finding) {
    if (capsItself(rule)) return;
    const std::vector<WallClass> covered = coveredClasses(rule, !input.context.gpus.empty());
    Ns sum = input.total(finding.wallClass);
    if (!covered.empty()) {
        std::string names;
        sum = 0;
        for (const WallClass c : covered) {
            const Ns ns = input.total(c);
            sum = saturatingAdd(sum, ns);
            if (ns > input.total(finding.wallClass)) finding.wallClass = c;
            if (ns > 0) names += (names.empty() ? "" : ", ") + words(name(c));
        }
        if (names.find(',') != std::string::npos) finding.assumptions.push_back("the time is of several classes together: " + names);
    }
    finding.savingHighNs = std::min(finding.savingHighNs, input.perStep(sum));
}

// A saving whose ends meet at the cost is one number. The cost is a mean over steps: the low end is then that of the
// 95 % interval of what a step spends in the classes that the finding names.
void widen(std::string_view rule, const RuleInput& input, Finding& finding) {
    if (finding.savingLowNs != finding.savingHighNs || finding.savingHighNs <= 0) return;
    std::vector<WallClass> covered = coveredClasses(rule, !input.context.gpus.empty());
    if (covered.empty()) covered.push_back(finding.wallClass);
    double n = 0, sum = 0, squares = 0;
    for (std::size_t i = 0; i < input.answer.steps.size(); ++i) {
        if (input.context.origins[i].workload != input.workload) continue;
        double spent = 0;
        for (const WallClass c : covered) spent += static_cast<double>(input.answer.steps[i].classes[static_cast<std::size_t>(c)]);
        n += 1;
        sum += spent;
        squares += spent * spent;
    }
    if (n < 2 || sum <= 0) return;
    const double mean = sum / n, variance = std::max(0.0, (squares - sum * mean) / (n - 1));
    const double part = std::clamp(1 - 1.96 * std::sqrt(variance / n) / mean, 0.0, 1.0);
    const auto low = static_cast<Ns>(part * static_cast<double>(finding.savingLowNs));
    if (low >= finding.savingLowNs) return;
    finding.savingLowNs = low;
    finding.assumptions.push_back("low: replay and closed form both gain all of the cost; this is the lower end of the 95 % interval of its mean over the steps");
}

// metrics.md 1.8: what the capture and the number of steps allow.
void limitConfidence(const RuleInput& input, Confidence capture, Finding& finding) {
    finding.confidence = std::max(finding.confidence, capture);
    std::int64_t rows = 0, unlinked = 0;
    for (const GpuPartition& p : input.context.gpus) {
        rows += static_cast<std::int64_t>(p.rows.size());
        unlinked += p.unlinked;
    }
    const bool linked = rows == 0 || static_cast<double>(unlinked) <= kMostUnlinked * static_cast<double>(rows);
    if (input.summary.samples.size() < kFewSteps || !linked) finding.confidence = Confidence::kLow;
    if (halfWidth(input.summary.samples) >= kSteady) finding.confidence = std::max(finding.confidence, Confidence::kMedium);
    if (finding.wallClass == WallClass::kDevicePending) {
        finding.confidence = Confidence::kLow;
        finding.cause = Cause::kNone;
    }
    // Two ends that meet say how little is known of the low one, not how well the gain is known.
    if (finding.savingLowNs == finding.savingHighNs && finding.confidence == Confidence::kHigh) {
        finding.confidence = Confidence::kMedium;
        finding.assumptions.push_back("both ends of the saving meet at the cost of the class: a real change can gain less");
    }
}

}  // namespace

Ns RuleInput::perStep(Ns total) const {
    if (summary.steps <= 0) return 0;
    // Share of all steps, laid on the median step: one long step does not inflate the cost.
    double all = 0;
    for (const Ns ns : summary.classes) all += static_cast<double>(ns);
    if (all <= 0) return 0;
    return static_cast<Ns>(static_cast<double>(total) / all * static_cast<double>(summary.medianStepNs));
}

RuleInput::OwnSteps RuleInput::stepsOf(std::int64_t rank, std::int64_t device) const {
    OwnSteps own;
    std::vector<Interval> windows;
    for (std::size_t i = 0; i < answer.steps.size(); ++i) {
        const Step& step = answer.steps[i];
        if (context.origins[i].workload != workload || step.rank != rank || step.device != device) continue;
        ++own.count;
        own.totalNs = saturatingAdd(own.totalNs, step.endNs - step.startNs);
        windows.push_back({step.startNs, step.endNs});
    }
    own.windows = normalize(std::move(windows));
    return own;
}

RuleInput::WorstGpu RuleInput::worstGpu(std::span<const WallClass> classes) const {
    WorstGpu worst;
    for (std::size_t g = 0; g < context.gpus.size(); ++g) {
        const GpuPartition& p = context.gpus[g];
        WorstGpu one{g, context.timeline.devices[static_cast<std::size_t>(p.device)].id, 0, {}};
        one.own = stepsOf(p.rank, one.device);
        for (const Interval& steps : one.own.windows) {
            const ClassTimes times = classTimes(p.segments, steps);
            for (const WallClass c : classes) one.ns = saturatingAdd(one.ns, times[static_cast<std::size_t>(c)]);
        }
        if (g == 0 || one.ns > worst.ns) worst = std::move(one);
    }
    return worst;
}

std::vector<WallClass> coveredClasses(std::string_view rule, bool gpu) {
    using enum WallClass;
    if (rule == "launch_bound") return {kLaunch, kApi, kKernelGap};
    if (rule == "host_time" && !gpu) return {kHost, kIdle};
    if (rule == "exposed_communication") return {kCommTransfer, kCommUnsplit};
    if (rule == "synchronous_copies") return {kSync, kApi, kCopy};
    if (rule == "idle_tensor_cores" || rule == "small_grids" || rule == "decode_bandwidth") return {kComputeBound, kMemoryWall, kLatencyBound, kComputeUnknown};
    if (rule == "clock_throttle") return {kComputeBound, kLatencyBound, kComputeUnknown};
    return {};
}

const std::vector<RuleEntry>& findingRules() {
    static const std::vector<RuleEntry> rules{
        {"compute_bound", rules::computeBound},
        {"memory_wall", rules::memoryWall},
        {"latency_bound", rules::latencyBound},
        {"exposed_communication", rules::exposedCommunication},
        {"wait_for_peers", rules::waitForPeers},
        {"pipeline_bubble", rules::pipelineBubble},
        {"input_io", rules::inputIo},
        {"checkpoint_stall", rules::checkpointStall},
        {"host_preemption", rules::hostPreemption},
        {"host_time", rules::hostTime},
        {"launch_bound", rules::launchBound},
        {"synchronous_calls", rules::synchronousCalls},
        {"pageable_copies", rules::pageableCopies},
        {"exposed_copies", rules::exposedCopies},
        {"gpu_gaps", rules::gpuGaps},
        {"synchronous_copies", rules::synchronousCopies},
        {"small_grids", rules::smallGrids},
        {"low_utilisation", rules::lowUtilisation},
        {"idle_tensor_cores", rules::idleTensorCores},
        {"clock_throttle", rules::clockThrottle},
        {"decode_bandwidth", rules::decodeBandwidth},
        {"slow_steps", rules::slowSteps},
    };
    return rules;
}

void addFindings(const Context& context, Analysis& answer) {
    const Confidence capture = captureConfidence(answer);
    for (const WorkloadSummary& summary : answer.workloads) {
        const auto it = std::find(context.steps.workloads.begin(), context.steps.workloads.end(), summary.name);
        RuleInput input{context, answer, summary, static_cast<std::int32_t>(it - context.steps.workloads.begin()), {}};
        input.window = windowOf(context, answer, input.workload);
        const auto& rules = findingRules();
        std::vector<std::vector<Finding>> found(rules.size());
        parallelFor(rules.size(), [&](std::size_t i) { found[i] = rules[i].rule(input); });
        for (std::size_t i = 0; i < rules.size(); ++i) {
            const RuleEntry& entry = rules[i];
            int number = 0;
            for (Finding& finding : found[i]) {
                if (summary.medianStepNs <= 0 || finding.evidence.empty()) continue;
                if (finding.share <= 0) finding.share = static_cast<double>(finding.costNs) / static_cast<double>(summary.medianStepNs);
                if (finding.share < kWorthSaying) {
                    ++answer.findingsBelowFloor;
                    continue;
                }
                finding.rule = entry.name;
                if (finding.sql.empty() && finding.sqlNote.empty()) finding.sqlNote = "no query: the number cannot be told from the tables alone";
                finding.workload = summary.name;
                finding.id = fmt::format("{}{}{}-{}", summary.name, summary.name.empty() ? "" : "/", entry.name, ++number);
                takeWhatIf(entry.name, answer, finding);
                capByClass(entry.name, input, finding);
                finding.savingHighNs = std::clamp<Ns>(finding.savingHighNs, 0, finding.costNs);
                finding.savingLowNs = std::clamp<Ns>(finding.savingLowNs, 0, finding.savingHighNs);
                widen(entry.name, input, finding);
                limitConfidence(input, capture, finding);
                if (finding.where.empty())
                    finding.where.push_back({answer.steps.front().rank, answer.steps.front().device, input.window.start, input.window.end});
                answer.findings.push_back(std::move(finding));
            }
        }
    }
    // Low confidence never stands above medium.
    std::stable_sort(answer.findings.begin(), answer.findings.end(), [](const Finding& a, const Finding& b) {
        const bool lowA = a.confidence == Confidence::kLow, lowB = b.confidence == Confidence::kLow;
        if (lowA != lowB) return lowB;
        return a.savingHighNs != b.savingHighNs ? a.savingHighNs > b.savingHighNs : a.costNs > b.costNs;
    });
}

}  // namespace ridge::analyzer
