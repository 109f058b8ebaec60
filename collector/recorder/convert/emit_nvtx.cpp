// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// NVTX ranges and marks -> NVTX_EVENTS and RIDGE_WORK.
#include "collector/recorder/convert/emitter.h"
#include "ridge/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace ridge::recorder {

using namespace spool;

namespace {

constexpr std::int64_t kMarkType = 34;  // ENUM_NSYS_EVENT_TYPE
constexpr std::int64_t kPushPopType = 59;
constexpr std::int64_t kStartEndType = 60;

std::uint64_t load64(std::string_view bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

struct Blob {
    std::uint32_t schemaRef;
    std::string_view data;
};

// The next blob of a list; false at its end or at the first that does not fit.
bool nextBlob(std::string_view& list, Blob& blob) {
    if (list.size() < 8) return false;
    std::uint32_t head[2];
    std::memcpy(head, list.data(), sizeof head);
    list.remove_prefix(8);
    if (head[1] > list.size()) return false;
    blob = {head[0], list.substr(0, head[1])};
    list.remove_prefix(
        std::min<std::size_t>(list.size(), (std::size_t{head[1]} + 7) & ~std::size_t{7}));
    return true;
}

}  // namespace

Emitter::Extras Emitter::extrasOf(std::uint8_t flags, std::string_view tail) {
    Extras extras;
    if (flags & kWideCategory && tail.size() >= 8) {
        extras.hasWideCategory = true;
        extras.wideCategory = load64(tail);
        tail.remove_prefix(8);
    }
    if (flags & kHasValue && tail.size() >= 16) {
        extras.hasValue = true;
        extras.valueType = load64(tail);
        extras.value = load64(tail.substr(8));
        tail.remove_prefix(16);
    }
    if (flags & kHasBlobs) extras.blobs = tail;
    return extras;
}

// The row that nearly all rows are: a range with neither extensions nor category nor colour.
// Encoded in one go on the stack, where the compiler knows that the bytes written are nobody's
// fields.
void Emitter::plainRange(const Range& range) {
    constexpr std::uint8_t kHeader = 12;  // its own length and eleven one-byte types
    bulk::BulkTable& table = m_tables.nvtx();
    const std::int64_t rowid = table.lastRowid() + 1;
    const std::int64_t start = time(range.start);
    const std::int64_t end = time(range.end);
    std::uint8_t cell[96];
    std::uint32_t at = 1 + bulk::putVarint(cell + 1, static_cast<std::uint64_t>(rowid));
    const std::uint32_t record = at;
    std::uint8_t* const types = cell + at + 1;
    cell[at] = kHeader;
    std::memset(types, 0, kHeader - 1);  // NULL where nothing else is said
    at += kHeader;
    const auto put = [&](int column, std::int64_t value) {
        const bulk::IntegerForm form = bulk::putInteger(cell + at, value);
        types[column] = form.type;
        at += form.bytes;
    };
    put(0, start);
    put(1, end);
    put(2, kPushPopType);
    put(7, m_globalTid);
    put(9, name(range.header.id));
    put(10, range.domainId ? m_source->domainBase + range.domainId : 0);
    cell[0] = static_cast<std::uint8_t>(at - record);  // less than 128: one byte
    table.addCell(rowid, cell, at, start);
    note(end);
}

void Emitter::range(const RecordView& view) {
    const auto range = view.as<Range>();
    if (view.bytes == sizeof(Range) && range.category == 0 && !(range.header.flags & kHasColor))
        return plainRange(range);
    NvtxEvent event;
    event.start = time(range.start);
    event.end = time(range.end);
    event.hasEnd = true;
    event.flags = range.header.flags;
    event.category = range.category;
    event.color = range.color;
    event.nameId = range.header.id;
    event.domainId = range.domainId;
    if (view.bytes > sizeof(Range)) event.extras = extrasOf(event.flags, view.tail(sizeof(Range)));
    nvtx(event);
}

// nullptr: it never ended.
const RangeEnd* Emitter::endOf(std::uint64_t rangeId) const {
    const auto& ends = m_source->rangeEnds;
    const auto end =
        std::lower_bound(ends.begin(), ends.end(), rangeId,
                         [](const RangeEnd& e, std::uint64_t id) { return e.rangeId < id; });
    return end != ends.end() && end->rangeId == rangeId ? &*end : nullptr;
}

void Emitter::rangeOpen(const RecordView& view) {
    const auto range = view.as<RangeOpen>();
    NvtxEvent event;
    event.start = time(range.start);
    event.eventType = range.header.flags & kStartEnd ? kStartEndType : kPushPopType;
    event.hasRangeId = event.eventType == kStartEndType;
    event.rangeId = range.rangeId;
    event.flags = range.header.flags;
    event.category = range.category;
    event.color = range.color;
    event.nameId = range.header.id;
    event.domainId = range.domainId;
    event.extras = extrasOf(event.flags, view.tail(sizeof(RangeOpen)));
    if (const RangeEnd* end = endOf(range.rangeId)) {
        event.hasEnd = true;
        event.end = time(end->ticks);
        event.endGlobalTid = m_source->globalThread(end->tid);
        const auto stream = m_rings[end->ring].stream();
        RecordHeader header;
        std::memcpy(&header, stream.data() + end->offset, sizeof header);
        if (header.flags & kHasBlobs) {  // behind those of the start
            m_blobs = event.extras.blobs;
            m_blobs +=
                RecordView{stream.data() + end->offset, std::uint32_t{header.size} * 8, end->offset}
                    .tail(sizeof(RangeClose));
            event.extras.blobs = m_blobs;
        }
    }
    nvtx(event);
}

void Emitter::mark(const RecordView& view) {
    const auto mark = view.as<Mark>();
    NvtxEvent event;
    event.start = time(mark.time);
    event.eventType = kMarkType;
    event.flags = mark.header.flags;
    event.category = mark.category;
    event.color = mark.color;
    event.nameId = mark.header.id;
    event.domainId = mark.domainId;
    event.extras = extrasOf(event.flags, view.tail(sizeof(Mark)));
    nvtx(event);
}

// Ranges that never ended. A pop publishes its record before it lowers openCount (invariant 6 of
// the layout): when the last record is the top frame's own, that frame has ended.
void Emitter::openFrames(const RingHeader& header, const RecordView* last) {
    std::uint32_t count = std::min(header.openCount, kMaxOpenFrames);
    if (count > 0 && last && last->type() == RecordType::kRange) {
        const auto range = last->as<Range>();
        const OpenFrame& top = header.openFrames[count - 1];
        if (range.start == top.start && range.header.id == top.nameId) --count;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const OpenFrame& frame = header.openFrames[i];
        NvtxEvent event;
        event.start = time(frame.start);
        event.flags = frame.flags;
        event.category = frame.category;
        event.color = frame.color;
        event.nameId = frame.nameId;
        event.domainId = frame.domainId;
        if (frame.payloadOffset <= kOpenPayloadBytes &&
            frame.payloadBytes <= kOpenPayloadBytes - frame.payloadOffset)
            event.extras =
                extrasOf(frame.flags,
                         {reinterpret_cast<const char*>(header.openPayload) + frame.payloadOffset,
                          frame.payloadBytes});
        nvtx(event);
    }
}

// Columns in the order of timeline.sql.
void Emitter::nvtx(const NvtxEvent& event) {
    const std::uint64_t category =
        event.extras.hasWideCategory ? event.extras.wideCategory : event.category;
    m_row.clear();
    m_row.integer(event.start).integerOrNull(event.hasEnd, event.end).integer(event.eventType);
    m_row.integerOrNull(event.hasRangeId, static_cast<std::int64_t>(event.rangeId));
    m_row.integerOrNull(category != 0, static_cast<std::int64_t>(category));
    m_row.integerOrNull((event.flags & kHasColor) != 0, event.color).null().integer(m_globalTid);
    m_row.integerOrNull(event.endGlobalTid != 0, event.endGlobalTid).integer(name(event.nameId));
    m_row.integer(event.domainId ? m_source->domainBase + event.domainId : 0);
    m_workFound = false;
    if (event.extras.hasValue || !event.extras.blobs.empty()) {
        nvtxValue(event.extras);
        nvtxBlobs(event.extras.blobs);
    }
    const std::int64_t rowid = m_tables.nvtx().add(m_row, event.start);
    if (m_workFound) m_tables.work().addAt(rowid, m_workRow);
    if (!m_payload.empty()) {
        if (event.hasEnd && event.domainId != 0) ncclCall(event);
        payloadRows(rowid);
    }
    note(event.hasEnd ? event.end : event.start);
}

// Of NCCL's own domain: what a call moves on which communicator, and how many ranks that has.
void Emitter::ncclCall(const NvtxEvent& event) {
    const auto domain = m_source->domains.find(event.domainId);
    if (domain == m_source->domains.end()) return;
    const std::int64_t domainName = m_source->names.get(domain->second.nameId);
    if (!domainName || m_catalogue.strings.text(domainName) != "NCCL") return;
    const PayloadValue* communicator = nullptr;
    const PayloadValue* bytes = nullptr;
    const PayloadValue* ranks = nullptr;
    for (const auto& [schemaId, value] : m_payload) {
        if (value.field == "NCCL communicator ID") communicator = &value;
        if (value.field == "Message size [bytes]") bytes = &value;
        if (value.field == "No. of ranks") ranks = &value;
    }
    if (!communicator) return;
    const auto id = static_cast<std::uint64_t>(communicator->integer);
    if (ranks) m_ncclRanks[id] = ranks->integer;
    NcclCall call;
    call.name = collectiveName(m_catalogue.strings.text(name(event.nameId)));
    if (!bytes || call.name.empty()) return;
    call.globalTid = m_globalTid;
    call.start = event.start;
    call.end = event.end;
    call.communicator = id;
    call.bytes = bytes->integer;
    m_ncclCalls.push_back(std::move(call));
}

std::vector<NcclCall> Emitter::takeNcclCalls() {
    for (NcclCall& call : m_ncclCalls) {
        call.nameId = m_catalogue.strings.intern(call.name);
        call.groupId = m_catalogue.strings.intern(fmt::format("0x{:x}", call.communicator));
        const auto ranks = m_ncclRanks.find(call.communicator);
        call.ranks = ranks == m_ncclRanks.end() ? 0 : ranks->second;
    }
    return std::move(m_ncclCalls);
}

// One row per number or text of the payloads of a range or mark.
void Emitter::payloadRows(std::int64_t nvtxId) {
    for (const auto& [schemaId, value] : m_payload) {
        using Kind = PayloadValue::Kind;
        const bool text = value.kind == Kind::kText || value.kind == Kind::kEnum;
        m_row.clear();
        m_row.integer(nvtxId).integer(schemaId).integer(m_catalogue.strings.intern(value.field));
        m_row.integer(value.element);
        m_row.integerOrNull(value.kind == Kind::kInteger || value.kind == Kind::kEnum,
                            value.integer);
        if (value.kind == Kind::kReal)
            m_row.real(value.real);
        else
            m_row.null();
        m_row.integerOrNull(text, text ? m_catalogue.strings.intern(value.text) : 0);
        m_tables.payload().add(m_row, nvtxId);
    }
    m_payload.clear();
}

// uint64Value, int64Value, doubleValue, uint32Value, int32Value, floatValue: one of them, by type.
void Emitter::nvtxValue(const Extras& extras) {
    const std::uint64_t type = extras.hasValue ? extras.valueType : 0;
    const auto bits = static_cast<std::uint32_t>(extras.value);
    m_row.integerOrNull(type == NVTX_PAYLOAD_TYPE_UNSIGNED_INT64,
                        static_cast<std::int64_t>(extras.value));
    m_row.integerOrNull(type == NVTX_PAYLOAD_TYPE_INT64, static_cast<std::int64_t>(extras.value));
    if (type == NVTX_PAYLOAD_TYPE_DOUBLE)
        m_row.real(std::bit_cast<double>(extras.value));
    else
        m_row.null();
    m_row.integerOrNull(type == NVTX_PAYLOAD_TYPE_UNSIGNED_INT32, bits);
    m_row.integerOrNull(type == NVTX_PAYLOAD_TYPE_INT32, static_cast<std::int32_t>(bits));
    if (type == NVTX_PAYLOAD_TYPE_FLOAT)
        m_row.real(static_cast<double>(std::bit_cast<float>(bits)));
    else
        m_row.null();
}

// jsonTextId, jsonText, binaryData; the ridge work payload becomes a row of RIDGE_WORK instead.
void Emitter::nvtxBlobs(std::string_view blobs) {
    std::string json;
    std::string raw;
    int decoded = 0;
    for (Blob blob{}; nextBlob(blobs, blob);) {
        const auto schema = m_source->schemas.find(blob.schemaRef);
        const bool known = schema != m_source->schemas.end();
        if (known && schema->second.record.schemaId == RIDGE_WORK_SCHEMA_ID &&
            blob.data.size() >= sizeof(ridge_work_t)) {
            ridge_work_t work;
            std::memcpy(&work, blob.data.data(), sizeof work);
            m_workRow.clear();
            m_workRow.null().integer(work.op_kind).integer(work.dtype);
            for (const std::uint64_t value :
                 {work.flops, work.bytes_read, work.bytes_written, work.bytes_communicated,
                  work.communicator, work.sequence})
                m_workRow.integer(static_cast<std::int64_t>(value));
            m_workFound = true;
            continue;
        }
        raw.append(blob.data);
        if (!known) continue;
        DecodedPayload payload =
            decodePayload(*m_source, m_catalogue.strings, schema->second, blob.data);
        for (PayloadValue& value : payload.values)
            m_payload.emplace_back(static_cast<std::int64_t>(schema->second.record.schemaId),
                                   std::move(value));
        if (payload.json.empty()) continue;
        json += (decoded++ ? "," : "") + payload.json;
    }
    if (decoded > 1) json = "[" + json + "]";
    m_row.null();
    if (json.empty())
        m_row.null();
    else
        m_row.text(json);
    if (!raw.empty()) m_row.blob(raw);
}

}  // namespace ridge::recorder
