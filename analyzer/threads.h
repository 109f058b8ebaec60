// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Threads inside one analysis: as many as RIDGE_THREADS says, else as the process may use CPUs. The answer never depends
// on how many there are. Where a thread cannot be had, its work is done by the caller.

#include <cstddef>
#include <functional>
#include <future>
#include <optional>
#include <system_error>
#include <utility>

namespace ridge::analyzer {

// At least 1.
std::size_t threadCount();

// Calls work(i) for every i below n, on several threads; returns when all are done. What work throws is thrown on.
void parallelFor(std::size_t n, const std::function<void(std::size_t)>& work);

// One piece of work beside the caller's own.
template <typename Value>
class Beside {
public:
    template <typename Work>
    explicit Beside(Work work) {
        if (threadCount() > 1) {
            try {
                m_future = std::async(std::launch::async, work);
                return;
            } catch (const std::system_error&) {
                // No thread to be had.
            }
        }
        m_work = std::move(work);
    }
    // Waits, or does the work now. Once.
    Value get() { return m_work ? m_work() : m_future.get(); }

private:
    std::future<Value> m_future;  // its destructor waits
    std::function<Value()> m_work;
};

}  // namespace ridge::analyzer
