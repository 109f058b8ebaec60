// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Is the waiting of a workload the bubble of a pipeline? Told by the timeline alone: by who exchanges with whom, and
// when in the step who waits.
//
// Exchanges are communication between two ranks whose ops (or kernels) name send or receive. In a pipeline
//   fill   some ranks wait in an exchange before they compute anything in the step, at least one does not: what they
//          work on has not come through the stages before them;
//   drain  later in the step ranks wait the other way, for what comes back: in exchanges, and in the first collective
//          behind the last exchange.
// It is one where some rank fills in at least half of its steps, some rank in none, each direction (for a lower, for
// a higher rank) has a tenth of the waiting at least, and fill and drain are at least half of all waiting in
// collectives of which all ranks are there. A straggler lets the others wait one way only; exchanges in a ring begin
// with work of one's own. Times are ns, over all ranks and steps.

#include <optional>
#include <string_view>

#include "analyzer/context.h"

namespace ridge::analyzer {

struct PipelineBubble {
    Ns fillNs = 0, drainNs = 0;
    Ns allWaitNs = 0;              // in all collectives of the workload
    std::int64_t exchanges = 0;    // instances, not rows
    std::int64_t stages = 0;       // ranks that exchange
    Ns waitNs() const { return fillNs + drainNs; }
};

// Does the name of an op or a kernel say that it sends or receives?
bool saysExchange(std::string_view name);

std::optional<PipelineBubble> findPipeline(const Context& context, std::int32_t workload);

}  // namespace ridge::analyzer
