// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The recorder's part in when a session records (schemas/spool/window.h): its first state, and the
// windows that time opens and closes. Times: CLOCK_MONOTONIC ns, to within the caller's polling.

#include "collector/recorder/record.h"

#include <cstdint>
#include <string>

namespace ridge::recorder {

class WindowControl {
public:
    explicit WindowControl(const RecordOptions& options) : m_options(options) {}
    // Before the program starts, in a block of zeros.
    void prepare(spool::ControlBlock& control, std::int64_t startNs) const;

    struct Step {
        std::int64_t nextNs;  // until something is due, at most a second
        bool durationOver;    // just now: nothing more will be recorded
    };
    Step keepTime(spool::ControlBlock& control, std::int64_t startNs, std::int64_t now);
    // For the user, when no window ever began.
    [[nodiscard]] std::string whyNothing() const;

private:
    const RecordOptions& m_options;
    bool m_delayOver = false;
    bool m_durationOver = false;
};

}  // namespace ridge::recorder
