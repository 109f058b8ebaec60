// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/summary/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "analyzer/findings/evidence.h"
#include "analyzer/gate/gate.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer {
namespace {

constexpr double kWorthSaying = 0.005;  // of the step, as of one trace
constexpr double kTail = 1.2, kOneClass = 0.5;
constexpr std::int64_t kFewestForTail = 20, kFewSteps = 5;

double real(Ns ns) { return static_cast<double>(ns); }
constexpr std::size_t at(WallClass c) { return static_cast<std::size_t>(c); }

// A class of time, or several, that are a finding by themselves.
struct ClassRule {
    const char* rule;
    std::array<WallClass, 3> classes;
    std::size_t count;
    const char* claim;  // "... per step" before it
    const char* tryThis;
    const char* verify;
};
using enum WallClass;
constexpr std::array<ClassRule, 10> kClassRules{{
    {"exposed_communication", {kCommTransfer, kCommUnsplit, kIdle}, 2, "of communication is not hidden behind computation",
     "start the operation earlier (buckets, prefetch), give it a stream or thread of its own with priority, send fewer bytes",
     "exposed communication falls while communication time stays"},
    {"input_io", {kIoInput, kIdle, kIdle}, 1, "is waiting for input",
     "read ahead in the background (prefetch, more loader workers), larger reads, fewer and larger files, a faster or local disk", "io_input falls"},
    {"checkpoint_stall", {kIoCheckpoint, kIdle, kIdle}, 1, "is waiting for checkpoints",
     "write asynchronously from a copy, write shards from every rank, less often", "io_checkpoint falls"},
    {"launch_bound", {kLaunch, kApi, kKernelGap}, 3, "is launching and gaps between kernels", "CUDA graphs, fusion, larger batches", "launch and kernel_gap fall"},
    {"synchronous_calls", {kSync, kIdle, kIdle}, 1, "is waiting for the device in blocking calls with nothing queued",
     "synchronise less often: keep results on the device, read them a step later", "sync falls"},
    {"exposed_copies", {kCopy, kIdle, kIdle}, 1, "of copies is not hidden behind computation", "pinned memory, asynchronous copies on a stream of their own, prefetch",
     "copy falls"},
    {"host_time", {kHost, kIdle, kIdle}, 1, "is the host's own work while the device is idle", "profile the host's code; move work off the launching thread", "host falls"},
    {"host_preemption", {kPreempted, kIdle, kIdle}, 1, "is other programs on the CPUs of the ranks", "pin the ranks to CPUs of their own; see who else runs there", "preempted falls"},
    {"unlinked", {kUnlinked, kUnknownCapture, kIdle}, 2, "is a gap in what was recorded", "record the launches too (CUDA API), with larger buffers", "unlinked and unknown_capture fall"},
    {"memory_wall", {kMemoryWall, kIdle, kIdle}, 1, "is at the memory bandwidth", "fuse operators, smaller types, reuse what is in the cache", "memory_wall falls"},
}};

class Finder {
public:
    Finder(const Summary& summary, const WorkloadSummary& workload, const MergedWorkload& known, Analysis& answer)
        : m_summary(summary), m_workload(workload), m_known(known), m_answer(answer), m_capture(captureConfidence(answer)) {
        for (const Ns ns : workload.classes) m_all += real(ns);
    }

    void run() {
        if (m_workload.medianStepNs <= 0 || m_all <= 0) return;
        for (const ClassRule& rule : kClassRules) addClass(rule);
        addWait();
        addTail();
    }

private:
    // Share of all steps of all ranks, laid on the median step.
    [[nodiscard]] Ns perStep(double total) const { return static_cast<Ns>(total / m_all * real(m_workload.medianStepNs)); }

