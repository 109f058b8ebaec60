// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/sqlite/index_keys.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <unistd.h>

namespace ridge::bulk {

namespace {

constexpr std::size_t kFewKeys = 64;  // compared
constexpr std::size_t kCachedKeys =
    16384;  // with their copy in the second-level cache: sorted by digits

std::uint64_t distance(const IndexKey& key, std::int64_t base) {
    return static_cast<std::uint64_t>(key.key) - static_cast<std::uint64_t>(base);
}

// Moves the keys to their places by the bits from shift on; counts: one per value of these bits, 0
// at first. Afterwards counts[v] is where the keys of v end.
void scatter(std::span<const IndexKey> from, IndexKey* to, std::int64_t base, int shift,
             std::span<std::uint32_t> counts) {
    const std::uint64_t mask = counts.size() - 1;
    for (const IndexKey& key : from) ++counts[(distance(key, base) >> shift) & mask];
    std::uint32_t place = 0;
    for (std::uint32_t& count : counts) place += std::exchange(count, place);
    for (const IndexKey& key : from) to[counts[(distance(key, base) >> shift) & mask]++] = key;
}

// Most significant bits first until a part and its copy fit into the cache, then least significant
// digit first. Each step keeps equal keys in their order. other: as long as keys; the result is in
// keys.
void sortPart(std::span<IndexKey> keys, std::span<IndexKey> other) {
    const auto less = [](const IndexKey& a, const IndexKey& b) { return a.key < b.key; };
    if (std::is_sorted(keys.begin(), keys.end(), less)) return;
    if (keys.size() <= kFewKeys) {
        for (std::size_t i = 1; i < keys.size(); ++i) {
            const IndexKey key = keys[i];
            std::size_t j = i;
            for (; j > 0 && key.key < keys[j - 1].key; --j) keys[j] = keys[j - 1];
            keys[j] = key;
        }
        return;
    }
    const auto [low, high] = std::minmax_element(keys.begin(), keys.end(), less);
    const std::int64_t base = low->key;
    const int bits = static_cast<int>(std::bit_width(distance(*high, base)));
    if (keys.size() <= kCachedKeys) {
        constexpr int kMostBits = 9;
        const int passes = (bits + kMostBits - 1) / kMostBits,
                  digitBits = (bits + passes - 1) / passes;
        std::array<std::uint32_t, 1U << kMostBits> counts;
        bool inOther = false;
        for (int pass = 0; pass < passes; ++pass, inOther = !inOther) {
            const std::span digits = std::span(counts).first(std::size_t{1} << digitBits);
            std::fill(digits.begin(), digits.end(), 0);
            scatter(inOther ? other : keys, inOther ? keys.data() : other.data(), base,
                    pass * digitBits, digits);
        }
        if (inOther) std::copy(other.begin(), other.end(), keys.begin());
        return;
    }
    constexpr int kPartBits = 11;
    const int shift = std::max(0, bits - kPartBits);
    std::vector<std::uint32_t> ends(std::size_t{1} << std::min(bits, kPartBits));
    scatter(keys, other.data(), base, shift, ends);
    std::size_t begin = 0;
    for (const std::uint32_t end : ends) {
        const std::size_t size = end - begin;
        if (shift > 0) sortPart(other.subspan(begin, size), keys.subspan(begin, size));
        begin = end;
    }
    std::copy(other.begin(), other.end(), keys.begin());
}

}  // namespace

void sortIndexKeys(std::vector<IndexKey>& keys) {
    if (std::is_sorted(keys.begin(), keys.end(),
                       [](const IndexKey& a, const IndexKey& b) { return a.key < b.key; }))
        return;
    std::vector<IndexKey> other(keys.size());
    sortPart(keys, other);
}

namespace {

constexpr std::size_t kWriteBytes = std::size_t{64} << 10;
constexpr std::size_t kReadBytes = std::size_t{4} << 20;
constexpr std::size_t kLongestKey = 20;  // two numbers of 64 bits, 7 bits a byte

std::uint8_t* putNumber(std::uint8_t* out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) *out++ = static_cast<std::uint8_t>(value | 0x80);
    *out++ = static_cast<std::uint8_t>(value);
    return out;
}

std::uint64_t takeNumber(const std::uint8_t*& in) {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        const std::uint8_t byte = *in++;
        value |= std::uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80) return value;
    }
}

std::uint64_t signToLowBit(std::uint64_t difference) {
    return difference << 1 ^ (0 - (difference >> 63));
}
std::uint64_t signFromLowBit(std::uint64_t value) {
    return value >> 1 ^ (0 - (value & 1));
}

std::uint64_t minus(std::int64_t a, std::int64_t b) {
    return static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
}
std::int64_t plus(std::int64_t a, std::uint64_t difference) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + difference);
}

