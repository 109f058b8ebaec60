// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What a program says through NVTX is in the session, whatever becomes of the program.
#include "schemas/include/ridge/work.h"
#include "schemas/spool/nvtx_records.h"
#include "tests/unit/agent/session_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <set>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ridge::test {
namespace {

using namespace spool;

ChildResult runMode(const TestSession& session, std::vector<std::string> mode) {
    mode.insert(mode.begin(), RIDGE_CHILD_PATH);
    return runChild(mode, session.environment());
}

ReadRecord only(const ReadSession& session, RecordType type, const std::string& name) {
    std::vector<ReadRecord> found;
    for (const auto& record : session.of(type))
        if (session.nameOf(record) == name) found.push_back(record);
    EXPECT_EQ(found.size(), 1u) << name;
    return found.empty() ? ReadRecord{0, {}, std::vector<uint8_t>(64)} : found[0];
}

template <class T>
T at(const std::vector<uint8_t>& bytes, size_t offset) {
    T value{};
    if (offset + sizeof value > bytes.size()) throw std::runtime_error("beyond the record");
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

TEST(Nvtx, PushPopAndMarkAreSeen) {
    const TestSession session;
    const auto child = runMode(session, {"simple"});
    ASSERT_EQ(child.status, 0);
    EXPECT_EQ(child.output + child.errors, "");
    const auto read = session.read();
    ASSERT_EQ(read.rings.size(), 1u);
    const auto outer = only(read, RecordType::kRange, "outer").as<Range>();
    const auto inner = only(read, RecordType::kRange, "inner").as<Range>();
    const auto mark = only(read, RecordType::kMark, "mark").as<Mark>();
    EXPECT_LE(outer.start, inner.start);
    EXPECT_LE(inner.end, outer.end);
    EXPECT_LE(outer.end, mark.time);
    EXPECT_EQ(outer.header.size, 4);
    EXPECT_EQ(read.rings[0].header.openCount, 0u);
    const auto process = read.of(RecordType::kProcess).at(0);
    EXPECT_EQ(process.as<Process>().pid, child.pid);
    EXPECT_EQ(read.nameOf(process), "ridge_agent_child");
    EXPECT_GE(read.count(RecordType::kClockSample), 1u);
}

TEST(Nvtx, TheLaunchersRankIsRead) {
    const TestSession session;
    auto environment = session.environment();
    environment.insert(environment.end(), {"OMPI_COMM_WORLD_RANK=3", "OMPI_COMM_WORLD_SIZE=8",
                                           "OMPI_COMM_WORLD_LOCAL_RANK=1"});
    ASSERT_EQ(runChild({RIDGE_CHILD_PATH, "simple"}, environment).status, 0);
    const auto process = session.read().of(RecordType::kProcess).at(0).as<Process>();
    EXPECT_EQ(process.rank, 3);
    EXPECT_EQ(process.worldSize, 8);
    EXPECT_EQ(process.localRank, 1);
}

TEST(Nvtx, EveryFeatureComesBack) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"features"}).status, 0);
    const auto read = session.read();
    only(read, RecordType::kRange, "wide \xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80");
    const auto registered = only(read, RecordType::kRange, "registered");
    const auto range = registered.as<Range>();
    EXPECT_EQ(range.header.flags, kHasColor | kHasValue | kRegisteredName);
    EXPECT_EQ(range.category, 7);
    EXPECT_EQ(range.color, 0xFF102030u);
    EXPECT_EQ(at<uint64_t>(registered.bytes, sizeof(Range)), uint64_t(NVTX_PAYLOAD_TYPE_DOUBLE));
    EXPECT_EQ(at<double>(registered.bytes, sizeof(Range) + 8), 2.5);
    const auto value = only(read, RecordType::kMark, "value");
    EXPECT_EQ(value.header.flags, kWideCategory | kHasValue);
    EXPECT_EQ(at<uint64_t>(value.bytes, sizeof(Mark)), 0x12345678u);
    EXPECT_EQ(at<uint64_t>(value.bytes, sizeof(Mark) + 16), 0xFFFFFFFBu);
    const auto domain = read.of(RecordType::kDomain).at(0);
    EXPECT_EQ(read.name(domain.ring, domain.as<Domain>().nameId), "app.domain");
    EXPECT_EQ(range.domainId, domain.header.id);
    EXPECT_EQ(read.of(RecordType::kDomainDestroy).at(0).header.id, domain.header.id);
    std::set<std::string> categories;
    for (const auto& record : read.of(RecordType::kCategory))
        categories.insert(std::to_string(record.header.id) +
                          read.name(record.ring, record.as<Category>().nameId));
    EXPECT_EQ(categories, (std::set<std::string>{"7seven", "9nine"}));
    only(read, RecordType::kThreadName, "the main thread");
    const auto open = only(read, RecordType::kRangeOpen, "started");
    const auto close = read.of(RecordType::kRangeClose).at(0);
    EXPECT_EQ(open.as<RangeOpen>().rangeId, close.as<RangeClose>().rangeId);
    EXPECT_TRUE(open.header.flags & kStartEnd);
    EXPECT_NE(open.ring, close.ring);
}

