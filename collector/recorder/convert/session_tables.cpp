// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/session_tables.h"

#include "collector/recorder/convert/memory_regions.h"
#include "schemas/timeline/ddl.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <algorithm>
#include <ctime>
#include <fnmatch.h>
#include <set>

namespace ridge::recorder {
namespace {

using namespace spool;
using nlohmann::json;

Value nullable(bool present, std::int64_t value) {
    return present ? Value(value) : Value(nullptr);
}

std::string clockText(std::int64_t utcNs, bool local) {
    const std::time_t seconds = utcNs / 1'000'000'000;
    std::tm parts{};
    local ? localtime_r(&seconds, &parts) : gmtime_r(&seconds, &parts);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", parts);
}

class Writer {
public:
    Writer(const SessionInfo& session, Catalogue& catalogue, Emitter& emitter, Tables& tables,
           std::int64_t durationNs)
        : m_session(session),
          m_catalogue(catalogue),
          m_emitter(emitter),
          m_tables(tables),
          m_duration(durationNs) {}

    std::uint64_t write() {
        run();
        clocks();
        for (auto& source : m_catalogue.sources) {
            if (source->agent == AgentKind::kRecorder) continue;
            process(*source);
            nvtxMetadata(*source);
            enums(*source);
            for (const RegionRow& row : memoryRegions(*source, m_catalogue.strings))
                m_tables.small("RIDGE_MEMORY_REGION", regionValues(*source, row));
            cuda(*source);
            clockQuality(*source);
            files(*source);
        }
        for (auto& source : m_catalogue.sources) diagnostics(*source);
        environmentAndSources();
        countersAndLosses();
        return m_pids.size();
    }

private:
    void run() {
        const json command = m_session.command;
        const json libraries = {{"sqlite", sqlite3_libversion()}};
        std::int64_t clockError = m_catalogue.ticks.errorNs();
        for (const auto& source : m_catalogue.sources)
            if (source->cupti) clockError = std::max(clockError, source->cupti->errorNs());
        m_tables.small(
            "RIDGE_RUN",
            {m_session.runId, command.dump(-1, ' ', false, json::error_handler_t::replace),
             m_session.workingDirectory,
             nullable(m_session.exitStatus.has_value(), m_session.exitStatus.value_or(0)),
             m_session.outcome, m_session.startUtcNs, m_session.startMonotonicNs, m_duration,
             clockError, m_session.toolVersion, libraries.dump()});
        m_tables.small("TARGET_INFO_SESSION_START_TIME",
                       {m_session.startUtcNs, clockText(m_session.startUtcNs, false),
                        clockText(m_session.startUtcNs, true), m_session.startMonotonicNs});
        m_tables.small("ANALYSIS_DETAILS", {std::int64_t{0}, m_duration, m_session.startMonotonicNs,
                                            m_session.startMonotonicNs + m_duration});
        const std::string product = "Ridgepoint " + m_session.toolVersion;
        m_tables.small("META_DATA_CAPTURE", {std::string("PRODUCT"), product});
        m_tables.small("META_DATA_CAPTURE", {std::string("RUN_ID"), m_session.runId});
        m_tables.small("META_DATA_EXPORT", {std::string("EXPORT_PRODUCT_VERSION"), product});
        m_tables.small("META_DATA_EXPORT", {std::string("EXPORT_SCHEMA_VERSION"),
                                            std::string(timeline::kNsysSchemaVersion)});
        for (const std::string& note : m_session.notes) diagnostic(0, 2, note, nullptr);
    }

    void clocks() {
        for (const ClockRow& row : m_catalogue.clocks) {
            const Source& source = *m_catalogue.sources[row.source];
            const bool cupti = (row.sample.header.id & 0xff) ==
                               static_cast<std::uint32_t>(ClockSampleKind::kCupti);
            const char* kind = cupti                             ? "cupti"
                               : row.clock == ClockKind::kTsc    ? "tsc"
                               : row.clock == ClockKind::kCntvct ? "cntvct"
                                                                 : "monotonic";
            const double slope =
                row.clock == ClockKind::kMonotonicNs ? 1.0 : m_catalogue.ticks.nsPerTick();
            m_tables.small(
                "RIDGE_CLOCK",
                {row.sample.monotonicNs - m_session.startMonotonicNs,
                 nullable(!row.recorder, globalTid(source.pid, 0)), std::string(kind),
                 cupti ? row.sample.otherNs : static_cast<std::int64_t>(row.sample.ticks),
                 row.sample.monotonicNs, row.sample.realtimeNs,
                 static_cast<std::int64_t>(
                     static_cast<double>(row.sample.windowTicks & 0xffffffffffff) * slope)});
        }
    }

