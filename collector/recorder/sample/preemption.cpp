// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/sample/preemption.h"

#include <fmt/format.h>

namespace ridge::recorder {

std::string PreemptionDetector::quality() const {
    std::string text;
    if (m_watch.notRealtime() > 0)
        text = "no permission for SCHED_FIFO: gaps may also be this machine's own load";
    if (m_watch.refused())
        text += fmt::format("{}the system gave threads for {} CPUs only", text.empty() ? "" : "; ",
                            m_watch.watched());
    if (m_watch.capped())
        text += std::string(text.empty() ? "" : "; ") + "only the first 64 CPUs are watched";
    return text;
}

}  // namespace ridge::recorder
