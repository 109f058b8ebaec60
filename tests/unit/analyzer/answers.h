// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The answer to a timeline in memory, held against what holds for every answer (check.h), and what is looked for in it.

#include "analyzer/analyze.h"
#include "tests/unit/analyzer/check.h"
#include "tests/unit/analyzer/memory_timeline.h"

#include <string>
#include <utility>

namespace ridge::test {

inline Analysis analyzed(const Timeline& timeline, const AnalyzeOptions& options = {}) {
    auto answer = analyzeTimeline(timeline, options);
    if (!answer.ok()) {
        ADD_FAILURE() << answer.error().message;
        return {};
    }
    checkPartition(*answer);
    return std::move(answer).value();
}

inline const WhatIf* changeOf(const Analysis& answer, const std::string& change) {
    for (const WhatIf& w : answer.whatIf)
        if (w.change == change) return &w;
    return nullptr;
}

}  // namespace ridge::test
