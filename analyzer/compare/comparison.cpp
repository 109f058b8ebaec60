// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>

namespace ridge::analyzer {
namespace {

__extension__ using Wide = __int128;

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

Ns narrowed(Wide value) {
    return static_cast<Ns>(std::clamp<Wide>(value, -(Wide{1} << 62), Wide{1} << 62));
}

Ns roundedQuotient(Wide numerator, Wide denominator) {
    const Wide half = denominator / 2;
    return narrowed(numerator >= 0 ? (numerator + half) / denominator : -((-numerator + half) / denominator));
}

// Steps of one lane of both sides that stand against each other.
struct Matched {
    std::vector<const ProfileStep*> a, b;
    bool byPlace = false;
};

std::vector<const ProfileStep*> withoutWarmup(const ProfileLane& lane, const std::string& stepSource, int warmup, std::int64_t& left) {
    std::vector<const ProfileStep*> steps;
    for (const ProfileStep& step : lane.steps) steps.push_back(&step);
    const bool marked = stepSource == "ridge" || stepSource == "whole trace";
    const std::size_t wanted = warmup >= 0 ? static_cast<std::size_t>(warmup) : marked ? 0 : 1;
    const std::size_t most = steps.size() >= 3 ? steps.size() - 1 : 0;
    left = static_cast<std::int64_t>(std::min(wanted, most));
    steps.erase(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(left));
    return steps;
}

Matched matchSteps(const std::vector<const ProfileStep*>& a, const std::vector<const ProfileStep*>& b) {
    std::map<std::int64_t, const ProfileStep*> ofA, ofB;
    for (const ProfileStep* s : a) ofA.emplace(s->index, s);
    for (const ProfileStep* s : b) ofB.emplace(s->index, s);
    Matched matched;
    const bool unique = ofA.size() == a.size() && ofB.size() == b.size();
    if (unique)
        for (const auto& [index, step] : ofA)
            if (const auto other = ofB.find(index); other != ofB.end()) {
                matched.a.push_back(step);
                matched.b.push_back(other->second);
            }
    const std::size_t fewer = std::min(a.size(), b.size());
    if (2 * matched.a.size() >= fewer && !matched.a.empty()) return matched;
    matched.a.assign(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(fewer));
    matched.b.assign(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(fewer));
    matched.byPlace = true;
    return matched;
}

const ProfileStep& medianStep(const std::vector<const ProfileStep*>& steps) {
    std::vector<const ProfileStep*> sorted = steps;
    std::stable_sort(sorted.begin(), sorted.end(), [](const ProfileStep* x, const ProfileStep* y) { return x->endNs - x->startNs < y->endNs - y->startNs; });
    const Ns length = sorted[(sorted.size() - 1) / 2]->endNs - sorted[(sorted.size() - 1) / 2]->startNs;
    return **std::find_if(sorted.begin(), sorted.end(), [&](const ProfileStep* s) { return s->endNs - s->startNs == length; });
}

Spread lengthsOf(const std::vector<const ProfileStep*>& steps) {
    std::vector<Ns> lengths;
    for (const ProfileStep* s : steps) lengths.push_back(s->endNs - s->startNs);
    return spreadOf(std::move(lengths));
}

Spread classSpread(const std::vector<const ProfileStep*>& steps, std::size_t c) {
    std::vector<Ns> times;
    for (const ProfileStep* s : steps) times.push_back(s->classes[c]);
    return spreadOf(std::move(times));
}

using EntryKey = std::pair<WallClass, std::int32_t>;

// Times of every entry over the matched steps; a step without it counts as 0.
std::map<EntryKey, std::vector<Ns>> timesOf(const std::vector<const ProfileStep*>& steps) {
    std::map<EntryKey, std::vector<Ns>> times;
    for (const ProfileStep* s : steps)
        for (const ProfileEntry& e : s->entries) times[{e.wallClass, e.node}].push_back(e.ns);
    for (auto& [key, list] : times) list.resize(steps.size(), 0);
    return times;
}

const ProfileCount* countOf(const ProfileStep& step, std::int32_t node) {
    const auto it = std::lower_bound(step.counts.begin(), step.counts.end(), node, [](const ProfileCount& c, std::int32_t n) { return c.node < n; });
    return it != step.counts.end() && it->node == node ? &*it : nullptr;
}

RowSide sideOf(const RunProfile& run, const ProfileStep& step, const std::map<EntryKey, std::vector<Ns>>& times, WallClass c, std::int32_t node) {
    RowSide side;
    if (node < 0) return side;
    side.path = pathOf(run, node);
    side.name = run.nodes[at(node)].name;
    side.shape = run.nodes[at(node)].shape;
    if (const ProfileCount* count = countOf(step, node)) {
        side.count = count->count;
        side.ownNs = count->ownNs;
    }
    const auto entry = std::lower_bound(step.entries.begin(), step.entries.end(), EntryKey{c, node},
                                        [](const ProfileEntry& e, const EntryKey& key) { return EntryKey{e.wallClass, e.node} < key; });
    if (entry != step.entries.end() && entry->wallClass == c && entry->node == node) side.ns = entry->ns;
    if (const auto list = times.find({c, node}); list != times.end()) side.spread = spreadOf(list->second);
    return side;
}

// A kernel of another bound, not communication that waits here and transfers there.
bool worksElsewhere(const std::map<std::int32_t, std::set<WallClass>>& classes, std::int32_t node, WallClass c) {
    const auto of = classes.find(node);
    if (of == classes.end() || c > WallClass::kComputeUnknown) return false;
    return std::any_of(of->second.begin(), of->second.end(), [&](WallClass other) { return other != c && other <= WallClass::kComputeUnknown; });
}

void addRows(const RunProfile& a, const RunProfile& b, const Matched& matched, const ProfileStep& stepA, const ProfileStep& stepB, LaneComparison& lane) {
    const auto timesA = timesOf(matched.a), timesB = timesOf(matched.b);
    std::map<std::int32_t, std::set<WallClass>> classesA, classesB;
    for (const ProfileEntry& e : stepA.entries) classesA[e.node].insert(e.wallClass);
    for (const ProfileEntry& e : stepB.entries) classesB[e.node].insert(e.wallClass);
    for (const NodePair& pair : alignSteps(a.nodes, stepA.counts, b.nodes, stepB.counts)) {
        std::set<WallClass> classes;
        if (pair.a >= 0) classes = classesA[pair.a];
        if (pair.b >= 0) classes.insert(classesB[pair.b].begin(), classesB[pair.b].end());
        for (const WallClass c : classes) {
            ComparisonRow row;
            row.wallClass = c;
            row.match = pair.match;
            row.kind = pair.a >= 0 ? a.nodes[at(pair.a)].kind : b.nodes[at(pair.b)].kind;
            row.a = sideOf(a, stepA, timesA, c, pair.a);
            row.b = sideOf(b, stepB, timesB, c, pair.b);
            splitDelta(row);
            row.change = changeOf(row, worksElsewhere(classesA, pair.a, c), worksElsewhere(classesB, pair.b, c));
            row.withinSpread = std::abs(row.deltaNs) <= (row.a.spread.iqr() + row.b.spread.iqr()) / 2;
            lane.rows.push_back(std::move(row));
        }
    }
    std::stable_sort(lane.rows.begin(), lane.rows.end(), [](const ComparisonRow& x, const ComparisonRow& y) {
        const auto key = [](const ComparisonRow& r) {
            return std::tuple(-std::abs(r.deltaNs), r.wallClass, std::string_view(r.shown().path), std::string_view(r.shown().name), std::string_view(r.shown().shape));
        };
        return key(x) < key(y);
    });
}

LaneComparison compareLane(const RunProfile& a, const ProfileLane& laneA, const RunProfile& b, const ProfileLane& laneB, const CompareOptions& options) {
    LaneComparison lane;
    lane.workloadA = laneA.workload;
    lane.workloadB = laneB.workload;
    lane.rank = laneA.rank;
    lane.device = laneA.device;
    lane.gpu = laneA.gpu;
    lane.deviceName = laneA.deviceName;
    const auto stepsA = withoutWarmup(laneA, a.stepSource, options.warmup, lane.warmupA);
    const auto stepsB = withoutWarmup(laneB, b.stepSource, options.warmup, lane.warmupB);
    const Matched matched = matchSteps(stepsA, stepsB);
    lane.matchedByPlace = matched.byPlace;
    lane.unmatchedA = static_cast<std::int64_t>(stepsA.size() - matched.a.size());
    lane.unmatchedB = static_cast<std::int64_t>(stepsB.size() - matched.b.size());
    lane.a = lengthsOf(matched.a);
    lane.b = lengthsOf(matched.b);
    const ProfileStep& stepA = medianStep(matched.a);
    const ProfileStep& stepB = medianStep(matched.b);
    lane.stepA = {stepA.index, stepA.startNs, stepA.endNs};
    lane.stepB = {stepB.index, stepB.startNs, stepB.endNs};
    lane.deltaNs = lane.stepB.lengthNs() - lane.stepA.lengthNs();
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        if (stepA.classes[c] == 0 && stepB.classes[c] == 0) continue;
        lane.classes.push_back({static_cast<WallClass>(c), stepA.classes[c], stepB.classes[c], stepB.classes[c] - stepA.classes[c],
                                classSpread(matched.a, c), classSpread(matched.b, c)});
    }
    std::stable_sort(lane.classes.begin(), lane.classes.end(),
                     [](const ClassDelta& x, const ClassDelta& y) { return std::abs(x.deltaNs) > std::abs(y.deltaNs); });
    addRows(a, b, matched, stepA, stepB, lane);
    return lane;
}

ComparisonSide sideOf(const RunProfile& run) {
    ComparisonSide side{run.sources, run.stepSource, {}};
    for (const GateCheck& check : run.gate)
        if (check.severity != Severity::kInfo) side.gate.push_back(check);
    return side;
}

std::set<std::string> workloadsOf(const RunProfile& run) {
    std::set<std::string> names;
    for (const ProfileLane& lane : run.lanes) names.insert(lane.workload);
    return names;
}

std::string listed(const std::set<std::string>& names) {
    std::string text;
    std::size_t shown = 0;
    for (const std::string& name : names) {
        if (++shown > 3) return text + fmt::format(" and {} more", names.size() - 3);
        text += (text.empty() ? "" : ", ") + (name.empty() ? std::string("(no name)") : name);
    }
    return text;
}

// Name in A -> name in B.
std::map<std::string, std::string> pairWorkloads(const std::set<std::string>& a, const std::set<std::string>& b, const CompareOptions& options) {
    std::map<std::string, std::string> pairs;
    for (const auto& [left, right] : options.pairs)
        if (a.contains(left) && b.contains(right)) pairs[left] = right;
    for (const std::string& name : a)
        if (b.contains(name)) pairs.try_emplace(name, name);
    return pairs;
}

void refuse(Comparison& answer, RefusalKind kind, std::string reason) {
    answer.refusal = Refusal{kind, std::move(reason)};
    answer.lanes.clear();
}

// The lane of the same rank in B: of its GPUs the one in the same place, for a job may be given other numbers.
const ProfileLane* partnerOf(const RunProfile& a, const ProfileLane& lane, const RunProfile& b, const std::string& workload) {
    std::size_t place = 0;
    for (const ProfileLane& l : a.lanes)
        if (l.workload == lane.workload && l.rank == lane.rank && l.gpu == lane.gpu && l.device < lane.device) ++place;
    for (const ProfileLane& l : b.lanes)
        if (l.workload == workload && l.rank == lane.rank && l.gpu == lane.gpu && place-- == 0) return &l;
    return nullptr;
}

std::size_t leadOf(const std::vector<LaneComparison>& lanes) {
    std::size_t lead = 0;
    for (std::size_t i = 0; i < lanes.size(); ++i)
        if (std::abs(lanes[i].deltaNs) > std::abs(lanes[lead].deltaNs)) lead = i;
    return lead;
}

void addNotes(Comparison& answer) {
    bool byPlace = false;
    std::int64_t few = 0, unmatched = 0;
    for (const LaneComparison& lane : answer.lanes) {
        byPlace = byPlace || lane.matchedByPlace;
        unmatched += lane.unmatchedA + lane.unmatchedB;
        few += lane.a.steps < 5 ? 1 : 0;
    }
    if (byPlace) answer.notes.emplace_back("the steps of the two runs are numbered differently: the first was matched with the first, and so on");
    if (unmatched > 0) answer.notes.push_back(fmt::format("{} step{} without a partner on the other side left out", unmatched, unmatched == 1 ? " was" : "s were"));
    if (few > 0) answer.notes.emplace_back("fewer than 5 steps stand against each other: medians and quartiles are weak");
    if (answer.a.stepSource != answer.b.stepSource)
        answer.notes.push_back(fmt::format("steps were found by \"{}\" in A and by \"{}\" in B: they may not be the same", answer.a.stepSource, answer.b.stepSource));
    for (const std::string& name : answer.onlyA) answer.notes.push_back(fmt::format("only A ran {}", name.empty() ? "(no name)" : name));
    for (const std::string& name : answer.onlyB) answer.notes.push_back(fmt::format("only B ran {}", name.empty() ? "(no name)" : name));
}

}  // namespace

