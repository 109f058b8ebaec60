// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Analyses to render and helpers to judge the renderings.

#include <string>

#include "analyzer/model/analysis.h"

namespace ridge::reports::test {

// Every field filled, several workloads, two ranks, a GPU, warnings and losses; the classes add up.
analyzer::Analysis richAnalysis();
// Every string of it replaced by one that attacks HTML, Markdown, JSON or a terminal.
analyzer::Analysis hostileAnalysis();

// True when --update was given: golden files are written instead of compared.
extern bool updateGolden;

// Keeps a rendering in the output folder and returns its path.
std::string keep(const std::string& name, const std::string& content);
// Message of the validator, empty when the document satisfies schemas/json/<schema>. Throws when there
// is no validator.
std::string schemaErrors(const std::string& documentPath, const std::string& schema);
std::string sourcePath(const std::string& relative);

}  // namespace ridge::reports::test
