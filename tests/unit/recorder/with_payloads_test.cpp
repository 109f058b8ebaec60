// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What a program says through NVTX's extensions stands in the file, typed.
#include <gtest/gtest.h>

#include "tests/unit/recorder/recorded_file.h"

namespace ridge::recorder {
namespace {

class WithPayloads : public testing::Test {
protected:
    static void SetUpTestSuite() { s_file = std::make_unique<test::RecordedFile>(std::vector<std::string>{RIDGE_TEST_CHILD}, false); }
    static void TearDownTestSuite() { s_file.reset(); }
    static std::string sql(const std::string& query, int columns = 1) { return s_file->sql(query, columns); }
    // field|element|integer|real|text of the event of that name, in order.
    static std::string values(const std::string& event) {
        return sql("SELECT f.value, p.element, p.integer, p.real, t.value FROM RIDGE_PAYLOAD p JOIN NVTX_EVENTS n ON n.rowid = p.nvtxId "
                   "JOIN StringIds s ON s.id = n.textId JOIN StringIds f ON f.id = p.fieldId LEFT JOIN StringIds t ON t.id = p.textId "
                   "WHERE s.value = '" + event + "' ORDER BY p.rowid", 5);
    }
    static std::string json(const std::string& event) {
        return sql("SELECT jsonText FROM NVTX_EVENTS n JOIN StringIds s ON s.id = n.textId WHERE eventType IN (34, 59) AND s.value = '" + event + "'");
    }
    static std::unique_ptr<test::RecordedFile> s_file;
};
std::unique_ptr<test::RecordedFile> WithPayloads::s_file;

TEST_F(WithPayloads, NcclTellsCommunicatorSizeAndPeer) {
    EXPECT_EQ(values("ncclAllReduce"), "NCCL communicator ID|0|-6066930334832433271|-|-;Message size [bytes]|0|268435456|-|-;"
                                       "Reduction operation|0|2|-|Max");
    EXPECT_EQ(json("ncclAllReduce"), R"({"NCCL communicator ID":12379813738877118345,"Message size [bytes]":268435456,"Reduction operation":"Max"})");
    EXPECT_EQ(json("ncclSend"), R"({"NCCL communicator ID":12379813738877118345,"Message size [bytes]":4096,"Peer rank":5})");
    EXPECT_EQ(json("ncclCommInitRank"), R"({"NCCL communicator ID":12379813738877118345,"No. of ranks":8,"Rank":3,"CUDA device":3})");
    EXPECT_EQ(sql("SELECT name, value FROM NVTX_PAYLOAD_ENUM_ENTRIES WHERE name NOT IN ('RED', 'GREEN', 'FLAGX', 'FLAGY') ORDER BY idx", 2), "Sum|0;Product|1;Max|2;Min|3;Avg|4");
    EXPECT_EQ(sql("SELECT schemaId, size FROM NVTX_PAYLOAD_ENUMS WHERE schemaId < 1 << 32", 2), "16777227|4");
}

TEST_F(WithPayloads, DynamicSchemasAreWalked) {
    const char* expected = R"({"n":2,"points":[{"x":-1,"y":0.5},{"x":-2,"y":1.0}],"text":"hello","triple":[7,-8,9],"dims":[2,3],"matrix":[1,2,3,4,5,6],"what":"a handle"})";
    EXPECT_EQ(json("mixed"), expected);
    EXPECT_EQ(json("unsized"), expected);
    EXPECT_EQ(values("cut"), "n|0|2|-|-;points.x|0|-1|-|-") << "what lies behind the end has no value";
    EXPECT_NE(values("mixed").find("points.y|1|-|1.0|-"), std::string::npos);
    EXPECT_NE(values("mixed").find("matrix|5|6|-|-"), std::string::npos);
    EXPECT_EQ(json("bare"), R"({"value":2.25})");
}

TEST_F(WithPayloads, UnionsShowTheMemberThatWasChosen) {
    EXPECT_EQ(json("external"), R"({"which":1,"value":{"share":0.75}})");
    EXPECT_EQ(json("internal"), R"({"b":1.5})");
}

TEST_F(WithPayloads, PointersAreFollowedWhereThatIsAllowed) {
    EXPECT_EQ(json("deep"), R"({"text":"pointed to","deep":[10,20,30],"shallow":null,"other":[41,42],"n":5})");
    EXPECT_EQ(values("named by payload"), "message|0|-|-|named by payload;x|0|9|-|-");
}

TEST_F(WithPayloads, BothEndsOfARangeMayBringOne) {
    const auto both = [](const char* name) {
        return sql(std::string("SELECT jsonText, length(binaryData) FROM NVTX_EVENTS n JOIN StringIds s ON s.id = n.textId WHERE s.value = '") + name + "'", 2);
    };
    EXPECT_EQ(both("pushed with both"), R"([{"begins":41},{"ends":42}]|8)");
    EXPECT_EQ(both("started with both"), R"([{"begins":41},{"ends":42}]|8)");
    EXPECT_EQ(values("pushed with both"), "begins|0|41|-|-;ends|0|42|-|-");
    EXPECT_EQ(values("started with both"), "begins|0|41|-|-;ends|0|42|-|-");
}

TEST_F(WithPayloads, MemoryThatIsNotThereIsNotRead) {
    EXPECT_EQ(json("wild"), R"({"deep":"unreadable","text":"unreadable","endless":"unreadable","handle":"unreadable","good":"sss"})");
    EXPECT_EQ(json("handles"), R"({"of":["ours","unreadable",null]})");
    // Four of the first event, one handle, a message twice (as name and as field), one name, and the
    // names of four events by each of five handles. Then twelve calls with each of four domains.
    EXPECT_EQ(sql("SELECT count FROM RIDGE_LOSS WHERE source = 'unreadable'"), "76");
    EXPECT_EQ(sql("SELECT count(*) FROM NVTX_EVENTS n JOIN StringIds s ON s.id = n.textId WHERE s.value = 'ours' AND n.eventType = 59"), "2");
}

TEST_F(WithPayloads, NumbersThatJsonHasNoNumberForAreTexts) {
    EXPECT_EQ(json("odd"), R"({"nan":"NaN","inf":"inf","minus":"-inf","half":"inf","wide":"-1267650600228229401496703205376",)"
                           R"("ones":"340282366920938463463374607431768211455","quad":-2.5,"longer":3.5,"longest":"1e+4000"})");
}

TEST_F(WithPayloads, BitsWithoutANameAreANumber) {
    EXPECT_EQ(json("flags"), R"({"of":["RED","FLAGX|FLAGY","FLAGX|FLAGY|0xfffffff3","FLAGX|0x2",16,"GREEN"]})");
}

TEST_F(WithPayloads, FieldsOfOneNameAreNumbered) {
    EXPECT_EQ(json("namesakes"), R"({"x":1,"x#2":2,"y":3,"x#3":4})");
    EXPECT_EQ(values("namesakes"), "x|0|1|-|-;x#2|0|2|-|-;y|0|3|-|-;x#3|0|4|-|-");
}

TEST_F(WithPayloads, CountersOfTheProgramAreCounters) {
    const auto samples = [](const char* name) {
        return sql(std::string("SELECT s.value FROM RIDGE_COUNTER_SAMPLE s JOIN RIDGE_COUNTER c ON c.id = s.counterId WHERE c.name = '") + name +
                   "' ORDER BY s.time, s.rowid");
    };
    EXPECT_EQ(samples("app.kv_cache.used"), "3072.0;3072.0;0.0");
    EXPECT_EQ(sql("SELECT unit, globalPid = (SELECT globalPid FROM PROCESSES) FROM RIDGE_COUNTER WHERE name = 'app.kv_cache.used'", 2), "B|1");
    EXPECT_EQ(samples("app.loss"), "1.25");
    EXPECT_EQ(samples("app.cache.hits") + " " + samples("app.cache.rate"), "7.0 0.5");
    EXPECT_EQ(samples("app.batch"), "11.0;22.0;33.0;33.0");
    EXPECT_EQ(sql("SELECT max(s.time) - min(s.time), min(s.time) > 0 FROM RIDGE_COUNTER_SAMPLE s JOIN RIDGE_COUNTER c ON c.id = s.counterId "
                  "WHERE c.name = 'app.batch'", 2), "2000|1");
    EXPECT_EQ(sql("SELECT count FROM RIDGE_LOSS WHERE source = 'foreign_clock'"), "5");
}

TEST_F(WithPayloads, SamplesOfTheProgramAreEvents) {
    EXPECT_EQ(std::to_string(s_file->events()), sql("SELECT (SELECT count(*) FROM NVTX_EVENTS WHERE eventType IN (34, 59, 60)) + "
                                                    "(SELECT count(*) FROM RIDGE_COUNTER_SAMPLE s JOIN RIDGE_COUNTER c ON c.id = s.counterId WHERE c.name LIKE 'app.%')"));
}

TEST_F(WithPayloads, MemoryHasOwners) {
    EXPECT_EQ(sql("SELECT r.name, r.isHeap, r.bytes, r.end IS NULL, h.name, r.address - h.address FROM RIDGE_MEMORY_REGION r "
                  "LEFT JOIN RIDGE_MEMORY_REGION h ON h.regionId = r.heapId ORDER BY r.regionId", 6),
              "arena|1|65536|1|-|-;weights|0|4096|0|arena|0;kv-cache|0|16384|1|arena|4096");
}

TEST_F(WithPayloads, NothingElseWasLost) {
    EXPECT_EQ(sql("SELECT source FROM RIDGE_LOSS WHERE source NOT IN ('foreign_clock', 'unreadable')"), "");
    EXPECT_EQ(sql("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace ridge::recorder