    void addClass(const ClassRule& rule) {
        Ns total = 0;
        WallClass largest = rule.classes[0];
        for (std::size_t i = 0; i < rule.count; ++i) {
            const Ns ns = m_workload.classes[at(rule.classes[i])];
            total = saturatingAdd(total, ns);
            if (ns > m_workload.classes[at(largest)]) largest = rule.classes[i];
        }
        Finding finding;
        finding.rule = rule.rule;
        finding.wallClass = largest;
        finding.cause = causeOf(largest);
        finding.costNs = perStep(real(total));
        finding.savingHighNs = finding.costNs;
        if (largest == WallClass::kMemoryWall) finding.savingHighNs = std::min(finding.costNs, perStep(real(m_known.aboveRoofNs[1])));
        if (finding.rule == "exposed_communication") {
            double busy = 0;
            for (const CommunicationOp& op : m_answer.communication)
                if (op.workload == m_workload.name) busy += real(op.busyNs);
            finding.savingHighNs = std::min(finding.costNs, std::max<Ns>(0, m_workload.medianStepNs - perStep(busy)));
            finding.evidence.push_back({"communication_ns", busy, "ns"});
        }
        finding.title = fmt::format("{} per step {}", formatDuration(finding.costNs), rule.claim);
        finding.evidence.insert(finding.evidence.begin(), {"class_ns", real(total), "ns"});
        finding.tryThis = rule.tryThis;
        finding.verify = rule.verify;
        takeWorstRank(rule, finding);
        put(std::move(finding));
    }

    // The rank that has most of it, in its median step.
    void takeWorstRank(const ClassRule& rule, Finding& finding) const {
        const Step* worst = nullptr;
        Ns most = -1;
        for (const Step& step : m_answer.steps) {
            if (step.workload != m_workload.name) continue;
            Ns ns = 0;
            for (std::size_t i = 0; i < rule.count; ++i) ns = saturatingAdd(ns, step.classes[at(rule.classes[i])]);
            if (ns <= most) continue;
            most = ns;
            worst = &step;
        }
        if (!worst) return;
        finding.where.push_back({worst->rank, worst->device, worst->startNs, worst->endNs});
        finding.evidence.push_back({"most_on_rank", static_cast<double>(worst->rank), "rank"});
        finding.evidence.push_back({"most_in_its_median_step_ns", real(most), "ns"});
    }

    void addWait() {
        const Ns wait = m_workload.classes[at(kCommWait)];
        const auto last = m_known.usuallyLast;
        Finding finding;
        finding.rule = "wait_for_peers";
        finding.wallClass = kCommWait;
        finding.cause = last ? Cause::kStraggler : Cause::kCommunication;
        finding.costNs = finding.savingHighNs = perStep(real(wait));
        Ns blame = 0;
        std::string excess;
        for (const Straggler& s : m_answer.stragglers) {
            if (s.workload != m_workload.name || (last && s.rank != *last)) continue;
            blame = saturatingAdd(blame, s.blameNs);
            if (excess.empty()) excess = s.excessClass;
        }
        finding.title = last ? fmt::format("ranks wait for rank {}, which arrives last{}", *last, excess.empty() ? "" : fmt::format(" and spends more in {} than its peers", words(excess)))
                             : std::string("ranks wait for each other; no single one is always last");
        if (last) {
            // The closed form of metrics.md 1.6, which is all that sums can tell: its delays, over its steps.
            std::int64_t steps = 0;
            for (const RankLane& lane : m_summary.ranks.at(*last).lanes)
                if (lane.workload == m_workload.name) steps = std::max(steps, lane.steps);
            if (steps > 0) finding.savingHighNs = std::min(finding.costNs, blame / static_cast<Ns>(steps));
            finding.assumptions.push_back("high: the delays that the rank causes, laid on its steps; low: nothing, because the order of the work is not in summaries, so that no change can be played");
        }
        finding.evidence.push_back({"wait_ns", real(wait), "ns"});
        finding.evidence.push_back({"marginal_delay_ns", real(blame), "ns"});
        if (last) finding.evidence.push_back({"last_rank", static_cast<double>(*last), "rank"});
        finding.tryThis = last ? "look at what that rank does more of; balance its share of the work or move it to another node"
                               : "balance the work between ranks; look for jitter of the host";
        finding.verify = "comm_wait falls on the ranks that waited";
        put(std::move(finding));
    }

