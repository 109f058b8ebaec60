// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A timeline as a packed archive, and back: every table of the file, ours or another tool's, to the row, the row id, the
// type and the last bit of each value; indexes and views are made again. Columns are stored for themselves, in blocks of
// rows: integers as differences (from the row before, or from another column of the row, whichever is shorter) in as many
// bytes as they need, texts as lengths and bytes, and each block is packed by zstd.
//
// Nothing of an archive is trusted: a checksum over all of it is verified before a row is written, every length is checked
// against what is there, and its SQL may do nothing but create plain tables, indexes and views. Memory: one block.
// Layout: codec.h.

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"

namespace ridge::archive {

// Is zstd built in? Without it both functions say kUnsupported.
bool canPack();

struct PackOutcome {
    std::uint64_t tables = 0, rows = 0;
    std::uint64_t events = 0;                // rows that have a time
    std::uint64_t fileBytes = 0, archiveBytes = 0;
    std::vector<std::string> notes;          // what was left out, one line each
};

// level: of zstd, 1 (fast) to 19 (small). The archive is proven: it is unpacked beside `output` (room for the timeline is
// needed there meanwhile) and compared. Errors: no database, one that is damaged (kBadInput); no room (kMeasurement).
Result<PackOutcome> packTimeline(const std::string& input, const std::string& output, int level = 9);
// Errors: no archive, cut short, damaged, or one that asks for what no archive of ours does (kBadInput); no room (kMeasurement).
Result<PackOutcome> unpackTimeline(const std::string& input, const std::string& output);

// The same from memory, and without looking at the checksum: for tests that want to get past it.
Result<PackOutcome> unpackUnchecked(std::istream& archive, const std::string& output);

}  // namespace ridge::archive
