// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/ranges.h"

#include "collector/agent/raw.h"

namespace ridge::agent {

using namespace spool;

namespace {

struct Inherited {
    uint32_t domainId;
    uint32_t count;
};
constexpr uint32_t kMaxInherited = 64;
struct InheritedTable {
    Inherited of[kMaxInherited];
    uint32_t count;
};
InheritedTable g_inherited = {};
InheritedTable g_forChild = {};

void remember(uint32_t domainId) {
    for (uint32_t i = 0; i < g_forChild.count; ++i)
        if (g_forChild.of[i].domainId == domainId) {
            ++g_forChild.of[i].count;
            return;
        }
    if (g_forChild.count < kMaxInherited) g_forChild.of[g_forChild.count++] = {domainId, 1};
}

// Only the thread that forked lives in the child, so this table has one reader.
bool wasPushedBeforeFork(uint32_t domainId) {
    for (uint32_t i = 0; i < g_inherited.count; ++i)
        if (g_inherited.of[i].domainId == domainId && g_inherited.of[i].count > 0) {
            --g_inherited.of[i].count;
            return true;
        }
    return false;
}

template <class Record>
bool emitWith(Ring* ring, RecordType type, uint64_t middle, Event& event, uint64_t extension,
              uint64_t time) {
    const uint64_t bytes = sizeof(Record) + extension;
    uint8_t* to = reserve(ring, bytes);
    if (to == nullptr) return false;
    const uint16_t category =
        (event.flags & kWideCategory) != 0 ? uint16_t{0} : static_cast<uint16_t>(event.category);
    Record record{};
    record.header = recordHeader(type, bytes, event.nameId, event.flags);
    if constexpr (sizeof(Record) == sizeof(RangeOpen)) {
        record.start = time;
        record.rangeId = middle;
    } else {
        record.time = time;
    }
    record.domainId = static_cast<uint16_t>(event.domainId);
    record.category = category;
    record.color = event.color;
    memcpy(to, &record, sizeof record);
    writeExtensions(to + sizeof record, event);
    publish(ring, bytes);
    return true;
}

// Places of ranges that were popped out of order are given back, the chains tied anew.
void compactOverflow(Ring* ring) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ring->overflowCount; ++i) {
        OverflowFrame frame = ring->overflow[i];
        if (frame.domainId == kNoDomain) continue;
        // Below it in its domain: a range that has its new place already.
        uint32_t& top = ring->overflowTop[frame.domainId % kDomainPlaces];
        if (frame.below == 0) top = 0;
        frame.below = top;
        ring->overflow[kept++] = frame;
        top = kept;
    }
    ring->overflowCount = kept;
}

// Room for one more.
bool growOverflow(Ring* ring) {
    if (ring->overflowTop == nullptr) {
        ring->overflowTop = static_cast<uint32_t*>(raw::memory(kDomainPlaces * sizeof(uint32_t)));
        if (ring->overflowTop == nullptr) return false;
    }
    const uint32_t before = ring->overflowCount;
    compactOverflow(ring);
    if (ring->overflowCount < before / 2) return true;
    const uint32_t capacity = ring->overflowCapacity == 0 ? 256 : ring->overflowCapacity * 2;
    auto* fresh =
        static_cast<OverflowFrame*>(raw::memory(size_t{capacity} * sizeof(OverflowFrame)));
    if (fresh == nullptr) return ring->overflowCount < ring->overflowCapacity;
    if (ring->overflow != nullptr) {
        memcpy(fresh, ring->overflow, ring->overflowCount * sizeof(OverflowFrame));
        raw::munmap(ring->overflow, ring->overflowCapacity * sizeof(OverflowFrame));
    }
    ring->overflow = fresh;
    ring->overflowCapacity = capacity;
    return true;
}

void clearOverflow(Ring* ring) {
    for (uint32_t i = 0; i < ring->overflowCount; ++i)
        if (ring->overflow[i].domainId != kNoDomain)
            ring->overflowTop[ring->overflow[i].domainId % kDomainPlaces] = 0;
    ring->overflowCount = 0;
    ring->frameRoom = kMaxOpenFrames;
}

int popOverflow(Ring* ring, uint32_t index, uint64_t end, Event* atEnd) {
    const OverflowFrame frame = ring->overflow[index];
    endRange(ring, frame.rangeId, end, atEnd);
    ring->overflowTop[frame.domainId % kDomainPlaces] = frame.below;
    ring->overflow[index].domainId = kNoDomain;
    while (ring->overflowCount != 0 &&
           ring->overflow[ring->overflowCount - 1].domainId == kNoDomain)
        --ring->overflowCount;
    if (ring->overflowCount == 0) ring->frameRoom = kMaxOpenFrames;
    return static_cast<int>(frame.level);
}

// The part of a frame's extensions that stands before its blobs.
uint32_t bytesBeforeBlobs(const OpenFrame& frame) {
    return ((frame.flags & kWideCategory) != 0 ? 8u : 0u) +
           ((frame.flags & kHasValue) != 0 ? 16u : 0u);
}

