// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Communication ops and stragglers of the answer.
//
// An op is all collectives of one name, communicator and size in one workload (CPU and GPU payloads), or
// all kernels of one name (traces without payload). busy: sum over ranks of the union of its instances;
// overlap: of that, with compute of the same rank. bytes: wire bytes of all instances.
//   busbw = wire bytes of an instance / its median time    (time: transfer where it could be split)
//   algbw = message bytes / the same time, where name and number of ranks tell how the two relate:
//           all-reduce 2(n-1)/n wire per message byte, all-gather and reduce-scatter and all-to-all (n-1)/n

#include "analyzer/context.h"

namespace ridge::analyzer {

void addCommunication(const Context& context, Analysis& answer);

// The workload of the step in which a row was launched; 0 when the trace has no steps; kNoIndex: in none.
std::int32_t workloadOf(const Context& context, const GpuRow& row);

// Wire bytes per message byte of a collective by its name; nothing: not known.
std::optional<double> wireFactor(std::string_view name, std::int64_t ranks);

}  // namespace ridge::analyzer
