// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Whether two runs may be compared at all, and what else is different between them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "analyzer/compare/comparison.h"

namespace ridge::analyzer {
namespace {

// What makes a machine another one. Limits that were set on it (quota, usable CPUs, governor) and software are
// differences to be listed.
constexpr std::array<std::string_view, 8> kMachineFields{"cpu.model", "cpu.sockets", "cpu.online", "memory.gib",
                                                         "memory.numa_nodes", "os.arch", "gpu.model", "gpu.count"};
constexpr double kCounterDiffers = 0.02;
constexpr std::size_t kLongestValue = 200;

std::map<std::string, EnvironmentField> fieldsOf(const RunProfile& run) {
    std::map<std::string, EnvironmentField> fields;
    for (const EnvironmentField& f : run.environment) fields.emplace(f.name, f);
    return fields;
}

std::multiset<std::string> devicesOf(const RunProfile& run) {
    std::multiset<std::string> names;
    for (const Device& d : run.devices)
        if (d.kind == "gpu" && !d.name.empty()) names.insert(d.name);
    return names;
}

std::set<std::string> kinds(const std::multiset<std::string>& names) { return {names.begin(), names.end()}; }

std::string joined(const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::optional<Refusal> otherMachine(const RunProfile& a, const RunProfile& b) {
    const auto deviceA = kinds(devicesOf(a)), deviceB = kinds(devicesOf(b));
    if (!deviceA.empty() && !deviceB.empty() && deviceA != deviceB)
        return Refusal{RefusalKind::kMachine, fmt::format("A ran on {}, B on {}: what differs may be the machine", joined(deviceA), joined(deviceB))};
    const auto left = fieldsOf(a), right = fieldsOf(b);
    for (const std::string_view name : kMachineFields) {
        const auto x = left.find(std::string(name)), y = right.find(std::string(name));
        if (x == left.end() || y == right.end() || x->second.value == y->second.value) continue;
        return Refusal{RefusalKind::kMachine, fmt::format("A and B ran on different machines: {} is {} in A and {} in B", name,
                                                          x->second.value.substr(0, kLongestValue), y->second.value.substr(0, kLongestValue))};
    }
    return std::nullopt;
}

std::optional<Refusal> cannotTell(const RunProfile& run, const char* side) {
    if (run.lanes.empty())
        return Refusal{RefusalKind::kNothing, fmt::format("{} holds nothing to compare: no step with time in it", side)};
    for (const GateCheck& check : run.gate)
        if (check.severity == Severity::kError)
            return Refusal{RefusalKind::kCapture, fmt::format("cannot tell: the capture of {} has {} ({}): {}", side, check.check, check.count, check.detail)};
    return std::nullopt;
}

std::string groupOf(std::string_view name) {
    const auto has = [&](std::string_view word) { return name.find(word) != std::string_view::npos; };
    if (has("clock") || has("mhz") || has("governor") || has("boost") || has("turbo") || has("freq")) return "clock";
    if (has("throttle")) return "throttle";
    if (has("power")) return "power";
    if (has("temp")) return "temperature";
    if (has("driver")) return "driver";
    if (has("version") || has("libc") || has("cuda") || has("nccl") || has("kernel") || has("microcode")) return "library";
    if (has("host.name") || has("cpu.") || has("gpu.") || has("memory.")) return "machine";
    return "environment";
}

int orderOf(const std::string& group) {
    static constexpr std::array<std::string_view, 8> kOrder{"clock", "power", "throttle", "temperature", "driver", "library", "machine", "environment"};
    return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), group) - kOrder.begin());
}

void addEnvironment(const RunProfile& a, const RunProfile& b, std::vector<Difference>& out) {
    const auto left = fieldsOf(a), right = fieldsOf(b);
    if (left.empty() || right.empty()) return;  // one side records none: says nothing
    std::set<std::string> names;
    for (const auto& [name, field] : left) names.insert(name);
    for (const auto& [name, field] : right) names.insert(name);
    for (const std::string& name : names) {
        if (name == "environment.key" || name == "time.utc_ns") continue;
        const auto x = left.find(name), y = right.find(name);
        const std::string va = x == left.end() ? "" : x->second.value, vb = y == right.end() ? "" : y->second.value;
        if (va == vb) continue;
        const std::string& fieldClass = x == left.end() ? y->second.fieldClass : x->second.fieldClass;
        out.push_back({name, va.substr(0, kLongestValue), vb.substr(0, kLongestValue), groupOf(name), fieldClass != "volatile"});
    }
}

void addCounters(const RunProfile& a, const RunProfile& b, std::vector<Difference>& out) {
    std::map<std::pair<std::string, std::int64_t>, std::pair<const ProfileCounter*, const ProfileCounter*>> counters;
    for (const ProfileCounter& c : a.counters) counters[{c.name, c.device}].first = &c;
    for (const ProfileCounter& c : b.counters) counters[{c.name, c.device}].second = &c;
    const auto text = [](const ProfileCounter* c) { return c ? fmt::format("{:g} {} (median)", c->median, c->unit) : std::string(); };
    for (const auto& [key, pair] : counters) {
        const auto& [x, y] = pair;
        if (x && y && std::abs(x->median - y->median) <= kCounterDiffers * std::max(std::abs(x->median), std::abs(y->median))) continue;
        const std::string device = key.second < 0 ? "" : fmt::format(", device {}", key.second);
        out.push_back({key.first + device, text(x), text(y), groupOf(key.first), true});
    }
}

std::string productOf(const RunProfile& run) {
    std::set<std::string> products;
    for (const Source& s : run.sources) products.insert(s.product.empty() ? s.kind : s.product);
    return joined(products);
}

}  // namespace

std::optional<Refusal> whyNotComparable(const RunProfile& a, const RunProfile& b) {
    if (auto refusal = cannotTell(a, "A")) return refusal;
    if (auto refusal = cannotTell(b, "B")) return refusal;
    if (auto refusal = otherMachine(a, b)) return refusal;
    if (a.worldSize != b.worldSize && a.worldSize > 0 && b.worldSize > 0)
        return Refusal{RefusalKind::kWorld, fmt::format("A ran on {} ranks, B on {}: a step is not the same work", a.worldSize, b.worldSize)};
    std::set<std::int64_t> ranksA, ranksB;
    for (const ProfileLane& lane : a.lanes) ranksA.insert(lane.rank);
    for (const ProfileLane& lane : b.lanes) ranksB.insert(lane.rank);
    if (ranksA.size() != ranksB.size())
        return Refusal{RefusalKind::kWorld, fmt::format("A has the steps of {} rank{}, B of {}: give the same ranks of both", ranksA.size(), ranksA.size() == 1 ? "" : "s", ranksB.size())};
    return std::nullopt;
}

std::vector<Difference> differencesOf(const RunProfile& a, const RunProfile& b) {
    std::vector<Difference> out;
    addEnvironment(a, b, out);
    addCounters(a, b, out);
    if (productOf(a) != productOf(b)) out.push_back({"recorded by", productOf(a), productOf(b), "capture", true});
    std::stable_sort(out.begin(), out.end(), [](const Difference& x, const Difference& y) {
        return x.counts != y.counts ? x.counts : orderOf(x.group) < orderOf(y.group);
    });
    return out;
}

}  // namespace ridge::analyzer
