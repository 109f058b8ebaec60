// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/findings/slow_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "analyzer/findings/evidence.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer {
namespace {

constexpr double kLonger = 1.2, kSpreads = 4, kMostSlow = 0.4, kRegular = 0.8, kOneClass = 0.5;
constexpr std::size_t kFewestRepeats = 3, kMostShown = 20;

double real(Ns ns) { return static_cast<double>(ns); }

// The distance that most neighbours have, where it explains nearly all of them and nearly none is missing.
std::size_t periodOf(const std::vector<std::size_t>& places, std::size_t steps) {
    if (places.size() < kFewestRepeats) return 0;
    std::map<std::size_t, std::size_t> distances;
    for (std::size_t i = 1; i < places.size(); ++i) ++distances[places[i] - places[i - 1]];
    const auto most = std::max_element(distances.begin(), distances.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    const std::size_t period = most->first;
    if (period < 2 || static_cast<double>(most->second) < kRegular * static_cast<double>(places.size() - 1)) return 0;
    std::map<std::size_t, std::size_t> phases;
    for (const std::size_t place : places) ++phases[place % period];
    const auto phase = std::max_element(phases.begin(), phases.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    const std::size_t expected = (steps - 1 - phase->first) / period + 1;
    return static_cast<double>(phase->second) >= kRegular * static_cast<double>(std::max(expected, places.size())) ? period : 0;
}

// The steps of the workload's first lane, in time.
std::vector<const Step*> laneOf(const RuleInput& input) {
    std::vector<const Step*> steps;
    for (std::size_t i = 0; i < input.answer.steps.size(); ++i)
        if (input.context.origins[i].workload == input.workload) steps.push_back(&input.answer.steps[i]);
    if (steps.empty()) return steps;
    const auto lane = [](const Step* s) { return std::pair(s->rank, s->device); };
    const auto first = lane(*std::min_element(steps.begin(), steps.end(), [&](const Step* a, const Step* b) { return lane(a) < lane(b); }));
    std::erase_if(steps, [&](const Step* s) { return lane(s) != first; });
    std::stable_sort(steps.begin(), steps.end(), [](const Step* a, const Step* b) { return a->startNs < b->startNs; });
    return steps;
}

// What the slow steps have more of than the median of all, per class; only what is more.
ClassTimes excessOf(const std::vector<const Step*>& steps, const SlowSteps& slow) {
    ClassTimes excess{};
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        std::vector<Ns> all;
        for (const Step* step : steps) all.push_back(step->classes[c]);
        const Ns usual = median(std::move(all));
        for (const std::size_t place : slow.places) excess[c] = saturatingAdd(excess[c], steps[place]->classes[c] - usual);
        excess[c] = std::max<Ns>(excess[c], 0);
    }
    return excess;
}

}  // namespace

std::optional<SlowSteps> findSlowSteps(const std::vector<Ns>& lengths) {
    if (lengths.size() < kFewestForTail) return std::nullopt;
    SlowSteps slow;
    slow.medianNs = median(lengths);
    std::vector<Ns> distances;
    for (const Ns length : lengths) distances.push_back(length > slow.medianNs ? length - slow.medianNs : slow.medianNs - length);
    const double limit = std::max(kLonger * real(slow.medianNs), real(slow.medianNs) + kSpreads * real(median(std::move(distances))));
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        if (real(lengths[i]) <= limit) continue;
        slow.places.push_back(i);
        slow.excessNs = saturatingAdd(slow.excessNs, lengths[i] - slow.medianNs);
    }
    // More than that are no tail: then the steps are of two kinds.
    if (slow.places.empty() || static_cast<double>(slow.places.size()) > kMostSlow * static_cast<double>(lengths.size())) return std::nullopt;
    slow.period = periodOf(slow.places, lengths.size());
    return slow;
}

namespace rules {

std::vector<Finding> slowSteps(const RuleInput& input) {
    const std::vector<const Step*> steps = laneOf(input);
    std::vector<Ns> lengths;
    for (const Step* step : steps) lengths.push_back(step->endNs - step->startNs);
    const auto slow = findSlowSteps(lengths);
    if (!slow) return {};
    const ClassTimes excess = excessOf(steps, *slow);
    const auto most = static_cast<std::size_t>(std::max_element(excess.begin(), excess.end()) - excess.begin());
    const double share = real(excess[most]) / std::max(real(slow->excessNs), 1.0);
    const bool one = share >= kOneClass;
    std::vector<Ns> slowOnes;
    for (const std::size_t place : slow->places) slowOnes.push_back(lengths[place]);
    const double times = real(median(std::move(slowOnes))) / std::max(real(slow->medianNs), 1.0);

    Finding finding;
    finding.wallClass = static_cast<WallClass>(most);
    finding.cause = one ? causeOf(finding.wallClass) : Cause::kNone;
    finding.costNs = slow->excessNs / static_cast<Ns>(lengths.size());
    finding.savingHighNs = std::min(finding.costNs, excess[most] / static_cast<Ns>(lengths.size()));
    const std::string which = slow->period > 0 ? fmt::format("each {}th step lasts", slow->period)
                                               : fmt::format("{} of {} steps last{}, without a period,", slow->places.size(), lengths.size(), slow->places.size() == 1 ? "s" : "");
    finding.title = fmt::format("{} {:.1f} times the median: {}", which, times,
                                one ? fmt::format("{:.0f} % of the excess is {}", std::min(share, 1.0) * 100, words(name(finding.wallClass)))
                                    : std::string("no class has half of the excess"));
    prove(finding, stepsProof(input, steps.front()->rank, steps.front()->device));
    finding.evidence.push_back({"slow_steps", static_cast<double>(slow->places.size()), "1"});
    finding.evidence.push_back({"period", static_cast<double>(slow->period), "steps"});
    finding.evidence.push_back({"median_step_ns", real(slow->medianNs), "ns"});
    finding.evidence.push_back({"excess_ns", real(slow->excessNs), "ns"});
    finding.evidence.push_back({"excess_of_class_ns", real(excess[most]), "ns"});
    std::vector<Ns> sorted = lengths;
    std::sort(sorted.begin(), sorted.end());
    finding.evidence.push_back({"p95_step_ns", real(sorted[(sorted.size() - 1) * 95 / 100]), "ns"});
    for (const std::size_t place : slow->places)
        if (finding.where.size() < kMostShown) finding.where.push_back({steps[place]->rank, steps[place]->device, steps[place]->startNs, steps[place]->endNs});
    finding.confidence = slow->places.size() >= kFewestRepeats && one ? Confidence::kHigh : Confidence::kMedium;
    finding.assumptions.push_back("cost: the excess of the slow steps laid on all steps; the median step does not have it");
    finding.tryThis = slow->period > 0 ? fmt::format("look for what the program does each {} steps (checkpoint, evaluation, logging, garbage collection)", slow->period)
                                       : "look at what the slow steps have in common: input that comes late, another program on the machine, a rank that falls behind";
    finding.verify = "the 95th percentile of the step comes near its median";
    return {finding};
}

}  // namespace rules

}  // namespace ridge::analyzer
