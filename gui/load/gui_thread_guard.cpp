// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/gui_thread_guard.h"

#include <sqlite3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace ridge::gui {
namespace {

thread_local bool t_forbidden = false;
std::atomic<bool> g_abort{true};
std::atomic<std::int64_t> g_count{0};

void seen(const char* what) {
    if (!t_forbidden) return;
    ++g_count;
    if (!g_abort) return;
    std::fprintf(stderr, "ridge-view: bug: SQL on the GUI thread: %s\n", what);
    std::abort();
}

int onStatement(unsigned, void*, void*, void* sql) {
    seen(static_cast<const char*>(sql));
    return 0;
}

int onOpen(sqlite3* db, const char**, const struct sqlite3_api_routines*) {
    seen("a connection was opened");
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, onStatement, nullptr);
    return SQLITE_OK;
}

}  // namespace

void forbidSqlOnThisThread() {
    t_forbidden = true;
    // SQLite declares the hook without its parameters.
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(onOpen));
}
void allowSqlOnThisThread() { t_forbidden = false; }
std::int64_t forbiddenStatements() { return g_count; }
void abortOnForbiddenSql(bool abortOnIt) { g_abort = abortOnIt; }

}  // namespace ridge::gui
