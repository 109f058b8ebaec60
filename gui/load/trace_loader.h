// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Loads one trace, or those of several ranks onto one clock, on a thread of its own and publishes what there is, about five times a second at
// first and then each time the rows have doubled, so that all the copying stays linear.
//
// Our timeline files and Nsight Systems exports are read straight from SQLite over a read-only
// connection of the loader's own; everything else goes through analyzer::load (Kineto). A damaged table
// is kept as far as it reads; what is left out is counted in Snapshot::warnings.
//
// Callbacks come on the loader's thread. cancel() returns at once; the thread ends within 100 ms: it looks
// every few thousand rows, between the blocks of a Kineto trace, and while it builds indexes every million
// slices; a running SQLite step is interrupted. The destructor cancels and does not wait: the thread owns
// what it needs.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gui/model/snapshot.h"

namespace ridge::gui {

struct LoadCallbacks {
    std::function<void(SnapshotPtr)> snapshot;
    // Nothing: complete. An error: why there is nothing (more). Cancelled: never called.
    std::function<void(const std::optional<Error>&)> finished;
};

class TraceLoader {
public:
    TraceLoader(std::vector<std::string> paths, LoadCallbacks callbacks);
    TraceLoader(std::string path, LoadCallbacks callbacks) : TraceLoader(std::vector<std::string>{std::move(path)}, std::move(callbacks)) {}
    ~TraceLoader();
    TraceLoader(const TraceLoader&) = delete;
    TraceLoader& operator=(const TraceLoader&) = delete;
    void cancel();
    // What the thread does can be watched: how many rows it has taken, and whether it has ended.
    [[nodiscard]] std::int64_t rowsTaken() const;
    [[nodiscard]] bool ended() const;

private:
    struct Shared;
    std::shared_ptr<Shared> m_shared;
};

// What is no regular file is not opened: a pipe would be waited for. Nothing: it is one.
std::optional<Error> whyNotAFile(const std::string& path);

// Is it a SQLite file, by its first bytes?
bool looksLikeSqlite(const std::string& path);

}  // namespace ridge::gui
