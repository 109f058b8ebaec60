// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Entries by their key: open addressing, at most half full. Written by the holder of the table
// lock, read by any thread without it. Entries are never removed; a table that has grown leaves the
// old one to whoever still reads it (together no larger than the new one). Cost: find and put O(1),
// put amortised. Memory: 16 bytes a place, of at least 256.

#include "collector/agent/raw.h"

namespace ridge::agent {

template <class Entry>
class Index {
public:
    // same(entry): whether it has the key. nullptr: no entry has.
    template <class Same>
    Entry* find(uint64_t key, Same same) const {
        const Table* table = __atomic_load_n(&m_table, __ATOMIC_ACQUIRE);
        if (table == nullptr) return nullptr;
        const uint64_t hash = spread(key);
        for (uint64_t i = hash;; ++i) {
            const Place& place = table->places[i & table->mask];
            Entry* entry = __atomic_load_n(&place.entry, __ATOMIC_ACQUIRE);
            if (entry == nullptr || (place.hash == hash && same(*entry))) return entry;
        }
    }

    // Replaces the entry that has the key. False: no memory, nothing was put.
    template <class Same>
    bool put(uint64_t key, Entry* entry, Same same) {
        if ((m_table == nullptr || (m_count + 1) * 2 > m_table->mask + 1) && !grow()) return false;
        const uint64_t hash = spread(key);
        uint64_t i = hash;
        for (;; ++i) {
            const Place& place = m_table->places[i & m_table->mask];
            if (place.entry == nullptr || (place.hash == hash && same(*place.entry))) break;
        }
        store(*m_table, i, hash, entry);
        return true;
    }

private:
    struct Place {
        uint64_t hash;  // of an entry that is there; it does not change any more
        Entry* entry;
    };
    struct Table {
        uint64_t mask;
        Place places[1];  // and more
    };
    static constexpr uint64_t kFirstPlaces = 256;

    static uint64_t spread(uint64_t key) {
        const uint64_t product = key * 0x9E3779B97F4A7C15ull;
        return product ^ (product >> 32);
    }

    void store(Table& table, uint64_t at, uint64_t hash, Entry* entry) {
        Place& place = table.places[at & table.mask];
        if (place.entry == nullptr) {
            place.hash = hash;
            ++m_count;
        }
        __atomic_store_n(&place.entry, entry, __ATOMIC_RELEASE);
    }

    bool grow() {
        const uint64_t places = m_table == nullptr ? kFirstPlaces : (m_table->mask + 1) * 2;
        auto* fresh = static_cast<Table*>(raw::memory(sizeof(Table) + places * sizeof(Place)));
        if (fresh == nullptr) return false;
        fresh->mask = places - 1;
        m_count = 0;
        for (uint64_t i = 0; m_table != nullptr && i <= m_table->mask; ++i) {
            const Place& old = m_table->places[i];
            if (old.entry == nullptr) continue;
            uint64_t at = old.hash;
            while (fresh->places[at & fresh->mask].entry != nullptr) ++at;
            store(*fresh, at, old.hash, old.entry);
        }
        __atomic_store_n(&m_table, fresh, __ATOMIC_RELEASE);
        return true;
    }

    Table* m_table = nullptr;
    uint64_t m_count = 0;
};

}  // namespace ridge::agent
