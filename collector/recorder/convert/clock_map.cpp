// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/clock_map.h"

#include <algorithm>
#include <cmath>

namespace ridge::recorder {
namespace {

constexpr std::int64_t kMinimumDistanceNs =
    5'000'000;  // closer readings say more about jitter than rate

}  // namespace

void ClockMap::add(std::uint64_t ticks, std::int64_t monotonicNs, std::uint64_t windowTicks) {
    m_points.push_back({ticks, monotonicNs, windowTicks, 0});
}

std::int64_t ClockMap::along(const Point& point, double slope, std::uint64_t ticks) {
    // The difference may be negative; two's complement gives the right sign for any real distance.
    const auto distance = static_cast<std::int64_t>(ticks - point.ticks);
    const double ns = static_cast<double>(distance) * slope;
    if (!(std::abs(ns) < 4e18)) return point.ns;
    return static_cast<std::int64_t>(
        static_cast<std::uint64_t>(point.ns) +
        static_cast<std::uint64_t>(static_cast<std::int64_t>(ns + (ns < 0 ? -0.5 : 0.5))));
}

void ClockMap::finish() {
    std::stable_sort(m_points.begin(), m_points.end(),
                     [](const Point& a, const Point& b) { return a.ticks < b.ticks; });
    std::vector<Point> kept;
    for (const Point& point : m_points) {
        if (kept.empty()) {
            kept.push_back(point);
        } else if (point.ns <= kept.back().ns || point.ticks == kept.back().ticks) {
            continue;  // time does not run backwards: a torn or forged reading
        } else if (point.ns - kept.back().ns < kMinimumDistanceNs) {
            if (point.window < kept.back().window) kept.back() = point;
        } else {
            kept.push_back(point);
        }
    }
    m_points = std::move(kept);
    if (m_points.size() >= 2) {
        const Point& first = m_points.front();
        const Point& last = m_points.back();
        m_slope =
            static_cast<double>(last.ns - first.ns) / static_cast<double>(last.ticks - first.ticks);
    }
    double bound = 0;
    for (std::size_t i = 0; i < m_points.size(); ++i) {
        Point& point = m_points[i];
        bound = std::max(bound, static_cast<double>(point.window) * m_slope / 2);
        if (i + 1 == m_points.size()) {
            point.slopeAfter = m_slope;
            break;
        }
        const Point& next = m_points[i + 1];
        point.slopeAfter =
            static_cast<double>(next.ns - point.ns) / static_cast<double>(next.ticks - point.ticks);
        if (i == 0) continue;
        const Point& before = m_points[i - 1];
        const double line = static_cast<double>(next.ns - before.ns) /
                            static_cast<double>(next.ticks - before.ticks);
        bound = std::max(
            bound, std::abs(static_cast<double>(along(before, line, point.ticks) - point.ns)));
    }
    m_errorNs = bound < 1e18 ? static_cast<std::int64_t>(std::ceil(bound)) : 0;
}

std::int64_t ClockMap::toMonotonic(std::uint64_t ticks, std::size_t& hint) const {
    if (m_points.empty()) return along({0, 0, 0, 0}, m_slope, ticks);
    std::size_t i = std::min(hint, m_points.size() - 1);
    if (ticks < m_points[i].ticks || (i + 1 < m_points.size() && ticks >= m_points[i + 1].ticks)) {
        const auto after =
            std::upper_bound(m_points.begin(), m_points.end(), ticks,
                             [](std::uint64_t t, const Point& p) { return t < p.ticks; });
        i = after == m_points.begin() ? 0 : static_cast<std::size_t>(after - m_points.begin()) - 1;
        hint = i;
    }
    const Point& point = m_points[i];
    return along(point, ticks < point.ticks ? m_slope : point.slopeAfter, ticks);
}

}  // namespace ridge::recorder
