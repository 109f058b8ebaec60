// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Loads a file to its end, as the viewer does.

#include <condition_variable>
#include <mutex>

#include "gui/load/trace_loader.h"

namespace ridge::gui::test {

struct Loaded {
    SnapshotPtr last;
    std::optional<Error> error;
    std::size_t snapshots = 0;
    bool finished = false;
};

inline Loaded loadAll(const std::vector<std::string>& paths) {
    Loaded loaded;
    std::mutex mutex;
    std::condition_variable wake;
    LoadCallbacks callbacks;
    callbacks.snapshot = [&](SnapshotPtr snapshot) {
        const std::lock_guard lock(mutex);
        loaded.last = std::move(snapshot);
        ++loaded.snapshots;
    };
    callbacks.finished = [&](const std::optional<Error>& error) {
        const std::lock_guard lock(mutex);
        loaded.error = error;
        loaded.finished = true;
        wake.notify_all();
    };
    TraceLoader loader(paths, std::move(callbacks));
    std::unique_lock lock(mutex);
    wake.wait_for(lock, std::chrono::minutes(4), [&] { return loaded.finished; });
    return loaded;
}

inline Loaded loadAll(const std::string& path) { return loadAll(std::vector<std::string>{path}); }

inline const Track* findKind(const Snapshot& snapshot, TrackKind kind) {
    for (const Track& track : snapshot.tracks)
        if (track.kind == kind) return &track;
    return nullptr;
}

}  // namespace ridge::gui::test
