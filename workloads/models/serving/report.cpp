// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/serving/report.h"

#include "base/result.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ridge::workloads::serving {

namespace {

double quantileOf(const std::vector<double>& sorted, double q) {
    const double at = q * static_cast<double>(sorted.size() - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, sorted.size() - 1);
    return std::lerp(sorted[low], sorted[high], at - static_cast<double>(low));
}

// At equal times an end comes before a start: requests that only touch were never there together.
std::int64_t peakOf(std::span<const Outcome> outcomes) {
    std::vector<std::pair<double, int>> events;
    for (const Outcome& outcome : outcomes) {
        events.emplace_back(outcome.arrival, 1);
        events.emplace_back(outcome.tokens.back(), -1);
    }
    std::sort(events.begin(), events.end());
    std::int64_t now = 0, peak = 0;
    for (const auto& [time, change] : events) peak = std::max(peak, now += change);
    return peak;
}

}  // namespace

Percentiles percentilesOf(std::vector<double> values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    return {quantileOf(values, 0.5), quantileOf(values, 0.95), quantileOf(values, 0.99)};
}

ServingReport summarise(std::span<const Request> requests, std::span<const Outcome> outcomes,
                        double duration, const Limits& limits) {
    RIDGE_CHECK(requests.size() == outcomes.size() && duration > 0, "a run that never was");
    std::vector<double> ttft, tpot, itl, e2e, queued;
    std::int64_t good = 0, output = 0, prompt = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const Outcome& outcome = outcomes[i];
        RIDGE_CHECK(std::ssize(outcome.tokens) == requests[i].output, "a request is not done");
        const double first = outcome.tokens.front() - outcome.arrival;
        const double whole = outcome.tokens.back() - outcome.arrival;
        const double perToken = requests[i].output > 1
                                    ? (whole - first) / static_cast<double>(requests[i].output - 1)
                                    : 0.0;
        ttft.push_back(first);
        e2e.push_back(whole);
        queued.push_back(outcome.admitted - outcome.arrival);
        if (requests[i].output > 1) tpot.push_back(perToken);
        for (std::size_t t = 1; t < outcome.tokens.size(); ++t)
            itl.push_back(outcome.tokens[t] - outcome.tokens[t - 1]);
        const auto meets = [](double value, double limit) { return limit <= 0 || value <= limit; };
        good +=
            meets(first, limits.ttft) && meets(perToken, limits.tpot) && meets(whole, limits.e2e)
                ? 1
                : 0;
        output += requests[i].output;
        prompt += requests[i].prompt;
    }
    ServingReport report;
    report.ttft = percentilesOf(std::move(ttft));
    report.tpot = percentilesOf(std::move(tpot));
    report.itl = percentilesOf(std::move(itl));
    report.e2e = percentilesOf(std::move(e2e));
    report.queued = percentilesOf(std::move(queued));
    report.goodput = static_cast<double>(good) / duration;
    report.requestsPerSecond = static_cast<double>(requests.size()) / duration;
    report.outputTokensPerSecond = static_cast<double>(output) / duration;
    report.totalTokensPerSecond = static_cast<double>(output + prompt) / duration;
    report.peakConcurrency = peakOf(outcomes);
    return report;
}

}  // namespace ridge::workloads::serving
