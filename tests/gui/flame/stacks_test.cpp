// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>

#include "base/file.h"
#include "gui/flame/call_stacks.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace ridge::gui {
namespace {

const std::atomic<bool> kGoOn{false};

TEST(CallStacks, MergeByPathFromTheOutermostCall) {
    const auto folder = std::move(TempDir::create("ridge-stacks")).value();
    ridge::test::TraceBuilder builder((folder.path() / "t.sqlite").string(), false);
    builder.run("CREATE TABLE COMPOSITE_EVENTS(id INTEGER PRIMARY KEY, start INTEGER, cpu INTEGER, threadState INTEGER, globalTid INTEGER, cpuCycles INTEGER)");
    builder.run("CREATE TABLE SAMPLING_CALLCHAINS(id INTEGER, symbol INTEGER, module INTEGER, stackDepth INTEGER, PRIMARY KEY(id, stackDepth))");
    const auto tid = ridge::test::TraceBuilder::tid(9, 9), other = ridge::test::TraceBuilder::tid(9, 10);
    int id = 0;
    const auto sample = [&](std::int64_t thread, std::int64_t start, const std::vector<std::string>& outerFirst) {
        builder.run(fmt::format("INSERT INTO COMPOSITE_EVENTS VALUES ({}, {}, 0, 0, {}, 1)", ++id, start, thread));
        for (std::size_t i = 0; i < outerFirst.size(); ++i)
            builder.run(fmt::format("INSERT INTO SAMPLING_CALLCHAINS VALUES ({}, {}, 0, {})", id, builder.string(outerFirst[i]), outerFirst.size() - 1 - i));
    };
    sample(tid, 100, {"main", "train", "gemm"});
    sample(tid, 200, {"main", "train", "gemm"});
    sample(tid, 300, {"main", "train"});
    sample(tid, 400, {"main", "load", "read"});
    sample(other, 450, {"clone", "worker"});
    sample(tid, 999, {"main", "late"});
    builder.finish();
    const auto all = stacksOf(builder.path(), {}, 0, 900, kGoOn);
    ASSERT_TRUE(all.ok()) << all.error().message;
    EXPECT_EQ(all->frames[0].total, 5);
    EXPECT_EQ(all->rows, 2U);
    const auto frame = [&](const FlameTree& tree, const std::vector<std::string>& path) {
        const std::uint32_t found = tree.find(path);
        return tree.pathOf(found) == path ? tree.frames[found] : FlameFrame{};
    };
    EXPECT_EQ(frame(*all, {"main"}).total, 4);
    EXPECT_EQ(frame(*all, {"main"}).self, 0);
    EXPECT_EQ(frame(*all, {"main", "train"}).total, 3);
    EXPECT_EQ(frame(*all, {"main", "train"}).self, 1);
    EXPECT_EQ(frame(*all, {"main", "train", "gemm"}).self, 2);
    EXPECT_EQ(frame(*all, {"clone", "worker"}).self, 1);
    EXPECT_EQ(frame(*all, {"main", "late"}).total, 0);
    const auto one = stacksOf(builder.path(), {other}, 0, 900, kGoOn);
    EXPECT_EQ(one->frames[0].total, 1);
    EXPECT_EQ(threadOfKey("p5/t" + std::to_string(tid) + "/ranges"), tid);
    EXPECT_FALSE(threadOfKey("p5/g0/s7/kernels"));
}

TEST(CallStacks, AFileWithoutThemGivesNone) {
    const auto folder = std::move(TempDir::create("ridge-stacks")).value();
    ridge::test::TraceBuilder builder((folder.path() / "t.sqlite").string());
    builder.range(ridge::test::TraceBuilder::tid(1, 1), 0, 10, "x");
    builder.finish();
    EXPECT_EQ(stacksOf(builder.path(), {}, 0, 900, kGoOn)->frames.size(), 1U);
}

}  // namespace
}  // namespace ridge::gui
