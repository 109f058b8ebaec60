// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Copies a timeline, ours or another tool's SQLite export, without what is nobody else's business: environment blocks,
// credentials, what the programs printed, names of hosts and users, and on request the folders of paths. Every row stays,
// with its row id, and every number; only texts change. The copy is written row by row into a new file, so that nothing
// of the old one's free pages comes along. Names and secrets are learnt in a first pass over all texts and then taken
// out wherever they stand. Memory: the learnt words. What it cannot know: secrets.h.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ridge::archive {

struct ScrubOptions {
    bool paths = false;                // folders of paths too
    std::vector<std::string> words;    // further words to take out wherever they stand
};

struct ScrubOutcome {
    std::uint64_t tables = 0;
    std::uint64_t rows = 0;
    std::vector<std::pair<std::string, std::uint64_t>> removed;  // kind -> how many; kinds of which nothing was there are left out
    std::vector<std::string> notes;                              // one line each
};

// Errors: input is no database or the same file as output (kBadInput); output cannot be written (kIo).
Result<ScrubOutcome> scrubTimeline(const std::string& input, const std::string& output, const ScrubOptions& options = {});

}  // namespace ridge::archive
