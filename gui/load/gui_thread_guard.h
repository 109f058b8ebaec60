// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Proof that the GUI thread runs no SQL and opens no file. After forbidIoOnThisThread() it is a bug when that
// thread, in whatever part of the program or of a library,
//   - opens a SQLite connection or runs a statement (a hook of SQLite),
//   - opens a file or a folder (file_watch.cpp stands before open() and fopen() of the C library; it is linked
//     into debug builds of ridge-view and into the tests).
// Debug builds of ridge-view forbid and abort; the tests forbid and count in every build.
//
// Let through, by name: what stands in a scope of IoExemption, and the files of the desktop that Qt reads when
// it needs them (fonts, icons, plugins, keyboard tables: system folders, those of its caches, the folders of this program).

#include <cstdint>

namespace ridge::gui {

// To be called before the first connection of the process is opened.
void forbidIoOnThisThread();
void allowIoOnThisThread();
// What was done against the ban since the start, when abortOnForbiddenIo is off (tests).
std::int64_t forbiddenAccesses();
void abortOnForbiddenIo(bool abortOnIt);
// Does file_watch.cpp stand before open()?
bool filesAreWatched();

// Within its scope this thread may; why is for the reader.
class IoExemption {
public:
    explicit IoExemption(const char* why);
    ~IoExemption();
    IoExemption(const IoExemption&) = delete;
    IoExemption& operator=(const IoExemption&) = delete;
};

// Called by file_watch.cpp for every file that is opened by any thread.
void fileIsOpened(const char* path);
void setFilesAreWatched();

}  // namespace ridge::gui