bool less(const IndexKey& a, const IndexKey& b) {
    return a.key != b.key ? a.key < b.key : a.rowid < b.rowid;
}

}  // namespace

IndexKeys::~IndexKeys() {
    if (m_fd >= 0) close(m_fd);
}

bool IndexKeys::makeFile() {
    if (m_fd >= 0 || m_error != 0) return m_error == 0;
    m_fd = open(m_path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (m_fd < 0)
        m_error = errno;
    else
        unlink(m_path.c_str());
    return m_error == 0;
}

void IndexKeys::flush() {
    for (std::size_t done = 0; done < m_out.size() && m_error == 0;) {
        const ssize_t n =
            pwrite(m_fd, m_out.data() + done, m_out.size() - done, static_cast<off_t>(m_written));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            m_error = n < 0 ? errno : ENOSPC;
            return;
        }
        done += static_cast<std::size_t>(n);
        m_written += static_cast<std::uint64_t>(n);
    }
    m_out.clear();
}

void IndexKeys::writeRun() {
    sortIndexKeys(m_keys);
    if (makeFile()) {
        if (m_runs.empty() || !less(m_last, m_keys.front())) {
            m_runs.push_back({m_written, 0, {}, 0, {0, 0}});
            m_last = {0, 0};
        }
        for (const IndexKey& key : m_keys) {
            if (m_out.size() + kLongestKey > kWriteBytes) flush();
            std::uint8_t encoded[kLongestKey];
            const std::uint8_t* end =
                putNumber(putNumber(encoded, signToLowBit(minus(key.key, m_last.key))),
                          signToLowBit(minus(key.rowid, m_last.rowid)));
            m_out.insert(m_out.end(), static_cast<const std::uint8_t*>(encoded), end);
            m_last = key;
        }
        flush();
        m_runs.back().end = m_written;
    }
    m_keys.clear();
}

// The next key of a run, if there is one.
bool IndexKeys::advance(Run& run) {
    if (run.buffer.size() - run.at < kLongestKey && run.begin < run.end) {
        const std::size_t left = run.buffer.size() - run.at;
        const std::size_t room = std::max<std::size_t>(kReadBytes / m_runs.size(), 4096);
        std::copy(run.buffer.begin() + static_cast<std::ptrdiff_t>(run.at), run.buffer.end(),
                  run.buffer.begin());
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(room - left, run.end - run.begin));
        run.buffer.resize(left + wanted);
        for (std::size_t got = 0; got < wanted;) {
            const ssize_t n = pread(m_fd, run.buffer.data() + left + got, wanted - got,
                                    static_cast<off_t>(run.begin));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                m_error = n < 0 ? errno : EIO;
                return false;
            }
            got += static_cast<std::size_t>(n);
            run.begin += static_cast<std::uint64_t>(n);
        }
        run.at = 0;
    }
    if (run.at == run.buffer.size()) return false;
    const std::uint8_t* in = run.buffer.data() + run.at;
    run.key.key = plus(run.key.key, signFromLowBit(takeNumber(in)));
    run.key.rowid = plus(run.key.rowid, signFromLowBit(takeNumber(in)));
    run.at = static_cast<std::size_t>(in - run.buffer.data());
    return true;
}

void IndexKeys::siftDown(std::size_t at) {
    for (;;) {
        std::size_t least = at;
        for (std::size_t child = 2 * at + 1; child < std::min(2 * at + 3, m_heap.size()); ++child)
            if (less(m_runs[m_heap[child]].key, m_runs[m_heap[least]].key)) least = child;
        if (least == at) return;
        std::swap(m_heap[at], m_heap[least]);
        at = least;
    }
}

void IndexKeys::sort() {
    if (m_runs.empty() && m_error == 0) return sortIndexKeys(m_keys);
    if (!m_keys.empty()) writeRun();
    std::vector<IndexKey>().swap(m_keys);
    std::vector<std::uint8_t>().swap(m_out);
    for (std::uint32_t run = 0; run < m_runs.size() && m_error == 0; ++run)
        if (advance(m_runs[run])) m_heap.push_back(run);
    for (std::size_t at = m_heap.size() / 2; at-- > 0;) siftDown(at);
}

bool IndexKeys::next(IndexKey& key) {
    if (m_error != 0) return false;
    if (m_runs.empty()) {
        if (m_given == m_keys.size()) return false;
        key = m_keys[m_given++];
        return true;
    }
    if (m_heap.empty()) return false;
    Run& run = m_runs[m_heap.front()];
    key = run.key;
    if (!advance(run)) {
        if (m_error != 0) return false;
        std::vector<std::uint8_t>().swap(run.buffer);
        m_heap.front() = m_heap.back();
        m_heap.pop_back();
    }
    if (!m_heap.empty()) siftDown(0);
    return true;
}

}  // namespace ridge::bulk