TEST(Nvtx, PayloadsAreCopiedWithTheirSchemas) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"payloads"}).status, 0);
    const auto read = session.read();
    const auto schemas = read.of(RecordType::kSchema);
    const auto packet = std::find_if(schemas.begin(), schemas.end(), [&](const auto& s) {
        return read.name(s.ring, s.template as<Schema>().nameId) == "packet";
    });
    ASSERT_NE(packet, schemas.end());
    ASSERT_EQ(packet->as<Schema>().entryCount, 3u);
    const auto second = at<SchemaEntry>(packet->bytes, sizeof(Schema) + sizeof(SchemaEntry));
    EXPECT_EQ(second.offset, 8u) << "natural alignment where no offset was given";
    EXPECT_EQ(read.name(packet->ring, second.nameId), "bytes");
    EXPECT_EQ(read.name(packet->ring, second.descriptionId), "how many");

    const auto ranges = read.of(RecordType::kRange);
    const auto first = ranges.at(0);
    EXPECT_EQ(first.header.flags, kHasBlobs | kBlobsAtEnd);
    const size_t blob = sizeof(Range) + 8;
    EXPECT_EQ(at<uint32_t>(first.bytes, sizeof(Range)), packet->header.id);
    EXPECT_EQ(at<uint32_t>(first.bytes, sizeof(Range) + 4), 24u);
    EXPECT_EQ(at<int32_t>(first.bytes, blob), 3);
    EXPECT_EQ(at<int32_t>(first.bytes, blob + 24 + 8), 4)
        << "the payload of the pop follows that of the push";
    EXPECT_EQ(first.bytes.size(), blob + 24 + 8 + 24);
    EXPECT_EQ(at<double>(first.bytes, blob + 8), 4096.0);
    EXPECT_EQ(read.name(first.ring, uint32_t(at<uint64_t>(first.bytes, blob + 16))), "broadcast");
    EXPECT_EQ(at<int32_t>(read.of(RecordType::kMark).at(0).bytes, sizeof(Mark) + 8), 5);
    EXPECT_EQ(at<int32_t>(read.of(RecordType::kRangeOpen).at(0).bytes, sizeof(RangeOpen) + 8), 5);
    EXPECT_EQ(at<int32_t>(read.of(RecordType::kRangeClose).at(0).bytes, sizeof(RangeClose) + 8), 6);

    const auto gemm = only(read, RecordType::kRange, "gemm");
    EXPECT_EQ(gemm.bytes.size(), sizeof(Range) + 8 + sizeof(ridge_work_t));
    EXPECT_EQ(at<ridge_work_t>(gemm.bytes, blob).flops, 48u);
    const auto large = read.of(RecordType::kRangeOpen).at(1);
    EXPECT_EQ(at<uint32_t>(large.bytes, sizeof(RangeOpen) + 4), 10000u);
    EXPECT_EQ(at<uint8_t>(large.bytes, sizeof(RangeOpen) + 8 + 9999), 0x5A);
    EXPECT_EQ(read.lost(kLossTruncatedPayload), 1u);
}

