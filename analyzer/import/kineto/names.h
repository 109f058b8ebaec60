// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Interns the raw strings of a JSON text. A trace repeats few names very often: a table of the last
// ones, looked up by length and three words of the text and compared in full, answers before the pool
// (whose hash reads the whole name) is asked.

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "analyzer/timeline/timeline.h"

namespace ridge::analyzer::kineto {

class RawNames {
public:
    explicit RawNames(NamePool& pool) : m_pool(pool), m_slots(std::make_unique<std::array<Slot, kSlots>>()) {}
    // A string without its quotes, escapes in it.
    NameId text(std::string_view raw) { return intern(raw, false); }
    // A piece of JSON, white space taken out.
    NameId json(std::string_view raw) { return intern(raw, true); }
    // Distinct strings with control characters or bytes that are no UTF-8.
    [[nodiscard]] std::int64_t malformed() const { return m_malformed; }

private:
    static constexpr std::size_t kSlots = 8192;
    static constexpr std::size_t kLongest = 2048;
    struct Slot {
        std::string raw;
        NameId id;
        bool used = false;
    };
    NameId intern(std::string_view raw, bool compact) {
        if (raw.empty()) return NameId{0};
        if (raw.size() > kLongest) return slow(raw, compact);
        Slot& slot = (*m_slots)[slotOf(raw, compact)];
        if (slot.used && slot.raw == raw) return slot.id;
        slot.id = slow(raw, compact);
        slot.raw.assign(raw);
        slot.used = true;
        return slot.id;
    }
    NameId slow(std::string_view raw, bool compact);
    static std::size_t slotOf(std::string_view raw, bool compact) {
        std::uint64_t first = 0, middle = 0, last = 0;
        const std::size_t n = raw.size() < 8 ? raw.size() : 8;
        std::memcpy(&first, raw.data(), n);
        std::memcpy(&middle, raw.data() + (raw.size() - n) / 2, n);
        std::memcpy(&last, raw.data() + raw.size() - n, n);
        std::uint64_t hash = (first ^ (raw.size() << 1) ^ (compact ? 1 : 0)) * 0x9E3779B97F4A7C15ULL;
        hash = (hash ^ (hash >> 29) ^ middle) * 0xBF58476D1CE4E5B9ULL;
        hash = (hash ^ (hash >> 31) ^ last) * 0x94D049BB133111EBULL;
        return static_cast<std::size_t>(hash >> 51);
    }

    NamePool& m_pool;
    std::unique_ptr<std::array<Slot, kSlots>> m_slots;
    std::int64_t m_malformed = 0;
};

}  // namespace ridge::analyzer::kineto
