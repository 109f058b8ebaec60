// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/gui_thread_guard.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace ridge::gui {
namespace {

thread_local bool t_forbidden = false;
thread_local int t_exempt = 0;
std::atomic<bool> g_abort{true}, g_watched{false};
std::atomic<std::int64_t> g_count{0};

void seen(const char* what, const char* which) {
    if (!t_forbidden || t_exempt > 0) return;
    ++g_count;
    if (!g_abort) return;
    t_forbidden = false;  // abort() may open files
    std::fprintf(stderr, "ridge-view: bug: %s on the GUI thread: %s\n", what, which);
    std::abort();
}

int onStatement(unsigned, void*, void*, void* sql) {
    seen("SQL", static_cast<const char*>(sql));
    return 0;
}

int onOpen(sqlite3* db, const char**, const struct sqlite3_api_routines*) {
    seen("SQL", "a connection was opened");
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, onStatement, nullptr);
    return SQLITE_OK;
}

// Where this program is installed: Qt looks there for its plugins.
const std::vector<std::string>& ownFolders() {
    static const std::vector<std::string> folders = [] {
        const std::filesystem::path bin = executableDir();
        return std::vector<std::string>{bin.string(), (bin.parent_path() / "lib").string(), (bin.parent_path() / "plugins").string(), (bin.parent_path() / "share").string()};
    }();
    return folders;
}

// Fonts, icons, plugins, keyboard tables, clock and locale: opened by Qt and what is below it, when it needs them.
bool isOfTheDesktop(std::string_view path) {
    constexpr std::array<std::string_view, 9> kSystem{"/usr/", "/etc/", "/lib", "/opt/", "/proc/", "/sys/", "/dev/", "/run/", "/var/"};
    constexpr std::array<std::string_view, 16> kOfTheUser{"/.cache/", "/fontconfig", "/.fonts", "/fonts/", "/icons/", "/.icons", "/themes/", "/mime/", "XCompose", "/.Xauthority",
                                                          "/.Xdefaults", "/.Xresources", "/.config/kde", "/.config/qt", "/.config/QtProject", "/.config/gtk"};
    return std::any_of(kSystem.begin(), kSystem.end(), [&](std::string_view start) { return path.starts_with(start); }) ||
           std::any_of(ownFolders().begin(), ownFolders().end(), [&](std::string_view start) { return path.starts_with(start); }) ||
           std::any_of(kOfTheUser.begin(), kOfTheUser.end(), [&](std::string_view part) { return path.find(part) != std::string_view::npos; });
}

}  // namespace

void forbidIoOnThisThread() {
    (void)ownFolders();
    t_forbidden = true;
    // SQLite declares the hook without its parameters.
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(onOpen));
}
void allowIoOnThisThread() { t_forbidden = false; }
std::int64_t forbiddenAccesses() { return g_count; }
void abortOnForbiddenIo(bool abortOnIt) { g_abort = abortOnIt; }
bool filesAreWatched() { return g_watched; }
void setFilesAreWatched() { g_watched = true; }

IoExemption::IoExemption(const char*) { ++t_exempt; }
IoExemption::~IoExemption() { --t_exempt; }

void fileIsOpened(const char* path) {
    if (t_forbidden && path && !isOfTheDesktop(path)) seen("file I/O", path);
}

}  // namespace ridge::gui
