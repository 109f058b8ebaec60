// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/exact.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>

namespace ridge::workloads {
namespace {

using formulas::Collective;

constexpr float kGuardValue = -12345.0F;
constexpr float kUnwritten = -54321.0F;
constexpr float kExactLimit = 16777216.0F;  // 2^24: integers up to here are floats
constexpr std::size_t kValues = 251;        // prime, so that no block length repeats the pattern
constexpr int kLongestLifetime = 16;

float inputValue(int rank, std::size_t element, std::uint64_t round) {
    return static_cast<float>((element * 7 + round * 13 + static_cast<std::size_t>(rank) * 31) %
                              kValues);
}

bool inBlocks(Collective op) {
    return op == Collective::kAllGather || op == Collective::kReduceScatter ||
           op == Collective::kAllToAll;
}

std::size_t wholeFloats(Collective op, std::size_t bytes, int ranks) {
    const std::size_t floats = std::max<std::size_t>(bytes / sizeof(float), 1);
    const auto n = static_cast<std::size_t>(ranks);
    return inBlocks(op) ? std::max<std::size_t>(floats / n, 1) * n : floats;
}

}  // namespace

GuardedBuffer::GuardedBuffer(std::size_t floats, const ridge_transport_t* transport)
    : m_transport(transport && transport->allocate ? transport : nullptr),
      m_values(floats + 2 * kGuard, kGuardValue) {
    if (!m_transport || floats == 0) return;
    m_there = {m_transport->allocate(m_values.size() * sizeof(float)), m_transport->deallocate};
    if (!m_there) throw std::bad_alloc();
    push();
}

void GuardedBuffer::push() {
    if (m_there &&
        m_transport->copyIn(m_there.get(), m_values.data(), m_values.size() * sizeof(float)) != 0)
        throw std::runtime_error("a copy to the transport's memory failed");
}

void GuardedBuffer::pull() const {
    if (m_there &&
        m_transport->copyOut(m_values.data(), m_there.get(), m_values.size() * sizeof(float)) != 0)
        std::fill(m_values.begin(), m_values.end(), std::numeric_limits<float>::quiet_NaN());
}

std::span<float> GuardedBuffer::reachable(std::span<float> part) {
    if (!m_there) return part;
    return {static_cast<float*>(m_there.get()) + (part.data() - m_values.data()), part.size()};
}

bool GuardedBuffer::guardsIntact() const {
    for (std::size_t i = 0; i < kGuard; ++i)
        if (m_values[i] != kGuardValue || m_values[m_values.size() - 1 - i] != kGuardValue)
            return false;
    return true;
}

bool hasPlace(Collective op, Place place) {
    if (op == Collective::kBroadcast) return place == Place::kIn;
    if (op == Collective::kSendRecv) return place == Place::kOut;
    return op != Collective::kReduce;
}

ExactCollective::ExactCollective(Communicator& communicator, Collective op, std::size_t bytes,
                                 Place place)
    : m_communicator(communicator),
      m_op(op),
      m_bytes(wholeFloats(op, bytes, communicator.size()) * sizeof(float)),
      m_block(m_bytes / sizeof(float) / static_cast<std::size_t>(communicator.size())),
      m_first(
          op == Collective::kAllGather && place == Place::kOut ? m_block : m_bytes / sizeof(float),
          &communicator.transport()),
      m_second(place == Place::kIn                ? 0
               : op == Collective::kReduceScatter ? m_block
                                                  : m_bytes / sizeof(float),
               &communicator.transport()) {
    m_input = m_first.data();
    m_output = place == Place::kIn ? m_first.data() : m_second.data();
    const std::size_t own = static_cast<std::size_t>(communicator.rank()) * m_block;
    if (place == Place::kIn && op == Collective::kAllGather)
        m_input = m_input.subspan(own, m_block);
    if (place == Place::kIn && op == Collective::kReduceScatter)
        m_output = m_output.subspan(own, m_block);
    m_grows =
        place == Place::kIn && (op == Collective::kAllReduce || op == Collective::kReduceScatter);
    const double times = std::log(kExactLimit / static_cast<float>(kValues)) /
                         std::log(std::max(communicator.size(), 2));
    m_lifetime = std::clamp(static_cast<int>(times), 1, kLongestLifetime);
}

std::size_t ExactCollective::bufferBytes(Collective op, std::size_t bytes, int ranks, Place place) {
    if (place == Place::kIn) return bytes;
    const bool oneBlock = op == Collective::kAllGather || op == Collective::kReduceScatter;
    return bytes + (oneBlock ? bytes / static_cast<std::size_t>(ranks) : bytes);
}

void ExactCollective::fill(std::uint64_t round) {
    m_round = round;
    m_runs = 0;
    std::fill(m_first.data().begin(), m_first.data().end(), kUnwritten);
    std::fill(m_second.data().begin(), m_second.data().end(), kUnwritten);
    const bool gives = m_op != Collective::kBroadcast || m_communicator.rank() == root();
    for (std::size_t i = 0; gives && i < m_input.size(); ++i)
        m_input[i] = inputValue(m_communicator.rank(), i, round);
    m_first.push();
    m_second.push();
}

int ExactCollective::root() const {
    return static_cast<int>(m_round % static_cast<std::uint64_t>(m_communicator.size()));
}

CollectiveCall ExactCollective::call() {
    CollectiveCall call;
    const int n = m_communicator.size();
    call.op = m_op;
    call.in = std::as_bytes(m_first.reachable(m_input));
    call.out =
        std::as_writable_bytes((m_first.holds(m_output) ? m_first : m_second).reachable(m_output));
    call.root = root();
    if (m_op == Collective::kSendRecv) {  // a ring
        call.to = (m_communicator.rank() + 1) % n;
        call.from = (m_communicator.rank() + n - 1) % n;
    }
    return call;
}

Status ExactCollective::run(bool threaded) {
    ++m_runs;
    if (!threaded) return m_communicator.run(call());
    RIDGE_TRY_STATUS(m_communicator.start(call()));
    return m_communicator.wait();
}

Status ExactCollective::start() {
    ++m_runs;
    return m_communicator.start(call());
}

float ExactCollective::expected(std::size_t i) const {
    const int rank = m_communicator.rank(), n = m_communicator.size();
    const auto own = static_cast<std::size_t>(rank) * m_block;
    const auto sum = [&](std::size_t element) {
        float total = 0;
        for (int r = 0; r < n; ++r) total += inputValue(r, element, m_round);
        return total;
    };
    switch (m_op) {
        case Collective::kAllReduce:
            return sum(i);
        case Collective::kReduceScatter:
            return sum(own + i);
        case Collective::kAllGather:
            return inputValue(static_cast<int>(i / m_block), i % m_block, m_round);
        case Collective::kAllToAll:
            return inputValue(static_cast<int>(i / m_block), own + i % m_block, m_round);
        case Collective::kBroadcast:
            return inputValue(root(), i, m_round);
        case Collective::kSendRecv:
            return inputValue((rank + n - 1) % n, i, m_round);
        case Collective::kReduce:
            break;
    }
    return kUnwritten;
}

std::size_t ExactCollective::wrongElements() const {
    (m_first.holds(m_output) ? m_first : m_second).pull();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < m_output.size(); ++i) wrong += m_output[i] == expected(i) ? 0 : 1;
    return wrong;
}

bool ExactCollective::guardsIntact() const {
    m_first.pull();
    m_second.pull();
    return m_first.guardsIntact() && m_second.guardsIntact();
}

ExactOutcome proveExact(Communicator& communicator, Collective op, std::size_t bytes, Place place,
                        bool threaded) {
    const std::uint64_t rounds = bytes > std::size_t{1} << 30 ? 1 : 3;
    std::size_t wrong = 0, seen = 0;
    bool guards = true;
    const auto n = static_cast<std::size_t>(communicator.size());
    const std::size_t floats = bytes / sizeof(float);
    const std::size_t odd = (floats - floats % n + 1) * sizeof(float);
    for (const std::size_t size : {bytes, odd}) {
        ExactCollective collective(communicator, op, size, place);
        for (std::uint64_t round = 0; round < rounds; ++round) {
            collective.fill(round);
            if (const Status status = collective.run(threaded); !status.ok())
                return {false, status.error().message};
            wrong += collective.wrongElements();
            seen += collective.outputElements();
        }
        guards = guards && collective.guardsIntact();
    }
    return {wrong == 0 && guards, fmt::format("{} of {} elements wrong, guards {}", wrong, seen,
                                              guards ? "intact" : "overwritten")};
}

}  // namespace ridge::workloads
