// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/run/ceilings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analyzer/ceilings.h"
#include "base/text.h"
#include "cli/app/process.h"

namespace ridge::cli {
namespace {

using analyzer::Ceiling;

const Ceiling* counterpart(const std::vector<Ceiling>& list, const Ceiling& c) {
    const auto at = std::find_if(list.begin(), list.end(), [&](const Ceiling& o) {
        return o.kind == c.kind && o.name == c.name && o.dtype == c.dtype && o.level == c.level && o.access == c.access && o.unit == c.unit;
    });
    return at == list.end() ? nullptr : &*at;
}

std::string lastLine(const std::string& text) {
    const std::string_view trimmed = trim(text);
    return std::string(trimmed.substr(trimmed.rfind('\n') + 1));
}

// A compute roof goes by its type and name, any other by its name.
bool inUse(const Ceiling& c, const std::vector<analyzer::RooflinePoint>& points) {
    if (c.kind != "compute" && c.kind != "memory") return false;
    if (points.empty()) return c.kind == "compute" || c.level == "DRAM";
    return std::any_of(points.begin(), points.end(), [&](const analyzer::RooflinePoint& p) {
        if (p.ceiling != c.name) return false;
        return c.kind != "compute" || p.dtype == c.dtype || (p.dtype == "none" && c.dtype == "f32");
    });
}

std::string roofName(const Ceiling& c) { return c.dtype.empty() ? c.name : c.name + " " + c.dtype; }

}  // namespace

Result<std::vector<Ceiling>> measureCeilings(const std::string& workloadsProgram, const std::string& path, double budgetSeconds,
                                             const std::string& backend, double limitSeconds) {
    constexpr double kPatience = 5, kSlack = 30;
    const double limit = limitSeconds > 0 ? limitSeconds : budgetSeconds * kPatience + kSlack;
    RIDGE_TRY(const ProcessResult result, runProcess({workloadsProgram, "--ceilings=" + path, fmt::format("--ceilings-budget={}", budgetSeconds), "--backend=" + backend},
                                                     limit));
    if (result.timedOut)
        return Error{ErrorCode::kMeasurement, fmt::format("measuring the roofs took more than {:.0f} s; is the machine overloaded?", limit)};
    if (result.status != 0) {
        const std::string why = lastLine(result.messages.empty() ? result.output : result.messages);
        return Error{result.status == 77 ? ErrorCode::kUnsupported : ErrorCode::kMeasurement,
                     fmt::format("measuring the roofs failed with exit code {}: {}", result.status, why.empty() ? "no message" : why)};
    }
    return analyzer::readCeilings(path);
}

std::vector<Ceiling> betterOf(const std::vector<Ceiling>& before, const std::vector<Ceiling>& after) {
    std::vector<Ceiling> best = before;
    for (Ceiling& c : best)
        if (const Ceiling* other = counterpart(after, c))
            if (c.unit == "s" ? other->value < c.value : other->value > c.value) c = *other;
    for (const Ceiling& c : after)
        if (!counterpart(before, c)) best.push_back(c);
    return best;
}

analyzer::GateCheck driftCheck(const std::vector<Ceiling>& before, const std::vector<Ceiling>& after,
                               const std::vector<analyzer::RooflinePoint>& points) {
    analyzer::GateCheck check{"ceiling_drift", Severity::kInfo, 0, ""};
    double worst = 0;
    std::string worstText = "none of the roofs in use was measured both before and after the run";
    for (const Ceiling& b : before) {
        const Ceiling* a = counterpart(after, b);
        if (!a || !(b.value > 0) || !inUse(b, points)) continue;
        const double drift = a->value / b.value - 1;
        if (std::abs(drift) > kDriftLimit) ++check.count;
        if (std::abs(drift) < std::abs(worst)) continue;
        worst = drift;
        worstText = fmt::format("largest change of a roof in use between before and after the run: {:+.1f} % ({})", drift * 100, roofName(b));
    }
    if (check.count > 0) check.severity = Severity::kWarning;
    check.detail = worstText + (check.count > 0 ? "; shares of the roof are uncertain by as much" : "");
    return check;
}

}  // namespace ridge::cli
