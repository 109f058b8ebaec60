// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/serving/arrivals.h"

#include "workloads/models/gpt_layout.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ridge::workloads::serving {

namespace {

constexpr std::int64_t kPrefixes = 4;
// ln(p90 / p50) / 1.2816 of the conversation trace.
constexpr double kPromptSigma = 1.074;
constexpr double kOutputSigma = 0.417;
constexpr double kSwing = 0.5;

// Log-normal around the geometric middle of the range, kept inside it.
std::int64_t logNormal(Random& random, double sigma, std::int64_t low, std::int64_t high) {
    const double middle = std::sqrt(static_cast<double>(low) * static_cast<double>(high));
    const double value = middle * std::exp(sigma * random.normal());
    return std::clamp(static_cast<std::int64_t>(std::lround(value)), low, high);
}

}  // namespace

double Random::uniform() {
    return (static_cast<double>(randomBits(m_seed, m_index++) >> 12) + 0.5) * 0x1p-52;
}

double Random::normal() {
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

double Random::gamma(double shape) {
    // Below 1: a draw of shape + 1, times u^(1/shape).
    if (shape < 1.0) {
        const double above = gamma(shape + 1.0);
        return above * std::pow(uniform(), 1.0 / shape);
    }
    const double d = shape - 1.0 / 3.0;
    const double c = 1.0 / std::sqrt(9.0 * d);
    for (;;) {
        const double x = normal();
        const double v = std::pow(1.0 + c * x, 3.0);
        if (v > 0 && std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
    }
}

std::int64_t Random::between(std::int64_t low, std::int64_t high) {
    const auto count = static_cast<double>(high - low + 1);
    return low + std::min(high - low, static_cast<std::int64_t>(uniform() * count));
}

std::vector<Request> makeTrace(const TraceOptions& options) {
    const bool recorded = options.lengths == TraceOptions::Lengths::kRecorded;
    Random gaps(options.seed);
    Random lengths(options.seed + 0x5151);
    std::vector<Request> requests(static_cast<std::size_t>(options.requests));
    double now = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        Request& request = requests[i];
        double gap = gaps.gamma(options.burstiness) / options.burstiness;
        if (recorded) {
            const double phase = static_cast<double>(i) / static_cast<double>(requests.size());
            gap /= 1.0 + kSwing * std::sin(2.0 * std::numbers::pi * phase);
        }
        request.arrival = now += gap;
        if (recorded) {
            request.prompt =
                logNormal(lengths, kPromptSigma, options.shortestPrompt, options.longestPrompt);
            request.output =
                logNormal(lengths, kOutputSigma, options.shortestOutput, options.longestOutput);
        } else {
            request.prompt = lengths.between(options.shortestPrompt, options.longestPrompt);
            request.output = lengths.between(options.shortestOutput, options.longestOutput);
        }
        if (lengths.uniform() < options.sharedShare) {
            request.prefix = lengths.between(0, kPrefixes - 1);
            request.prefixTokens = options.prefixTokens;
            request.prompt = std::max(request.prompt, options.prefixTokens + 1);
        }
    }
    const double wanted =
        options.rate > 0 ? static_cast<double>(requests.size()) / options.rate : 0.0;
    for (Request& request : requests) request.arrival *= wanted / now;
    return requests;
}

}  // namespace ridge::workloads::serving
