// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A server: the loop that lets a Scheduler's passes happen, on either of two clocks. On the wall
// clock passes are a model's and waiting for the next request is sleep; in virtual time a pass
// takes what a cost function says, nothing sleeps, and the same input gives the same times to the
// last bit.

#include "workloads/models/gpt_engine.h"
#include "workloads/models/serving/scheduler.h"

#include <functional>
#include <span>
#include <vector>

namespace ridge::workloads::serving {

class Clock {
public:
    virtual ~Clock() = default;
    // Seconds since the start.
    [[nodiscard]] virtual double now() = 0;
    virtual void waitUntil(double time) = 0;
    // Does the pass; now() has moved on by what it took.
    virtual void run(const Scheduler& scheduler, std::span<const Scheduler::Part> plan) = 0;
};

// Averages over passes, maxima over the run.
struct Occupancy {
    std::int64_t passes = 0;
    double meanWaiting = 0, meanHeldBlocks = 0, meanLiveShare = 0;
    std::int64_t mostWaiting = 0, mostHeldBlocks = 0;
    double duration = 0;  // seconds, to the last token
};

// Until every request is done.
Occupancy serve(Scheduler& scheduler, Clock& clock, const Policy& policy);

class VirtualClock final : public Clock {
public:
    using Cost = std::function<double(std::span<const Scheduler::Part>)>;  // seconds
    explicit VirtualClock(Cost cost) : m_cost(std::move(cost)) {}
    double now() override { return m_now; }
    void waitUntil(double time) override { m_now = time; }
    void run(const Scheduler&, std::span<const Scheduler::Part> plan) override {
        m_now += m_cost(plan);
    }

private:
    Cost m_cost;
    double m_now = 0;
};

// Tokens of the request's prompt, the same on every machine; requests of one prefix begin alike.
[[nodiscard]] std::vector<std::int32_t> promptTokens(const Request& request, std::size_t index,
                                                     std::int64_t vocabulary);

// Runs passes on an engine; starts with its construction. Phase ranges "prefill", "decode",
// "mixed".
class EngineClock final : public Clock {
public:
    EngineClock(GptEngine& engine, std::span<const Request> requests);
    double now() override;
    void waitUntil(double time) override;
    void run(const Scheduler& scheduler, std::span<const Scheduler::Part> plan) override;
    // The answer to each request, token by token.
    [[nodiscard]] const std::vector<std::vector<std::int32_t>>& answers() const {
        return m_answers;
    }

private:
    [[nodiscard]] std::int64_t promptOf(std::size_t request) const {
        return std::ssize(m_tokens[request]) - std::ssize(m_answers[request]);
    }

    GptEngine& m_engine;
    std::vector<std::vector<std::int32_t>> m_tokens;  // prompt and answer
    std::vector<std::vector<std::int32_t>> m_answers;
    std::vector<GptEngine::Item> m_items;
    std::int64_t m_start;
};

}  // namespace ridge::workloads::serving
