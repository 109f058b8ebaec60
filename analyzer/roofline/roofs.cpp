// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/roofline/roofs.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ridge::analyzer {
namespace {

constexpr double kLatencyAttainment = 0.6, kDispatchFactor = 5, kBalance = 0.1;
constexpr double kReadOnlyShare = 0.1;  // writes less: a reader

}  // namespace

void Roofs::Roof::add(const Ceiling& ceiling) {
    const double value = ceiling.value;
    const double typical = std::min(value, ceiling.typical.value_or(value));
    if (value > high) name = ceiling.name;
    low = high > 0 ? std::min(low, typical) : typical;
    high = std::max(high, value);
}

Roofs::Roofs(const std::vector<Ceiling>& ceilings) {
    for (const Ceiling& c : ceilings) {
        if (!(c.value > 0) || !std::isfinite(c.value)) continue;
        if (c.kind == "compute") {
            auto it = std::find_if(m_compute.begin(), m_compute.end(),
                                   [&](const Compute& x) { return x.dtype == c.dtype; });
            if (it == m_compute.end()) it = m_compute.insert(it, Compute{c.dtype, {}});
            it->roof.add(c);
        } else if (c.kind == "memory") {
            auto it = std::find_if(m_levels.begin(), m_levels.end(),
                                   [&](const Level& x) { return x.name == c.level; });
            if (it == m_levels.end()) it = m_levels.insert(it, Level{c.level, 0, {}, {}, {}});
            const bool main = c.level == "DRAM" || !c.capacityBytes;
            it->capacity = main ? std::numeric_limits<double>::infinity()
                                : std::max(it->capacity, static_cast<double>(*c.capacityBytes));
            if (c.access == "read" || c.access.empty()) it->read.add(c);
            if (c.access != "read") it->write.add(c);
            it->any.add(c);
        } else if (c.kind == "dispatch") {
            const double ns = c.unit == "ns" ? c.value : c.value * 1e9;
            m_dispatchNs = m_dispatchNs > 0 ? std::min(m_dispatchNs, ns) : ns;
        }
    }
    std::sort(m_levels.begin(), m_levels.end(),
              [](const Level& a, const Level& b) { return a.capacity < b.capacity; });
}

const Roofs::Roof* Roofs::computeRoof(std::uint16_t dtype) const {
    const std::string_view wanted = dtype < kDtypeNames.size() ? kDtypeNames[dtype] : "none";
    for (const Compute& c : m_compute)
        if (c.dtype == wanted) return &c.roof;
    if (wanted == "none")  // arithmetic of no stated type is taken as single precision
        for (const Compute& c : m_compute)
            if (c.dtype == "f32") return &c.roof;
    return nullptr;
}

std::optional<Roofs::MemoryTime> Roofs::memoryTime(const Work& work, double durationNs,
                                                   double stepBytes) const {
    const double bytes = work.bytesRead + work.bytesWritten;
    if (m_levels.empty() || bytes <= 0) return std::nullopt;
    const auto levelOf = [&](double size) {
        std::size_t i = 0;
        while (i + 1 < m_levels.size() && m_levels[i].capacity < 2 * size) ++i;
        return i;
    };
    const std::size_t nearest = levelOf(bytes);
    const std::size_t furthest = std::max(nearest, levelOf(std::max(stepBytes, bytes)));
    const bool reads = work.bytesWritten < kReadOnlyShare * bytes;
    MemoryTime best;
    double slowNs = 0;  // against the furthest level that was thought possible
    for (std::size_t i = furthest;; --i) {
        const Level& level = m_levels[i];
        const Roof& match = reads ? level.read : level.write;
        const Roof& own = match.high > 0 ? match : level.any;
        // The roof of the same access; where the op beats it, the best that this level ever gave.
        const Roof* roof = bytes / own.high * 1e9 <= kUnreliable * durationNs ? &own : &level.any;
        slowNs = std::max(slowNs, bytes / own.low * 1e9);
        best = {bytes / roof->high * 1e9, slowNs, own.high / own.low, roof->name};
        if (best.ns <= kUnreliable * durationNs || i == nearest) return best;
    }
}

RoofAnswer Roofs::judge(const Work& work, double durationNs, double stepBytes,
                        double cpuShare) const {
    RoofAnswer answer;
    if (!(durationNs > 0)) return answer;
    const Roof* peak = work.flops > 0 ? computeRoof(work.dtype) : nullptr;
    const auto memory = memoryTime(work, durationNs, stepBytes);
    if (!peak && !memory) return answer;
    const double computeNs = peak ? work.flops / peak->high * 1e9 : 0;
    const double slowComputeNs = peak ? work.flops / peak->low * 1e9 : 0;
    const double memoryNs = memory ? memory->ns : 0;
    const bool computeWins = computeNs >= memoryNs;
    answer.roofNs = std::max(computeNs, memoryNs);
    answer.attainment = answer.roofNs / durationNs;
    answer.ceiling = computeWins ? peak->name : memory->ceiling;
    // What the roofs would have been had they moved up by as much as they were seen to move.
    const double fastest = std::max(peak ? computeNs * peak->low / peak->high : 0.0,
                                    memory ? memoryNs / memory->width : 0.0);
    const double slowest = std::max(slowComputeNs, memory ? memory->slowNs : 0.0);
    if (fastest / durationNs > kUnreliable) {
        answer.bound = "unreliable";
    } else if (durationNs < kDispatchFactor * m_dispatchNs ||
               slowest / (durationNs * cpuShare) < kLatencyAttainment) {
        // Far from the memory roof and no peak for its arithmetic: it may be at that one.
        if (work.flops > 0 && !peak) return {};
        answer.bound = "latency";
        answer.wallClass = WallClass::kLatencyBound;
    } else {
        // Nearly equal, or of roofs that are known as intervals in which either may be the larger:
        // the op may then lie on either side of the ridge point. It counts under the larger at the
        // high ends all the same.
        const bool balanced =
            computeNs > 0 && memoryNs > 0 &&
            (std::abs(computeNs - memoryNs) <= kBalance * answer.roofNs ||
             (computeNs <= memoryNs * memory->width && memoryNs <= slowComputeNs));
        answer.bound = balanced ? "balanced" : computeWins ? "compute" : "memory";
        answer.wallClass = computeWins ? WallClass::kComputeBound : WallClass::kMemoryWall;
    }
    return answer;
}

}  // namespace ridge::analyzer