TEST(Nvtx, PayloadsOfWholeWordsAreCopiedAtAnySizeAndDepth) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"plain_payloads"}).status, 0);
    const auto read = session.read();
    const auto ranges = read.of(RecordType::kRange);
    struct Expected {
        uint64_t count;
        uint32_t bytes;
    };
    // In the order of the pops.
    const std::vector<Expected> expected{{0, 24},  {1, 24},  {2, 8},   {3, 16}, {4, 32},
                                         {5, 40},  {6, 24},  {7, 12},  {8, 24}, {9, 0},
                                         {10, 24}, {13, 16}, {12, 24}, {11, 24}};
    ASSERT_EQ(ranges.size(), expected.size() + 1);
    const uint64_t words[5] = {0, 22, 33, 44, 55};
    for (size_t i = 0; i < expected.size(); ++i) {
        const auto& bytes = ranges[i].bytes;
        const uint32_t size = expected[i].bytes;
        if (size == 0) {
            EXPECT_EQ(bytes.size(), sizeof(Range)) << i;
            continue;
        }
        EXPECT_EQ(ranges[i].header.flags, kHasBlobs) << i;
        ASSERT_EQ(bytes.size(), sizeof(Range) + 8 + (size + 7) / 8 * 8) << i;
        EXPECT_EQ(at<uint32_t>(bytes, sizeof(Range) + 4), size) << i;
        EXPECT_EQ(at<uint64_t>(bytes, sizeof(Range) + 8), expected[i].count) << i;
        for (size_t word = 1; word < size / 8; ++word)
            EXPECT_EQ(at<uint64_t>(bytes, sizeof(Range) + 8 + 8 * word), words[word]) << i;
    }
    const uint16_t own = ranges[0].as<Range>().domainId;
    for (size_t i = 0; i < ranges.size(); ++i)
        EXPECT_EQ(ranges[i].as<Range>().domainId == own, i != 10) << i;
}

TEST(Nvtx, DomainsBeyondTheLastNumberShareOneThatSaysSo) {
    constexpr uint32_t kDomains = 66000;
    const TestSession session;
    ASSERT_EQ(runMode(session, {"definitions", std::to_string(kDomains)}).status, 0);
    const auto read = session.read();
    std::map<uint32_t, uint32_t> marks;
    for (const auto& mark : read.of(RecordType::kMark)) ++marks[mark.as<Mark>().domainId];
    EXPECT_EQ(marks.size(), 65535u);
    EXPECT_EQ(marks.count(0), 0u) << "none of them is the default domain";
    EXPECT_EQ(marks[1], 1u);
    EXPECT_EQ(marks[65534], 1u);
    EXPECT_EQ(marks[65535], kDomains - 65534);
    const auto domains = read.of(RecordType::kDomain);
    ASSERT_EQ(domains.size(), 65535u);
    EXPECT_EQ(read.name(domains.back().ring, domains.back().as<Domain>().nameId),
              "(domains beyond the first 65534)");
    EXPECT_EQ(read.count(RecordType::kCategory), kDomains);
    EXPECT_EQ(read.lost(kLossDefinition), kDomains - 65534);
    ASSERT_EQ(read.count(RecordType::kDiagnostic), 1u);
    EXPECT_EQ(read.nameOf(read.of(RecordType::kDiagnostic)[0]).substr(0, 28),
              "more than 65534 NVTX domains");
}

