// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The history: additions, checks, people, two writers at once, cut off in mid-write, other versions.
#include "analyzer/history/history.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "analyzer/history/check.h"
#include "base/file.h"
#include "tests/unit/regression/runs.h"

namespace ridge::analyzer::test {
namespace {

using Kind = SeriesFinding::Kind;

class HistoryFile : public testing::Test {
protected:
    void SetUp() override {
        auto folder = TempDir::create("ridge-history-test-");
        ASSERT_TRUE(folder.ok());
        m_folder.emplace(std::move(*folder));
        m_path = (m_folder->path() / "h.sqlite").string();
    }
    // One run per value, an hour apart.
    void add(const std::vector<double>& values, const std::string& direction = "lower") {
        auto history = History::openOrCreate(m_path);
        ASSERT_TRUE(history.ok()) << history.error().message;
        for (const double value : values) {
            const auto result = history->add({runOf("run" + std::to_string(m_runs), {value}, direction, timeText(1767600000 + 3600 * m_runs))}, "");
            ASSERT_TRUE(result.ok()) << result.error().message;
            ASSERT_EQ(result->runs, 1U);
            ++m_runs;
        }
    }
    HistoryCheck check(const CheckOptions& options = {}) {
        auto history = History::open(m_path);
        EXPECT_TRUE(history.ok());
        const auto result = checkHistory(*history, options);
        EXPECT_TRUE(result.ok()) << result.error().message;
        return result.ok() ? *result : HistoryCheck{};
    }
    std::int64_t count(const std::string& sql) {
        auto db = Database::openForWriting(m_path);
        auto s = db->prepare(sql);
        EXPECT_TRUE(s.ok()) << s.error().message;
        EXPECT_TRUE(*s->step());
        return s->integer(0);
    }
    static std::vector<double> level(std::size_t n, double value) {
        std::vector<double> out;
        for (std::size_t i = 0; i < n; ++i) out.push_back(value * (1 + 0.002 * static_cast<double>((i * 7) % 5)));
        return out;
    }
    std::optional<TempDir> m_folder;
    std::string m_path;
    std::int64_t m_runs = 0;
};

TEST(Time, withAndWithoutOffset) {
    EXPECT_EQ(parseTime("1970-01-02T00:00:00Z"), 86400);
    EXPECT_EQ(parseTime("2026-01-05T10:00:00.25Z"), parseTime("2026-01-05T12:00:00+02:00"));
    EXPECT_EQ(timeText(*parseTime("2026-01-05T10:00:00Z")), "2026-01-05T10:00:00Z");
    EXPECT_FALSE(parseTime("yesterday"));
    EXPECT_FALSE(parseTime("2026-13-05T10:00:00Z"));
    EXPECT_FALSE(parseTime(""));
}

TEST_F(HistoryFile, aRunIsAddedOnce) {
    add({100});
    auto history = History::open(m_path);
    const auto again = history->add({runOf("run0", {100})}, "");
    EXPECT_EQ(again->runs, 0U);
    EXPECT_EQ(again->known, 1U);
    EXPECT_EQ(count("SELECT count(*) FROM point"), 1);
    EXPECT_FALSE(history->add({runOf("x", {1}, "lower", "no time")}, "").ok());
}

TEST_F(HistoryFile, aStepIsFoundReportedUntilAcceptedAndThenForgotten) {
    add(level(30, 100));
    EXPECT_TRUE(check().findings.empty());
    add(level(10, 106));
    const HistoryCheck found = check();
    ASSERT_EQ(found.findings.size(), 1U);
    EXPECT_EQ(found.findings[0].kind, Kind::kRegressed);
    EXPECT_NEAR(*found.findings[0].ratio, 1.06, 0.01);
    EXPECT_EQ(found.findings[0].since, "run30");
    EXPECT_TRUE(found.regressed());
    EXPECT_EQ(check().findings[0].changePoint, found.findings[0].changePoint) << "found again, stored once";
    EXPECT_EQ(count("SELECT count(*) FROM change_point"), 1);
    auto history = History::open(m_path);
    EXPECT_FALSE(history->accept(99, "ada", "").ok());
    ASSERT_TRUE(history->accept(found.findings[0].changePoint, "ada", "on purpose").ok());
    const auto changes = history->changePoints();
    EXPECT_EQ(changes->at(0).acceptedBy, "ada");
    EXPECT_EQ(changes->at(0).comment, "on purpose");
    EXPECT_FALSE(check().regressed()) << "the series begins anew";
    add(level(25, 106));
    EXPECT_TRUE(check().findings.empty());
}

TEST_F(HistoryFile, improvementsAreNoRegression) {
    add(level(30, 100), "higher");
    add(level(10, 110), "higher");
    CheckOptions options;
    options.acceptImprovements = true;
    const HistoryCheck c = check(options);
    ASSERT_EQ(c.findings.size(), 1U);
    EXPECT_EQ(c.findings[0].kind, Kind::kImproved);
    EXPECT_NEAR(*c.findings[0].ratio, 1.1, 0.01);
    EXPECT_FALSE(c.regressed());
    EXPECT_TRUE(check().findings.empty()) << "accepted by itself";
    EXPECT_EQ(count("SELECT count(*) FROM change_point WHERE accepted_by='automatic'"), 1);
}

TEST_F(HistoryFile, aSuspectIsAWarningUntilFreshSessionsTell) {
    add(level(25, 100));
    add({110});
    const HistoryCheck suspect = check();
    ASSERT_EQ(suspect.findings.size(), 1U);
    EXPECT_EQ(suspect.findings[0].kind, Kind::kSuspect);
    EXPECT_FALSE(suspect.regressed());
    CheckOptions options;
    options.fresh = sessions("fresh", {100, 100.2, 100.1, 100.3, 100});
    EXPECT_EQ(check(options).findings[0].kind, Kind::kSuspect) << "not confirmed";
    options.fresh = sessions("fresh", {110, 111});
    EXPECT_EQ(check(options).findings[0].kind, Kind::kSuspect) << "two are too few";
    options.fresh = sessions("fresh", {110, 111, 109, 110, 110.5});
    EXPECT_EQ(check(options).findings[0].kind, Kind::kRegressed);
    EXPECT_EQ(count("SELECT count(*) FROM change_point WHERE found_by='fresh'"), 1);
}

// 0.6 % with every ten runs: no step is large enough for gate or scan, the sum is.
TEST_F(HistoryFile, driftIsSeenAgainstThePinnedRun) {
    add(level(20, 100));
    auto history = History::open(m_path);
    ASSERT_TRUE(history->pin(*history->newestRun(), "ada").ok());
    for (int i = 1; i <= 10; ++i) add(level(10, 100 * (1 + 0.006 * i)));
    const HistoryCheck c = check();
    const auto drift = std::find_if(c.findings.begin(), c.findings.end(), [](const auto& f) { return f.kind == Kind::kDrift; });
    ASSERT_NE(drift, c.findings.end());
    EXPECT_NEAR(*drift->ratio, 1.06, 0.01);
    EXPECT_EQ(drift->since, "run19");
    EXPECT_TRUE(c.regressed());
}

TEST_F(HistoryFile, aPersonCanSayWhereALevelChanged) {
    add(level(30, 100));
    add(level(10, 130));
    auto history = History::open(m_path);
    ChangePoint c;
    const auto run = history->run("run30");
    ASSERT_TRUE(run.ok());
    c.at = run->at;
    c.run = run->id;
    c.series = history->series()->at(0).id;
    c.foundBy = "person";
    c.acceptedBy = "ada";
    ASSERT_TRUE(history->addChangePoint(c).ok());
    EXPECT_TRUE(check().findings.empty());
    EXPECT_FALSE(history->run("nobody").ok());
}

TEST_F(HistoryFile, twoWritersAtOnceLoseNothing) {
    std::vector<pid_t> children;
    for (int child = 0; child < 3; ++child) {
        const pid_t pid = fork();
        if (pid == 0) {
            int failed = 0;
            auto history = History::openOrCreate(m_path);
            for (int i = 0; history.ok() && i < 40; ++i)
                if (!history->add({runOf("w" + std::to_string(child) + "-" + std::to_string(i), {100.0 + i}, "lower", timeText(1767600000 + 60 * i))}, "").ok()) ++failed;
            _exit(!history.ok() || failed ? 1 : 0);
        }
        children.push_back(pid);
    }
    for (const pid_t pid : children) {
        int status = 0;
        waitpid(pid, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(count("SELECT count(*) FROM point"), 120);
    EXPECT_EQ(count("SELECT count(*) FROM metric"), 1);
}

TEST_F(HistoryFile, killedInMidWriteItIsWholeAgain) {
    add(level(20, 100));
    for (int round = 0; round < 8; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            auto history = History::open(m_path);
            for (int i = 0; history.ok(); ++i) {
                std::vector<StoredRun> many;
                for (int r = 0; r < 50; ++r) many.push_back(runOf("k" + std::to_string(round) + "-" + std::to_string(i) + "-" + std::to_string(r), {100}, "lower", timeText(1767600000 + i)));
                (void)history->add(many, "");
            }
            _exit(0);
        }
        usleep(static_cast<useconds_t>(15000 + 9000 * round));
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        auto history = History::open(m_path);
        ASSERT_TRUE(history.ok()) << history.error().message;
        EXPECT_EQ(count("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"), 1);
        EXPECT_EQ(count("SELECT count(*) FROM run WHERE run_id LIKE 'k%'") % 50, 0) << "all of an addition, or nothing";
        EXPECT_EQ(count("SELECT count(*) FROM run"), count("SELECT count(*) FROM point"));
    }
    EXPECT_TRUE(check().judged == 1);
}

// What SQLite's machine does, in steps: the same on every computer.
std::int64_t stepsOf(History& history, const std::function<void()>& work) {
    std::int64_t steps = 0;
    sqlite3_progress_handler(history.database().handle(), 1, [](void* count) { return ++*static_cast<std::int64_t*>(count), 0; }, &steps);
    work();
    sqlite3_progress_handler(history.database().handle(), 0, nullptr, nullptr);
    return steps;
}

// Ten times as many runs: looking up the newest points and adding a run cost what they did.
TEST_F(HistoryFile, aLongHistoryCostsWhatAShortOneDoes) {
    std::array<std::int64_t, 2> looking{}, until{}, adding{};
    std::size_t at = 0;
    for (const int runs : {200, 2000}) {
        auto history = History::openOrCreate(m_path + std::to_string(runs));
        ASSERT_TRUE(history.ok());
        std::vector<StoredRun> many;
        for (int i = 0; i < runs; ++i) many.push_back(runOf("r" + std::to_string(i), {100.0 + i % 7}, "lower", timeText(1767600000 + 60 * i)));
        ASSERT_TRUE(history->add(many, "").ok());
        const auto series = history->series();
        ASSERT_TRUE(series.ok());
        ASSERT_EQ(series->size(), 1U);
        EXPECT_EQ(series->front().points, runs);
        const SeriesId id = series->front().id;
        looking[at] = stepsOf(*history, [&] { EXPECT_EQ(history->points(id, INT64_MIN, 60)->size(), 60U); });
        until[at] = stepsOf(*history, [&] { EXPECT_EQ(history->pointsUntil(id, 1767600000 + 60 * 100, 20)->size(), 20U); });
        adding[at] = stepsOf(*history, [&] { EXPECT_EQ(history->add({runOf("new", {100}, "lower", timeText(1767600000 + 60 * runs))}, "")->points, 1U); });
        ++at;
    }
    EXPECT_EQ(looking[0], looking[1]);
    EXPECT_EQ(until[0], until[1]);
    EXPECT_LT(adding[1], adding[0] + adding[0] / 4);
    EXPECT_GT(looking[0], 60) << "the steps were counted";
}

// What a power cut leaves: a log that ends in the middle of a frame.
TEST_F(HistoryFile, aTornLogLosesOnlyItsEnd) {
    add(level(20, 100));
    const std::string copy = m_path + ".cut";
    {
        auto keep = History::open(m_path);  // keeps the log from being folded in
        add(level(5, 100));
        std::filesystem::copy_file(m_path, copy);
        std::filesystem::copy_file(m_path + "-wal", copy + "-wal");
    }
    const auto size = std::filesystem::file_size(copy + "-wal");
    std::filesystem::resize_file(copy + "-wal", size - 1500);
    auto history = History::open(copy);
    ASSERT_TRUE(history.ok()) << history.error().message;
    const auto runs = history->runs(100);
    ASSERT_TRUE(runs.ok());
    EXPECT_GE(runs->size(), 20U);
    EXPECT_LT(runs->size(), 25U);
}

TEST_F(HistoryFile, earlierVersionsAreBroughtForwardLaterOnesRefused) {
    add(level(8, 100));
    {
        auto db = Database::openForWriting(m_path);
        ASSERT_TRUE(db->execute("DROP TABLE change_point; DROP TABLE pin; PRAGMA user_version=1").ok());
    }
    EXPECT_TRUE(check().findings.empty());
    EXPECT_EQ(count("PRAGMA user_version"), kHistoryVersion);
    EXPECT_EQ(count("SELECT count(*) FROM change_point"), 0);
    {
        auto db = Database::openForWriting(m_path);
        ASSERT_TRUE(db->execute("PRAGMA user_version=99").ok());
    }
    const auto later = History::open(m_path);
    ASSERT_FALSE(later.ok());
    EXPECT_NE(later.error().message.find("version 99"), std::string::npos);
}

TEST_F(HistoryFile, whatIsNoHistoryIsRefused) {
    EXPECT_FALSE(History::open(m_path).ok()) << "not there";
    {
        auto db = Database::openForWriting(m_path);
        ASSERT_TRUE(db->execute("CREATE TABLE x(y)").ok());
    }
    EXPECT_FALSE(History::openOrCreate(m_path).ok()) << "somebody else's database stays as it is";
    std::ofstream(m_path + "2") << "this is text and no database, long enough to be looked at by SQLite";
    EXPECT_FALSE(History::open(m_path + "2").ok());
}

}  // namespace
}  // namespace ridge::analyzer::test
