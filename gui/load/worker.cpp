// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/worker.h"

#include <algorithm>
#include <cstdio>
#include <exception>

namespace ridge::gui {
namespace {

// What somebody wrote is not lost because the window was closed before its turn came.
bool lasts(const std::string& slot) { return slot.starts_with("save "); }

}  // namespace

Worker::Worker() : m_thread([this] { run(); }) {}

Worker::~Worker() {
    {
        const std::lock_guard lock(m_mutex);
        m_quit = true;
        std::erase_if(m_queue, [](const Entry& entry) { return !lasts(entry.slot); });
        for (auto& [slot, stop] : m_latest) *stop = true;
    }
    m_wake.notify_all();
    m_thread.join();
}

void Worker::request(const std::string& slot, Job job) {
    {
        const std::lock_guard lock(m_mutex);
        std::shared_ptr<Stop>& latest = m_latest[slot];
        if (latest) *latest = true;
        latest = std::make_shared<Stop>(false);
        std::erase_if(m_queue, [&](const Entry& entry) { return entry.slot == slot; });
        m_queue.push_back({slot, std::move(job), latest});
    }
    m_wake.notify_all();
}

void Worker::cancel(const std::string& slot) {
    const std::lock_guard lock(m_mutex);
    if (const auto it = m_latest.find(slot); it != m_latest.end()) *it->second = true;
    std::erase_if(m_queue, [&](const Entry& entry) { return entry.slot == slot; });
}

bool Worker::busy() const {
    const std::lock_guard lock(m_mutex);
    return m_running || !m_queue.empty();
}

void Worker::run() {
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_wake.wait(lock, [this] { return m_quit || !m_queue.empty(); });
        if (m_queue.empty()) return;  // m_quit, and nothing is left that lasts
        Entry entry = std::move(m_queue.front());
        m_queue.erase(m_queue.begin());
        m_running = true;
        lock.unlock();
        try {
            entry.job(*entry.stop);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "ridge-view: %s: %s\n", entry.slot.c_str(), error.what());
        }
        entry.job = nullptr;
        lock.lock();
        m_running = false;
    }
}

}  // namespace ridge::gui