TEST(Nvtx, StacksOfDomainsAreSeparate) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"interleaved"}).status, 0);
    const auto read = session.read();
    const auto ranges = read.of(RecordType::kRange);
    ASSERT_EQ(ranges.size(), 3u);
    const char* const names[] = {"b1", "a2", "a1"};
    const uint64_t values[] = {2, 3, 1};
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(read.nameOf(ranges[i]), names[i]);
        EXPECT_EQ(at<uint64_t>(ranges[i].bytes, sizeof(Range) + 8), values[i]);
    }
    EXPECT_EQ(read.lost(kLossUnbalancedPop), 1u);
    EXPECT_EQ(read.rings[0].header.openPayloadUsed, 0u);
}

TEST(Nvtx, StacksDeeperThanTheHeader) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"deep", "1000"}).status, 0);
    const auto read = session.read();
    EXPECT_EQ(read.count(RecordType::kRange), kMaxOpenFrames);
    EXPECT_EQ(read.count(RecordType::kRangeOpen), 1000 - kMaxOpenFrames);
    EXPECT_EQ(read.count(RecordType::kRangeClose), 1000 - kMaxOpenFrames);
}

TEST(Nvtx, DeepStacksOfManyDomainsKeepTheirLevels) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"leapfrog", "20000"}).status, 0);
    const auto read = session.read();
    const size_t above = 300 - kMaxOpenFrames;
    EXPECT_EQ(read.count(RecordType::kRangeOpen), above + 3 + 40000);
    EXPECT_EQ(read.count(RecordType::kRangeClose), above + 3 + 40000);
    EXPECT_EQ(read.count(RecordType::kRange), kMaxOpenFrames + 1);  // the last one has room again
    EXPECT_EQ(read.lost(kLossUnbalancedPop) + read.lost(kLossNoRing), 0u);
}

// Each push and pop costs the same: with a look through the stack this would take minutes.
TEST(Nvtx, AVeryDeepStack) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"deep", "200000"}).status, 0);
    const auto read = session.read();
    EXPECT_EQ(read.count(RecordType::kRangeClose), 200000 - kMaxOpenFrames);
}

TEST(Nvtx, AKillLosesNoEndedRangeAndShowsTheOpenOnes) {
    const TestSession session;
    const auto counterFile = session.folder() / "counter";
    std::ofstream(counterFile) << std::string(4096, '\0');
    const int pid =
        startChild({RIDGE_CHILD_PATH, "endless", counterFile.string()}, session.environment());
    usleep(20000);
    kill(pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    uint64_t ended = 0;
    std::ifstream(counterFile).read(reinterpret_cast<char*>(&ended), sizeof ended);
    ASSERT_GE(ended, 100000u);
    const auto read = session.read();
    const uint64_t seen = read.count(RecordType::kRange);
    EXPECT_GE(seen, ended);
    EXPECT_LE(seen, ended + 1);
    ASSERT_EQ(read.rings.size(), 1u);
    const RingHeader& header = read.rings[0].header;
    ASSERT_GE(header.openCount, 2u);
    EXPECT_EQ(read.name(0, header.openFrames[0].nameId), "never popped");
    EXPECT_EQ(read.name(0, header.openFrames[1].nameId), "open with work");
    EXPECT_EQ(header.openFrames[1].payloadBytes, 8 + sizeof(ridge_work_t));
    EXPECT_EQ(read.lost(kLossSpoolWrite), 0u);
}

TEST(Nvtx, ATinyRingIsDrainedByItsProducerExactly) {
    const TestSession session(65536);
    ASSERT_EQ(runMode(session, {"loop", "1000000"}).status, 0);
    const auto read = session.read();
    EXPECT_EQ(read.count(RecordType::kRange), 1000000u);
    EXPECT_EQ(read.holes, 0u);
    EXPECT_GT(read.rings[0].header.tail, 31000000u);
    uint64_t last = 0;
    for (const auto& record : read.of(RecordType::kRange)) {
        const auto range = record.as<Range>();
        ASSERT_LE(last, range.start);
        ASSERT_LE(range.start, range.end);
        last = range.end;
    }
    for (uint32_t kind = 0; kind < kLossKinds; ++kind)
        EXPECT_EQ(read.lost(LossKind(kind)), 0u) << kind;
}

TEST(Nvtx, RingsOfEndedThreadsAreUsedAgain) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"threads", "200"}).status, 0);
    const auto read = session.read();
    EXPECT_LE(read.rings.size(), 6u);
    EXPECT_EQ(read.count(RecordType::kRange), 200u * 10 + 4 * 1000);
    EXPECT_EQ(read.count(RecordType::kRangeOpen), 200u) << "ranges that threads left open";
    std::set<uint32_t> tids;
    for (const auto& record : read.of(RecordType::kThreadAttach)) tids.insert(record.header.id);
    EXPECT_GE(tids.size(), 200u);
}

