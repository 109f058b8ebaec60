// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/roofline/measured.h"

#include "analyzer/roofline/device_roofs.h"
#include "analyzer/roofline/roofs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>

#include "analyzer/attribution/gpu.h"
#include "analyzer/kernels/classify.h"
#include "base/text.h"
#include "schemas/enums/op_kind.h"

namespace ridge::analyzer {
namespace {

constexpr double kLatencyAttainment = 0.6, kDispatchFactor = 5, kBalance = 0.1, kSelfCheck = 0.05;
constexpr double kCopyBytes = 128.0 * (1 << 20);  // beyond any L2 of today, twice
constexpr std::uint16_t kF32 = 1, kF16 = 4, kF64 = 7;
constexpr std::array<std::uint16_t, 3> kScalarDtypes{kF64, kF32, kF16};

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

struct Peak {
    double value = 0;
    std::string name;
};

// The roofs of the devices among all roofs.
class DeviceRoofs {
public:
    DeviceRoofs(const Timeline& timeline, const std::vector<Ceiling>& ceilings) {
        for (const Ceiling& c : ceilings) {
            if (!(c.value > 0) || !std::isfinite(c.value)) continue;
            if (!isRoofOfDevice(timeline, c)) continue;
            // A data sheet is a roof only where nothing was measured, and its name says what it is.
            if (c.kind == "memory" && c.method.starts_with("data sheet")) raise(m_dataSheet[c.level], c);
            else if (c.kind == "memory") raise(m_levels[c.level], c);
            if (c.kind == "compute") m_compute.push_back(c);
            if (c.kind == "dispatch") m_dispatchNs = c.unit == "ns" ? c.value : c.value * 1e9;
        }
        for (auto& [level, peak] : m_dataSheet) {
            peak.name += " (data sheet)";
            m_levels.try_emplace(level, peak);
        }
    }
    [[nodiscard]] const Peak* memory(const char* level) const {
        const auto it = m_levels.find(level);
        return it == m_levels.end() ? nullptr : &it->second;
    }
    [[nodiscard]] std::optional<Peak> compute(std::uint16_t dtype, bool tensor) const {
        std::optional<Peak> preferred, any;
        for (const Ceiling& c : m_compute) {
            if (c.dtype != kDtypeNames[dtype]) continue;
            const std::string name = lower(c.name);
            const bool isTensor = name.find("gemm") != std::string::npos || name.find("tensor") != std::string::npos;
            const bool fits = tensor ? isTensor : name.find("fma") != std::string::npos;
            for (auto* to : {&any, fits ? &preferred : nullptr})
                if (to) raise(to->has_value() ? **to : to->emplace(), c);
        }
        return preferred ? preferred : any;
    }
    [[nodiscard]] double dispatchNs() const { return m_dispatchNs; }
    [[nodiscard]] bool empty() const { return m_levels.empty() && m_compute.empty(); }

private:
    static void raise(Peak& peak, const Ceiling& c) {
        if (c.value > peak.value) peak = {c.value, c.name};
    }
    std::map<std::string, Peak> m_levels, m_dataSheet;
    std::vector<Ceiling> m_compute;
    double m_dispatchNs = 0;
};

struct Sum {
    double value = 0;
    std::int64_t count = 0;
    void add(const std::optional<double>& v) {
        if (!v) return;
        value += *v;
        ++count;
    }
    // Of a group: nothing where an instance lacks it.
    [[nodiscard]] std::optional<double> of(std::int64_t instances) const {
        return count == instances && instances > 0 ? std::optional<double>(value) : std::nullopt;
    }
};

struct Gathered {
    std::vector<Ns> times;
    std::vector<std::size_t> rows;
    std::array<Sum, 3> bytes, scalar;
    Sum tensor;
    bool tensorUnknown = false;  // it ran, and its FLOP are not known
    std::uint16_t tensorDtype = 0;
};

using GroupKey = std::tuple<std::int32_t, std::uint32_t, std::int32_t>;  // workload, name, blocks

const KernelMetrics* metricsOf(const Timeline& timeline, const GpuRow& row) {
    const auto& all = timeline.kernelMetrics;
    const auto it = std::lower_bound(all.begin(), all.end(), row, [](const KernelMetrics& m, const GpuRow& r) {
        return std::tie(m.process, m.correlation) < std::tie(r.process, r.correlation);
    });
    return it != all.end() && it->process == row.process && it->correlation == row.correlation ? &*it : nullptr;
}

std::int32_t workloadOfRow(const Timeline& timeline, const StepSet& steps, const GpuRow& row) {
    if (steps.whole()) return 0;
    if (row.launch == kNoIndex) return kNoIndex;
    const Call& call = timeline.calls[at(row.launch)];
    const std::int32_t step = steps.at(row.process, call.thread, call.start);
    return step == kNoIndex ? kNoIndex : steps.steps[at(step)].workload;
}

std::optional<double> flopsOf(const KernelMetrics& m) {
    if (!m.tensorFlops && m.tensorInstructions) return std::nullopt;
    double sum = m.tensorFlops.value_or(0);
    bool any = m.tensorFlops.has_value();
    for (const auto& f : m.flops) {
        sum += f.value_or(0);
        any = any || f.has_value();
    }
    return any ? std::optional<double>(sum) : std::nullopt;
}

// Fills attainment, bound and the roof that binds.
void judge(const DeviceRoofs& roofs, const Gathered& g, MeasuredKernel& k) {
    const double n = static_cast<double>(k.count), t = static_cast<double>(k.medianNs);
    double computeNs = 0, memoryNs = 0, largestFlops = 0;
    std::string computeRoof, memoryRoof;
    bool missing = g.tensorUnknown;
    const auto pipe = [&](double flops, std::uint16_t dtype, bool tensor) {
        if (flops <= 0) return;
        if (flops > largestFlops) {
            largestFlops = flops;
            k.dtype = dtype;
        }
        const auto peak = roofs.compute(dtype, tensor);
        if (!peak) {
            missing = true;
            return;
        }
        if (const double ns = flops / n / peak->value * 1e9; ns > computeNs) {
            computeNs = ns;
            computeRoof = peak->name;
        }
    };
    for (std::size_t p = 0; p < 3; ++p) pipe(g.scalar[p].of(k.count).value_or(0), kScalarDtypes[p], false);
    pipe(g.tensor.of(k.count).value_or(0), g.tensorDtype, true);
    bool any = computeNs > 0;
    for (std::size_t l = 0; l < 3; ++l) {
        const Peak* peak = roofs.memory(kMeasuredLevels[l]);
        if (!k.bytes[l] || !peak) continue;
        const double ns = *k.bytes[l] / n / peak->value * 1e9;
        any = true;
        if (t > 0) k.attainment[l] = std::max(ns, computeNs) / t;
        if (ns > memoryNs) {
            memoryNs = ns;
            memoryRoof = peak->name;
        }
    }
    RoofAnswer& a = k.answer;
    if (!any || t <= 0) return;
    a.roofNs = std::max(computeNs, memoryNs);
    a.attainment = a.roofNs / t;
    const bool computeWins = computeNs >= memoryNs;
    a.ceiling = computeWins ? computeRoof : memoryRoof;
    if (*a.attainment > kUnreliable) {
        a.bound = "unreliable";
    } else if (t < kDispatchFactor * roofs.dispatchNs() || *a.attainment < kLatencyAttainment) {
        // Far from the roofs that are known; the one that is not may be the one.
        if (missing && t >= kDispatchFactor * roofs.dispatchNs()) return;
        a.bound = "latency";
        a.wallClass = WallClass::kLatencyBound;
    } else {
        const bool balanced = computeNs > 0 && memoryNs > 0 && std::abs(computeNs - memoryNs) <= kBalance * a.roofNs;
        a.bound = balanced ? "balanced" : computeWins ? "compute" : "memory";
        a.wallClass = computeWins ? WallClass::kComputeBound : WallClass::kMemoryWall;
    }
}

// Measured over known, for the largest payload of the two kinds of which all kernels have counters.
void selfCheck(const Timeline& timeline, const Ops& ops, const std::vector<std::int32_t>& groups, const std::vector<const KernelMetrics*>& metrics,
               MeasuredRoofline& result) {
    struct Seen {
        Sum dram, flops;
        std::int64_t kernels = 0;
    };
    std::map<std::int32_t, Seen> seen;
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i) {
        if (groups[i] == kNoIndex || timeline.gpu[i].kind == GpuKind::kGraph) continue;
        Seen& s = seen[groups[i]];
        ++s.kernels;
        if (!metrics[i]) continue;
        s.dram.add(metrics[i]->dram);
        s.flops.add(flopsOf(*metrics[i]));
    }
    double copy = 0, gemm = 0;
    for (const auto& [group, s] : seen) {
        const OpGroup& op = ops.groups[at(group)];
        const double n = static_cast<double>(op.count), bytes = op.work.bytesRead + op.work.bytesWritten;
        if (const auto d = s.dram.of(s.kernels); op.work.opKind == kOpCopy && bytes >= kCopyBytes && bytes > copy && d) {
            copy = bytes;
            result.copyRatio = *d / (bytes * n);
        }
        if (const auto f = s.flops.of(s.kernels); op.work.opKind == kOpGemm && op.work.flops > gemm && f) {
            gemm = op.work.flops;
            result.gemmRatio = *f / (op.work.flops * n);
        }
    }
    for (const auto& ratio : {result.copyRatio, result.gemmRatio})
        if (ratio && std::abs(*ratio - 1) > kSelfCheck) result.reliable = false;
}

std::map<GroupKey, Gathered> gather(const Timeline& timeline, const StepSet& steps, const std::vector<bool>& communication,
                                    const std::vector<const KernelMetrics*>& metrics) {
    std::map<GroupKey, Gathered> groups;
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i) {
        const GpuRow& row = timeline.gpu[i];
        const KernelMetrics* m = metrics[i];
        if (!m || communication[i]) continue;
        const std::int32_t workload = workloadOfRow(timeline, steps, row);
        if (workload == kNoIndex) continue;
        Gathered& g = groups[{workload, row.name.value, row.blocks}];
        g.times.push_back(row.end - row.start);
        g.rows.push_back(i);
        g.bytes[0].add(m->dram);
        g.bytes[1].add(m->l2);
        g.bytes[2].add(m->l1);
        for (std::size_t p = 0; p < 3; ++p) g.scalar[p].add(m->flops[p]);
        g.tensor.add(m->tensorFlops);
        g.tensorUnknown = g.tensorUnknown || (!m->tensorFlops && m->tensorInstructions);
        if (m->tensorDtype != 0) g.tensorDtype = m->tensorDtype;
    }
    return groups;
}

}  // namespace

