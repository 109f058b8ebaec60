// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/catalogue.h"

#include "schemas/spool/payload_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace ridge::recorder {
namespace {

using namespace spool;

constexpr std::uint32_t kDenseNames = 1U << 22;
constexpr std::uint32_t kMostMissingRings = 1U << 16;  // a larger gap is no numbering of ours

constexpr const char* kLossNames[kLossKinds] = {
    "spool_write",     "no_ring",       "truncated_name",  "truncated_payload",
    "unbalanced_pop",  "cupti_dropped", "cupti_unknown",   "nested_event",
    "definition",      "foreign_clock", "unknown_counter", "unknown_region",
    "kernel_counters", "unreadable",    "other_14",        "other_15"};

// Of a union's members only one is shown, so that their names are never in each other's way.
void numberNamesakes(SchemaDefinition& schema) {
    if (schema.record.type == kSchemaUnion || schema.record.type == kSchemaUnionInternal) return;
    std::unordered_map<std::uint32_t, std::uint32_t> met;
    std::vector<std::uint32_t> places;
    for (const SchemaEntry& entry : schema.entries)
        places.push_back(entry.nameId != 0 ? met[entry.nameId]++ : 0);
    if (std::any_of(places.begin(), places.end(), [](std::uint32_t place) { return place != 0; }))
        schema.namesakes = std::move(places);
}

class Builder {
public:
    Builder(const std::vector<RingFile>& rings, const CatalogueHints& hints)
        : m_rings(rings), m_hints(hints) {
        m_catalogue.ticks = ClockMap(hints.nsPerTick > 0 ? hints.nsPerTick : 1.0);
        addRecorder();
    }

    Catalogue build() {
        for (std::uint32_t i = 0; i < m_rings.size(); ++i) {
            m_catalogue.sourceOfRing.push_back(sourceFor(m_rings[i]));
            scanRing(i);
        }
        findMissingFiles();
        if (m_hints.recorderLost)
            m_catalogue.addLoss("recorder_write", 0, m_hints.recorderLost,
                    "counters, clock readings and gaps of the recorder itself");
        if (m_hints.lostWithoutRing)
            m_catalogue.addLoss(kLossNames[kLossNoRing], 0, m_hints.lostWithoutRing,
                    "no ring could be made: no memory, no room, a limit on file sizes or open files, "
                    "rights that were given up, or a folder out of reach (chroot)");
        finishClocks();
        numberDomains();
        numberThreads();
        for (auto& source : m_catalogue.sources)
            std::stable_sort(
                source->regions.begin(), source->regions.end(),
                [](const MemoryRegion& a, const MemoryRegion& b) { return a.time < b.time; });
        for (auto& source : m_catalogue.sources)
            std::sort(source->rangeEnds.begin(), source->rangeEnds.end(),
                      [](const RangeEnd& a, const RangeEnd& b) { return a.rangeId < b.rangeId; });
        return std::move(m_catalogue);
    }

private:
    void addRecorder() {
        m_catalogue.sources.push_back(std::make_unique<Source>());
        m_catalogue.sources[0]->agent = AgentKind::kRecorder;
        m_catalogue.sources[0]->ticksAreNs = true;
    }

    std::uint32_t sourceFor(const RingFile& ring) {
        if (ring.recorder) return 0;
        // Without a header the ring cannot be tied to a process: a source of its own.
        const auto key =
            ring.header
                ? std::tuple(processOf(*ring.header), ring.header->imageId, ring.header->agent)
                : std::tuple(-1, std::uint64_t{m_catalogue.sources.size()}, AgentKind{});
        const auto [found, isNew] =
            m_sources.try_emplace(key, static_cast<std::uint32_t>(m_catalogue.sources.size()));
        if (isNew) {
            auto source = std::make_unique<Source>();
            if (ring.header) {
                source->pid = static_cast<std::uint32_t>(processOf(*ring.header));
                source->parentPid = static_cast<std::uint32_t>(ring.header->outerPid != 0
                                                                   ? ring.header->outerParentPid
                                                                   : ring.header->parentPid);
                source->imageId = ring.header->imageId;
                source->agent = ring.header->agent;
                source->tid = static_cast<std::uint32_t>(ring.header->tid);
                source->ticksAreNs = ring.header->clock == ClockKind::kMonotonicNs;
            }
            source->cupti = std::make_unique<SteppedClock>();
            m_catalogue.sources.push_back(std::move(source));
        }
        return found->second;
    }