TEST(Nvtx, RingsOfManyThreadsAreSmaller) {
    const TestSession session(uint64_t{1} << 20);
    ASSERT_EQ(runMode(session, {"crowd", "300"}).status, 0);
    const auto read = session.read();
    EXPECT_EQ(read.count(RecordType::kRange), 300u);
    ASSERT_GE(read.rings.size(), 300u);
    std::map<uint64_t, uint64_t> rings;
    for (const auto& ring : read.rings) ++rings[ring.header.ringBytes];
    EXPECT_EQ(rings[uint64_t{1} << 20], 64u);
    EXPECT_EQ(rings[uint64_t{1} << 18], 192u);
    EXPECT_EQ(rings[uint64_t{1} << 17], read.rings.size() - 256);
}

TEST(Nvtx, ForkedChildrenStartAnew) {
    const TestSession session;
    const auto child = runMode(session, {"forks"});
    ASSERT_EQ(child.status, 0) << child.errors;
    const auto read = session.read();
    EXPECT_EQ(read.rings.size(), 3u);
    const auto inParent = only(read, RecordType::kMark, "parent");
    const auto inChild = only(read, RecordType::kMark, "child");
    const auto raw = only(read, RecordType::kMark, "raw child");
    EXPECT_EQ(read.rings[inParent.ring].header.pid, child.pid);
    EXPECT_EQ(read.rings[inChild.ring].header.parentPid, child.pid);
    EXPECT_NE(read.rings[inChild.ring].header.pid, child.pid);
    EXPECT_NE(read.rings[raw.ring].header.pid, read.rings[inChild.ring].header.pid);
    only(read, RecordType::kMark, "end");
    only(read, RecordType::kRange, "before fork");
    size_t kept = 0;
    for (const auto& record : read.of(RecordType::kRange))
        kept += read.nameOf(record) == "kept handle";
    EXPECT_EQ(kept, 2u);
    EXPECT_EQ(read.rings[inChild.ring].header.lost[kLossUnbalancedPop], 1u);
}

TEST(Nvtx, TwoSharedObjectsShareTheirDomain) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"two"}).status, 0);
    const auto read = session.read();
    EXPECT_EQ(read.count(RecordType::kDomain), 1u);
    EXPECT_EQ(only(read, RecordType::kRange, "from the program").as<Range>().domainId,
              only(read, RecordType::kRange, "from the library").as<Range>().domainId);
}

TEST(Nvtx, WithoutASessionNothingHappens) {
    const auto child = runChild({RIDGE_CHILD_PATH, "loop", "1000"},
                                {"NVTX_INJECTION64_PATH=" RIDGE_AGENT_PATH, "RIDGE_SESSION="});
    EXPECT_EQ(child.status, 0);
    EXPECT_EQ(child.output + child.errors, "");
    const auto gone =
        runChild({RIDGE_CHILD_PATH, "loop", "1000"},
                 {"NVTX_INJECTION64_PATH=" RIDGE_AGENT_PATH, "RIDGE_SESSION=/nonexistent/session"});
    EXPECT_EQ(gone.status, 0);
    EXPECT_EQ(gone.output + gone.errors, "");
}

TEST(Nvtx, AStoppedSessionIsLeftAlone) {
    TestSession session;
    session.control()->stopped = 1;
    ASSERT_EQ(runMode(session, {"loop", "1000"}).status, 0);
    EXPECT_TRUE(session.read().rings.empty());
}

