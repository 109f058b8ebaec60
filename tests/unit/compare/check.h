// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What holds for every comparison, whatever the runs: checked after every one that the tests make.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "analyzer/compare/comparison.h"
#include "tests/unit/analyzer/memory_timeline.h"

namespace ridge::test {

// The rows of a class add up to it, the classes to the difference, the parts of a row to the row.
inline void checkSums(const Comparison& c) {
    for (const LaneComparison& lane : c.lanes) {
        SCOPED_TRACE(lane.workloadA);
        EXPECT_EQ(lane.deltaNs, lane.stepB.lengthNs() - lane.stepA.lengthNs());
        Ns classes = 0, rows = 0;
        std::map<WallClass, Ns> ofClass, aOf, bOf;
        for (const ComparisonRow& row : lane.rows) {
            EXPECT_EQ(row.slowerNs + row.oftenerNs + row.bothNs, row.deltaNs) << row.a.name;
            EXPECT_EQ(row.b.ns - row.a.ns, row.deltaNs) << row.a.name;
            EXPECT_GE(row.a.ns, 0);
            EXPECT_GE(row.b.ns, 0);
            EXPECT_FALSE(row.shown().name.empty());
            ofClass[row.wallClass] += row.deltaNs;
            aOf[row.wallClass] += row.a.ns;
            bOf[row.wallClass] += row.b.ns;
            rows += row.deltaNs;
        }
        for (const ClassDelta& d : lane.classes) {
            classes += d.deltaNs;
            EXPECT_EQ(d.deltaNs, ofClass[d.wallClass]) << name(d.wallClass);
            EXPECT_EQ(d.aNs, aOf[d.wallClass]) << name(d.wallClass);
            EXPECT_EQ(d.bNs, bOf[d.wallClass]) << name(d.wallClass);
            ofClass.erase(d.wallClass);
        }
        for (const auto& [wallClass, ns] : ofClass) EXPECT_EQ(ns, 0) << name(wallClass);
        EXPECT_EQ(classes, lane.deltaNs);
        EXPECT_EQ(rows, lane.deltaNs);
    }
}

// Everything that is compared has a name: no time fell through the profile.
inline void checkAttributed(const Comparison& c) {
    for (const LaneComparison& lane : c.lanes)
        for (const ComparisonRow& row : lane.rows) {
            EXPECT_NE(row.a.name, "not attributed") << name(row.wallClass);
            EXPECT_NE(row.b.name, "not attributed") << name(row.wallClass);
        }
}

inline void checkZero(const Comparison& c) {
    for (const LaneComparison& lane : c.lanes) {
        EXPECT_EQ(lane.deltaNs, 0);
        for (const ClassDelta& d : lane.classes) EXPECT_EQ(d.deltaNs, 0);
        for (const ComparisonRow& row : lane.rows) {
            EXPECT_EQ(row.deltaNs, 0);
            EXPECT_EQ(row.slowerNs, 0);
            EXPECT_EQ(row.oftenerNs, 0);
            EXPECT_EQ(row.bothNs, 0);
            EXPECT_EQ(row.match, NodeMatch::kSame);
        }
    }
}

using RowKey = std::tuple<WallClass, std::string, std::string, std::string, std::string, std::string, std::string>;
inline RowKey keyOf(const ComparisonRow& row, bool swapped) {
    const RowSide &a = swapped ? row.b : row.a, &b = swapped ? row.a : row.b;
    return {row.wallClass, a.path, a.name, a.shape, b.path, b.name, b.shape};
}

inline void checkAntisymmetric(const Comparison& forth, const Comparison& back) {
    ASSERT_EQ(forth.lanes.size(), back.lanes.size());
    for (std::size_t i = 0; i < forth.lanes.size(); ++i) {
        const LaneComparison &f = forth.lanes[i], &b = back.lanes[i];
        EXPECT_EQ(f.deltaNs, -b.deltaNs);
        std::map<WallClass, Ns> classes;
        for (const ClassDelta& d : f.classes) classes[d.wallClass] += d.deltaNs;
        for (const ClassDelta& d : b.classes) classes[d.wallClass] += d.deltaNs;
        for (const auto& [wallClass, ns] : classes) EXPECT_EQ(ns, 0) << name(wallClass);
        std::map<RowKey, Ns> rows;
        for (const ComparisonRow& row : f.rows) rows[keyOf(row, false)] += row.deltaNs;
        ASSERT_EQ(f.rows.size(), b.rows.size());
        for (const ComparisonRow& row : b.rows) {
            const auto it = rows.find(keyOf(row, true));
            ASSERT_NE(it, rows.end()) << row.a.name << " / " << row.b.name;
            it->second += row.deltaNs;
        }
        for (const auto& [key, ns] : rows) EXPECT_EQ(ns, 0) << std::get<2>(key);
    }
}

inline Comparison compared(const Timeline& a, const Timeline& b, const CompareOptions& options = {}) {
    auto answer = compareTimelines(a, b, options);
    if (!answer.ok()) {
        ADD_FAILURE() << answer.error().message;
        return {};
    }
    checkSums(*answer);
    return std::move(answer).value();
}

}  // namespace ridge::test
