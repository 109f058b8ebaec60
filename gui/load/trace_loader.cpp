// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/trace_loader.h"

#include <sqlite3.h>

#include <chrono>
#include <exception>
#include <fstream>
#include <mutex>

#include "analyzer/timeline/load.h"
#include "gui/load/from_timeline.h"
#include "gui/load/sqlite_reader.h"

namespace ridge::gui {

using Clock = std::chrono::steady_clock;

struct TraceLoader::Shared {
    std::string path;
    LoadCallbacks callbacks;
    std::atomic<bool> stop{false};
    std::atomic<bool> stoppable{true};  // false: inside an import that does not look at stop
    std::mutex mutex;
    sqlite3* handle = nullptr;

    void report(SnapshotPtr snapshot) {
        const std::lock_guard lock(mutex);
        if (!stop && callbacks.snapshot) callbacks.snapshot(std::move(snapshot));
    }
    void finish(const std::optional<Error>& error) {
        const std::lock_guard lock(mutex);
        if (!stop && callbacks.finished) callbacks.finished(error);
    }
    void setHandle(sqlite3* db) {
        const std::lock_guard lock(mutex);
        handle = db;
    }
};

namespace {

// When to publish: early, then at most five times a second and only when the rows have doubled.
class Pace {
public:
    bool due(std::size_t rows) {
        const auto now = Clock::now();
        const auto wait = m_published == 0 ? std::chrono::milliseconds(40) : std::chrono::milliseconds(200);
        if (rows == 0 || now - m_last < wait || rows < 2 * m_published) return false;
        m_last = now;
        m_published = rows;
        return true;
    }

private:
    Clock::time_point m_last = Clock::now();
    std::size_t m_published = 0;
};

template <typename Shared>
Status loadSqlite(Shared& shared) {
    auto opened = Database::openForReading(shared.path);
    if (!opened.ok()) return Error{opened.error().code, timeline::oneLine(opened.error().message)};
    Database db = std::move(opened).value();
    shared.setHandle(db.handle());
    struct Forget {  // before db closes
        Shared& shared;
        ~Forget() { shared.setHandle(nullptr); }
    } forget{shared};
    Assembly assembly(shared.path);
    Pace pace;
    SqliteReader reader(db, assembly, shared.stop, [&](double progress) {
        if (pace.due(assembly.rows())) shared.report(assembly.publish(false, progress));
    });
    RIDGE_TRY_STATUS(reader.read());
    if (!shared.stop) shared.report(assembly.publish(true, 1));
    return {};
}

template <typename Shared>
Status loadOther(Shared& shared) {
    shared.stoppable = false;
    auto timeline = analyzer::load({shared.path});
    if (!timeline.ok()) return Error{timeline.error().code, timeline::oneLine(timeline.error().message)};
    if (!shared.stop) shared.report(fromTimeline(*timeline, shared.path));
    return {};
}

}  // namespace

bool looksLikeSqlite(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    char head[16] = {};
    file.read(head, sizeof head);
    return file.gcount() == sizeof head && std::string_view(head, 15) == "SQLite format 3";
}

TraceLoader::TraceLoader(std::string path, LoadCallbacks callbacks) : m_shared(std::make_shared<Shared>()) {
    m_shared->path = std::move(path);
    m_shared->callbacks = std::move(callbacks);
    m_thread = std::thread([shared = m_shared] {
        std::optional<Error> error;
        try {
            const Status status = looksLikeSqlite(shared->path) ? loadSqlite(*shared) : loadOther(*shared);
            if (!status.ok()) error = status.error();
        } catch (const std::exception& e) {
            error = Error{ErrorCode::kBadInput, shared->path + ": cannot be loaded: " + timeline::oneLine(e.what())};
        }
        shared->finish(error);
    });
}

void TraceLoader::cancel() {
    const std::lock_guard lock(m_shared->mutex);
    m_shared->stop = true;
    if (m_shared->handle) sqlite3_interrupt(m_shared->handle);
}

TraceLoader::~TraceLoader() {
    cancel();
    if (m_shared->stoppable) m_thread.join();
    else m_thread.detach();  // it owns what it needs, and reports to nobody
}

}  // namespace ridge::gui