TEST(Nvtx, RingsFallBackToTheSessionFolder) {
    TestSession session;
    std::strcpy(session.control()->ringDir, "/nonexistent/rings");
    ASSERT_EQ(runMode(session, {"simple"}).status, 0);
    only(session.read(), RecordType::kRange, "outer");
}

TEST(Nvtx, AnUnwritableSessionHurtsNobody) {
    TestSession session;
    std::strcpy(session.control()->ringDir, "/proc/1");
    const auto folder = session.folder();
    std::filesystem::create_directory(folder / "sub");
    std::filesystem::copy_file(folder / "control", folder / "sub/control");
    auto environment = session.environment();
    // /proc/self/fd of this very process: files there cannot be created, not even by root.
    environment[0] = "RIDGE_SESSION=/proc/" + std::to_string(getpid()) + "/fd";
    const auto child = runChild({RIDGE_CHILD_PATH, "loop", "100000"}, environment);
    EXPECT_EQ(child.status, 0);
    EXPECT_EQ(child.output + child.errors, "");
}

TEST(Nvtx, AFullDiskLosesTheOldestAndCountsThem) {
    const TestSession session(65536);
    const auto child = runChild({RIDGE_CHILD_PATH, "loop", "200000"}, session.environment(), [] {
        const rlimit limit{1 << 20, 1 << 20};  // no file may grow beyond; SIGXFSZ would kill
        setrlimit(RLIMIT_FSIZE, &limit);
    });
    ASSERT_EQ(child.status, 0) << "the program must not die of our write";
    const auto read = session.read();
    const uint64_t lost = read.lost(kLossSpoolWrite);
    EXPECT_GT(lost, 100000u);
    EXPECT_GT(read.count(RecordType::kRange), 1000u);
    EXPECT_EQ(read.count(RecordType::kRange) + lost, 200000u)
        << "clock readings are not the program's";
}

TEST(Nvtx, ASessionThatCannotBeSeenAnyMoreIsCounted) {
    TestSession session(65536);
    const auto child = runMode(session, {"hidden", "100000"});
    ASSERT_EQ(child.status, 0);
    const auto read = session.read();
    const uint64_t ranges = read.count(RecordType::kRange);
    const uint64_t lost = read.lost(kLossSpoolWrite);
    EXPECT_GT(lost, 90000u);
    EXPECT_EQ(ranges + lost, 101000u);
    EXPECT_EQ(session.control()->lostWithoutRing, 1000u) << "each range of the new thread, once";
}

TEST(Nvtx, ASessionThatWasRemovedIsOver) {
    const TestSession session(65536);
    EXPECT_EQ(runMode(session, {"removed", "100000"}).status, 0);
}

TEST(Nvtx, HandlersThatInterruptRecordingAreCounted) {
    const TestSession session;
    const auto child = runMode(session, {"signals", "2000000"});
    ASSERT_EQ(child.status, 0);
    const auto read = session.read();
    EXPECT_EQ(read.count(RecordType::kRange), 2000000u);
    const uint64_t handled = std::stoull(child.output);
    EXPECT_GT(handled, 0u);
    EXPECT_EQ(read.count(RecordType::kMark) + read.lost(kLossNestedEvent), handled);
}

TEST(Nvtx, AHandlerMayRecordWhileTheFirstEventOpensTheSession) {
    const TestSession session;
    ASSERT_EQ(runMode(session, {"signal_inside"}).status, 0);
    const auto read = session.read();
    EXPECT_EQ(read.count(RecordType::kRange), 10u);
    EXPECT_EQ(read.count(RecordType::kMark) + read.lost(kLossNestedEvent), 1u);
}

TEST(Nvtx, ErrnoIsLeftAlone) {
    const TestSession session(65536);
    const auto child = runMode(session, {"errno"});
    EXPECT_EQ(child.status, 0) << child.output;
}

}  // namespace
}  // namespace ridge::test
