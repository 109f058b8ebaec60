// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Which process a ring is of where its number means another one, or none, outside.
#include "collector/recorder/outer_pids.h"

#include "collector/recorder/processes.h"

#include <gtest/gtest.h>

#include <unistd.h>

namespace ridge::recorder {
namespace {

spool::RingHeader header(std::uint32_t pidNamespace, std::int32_t pid, std::uint64_t image) {
    spool::RingHeader made{};
    made.pidNamespace = pidNamespace;
    made.pid = pid;
    made.imageId = image;
    made.agent = spool::AgentKind::kAgent;
    return made;
}

std::int32_t translated(OuterPids& pids, spool::RingHeader ring) {
    pids.translate(ring);
    return spool::processOf(ring);
}

constexpr std::uint32_t kOwn = 100;

TEST(OuterPids, OurOwnAndUnknownNamespacesAreLeftAlone) {
    OuterPids pids(kOwn, false);
    EXPECT_EQ(translated(pids, header(kOwn, 7, 1)), 7);
    EXPECT_EQ(translated(pids, header(0, 7, 1)), 7);
    OuterPids blind(0, false);
    EXPECT_EQ(translated(blind, header(kOwn, 7, 1)), 7);
}

TEST(OuterPids, SameNumberInTwoNamespacesIsTwoProcesses) {
    OuterPids pids(kOwn, false);
    const std::int32_t one = translated(pids, header(101, 1, 5));
    const std::int32_t two = translated(pids, header(102, 1, 6));
    EXPECT_GE(one, OuterPids::kFirstUnseen);
    EXPECT_GE(two, OuterPids::kFirstUnseen);
    EXPECT_NE(one, two);
    EXPECT_EQ(translated(pids, header(101, 1, 5)), one) << "another thread's ring";
    spool::RingHeader io = header(101, 1, 8);
    io.agent = spool::AgentKind::kIo;
    EXPECT_EQ(translated(pids, io), one) << "the other agent of the process";
    spool::RingHeader child = header(101, 2, 9);
    child.parentPid = 1;
    pids.translate(child);
    EXPECT_EQ(child.outerParentPid, one);
}

TEST(OuterPids, WhatTheRecorderFoundOutHoldsAfterIt) {
    OuterPids pids(kOwn, false);
    spool::RingHeader seen = header(101, 1, 5);
    seen.outerPid = 4321;
    pids.note(seen);
    EXPECT_EQ(translated(pids, header(101, 1, 5)), 4321);
    seen = header(102, 1, 6);
    seen.outerPid = OuterPids::kFirstUnseen;
    pids.note(seen);
    EXPECT_GT(translated(pids, header(103, 1, 7)), OuterPids::kFirstUnseen);
}

TEST(OuterPids, ALivingProcessIsFoundByItsNamespaceAndNumber) {
    const std::uint32_t own = ownPidNamespace();
    ASSERT_NE(own, 0U);
    EXPECT_EQ(processInNamespace(own, getpid()), getpid());
    EXPECT_EQ(processInNamespace(own + 1, getpid()), 0);
    EXPECT_EQ(parentOf(getpid()), getppid());
}

}  // namespace
}  // namespace ridge::recorder
