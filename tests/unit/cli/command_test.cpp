// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The built program from outside: exit codes, one-line errors, JSON that parses, tables by pattern.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <regex>

#include "base/file.h"
#include "cli/app/process.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/ddl.h"

namespace ridge::cli {
namespace {

namespace fs = std::filesystem;

class Command : public testing::Test {
protected:
    void SetUp() override {
        const char* program = std::getenv("RIDGE_EXECUTABLE");
        ASSERT_NE(program, nullptr) << "RIDGE_EXECUTABLE names the program under test (ctest sets it)";
        m_program = program;
        auto folder = TempDir::create("ridge-cli-test-");
        ASSERT_TRUE(folder.ok());
        m_folder.emplace(std::move(*folder));
    }
    ProcessResult ridge(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), m_program);
        auto result = runProcess(arguments, 60);
        EXPECT_TRUE(result.ok());
        EXPECT_FALSE(result->timedOut);
        return result.ok() ? *result : ProcessResult{};
    }
    // Exit code, nothing on stdout, one line on stderr that has the words.
    void expectError(const std::vector<std::string>& arguments, int code, const std::string& words) {
        const ProcessResult r = ridge(arguments);
        EXPECT_EQ(r.status, code) << r.messages;
        EXPECT_EQ(r.output, "");
        EXPECT_EQ(std::count(r.messages.begin(), r.messages.end(), '\n'), 1) << r.messages;
        EXPECT_TRUE(r.messages.starts_with("ridge: ")) << r.messages;
        EXPECT_TRUE(std::regex_search(r.messages, std::regex(words))) << r.messages;
    }
    [[nodiscard]] std::string path(const std::string& name) const { return (m_folder->path() / name).string(); }
    void write(const std::string& name, const std::string& content) const { ASSERT_TRUE(writeFileAtomically(path(name), content).ok()); }
    // Two steps of one workload on one thread, a gemm with a work payload in each.
    void makeTimeline(const std::string& name) const;

    std::string m_program;
    std::optional<TempDir> m_folder;
};

TEST_F(Command, usageErrorsAreOneLineAndExitWith2) {
    expectError({}, 2, "no command");
    expectError({"--no-such-option"}, 2, "no-such-option.*--help");
    expectError({"no-such-command"}, 2, "no-such-command");
    expectError({"analyze"}, 2, "no trace");
    expectError({"analyze", "x", "--no-such-option"}, 2, "no-such-option.*ridge analyze --help");
    expectError({"analyze", "x", "--findings", "many"}, 2, "findings");
    expectError({"doctor", "--color", "blue"}, 2, "color");
}

TEST_F(Command, unreadableTracesAreOneLineAndExitWith2) {
    expectError({"analyze", path("none.sqlite")}, 2, "none.sqlite");
    write("text.sqlite", "this is no database");
    expectError({"analyze", path("text.sqlite")}, 2, "text.sqlite");
    write("empty.sqlite", "");
    expectError({"analyze", path("empty.sqlite")}, 2, "empty.sqlite");
    expectError({"analyze", m_folder->path().string()}, 2, m_folder->path().string());
    write("hostile\x1b[31m\n.sqlite", "x");
    expectError({"analyze", path("hostile\x1b[31m\n.sqlite")}, 2, "hostile");
}

TEST_F(Command, aTruncatedTraceIsOneLineOrAFlaggedResult) {
    makeTimeline("whole.sqlite");
    const auto whole = readFile(path("whole.sqlite"));
    ASSERT_TRUE(whole.ok());
    for (const std::size_t part : {std::size_t{90}, std::size_t{4096}, whole->size() / 2, whole->size() - 1}) {
        write("cut.sqlite", whole->substr(0, part));
        const ProcessResult r = ridge({"analyze", path("cut.sqlite"), "-q"});
        EXPECT_TRUE(r.status == 2 || r.status == 0) << "status " << r.status << " at " << part << " bytes: " << r.messages;
        if (r.status == 2) {
            EXPECT_EQ(std::count(r.messages.begin(), r.messages.end(), '\n'), 1) << r.messages;
        }
    }
}

TEST_F(Command, anOutputThatExistsIsKept) {
    makeTimeline("t.sqlite");
    write("report.json", "precious");
    expectError({"analyze", path("t.sqlite"), "--json", path("report.json")}, 2, "exists; --force");
    EXPECT_EQ(*readFile(path("report.json")), "precious");
    EXPECT_EQ(ridge({"analyze", path("t.sqlite"), "--json", path("report.json"), "--force", "-q"}).status, 0);
    EXPECT_TRUE(nlohmann::json::accept(*readFile(path("report.json"))));
}

TEST_F(Command, aTraceIsNeverOverwrittenByItsReport) {
    makeTimeline("t.sqlite");
    const auto before = readFile(path("t.sqlite"));
    expectError({"analyze", path("t.sqlite"), "--html", path("t.sqlite"), "--force"}, 2, "both input and output");
    EXPECT_EQ(*readFile(path("t.sqlite")), *before);
}

TEST_F(Command, anUnwritableOutputIsOneLine) {
    makeTimeline("t.sqlite");
    expectError({"analyze", path("t.sqlite"), "-q", "--html", path("no/such/folder/x.html")}, 2, "x.html.*No such file");
    expectError({"analyze", path("t.sqlite"), "-q", "--html", m_folder->path().string()}, 2, "is a directory");
}