void writeRange(Ring* ring, const OpenFrame& frame, uint64_t end, Event* atEnd) {
    uint64_t fromFrame = frame.payloadBytes;
    uint64_t added = 0;
    uint8_t flags = frame.flags;
    if (atEnd != nullptr && atEnd->blobCount != 0) {
        added = extensionBytes(ring, *atEnd);
        flags = static_cast<uint8_t>(flags | kHasBlobs | kBlobsAtEnd);
        if (sizeof(Range) + fromFrame + added > (ring->mask + 1) / 2) {  // a small ring, full blobs
            fromFrame = bytesBeforeBlobs(frame);
            countLoss(ring, kLossTruncatedPayload);
        }
    }
    const uint64_t bytes = sizeof(Range) + fromFrame + added;
    uint8_t* to = reserve(ring, bytes);
    if (to == nullptr) return;
    const Range record{recordHeader(RecordType::kRange, bytes, frame.nameId, flags),
                       frame.start,
                       end,
                       frame.domainId,
                       static_cast<uint16_t>(frame.category),
                       frame.color};
    memcpy(to, &record, sizeof record);
    copyWords(to + sizeof record, ring->header->openPayload + frame.payloadOffset, fromFrame);
    if (added != 0) writeExtensions(to + sizeof record + fromFrame, *atEnd);
    publish(ring, bytes);
}

}  // namespace

uint64_t extensionBytes(Ring* ring, Event& event) {
    uint64_t bytes = 0;
    if (event.category > 0xFFFF) {
        event.flags |= kWideCategory;
        bytes += 8;
    }
    if ((event.flags & kHasValue) != 0) bytes += 16;
    const uint64_t most = largestBlob(ring);
    uint64_t blobs = 0;
    for (uint32_t i = 0; i < event.blobCount; ++i) {
        Blob& blob = event.blobs[i];
        if (blobs + 8 + padded(blob.bytes) > most) {
            blob.bytes =
                blobs + 8 < most ? static_cast<uint32_t>((most - blobs - 8) & ~uint64_t{7}) : 0;
            countLoss(ring, kLossTruncatedPayload);
        }
        blobs += 8 + padded(blob.bytes);
    }
    if (event.blobCount != 0) event.flags |= kHasBlobs;
    return bytes + blobs;
}

void writeExtensions(uint8_t* to, const Event& event) {
    if ((event.flags & kWideCategory) != 0) {
        const uint64_t category = event.category;
        memcpy(to, &category, 8);
        to += 8;
    }
    if ((event.flags & kHasValue) != 0) {
        memcpy(to, &event.valueType, 8);
        memcpy(to + 8, &event.value, 8);
        to += 16;
    }
    for (uint32_t i = 0; i < event.blobCount; ++i) {
        const Blob& blob = event.blobs[i];
        storeWord(to, uint64_t{blob.schemaRef} | uint64_t{blob.bytes} << 32);
        to += 8;
        const uint64_t whole = blob.bytes & ~uint32_t{7};
        copyWords(to, static_cast<const uint8_t*>(blob.data), whole);
        if (whole != blob.bytes) {
            uint64_t last = 0;
            memcpy(&last, static_cast<const uint8_t*>(blob.data) + whole, blob.bytes - whole);
            memcpy(to + whole, &last, 8);
        }
        if (blob.schema != nullptr) translateHandles(to, blob);
        to += padded(blob.bytes);
    }
}

int pushOverflow(Ring* ring, Event& event, uint64_t extension) {
    RingHeader* header = ring->header;
    const bool room = ring->overflowCount != ring->overflowCapacity || growOverflow(ring);
    const uint32_t below =
        ring->overflowTop != nullptr ? ring->overflowTop[event.domainId % kDomainPlaces] : 0;
    const uint32_t level = below != 0 ? ring->overflow[below - 1].level + 1
                                      : levelOf(header, header->openCount, event.domainId);
    if (!room) {
        countLoss(ring, kLossNoRing);
        return static_cast<int>(level);
    }
    const uint64_t id = ++ring->nextRange;
    ring->overflow[ring->overflowCount++] = {id, event.domainId, level, below, 0};
    ring->overflowTop[event.domainId % kDomainPlaces] = ring->overflowCount;
    ring->frameRoom = 0;
    emitWith<RangeOpen>(ring, RecordType::kRangeOpen, id, event, extension, now());
    return static_cast<int>(level);
}

