// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/import/write_timeline.h"

#include "analyzer/gate/completeness.h"
#include "analyzer/import/kineto/kineto.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "schemas/sqlite/bulk_table.h"
#include "schemas/timeline/ddl.h"
#include "schemas/timeline/ids.h"
#include "schemas/timeline/views.h"

namespace ridge::analyzer {
namespace {

using bulk::BulkRow;
using bulk::BulkTable;

constexpr std::int64_t kPushPop = 59, kStartEnd = 60, kDomainCreate = 75, kFlush = 3, kOverheadClass = 103;
constexpr std::int64_t kOpDomainId = 1, kFunctionDomainId = 2;

std::int64_t idOf(NameId name) { return name.value; }

// cuLaunchKernel is of the driver, cudaLaunchKernel of the runtime.
bool isDriverCall(std::string_view name) {
    return name.size() > 2 && name.starts_with("cu") && std::isupper(static_cast<unsigned char>(name[2])) != 0;
}

class Writer {
public:
    Writer(const Timeline& timeline, bulk::BulkFile& file) : m_timeline(timeline), m_file(file) {}
    void writeRows() {
        strings();
        gpu();
        calls();
        syncs();
        ranges();
    }
    // Everything that is short, through SQLite.
    Status writeSmall(Database& db);

private:
    BulkTable& table(const char* name) {
        const timeline::TableDdl* ddl = timeline::findTable(name);
        const std::string index = ddl->indexes.empty() ? std::string() : ddl->indexes.front();
        return m_file.addTable(ddl->name, ddl->createTable, index);
    }
    [[nodiscard]] std::optional<std::int64_t> globalPid(std::int32_t process) const {
        if (process == kNoIndex) return std::nullopt;
        return m_timeline.processes[static_cast<std::size_t>(process)].globalPid;
    }
    [[nodiscard]] std::int64_t globalTid(std::int32_t thread) const { return m_timeline.threads[static_cast<std::size_t>(thread)].globalTid; }
    [[nodiscard]] std::int64_t deviceId(std::int32_t device) const {
        return device == kNoIndex ? -1 : m_timeline.devices[static_cast<std::size_t>(device)].id;
    }
    static BulkRow& optional(BulkRow& row, const std::optional<std::int64_t>& value) {
        return row.integerOrNull(value.has_value(), value.value_or(0));
    }
    static BulkRow& nulls(BulkRow& row, int count) {
        for (int i = 0; i < count; ++i) row.null();
        return row;
    }

    void strings();
    void gpu();
    void calls();
    void syncs();
    void ranges();