TEST_F(Command, analyzePrintsTheTableAPersonWants) {
    makeTimeline("t.sqlite");
    const ProcessResult r = ridge({"analyze", path("t.sqlite")});
    ASSERT_EQ(r.status, 0) << r.messages;
    EXPECT_EQ(r.output.find('\x1b'), std::string::npos) << "no colour in a pipe";
    for (const char* pattern : {"Devices\n +rank +device +span +busy", "Steps \\(found by: ", "unit/gemm +0 +0 +2 +1 ms", "Where the time of all steps went", "\nFindings\n", "\nCapture\n +\\d+ checks?"})
        EXPECT_TRUE(std::regex_search(r.output, std::regex(pattern))) << pattern << "\n" << r.output;
    EXPECT_NE(ridge({"analyze", path("t.sqlite"), "--color", "always"}).output.find("\x1b[1m"), std::string::npos);
}

TEST_F(Command, everyJsonOutputIsOneDocument) {
    makeTimeline("t.sqlite");
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"analyze", path("t.sqlite"), "--json"}, {"analyze", "--json", path("t.sqlite")}, {"doctor", "--json"}, {"--version", "--json"}}) {
        const ProcessResult r = ridge(arguments);
        EXPECT_EQ(r.status, 0) << r.messages;
        EXPECT_TRUE(nlohmann::json::accept(r.output)) << arguments.front();
    }
    const auto report = nlohmann::json::parse(ridge({"analyze", path("t.sqlite"), "--json"}).output);
    ASSERT_EQ(report["steps"].size(), 2U);
    for (const auto& step : report["steps"]) {
        std::int64_t sum = 0;
        for (const auto& [name, ns] : step["classes"].items()) sum += ns.get<std::int64_t>();
        EXPECT_EQ(sum, 1'000'000);
        EXPECT_EQ(step["workload"], "unit/gemm");
    }
}

TEST_F(Command, doctorProbesEverySource) {
    const auto json = nlohmann::json::parse(ridge({"doctor", "--json"}).output);
    std::vector<std::string> names;
    for (const auto& probe : json["probes"]) {
        names.push_back(probe["name"]);
        EXPECT_TRUE(probe["state"] == "on" || probe["state"] == "off" || probe["state"] == "limited");
        EXPECT_FALSE(probe["detail"].get<std::string>().empty()) << probe;
    }
    for (const char* name : {"nvtx", "io", "mpirun", "cuda_driver", "cupti", "nvml", "gpu_counters", "perf_events", "cpu_counters", "rapl", "realtime_priority", "clock", "pressure", "io_uring", "shared_memory", "disk"})
        EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST_F(Command, helpHasExamplesForEveryCommand) {
    const ProcessResult help = ridge({"--help"});
    EXPECT_EQ(help.status, 0);
    for (const char* command : {"analyze", "ceilings", "doctor", "record", "run"}) {
        EXPECT_NE(help.output.find(std::string("  ") + command), std::string::npos) << command;
        const ProcessResult own = ridge({command, "--help"});
        EXPECT_EQ(own.status, 0);
        EXPECT_NE(own.output.find("Examples:"), std::string::npos) << command;
        EXPECT_NE(own.output.find("--json"), std::string::npos) << command;
    }
}

TEST_F(Command, recordKeepsTheProgramsExitCode) {
    EXPECT_EQ(ridge({"record", "-q", "-o", path("a.sqlite"), "--", "/bin/sh", "-c", "exit 7"}).status, 7);
    EXPECT_EQ(ridge({"record", "-q", "-o", path("b.sqlite"), "--", "/bin/sh", "-c", "kill -TERM $$"}).status, 143);
    EXPECT_EQ(ridge({"analyze", path("a.sqlite"), "-q"}).status, 3) << "a shell has nothing to analyse";
    write("kept.sqlite", "precious");
    expectError({"record", "-o", path("kept.sqlite"), "--", "/bin/true"}, 2, "exists; --force");
    EXPECT_EQ(*readFile(path("kept.sqlite")), "precious");
    expectError({"record"}, 2, "no program");
    expectError({"record", "--trace", "nvtx,magic", "-o", path("c.sqlite"), "--", "/bin/true"}, 2, "magic");
    expectError({"record", "--recover", path("nowhere"), "-o", path("d.sqlite")}, 2, "nowhere");
}

TEST_F(Command, runRefusesWhatItCannotDo) {
    expectError({"run", "--preset", "huge"}, 2, "preset");
    expectError({"run", "no.such.workload"}, 2, "no workload \"no.such.workload\".*--list");
    expectError({"run", "--filter", "("}, 2, "regular expression");
    expectError({"run", "--backend", "cuda"}, 77, "--backend cpu");
    write("file", "x");
    expectError({"run", "--preset", "smoke", "-o", path("file")}, 2, "not a directory");
}

void Command::makeTimeline(const std::string& name) const {
    auto db = Database::openForWriting(path(name));
    ASSERT_TRUE(db.ok()) << db.error().message;
    const Status created = db->execute(std::string(timeline::timelineSql()) + fmt::format("PRAGMA application_id={};PRAGMA user_version={};", timeline::kApplicationId, timeline::kSchemaVersion));
    ASSERT_TRUE(created.ok()) << created.error().message;
    const auto status = db->execute(R"sql(
        BEGIN;
        INSERT INTO RIDGE_RUN VALUES('r1','["x"]','/',0,'complete',1000000,1000,4000000,10,'test','{}');
        INSERT INTO NVTX_EVENTS(start,end,eventType,text,globalTid,domainId,category) VALUES
            (0,NULL,75,'ridge',281479271743489,1,NULL), (0,4000000,59,'unit/gemm',281479271743489,1,1),
            (1000000,2000000,59,'step',281479271743489,1,3), (1100000,1900000,59,'gemm',281479271743489,1,NULL),
            (2000000,3000000,59,'step',281479271743489,1,3), (2100000,2900000,59,'gemm',281479271743489,1,NULL);
        COMMIT;)sql");
    ASSERT_TRUE(status.ok()) << status.error().message;
}

}  // namespace
}  // namespace ridge::cli