    // A process that ran exec has several images: it is known by what it became last.
    const Source& lastImage(const Source& source) const {
        const Source* last = &source;
        for (const auto& other : m_catalogue.sources)
            if (other->pid == source.pid && other->hasProcess &&
                (!last->hasProcess || other->imageId > last->imageId))
                last = other.get();
        return *last;
    }

    void processRow(std::int64_t globalPid, const Source& source) {
        const std::int64_t nameId = source.names.get(source.process.header.id);
        m_tables.small("PROCESSES",
                       {globalPid, std::int64_t{source.pid},
                        nameId ? Value(m_catalogue.strings.text(nameId)) : Value(nullptr)});
        const bool ranked = source.hasProcess && source.process.rank >= 0;
        const std::int64_t host = source.names.get(source.process.hostNameId);
        m_tables.small(
            "RIDGE_RANK",
            {globalPid, std::int64_t{source.parentPid}, nullable(ranked, source.process.rank),
             nullable(ranked && source.process.worldSize >= 0, source.process.worldSize),
             nullable(ranked && source.process.localRank >= 0, source.process.localRank),
             host ? Value(m_catalogue.strings.text(host)) : Value(nullptr)});
    }

    void process(const Source& source) {
        const std::int64_t globalPid = globalTid(source.pid, 0);
        if (m_pids.insert(globalPid).second) processRow(globalPid, lastImage(source));
        for (const auto& [tid, name] : source.threadNames) {
            const std::int64_t textId = source.names.get(name.header.id);
            if (!textId) continue;
            m_tables.small("ThreadNames", {textId, nullptr, source.globalThread(tid)});
            nvtxRow(0, 39, nullptr, textId, nullptr, source.globalThread(tid));
        }
    }

    void nvtxRow(std::int64_t start, std::int64_t type, Value category, std::int64_t textId,
                 Value domain, std::int64_t globalTidOfRow) {
        const auto put = [&](const Value& value) {
            const auto* integer = std::get_if<std::int64_t>(&value);
            m_row.integerOrNull(integer != nullptr, integer ? *integer : 0);
        };
        m_row.clear();
        m_row.integer(start).null().integer(type).null();
        put(category);
        m_row.null().null().integer(globalTidOfRow).null().integer(textId);
        put(domain);
        m_tables.nvtx().add(m_row, start);
    }

    void nvtxMetadata(const Source& source) {
        const std::int64_t owner = source.globalThread(source.tid);
        for (const auto& [id, domain] : source.domains) {
            if (id > 0xffff) continue;
            const std::int64_t textId = source.names.get(domain.nameId);
            nvtxRow(m_emitter.sessionTime(source, domain.time), 75, nullptr,
                    textId ? textId : m_emitter.text(""), source.domainBase + id, owner);
        }
        for (const Category& category : source.categories) {
            const std::int64_t textId = source.names.get(category.nameId);
            if (!textId) continue;
            nvtxRow(0, 33, std::int64_t{category.header.id}, textId,
                    category.domainId ? source.domainBase + category.domainId : 0, owner);
        }
        for (const auto& [ref, schema] : source.schemas) {
            const std::int64_t domain =
                schema.record.domainId ? source.domainBase + schema.record.domainId : 0;
            const auto schemaId = static_cast<std::int64_t>(schema.record.schemaId);
            m_tables.small("NVTX_PAYLOAD_SCHEMAS",
                           {domain, schemaId, textOf(source, schema.record.nameId),
                            std::int64_t{schema.record.type}, std::int64_t{schema.record.flags},
                            static_cast<std::int64_t>(schema.entries.size()),
                            static_cast<std::int64_t>(schema.record.payloadSize),
                            std::int64_t{schema.record.alignTo}});
            std::int64_t index = 0;
            for (const spool::SchemaEntry& entry : schema.entries)
                m_tables.small("NVTX_PAYLOAD_SCHEMA_ENTRIES",
                               {domain, schemaId, index++, static_cast<std::int64_t>(entry.flags),
                                static_cast<std::int64_t>(entry.type), textOf(source, entry.nameId),
                                textOf(source, entry.descriptionId),
                                static_cast<std::int64_t>(entry.arrayOrUnionDetail),
                                static_cast<std::int64_t>(entry.offset)});
        }
    }

