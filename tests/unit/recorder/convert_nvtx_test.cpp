// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// NVTX ranges, payloads, calls on files and names, from the spool into the file.
#include <gtest/gtest.h>

#include <random>

#include "collector/recorder/convert/payload_json.h"
#include "ridge/work.h"
#include "schemas/timeline/ddl.h"
#include "tests/unit/recorder/convert_fixture.h"

namespace ridge::recorder {
namespace {

using namespace test;

std::string blobTail(std::uint32_t ref, std::string_view data) {
    std::string tail(8, '\0');
    const auto size = static_cast<std::uint32_t>(data.size());
    std::memcpy(tail.data(), &ref, 4);
    std::memcpy(tail.data() + 4, &size, 4);
    tail.append(data);
    tail.resize((tail.size() + 7) & ~std::size_t{7});
    return tail;
}

TEST_F(ConvertTest, NvtxOfEveryKind) {
    FakeRing ring(100, 101);
    ring.name(1, "step");
    ring.name(2, "my domain");
    ring.name(3, "cat");
    ring.name(4, "worker");
    ring.range(1, 2000, 3000);
    ring.add(Domain{}, RecordType::kDomain, 5);
    reinterpret_cast<Domain*>(ring.bytes().data() + ring.bytes().size() - sizeof(Domain))->nameId = 2;
    Category category{};
    category.domainId = 5;
    category.nameId = 3;
    ring.add(category, RecordType::kCategory, 9);
    ThreadName thread{};
    thread.tid = 101;
    ring.add(thread, RecordType::kThreadName, 4);
    std::string value(16, '\0');
    value[0] = NVTX_PAYLOAD_TYPE_INT64;
    value[8] = 42;
    ring.range(1, 2100, 2200, value, kHasValue, 5);
    Mark mark{};
    mark.time = 2500;
    ring.add(mark, RecordType::kMark, 3);
    RangeOpen open{};
    open.start = 2600;
    open.rangeId = 77;
    ring.add(open, RecordType::kRangeOpen, 1, {}, kStartEnd);
    open.rangeId = 78;
    ring.add(open, RecordType::kRangeOpen, 1, {}, kStartEnd);
    ring.open(2900, 2);
    ring.saveSpool(m_session, "100-7-agent-0");

    FakeRing other(100, 102);
    RangeClose close{};
    close.end = 9000;
    close.rangeId = 77;
    other.add(close, RecordType::kRangeClose, 0);
    other.saveSpool(m_session, "100-7-agent-1");

    EXPECT_EQ(convertNow().events, 6U);
    EXPECT_EQ(sql("SELECT n.start, n.end, n.eventType, s.value, n.domainId, n.int64Value, n.rangeId, n.endGlobalTid % 16777216 "
                  "FROM NVTX_EVENTS n JOIN StringIds s ON n.textId = s.id WHERE eventType IN (34,59,60) ORDER BY n.rowid", 8),
              "1000|2000|59|step|0|-|-|-;1100|1200|59|step|5|42|-|-;1500|-|34|cat|0|-|-|-;"
              "1600|8000|60|step|0|-|77|102;1600|-|60|step|0|-|78|-;1900|-|59|my domain|0|-|-|-");
    EXPECT_EQ(sql("SELECT s.value, n.domainId, n.category FROM NVTX_EVENTS n JOIN StringIds s ON n.textId = s.id "
                  "WHERE eventType IN (75, 33, 39) ORDER BY eventType", 3),
              "cat|5|9;worker|-|-;my domain|5|-");
    EXPECT_EQ(sql("SELECT globalTid / 16777216, globalTid % 16777216 FROM ThreadNames", 2), "100|101");
    EXPECT_EQ(sql("SELECT count(*) FROM StringIds WHERE value = 'step'"), "1");
}

TEST_F(ConvertTest, PayloadsAreDecodedAndWorkGoesToItsTable) {
    FakeRing ring(100, 100);
    ring.name(1, "op");
    ring.name(2, "ridge");
    ring.name(3, "bytes");
    ring.name(4, "label");
    ring.add(Domain{}, RecordType::kDomain, 1);
    reinterpret_cast<Domain*>(ring.bytes().data() + ring.bytes().size() - sizeof(Domain))->nameId = 2;
    Schema work{};
    work.schemaId = RIDGE_WORK_SCHEMA_ID;
    work.domainId = 1;
    work.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    ring.add(work, RecordType::kSchema, 1);
    Schema own{};
    own.schemaId = 0x100000001;
    own.domainId = 1;
    own.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    own.entryCount = 2;
    own.payloadSize = 16;
    SchemaEntry entries[2] = {{0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, 0, 0, 3, 0},
                              {NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE, NVTX_PAYLOAD_ENTRY_TYPE_CHAR, 8, 8, 4, 0}};
    ring.add(own, RecordType::kSchema, 2, {reinterpret_cast<const char*>(entries), sizeof entries});
    const ridge_work_t payload = {RIDGE_OP_GEMM, RIDGE_DTYPE_F32, 0, 1000, 200, 300, 0, 0, 0};
    ring.range(1, 2000, 3000, blobTail(1, {reinterpret_cast<const char*>(&payload), sizeof payload}), kHasBlobs, 1);
    char raw[16] = {7, 0, 0, 0, 0, 0, 0, 0, 'h', 'i', 0, 0, 0, 0, 0, 0};
    ring.range(1, 4000, 5000, blobTail(2, {raw, sizeof raw}), kHasBlobs, 1);
    ring.range(1, 6000, 7000, blobTail(99, "unknown"), kHasBlobs, 1);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT n.start, w.opKind, w.dtype, w.flops, w.bytesRead, w.bytesWritten, n.jsonText FROM RIDGE_WORK w "
                  "JOIN NVTX_EVENTS n ON n.rowid = w.nvtxId", 7), "1000|1|1|1000|200|300|-");
    EXPECT_EQ(sql("SELECT jsonText, length(binaryData) FROM NVTX_EVENTS WHERE eventType = 59 AND start > 1000 ORDER BY start", 2),
              "{\"bytes\":7,\"label\":\"hi\"}|16;-|7");
    EXPECT_EQ(sql("SELECT name FROM NVTX_PAYLOAD_SCHEMA_ENTRIES ORDER BY idx"), "bytes;label");
}