    void scanRing(std::uint32_t index) {
        const RingFile& ring = m_rings[index];
        Source& source = *m_catalogue.sources[m_catalogue.sourceOfRing[index]];
        std::uint32_t tid = ring.header ? static_cast<std::uint32_t>(ring.header->tid) : 0;
        for (const MappedFile& definitions : ring.definitions)
            walkRecords(definitions.bytes(), [&](const RecordView& record) {
                if (!isDefinition(record.type())) return;
                ++source.records;
                visit(source, index, tid, record);
            });
        ReadBehind behind(ring);
        const WalkEnd end = walkRecords(ring.stream(), [&](const RecordView& record) {
            behind.at(record.offset);
            ++source.records;
            if (record.type() == RecordType::kThreadAttach) tid = record.as<RecordHeader>().id;
            visit(source, index, tid, record);
        });
        const std::int64_t pid = globalTid(source.pid, 0);
        const std::uint64_t rest = ring.stream().size() - end.consumed;
        if (end.corrupt)
            addDamage("corrupt_spool", pid, 1,
                      fmt::format("{}.spool: the {} bytes from byte {} on are no records",
                                  ring.stem, rest, end.consumed));
        const std::uint64_t missing = ring.missingBytes + (ring.gaveUp ? 0 : end.holes);
        if (missing)
            addDamage("missing_spool_bytes", pid, missing,
                      fmt::format("{}.spool: {} of {} bytes are missing", ring.stem, missing,
                                  ring.stream().size() + ring.missingBytes));
        if (end.unknown) m_catalogue.addLoss("unknown_record", pid, end.unknown, ring.stem);
        if (!ring.recorder && !ring.header && !ring.stream().empty())
            addDamage("corrupt_spool", pid, 1,
                      fmt::format("{}.head: missing or damaged; whose process it was is not known",
                                  ring.stem));
        if (!ring.header) return;
        for (std::size_t kind = 0; kind < kLossKinds; ++kind)
            if (ring.header->lost[kind])
                m_catalogue.addLoss(kLossNames[kind], pid, ring.header->lost[kind], {});
        if (!source.ticksAreNs && ring.header->anchorTicks != 0)
            m_anchors.push_back({ring.header->anchorTicks, ring.header->anchorMonotonicNs});
        noteTime(ring.header->anchorMonotonicNs, ring.header->anchorRealtimeNs);
    }

    // A process numbers its rings from 0, so a number that is not there is a ring whose files are
    // gone.
    void findMissingFiles() {
        std::map<std::tuple<std::int32_t, std::uint64_t, AgentKind>, std::vector<std::uint32_t>>
            known;
        std::uint64_t recorderBytes = 0;
        for (const RingFile& ring : m_rings) {
            if (ring.recorder) recorderBytes = ring.stream().size();
            if (ring.header)
                known[{processOf(*ring.header), ring.header->imageId, ring.header->agent}]
                    .push_back(ring.header->ringIndex);
        }
        if (recorderBytes < m_hints.recorderBytes)
            addDamage("missing_spool_bytes", 0, m_hints.recorderBytes - recorderBytes,
                      fmt::format("recorder.spool: {} of {} bytes are missing",
                                  m_hints.recorderBytes - recorderBytes, m_hints.recorderBytes));
        for (auto& [image, indices] : known) {
            std::sort(indices.begin(), indices.end());
            std::uint32_t next = 0;
            for (const std::uint32_t index : indices) {
                if (index > next && index - next <= kMostMissingRings)
                    addDamage("missing_ring",
                              globalTid(static_cast<std::uint32_t>(std::get<0>(image)), 0),
                              index - next,
                              fmt::format("{}-{}-*-{}.spool: missing, and {}", std::get<0>(image),
                                          std::get<1>(image), next,
                                          index - next == 1 ? "its .head" : "the next ones too"));
                next = std::max(next, index + 1);
            }
        }
    }

    // A row of its own, and a line for the user.
    void addDamage(const std::string& name, std::int64_t globalPid, std::uint64_t count,
                   const std::string& detail) {
        m_catalogue.losses.push_back({name, globalPid, count, detail});
        m_catalogue.damage.push_back(detail);
        if (name == "corrupt_spool") m_catalogue.lost += count;
    }

    void noteTime(std::int64_t monotonicNs, std::int64_t realtimeNs) {
        if (m_catalogue.firstMonotonicNs == 0 || monotonicNs < m_catalogue.firstMonotonicNs) {
            m_catalogue.firstMonotonicNs = monotonicNs;
            m_catalogue.firstRealtimeNs = realtimeNs;
        }
    }