    void enums(const Source& source) {
        for (const auto& [ref, known] : source.enums) {
            const std::int64_t domain =
                known.record.domainId ? source.domainBase + known.record.domainId : 0;
            const auto id = static_cast<std::int64_t>(known.record.enumId);
            m_tables.small("NVTX_PAYLOAD_ENUMS", {domain, id, textOf(source, known.record.nameId),
                                                  std::int64_t{known.record.bytes}});
            std::int64_t index = 0;
            for (const PayloadEnumerator& entry : known.entries)
                m_tables.small(
                    "NVTX_PAYLOAD_ENUM_ENTRIES",
                    {domain, id, index++, textOf(source, entry.nameId),
                     static_cast<std::int64_t>(entry.value), std::int64_t{entry.isFlag}});
        }
    }

    Value textOf(const Source& source, std::uint32_t nameId) {
        const std::int64_t id = source.names.get(nameId);
        return id ? Value(m_catalogue.strings.text(id)) : Value(nullptr);
    }

    static std::string uuidText(const std::uint8_t (&uuid)[16]) {
        std::string text;
        for (std::size_t i = 0; i < 16; ++i) {
            if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
            text += fmt::format("{:02x}", uuid[i]);
        }
        return text;
    }

    // A GPU is known by its uuid: processes number their devices each for itself.
    void cuda(const Source& source) {
        std::map<std::uint32_t, bool> seen;
        for (const CudaDevice& device : source.devices) {
            if (!seen.try_emplace(device.header.id, true).second) continue;
            const std::string uuid = uuidText(device.uuid);
            const auto [gpu, isNew] =
                m_gpus.try_emplace(uuid, static_cast<std::int64_t>(m_gpus.size()));
            if (isNew) {
                std::vector<Value> row(41, nullptr);
                row[0] = std::int64_t{0};
                row[1] = gpu->second;
                row[2] = textOf(source, device.nameId);
                row[4] = std::int64_t{1};
                row[5] = static_cast<std::int64_t>(device.l2CacheBytes);
                row[6] = static_cast<std::int64_t>(device.totalMemory);
                row[7] = static_cast<std::int64_t>(device.memoryBandwidthBytesPerSecond);
                row[8] = static_cast<std::int64_t>(device.clockRateHz);
                row[9] = std::int64_t{device.smCount};
                row[11] = uuid;
                row[14] = std::int64_t{device.header.id};
                row[37] = std::int64_t{device.computeMajor};
                row[38] = std::int64_t{device.computeMinor};
                m_tables.small("TARGET_INFO_GPU", std::move(row));
            }
            m_tables.small("TARGET_INFO_CUDA_DEVICE",
                           {gpu->second, std::int64_t{device.header.id}, std::int64_t{source.pid},
                            uuid, std::int64_t{device.smCount}});
        }
        for (const CudaContext& context : source.contexts) cudaContext(source, context);
        for (const CudaName& name : source.cudaNames) cudaName(source, name);
        for (const CudaStream& stream : source.streams)
            m_tables.small("TARGET_INFO_CUDA_STREAM",
                           {std::int64_t{stream.header.id}, std::int64_t{0}, std::int64_t{0},
                            std::int64_t{source.pid}, std::int64_t{stream.contextId},
                            std::int64_t{stream.priority}, std::int64_t{stream.flag}});
    }

    // A green context has part of its parent's multiprocessors.
    void cudaContext(const Source& source, const CudaContext& context) {
        const auto part = source.contextParts.find(context.header.id);
        const bool told = part != source.contextParts.end();
        const bool green = told && part->second.isGreen;
        m_tables.small("TARGET_INFO_CUDA_CONTEXT_INFO",
                       {std::int64_t{context.nullStreamId}, std::int64_t{0}, std::int64_t{0},
                        std::int64_t{source.pid}, std::int64_t{context.deviceId},
                        std::int64_t{context.header.id},
                        nullable(green, green ? part->second.parentContextId : 0),
                        std::int64_t{green}, nullable(told, told ? part->second.smCount : 0)});
    }

