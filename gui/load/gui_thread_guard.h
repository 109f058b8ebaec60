// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Proof that the GUI thread runs no SQL: after forbidSqlOnThisThread() every connection that is opened and
// every statement that is run on that thread, by whatever part of the program, is a bug. Debug builds of
// ridge-view call it, and the tests do in every build.

#include <cstdint>

namespace ridge::gui {

// To be called before the first connection of the process is opened.
void forbidSqlOnThisThread();
void allowSqlOnThisThread();
// What was run against the ban since the start, when abortOnIt is off (tests).
std::int64_t forbiddenStatements();
void abortOnForbiddenSql(bool abortOnIt);

}  // namespace ridge::gui