Spread spreadOf(std::vector<Ns> values) {
    Spread s;
    if (values.empty()) return s;
    std::sort(values.begin(), values.end());
    const std::size_t last = values.size() - 1;
    s.steps = static_cast<std::int64_t>(values.size());
    s.least = values.front();
    s.q1 = values[last / 4];
    s.median = values[last / 2];
    s.q3 = values[last - last / 4];
    s.most = values.back();
    return s;
}

void splitDelta(ComparisonRow& row) {
    const RowSide &a = row.a, &b = row.b;
    row.deltaNs = b.ns - a.ns;
    row.slowerNs = row.oftenerNs = row.bothNs = 0;
    if (a.count <= 0 || b.count <= 0) {
        row.oftenerNs = row.deltaNs;
        return;
    }
    row.slowerNs = narrowed(Wide{roundedQuotient(Wide{a.count} * b.ns, b.count)} - a.ns);
    row.oftenerNs = roundedQuotient(Wide{b.count - a.count} * a.ns, a.count);
    row.bothNs = row.deltaNs - row.slowerNs - row.oftenerNs;
}

std::string changeOf(const ComparisonRow& row, bool elsewhereA, bool elsewhereB) {
    if (row.deltaNs == 0) return "same";
    if (row.match == NodeMatch::kAdded) return "added";
    if (row.match == NodeMatch::kRemoved) return "removed";
    const bool longer = row.deltaNs > 0;
    std::string how;
    const Ns own = row.b.ownNs - row.a.ownNs;
    if (std::abs(row.oftenerNs) > std::abs(row.slowerNs)) how = longer ? "more often" : "less often";
    else if (row.a.ns == 0 && elsewhereA) how = "new in this class";
    else if (row.b.ns == 0 && elsewhereB) how = "gone from this class";
    else if (row.kind != NodeKind::kHost && row.kind != NodeKind::kOther && 2 * (longer ? own : -own) < std::abs(row.deltaNs) &&
             (row.wallClass <= WallClass::kIoCheckpoint)) how = longer ? "less hidden" : "more hidden";
    else how = longer ? "slower" : "faster";
    if (row.match == NodeMatch::kRenamed || row.match == NodeMatch::kReshaped || row.match == NodeMatch::kMoved) how += ", " + std::string(kNodeMatchNames[static_cast<std::size_t>(row.match)]);
    return how;
}