    void cudaName(const Source& source, const CudaName& name) {
        const std::int64_t text = source.names.get(name.header.id);
        const auto kind = static_cast<std::uint32_t>(name.kind);
        if (!text || kind < 1 || kind > 4) return;
        constexpr const char* kKinds[] = {"", "device", "context", "stream", "event"};
        m_tables.small("RIDGE_CUDA_NAME",
                       {globalTid(source.pid, 0), std::string(kKinds[kind]),
                        nullable(name.kind == CudaObject::kDevice, name.deviceId),
                        nullable(name.contextId != 0, name.contextId),
                        nullable(name.streamId != 0, name.streamId),
                        nullable(name.handle != 0 && name.kind != CudaObject::kDevice,
                                 static_cast<std::int64_t>(name.handle)),
                        m_catalogue.strings.text(text)});
    }

    std::vector<Value> regionValues(const Source& source, const RegionRow& row) {
        return {m_emitter.sessionTime(source, row.start),
                row.end ? Value(m_emitter.sessionTime(source, row.end)) : Value(nullptr),
                globalTid(source.pid, 0),
                row.domainId ? source.domainBase + row.domainId : 0,
                std::int64_t{row.isHeap},
                static_cast<std::int64_t>(row.regionId),
                nullable(row.heapId != 0, static_cast<std::int64_t>(row.heapId)),
                row.name.empty() ? Value(nullptr) : Value(row.name),
                static_cast<std::int64_t>(row.address),
                static_cast<std::int64_t>(row.bytes)};
    }

    // What the clocks of host and GPU owe each other, as far as it shows.
    void clockQuality(const Source& source) {
        const Value pid = globalTid(source.pid, 0);
        if (source.cupti && source.cupti->steps())
            diagnostic(
                0, 2,
                fmt::format(
                    "the clock of the GPU's times was set {} times while it was recorded, by up to "
                    "{} ns; {} times lie where that makes them uncertain",
                    source.cupti->steps(), source.cupti->largestStepNs(),
                    source.cupti->uncertain()),
                pid);
        const LaunchOrder* order = m_emitter.launchOrder(source);
        if (!order || !order->pairs()) return;
        m_tables.small("META_DATA_CAPTURE",
                       {fmt::format("KERNELS_BEFORE_LAUNCH:{}", source.pid),
                        fmt::format("{} of {}", order->early(), order->pairs())});
        if (order->early())
            diagnostic(0, 2,
                       fmt::format("{} of {} kernels begin before the call that launched them, by "
                                   "up to {} ns: the "
                                   "clocks of host and GPU are as far apart",
                                   order->early(), order->pairs(), order->largestNs()),
                       pid);
    }

    void files(const Source& source) {
        for (const auto& [id, file] : source.files) {
            const auto at = [&](std::uint64_t ticks) {
                return ticks ? m_emitter.sessionTime(source, ticks) : std::int64_t{0};
            };
            const std::int64_t path = source.names.get(file.pathNameId);
            if (path) classify(file.globalId, m_catalogue.strings.text(path));
            m_tables.small(
                "OSRT_FILE_ACCESS_DESCRIPTORS",
                {file.globalId, std::int64_t{source.pid}, at(file.openedTicks),
                 at(file.closedTicks), path ? m_catalogue.strings.text(path) : std::string()});
        }
    }

    void classify(std::int64_t file, const std::string& path) {
        for (const auto& [name, pattern] : m_session.ioClasses) {
            if (fnmatch(pattern.c_str(), path.c_str(), 0) != 0) continue;
            m_tables.small("RIDGE_FILE_CLASS", {file, name});
            return;
        }
    }

    void diagnostic(std::int64_t time, std::int64_t severity, const std::string& text,
                    Value globalPid) {
        m_tables.small("DIAGNOSTIC_EVENT", {time, std::int64_t{1}, std::int64_t{1}, severity, text,
                                            std::move(globalPid)});
    }

