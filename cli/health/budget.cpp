// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/health/budget.h"

#include "base/clock.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace ridge::cli {
namespace {

constexpr double kReserveShare = 0.03, kLeastReserve = 0.7;  // of the budget; seconds

}  // namespace

Budget::Budget(double seconds) : m_seconds(seconds), m_startedNs(monotonicNs()) {}
double Budget::elapsed() const {
    return static_cast<double>(monotonicNs() - m_startedNs) / 1e9;
}
double Budget::remaining() const {
    return untilEnd() - std::max(kLeastReserve, kReserveShare * m_seconds);
}

Watchdog::Watchdog(const Budget& budget, std::function<int(const std::string&)> giveUp)
    : m_giveUp(std::move(giveUp)) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the thread that measures
    m_thread = std::thread([this, seconds = budget.untilEnd()] { watch(seconds); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(m_mutex);
        m_done = true;
    }
    m_wake.notify_all();
    m_thread.join();
}

void Watchdog::removeAtEnd(const std::filesystem::path& folder) {
    const std::lock_guard lock(m_mutex);
    m_folder = folder;
}

void Watchdog::watch(double seconds) {
    std::unique_lock lock(m_mutex);
    if (m_wake.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return m_done; }))
        return;
    const int code = m_giveUp(m_doing.load());
    std::error_code ec;
    if (!m_folder.empty()) std::filesystem::remove_all(m_folder, ec);
    _exit(code);
}

}  // namespace ridge::cli
