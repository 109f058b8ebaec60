// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A collective whose every output element is known beforehand. Inputs are small integers that
// differ by rank, element and round, so that float sums are exact in any order and the tolerance
// is 0 (the idea of nccl-tests' check). Every buffer lies between guards that nothing may touch.
//
// Sizes are the whole array S, rounded to whole floats per rank (at least one). In place means one
// buffer (transport.h says how in and out lie in it); broadcast has but one, and send/receive
// needs two.

#include "workloads/parallel/communicator.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ridge::workloads {

// Lives on the host, and where the transport has memory of its own, there too: push() and pull()
// copy everything, guards included.
class GuardedBuffer {
public:
    // transport null: the host's memory.
    explicit GuardedBuffer(std::size_t floats, const ridge_transport_t* transport = nullptr);
    [[nodiscard]] std::span<float> data() {
        return std::span(m_values).subspan(kGuard, m_values.size() - 2 * kGuard);
    }
    [[nodiscard]] std::span<const float> data() const {
        return std::span(m_values).subspan(kGuard, m_values.size() - 2 * kGuard);
    }
    [[nodiscard]] bool guardsIntact() const;
    void push();
    // A copy that fails makes every value one that nothing expects.
    void pull() const;
    // The same part of data() where the transport is to take it from.
    [[nodiscard]] std::span<float> reachable(std::span<float> part);
    [[nodiscard]] bool holds(std::span<const float> part) const {
        return part.data() >= m_values.data() && part.data() <= m_values.data() + m_values.size();
    }

private:
    static constexpr std::size_t kGuard = 64;  // floats before and after
    const ridge_transport_t* m_transport;      // null: the host's memory
    mutable std::vector<float> m_values;
    std::unique_ptr<void, void (*)(void*)> m_there{nullptr, [](void*) {}};
};

enum class Place { kOut, kIn };

// Can the operation be done so?
[[nodiscard]] bool hasPlace(formulas::Collective op, Place place);

class ExactCollective {
public:
    ExactCollective(Communicator& communicator, formulas::Collective op, std::size_t bytes,
                    Place place);

    // New inputs; outputs become what no run leaves behind.
    void fill(std::uint64_t round);
    // Once, blocking or by way of the communication thread (and waits for it).
    Status run(bool threaded = false);
    Status start();
    // Output elements that are wrong after one fill and one run.
    [[nodiscard]] std::size_t wrongElements() const;
    [[nodiscard]] std::size_t outputElements() const { return m_output.size(); }
    [[nodiscard]] bool guardsIntact() const;
    // In place sums grow; before they leave the exact range of a float they must be filled anew.
    [[nodiscard]] bool worn() const { return m_grows && m_runs >= m_lifetime; }
    [[nodiscard]] std::size_t bytes() const { return m_bytes; }  // S
    // Of all buffers of one, on the host and again in the transport's memory; without the guards.
    [[nodiscard]] static std::size_t bufferBytes(formulas::Collective op, std::size_t bytes,
                                                 int ranks, Place place);
    [[nodiscard]] formulas::Collective op() const { return m_op; }

private:
    [[nodiscard]] CollectiveCall call();
    [[nodiscard]] int root() const;
    [[nodiscard]] float expected(std::size_t element) const;

    Communicator& m_communicator;
    formulas::Collective m_op;
    std::size_t m_bytes = 0;
    std::size_t m_block = 0;  // floats per rank
    GuardedBuffer m_first, m_second;
    std::span<float> m_input, m_output;
    std::uint64_t m_round = 0;
    int m_runs = 0;
    int m_lifetime = 1;
    bool m_grows = false;
};

// Three rounds with changing inputs (above 1 GiB, where one takes ten seconds, one) at S and at a
// size that the ranks do not divide (all-reduce, broadcast and send/receive take any). ok: nothing
// wrong, guards intact, on this rank.
struct ExactOutcome {
    bool ok = false;
    std::string text;
};
ExactOutcome proveExact(Communicator& communicator, formulas::Collective op, std::size_t bytes,
                        Place place, bool threaded = false);

}  // namespace ridge::workloads
