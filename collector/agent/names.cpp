// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/names.h"

#include "collector/agent/raw.h"

#include <pthread.h>

namespace ridge::agent {

ArenaBlock* g_arenaBlocks = nullptr;  // written under the lock

namespace {

constexpr size_t kArenaBlock = size_t{1} << 20;
constexpr size_t kLargestArenaBlock = size_t{1} << 24;
constexpr uint32_t kFirstBuckets = 4096;

pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
char* g_arena = nullptr;
size_t g_arenaLeft = 0;
NameEntry** g_buckets = nullptr;
uint32_t g_bucketCount = 0;
uint32_t g_nameCount = 0;

uint64_t hashOf(const char* text, size_t length) {
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < length; ++i)
        hash = (hash ^ static_cast<unsigned char>(text[i])) * 0x100000001b3ull;
    return hash ^ (hash >> 29);
}

bool growBuckets() {
    const uint32_t count = g_bucketCount == 0 ? kFirstBuckets : g_bucketCount * 4;
    auto** fresh = static_cast<NameEntry**>(raw::memory(count * sizeof(NameEntry*)));
    if (fresh == nullptr) return g_bucketCount != 0;
    for (uint32_t i = 0; i < g_bucketCount; ++i) {
        for (NameEntry* entry = g_buckets[i]; entry != nullptr;) {
            NameEntry* next = entry->next;
            entry->next = fresh[entry->hash % count];
            fresh[entry->hash % count] = entry;
            entry = next;
        }
    }
    if (g_buckets != nullptr) raw::munmap(g_buckets, g_bucketCount * sizeof(NameEntry*));
    g_buckets = fresh;
    g_bucketCount = count;
    return true;
}

bool emitName(Ring* ring, const NameEntry* entry) {
    const uint64_t bytes = sizeof(spool::Name) + padded(entry->length);
    uint8_t* to = reserve(ring, bytes);
    if (to == nullptr) return false;
    const spool::Name record{recordHeader(spool::RecordType::kName, bytes, entry->id),
                             entry->length, 0};
    memset(to + bytes - 8, 0, 8);
    memcpy(to, &record, sizeof record);
    memcpy(to + sizeof record, entry->text, entry->length);
    publish(ring, bytes);
    return true;
}

NameEntry* findOrMake(const char* text, size_t length) {
    const uint64_t hash = hashOf(text, length);
    if (g_nameCount >= g_bucketCount * 2 && !growBuckets()) return nullptr;
    for (NameEntry* entry = g_buckets[hash % g_bucketCount]; entry != nullptr; entry = entry->next)
        if (entry->hash == hash && entry->length == length &&
            memcmp(entry->text, text, length) == 0)
            return entry;
    auto* entry = static_cast<NameEntry*>(arenaAllocate(sizeof(NameEntry) + length));
    if (entry == nullptr) return nullptr;
    *entry = NameEntry{g_buckets[hash % g_bucketCount],
                       hash,
                       g_nameCount + 1,
                       0,
                       static_cast<uint32_t>(length),
                       sealOf(entry),
                       {}};
    memcpy(entry->text, text, length);
    entry->text[length] = 0;
    ++g_nameCount;
    g_buckets[hash % g_bucketCount] = entry;
    return entry;
}

}  // namespace

void lockTables() {
    pthread_mutex_lock(&g_lock);
}
void unlockTables() {
    pthread_mutex_unlock(&g_lock);
}
void resetTablesAfterFork() {
    pthread_mutex_init(&g_lock, nullptr);
}