    void visit(Source& source, std::uint32_t ring, std::uint32_t tid, const RecordView& record) {
        switch (record.type()) {
            case RecordType::kRange:
            case RecordType::kIoCall:
            case RecordType::kMark:
            case RecordType::kCounterSample:
            case RecordType::kCpuSample:
            case RecordType::kSchedSwitch:
                break;  // the second pass
            case RecordType::kName:
                addName(source, record);
                break;
            case RecordType::kDomain: {
                const auto domain = record.as<Domain>();
                source.domains.try_emplace(domain.header.id, domain);
                source.maxDomain = std::max(source.maxDomain, std::min(domain.header.id, 0xffffU));
                break;
            }
            case RecordType::kCategory:
                source.categories.push_back(record.as<Category>());
                break;
            case RecordType::kSchema:
                addSchema(source, record);
                break;
            case RecordType::kThreadName: {
                const auto name = record.as<ThreadName>();
                source.threadNames[name.tid] = name;
                break;
            }
            case RecordType::kRangeClose: {
                const auto close = record.as<RangeClose>();
                source.rangeEnds.push_back({close.rangeId, close.end, record.offset, ring, tid});
                break;
            }
            case RecordType::kProcess:
                source.process = record.as<Process>();
                source.hasProcess = true;
                break;
            case RecordType::kClockSample:
                addClock(source, ring, record.as<ClockSample>());
                break;
            case RecordType::kIoFile:
                addFile(source, record.as<IoFile>());
                break;
            case RecordType::kKernel:
            case RecordType::kMemcpy:
            case RecordType::kMemset:
            case RecordType::kApi:
                source.cudaRecords = true;
                break;
            case RecordType::kCudaDevice:
                source.devices.push_back(record.as<CudaDevice>());
                break;
            case RecordType::kCudaContext:
                source.contexts.push_back(record.as<CudaContext>());
                break;
            case RecordType::kKernelLaunch: {
                const auto launch = record.as<KernelLaunch>();
                source.launches[std::uint64_t{launch.contextId} << 32 | launch.index] =
                    launch.correlationId;
                source.cudaRecords = true;
                break;
            }
            case RecordType::kCudaContextPart:
                source.contextParts[record.as<RecordHeader>().id] = record.as<CudaContextPart>();
                break;
            case RecordType::kCudaName:
                source.cudaNames.push_back(record.as<CudaName>());
                break;
            case RecordType::kCudaStream:
                source.streams.push_back(record.as<CudaStream>());
                break;
            case RecordType::kPayloadEnum:
                addEnum(source, record);
                break;
            case RecordType::kMemoryRegion:
                source.regions.push_back(record.as<MemoryRegion>());
                break;
            case RecordType::kCounter: {
                const auto counter = record.as<Counter>();
                const auto id = static_cast<std::int64_t>(m_catalogue.counters.size()) + 1;
                if (source.counters.try_emplace(counter.header.id, id).second)
                    m_catalogue.counters.push_back({m_catalogue.sourceOfRing[ring], counter});
                break;
            }
            case RecordType::kCodeMap: {
                const auto map = record.as<CodeMap>();
                m_catalogue.codeMaps.emplace_back(map, source.names.get(map.header.id));
                break;
            }
            case RecordType::kProcessEnd:
                if (m_rings[ring].recorder)
                    m_catalogue.processEnds.push_back(record.as<ProcessEnd>());
                break;
            case RecordType::kThreadNumber:
                if (m_rings[ring].recorder) m_threads.push_back(record.as<ThreadNumber>());
                break;
            case RecordType::kDiagnostic:
                source.diagnostics.push_back(record.as<Diagnostic>());
                break;
            default:
                break;
        }
    }

    void addName(Source& source, const RecordView& record) {
        const auto name = record.as<Name>();
        std::string_view text = record.tail(sizeof(Name));
        text = text.substr(0, std::min<std::size_t>(name.length, text.size()));
        source.names.set(name.header.id, m_catalogue.strings.intern(text));
    }

    static void addSchema(Source& source, const RecordView& record) {
        SchemaDefinition schema;
        schema.record = record.as<Schema>();
        const std::string_view tail = record.tail(sizeof(Schema));
        const std::size_t count =
            std::min<std::size_t>(schema.record.entryCount, tail.size() / sizeof(SchemaEntry));
        schema.entries.resize(count);
        if (count) std::memcpy(schema.entries.data(), tail.data(), count * sizeof(SchemaEntry));
        numberNamesakes(schema);
        source.schemas[schema.record.header.id] = std::move(schema);
    }

    static void addEnum(Source& source, const RecordView& record) {
        EnumDefinition definition;
        definition.record = record.as<PayloadEnum>();
        const std::string_view tail = record.tail(sizeof(PayloadEnum));
        const std::size_t count = std::min<std::size_t>(definition.record.entryCount,
                                                        tail.size() / sizeof(PayloadEnumerator));
        definition.entries.resize(count);
        if (count)
            std::memcpy(definition.entries.data(), tail.data(), count * sizeof(PayloadEnumerator));
        source.enums[definition.record.header.id] = std::move(definition);
    }