// Neither schema nor payload is trusted: nested in circles, with lengths that lie, offsets beyond the end.
TEST(Payloads, RandomSchemasAndBytesNeverHarm) {
    const unsigned seed = 20240917;
    std::mt19937_64 random(seed);
    constexpr std::uint64_t kTypes[] = {1, 5, 16, 18, 19, 20, 21, 22, 32, 42, 45, 50, 68, 75, 77, 78, 80, 100, 1022,
                                        1u << 24, (1u << 24) + 1, (1u << 24) + 2, (1u << 24) + 3, (1u << 24) + 9};
    std::size_t decoded = 0;
    for (int round = 0; round < 20000; ++round) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
        Source source;
        StringTable strings;
        for (std::uint32_t id = 0; id < 4; ++id) {
            SchemaDefinition schema;
            schema.record.schemaId = (1u << 24) + id;
            schema.record.type = random() % 2 ? 1 : static_cast<std::uint32_t>(1 + random() % 4);
            schema.record.payloadSize = random() % 3 ? random() % 64 : random();
            schema.record.alignTo = random() % 4 ? 0 : static_cast<std::uint32_t>(random() % 32);
            schema.entries.resize(random() % 6);
            for (auto& entry : schema.entries) {
                entry.flags = random() % 3 ? 0 : random() & 0x13FE;
                entry.type = kTypes[random() % std::size(kTypes)];
                entry.arrayOrUnionDetail = random() % 8 ? random() % 8 : random();
                entry.offset = random() % 4 ? 0 : random() % 8 ? random() % 64 : random();
            }
            source.schemas[id + 1] = schema;
        }
        EnumDefinition known;
        known.record.enumId = (1u << 24) + 9;
        known.record.bytes = static_cast<std::uint32_t>(random() % 10);
        known.entries = {{1, 1, 0}, {~std::uint64_t{0}, 1, 1}};
        source.enums[1] = known;
        std::string payload(random() % 80, '\0');
        for (char& c : payload) c = static_cast<char>(random() % 3 ? random() % 6 : random());
        decoded += decodePayload(source, strings, source.schemas[1 + static_cast<std::uint32_t>(random() % 4)], payload).values.size();
    }
    EXPECT_GT(decoded, 5000U) << "much of it has to be decodable, or this says nothing";
}

TEST_F(ConvertTest, IoCallsNameTheirFiles) {
    FakeRing ring(100, 100);
    ring.header().agent = AgentKind::kIo;
    ring.name(1, "pread64");
    ring.name(2, "/data/x");
    IoFile file{};
    file.time = 1500;
    file.pathNameId = 2;
    ring.add(file, RecordType::kIoFile, 4);
    IoCall call{};
    call.start = 2000;
    call.end = 2500;
    call.result = 100;
    call.offset = 4096;
    call.requested = 128;
    call.op = IoOp::kPread;
    call.functionId = 1;
    ring.add(call, RecordType::kIoCall, 4);
    call.result = -1;
    call.errorNumber = 5;
    call.offset = -1;
    ring.add(call, RecordType::kIoCall, 0);
    ring.saveSpool(m_session, "100-7-io-0");
    convertNow();
    EXPECT_EQ(sql("SELECT o.start, s.value, o.returnValue, i.bytes, i.requested, i.offset, i.errorNumber, d.filePath FROM OSRT_API o "
                  "JOIN StringIds s ON s.id = o.nameId JOIN RIDGE_IO i ON i.osrtId = o.rowid "
                  "LEFT JOIN OSRT_FILE_ACCESS_DESCRIPTORS d USING (fileAccessId) ORDER BY o.rowid", 8),
              "1000|pread64|100|100|128|4096|0|/data/x;1000|pread64|-1|0|128|-|5|-");
    EXPECT_EQ(sql("SELECT eventType, bytesProcessed FROM OSRT_FILE_ACCESS_EVENTS", 2), "3|100");
}

TEST_F(ConvertTest, SchemaIsThatOfTheContract) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    ring.range(1, 2000, 3000);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    auto query = m_db->prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table'");
    ASSERT_TRUE(query.ok());
    int found = 0;
    int enums = 0;
    while (*query->step()) {
        const timeline::TableDdl* ddl = timeline::findTable(query->text(0));
        ASSERT_NE(ddl, nullptr) << query->text(0);
        std::string expected(trim(ddl->createTable));
        if (expected.ends_with(';')) expected.pop_back();
        EXPECT_EQ(query->text(1), expected);
        ++found;
        enums += ddl->name.starts_with("ENUM_") ? 1 : 0;
    }
    EXPECT_GT(found, 10);
    for (const timeline::TableDdl& ddl : timeline::tables()) enums -= ddl.name.starts_with("ENUM_") ? 1 : 0;
    EXPECT_EQ(enums, 0);
    EXPECT_EQ(sql("PRAGMA application_id"), std::to_string(timeline::kApplicationId));
    EXPECT_EQ(sql("PRAGMA user_version"), std::to_string(timeline::kSchemaVersion));
    EXPECT_EQ(sql("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'NVTX_EVENTS'"), "idx_NVTX_EVENTS_start");
}

}  // namespace
}  // namespace ridge::recorder