    const Timeline& m_timeline;
    bulk::BulkFile& m_file;
    BulkRow m_row;
};

void Writer::strings() {
    BulkTable& out = table("StringIds");
    for (std::uint32_t i = 1; i < m_timeline.names.size(); ++i) {
        m_row.clear();
        m_row.null().text(m_timeline.names.text(NameId{i}));
        out.addAt(i, m_row);
    }
}

void Writer::gpu() {
    BulkTable& kernels = table("CUPTI_ACTIVITY_KIND_KERNEL");
    BulkTable& copies = table("CUPTI_ACTIVITY_KIND_MEMCPY");
    BulkTable& sets = table("CUPTI_ACTIVITY_KIND_MEMSET");
    BulkTable& collectives = table("RIDGE_COLLECTIVE");
    for (const GpuRow& gpu : m_timeline.gpu) {
        m_row.clear();
        m_row.integer(gpu.start).integer(gpu.end).integer(deviceId(gpu.device)).integer(0).null().integer(gpu.stream).integer(gpu.correlation);
        optional(m_row, globalPid(gpu.process));
        const auto kind = [&](std::uint8_t k) { m_row.integerOrNull(k != 255, k); };
        if (gpu.kind == GpuKind::kKernel) {
            m_row.integer(idOf(gpu.name)).integer(idOf(gpu.name));
            nulls(m_row, 3).integer(0).integer(gpu.blocks).integer(gpu.blocks > 0 ? 1 : 0).integer(gpu.blocks > 0 ? 1 : 0);
            for (int i = 0; i < 8; ++i) m_row.integer(0);
            const std::int64_t rowid = kernels.add(m_row, gpu.start);
            if (gpu.collective == kNoIndex) continue;
            const Collective& c = m_timeline.collectives[static_cast<std::size_t>(gpu.collective)];
            m_row.clear();
            m_row.null().integer(gpu.collective).integer(idOf(c.name)).integer(idOf(c.group)).integer(idOf(c.dtype));
            m_row.integer(c.bytesIn).integer(c.bytesOut).integer(c.groupSize);
            collectives.addAt(rowid, m_row);
        } else if (gpu.kind == GpuKind::kCopy) {
            m_row.integer(gpu.bytes).integer(gpu.copyKind == 255 ? 0 : gpu.copyKind).null();
            kind(gpu.srcKind);
            kind(gpu.dstKind);
            copies.add(m_row, gpu.start);
        } else {
            m_row.integer(0).integer(gpu.bytes);
            sets.add(m_row, gpu.start);
        }
    }
}

void Writer::calls() {
    BulkTable& out = table("CUPTI_ACTIVITY_KIND_RUNTIME");
    std::vector<std::int8_t> driver(m_timeline.names.size(), -1);
    for (const Call& call : m_timeline.calls) {
        std::int8_t& known = driver[call.name.value];
        if (known < 0) known = isDriverCall(m_timeline.names.text(call.name)) ? 1 : 0;
        m_row.clear();
        m_row.integer(call.start).integer(call.end).integer(known).integer(globalTid(call.thread)).integer(call.correlation);
        m_row.integer(idOf(call.name)).integer(0);
        out.add(m_row, call.start);
    }
}

void Writer::syncs() {
    BulkTable& out = table("CUPTI_ACTIVITY_KIND_SYNCHRONIZATION");
    BulkTable& events = table("CUPTI_ACTIVITY_KIND_CUDA_EVENT");
    std::map<std::tuple<std::int32_t, std::int64_t, std::int64_t>, std::int64_t> ids;  // process, record, stream
    for (const SyncRow& sync : m_timeline.syncs) {
        std::optional<std::int64_t> event;
        if (sync.eventRecord > 0 || sync.waitedStream >= 0) {
            const auto [it, isNew] = ids.try_emplace({sync.process, sync.eventRecord, sync.waitedStream}, static_cast<std::int64_t>(ids.size()) + 1);
            event = it->second;
            if (isNew) {
                m_row.clear();
                m_row.null().integer(deviceId(sync.device)).integer(0).null().integer(sync.waitedStream).integer(sync.eventRecord);
                optional(m_row, globalPid(sync.process)).integer(0).integer(*event);
                events.add(m_row);
            }
        }
        m_row.clear();
        m_row.integer(sync.start).integer(sync.end).integer(deviceId(sync.device)).integer(0).null().integer(sync.stream).integer(sync.correlation);
        optional(m_row, globalPid(sync.process)).null().integer(static_cast<std::int64_t>(sync.kind)).integer(0);
        optional(m_row, event);
        out.add(m_row, sync.start);
    }
}

void Writer::ranges() {
    BulkTable& out = table("NVTX_EVENTS");
    std::set<std::pair<std::int64_t, std::int64_t>> domains;  // globalPid, domain
    for (const Range& range : m_timeline.ranges) {
        const std::int64_t domain = range.kind == RangeKind::kOp ? kOpDomainId : range.kind == RangeKind::kFunction ? kFunctionDomainId : 0;
        const std::int64_t tid = globalTid(range.thread);
        if (domain != 0) domains.emplace(timeline::globalPidOf(tid), domain);
        m_row.clear();
        m_row.integer(range.start).integerOrNull(!range.open, range.end).integer(range.nests ? kPushPop : kStartEnd);
        nulls(m_row, 4).integer(tid).null().integer(idOf(range.name)).integer(domain);
        nulls(m_row, 6).integerOrNull(range.shapes != NameId{0}, idOf(range.shapes));
        out.add(m_row, range.start);
    }
    // Behind the ranges, whose rowids are those of Range::rowid.
    for (const auto& [pid, domain] : domains) {
        m_row.clear();
        m_row.integer(0).null().integer(kDomainCreate);
        nulls(m_row, 3).text(domain == kOpDomainId ? "kineto.cpu_op" : "kineto.python_function").integer(pid);
        nulls(m_row, 2).integer(domain);
        out.add(m_row, 0);
    }
}

// One prepared INSERT; the table is created with its first row.
class SmallTable {
public:
    SmallTable(Database& db, const char* name, std::size_t columns) : m_db(db), m_name(name), m_columns(columns) {}
    struct Cell {
        enum class Kind { kNull, kInteger, kReal, kText } kind = Kind::kNull;
        std::int64_t integer = 0;
        double real = 0;
        std::string_view text = {};
        Cell() = default;
        Cell(std::int64_t value) : kind(Kind::kInteger), integer(value) {}       // NOLINT: by design
        Cell(double value) : kind(Kind::kReal), real(value) {}                   // NOLINT: by design
        Cell(std::string_view value) : kind(Kind::kText), text(value) {}         // NOLINT: by design
    };
    Status add(std::initializer_list<Cell> cells) {
        if (!m_insert) {
            const timeline::TableDdl* ddl = timeline::findTable(m_name);
            RIDGE_TRY_STATUS(m_db.execute(ddl->createTable));
            std::string marks = "?";
            for (std::size_t i = 1; i < m_columns; ++i) marks += ",?";
            std::string columns;
            for (std::size_t i = 0; i < m_columns; ++i) columns += (i ? "," : "") + ddl->columns[i];
            RIDGE_TRY(Statement insert, m_db.prepare(fmt::format("INSERT INTO {}({}) VALUES ({})", m_name, columns, marks)));
            m_insert = std::move(insert);
        }
        int parameter = 0;
        for (const Cell& cell : cells) {
            ++parameter;
            if (cell.kind == Cell::Kind::kInteger) m_insert->bind(parameter, cell.integer);
            else if (cell.kind == Cell::Kind::kReal) m_insert->bind(parameter, cell.real);
            else if (cell.kind == Cell::Kind::kText) m_insert->bind(parameter, cell.text);
            else m_insert->bindNull(parameter);
        }
        auto done = m_insert->step();
        if (!done.ok()) return done.error();
        m_insert->reset();
        return {};
    }

private:
    Database& m_db;
    const char* m_name;
    std::size_t m_columns;
    std::optional<Statement> m_insert;
};

Status writeOwners(const Timeline& t, Database& db) {
    using Cell = SmallTable::Cell;
    SmallTable processes(db, "PROCESSES", 3), ranks(db, "RIDGE_RANK", 6), gpus(db, "TARGET_INFO_GPU", 3);
    for (const Process& p : t.processes) {
        RIDGE_TRY_STATUS(processes.add({p.globalPid, p.pid, std::string_view(p.name)}));
        RIDGE_TRY_STATUS(ranks.add({p.globalPid, Cell(), p.rankKnown ? Cell(p.rank) : Cell(), p.worldSize > 0 ? Cell(p.worldSize) : Cell(),
                                    Cell(), std::string_view(p.host)}));
    }
    for (const GpuDevice& device : t.devices)
        if (!device.name.empty()) RIDGE_TRY_STATUS(gpus.add({device.machine, device.id, std::string_view(device.name)}));
    if (t.utcOfZero > 0) {
        SmallTable start(db, "TARGET_INFO_SESSION_START_TIME", 1);
        RIDGE_TRY_STATUS(start.add({t.utcOfZero}));
    }
    return {};
}

// What the trace held and could not be taken.
Status writeLosses(const Timeline& t, Database& db) {
    using Cell = SmallTable::Cell;
    SmallTable losses(db, "RIDGE_LOSS", 4);
    for (const TableReport& table : t.tables) {
        if (const std::int64_t lost = table.negative + table.outOfRange; lost > 0)
            RIDGE_TRY_STATUS(losses.add({std::string_view("kineto." + table.table), Cell(), lost, std::string_view("rows without a usable time")}));
        if (table.table == kNoCategory)
            RIDGE_TRY_STATUS(losses.add({std::string_view("kineto." + table.table), Cell(), table.rows, std::string_view("nobody knows what they are")}));
        for (const auto& [count, why] : {std::pair(table.withoutDevice, "rows that say no GPU"), std::pair(table.withoutThread, "rows that say no thread"), std::pair(table.absurdBytes, "copies of impossible size")})
            if (count > 0) RIDGE_TRY_STATUS(losses.add({std::string_view("kineto." + table.table), Cell(), count, std::string_view(why)}));
        if (!table.error.empty())
            RIDGE_TRY_STATUS(losses.add({std::string_view("kineto." + table.table), Cell(), std::int64_t{1}, std::string_view(table.error)}));
    }
    for (const Loss& loss : t.losses) RIDGE_TRY_STATUS(losses.add({std::string_view(loss.source), Cell(), loss.count, Cell()}));
    return {};
}

Status Writer::writeSmall(Database& db) {
    using Cell = SmallTable::Cell;
    const Timeline& t = m_timeline;
    RIDGE_TRY_STATUS(writeOwners(t, db));
    RIDGE_TRY_STATUS(writeLosses(t, db));
    SmallTable flows(db, "RIDGE_FLOW", 4);
    for (const Flow& f : t.flows) RIDGE_TRY_STATUS(flows.add({f.fromTime, f.toTime, globalTid(f.fromThread), globalTid(f.toThread)}));
    SmallTable flushes(db, "CUPTI_ACTIVITY_KIND_OVERHEAD", 7);
    for (const auto& [start, end] : t.flushes)
        RIDGE_TRY_STATUS(flushes.add({start, end, kOverheadClass, Cell(), Cell(), Cell(), kFlush}));
    SmallTable environment(db, "RIDGE_ENVIRONMENT", 3);
    for (const EnvironmentField& field : t.environment)
        RIDGE_TRY_STATUS(environment.add({std::string_view(field.name), std::string_view(field.fieldClass), std::string_view(field.value)}));
    SmallTable counters(db, "RIDGE_COUNTER", 4), samples(db, "RIDGE_COUNTER_SAMPLE", 3);
    for (std::size_t i = 0; i < t.counters.size(); ++i) {
        const CounterSeries& series = t.counters[i];
        const auto id = static_cast<std::int64_t>(i) + 1;
        const auto pid = globalPid(series.process);
        RIDGE_TRY_STATUS(counters.add({id, std::string_view(series.name), std::string_view(series.unit), pid ? Cell(*pid) : Cell()}));
        for (const auto& [time, value] : series.samples) RIDGE_TRY_STATUS(samples.add({id, time, value}));
    }
    SmallTable meta(db, "META_DATA_EXPORT", 2), capture(db, "META_DATA_CAPTURE", 2);
    RIDGE_TRY_STATUS(meta.add({std::string_view("EXPORT_SCHEMA_VERSION"), timeline::kNsysSchemaVersion}));
    for (const Source& source : t.sources) {
        RIDGE_TRY_STATUS(capture.add({std::string_view("RIDGE_IMPORTED_FROM"), std::string_view(source.product)}));
    }
    // The file that is written reads well; what did not in the trace must weigh as much when it is analyzed.
    std::vector<Remark> remarks = faultsOf(t);
    for (const TableReport& table : t.tables)
        if (!table.error.empty()) remarks.push_back({"unreadable_tables", table.error + "; what came before that is used", 1, Severity::kError});
    remarks.insert(remarks.end(), t.remarks.begin(), t.remarks.end());
    for (const Remark& r : remarks) {
        const std::string text = fmt::format("{}\t{}\t{}\t{}", r.check, name(r.severity), r.count, r.detail);
        RIDGE_TRY_STATUS(capture.add({kRemarkName, std::string_view(text)}));
    }
    return {};
}

Status writeFile(const Timeline& timeline, const std::string& path) {
    bulk::BulkOptions options;
    options.applicationId = timeline::kApplicationId;
    options.userVersion = timeline::kSchemaVersion;
    RIDGE_TRY(auto file, bulk::BulkFile::create(path, options));
    Writer writer(timeline, *file);
    writer.writeRows();
    return file->finish([&](Database& db) -> Status {
        // As the recorder does: the tables that say what numbers mean, and the views over all of it.
        for (const timeline::TableDdl& ddl : timeline::tables())
            if (!ddl.inserts.empty()) {
                RIDGE_TRY_STATUS(db.execute(ddl.createTable));
                RIDGE_TRY_STATUS(db.execute(ddl.inserts));
            }
        RIDGE_TRY_STATUS(writer.writeSmall(db));
        return timeline::createViews(db);
    });
}

}  // namespace

Status writeTimeline(const Timeline& timeline, const std::string& path) {
    const std::string part = fmt::format("{}.{}.part", path, ::getpid());
    const Status status = writeFile(timeline, part);
    std::error_code ec;
    if (status.ok()) {
        std::filesystem::rename(part, path, ec);
        if (!ec) return {};
    }
    const std::string reason = ec.message();
    std::filesystem::remove(part, ec);
    if (!status.ok()) {
        // The reader knows the name that was asked for, not the one that it has until it is whole.
        std::string message = status.error().message;
        for (std::size_t at = message.find(part); at != std::string::npos; at = message.find(part, at + path.size())) message.replace(at, part.size(), path);
        return Error{status.error().code, std::move(message)};
    }
    return Error{ErrorCode::kIo, fmt::format("{}: cannot be written: {}", path, reason)};
}

}  // namespace ridge::analyzer