Comparison compareProfiles(const RunProfile& a, const RunProfile& b, const CompareOptions& options) {
    Comparison answer;
    answer.a = sideOf(a);
    answer.b = sideOf(b);
    answer.differences = differencesOf(a, b);
    if (auto refusal = whyNotComparable(a, b)) {
        answer.refusal = std::move(refusal);
        return answer;
    }
    const auto namesA = workloadsOf(a), namesB = workloadsOf(b);
    const auto pairs = pairWorkloads(namesA, namesB, options);
    std::set<std::string> partnersB;
    for (const auto& [left, right] : pairs) partnersB.insert(right);
    for (const std::string& name : namesA)
        if (!pairs.contains(name)) answer.onlyA.push_back(name);
    for (const std::string& name : namesB)
        if (!partnersB.contains(name)) answer.onlyB.push_back(name);
    if (pairs.empty()) {
        refuse(answer, RefusalKind::kWorkload, fmt::format("A ran {}, B ran {}: no workload in common; --pair NAME_IN_A=>NAME_IN_B compares them all the same", listed(namesA), listed(namesB)));
        return answer;
    }
    for (const ProfileLane& lane : a.lanes) {
        const auto pair = pairs.find(lane.workload);
        if (pair == pairs.end()) continue;
        const ProfileLane* other = partnerOf(a, lane, b, pair->second);
        if (other)
            answer.lanes.push_back(compareLane(a, lane, b, *other, options));
        else
            answer.notes.push_back(fmt::format("rank {} has no steps on {} {} in B: left out", lane.rank, lane.gpu ? "GPU" : "its CPU, device", lane.device));
    }
    if (answer.lanes.empty()) {
        refuse(answer, RefusalKind::kWorld, "no rank and device of A has steps in B: the two ran on different ranks or devices");
        return answer;
    }
    answer.lead = leadOf(answer.lanes);
    addNotes(answer);
    return answer;
}