MeasuredRoofline measureKernels(const Timeline& timeline, const StepSet& steps, const Ops& ops, const RowFacts& facts,
                                const std::vector<Ceiling>& ceilings) {
    MeasuredRoofline result;
    if (timeline.kernelMetrics.empty()) return result;
    const DeviceRoofs roofs(timeline, ceilings);
    result.roofs = !roofs.empty();
    std::vector<const KernelMetrics*> metrics(timeline.gpu.size(), nullptr);
    std::map<const KernelMetrics*, std::int64_t> uses;
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i)
        if (timeline.gpu[i].kind == GpuKind::kKernel && (metrics[i] = metricsOf(timeline, timeline.gpu[i]))) ++uses[metrics[i]];
    for (auto& m : metrics)
        if (m && uses[m] > 1) m = nullptr;  // one number for several kernels of a launch
    for (const auto& m : timeline.kernelMetrics) {
        const auto it = uses.find(&m);
        ++(it != uses.end() && it->second == 1 ? result.launches : result.unmatched);
    }
    selfCheck(timeline, ops, facts.group, metrics, result);
    result.classOfRow.assign(timeline.gpu.size(), kNotMeasured);
    for (auto& [key, g] : gather(timeline, steps, facts.communication, metrics)) {
        MeasuredKernel k;
        k.workload = std::get<0>(key);
        k.name = NameId{std::get<1>(key)};
        k.blocks = std::get<2>(key);
        k.count = static_cast<std::int64_t>(g.times.size());
        for (const Ns ns : g.times) k.timeNs = saturatingAdd(k.timeNs, ns);
        k.medianNs = median(g.times);
        bool anyFlops = g.tensor.count > 0;
        double flops = g.tensor.of(k.count).value_or(0);
        for (std::size_t l = 0; l < 3; ++l) {
            k.bytes[l] = g.bytes[l].of(k.count);
            anyFlops = anyFlops || g.scalar[l].count > 0;
            flops += g.scalar[l].of(k.count).value_or(0);
        }
        if (anyFlops && !g.tensorUnknown) k.flops = flops;
        judge(roofs, g, k);
        if (!result.reliable) {
            k.answer.bound = "unreliable";
            k.answer.wallClass = WallClass::kComputeUnknown;
        }
        if (k.answer.wallClass != WallClass::kComputeUnknown)
            for (const std::size_t i : g.rows) result.classOfRow[i] = static_cast<std::uint8_t>(k.answer.wallClass);
        result.kernels.push_back(std::move(k));
    }
    std::stable_sort(result.kernels.begin(), result.kernels.end(), [](const MeasuredKernel& a, const MeasuredKernel& b) { return a.timeNs > b.timeNs; });
    return result;
}

