// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What NCCL told its profiler plugin -> RIDGE_NCCL_*. Columns in the order of timeline.sql.
#include "collector/recorder/convert/emitter.h"

#include <string_view>

namespace ridge::recorder {

using namespace spool;

namespace {

constexpr std::uint32_t kCollective = 2, kPointToPoint = 4, kProxyOp = 8, kProxyStep = 16,
                        kKernelChannel = 64, kCollectiveApi = 512, kPointToPointApi = 1024;

// NCCL's names of its types: "ncclFloat32"; 0: not known.
std::uint64_t elementBytes(std::string_view type) {
    const auto ends = [&](std::string_view tail) { return type.ends_with(tail); };
    if (ends("loat8e4m3") || ends("loat8e5m2") || ends("nt8") || ends("Char")) return 1;
    if (ends("loat16") || ends("Half")) return 2;
    if (ends("nt32") || ends("loat32") || ends("Int") || ends("Float")) return 4;
    if (ends("nt64") || ends("loat64") || ends("Double")) return 8;
    return 0;
}

}  // namespace

// False: none of NCCL's.
bool Emitter::ncclRecord(const RecordView& view) {
    switch (view.type()) {
        case RecordType::kNcclCommunicator: {
            const auto c = view.as<NcclCommunicator>();
            m_tables.small(
                "RIDGE_NCCL_COMMUNICATOR",
                {time(c.time), globalTid(m_source->pid, 0),
                 static_cast<std::int64_t>(c.communicator),
                 c.header.id ? Value(m_catalogue.strings.text(name(c.header.id))) : Value(nullptr),
                 std::int64_t{c.rank}, std::int64_t{c.ranks}, std::int64_t{c.nodes}});
            return true;
        }
        case RecordType::kNcclEvent:
            ncclEvent(view.as<NcclEvent>());
            return true;
        case RecordType::kNcclState: {
            const auto s = view.as<NcclState>();
            m_row.clear();
            m_row.integer(time(s.time)).integer(globalTid(m_source->pid, 0));
            m_row.integer(static_cast<std::int64_t>(s.eventId)).integer(s.header.id);
            m_row.integer(static_cast<std::int64_t>(s.value));
            m_tables.ncclState().add(m_row);
            return true;
        }
        default:
            return false;
    }
}

void Emitter::ncclEvent(const NcclEvent& e) {
    const std::int64_t start = time(e.start);
    const RangeEnd* end = endOf(e.eventId);
    const bool transfers =
        (e.kind & (kCollective | kPointToPoint | kCollectiveApi | kPointToPointApi)) != 0;
    const bool ofChannel = (e.kind & (kProxyOp | kKernelChannel)) != 0;
    const auto text = [&](std::uint32_t id) { m_row.integerOrNull(id != 0, id ? name(id) : 0); };
    std::uint64_t each = 0;
    if (transfers && e.datatypeNameId)
        each = elementBytes(m_catalogue.strings.text(name(e.datatypeNameId)));
    if (e.kind == kProxyOp) each = e.value;
    m_row.clear();
    m_row.integer(start)
        .integerOrNull(end != nullptr, end ? time(end->ticks) : 0)
        .integer(m_globalTid);
    m_row.integer(static_cast<std::int64_t>(e.eventId));
    m_row.integerOrNull(e.parentId != 0, static_cast<std::int64_t>(e.parentId)).integer(e.kind);
    text(e.header.id);
    m_row.integer(static_cast<std::int64_t>(e.communicator));
    m_row.integerOrNull((e.kind & (kCollective | kProxyStep)) != 0,
                        static_cast<std::int64_t>(e.sequence));
    m_row.integerOrNull(each != 0, static_cast<std::int64_t>(e.count * each));
    text(e.datatypeNameId);
    text(e.algorithmNameId);
    text(e.protocolNameId);
    m_row.integerOrNull(ofChannel, e.channels);
    m_row.integerOrNull((e.kind & (kCollective | kPointToPoint)) != 0, e.channels).integer(e.rank);
    m_row.integerOrNull(e.peer >= 0, e.peer);
    m_row.integerOrNull(e.kind == kKernelChannel, static_cast<std::int64_t>(e.value));
    m_tables.ncclEvent().add(m_row, start);
    note(end ? time(end->ticks) : start);
}

}  // namespace ridge::recorder
