// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The transport of a run with one rank: every collective is a copy, or nothing. What is written
// over the communicator then runs without a launcher too. Only rank 0 exists; a message to or from
// itself is a copy, one to anybody else an error.

#include "workloads/parallel/transport.h"

namespace ridge::workloads {

[[nodiscard]] const ridge_transport_t& soloTransport();

}  // namespace ridge::workloads
