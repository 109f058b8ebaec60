// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Loads one trace on a thread of its own and publishes what there is, about five times a second at
// first and then each time the rows have doubled, so that all the copying stays linear.
//
// Our timeline files and Nsight Systems exports are read straight from SQLite over a read-only
// connection of the loader's own; everything else goes through analyzer::load (Kineto). A damaged table
// is kept as far as it reads; what is left out is counted in Snapshot::warnings.
//
// Callbacks come on the loader's thread. cancel() returns at once; the thread ends within 100 ms (a
// running SQLite step is interrupted; an import that cannot be stopped is left behind and its result
// thrown away). The destructor cancels.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

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
    TraceLoader(std::string path, LoadCallbacks callbacks);
    ~TraceLoader();
    TraceLoader(const TraceLoader&) = delete;
    TraceLoader& operator=(const TraceLoader&) = delete;
    void cancel();

private:
    struct Shared;
    std::shared_ptr<Shared> m_shared;
    std::thread m_thread;
};

// Is it a SQLite file, by its first bytes?
bool looksLikeSqlite(const std::string& path);

}  // namespace ridge::gui