    void diagnostics(const Source& source) {
        for (const Diagnostic& event : source.diagnostics) {
            const std::int64_t id = source.names.get(event.header.id);
            if (!id) continue;
            diagnostic(m_emitter.sessionTime(source, event.time), event.severity,
                       m_catalogue.strings.text(id),
                       nullable(source.pid != 0, globalTid(source.pid, 0)));
        }
    }

    // 'cuda' is on when it delivered something; otherwise the agents' own words say why not.
    void environmentAndSources() {
        for (const EnvironmentEntry& entry : m_session.environment)
            m_tables.small("RIDGE_ENVIRONMENT", {entry.name, entry.category, entry.value});
        for (const SourceState& state : m_session.sources) {
            SourceState shown = state;
            if (state.name == "cuda" && state.on) refineCuda(shown);
            m_tables.small("RIDGE_SOURCE",
                           {shown.name, std::string(shown.on ? "on" : "off"),
                            shown.reason.empty() ? Value(nullptr) : Value(shown.reason)});
        }
    }

    void refineCuda(SourceState& state) {
        bool agents = false;
        for (const auto& source : m_catalogue.sources) {
            if (source->cudaRecords || !source->devices.empty()) return;
            agents = agents || source->agent == AgentKind::kAgent;
            for (const Diagnostic& event : source->diagnostics) {
                const std::int64_t id = source->names.get(event.header.id);
                if (!id) continue;
                const std::string& text = m_catalogue.strings.text(id);
                if (text.find("CUPTI") != std::string::npos ||
                    text.find("cuda") != std::string::npos ||
                    text.find("CUDA") != std::string::npos)
                    state.reason = text;
            }
        }
        state.on = false;
        if (!state.reason.empty()) return;  // an agent said so itself, in a row of its own
        if (!m_session.cudaTrouble.empty()) {
            state.reason = m_session.cudaTrouble;
            diagnostic(0, 1, "CUDA is not recorded: " + state.reason, nullptr);
            return;
        }
        state.reason = agents ? "the program made no CUDA call that CUPTI saw"
                              : "the program never loaded the agent";
    }

    void countersAndLosses() {
        std::int64_t counterId = 0;
        for (const auto& [owner, counter] : m_catalogue.counters) {
            const Source& source = *m_catalogue.sources[owner];
            const std::int64_t name = source.names.get(counter.nameId);
            const std::int64_t unit = source.names.get(counter.unitNameId);
            m_tables.small(
                "RIDGE_COUNTER",
                {++counterId, name ? m_catalogue.strings.text(name) : std::string(),
                 unit ? m_catalogue.strings.text(unit) : std::string(),
                 nullable(counter.pid != 0,
                          // A program's own are its own; the recorder says whose its are.
                          globalTid(source.pid != 0 ? source.pid
                                                    : static_cast<std::uint32_t>(counter.pid),
                                    0)),
                 nullable(counter.deviceId >= 0, counter.deviceId)});
        }
        for (const LossRow& loss : m_catalogue.losses)
            m_tables.small("RIDGE_LOSS",
                           {loss.source, nullable(loss.globalPid != 0, loss.globalPid),
                            static_cast<std::int64_t>(loss.count),
                            loss.detail.empty() ? Value(nullptr) : Value(loss.detail)});
    }

    const SessionInfo& m_session;
    Catalogue& m_catalogue;
    Emitter& m_emitter;
    Tables& m_tables;
    std::int64_t m_duration;
    bulk::BulkRow m_row;
    std::set<std::int64_t> m_pids;
    std::map<std::string, std::int64_t> m_gpus;
};

}  // namespace

std::uint64_t writeSessionTables(const SessionInfo& session, Catalogue& catalogue, Emitter& emitter,
                                 Tables& tables, const std::vector<Lifetime>& processes,
                                 std::int64_t durationNs) {
    for (const Lifetime& row : processes)
        tables.small("RIDGE_PROCESS",
                     {globalTid(row.pid, 0), row.start, row.end, row.kind,
                      nullable(row.exitStatus.has_value(), row.exitStatus.value_or(0))});
    return Writer(session, catalogue, emitter, tables, durationNs).write();
}

}  // namespace ridge::recorder
