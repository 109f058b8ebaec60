// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Texts as small numbers. One table per process and library; an entry lives for ever, its id is
// dense from 1, and its Name record is published before the id is handed out. Id 0 is the empty
// name. The hot path is a slot per thread keyed by the text's address, its content compared
// (callers reuse buffers). Callers hold the thread's ring (enter()).

#include "collector/agent/ring.h"

#include <wchar.h>

namespace ridge::agent {

struct NameEntry {
    NameEntry* next;
    uint64_t hash;
    uint32_t id;
    uint32_t generation;  // imageGeneration() in which the record was written
    uint32_t length;
    uint32_t seal;  // of its own address: tells a handle of ours from any other number
    char text[8];   // and more; NUL-terminated
};

// Bump allocation out of mmapped blocks; nullptr when memory is gone. Holder of the table lock
// only.
void* arenaAllocate(size_t bytes);

void lockTables();
void unlockTables();
void resetTablesAfterFork();

// At its own start. Few, since each is twice the one before: handles are looked for in all.
struct ArenaBlock {
    ArenaBlock* next;
    size_t bytes;
};
extern ArenaBlock* g_arenaBlocks __attribute__((visibility("hidden")));

inline uint32_t sealOf(const void* address) {
    const auto value = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(address));
    return static_cast<uint32_t>((value * 0x9E3779B97F4A7C15ull) >> 32) | 1;
}

// What a string handle of the program's stands for; nullptr: we gave out no such handle. Only
// memory of ours is read. Any thread.
inline const NameEntry* registeredEntry(const void* handle) {
    const auto at = reinterpret_cast<uintptr_t>(handle);
    const ArenaBlock* block = __atomic_load_n(&g_arenaBlocks, __ATOMIC_ACQUIRE);
    for (; block != nullptr; block = block->next) {
        const uintptr_t inside = at - reinterpret_cast<uintptr_t>(block);
        if (inside >= block->bytes) continue;
        const auto* entry = static_cast<const NameEntry*>(handle);
        const bool whole = at % 16 == 0 && inside + sizeof(NameEntry) <= block->bytes;
        return whole && __atomic_load_n(&entry->seal, __ATOMIC_RELAXED) == sealOf(entry) ? entry
                                                                                         : nullptr;
    }
    return nullptr;
}

const NameEntry* internSlow(Ring* ring, const char* text, size_t length);
// UTF-8 of at most that many bytes and one character; returns its length.
size_t toUtf8(const wchar_t* text, char* to, size_t most);
const NameEntry* internWide(Ring* ring, const wchar_t* text);
void announceName(Ring* ring, NameEntry* entry);

inline uint32_t hashOfAddress(const void* key) {
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(key)) * 0x9E3779B1u;
}
inline uint32_t slotOf(const void* key) {
    return hashOfAddress(key) >> 22;
}

// The id of a name that was handed out before, in this image or in the one this was forked from.
inline uint32_t idInThisImage(Ring* ring, const NameEntry* entry) {
    if (entry == nullptr) return 0;
    if (__builtin_expect(entry->generation != imageGeneration(), false))
        announceName(ring, const_cast<NameEntry*>(entry));
    return entry->id;
}

// For a handle that is not known to be ours. 0 for none; kNoSuchString, counted, for one that is
// not.
inline constexpr uint64_t kNoSuchString = ~uint64_t{0};
inline uint64_t idOfHandle(Ring* ring, const void* handle) {
    if (handle == nullptr) return 0;
    const NameEntry* entry = registeredEntry(handle);
    if (entry != nullptr) return idInThisImage(ring, entry);
    countLoss(ring, spool::kLossUnreadable);
    return kNoSuchString;
}

// As the name of an event: 0, counted, for a handle that is not ours.
inline uint32_t registeredId(Ring* ring, const void* handle) {
    const uint64_t id = idOfHandle(ring, handle);
    return id != kNoSuchString ? static_cast<uint32_t>(id) : 0;
}

inline constexpr uint32_t kOtherPage =
    0xFFFE0000;  // CachedName::check: reading past the end may fault
inline constexpr uint32_t kLongName = 0xFFFF0000;  // CachedName::check; text holds the entry

// Id of a text known to this thread at this address; 0 if it is not, or has another content now.
inline uint32_t lookUp(const Ring* ring, const char* text) {
    const CachedName& slot = ring->names[slotOf(text)];
    if (slot.key != text) return 0;
    const char* known = slot.text;
    if (slot.check == kLongName) {
        const NameEntry* entry;
        memcpy(&entry, slot.text, sizeof entry);
        known = entry->text;
    }
    return strcmp(known, text) == 0 ? slot.id : 0;
}

// May call internSlow(). Interns the text and remembers it for the next time.
uint32_t internAndRemember(Ring* ring, const char* text);

inline uint32_t intern(Ring* ring, const char* text) {
    if (text == nullptr) return 0;
    const uint32_t id = lookUp(ring, text);
    return __builtin_expect(id != 0, true) ? id : internAndRemember(ring, text);
}

}  // namespace ridge::agent