    void addClock(Source& source, std::uint32_t ring, const ClockSample& sample) {
        const bool recorder = m_rings[ring].recorder;
        const ClockKind clock =
            recorder ? static_cast<ClockKind>(sample.header.id >> 8)
                     : (m_rings[ring].header ? m_rings[ring].header->clock : ClockKind::kTsc);
        m_catalogue.clocks.push_back({m_catalogue.sourceOfRing[ring], recorder, clock, sample});
        const auto kind = static_cast<ClockSampleKind>(sample.header.id & 0xff);
        if (kind == ClockSampleKind::kTicks && recorder && clock != ClockKind::kMonotonicNs) {
            m_catalogue.ticks.add(sample.ticks, sample.monotonicNs, sample.windowTicks);
        } else if (kind == ClockSampleKind::kTicks && !recorder && !source.ticksAreNs) {
            m_anchors.push_back({sample.ticks, sample.monotonicNs});
        }
        noteTime(sample.monotonicNs, sample.realtimeNs);
    }

    void addFile(Source& source, const IoFile& record) {
        const auto [found, isNew] = source.files.try_emplace(record.header.id);
        FileEntry& file = found->second;
        if (isNew) file.globalId = ++m_files;
        if (record.pathNameId) file.pathNameId = record.pathNameId;
        if (record.isClose)
            file.closedTicks = record.time;
        else if (isNew)
            file.openedTicks = record.time;
    }

    // The recorder's readings are trusted; those of the agents serve only where there are fewer
    // than two.
    void finishClocks() {
        ClockMap own = m_catalogue.ticks;
        own.finish();
        if (own.readings() < 2)
            for (const auto& [ticks, ns] : m_anchors) m_catalogue.ticks.add(ticks, ns, 0);
        m_catalogue.ticks.finish();
        // CUPTI's own readings need to know how long theirs took, so they come second.
        for (const ClockRow& row : m_catalogue.clocks) {
            Source& source = *m_catalogue.sources[row.source];
            const auto kind = static_cast<ClockSampleKind>(row.sample.header.id & 0xff);
            if (kind != ClockSampleKind::kCupti || !source.cupti) continue;
            const double slope = source.ticksAreNs ? 1.0 : m_catalogue.ticks.nsPerTick();
            const double window = static_cast<double>(row.sample.windowTicks) * slope;
            source.cupti->add(static_cast<std::uint64_t>(row.sample.otherNs),
                              row.sample.monotonicNs,
                              window < 1e9 ? static_cast<std::int64_t>(window) : 1'000'000'000);
        }
        for (auto& source : m_catalogue.sources)
            if (source->cupti) source->cupti->finish();
    }

    void numberDomains() {
        std::map<std::uint32_t, std::int64_t> next;
        for (auto& source : m_catalogue.sources) {
            if (source->agent != AgentKind::kAgent) continue;
            source->domainBase = next[source->pid];
            next[source->pid] += source->maxDomain;
        }
    }

    void numberThreads() {
        for (const ThreadNumber& thread : m_threads)
            for (auto& source : m_catalogue.sources)
                if (source->pid == static_cast<std::uint32_t>(thread.pid))
                    source->outerTids[static_cast<std::uint32_t>(thread.innerTid)] =
                        thread.header.id;
    }

    const std::vector<RingFile>& m_rings;
    const CatalogueHints m_hints;
    Catalogue m_catalogue;
    std::map<std::tuple<std::int32_t, std::uint64_t, AgentKind>, std::uint32_t> m_sources;
    std::vector<std::pair<std::uint64_t, std::int64_t>> m_anchors;
    std::vector<ThreadNumber> m_threads;
    std::int64_t m_files = 0;
};

}  // namespace

const EnumDefinition* Source::findEnum(std::uint64_t id, std::uint32_t domainId) const {
    for (const auto& [ref, definition] : enums)
        if (definition.record.enumId == id &&
            (definition.record.domainId == domainId || id >= std::uint64_t{1} << 32))
            return &definition;
    return nullptr;
}

void NameMap::set(std::uint32_t id, std::int64_t stringId) {
    const auto value = static_cast<std::uint32_t>(stringId);
    if (id >= kDenseNames) {
        m_sparse[id] = value;
        return;
    }
    if (id >= m_dense.size()) m_dense.resize(std::max<std::size_t>(id + 1, m_dense.size() * 2));
    m_dense[id] = value;
}

void Catalogue::addLoss(const std::string& source, std::int64_t globalPid, std::uint64_t count,
                        const std::string& detail) {
    lost += count;
    for (LossRow& row : losses) {
        if (row.source != source || row.globalPid != globalPid) continue;
        row.count += count;
        if (row.detail.empty()) row.detail = detail;
        return;
    }
    losses.push_back({source, globalPid, count, detail});
}

Catalogue buildCatalogue(const std::vector<RingFile>& rings, const CatalogueHints& hints) {
    return Builder(rings, hints).build();
}

}  // namespace ridge::recorder
