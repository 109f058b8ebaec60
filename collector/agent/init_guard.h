// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// While NVTX's header waits for us, every other event of the process waits for it: a child that is
// forked meanwhile would wait for ever, for a thread that it has not got. So a fork of another
// thread waits until the entry point is through, and a moment longer, for what the header does
// after it; at most kLongestWaitNs, since the two may wait for each other (a library that forks
// while it is loaded). Not held back: a fork before the library was there, and clone and vfork.

namespace ridge::agent {

inline constexpr long kLongestWaitNs = 2'000'000'000;
inline constexpr long kAfterwardsNs = 500'000;

// One for each call of an entry point, on its stack.
class InitGuard {
public:
    InitGuard();
    ~InitGuard();
    InitGuard(const InitGuard&) = delete;
    InitGuard& operator=(const InitGuard&) = delete;
};

}  // namespace ridge::agent