Result<Comparison> compareTimelines(const Timeline& a, const Timeline& b, const CompareOptions& options) {
    RIDGE_TRY(const RunProfile left, profileTimeline(a, options.analyze));
    RIDGE_TRY(const RunProfile right, profileTimeline(b, options.analyze));
    return compareProfiles(left, right, options);
}

Result<Comparison> compareFiles(const std::vector<std::string>& a, const std::vector<std::string>& b, const CompareOptions& options) {
    RIDGE_TRY(const RunProfile left, profileRun(a, options.analyze));
    RIDGE_TRY(const RunProfile right, profileRun(b, options.analyze));
    return compareProfiles(left, right, options);
}

Comparison compareAnalyses(const Analysis& a, const Analysis& b, const CompareOptions& options) {
    const auto profileOf = [](const Analysis& analysis) {
        RunProfile run;
        run.sources = analysis.sources;
        run.gate = analysis.gate;
        run.environment = analysis.environment;
        run.ranks = analysis.ranks;
        run.devices = analysis.devices;
        run.losses = analysis.losses;
        run.stepSource = analysis.stepSource;
        run.nodes.push_back({});
        run.nodes.push_back({0, NodeKind::kOther, "all of the class", ""});
        std::map<std::tuple<std::string, std::int64_t, std::int64_t>, ProfileLane> lanes;
        for (const Step& step : analysis.steps) {
            if (step.endNs <= step.startNs) continue;
            ProfileLane& lane = lanes[{step.workload, step.rank, step.device}];
            lane.workload = step.workload;
            lane.rank = step.rank;
            lane.device = step.device;
            for (const Device& d : analysis.devices)
                if (d.rank == step.rank && d.id == step.device) {
                    lane.gpu = d.kind == "gpu";
                    lane.deviceName = d.name;
                }
            ProfileStep out{step.index, step.startNs, step.endNs, step.classes, {}, {{1, 1, step.endNs - step.startNs, 0}}};
            for (std::size_t c = 0; c < kWallClassCount; ++c)
                if (step.classes[c] != 0) out.entries.push_back({static_cast<WallClass>(c), 1, step.classes[c]});
            lane.steps.push_back(std::move(out));
        }
        for (auto& [key, lane] : lanes) run.lanes.push_back(std::move(lane));
        return run;
    };
    return compareProfiles(profileOf(a), profileOf(b), options);
}

}  // namespace ridge::analyzer
