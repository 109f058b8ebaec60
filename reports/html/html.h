// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The Analysis as one HTML file: inline CSS and SVG, no script, nothing loaded from anywhere (a
// Content-Security-Policy says so too), every string of the trace escaped. Light and dark follow the
// reader's system. Sections without content say why they are empty.

#include <string>

#include "analyzer/model/analysis.h"

namespace ridge::reports {

std::string renderHtml(const analyzer::Analysis& analysis);

}  // namespace ridge::reports
