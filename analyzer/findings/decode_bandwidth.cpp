// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {
namespace {

constexpr double kNearRoof = 0.8;  // MBU above it is as good as decoding gets

bool ofDevice(const RuleInput& input, const Ceiling& roof) {
    if (roof.name.starts_with("gpu")) return true;
    return std::any_of(input.context.timeline.devices.begin(), input.context.timeline.devices.end(),
                       [&](const GpuDevice& d) { return !d.name.empty() && roof.name.find(d.name) != std::string::npos; });
}

// Decoding only reads, so the measured read roof of main memory where there is one; a data sheet is no roof.
std::optional<Ceiling> readRoof(const RuleInput& input) {
    std::optional<Ceiling> best;
    const auto better = [&](const Ceiling& c) {
        if (!best) return true;
        const bool reads = c.access == "read", had = best->access == "read";
        return reads != had ? reads : c.value > best->value;
    };
    for (const Ceiling& c : input.answer.ceilings) {
        if (c.kind != "memory" || (c.level != "DRAM" && !c.level.empty()) || c.method.starts_with("data sheet")) continue;
        if (ofDevice(input, c) == !input.context.gpus.empty() && better(c)) best = c;
    }
    return best;
}

}  // namespace

// Tokens are decoded at less than the memory could deliver weights and cache.
std::vector<Finding> decodeBandwidth(const RuleInput& input) {
    const auto metric = [&](const char* name) -> std::optional<double> {
        for (const WorkloadMetric& m : input.summary.metrics)
            if (m.name == name) return m.value;
        return std::nullopt;
    };
    const auto rate = metric("bytes_per_s"), tpot = metric("tpot");
    const auto roof = readRoof(input);
    if (!rate || !tpot || !roof || !(*rate > 0)) return {};
    const double mbu = *rate / roof->value;
    if (mbu >= kNearRoof) return {};
    const auto quoted = sqlText(input.summary.name);
    Finding finding;
    finding.wallClass = WallClass::kMemoryWall;
    finding.cause = Cause::kMemoryBandwidth;
    finding.costNs = static_cast<Ns>((1 - mbu) * static_cast<double>(input.summary.medianStepNs));
    finding.savingHighNs = finding.costNs;
    finding.title = fmt::format("decoding moves its weights and cache at {} of the measured read bandwidth", formatShare(mbu));
    prove(finding, makeProof(input, "decode_bytes_per_s", *rate, "B/s",
                             quoted ? fmt::format("SELECT value FROM RIDGE_BENCHMARK WHERE workload = {} AND metric = 'bytes_per_s'", *quoted) : std::string()));
    finding.evidence.push_back({"roof", roof->value, "B/s"});
    finding.evidence.push_back({"mbu", mbu, "1"});
    finding.evidence.push_back({"tpot", *tpot, "s"});
    finding.confidence = Confidence::kMedium;  // bytes per token are the model's
    finding.assumptions.push_back("bytes per token are weights and key-value cache once, as the workload counts them");
    finding.tryThis = "fewer and larger kernels per token (fusion, graphs), a layout that reads weights in order, more threads; then larger batches";
    finding.verify = "bytes_per_s rises towards the read roof and tpot falls in proportion";
    return {finding};
}

}  // namespace ridge::analyzer::rules
