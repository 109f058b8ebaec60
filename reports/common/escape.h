// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Every string of a trace is hostile until it went through one of these. All take any bytes and return
// valid UTF-8: bytes that are none become U+FFFD, control characters become visible signs, and marks
// that reverse the reading direction are replaced.

#include <cstddef>
#include <string>
#include <string_view>

namespace ridge::reports {

// For a terminal and as the base of the others: one line, no control characters.
std::string printable(std::string_view bytes);
// The same, but newlines stay (SQL and multi-line advice).
std::string printableLines(std::string_view bytes);
// For HTML text and for attribute values in double or single quotes.
std::string html(std::string_view bytes);
std::string htmlLines(std::string_view bytes);
// For a cell of a Markdown table and for running text: nothing is markup, no cell is broken.
std::string markdown(std::string_view bytes);
// A Markdown code fence that the content cannot close.
std::string markdownFence(std::string_view bytes, std::string_view language);

// Columns that the text takes on a terminal (wide and combining characters counted as such).
std::size_t displayWidth(std::string_view text);
// At most `columns` wide; cut texts end with an ellipsis.
std::string elide(std::string_view text, std::size_t columns);
// The same, keeping the end: for paths and for names whose tail tells them apart.
std::string elideMiddle(std::string_view text, std::size_t columns);

}  // namespace ridge::reports
