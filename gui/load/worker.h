// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One thread for what is too slow for a frame: statistics, searches, rows of the database, the analysis.
//
// A request belongs to a slot; a new request of a slot raises the stop flag of the one before it and
// takes its place in the queue, so that only the latest answer counts. Jobs run on the worker's thread
// and must hand their results over themselves. The destructor stops everything, runs slots "save ..." and joins.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ridge::gui {

class Worker {
public:
    using Stop = std::atomic<bool>;
    using Job = std::function<void(const Stop& stop)>;

    Worker();
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void request(const std::string& slot, Job job);
    void cancel(const std::string& slot);
    [[nodiscard]] bool busy() const;

private:
    struct Entry {
        std::string slot;
        Job job;
        std::shared_ptr<Stop> stop;
    };
    void run();
    mutable std::mutex m_mutex;
    std::condition_variable m_wake;
    std::vector<Entry> m_queue;
    std::map<std::string, std::shared_ptr<Stop>> m_latest;
    bool m_quit = false, m_running = false;
    std::thread m_thread;
};

}  // namespace ridge::gui
