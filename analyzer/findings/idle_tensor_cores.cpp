// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <unordered_map>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/kernels/classify.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {
namespace {

constexpr std::size_t kNamesInSql = 50;

bool hasTensorCores(const std::string& device) {
    constexpr std::array<std::string_view, 26> kDevices{"V100", "A10", "A16", "A2 ",  "A30",  "A40",  "A100", "A800",
                                                        "H20",  "H100", "H200", "H800", "GH200", "GB200", "GB300", "B100", "B200",
                                                        "B300", "L4",  "L20", "L40", "RTX", "TITAN V", "Tesla T", "Orin", "Thor"};
    return std::any_of(kDevices.begin(), kDevices.end(), [&](std::string_view d) { return device.find(d) != std::string::npos; });
}

bool contains(std::string_view name, std::string_view word) { return name.find(word) != std::string_view::npos; }

// Names that say which pipe they use. Single precision counts: TF32 is a tensor type.
bool saysScalar(std::string_view name) {
    for (const char* mark : {"tensorop", "wgmma", "hmma", "imma", "xmma", "gmma", "16816", "1688", "884", "nvjet", "tf32", "_tensor"})
        if (contains(name, mark)) return false;
    return contains(name, "simt") || contains(name, "sgemm") || contains(name, "hgemm") || contains(name, "SGEMM");
}

struct Eligible {
    const RuleInput& input;
    std::unordered_map<std::uint32_t, bool> known;
    [[nodiscard]] bool operator()(const GpuRow& row) {
        if (row.kind != GpuKind::kKernel || row.device == kNoIndex) return false;
        if (row.start < input.window.start || row.start >= input.window.end) return false;
        const Timeline& timeline = input.context.timeline;
        const auto [it, isNew] = known.try_emplace(row.name.value, false);
        if (isNew) {
            const std::string& name = timeline.names.text(row.name);
            it->second = input.context.rows.classOfName[row.name.value] == KernelClass::kGemm && saysScalar(name);
        }
        return it->second && hasTensorCores(timeline.devices[static_cast<std::size_t>(row.device)].name);
    }
};

// Empty where the kernels are not all of one such device or too many.
std::string sqlOf(const RuleInput& input, const std::map<std::uint32_t, Ns>& byName) {
    const Timeline& timeline = input.context.timeline;
    const bool all = std::all_of(timeline.devices.begin(), timeline.devices.end(), [](const GpuDevice& d) { return hasTensorCores(d.name); });
    if (!all || byName.size() > kNamesInSql) return {};
    std::string names;
    for (const auto& [name, ns] : byName) {
        const auto quoted = sqlText(timeline.names.text(NameId{name}));
        if (!quoted) return {};
        names += (names.empty() ? "" : ", ") + *quoted;
    }
    return fmt::format("SELECT SUM(k.end - k.start) FROM CUPTI_ACTIVITY_KIND_KERNEL k LEFT JOIN StringIds d ON d.id = k.demangledName "
                       "LEFT JOIN StringIds s ON s.id = k.shortName WHERE COALESCE(NULLIF(d.value, ''), s.value) IN ({}) AND k.end >= k.start "
                       "AND k.start >= {} AND k.start < {}",
                       names, input.window.start, input.window.end);
}

}  // namespace

// Matrix products on the scalar pipes of a GPU that has tensor cores.
std::vector<Finding> idleTensorCores(const RuleInput& input) {
    Eligible eligible{input, {}};
    std::map<std::uint32_t, Ns> byName;
    Ns sum = 0;
    for (const GpuRow& row : input.context.timeline.gpu) {
        if (!eligible(row)) continue;
        Ns& ns = byName[row.name.value];
        ns = saturatingAdd(ns, row.end - row.start);
        sum = saturatingAdd(sum, row.end - row.start);
    }
    if (sum <= 0) return {};
    Finding finding;
    finding.wallClass = WallClass::kComputeBound;
    finding.cause = Cause::kCompute;
    const Ns compute = input.total(WallClass::kComputeUnknown) + input.total(WallClass::kLatencyBound) + input.total(WallClass::kMemoryWall) +
                       input.total(WallClass::kComputeBound);
    finding.costNs = std::min(input.perStep(sum), input.perStep(compute));
    finding.savingHighNs = finding.costNs;
    std::vector<std::pair<Ns, std::uint32_t>> order;
    for (const auto& [name, ns] : byName) order.emplace_back(ns, name);
    std::sort(order.rbegin(), order.rend());
    for (std::size_t i = 0; i < std::min<std::size_t>(5, order.size()); ++i)
        finding.ops.push_back(toValidUtf8(input.context.timeline.names.text(NameId{order[i].second})));
    finding.title = fmt::format("matrix products of {} per step run on the scalar pipes, and the GPU has tensor cores", formatDuration(finding.costNs));
    prove(finding, makeProof(input, "scalar_gemm_ns", static_cast<double>(sum), "ns", sqlOf(input, byName)));
    finding.evidence.push_back({"kernel_names", static_cast<double>(byName.size()), "1"});
    finding.confidence = Confidence::kLow;  // the pipe is told by the names alone
    // Counters of the pipe, where they were measured, say it for certain.
    std::int64_t measured = 0, used = 0;
    const auto& metrics = input.context.timeline.kernelMetrics;  // by process and correlation
    for (const GpuRow& row : input.context.timeline.gpu) {
        if (metrics.empty() || !eligible(row)) continue;
        const auto m = std::lower_bound(metrics.begin(), metrics.end(), row, [](const KernelMetrics& a, const GpuRow& b) {
            return std::tie(a.process, a.correlation) < std::tie(b.process, b.correlation);
        });
        if (m == metrics.end() || m->process != row.process || m->correlation != row.correlation || !m->tensorInstructions) continue;
        ++measured;
        used += *m->tensorInstructions > 0 ? 1 : 0;
    }
    if (used > 0) return {};
    if (measured > 0) {
        finding.confidence = Confidence::kMedium;
        finding.evidence.push_back({"kernels_without_tensor_instructions", static_cast<double>(measured), "1"});
    } else {
        finding.assumptions.push_back("which pipe a kernel uses is told by its name");
    }
    finding.assumptions.push_back("low: the kernels may be bound by memory and gain nothing");
    finding.tryThis = "bf16 or f16 (autocast), or TF32 for single precision on Ampere and later (allow_tf32); sizes that are multiples of 8";
    finding.verify = "the kernels' names have tensor marks (tensorop, 16816, wgmma) and they become shorter";
    return {finding};
}

}  // namespace ridge::analyzer::rules