    // The slowest steps of all, against the median of all: a class each, whose own tail is the longest.
    void addTail() {
        const auto it = m_summary.workloads.find(m_workload.name);
        if (it == m_summary.workloads.end() || it->second.steps.count < kFewestForTail) return;
        const Histogram& steps = it->second.steps;
        const Ns middle = steps.quantile(0.5), tail = steps.quantile(0.95);
        if (middle <= 0 || real(tail) < kTail * real(middle)) return;
        std::size_t most = 0;
        Ns longest = -1;
        for (std::size_t c = 0; c < kWallClassCount; ++c) {
            const Ns length = it->second.classes[c].quantile(0.95) - it->second.classes[c].quantile(0.5);
            if (length <= longest) continue;
            longest = length;
            most = c;
        }
        const double share = std::clamp(real(longest) / real(tail - middle), 0.0, 1.0);
        Finding finding;
        finding.rule = "slow_steps";
        finding.wallClass = static_cast<WallClass>(most);
        finding.cause = share >= kOneClass ? causeOf(finding.wallClass) : Cause::kNone;
        finding.costNs = finding.savingHighNs = static_cast<Ns>(real(tail - middle) * 0.05);
        finding.title = fmt::format("one step in twenty lasts {:.1f} times the median or longer: {}", real(tail) / real(middle),
                                    share >= kOneClass ? fmt::format("the tail of {} is {:.0f} % as long", words(name(finding.wallClass)), share * 100)
                                                       : std::string("no class has a tail half as long"));
        for (const auto& [evidence, q] : {std::pair("step_p50", 0.5), std::pair("step_p95", 0.95), std::pair("step_p99", 0.99)})
            finding.evidence.push_back({evidence, real(steps.quantile(q)), "ns"});
        finding.evidence.push_back({"tail_of_class_ns", real(longest), "ns"});
        finding.assumptions.push_back("cost: the 95th percentile over the median, for one step in twenty");
        finding.tryThis = "analyze one rank alone: it says whether slow steps come back with a period";
        finding.verify = "the 95th percentile of the step comes near its median";
        put(std::move(finding));
    }

    void put(Finding finding) {
        finding.share = real(finding.costNs) / real(m_workload.medianStepNs);
        if (finding.costNs <= 0) return;
        if (finding.share < kWorthSaying) {
            ++m_answer.findingsBelowFloor;
            return;
        }
        finding.workload = m_workload.name;
        finding.sqlNote = "no query: the number is of the sums in summaries, whose traces are not here; analyze one rank";
        finding.id = fmt::format("{}{}{}-1", m_workload.name, m_workload.name.empty() ? "" : "/", finding.rule);
        finding.savingHighNs = std::clamp<Ns>(finding.savingHighNs, 0, finding.costNs);
        finding.confidence = std::max(m_known.fewestSteps < kFewSteps ? Confidence::kLow : Confidence::kMedium, m_capture);
        finding.evidence.push_back({"ranks", static_cast<double>(m_summary.ranks.size()), "1"});
        finding.assumptions.push_back("from the sums of all ranks; the time cannot be laid on ops or shown by SQL here: analyze one rank for those");
        m_answer.findings.push_back(std::move(finding));
    }

    const Summary& m_summary;
    const WorkloadSummary& m_workload;
    const MergedWorkload& m_known;
    Analysis& m_answer;
    Confidence m_capture;
    double m_all = 0;
};

}  // namespace

void addMergedFindings(const Summary& summary, const std::map<std::string, MergedWorkload>& workloads, Analysis& answer) {
    for (const WorkloadSummary& workload : answer.workloads) {
        const auto it = workloads.find(workload.name);
        if (it != workloads.end()) Finder(summary, workload, it->second, answer).run();
    }
    std::stable_sort(answer.findings.begin(), answer.findings.end(), [](const Finding& a, const Finding& b) {
        return a.savingHighNs != b.savingHighNs ? a.savingHighNs > b.savingHighNs : a.costNs > b.costNs;
    });
    applyGate(answer);
}

}  // namespace ridge::analyzer