void addMeasured(const Timeline& timeline, const StepSet& steps, const MeasuredRoofline& measured, Analysis& answer) {
    const auto gate = [&](const char* check, Severity severity, std::int64_t count, std::string detail) {
        answer.gate.push_back({check, count > 0 ? severity : Severity::kInfo, count, std::move(detail)});
    };
    if (timeline.graphMetrics > 0)
        gate("counters_of_graph_nodes", Severity::kWarning, timeline.graphMetrics, "counters of kernels in graphs are not used: they have no launch of their own");
    if (measured.classOfRow.empty()) return;
    if (measured.unmatched > 0)
        gate("unmatched_counters", Severity::kWarning, measured.unmatched, "launches with counters that have no kernel in the trace, or several, are not used");
    if (!measured.roofs)
        gate("no_device_roofs", Severity::kWarning, measured.launches, "kernels have counters, and no roof of their device was measured: bytes and FLOP are shown, bounds are not");
    const auto told = [](const std::optional<double>& ratio) { return ratio ? fmt::format("{:.3f}", *ratio) : std::string("not there"); };
    const bool checked = measured.copyRatio || measured.gemmRatio;
    gate("counter_self_check", measured.reliable ? Severity::kInfo : Severity::kError, measured.reliable && checked ? 0 : 1,
         !checked ? std::string("counters are not verified: no copy of 128 MiB and no GEMM with a payload has them")
                  : fmt::format("measured over known: copy {}, GEMM {}{}", told(measured.copyRatio), told(measured.gemmRatio),
                                measured.reliable ? "" : "; more than 5 % off: the measured roofline is not used"));
    for (const MeasuredKernel& k : measured.kernels)
        for (std::size_t l = 0; l < 3; ++l) {
            if (!k.bytes[l] || k.timeNs <= 0) continue;
            RooflinePoint point;
            point.workload = steps.workloads[at(k.workload)];
            point.op = toValidUtf8(timeline.names.text(k.name));
            point.opKind = kernelClassName(classifyKernel(timeline.names.text(k.name)));
            point.dtype = kDtypeNames[k.dtype];
            point.count = k.count;
            point.timeNs = k.timeNs;
            point.flops = k.flops.value_or(0);
            point.bytes = *k.bytes[l];
            if (k.flops && *k.bytes[l] > 0) point.intensity = *k.flops / *k.bytes[l];
            point.achieved = (point.flops > 0 ? point.flops : point.bytes) / (static_cast<double>(k.timeNs) / 1e9);
            point.attainment = k.attainment[l];
            point.bound = k.answer.bound;
            point.ceiling = k.answer.ceiling;
            point.source = "measured";
            point.level = kMeasuredLevels[l];
            point.blocks = k.blocks;
            answer.roofline.push_back(std::move(point));
        }
    std::stable_sort(answer.roofline.begin(), answer.roofline.end(), [](const RooflinePoint& a, const RooflinePoint& b) { return a.timeNs > b.timeNs; });
}

}  // namespace ridge::analyzer
