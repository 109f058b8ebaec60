// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A session's control block, mapped: what recorder and agents share while the program runs.

#include "base/result.h"
#include "schemas/spool/control_block.h"

#include <cstdint>
#include <string>

namespace ridge::recorder {

class Control {
public:
    Control() = default;
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;
    // Errors: the file cannot be made (disk full included) or is too short.
    Status map(const std::string& path, bool create);
    [[nodiscard]] spool::ControlBlock* block() const { return m_block; }
    // Shows others that somebody works on this session, until this object or process is gone. False:
    // somebody else does.
    bool lock();

private:
    int m_fd = -1;
    spool::ControlBlock* m_block = nullptr;
};

// The process that records into this session now or makes its file, by its lock or its heartbeat; 0:
// nobody, or we ourselves.
std::int32_t liveRecorder(const std::string& sessionFolder);

}  // namespace ridge::recorder
