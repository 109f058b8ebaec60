// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/worker.h"

#include <gtest/gtest.h>

#include <future>

#include "gui/load/gui_thread_guard.h"
#include "schemas/sqlite/database.h"

namespace ridge::gui {
namespace {

TEST(Worker, ANewRequestReplacesTheOldOneOfItsSlot) {
    Worker worker;
    std::promise<void> started, asked, last;
    std::promise<bool> stopped;
    worker.request("a", [&](const Worker::Stop& stop) {
        started.set_value();
        asked.get_future().wait();  // both requests are in the queue
        stopped.set_value(stop);
    });
    started.get_future().wait();
    std::atomic<int> between{0};
    worker.request("a", [&](const Worker::Stop&) { ++between; });
    worker.request("a", [&](const Worker::Stop&) { last.set_value(); });
    asked.set_value();
    EXPECT_TRUE(stopped.get_future().get());
    last.get_future().wait();
    EXPECT_EQ(between, 0);
}

TEST(Worker, SlotsDoNotStopEachOther) {
    Worker worker;
    std::promise<bool> first;
    worker.request("a", [&](const Worker::Stop& stop) { first.set_value(stop); });
    worker.request("b", [](const Worker::Stop&) {});
    EXPECT_FALSE(first.get_future().get());
}

TEST(Worker, EndsWhileAJobRuns) {
    std::promise<void> started;
    {
        Worker worker;
        worker.request("a", [&](const Worker::Stop& stop) {
            started.set_value();
            while (!stop) std::this_thread::yield();
        });
        started.get_future().wait();
    }
    SUCCEED();
}

TEST(Worker, WhatIsToBeSavedIsSavedThoughTheWindowCloses) {
    std::promise<void> started;
    std::atomic<int> saved{0}, others{0};
    {
        Worker worker;
        worker.request("a", [&](const Worker::Stop& stop) {
            started.set_value();
            while (!stop) std::this_thread::yield();
        });
        started.get_future().wait();
        worker.request("save x", [&](const Worker::Stop&) { ++saved; });
        worker.request("b", [&](const Worker::Stop&) { ++others; });
        worker.request("save y", [&](const Worker::Stop&) { ++saved; });
    }
    EXPECT_EQ(saved, 2);
    EXPECT_EQ(others, 0);
}

TEST(GuiThreadGuard, CountsSqlOnTheForbiddenThreadOnly) {
    abortOnForbiddenIo(false);
    forbidIoOnThisThread();
    const auto before = forbiddenAccesses();
    std::thread([] {
        auto db = Database::openForWriting(":memory:");
        ASSERT_TRUE(db.ok());
        (void)db->execute("CREATE TABLE t(x)");
    }).join();
    EXPECT_EQ(forbiddenAccesses(), before);
    {
        auto db = Database::openForWriting(":memory:");
        ASSERT_TRUE(db.ok());
        (void)db->execute("CREATE TABLE t(x)");
    }
    EXPECT_GT(forbiddenAccesses(), before);
    allowIoOnThisThread();
    abortOnForbiddenIo(true);
}

}  // namespace
}  // namespace ridge::gui
