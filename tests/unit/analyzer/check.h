// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What holds for every answer, whatever the trace: checked after every analyze() of the tests.

#include <gtest/gtest.h>

#include <numeric>

#include "analyzer/analyze.h"
#include "analyzer/verdict/verdict.h"
#include "base/file.h"
#include "schemas/sqlite/database.h"

namespace ridge::test {

using analyzer::Analysis;
using analyzer::ClassTimes;
using analyzer::Ns;

inline Ns at(const ClassTimes& times, WallClass c) { return times[static_cast<std::size_t>(c)]; }

// The path of one step is its window, without a hole; the tables are the windows of all steps.
inline void checkPath(const Analysis& answer) {
    if (!answer.criticalPath) return;
    const auto& path = *answer.criticalPath;
    const auto sumOf = [](const std::vector<analyzer::PathShare>& shares) {
        return std::accumulate(shares.begin(), shares.end(), Ns{0}, [](Ns sum, const auto& share) { return sum + share.ns; });
    };
    Ns shown = 0;
    for (std::size_t i = 0; i < path.segments.size(); ++i) {
        shown += path.segments[i].endNs - path.segments[i].startNs;
        if (i > 0) {
            EXPECT_EQ(path.segments[i].startNs, path.segments[i - 1].endNs);
        }
    }
    EXPECT_EQ(shown, path.totalNs);
    EXPECT_EQ(sumOf(path.byKind), path.coveredNs);
    if (path.namesOmitted == 0) {
        EXPECT_EQ(sumOf(path.byName), path.coveredNs);
    }
    Ns lanes = 0;
    for (const auto& lane : path.lanes) {
        EXPECT_EQ(sumOf(lane.byKind), lane.totalNs);
        lanes += lane.totalNs;
    }
    EXPECT_EQ(lanes, path.coveredNs);
    if (path.stepsLeftOut > 0) return;
    Ns windows = 0;
    for (const auto& step : answer.steps) windows += step.endNs - step.startNs;
    EXPECT_EQ(path.coveredNs, windows);
}

inline void checkPartition(const Analysis& answer) {
    ClassTimes sum{};
    for (const auto& step : answer.steps) {
        EXPECT_EQ(std::accumulate(step.classes.begin(), step.classes.end(), Ns{0}), step.endNs - step.startNs);
        for (std::size_t c = 0; c < kWallClassCount; ++c) {
            EXPECT_GE(step.classes[c], 0);
            sum[c] += step.classes[c];
        }
    }
    EXPECT_EQ(sum, answer.attribution);
    for (const auto& device : answer.devices) {
        EXPECT_EQ(device.spanNs, device.busyNs + device.idleNs);
        EXPECT_LE(device.overlapNs, std::min(device.commNs, device.computeNs));
        EXPECT_EQ(device.overlapNs + device.exposedCommNs, device.commNs);
    }
    checkPath(answer);
}

// Every SQL of a finding gives its first evidence number.
inline void checkFindings(const Analysis& answer, const std::string& path) {
    auto db = Database::openForReading(path);
    ASSERT_TRUE(db.ok());
    for (const auto& f : answer.findings) {
        SCOPED_TRACE(f.id + ": " + f.sql);
        ASSERT_FALSE(f.evidence.empty());
        EXPECT_LE(f.savingLowNs, f.savingHighNs);
        EXPECT_LE(f.savingHighNs, f.costNs);
        EXPECT_GE(f.savingLowNs, 0);
        EXPECT_LE(f.share, 1.0 + 1e-9);
        EXPECT_FALSE(f.title.empty() || f.tryThis.empty() || f.verify.empty() || f.where.empty());
        if (f.sql.empty()) continue;
        auto statement = db->prepare(f.sql);
        ASSERT_TRUE(statement.ok()) << statement.error().message;
        auto row = statement->step();
        ASSERT_TRUE(row.ok() && *row);
        EXPECT_DOUBLE_EQ(statement->real(0), f.evidence.front().value);
    }
}

inline Analysis analyzeOk(const std::string& path, const analyzer::AnalyzeOptions& options = {}) {
    auto answer = analyzer::analyze({path}, options);
    if (!answer.ok()) {
        ADD_FAILURE() << answer.error().message;
        return {};
    }
    checkPartition(*answer);
    checkFindings(*answer, path);
    return std::move(answer).value();
}

inline const analyzer::Finding* findingOf(const Analysis& answer, const std::string& rule) {
    for (const auto& f : answer.findings)
        if (f.rule == rule) return &f;
    return nullptr;
}

inline const analyzer::GateCheck* gateOf(const Analysis& answer, const std::string& check) {
    for (const auto& g : answer.gate)
        if (g.check == check) return &g;
    return nullptr;
}

}  // namespace ridge::test
