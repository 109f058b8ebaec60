// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What `ridge run` is about to do: the variants that ridge-workloads describes, chosen by name, preset and
// filter, and the command line of each.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/model/analysis.h"
#include "analyzer/what_if/what_if.h"
#include "base/result.h"

namespace ridge::cli {

struct Variant {
    std::string name, family, formula;  // formula: of the family, for people
    std::map<std::string, std::string> params;
    std::vector<std::string> presets;
    int ranks = 1;
    std::int64_t steps = 0, briefSteps = 0;  // timed ones; 0: not said
    bool brief = false;                      // which of the two: brief in the smoke preset
    std::optional<analyzer::Verdict> expected;
    std::optional<analyzer::WhatIfPair> pair;  // this one is the slow one
};

struct Selection {
    std::vector<std::string> names;  // whole names, families, or beginnings of names up to a '/'
    std::string preset;              // empty: all when names are given, else "standard"
    std::string filter;              // regular expression, searched for
    int ranks = 0;                   // of variants with several ranks; 0: as described
};

// The JSON that --describe prints.
Result<std::vector<Variant>> parseDescription(std::string_view json);
// Errors: a name that nothing matches, an unknown preset, nothing left.
Result<std::vector<Variant>> select(const std::vector<Variant>& all, const Selection& selection);

// The variant in a process of its own, under mpirun when it has several ranks.
std::vector<std::string> commandFor(const Variant& variant, const std::string& workloadsProgram, const std::string& resultFile,
                                    const std::string& benchmarkFile, const std::string& backend = "cpu");

// A name that is safe as the name of a folder, unique when the names are.
std::string folderNameFor(const std::string& name);

}  // namespace ridge::cli