void* arenaAllocate(size_t bytes) {
    bytes = (bytes + 15) & ~size_t{15};
    if (bytes > g_arenaLeft) {
        constexpr size_t kHead = (sizeof(ArenaBlock) + 15) & ~size_t{15};
        const size_t before = g_arenaBlocks != nullptr ? g_arenaBlocks->bytes : kArenaBlock / 2;
        size_t block = before < kLargestArenaBlock / 2 ? 2 * before : kLargestArenaBlock;
        if (block < bytes + kHead) block = bytes + kHead;
        auto* memory = static_cast<char*>(raw::memory(block));
        if (memory == nullptr) return nullptr;
        auto* head = reinterpret_cast<ArenaBlock*>(memory);
        *head = {g_arenaBlocks, block};
        __atomic_store_n(&g_arenaBlocks, head, __ATOMIC_RELEASE);
        g_arena = memory + kHead;
        g_arenaLeft = block - kHead;
    }
    void* result = g_arena;
    g_arena += bytes;
    g_arenaLeft -= bytes;
    return result;
}

void announceName(Ring* ring, NameEntry* entry) {
    lockTables();
    if (entry->generation != imageGeneration() && emitName(ring, entry))
        entry->generation = imageGeneration();
    unlockTables();
}

const NameEntry* internSlow(Ring* ring, const char* text, size_t length) {
    const size_t most =
        (ring->mask + 1) / 4 < spool::kMaxNameBytes ? (ring->mask + 1) / 4 : spool::kMaxNameBytes;
    if (length > most) {
        length = most;
        while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
        countLoss(ring, spool::kLossTruncatedName);
    }
    if (length == 0) return nullptr;
    lockTables();
    NameEntry* entry = findOrMake(text, length);
    // The record goes out before anyone else can have the id: a kill never leaves a range nameless.
    if (entry != nullptr && entry->generation != imageGeneration() && emitName(ring, entry))
        entry->generation = imageGeneration();
    unlockTables();
    return entry;
}

uint32_t internAndRemember(Ring* ring, const char* text) {
    const NameEntry* entry = internSlow(ring, text, strlen(text));
    if (entry == nullptr) return 0;
    CachedName& slot = ring->names[slotOf(text)];
    memset(&slot, 0, sizeof slot);
    slot.id = entry->id;
    const uint32_t bytes = entry->length + 1;  // NUL included
    if (bytes <= sizeof slot.text) {
        memcpy(slot.text, entry->text, bytes);
        const uint32_t last = (bytes - 1) / 16 * 16;
        slot.behindEnd = (0xFFFFu << (bytes - last)) & 0xFFFF;
        const bool onePage = (reinterpret_cast<uintptr_t>(text) & 4095) <= 4096 - 16 - last;
        slot.check = !onePage ? kOtherPage : last == 0 ? slot.behindEnd : last << 16;
    } else {
        memcpy(slot.text, &entry, sizeof entry);
        slot.check = kLongName;
    }
    slot.key = text;
    return entry->id;
}

size_t toUtf8(const wchar_t* text, char* to, size_t most) {
    static_assert(sizeof(wchar_t) == 4, "wide characters are UTF-32 here");
    size_t length = 0;
    for (; *text != 0 && length <= most; ++text) {
        auto c = static_cast<uint32_t>(*text);
        if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = 0xFFFD;
        if (c < 0x80) {
            to[length++] = static_cast<char>(c);
        } else if (c < 0x800) {
            to[length++] = static_cast<char>(0xC0 | (c >> 6));
            to[length++] = static_cast<char>(0x80 | (c & 63));
        } else if (c < 0x10000) {
            to[length++] = static_cast<char>(0xE0 | (c >> 12));
            to[length++] = static_cast<char>(0x80 | ((c >> 6) & 63));
            to[length++] = static_cast<char>(0x80 | (c & 63));
        } else {
            to[length++] = static_cast<char>(0xF0 | (c >> 18));
            to[length++] = static_cast<char>(0x80 | ((c >> 12) & 63));
            to[length++] = static_cast<char>(0x80 | ((c >> 6) & 63));
            to[length++] = static_cast<char>(0x80 | (c & 63));
        }
    }
    return length;
}

const NameEntry* internWide(Ring* ring, const wchar_t* text) {
    if (text == nullptr) return nullptr;
    char utf8[spool::kMaxNameBytes + 8];
    const size_t length = toUtf8(text, utf8, spool::kMaxNameBytes);
    utf8[length] = 0;
    return internSlow(ring, utf8, length);
}

}  // namespace ridge::agent
