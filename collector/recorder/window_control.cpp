// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/window_control.h"

#include "schemas/spool/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace ridge::recorder {
namespace {

constexpr std::int64_t kLongestStepNs = 1'000'000'000;

template <std::size_t N>
void copyText(const std::string& from, char (&to)[N]) {
    std::memcpy(to, from.data(), std::min(from.size(), N - 1));
}

std::int64_t nanoseconds(double seconds) {
    return static_cast<std::int64_t>(seconds * 1e9);
}

}  // namespace

void WindowControl::prepare(spool::ControlBlock& control, std::int64_t startNs) const {
    const bool captures = m_options.capture != spool::Capture::kNone;
    control.capture = m_options.capture;
    copyText(m_options.captureName, control.captureName);
    copyText(m_options.captureDomain, control.captureDomain);
    control.domainFilter = m_options.domainFilter;
    std::size_t at = 0;
    for (const std::string& domain : m_options.domains) {
        if (at + domain.size() + 2 > sizeof control.domains) break;  // checked by the caller
        std::memcpy(control.domains + at, domain.data(), domain.size());
        at += domain.size() + 1;
    }
    control.windowsLeft = captures ? m_options.captureWindows : spool::kWindowsWithoutEnd;
    const bool later = captures || m_options.delaySeconds > 0 || m_options.startLater;
    control.partial = later || !m_options.sessionName.empty();
    control.stopped = spool::kPaused;
    if (later) return;
    if (control.partial != 0 || m_options.durationSeconds > 0)
        spool::beginWindow(control, static_cast<std::uint64_t>(startNs));
    control.stopped = spool::kRecording;
}

WindowControl::Step WindowControl::keepTime(spool::ControlBlock& control, std::int64_t startNs,
                                            std::int64_t now) {
    Step step{kLongestStepNs, false};
    if (m_options.delaySeconds > 0 && !m_delayOver) {
        const std::int64_t left = startNs + nanoseconds(m_options.delaySeconds) - now;
        m_delayOver = left <= 0;
        if (m_delayOver) spool::beginWindow(control, static_cast<std::uint64_t>(now));
        step.nextNs = std::min(step.nextNs, std::max<std::int64_t>(left, 0));
    }
    const std::uint32_t windows = __atomic_load_n(&control.windows, __ATOMIC_ACQUIRE);
    if (m_options.durationSeconds > 0 && windows > 0 && !m_durationOver) {
        const auto began = static_cast<std::int64_t>(control.window[0].startNs);
        const std::int64_t left = began + nanoseconds(m_options.durationSeconds) - now;
        if (left <= 0) {
            spool::endWindow(control, static_cast<std::uint64_t>(now), true);
            m_durationOver = step.durationOver = true;
        }
        step.nextNs = std::min(step.nextNs, std::max<std::int64_t>(left, 0));
    }
    return step;
}

std::string WindowControl::whyNothing() const {
    if (m_options.capture == spool::Capture::kNvtxRange)
        return fmt::format("nothing was recorded: no range \"{}\"{} began{}", m_options.captureName,
                           m_options.captureDomain == "*"
                               ? ""
                               : fmt::format(" of domain \"{}\"", m_options.captureDomain),
                           m_options.domainFilter == spool::DomainFilter::kNone
                               ? ""
                               : " in a domain that --nvtx-domain-include or -exclude leaves in");
    if (m_options.capture == spool::Capture::kCudaProfiler)
        return "nothing was recorded: the program did not call cudaProfilerStart, or without CUPTI "
               "it could not be seen";
    if (m_options.startLater) return "nothing was recorded: the session was never started";
    return fmt::format("nothing was recorded: the program ended before the delay of {} s",
                       m_options.delaySeconds);
}

}  // namespace ridge::recorder
