// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/steps/periodicity.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <utility>

namespace ridge::analyzer {
namespace {

constexpr std::size_t kFewestKernels = 50, kFewestPeriods = 4, kShortestPeriod = 3, kCandidates = 24, kSample = 200'000;
constexpr std::array<std::size_t, 3> kRuns{1, 4, 16};
constexpr double kMatch = 0.85, kRegular = 0.5;

// A number for each run of `length` kernels: names recur inside a step, longer runs seldom do.
std::vector<std::uint64_t> runsOf(const std::vector<std::uint32_t>& names, std::size_t length) {
    std::vector<std::uint64_t> keys;
    for (std::size_t i = 0; i + length <= names.size(); ++i) {
        std::uint64_t key = 0;
        for (std::size_t k = 0; k < length; ++k) key = (key ^ names[i + k]) * 0x9E3779B97F4A7C15ULL + 1;
        keys.push_back(key);
    }
    return keys;
}

// Distances at which runs recur, the most telling first: how many kernels agree with one.
std::vector<std::size_t> candidates(const std::vector<std::uint32_t>& names, std::size_t n) {
    std::map<std::size_t, std::size_t> votes;
    for (const std::size_t length : kRuns) {
        const std::vector<std::uint64_t> keys = runsOf(names, length);
        std::unordered_map<std::uint64_t, std::size_t> last;
        for (std::size_t i = 0; i < std::min(n, keys.size()); ++i) {
            const auto [it, isNew] = last.try_emplace(keys[i], i);
            if (!isNew) {
                ++votes[i - it->second];
                it->second = i;
            }
        }
    }
    // A name that comes k times in a step recurs at k distances that add up to the period: it says nothing by
    // itself. Names that come once per step say the period.
    std::vector<std::pair<std::size_t, std::size_t>> list;  // period, votes weighted by length
    for (const auto& [distance, count] : votes)
        if (distance >= kShortestPeriod && distance * kFewestPeriods <= n && count + 1 >= kFewestPeriods)
            list.emplace_back(distance, count * distance);
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
    std::vector<std::size_t> periods;
    for (std::size_t i = 0; i < list.size() && i < kCandidates; ++i) periods.push_back(list[i].first);
    return periods;
}

double matchShare(const std::vector<std::uint32_t>& names, std::size_t n, std::size_t period) {
    std::size_t same = 0;
    for (std::size_t i = 0; i + period < n; ++i) same += names[i] == names[i + period] ? 1 : 0;
    return static_cast<double>(same) / static_cast<double>(n - period);
}

Ns medianGap(const std::vector<std::size_t>& positions, const std::vector<Ns>& gaps) {
    std::vector<Ns> list;
    for (const std::size_t i : positions)
        if (i > 0) list.push_back(gaps[i]);
    if (list.empty()) return 0;
    const auto middle = list.begin() + static_cast<std::ptrdiff_t>(list.size() / 2);
    std::nth_element(list.begin(), middle, list.end());
    return *middle;
}

bool isRegular(const std::vector<std::size_t>& positions, std::size_t period) {
    for (std::size_t i = 1; i < positions.size(); ++i) {
        const double distance = static_cast<double>(positions[i] - positions[i - 1]);
        const double expected = static_cast<double>(period);
        if (distance < expected * (1 - kRegular) || distance > expected * (1 + kRegular)) return false;
    }
    return true;
}

// Where steps begin: at the run of kernels that comes once per period, regularly, behind the longest wait.
std::vector<std::size_t> anchors(const std::vector<std::uint32_t>& names, const std::vector<Ns>& gaps, std::size_t period) {
    const std::size_t expected = names.size() / period;
    std::vector<std::size_t> best;
    Ns longest = -1;
    for (const std::size_t length : kRuns) {
        const std::vector<std::uint64_t> keys = runsOf(names, length);
        std::unordered_map<std::uint64_t, std::vector<std::size_t>> positions;
        for (std::size_t i = 0; i < keys.size(); ++i) positions[keys[i]].push_back(i);
        for (const auto& [key, list] : positions) {
            if (list.size() < kFewestPeriods || list.size() + 1 < expected || list.size() > expected + 1 || !isRegular(list, period)) continue;
            const Ns gap = medianGap(list, gaps);
            if (gap < longest || (gap == longest && list.front() >= best.front())) continue;
            longest = gap;
            best = list;
        }
    }
    return best;
}

}  // namespace

std::optional<Period> findPeriod(const std::vector<std::uint32_t>& names, const std::vector<Ns>& gaps) {
    const std::size_t n = std::min(names.size(), kSample);
    if (n < kFewestKernels) return std::nullopt;
    struct Candidate {
        std::size_t period;
        int percent;
    };
    std::vector<Candidate> believable;
    for (const std::size_t p : candidates(names, n))
        if (const double share = matchShare(names, n, p); share >= kMatch) believable.push_back({p, static_cast<int>(share * 100)});
    std::sort(believable.begin(), believable.end(), [](const Candidate& a, const Candidate& b) {
        return a.percent != b.percent ? a.percent > b.percent : a.period < b.period;
    });
    Period result;
    for (const Candidate& candidate : believable) {
        result = {candidate.period, anchors(names, gaps, candidate.period)};
        if (!result.starts.empty()) break;
    }
    if (result.starts.empty()) return std::nullopt;
    const std::size_t period = result.kernels;
    // The last step is whole when a period's worth of kernels follows.
    if (result.starts.back() + period <= names.size()) result.starts.push_back(result.starts.back() + period);
    return result;
}

}  // namespace ridge::analyzer