int pushEvent(Ring* ring, Event& event) {
    RingHeader* header = ring->header;
    const uint32_t count = header->openCount;
    const uint64_t extension = extensionBytes(ring, event);
    const uint32_t used = header->openPayloadUsed;
    if (count >= kMaxOpenFrames || ring->overflowCount != 0 || used + extension > kOpenPayloadBytes)
        return pushOverflow(ring, event, extension);
    OpenFrame& frame = header->openFrames[count];
    const uint32_t level = levelOf(header, count, event.domainId);
    writeExtensions(header->openPayload + used, event);
    frame.nameId = event.nameId;
    frame.domainId = static_cast<uint16_t>(event.domainId);
    frame.flags = event.flags;
    frame.category = (event.flags & kWideCategory) != 0 ? 0 : event.category;
    frame.color = event.color;
    frame.payloadOffset = used;
    frame.payloadBytes = static_cast<uint32_t>(extension);
    frame.reserved0 = static_cast<uint8_t>(level);
    frame.reserved1 = rangeWord(sizeof(Range) + extension, event.flags, event.nameId);
    header->openPayloadUsed = used + static_cast<uint32_t>(extension);
    frame.start = now();
    __atomic_store_n(&header->openCount, count + 1, __ATOMIC_RELEASE);
    return static_cast<int>(level);
}

int popEvent(Ring* ring, uint32_t domainId, uint64_t end, Event* atEnd) {
    const uint32_t top =
        ring->overflowTop != nullptr ? ring->overflowTop[domainId % kDomainPlaces] : 0;
    if (top != 0) return popOverflow(ring, top - 1, end, atEnd);
    RingHeader* header = ring->header;
    const uint32_t count = header->openCount;
    uint32_t index = count;
    while (index > 0 && header->openFrames[index - 1].domainId != domainId) --index;
    if (index == 0) {
        // Outside of a window pushes are not seen, so that their pops say nothing.
        if (!wasPushedBeforeFork(domainId) && sessionControl()->partial == 0)
            countLoss(ring, kLossUnbalancedPop);
        return -2;  // NVTX_NO_PUSH_POP_TRACKING
    }
    --index;
    const OpenFrame frame = header->openFrames[index];
    writeRange(ring, frame, end, atEnd);
    // A kill in here leaves a frame twice, which readers take as one (same start, name and domain).
    for (uint32_t i = index + 1; i < count; ++i) header->openFrames[i - 1] = header->openFrames[i];
    if (index == count - 1) header->openPayloadUsed = frame.payloadOffset;
    if (count == 1) header->openPayloadUsed = 0;
    __atomic_store_n(&header->openCount, count - 1, __ATOMIC_RELEASE);
    return frame.reserved0;
}

uint64_t startRange(Ring* ring, Event& event) {
    event.flags |= kStartEnd;
    const uint64_t extension = extensionBytes(ring, event);
    const uint64_t id = ++ring->nextRange;
    emitWith<RangeOpen>(ring, RecordType::kRangeOpen, id, event, extension, now());
    return id;
}

void endRange(Ring* ring, uint64_t rangeId, uint64_t end, Event* atEnd) {
    const bool adds = atEnd != nullptr && atEnd->blobCount != 0;
    const uint64_t extension = adds ? extensionBytes(ring, *atEnd) : 0;
    const uint64_t bytes = sizeof(RangeClose) + extension;
    uint8_t* to = reserve(ring, bytes);
    if (to == nullptr) return;
    const auto flags = static_cast<uint8_t>(adds ? kHasBlobs | kBlobsAtEnd : 0);
    const RangeClose record{recordHeader(RecordType::kRangeClose, bytes, 0, flags), end, rangeId};
    memcpy(to, &record, sizeof record);
    if (adds) writeExtensions(to + sizeof record, *atEnd);
    publish(ring, bytes);
}

void mark(Ring* ring, Event& event) {
    const uint64_t time = now();
    const uint64_t extension = extensionBytes(ring, event);
    emitWith<Mark>(ring, RecordType::kMark, 0, event, extension, time);
}

void rememberOpenRanges(const Ring* ring) {
    g_forChild = g_inherited;  // what this process inherited itself and did not pop goes on
    if (ring == nullptr || ring->header == nullptr) return;
    for (uint32_t i = 0; i < ring->header->openCount; ++i)
        remember(ring->header->openFrames[i].domainId);
    for (uint32_t i = 0; i < ring->overflowCount; ++i)
        if (ring->overflow[i].domainId != kNoDomain) remember(ring->overflow[i].domainId);
}

void adoptRememberedRanges() {
    g_inherited = g_forChild;
}

void spillOpenRanges(Ring* ring) {
    RingHeader* header = ring->header;
    for (uint32_t i = 0; i < header->openCount; ++i) {
        const OpenFrame& frame = header->openFrames[i];
        const uint64_t bytes = sizeof(RangeOpen) + frame.payloadBytes;
        uint8_t* to = reserve(ring, bytes);
        if (to == nullptr) continue;
        const RangeOpen record{
            recordHeader(RecordType::kRangeOpen, bytes, frame.nameId, frame.flags),
            frame.start,
            ++ring->nextRange,
            frame.domainId,
            static_cast<uint16_t>(frame.category),
            frame.color};
        memcpy(to, &record, sizeof record);
        copyWords(to + sizeof record, header->openPayload + frame.payloadOffset,
                  frame.payloadBytes);
        publish(ring, bytes);
    }
    __atomic_store_n(&header->openCount, 0, __ATOMIC_RELEASE);
    header->openPayloadUsed = 0;
    clearOverflow(ring);
}

}  // namespace ridge::agent
