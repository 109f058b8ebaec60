// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which tokens of which requests the next pass of a model computes. Pure logic: it is told the time
// and never asks for it, so the same code runs in wall time and in virtual time, exactly.
//
// Static batching takes what waits when the last batch is done, reads all prompts, and decodes
// until the longest answer is complete; finished sequences stay in the batch as padding. Continuous
// batching admits whenever a slot and cache blocks are free, and lets a sequence go when it is
// done. Prompts go first, in passes of their own (chunk = 0: new requests start early, running ones
// wait: their gaps between tokens spike), or in chunks beside the decoding rows (chunk > 0).
//
// Cache: blocks of `block` tokens for prompt and answer together are taken at admission and given
// back at the end, so a running request never has to be stopped. Whole blocks of a common prefix
// are shared once one request has computed them, kept after it, and dropped, least recently used
// first, when blocks run out.
//
// Invariants: 1. blocks free + held = all. 2. A request's tokens are computed once, in order.
// 3. finishPass() is called once per plan() that was not empty.

#include "workloads/models/serving/arrivals.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace ridge::workloads::serving {

struct Policy {
    enum class Batching { kStatic, kContinuous } batching = Batching::kContinuous;
    std::int64_t maxBatch = 8;   // requests that run at once
    std::int64_t maxRows = 256;  // tokens of one pass
    std::int64_t chunk = 0;  // prompt tokens that go along with decoding; 0: passes of their own
    std::int64_t block = 16;
    std::int64_t blocks = 128;
    bool prefixCache = false;
};

// What became of a request; times in seconds since the start.
struct Outcome {
    double arrival = 0;
    double admitted = 0;
    std::vector<double> tokens;  // when each token of the answer was there
};

class Scheduler {
public:
    // Every request must fit: prompt + output tokens into the blocks, prompt into maxRows (or
    // chunk).
    Scheduler(const Policy& policy, std::vector<Request> requests);

    struct Part {
        std::size_t request = 0;
        std::int64_t position = 0;  // of its first token
        std::int64_t tokens = 1;
        bool sample = false;   // its last token's successor is an answer token
        bool padding = false;  // of a finished request in a static batch: computed for nothing
    };
    // The next pass at time `now`; empty: nothing to do before nextArrival().
    [[nodiscard]] std::span<const Part> plan(double now);
    // The pass is over; its tokens are there.
    void finishPass(double now);

    [[nodiscard]] std::optional<double> nextArrival() const;
    [[nodiscard]] bool done() const { return m_finished == m_requests.size(); }
    [[nodiscard]] std::span<const Request> requests() const { return m_requests; }
    [[nodiscard]] std::span<const Outcome> outcomes() const { return m_outcomes; }
    // Cache blocks of a running request, in order.
    [[nodiscard]] std::span<const std::int32_t> blocksOf(std::size_t request) const;

    // Now.
    [[nodiscard]] std::int64_t waiting() const { return static_cast<std::int64_t>(m_queue.size()); }
    [[nodiscard]] std::int64_t running() const {
        return static_cast<std::int64_t>(m_running.size());
    }
    [[nodiscard]] std::int64_t heldBlocks() const;  // by running requests and kept prefixes
    [[nodiscard]] std::int64_t liveTokens() const;  // in the cache, of running requests
    // Since the start.
    [[nodiscard]] std::int64_t paddedTokens() const { return m_padded; }
    [[nodiscard]] std::int64_t reusedTokens() const { return m_reused; }
    [[nodiscard]] std::int64_t computedTokens() const { return m_computed; }

private:
    struct State {
        std::int64_t position = 0;  // tokens in the cache
        std::int64_t produced = 0;  // answer tokens
        std::int64_t shared = 0;    // leading blocks that belong to a prefix
        std::vector<std::int32_t> blocks;
        bool finished = false;
    };
    struct Prefix {
        std::vector<std::int32_t> blocks;
        std::int64_t users = 0;
        std::uint64_t lastUse = 0;
    };
    void enqueue(double now);
    bool admit(std::size_t request, double now);
    bool makeRoom(std::int64_t blocks);
    void keepPrefix(std::size_t request);
    void release(std::size_t request);
    void planPrompts(std::int64_t budget);
    void planDecoding();
    void admitWaiting(double now);
    void completeToken(std::size_t request, double now);

    Policy m_policy;
    std::vector<Request> m_requests;
    std::vector<State> m_states;
    std::vector<Outcome> m_outcomes;
    std::deque<std::size_t> m_queue;
    std::vector<std::size_t> m_running;
    std::vector<std::int32_t> m_free;
    std::map<std::int64_t, Prefix> m_prefixes;
    std::vector<Part> m_plan;
    std::size_t m_arrived = 0;
    std::size_t m_finished = 0;
    std::uint64_t m_uses = 0;
    std::int64_t m_padded = 0, m_reused = 0, m_computed = 0;
};

}  // namespace ridge::workloads::serving
