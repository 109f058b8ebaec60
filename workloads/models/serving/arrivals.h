// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Requests to serve: when each arrives and how long its prompt and its answer are. Everything comes
// from a seed by our own generators, the same on every machine; no recorded trace is shipped.
//
// Gaps are gamma(shape = burstiness, mean 1/rate): 1 is Poisson, 0.25 bursty, as vLLM's benchmark
// has it; arrival times are rescaled so that n requests take n/rate seconds, which removes the
// drift between seeds. "Recorded" draws lengths log-normally with the ratios of p90 to p50 of a
// public conversation trace (prompts 3.96, answers 1.71), shares prefixes as often (36.6 %) and
// lets the rate swing by half around its mean over the trace. Units: seconds, tokens.

#include <cstdint>
#include <string>
#include <vector>

namespace ridge::workloads::serving {

struct Request {
    double arrival = 0;
    std::int64_t prompt = 1;        // tokens
    std::int64_t output = 1;        // tokens, the first of them included
    std::int64_t prefix = -1;       // requests of the same number share their first prefixTokens
    std::int64_t prefixTokens = 0;  // 0: shares nothing; less than prompt
};

// Uniform, normal and gamma numbers from a seed.
class Random {
public:
    explicit Random(std::uint64_t seed) : m_seed(seed) {}
    double uniform();  // (0, 1)
    double normal();
    double gamma(double shape);  // mean = shape (Marsaglia and Tsang 2000)
    std::int64_t between(std::int64_t low, std::int64_t high);  // both included

private:
    std::uint64_t m_seed;
    std::uint64_t m_index = 0;
};

struct TraceOptions {
    enum class Lengths { kUniform, kRecorded } lengths = Lengths::kUniform;
    std::int64_t requests = 60;
    double rate = 0;        // requests per second; 0: all at once
    double burstiness = 1;  // shape of the gaps
    std::int64_t shortestPrompt = 16, longestPrompt = 128;
    std::int64_t shortestOutput = 8, longestOutput = 32;
    double sharedShare = 0;  // of the requests begin with one of a few common prefixes
    std::int64_t prefixTokens = 64;
    std::uint64_t seed = 1;
};

// In order of arrival; the first arrives after its gap.
[[nodiscard]] std::vector<Request> makeTrace(const TraceOptions& options);

}  // namespace ridge::workloads::serving
