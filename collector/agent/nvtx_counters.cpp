// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// NVTX counters -> Counter and CounterSample records: one counter for a single number, one for each
// number of a group. Entries of a group that are no single number make no counter.
#include "collector/agent/capture.h"
#include "collector/agent/index.h"
#include "collector/agent/nvtx_events.h"
#include "collector/agent/nvtx_extensions.h"
#include "schemas/spool/sample_records.h"

namespace ridge::agent {

using namespace spool;

namespace {

constexpr uint64_t kDynamicCounter = uint64_t{1} << 32;
constexpr uint32_t kMostFields = 64;
constexpr uint64_t kTimestampFlag = NVTX_PAYLOAD_ENTRY_FLAG_TIMESTAMP;
constexpr uint64_t kIntervalPair = uint64_t{3} << 32;  // NVTX_COUNTER_BATCH_FLAG_*

struct CounterField {
    const NameEntry* name;
    const NameEntry* unit;
    double scale;
    uint64_t type, offset;
    uint64_t last;  // bits of the last value, for a sample that says it has not changed
};
struct CounterInfo {
    CounterInfo* next;
    uint64_t id;
    uint32_t domainId;
    uint32_t firstRef;
    uint32_t generation;
    uint32_t fieldCount;
    uint64_t sampleBytes;
    uint64_t timeDomainId;
    int64_t timeOffset;  // of the sample's own timestamp; -1: none
    CounterField* fields;
};

CounterInfo* g_counters = nullptr;
Index<CounterInfo> g_countersById;
uint32_t g_counterRefs = 0;
uint32_t g_counterGroups = 0;

double bitsToDouble(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
uint64_t doubleToBits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

double halfToDouble(uint32_t half) {
    const uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
    float value;
    const uint32_t bits = exponent == 0    ? 0
                          : exponent == 31 ? 0x7F800000u | fraction << 13
                                           : (exponent + 112) << 23 | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    const double size = exponent == 0 ? fraction / 16777216.0 : static_cast<double>(value);
    return (half & 0x8000) != 0 ? -size : size;
}

// False: a type that is no number.
bool numberAt(uint64_t type, const uint8_t* at, double& value) {
    const uint32_t bytes = predefinedBytes(type);
    if (bytes == 0 || bytes > 8) return false;
    uint64_t raw = 0;
    memcpy(&raw, at, bytes);
    switch (type) {
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_TF32: {
            float narrow;
            memcpy(&narrow, at, sizeof narrow);
            value = static_cast<double>(narrow);
            return true;
        }
        case NVTX_PAYLOAD_ENTRY_TYPE_BF16: {
            float narrow;
            const uint32_t bits = static_cast<uint32_t>(raw) << 16;
            memcpy(&narrow, &bits, sizeof narrow);
            value = static_cast<double>(narrow);
            return true;
        }
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT16:
            value = halfToDouble(static_cast<uint32_t>(raw));
            return true;
        case NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT64:
            value = bitsToDouble(raw);
            return true;
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR:
        case NVTX_PAYLOAD_ENTRY_TYPE_SHORT:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT:
        case NVTX_PAYLOAD_ENTRY_TYPE_LONG:
        case NVTX_PAYLOAD_ENTRY_TYPE_LONGLONG:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT8:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT16:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT64: {
            const uint32_t shift = 64 - 8 * bytes;
            value = static_cast<double>(static_cast<int64_t>(raw << shift) >> shift);
            return true;
        }
        case NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE:
            return false;
        default:
            value = static_cast<double>(raw);
            return true;
    }
}

void emitCounters(Ring* ring, CounterInfo* info) {
    for (uint32_t i = 0; i < info->fieldCount; ++i) {
        const CounterField& field = info->fields[i];
        emit(ring, Counter{recordHeader(RecordType::kCounter, sizeof(Counter), info->firstRef + i),
                           field.name != nullptr ? field.name->id : 0,
                           field.unit != nullptr ? field.unit->id : 0, ring->header->pid, -1});
    }
    info->generation = imageGeneration();
}

// Ids that NVTX hands out hold in every domain.
uint64_t keyOf(uint32_t domainId, uint64_t id) {
    return id >= kDynamicCounter ? id : id ^ uint64_t { domainId } << 40;
}
bool isCounter(const CounterInfo& info, uint32_t domainId, uint64_t id) {
    return info.id == id && (info.domainId == domainId || id >= kDynamicCounter);
}

CounterInfo* find(uint32_t domainId, uint64_t id) {
    return g_countersById.find(keyOf(domainId, id), [domainId, id](const CounterInfo& info) {
        return isCounter(info, domainId, id);
    });
}

const NameEntry* joined(Ring* ring, const char* domain, const char* name, const char* field) {
    char text[600];
    size_t n = 0;
    const char* const parts[] = {domain, name, field};
    for (const char* part : parts) {
        if (part == nullptr || *part == 0) continue;
        const size_t length = strnlen(part, 190);
        if (n != 0) text[n++] = '.';
        memcpy(text + n, part, length);
        n += length;
    }
    return internSlow(ring, text, n);
}

// "domain.counter" or "domain.group.entry"; `group` is a static schema, nullptr for one number.
uint32_t readFields(Ring* ring, CounterInfo& info, const NvtxCounterAttributes& a,
                    const SchemaInfo* group, CounterField* fields) {
    const char* domain = info.domainId == 0 ? nullptr : domainName(info.domainId);
    const CounterUnit all = counterUnit(ring, a.semantics);
    if (group == nullptr) {
        fields[0] = {joined(ring, domain, a.name, nullptr), all.unit, all.scale, a.schemaId, 0, 0};
        info.sampleBytes = predefinedBytes(a.schemaId);
        return info.sampleBytes != 0 ? 1 : 0;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < group->entryCount && count < kMostFields; ++i) {
        const SchemaField& entry = group->fields[i];
        const uint32_t bytes = predefinedBytes(entry.type);
        if ((entry.flags & (kEntryArrayMask | kEntryIndirect)) != 0 || bytes == 0 || bytes > 8)
            continue;
        if ((entry.flags & (kTimestampFlag | NVTX_PAYLOAD_ENTRY_FLAG_EVENT_MESSAGE)) ==
            kTimestampFlag) {
            info.timeOffset = static_cast<int64_t>(entry.offset);
            if (info.timeDomainId == 0) info.timeDomainId = entry.timeDomainId;
            continue;
        }
        const char* name = entry.name != nullptr ? entry.name->text : nullptr;
        fields[count++] = {joined(ring, domain, a.name, name),
                           entry.unit != nullptr ? entry.unit : all.unit,
                           entry.unit != nullptr ? entry.scale : all.scale,
                           entry.type,
                           entry.offset,
                           0};
    }
    info.sampleBytes = group->payloadSize;
    return count;
}

uint64_t onRegister(nvtxDomainHandle_t domain, const NvtxCounterAttributes* given) {
    if (given == nullptr) return 0;
    NvtxCounterAttributes a{};
    memcpy(&a, given,
           given->structSize != 0 && given->structSize < sizeof a ? given->structSize : sizeof a);
    return withDomainAlways(uint64_t{0}, domain, [&](Ring* ring, uint32_t domainId) {
        CounterInfo model{};
        model.domainId = domainId;
        model.id = a.structSize >= sizeof a ? a.counterId : 0;
        model.timeDomainId = timeDomain(a.semantics);
        model.timeOffset = -1;
        if (model.id != 0 && find(model.domainId, model.id) != nullptr) return model.id;
        const SchemaInfo* group =
            a.schemaId >= kTypeFirstSchema ? findSchema(a.schemaId, model.domainId) : nullptr;
        if (group != nullptr && group->type != NVTX_PAYLOAD_SCHEMA_TYPE_STATIC) group = nullptr;
        CounterField fields[kMostFields];
        model.fieldCount = readFields(ring, model, a, group, fields);
        if (model.fieldCount == 0) return uint64_t{0};
        lockTables();
        auto* info = static_cast<CounterInfo*>(arenaAllocate(sizeof(CounterInfo)));
        auto* own =
            static_cast<CounterField*>(arenaAllocate(model.fieldCount * sizeof(CounterField)));
        if (info != nullptr && own != nullptr) {
            memcpy(own, fields, model.fieldCount * sizeof(CounterField));
            model.fields = own;
            model.firstRef = g_counterRefs + 1;
            g_counterRefs += model.fieldCount;
            ++g_counterGroups;
            if (model.id == 0) model.id = kDynamicCounter + g_counterGroups;
            *info = model;
            emitCounters(ring, info);
            info->next = g_counters;
            __atomic_store_n(&g_counters, info, __ATOMIC_RELEASE);
            g_countersById.put(keyOf(info->domainId, info->id), info,
                               [info](const CounterInfo& other) {
                                   return isCounter(other, info->domainId, info->id);
                               });
        }
        unlockTables();
        return model.id;
    });
}

struct SampleTime {
    uint64_t value;
    uint8_t clock;  // SampleClock
    bool known;
};

SampleTime timeOf(uint64_t timeDomainId, int64_t stamp) {
    const auto value = static_cast<uint64_t>(stamp);
    constexpr auto ticks = static_cast<uint8_t>(SampleClock::kRing);
    switch (timeDomainId) {
        case 0:
        case NVTX_TIMESTAMP_TYPE_TOOL_PROVIDED:
            return {value, ticks, true};
        case NVTX_TIMESTAMP_TYPE_CPU_TSC:
            return {value, ticks, g_fastClock};
        case NVTX_TIMESTAMP_TYPE_CPU_CLOCK_GETTIME_MONOTONIC:
        case NVTX_TIMESTAMP_TYPE_CPP_STEADY_CLOCK:  // libstdc++'s and libc++'s
            return {value, static_cast<uint8_t>(SampleClock::kMonotonic), true};
        case NVTX_TIMESTAMP_TYPE_CPU_CLOCK_GETTIME_REALTIME:
        case NVTX_TIMESTAMP_TYPE_CPP_SYSTEM_CLOCK:
            return {value, static_cast<uint8_t>(SampleClock::kRealtime), true};
        default:
            return {0, ticks, false};
    }
}

void emitSample(Ring* ring, CounterInfo& info, uint32_t field, SampleTime time, double value) {
    CounterField& f = info.fields[field];
    __atomic_store_n(&f.last, doubleToBits(value), __ATOMIC_RELAXED);
    CounterSample sample{recordHeader(RecordType::kCounterSample, sizeof(CounterSample),
                                      info.firstRef + field, time.clock),
                         time.value, value * f.scale};
    emit(ring, sample);
}

void sampleGroup(Ring* ring, CounterInfo& info, SampleTime time, const uint8_t* bytes,
                 uint64_t size) {
    if (info.timeOffset >= 0 && static_cast<uint64_t>(info.timeOffset) + 8 <= size) {
        int64_t stamp;
        memcpy(&stamp, bytes + info.timeOffset, sizeof stamp);
        time = timeOf(info.timeDomainId, stamp);
    }
    if (!time.known) return countLoss(ring, kLossForeignClock, info.fieldCount);
    for (uint32_t i = 0; i < info.fieldCount; ++i) {
        const CounterField& field = info.fields[i];
        double value = 0;
        const uint64_t end = field.offset + predefinedBytes(field.type);
        if (end <= size && numberAt(field.type, bytes + field.offset, value))
            emitSample(ring, info, i, time, value);
        else
            countLoss(ring, kLossTruncatedPayload);
    }
}

template <class Body>
void sampling(nvtxDomainHandle_t domain, uint64_t id, Body body) {
    const SampleTime time{now(), static_cast<uint8_t>(SampleClock::kRing), true};
    const uint32_t domainId = idOf(domain);
    if (!wanted(domainId)) return;
    CounterInfo* info = find(domainId, id);
    withRing([&](Ring* ring) {
        if (info == nullptr) return countLoss(ring, kLossUnknownCounter);
        body(ring, *info, time);
    });
}

void onInt64(nvtxDomainHandle_t domain, uint64_t id, int64_t value) {
    sampling(domain, id, [&](Ring* ring, CounterInfo& info, SampleTime time) {
        emitSample(ring, info, 0, time, static_cast<double>(value));
    });
}
void onFloat64(nvtxDomainHandle_t domain, uint64_t id, double value) {
    sampling(domain, id, [&](Ring* ring, CounterInfo& info, SampleTime time) {
        emitSample(ring, info, 0, time, value);
    });
}
void onSample(nvtxDomainHandle_t domain, uint64_t id, const void* value, size_t size) {
    if (value == nullptr) return;
    sampling(domain, id, [&](Ring* ring, CounterInfo& info, SampleTime time) {
        sampleGroup(ring, info, time, static_cast<const uint8_t*>(value), size);
    });
}
// Zero and "unchanged" are values; of one that could not be had there is nothing to record.
void onNoValue(nvtxDomainHandle_t domain, uint64_t id, uint8_t reason) {
    constexpr uint8_t kZero = 0, kUnchanged = 1;
    if (reason != kZero && reason != kUnchanged) return;
    sampling(domain, id, [&](Ring* ring, CounterInfo& info, SampleTime time) {
        for (uint32_t i = 0; i < info.fieldCount; ++i)
            emitSample(ring, info, i, time,
                       reason == kZero
                           ? 0.0
                           : bitsToDouble(__atomic_load_n(&info.fields[i].last, __ATOMIC_RELAXED)));
    });
}
void onBatch(nvtxDomainHandle_t domain, const NvtxCounterBatch* batch) {
    if (batch == nullptr || batch->counters == nullptr) return;
    sampling(domain, batch->counterId, [&](Ring* ring, CounterInfo& info, SampleTime time) {
        if (info.sampleBytes == 0) return;
        const auto* bytes = static_cast<const uint8_t*>(batch->counters);
        const uint64_t count = batch->countersSize / info.sampleBytes;
        const uint64_t stamps = batch->timestamps != nullptr ? batch->timestampsSize / 8 : 0;
        for (uint64_t i = 0; i < count; ++i) {
            if ((batch->flags & kIntervalPair) != 0 && stamps >= 2) {
                // The first sample's, or with the second flag the last one's, and the distance.
                const bool ends = (batch->flags >> 32 & 2) != 0;
                const int64_t steps =
                    static_cast<int64_t>(i) - (ends ? static_cast<int64_t>(count) - 1 : 0);
                time =
                    timeOf(info.timeDomainId, batch->timestamps[0] + steps * batch->timestamps[1]);
            } else if (i < stamps) {
                time = timeOf(info.timeDomainId, batch->timestamps[i]);
            }
            sampleGroup(ring, info, time, bytes + i * info.sampleBytes, info.sampleBytes);
        }
    });
}

}  // namespace

CounterUnit counterUnit(Ring* ring, const nvtxSemanticsHeader_t* semantics) {
    constexpr uint16_t kCounterSemantics = 5;
    for (; semantics != nullptr; semantics = semantics->next) {
        if (semantics->semanticId != kCounterSemantics ||
            semantics->structSize < offsetof(NvtxCounterSemantics, limitType))
            continue;
        const auto* s = reinterpret_cast<const NvtxCounterSemantics*>(semantics);
        double scale = 1;
        if (s->unitScaleNumerator != 0 && s->unitScaleDenominator != 0)
            scale = static_cast<double>(s->unitScaleNumerator) /
                    static_cast<double>(s->unitScaleDenominator);
        return {s->unit != nullptr ? internSlow(ring, s->unit, strlen(s->unit)) : nullptr, scale};
    }
    return {nullptr, 1};
}

uint64_t timeDomain(const nvtxSemanticsHeader_t* semantics) {
    constexpr uint16_t kTime = 2;
    for (; semantics != nullptr; semantics = semantics->next)
        if (semantics->semanticId == kTime && semantics->structSize >= sizeof(NvtxTimeSemantics))
            return reinterpret_cast<const NvtxTimeSemantics*>(semantics)->timeDomainId;
    return 0;
}

void announceCounters(Ring* ring) {
    for (CounterInfo* info = g_counters; info != nullptr; info = info->next) {
        if (info->generation == imageGeneration()) continue;
        for (uint32_t i = 0; i < info->fieldCount; ++i) {
            idInThisImage(ring, info->fields[i].name);
            idInThisImage(ring, info->fields[i].unit);
        }
        emitCounters(ring, info);
    }
}

void fillCounters(intptr_t* slots, size_t count) {
    const auto set = [slots, count](size_t id, auto* function) {
        if (id < count) slots[id] = reinterpret_cast<intptr_t>(function);
    };
    set(0, onRegister);
    set(1, onInt64);
    set(2, onFloat64);
    set(3, onSample);
    set(4, onNoValue);
    set(5, onBatch);
}

}  // namespace ridge::agent
