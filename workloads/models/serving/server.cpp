// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/serving/server.h"

#include "base/clock.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace ridge::workloads::serving {

namespace {

constexpr std::uint64_t kPromptSeed = 4711;
constexpr std::uint64_t kPrefixSeed = 815;

using Want = GptEngine::Item::Want;

}  // namespace

Occupancy serve(Scheduler& scheduler, Clock& clock, const Policy& policy) {
    Occupancy sum;
    while (!scheduler.done()) {
        const auto plan = scheduler.plan(clock.now());
        if (plan.empty()) {
            const auto next = scheduler.nextArrival();
            RIDGE_CHECK(next.has_value(), "requests wait, and nothing can run");
            clock.waitUntil(*next);
            continue;
        }
        ++sum.passes;
        sum.meanWaiting += static_cast<double>(scheduler.waiting());
        sum.mostWaiting = std::max(sum.mostWaiting, scheduler.waiting());
        clock.run(scheduler, plan);
        const std::int64_t held = scheduler.heldBlocks();
        sum.meanHeldBlocks += static_cast<double>(held);
        sum.mostHeldBlocks = std::max(sum.mostHeldBlocks, held);
        sum.meanLiveShare +=
            static_cast<double>(scheduler.liveTokens()) / static_cast<double>(held * policy.block);
        sum.duration = clock.now();
        scheduler.finishPass(sum.duration);
    }
    const auto passes = static_cast<double>(std::max<std::int64_t>(1, sum.passes));
    sum.meanWaiting /= passes;
    sum.meanHeldBlocks /= passes;
    sum.meanLiveShare /= passes;
    return sum;
}

std::vector<std::int32_t> promptTokens(const Request& request, std::size_t index,
                                       std::int64_t vocabulary) {
    std::vector<std::int32_t> tokens =
        randomTokens(request.prompt, vocabulary, kPromptSeed + 977 * index);
    if (request.prefixTokens > 0) {
        const auto prefix = randomTokens(request.prefixTokens, vocabulary,
                                         kPrefixSeed + static_cast<std::uint64_t>(request.prefix));
        std::copy(prefix.begin(), prefix.end(), tokens.begin());
    }
    return tokens;
}

EngineClock::EngineClock(GptEngine& engine, std::span<const Request> requests)
    : m_engine(engine), m_answers(requests.size()) {
    for (std::size_t i = 0; i < requests.size(); ++i) {
        m_tokens.push_back(promptTokens(requests[i], i, engine.config().vocabulary));
        // Items point into these: they must not move.
        m_tokens.back().reserve(static_cast<std::size_t>(requests[i].prompt + requests[i].output));
        m_answers[i].reserve(static_cast<std::size_t>(requests[i].output));
    }
    m_start = monotonicNs();
}

double EngineClock::now() {
    return static_cast<double>(monotonicNs() - m_start) / 1e9;
}

void EngineClock::waitUntil(double time) {
    const double left = time - now();
    if (left > 0) std::this_thread::sleep_for(std::chrono::duration<double>(left));
}

void EngineClock::run(const Scheduler& scheduler, std::span<const Scheduler::Part> plan) {
    m_items.clear();
    bool prompts = false, decoding = false;
    for (const Scheduler::Part& part : plan) {
        const auto& tokens = m_tokens[part.request];
        const std::span<const std::int32_t> row(tokens.data() + part.position,
                                                static_cast<std::size_t>(part.tokens));
        m_items.push_back({row, part.position, scheduler.blocksOf(part.request),
                           part.sample || part.padding ? Want::kLast : Want::kNothing});
        (part.position < promptOf(part.request) && !part.padding ? prompts : decoding) = true;
    }
    const WorkRange phase(prompts ? decoding ? "mixed" : "prefill" : "decode");
    const auto next = m_engine.pass(m_items);
    std::size_t at = 0;
    for (const Scheduler::Part& part : plan) {
        if (part.sample) {
            m_tokens[part.request].push_back(next[at]);
            m_answers[part.request].push_back(next[at]);
        }
        if (part.sample || part.padding) ++at;
    }
    m_engine.operators().synchronize();
}

}  // namespace ridge::workloads::serving
