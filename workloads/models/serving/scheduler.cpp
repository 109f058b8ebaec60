// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/serving/scheduler.h"

#include "base/result.h"

#include <algorithm>

namespace ridge::workloads::serving {

namespace {

std::int64_t blocksFor(std::int64_t tokens, std::int64_t block) {
    return (tokens + block - 1) / block;
}

}  // namespace

Scheduler::Scheduler(const Policy& policy, std::vector<Request> requests)
    : m_policy(policy),
      m_requests(std::move(requests)),
      m_states(m_requests.size()),
      m_outcomes(m_requests.size()) {
    RIDGE_CHECK(policy.maxBatch > 0 && policy.maxBatch <= policy.maxRows && policy.block > 0,
                "a batch of nothing, or larger than a pass");
    RIDGE_CHECK(policy.chunk >= 0 && policy.chunk + policy.maxBatch <= policy.maxRows,
                "chunk and batch do not fit a pass");
    for (std::size_t i = 0; i < m_requests.size(); ++i) {
        const Request& request = m_requests[i];
        RIDGE_CHECK(request.prompt > 0 && request.output > 0 &&
                        blocksFor(request.prompt + request.output, policy.block) <= policy.blocks,
                    "a request does not fit the cache");
        RIDGE_CHECK(policy.chunk > 0 || request.prompt <= policy.maxRows,
                    "a prompt does not fit a pass");
        m_outcomes[i].arrival = request.arrival;
    }
    for (std::int64_t block = policy.blocks; block-- > 0;)
        m_free.push_back(static_cast<std::int32_t>(block));
}

std::optional<double> Scheduler::nextArrival() const {
    if (m_arrived == m_requests.size()) return std::nullopt;
    return m_requests[m_arrived].arrival;
}

std::span<const std::int32_t> Scheduler::blocksOf(std::size_t request) const {
    return m_states[request].blocks;
}

std::int64_t Scheduler::heldBlocks() const {
    return m_policy.blocks - std::ssize(m_free);
}

std::int64_t Scheduler::liveTokens() const {
    std::int64_t live = 0;
    for (const std::size_t request : m_running) live += m_states[request].position;
    return live;
}

void Scheduler::enqueue(double now) {
    while (m_arrived < m_requests.size() && m_requests[m_arrived].arrival <= now)
        m_queue.push_back(m_arrived++);
}

// Drops kept prefixes that nobody uses until `blocks` are free.
bool Scheduler::makeRoom(std::int64_t blocks) {
    while (std::ssize(m_free) < blocks) {
        auto oldest = m_prefixes.end();
        for (auto it = m_prefixes.begin(); it != m_prefixes.end(); ++it)
            if (it->second.users == 0 &&
                (oldest == m_prefixes.end() || it->second.lastUse < oldest->second.lastUse))
                oldest = it;
        if (oldest == m_prefixes.end()) return false;
        m_free.insert(m_free.end(), oldest->second.blocks.begin(), oldest->second.blocks.end());
        m_prefixes.erase(oldest);
    }
    return true;
}

bool Scheduler::admit(std::size_t index, double now) {
    const Request& request = m_requests[index];
    State& state = m_states[index];
    const std::int64_t all = blocksFor(request.prompt + request.output, m_policy.block);
    Prefix* prefix = nullptr;
    if (const auto found = m_prefixes.find(request.prefix);
        m_policy.prefixCache && request.prefixTokens > 0 && found != m_prefixes.end()) {
        prefix = &found->second;
        ++prefix->users;  // before room is made: it must not be dropped for its own user
    }
    const std::int64_t shared = prefix == nullptr ? 0 : std::ssize(prefix->blocks);
    if (!makeRoom(all - shared)) {
        if (prefix != nullptr) --prefix->users;
        return false;
    }
    if (prefix != nullptr) {
        state.blocks = prefix->blocks;
        state.shared = shared;
        state.position = shared * m_policy.block;
        m_reused += state.position;
        prefix->lastUse = ++m_uses;
    }
    for (std::int64_t i = shared; i < all; ++i) {
        state.blocks.push_back(m_free.back());
        m_free.pop_back();
    }
    m_outcomes[index].admitted = now;
    m_running.push_back(index);
    return true;
}

// The whole blocks of a prefix that was just computed become everybody's.
void Scheduler::keepPrefix(std::size_t index) {
    const Request& request = m_requests[index];
    State& state = m_states[index];
    const std::int64_t whole = request.prefixTokens / m_policy.block;
    if (!m_policy.prefixCache || whole == 0 || state.shared > 0 ||
        m_prefixes.contains(request.prefix))
        return;
    Prefix prefix;
    prefix.blocks.assign(state.blocks.begin(),
                         state.blocks.begin() + static_cast<std::ptrdiff_t>(whole));
    prefix.users = 1;
    prefix.lastUse = ++m_uses;
    state.shared = whole;
    m_prefixes.emplace(request.prefix, std::move(prefix));
}

void Scheduler::release(std::size_t index) {
    State& state = m_states[index];
    if (state.shared > 0) --m_prefixes.at(m_requests[index].prefix).users;
    m_free.insert(m_free.end(), state.blocks.begin() + static_cast<std::ptrdiff_t>(state.shared),
                  state.blocks.end());
    state.blocks.clear();
    state.shared = 0;
}

void Scheduler::admitWaiting(double now) {
    const bool fixed = m_policy.batching == Policy::Batching::kStatic;
    if (fixed && !m_running.empty()) return;
    while (!m_queue.empty() && running() < m_policy.maxBatch && admit(m_queue.front(), now))
        m_queue.pop_front();
}

void Scheduler::planPrompts(std::int64_t budget) {
    for (const std::size_t index : m_running) {
        const State& state = m_states[index];
        const std::int64_t left = m_requests[index].prompt - state.position;
        if (left <= 0 || budget <= 0) continue;
        const std::int64_t tokens = std::min(left, budget);
        if (m_policy.chunk == 0 && tokens < left) return;  // whole prompts only: in the next pass
        m_plan.push_back({index, state.position, tokens, tokens == left, false});
        budget -= tokens;
    }
}

void Scheduler::planDecoding() {
    for (const std::size_t index : m_running) {
        const State& state = m_states[index];
        if (state.position < m_requests[index].prompt) continue;
        // A finished one of a static batch computes its last token again.
        const std::int64_t position = state.finished ? state.position - 1 : state.position;
        m_plan.push_back({index, position, 1, !state.finished, state.finished});
    }
}

std::span<const Scheduler::Part> Scheduler::plan(double now) {
    m_plan.clear();
    enqueue(now);
    admitWaiting(now);
    if (m_policy.chunk == 0) {
        planPrompts(m_policy.maxRows);
        if (m_plan.empty()) planDecoding();
    } else {
        planDecoding();
        planPrompts(m_policy.chunk);
    }
    return m_plan;
}

void Scheduler::completeToken(std::size_t index, double now) {
    State& state = m_states[index];
    m_outcomes[index].tokens.push_back(now);
    if (++state.produced < m_requests[index].output) return;
    state.finished = true;
    ++m_finished;
}

void Scheduler::finishPass(double now) {
    for (const Part& part : m_plan) {
        State& state = m_states[part.request];
        m_computed += part.tokens;
        if (part.padding) {
            ++m_padded;
            continue;
        }
        state.position += part.tokens;
        if (state.position >= m_requests[part.request].prompt) keepPrefix(part.request);
        if (part.sample) completeToken(part.request, now);
    }
    m_plan.clear();
    const bool fixed = m_policy.batching == Policy::Batching::kStatic;
    const auto over = [this](std::size_t index) { return m_states[index].finished; };
    if (fixed && !std::all_of(m_running.begin(), m_running.end(), over)) return;
    for (const std::size_t index : m_running)
        if (over(index)) release(index);
    std::erase_if(m_running, over);
}

}  // namespace ridge::workloads::serving
