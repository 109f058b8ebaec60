// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/trace_loader.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "analyzer/timeline/load.h"
#include "gui/load/from_timeline.h"
#include "gui/load/sqlite_reader.h"
#include "schemas/sqlite/whole_file.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {

using Clock = std::chrono::steady_clock;

struct TraceLoader::Shared {
    std::vector<std::string> paths;
    LoadCallbacks callbacks;
    std::atomic<bool> stop{false}, ended{false};
    std::atomic<std::int64_t> rows{0};
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

// What the times of a file lack to be those of the first; 0 where one of the two has no UTC.
Ns shiftTo(std::int64_t utc, std::int64_t origin) {
    constexpr Ns kMost = Ns{1} << 54;
    if (utc <= 0 || origin <= 0) return 0;
    const Ns shift = utc - origin;
    return shift <= -kMost || shift >= kMost ? 0 : shift;
}

template <typename Shared>
Status loadSqlite(Shared& shared) {
    Assembly assembly(shared.paths, &shared.stop);
    Pace pace;
    std::int64_t origin = 0, rowsBefore = 0;
    for (std::uint32_t file = 0; file < shared.paths.size() && !shared.stop; ++file) {
        auto opened = Database::openForReading(shared.paths[file]);
        if (!opened.ok()) return Error{opened.error().code, timeline::oneLine(opened.error().message)};
        Database db = std::move(opened).value();
        shared.setHandle(db.handle());
        struct Forget {  // before db closes
            Shared& shared;
            ~Forget() { shared.setHandle(nullptr); }
        } forget{shared};
        const std::int64_t utc = SqliteReader::utcOfZero(db);
        if (file == 0) origin = utc;
        else if (utc <= 0 || origin <= 0) assembly.warn(shared.paths[file] + ": has no wall clock and is drawn from its own zero");
        if (const std::string cut = whatIsCutOff(shared.paths[file]); !cut.empty()) assembly.lost(shared.paths[file] + ": " + cut);
        assembly.beginFile(file);
        const auto files = static_cast<double>(shared.paths.size());
        SqliteReader reader(
            db, assembly, shared.stop,
            [&](double progress) {
                shared.rows = rowsBefore + reader.rowsRead();
                if (pace.due(assembly.rows())) shared.report(assembly.publish(false, (file + progress) / files));
            },
            file, shiftTo(utc, origin));
        RIDGE_TRY_STATUS(reader.read());
        rowsBefore += reader.rowsRead();
        shared.rows = rowsBefore;
    }
    if (shared.stop) return {};
    auto last = assembly.publish(true, 1);
    if (!shared.stop) shared.report(std::move(last));
    return {};
}

template <typename Shared>
Status loadOther(Shared& shared) {
    auto timeline = analyzer::load(shared.paths, &shared.stop);
    if (shared.stop) return {};
    if (!timeline.ok()) return Error{timeline.error().code, timeline::oneLine(timeline.error().message)};
    if (!shared.stop) shared.report(fromTimeline(*timeline, shared.paths));
    return {};
}

}  // namespace

std::optional<Error> whyNotAFile(const std::string& path) {
    std::error_code problem;
    const auto status = std::filesystem::status(path, problem);
    if (status.type() == std::filesystem::file_type::not_found) return Error{ErrorCode::kBadInput, path + ": no such file"};
    if (problem) return Error{ErrorCode::kIo, path + ": " + problem.message()};
    if (status.type() == std::filesystem::file_type::directory) return Error{ErrorCode::kBadInput, path + ": is a folder, not a file"};
    if (status.type() != std::filesystem::file_type::regular) return Error{ErrorCode::kBadInput, path + ": is a pipe or a device, not a file"};
    return std::nullopt;
}

bool looksLikeSqlite(const std::string& path) {
    if (whyNotAFile(path)) return false;  // to open a pipe would wait for who writes it
    std::ifstream file(path, std::ios::binary);
    char head[16] = {};
    file.read(head, sizeof head);
    return file.gcount() == sizeof head && std::string_view(head, 15) == "SQLite format 3";
}

TraceLoader::TraceLoader(std::vector<std::string> paths, LoadCallbacks callbacks) : m_shared(std::make_shared<Shared>()) {
    m_shared->paths = std::move(paths);
    m_shared->callbacks = std::move(callbacks);
    std::thread([shared = m_shared] {
        std::optional<Error> error;
        try {
            for (const std::string& path : shared->paths)
                if (auto problem = whyNotAFile(path); problem && !error) error = std::move(problem);
            if (error) {
                shared->finish(error);
                shared->ended = true;
                return;
            }
            const bool direct = std::all_of(shared->paths.begin(), shared->paths.end(), looksLikeSqlite);
            const Status status = direct ? loadSqlite(*shared) : loadOther(*shared);
            if (!status.ok()) error = status.error();
        } catch (const std::exception& e) {
            error = Error{ErrorCode::kBadInput, shared->paths.front() + ": cannot be loaded: " + timeline::oneLine(e.what())};
        }
        shared->finish(error);
        shared->ended = true;
    }).detach();
}

void TraceLoader::cancel() {
    const std::lock_guard lock(m_shared->mutex);
    m_shared->stop = true;
    if (m_shared->handle) sqlite3_interrupt(m_shared->handle);
}

std::int64_t TraceLoader::rowsTaken() const { return m_shared->rows; }
bool TraceLoader::ended() const { return m_shared->ended; }

TraceLoader::~TraceLoader() { cancel(); }

}  // namespace ridge::gui
