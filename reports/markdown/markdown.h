// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The Analysis as GitHub-flavoured Markdown for a job summary or a merge request. Stays below the
// limit of such pages (1 MiB) by listing at most kMarkdownRows rows of each table and saying so.

#include <cstddef>
#include <string>

#include "analyzer/model/analysis.h"

namespace ridge::reports {

inline constexpr std::size_t kMarkdownRows = 50;

std::string renderMarkdown(const analyzer::Analysis& analysis);

}  // namespace ridge::reports
