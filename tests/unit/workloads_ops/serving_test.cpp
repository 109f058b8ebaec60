// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Serving: arrivals against their moments, schedules against ones worked out by hand in virtual
// time, reports against their definitions, answers against requests served alone.
#include "workloads/models/serving/report.h"
#include "workloads/models/serving/serve.h"
#include "workloads/models/serving/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

namespace ridge::workloads::serving {
namespace {

using Times = std::vector<double>;

// A pass takes 10 s for the pass and 1 s per row.
double cost(std::span<const Scheduler::Part> plan) {
    double rows = 0;
    for (const Scheduler::Part& part : plan) rows += static_cast<double>(part.tokens);
    return 10 + rows;
}

struct Served {
    std::vector<Outcome> outcomes;
    Occupancy occupancy;
    std::int64_t padded = 0, reused = 0, computed = 0, held = 0;
};

Served serveVirtually(const Policy& policy, const std::vector<Request>& requests,
                      const VirtualClock::Cost& passCost = cost) {
    Scheduler scheduler(policy, requests);
    VirtualClock clock(passCost);
    Served served;
    served.occupancy = serve(scheduler, clock, policy);
    served.outcomes.assign(scheduler.outcomes().begin(), scheduler.outcomes().end());
    served.padded = scheduler.paddedTokens();
    served.reused = scheduler.reusedTokens();
    served.computed = scheduler.computedTokens();
    served.held = scheduler.heldBlocks();
    return served;
}

Policy smallPolicy() {
    Policy policy;
    policy.maxBatch = 2;
    policy.maxRows = 100;
    policy.block = 4;
    policy.blocks = 20;
    return policy;
}

TEST(Arrivals, HaveTheirMomentsAndExactTotal) {
    for (const double burstiness : {1.0, 0.25, 4.0}) {
        TraceOptions options;
        options.requests = 20000;
        options.rate = 5;
        options.burstiness = burstiness;
        const auto trace = makeTrace(options);
        EXPECT_NEAR(trace.back().arrival, 4000.0, 1e-9);  // n / rate, whatever the seed
        double square = 0, previous = 0;
        for (const Request& request : trace) {
            EXPECT_GE(request.arrival, previous);
            square += std::pow((request.arrival - previous) * 5 - 1, 2.0);
            previous = request.arrival;
            EXPECT_TRUE(request.prompt >= 16 && request.prompt <= 128);
            EXPECT_TRUE(request.output >= 8 && request.output <= 32);
        }
        // Squared coefficient of variation of a gamma: 1 / shape.
        EXPECT_NEAR(square / 20000 * burstiness, 1.0, 0.08) << burstiness;
    }
}

TEST(Arrivals, RecordedLengthsAndPrefixesFollowTheMoments) {
    TraceOptions options;
    options.lengths = TraceOptions::Lengths::kRecorded;
    options.requests = 20000;
    options.rate = 10;
    options.sharedShare = 0.366;
    options.prefixTokens = 8;
    options.shortestPrompt = 16;
    options.longestPrompt = 16384;
    options.shortestOutput = 8;
    options.longestOutput = 1024;
    auto trace = makeTrace(options);
    std::vector<double> prompts, outputs;
    double shared = 0;
    for (const Request& request : trace) {
        prompts.push_back(static_cast<double>(request.prompt));
        outputs.push_back(static_cast<double>(request.output));
        shared += request.prefix >= 0 ? 1 : 0;
    }
    std::sort(prompts.begin(), prompts.end());
    std::sort(outputs.begin(), outputs.end());
    EXPECT_NEAR(prompts[18000] / prompts[10000], 3.96, 0.15);  // p90 / p50
    EXPECT_NEAR(outputs[18000] / outputs[10000], 1.71, 0.05);
    EXPECT_NEAR(shared / 20000, 0.366, 0.015);
    EXPECT_NEAR(trace.back().arrival, 2000, 1e-9);
}

TEST(Arrivals, AreTheSameForTheSameSeedAndAllAtOnceForNoRate) {
    TraceOptions options;
    const auto once = makeTrace(options), again = makeTrace(options);
    options.seed = 2;
    const auto other = makeTrace(options);
    bool differs = false;
    for (std::size_t i = 0; i < once.size(); ++i) {
        EXPECT_EQ(once[i].arrival, 0.0);
        EXPECT_EQ(once[i].prompt, again[i].prompt);
        differs = differs || once[i].prompt != other[i].prompt;
    }
    EXPECT_TRUE(differs);
}

// Three requests; by hand: prompts of a and b in one pass [0, 17): 10 + 4 + 3. Then both decode:
// 12 s each: b is done (2 tokens) at 29, a at 41 and 53 alone 11 s: 40, 51 ...
TEST(Schedule, ContinuousPromptsFirstByHand) {
    const std::vector<Request> requests{{0, 4, 4}, {0, 3, 2}, {5, 6, 2}};
    const Served served = serveVirtually(smallPolicy(), requests);
    // [0,17) prompts of 0 and 1. [17,29) both decode; 1 is done. [29,45) prompt of 2 (10 + 6), 0
    // waits. [45,57) 0 and 2; 2 is done. [57,68) 0 alone.
    EXPECT_EQ(served.outcomes[0].tokens, (Times{17, 29, 57, 68}));
    EXPECT_EQ(served.outcomes[1].tokens, (Times{17, 29}));
    EXPECT_EQ(served.outcomes[2].tokens, (Times{45, 57}));
    EXPECT_EQ(served.outcomes[2].admitted, 29);
    EXPECT_EQ(served.occupancy.duration, 68);
    EXPECT_EQ(served.occupancy.passes, 5);
    EXPECT_EQ(served.occupancy.mostWaiting, 1);
    EXPECT_EQ(served.padded, 0);
    EXPECT_EQ(served.held, 0);
}

TEST(Schedule, StaticWaitsForTheLongestAndPads) {
    const std::vector<Request> requests{{0, 4, 4}, {0, 3, 2}, {5, 6, 2}};
    Policy policy = smallPolicy();
    policy.batching = Policy::Batching::kStatic;
    const Served served = serveVirtually(policy, requests);
    // [0,17) [17,29) as before; 1 is done but stays: [29,41) [41,53) with a padded row each. Then
    // 2: [53,69) prompt, [69,80).
    EXPECT_EQ(served.outcomes[0].tokens, (Times{17, 29, 41, 53}));
    EXPECT_EQ(served.outcomes[1].tokens, (Times{17, 29}));
    EXPECT_EQ(served.outcomes[2].tokens, (Times{69, 80}));
    EXPECT_EQ(served.padded, 2);
    EXPECT_EQ(served.held, 0);
}

TEST(Schedule, ChunksGoAlongWithDecoding) {
    const std::vector<Request> requests{{0, 4, 4}, {5, 6, 2}};
    Policy policy = smallPolicy();
    policy.chunk = 4;
    const Served served = serveVirtually(policy, requests);
    // [0,14) prompt of 0. [14,29) 0 decodes (1) + 4 of 1's prompt. [29,42) 0 + the last 2: first
    // token of 1. [42,54) both: done.
    EXPECT_EQ(served.outcomes[0].tokens, (Times{14, 29, 42, 54}));
    EXPECT_EQ(served.outcomes[1].tokens, (Times{42, 54}));
}

TEST(Schedule, WaitsForArrivalsWithoutWork) {
    const std::vector<Request> requests{{100, 2, 1}, {250, 2, 1}};
    const Served served = serveVirtually(smallPolicy(), requests);
    EXPECT_EQ(served.outcomes[0].tokens, (Times{112}));
    EXPECT_EQ(served.outcomes[1].tokens, (Times{262}));
}

TEST(Schedule, AdmissionWaitsForBlocks) {
    Policy policy = smallPolicy();
    policy.blocks = 3;  // 12 tokens: one request of 8 + 2 fits, not two
    const std::vector<Request> requests{{0, 8, 2}, {0, 8, 2}};
    const Served served = serveVirtually(policy, requests);
    EXPECT_EQ(served.outcomes[0].tokens, (Times{18, 29}));
    EXPECT_EQ(served.outcomes[1].admitted, 29);
    EXPECT_EQ(served.occupancy.mostHeldBlocks, 3);
}

TEST(Schedule, PrefixesAreComputedOnceAndGivenUpForRoom) {
    Policy policy = smallPolicy();
    policy.prefixCache = true;
    // Prefix of 9 tokens: two whole blocks of 4 are shared, the ninth token is not.
    const std::vector<Request> shared{{0, 10, 1, 7, 9}, {100, 10, 1, 7, 9}, {200, 10, 1, 8, 9}};
    const Served served = serveVirtually(policy, shared);
    EXPECT_EQ(served.outcomes[0].tokens, (Times{20}));
    EXPECT_EQ(served.outcomes[1].tokens, (Times{112}));  // 2 of 10 rows
    EXPECT_EQ(served.outcomes[2].tokens, (Times{220}));  // another prefix
    EXPECT_EQ(served.reused, 8);
    EXPECT_EQ(served.computed, 22);
    EXPECT_EQ(served.held, 4);  // both prefixes are kept
    policy.blocks = 3;          // no room to keep one beside another request
    const Served tight = serveVirtually(policy, shared);
    EXPECT_EQ(tight.reused, 8);
    EXPECT_EQ(tight.outcomes[2].tokens, (Times{220}));
    EXPECT_EQ(tight.held, 2);
}

TEST(Schedule, EveryRequestIsDoneOnceUnderEveryPolicy) {
    TraceOptions options;
    options.requests = 200;
    options.rate = 0.02;
    options.sharedShare = 0.5;
    options.prefixTokens = 20;
    options.longestPrompt = 60;
    const auto trace = makeTrace(options);
    for (const auto batching : {Policy::Batching::kStatic, Policy::Batching::kContinuous})
        for (const std::int64_t chunk : {0, 16})
            for (const bool prefix : {false, true}) {
                Policy policy;
                policy.batching = batching;
                policy.chunk = chunk;
                policy.prefixCache = prefix;
                policy.blocks = 30;
                const Served served = serveVirtually(policy, trace);
                std::int64_t tokens = 0;
                for (std::size_t i = 0; i < trace.size(); ++i) {
                    const Outcome& outcome = served.outcomes[i];
                    EXPECT_EQ(std::ssize(outcome.tokens), trace[i].output);
                    EXPECT_TRUE(std::is_sorted(outcome.tokens.begin(), outcome.tokens.end()));
                    EXPECT_GE(outcome.admitted, outcome.arrival);
                    EXPECT_GT(outcome.tokens.front(), outcome.admitted);
                    tokens += trace[i].prompt + trace[i].output - 1;
                }
                // Nothing twice and nothing left out.
                EXPECT_EQ(served.computed - served.padded + served.reused, tokens);
                EXPECT_LE(served.occupancy.mostHeldBlocks, 30);
            }
}

TEST(Schedule, VirtualTimeIsExact) {
    TraceOptions options;
    options.rate = 0.05;
    const auto trace = makeTrace(options);
    const Served once = serveVirtually(Policy{}, trace), again = serveVirtually(Policy{}, trace);
    for (std::size_t i = 0; i < trace.size(); ++i)
        EXPECT_EQ(once.outcomes[i].tokens, again.outcomes[i].tokens);
}

TEST(Schedule, ContinuousBatchingShortensTheMakespan) {
    TraceOptions options;
    options.requests = 24;
    options.longestPrompt = 64;
    options.shortestOutput = 4;
    options.longestOutput = 64;
    const auto trace = makeTrace(options);
    Policy fixed;
    fixed.batching = Policy::Batching::kStatic;
    // Where a pass costs its weights and rows are cheap, fewer passes are less time.
    const auto weights = [](std::span<const Scheduler::Part> plan) {
        return 0.1 * cost(plan) + 10;
    };
    const Served slow = serveVirtually(fixed, trace, weights),
                 fast = serveVirtually(Policy{}, trace, weights);
    EXPECT_LT(fast.occupancy.duration, 0.9 * slow.occupancy.duration)
        << fast.occupancy.passes << " passes against " << slow.occupancy.passes;
    EXPECT_GT(slow.padded, 0);
    EXPECT_EQ(fast.padded, 0);
}

TEST(Report, FollowsTheDefinitions) {
    const std::vector<Request> requests{{1, 5, 3}, {2, 5, 1}};
    std::vector<Outcome> outcomes(2);
    outcomes[0] = {1, 1.5, {2, 3, 5}};
    outcomes[1] = {2, 2, {6}};
    const ServingReport report = summarise(requests, outcomes, 10, {3, 1.6, 0});
    EXPECT_DOUBLE_EQ(report.ttft.p50, 2.5);  // 1 and 4
    EXPECT_DOUBLE_EQ(report.e2e.p50, 4.0);
    EXPECT_DOUBLE_EQ(report.tpot.p50, 1.5);  // (4 - 1) / 2; the answer of one token is left out
    EXPECT_DOUBLE_EQ(report.itl.p50, 1.5);   // gaps 1 and 2
    EXPECT_DOUBLE_EQ(report.itl.p99, 1.99);
    EXPECT_DOUBLE_EQ(report.queued.p95, 0.475);
    EXPECT_DOUBLE_EQ(report.goodput, 0.1);  // the second breaks ttft
    EXPECT_DOUBLE_EQ(summarise(requests, outcomes, 10, {5, 1.6, 0}).goodput, 0.2);
    EXPECT_DOUBLE_EQ(summarise(requests, outcomes, 10, {5, 1.4, 0}).goodput, 0.1);
    EXPECT_DOUBLE_EQ(summarise(requests, outcomes, 10, {}).goodput, 0.2);
    EXPECT_DOUBLE_EQ(report.outputTokensPerSecond, 0.4);
    EXPECT_DOUBLE_EQ(report.totalTokensPerSecond, 1.4);
    EXPECT_EQ(report.peakConcurrency, 2);
    EXPECT_EQ(percentilesOf({}).p99, 0.0);
}

ServeOptions tinyServe() {
    ServeOptions options;
    options.config = {.layers = 2, .width = 64, .heads = 2, .context = 64, .vocabulary = 128};
    options.trace.requests = 10;
    options.trace.shortestPrompt = 4;
    options.trace.longestPrompt = 30;
    options.trace.shortestOutput = 1;
    options.trace.longestOutput = 9;
    options.trace.prefixTokens = 18;
    options.policy.maxBatch = 3;
    options.policy.maxRows = 64;
    options.policy.blocks = 40;
    options.policy.block = 8;
    return options;
}

TEST(Serve, AnswersDoNotDependOnThePolicy) {
    for (const auto batching : {Policy::Batching::kStatic, Policy::Batching::kContinuous})
        for (const std::int64_t chunk : {0, 11})
            for (const bool prefix : {false, true}) {
                ServeOptions options = tinyServe();
                options.policy.batching = batching;
                options.policy.chunk = chunk;
                options.policy.prefixCache = prefix;
                options.trace.sharedShare = prefix ? 0.8 : 0.0;
                options.trace.rate = 500;
                const auto workload = makeServeWorkload({}, options);
                ASSERT_TRUE(workload->prepare().ok());
                const CheckResult result = workload->check();
                EXPECT_TRUE(result.passed) << result.detail;
                for (std::uint64_t i = 0; i < 3; ++i) workload->step(i);
                EXPECT_TRUE(workload->finish().passed);
                std::set<std::string> names;
                for (const Metric& metric : workload->report({2, 0.1, 0.1})) {
                    EXPECT_TRUE(std::isfinite(metric.value)) << metric.name;
                    names.insert(metric.name);
                    if (metric.name == "prefix_tokens_reused" && prefix) {
                        EXPECT_GT(metric.value, 0);
                    }
                }
                for (const char* name : {"ttft_p99", "tpot_p50", "itl_p95", "e2e_p50", "goodput",
                                         "queue_depth_mean", "kv_occupancy_max"})
                    EXPECT_TRUE(names.contains(name)) << name;
            }
}

// However fast the machine: the offered rate is that share of what it was seen to serve, and the
// last request does not come before its time.
TEST(Serve, ArrivalsAreAShareOfTheMeasuredCapacity) {
    ServeOptions options = tinyServe();
    options.trace.rate = 1;
    options.load = 0.25;
    const auto workload = makeServeWorkload({}, options);
    ASSERT_TRUE(workload->prepare().ok());
    for (std::uint64_t i = 0; i < 2; ++i) workload->step(i);
    EXPECT_TRUE(workload->finish().passed);
    std::map<std::string, double> metrics;
    for (const Metric& metric : workload->report({1, 0.1, 0.1}))
        metrics[metric.name] = metric.value;
    ASSERT_GT(metrics["capacity"], 0);
    EXPECT_DOUBLE_EQ(metrics["offered_rate"], 0.25 * metrics["capacity"]);
    EXPECT_GE(metrics["duration"],
              0.999 * static_cast<double>(options.trace.requests) / metrics["offered_rate"]);
}

TEST(Serve, VirtualTimeNeedsNoModel) {
    ServeOptions options = tinyServe();
    options.virtualTime = true;
    options.trace.requests = 100;
    options.trace.rate = 50;
    const auto workload = makeServeWorkload({}, options);
    ASSERT_TRUE(workload->prepare().ok());
    EXPECT_TRUE(workload->check().passed);
    for (std::uint64_t i = 0; i < 3; ++i) workload->step(i);
    double first = 0;
    for (const Metric& metric : workload->report({2, 0.1, 0.1}))
        if (metric.name == "ttft_p50") first = metric.value;
    EXPECT_GT(first, 0);
}

}  // namespace
}  // namespace ridge::workloads::serving
