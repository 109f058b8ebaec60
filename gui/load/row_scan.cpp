// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/row_scan.h"

#include <fmt/format.h>

#include <bit>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "schemas/timeline/read_table.h"

namespace ridge::gui {
namespace {

using timeline::TableScan;

constexpr std::size_t kChunkRows = 8192;
constexpr std::size_t kAhead = 6;
constexpr std::int64_t kWorthAThread = 1 << 16;
constexpr std::size_t kLookEvery = 1024;

using Columns = std::vector<RowScan::Column>;

template <std::size_t... I>
TableScan scanOf(Database& db, std::string_view table, const Columns& columns, std::index_sequence<I...>) {
    return TableScan(db, table, {columns[I].name...});
}

// A TableScan takes its columns as a list that is written out.
template <std::size_t N = 1>
TableScan scanOf(Database& db, std::string_view table, const Columns& columns) {
    if constexpr (N < RowScan::kMostColumns)
        if (columns.size() > N) return scanOf<N + 1>(db, table, columns);
    return scanOf(db, table, columns, std::make_index_sequence<N>());
}

bool isLong(Database& db, std::string_view table) {
    auto statement = db.prepare(fmt::format("SELECT max(rowid) FROM \"{}\"", table));
    if (!statement.ok()) return false;  // a table WITHOUT ROWID
    auto row = statement->step();
    return row.ok() && *row && statement->integer(0) >= kWorthAThread;
}

}  // namespace

class RowScan::Source {
public:
    Source(Database& db, std::string_view table, Columns columns) : m_columns(std::move(columns)), m_scan(scanOf(db, table, m_columns)) {}
    [[nodiscard]] const TableScan& scan() const { return m_scan; }
    // false: there is no more.
    bool fill(Chunk& chunk, const std::atomic<bool>& stop) {
        chunk.rowids.clear();
        chunk.cells.clear();
        chunk.text.clear();
        while (chunk.rowids.size() < kChunkRows) {
            if (chunk.rowids.size() % kLookEvery == 0 && stop.load(std::memory_order_relaxed)) return false;
            if (!m_scan.next()) {
                chunk.error = m_scan.error();
                return false;
            }
            chunk.rowids.push_back(m_scan.rowid());
            for (std::size_t c = 0; c < m_columns.size(); ++c) chunk.cells.push_back(cell(c, chunk.text));
        }
        return true;
    }

private:
    Cell cell(std::size_t column, std::string& text) {
        Cell cell;
        const std::int64_t wrong = m_scan.wrongTypes();
        bool there = false;
        if (m_columns[column].kind == Kind::kInteger) {
            const auto value = m_scan.integer(column);
            there = value.has_value();
            cell.value = value.value_or(0);
        } else if (m_columns[column].kind == Kind::kReal) {
            const auto value = m_scan.real(column);
            there = value.has_value();
            cell.value = std::bit_cast<std::int64_t>(value.value_or(0));
        } else {
            const std::string_view value = m_scan.text(column);
            there = !value.empty();
            cell.value = static_cast<std::int64_t>(text.size());
            cell.length = static_cast<std::uint32_t>(value.size());
            text.append(value);
        }
        cell.type = there ? kValue : m_scan.wrongTypes() != wrong ? kWrong : kNull;
        return cell;
    }
    Columns m_columns;
    TableScan m_scan;
};

class RowScan::Ahead {
public:
    Ahead(std::string path, std::string table, Columns columns, const std::atomic<bool>& stop)
        : m_thread([this, path = std::move(path), table = std::move(table), columns = std::move(columns), &stop] { run(path, table, columns, stop); }) {}
    ~Ahead() {
        {
            const std::lock_guard lock(m_mutex);
            m_quit = true;
        }
        m_wake.notify_all();
        m_thread.join();
    }
    // nullptr: there is no more.
    std::shared_ptr<Chunk> take(std::shared_ptr<Chunk> used) {
        std::unique_lock lock(m_mutex);
        if (used) m_used.push_back(std::move(used));
        m_wake.wait(lock, [this] { return m_over || !m_ready.empty(); });
        if (m_ready.empty()) return nullptr;
        auto chunk = std::move(m_ready.front());
        m_ready.pop_front();
        lock.unlock();
        m_wake.notify_all();
        return chunk;
    }

private:
    void run(const std::string& path, const std::string& table, const Columns& columns, const std::atomic<bool>& stop) {
        auto db = Database::openForReading(path);
        std::optional<Source> source;
        if (db.ok()) source.emplace(*db, table, columns);
        for (bool more = true; more;) {
            std::shared_ptr<Chunk> chunk;
            {
                std::unique_lock lock(m_mutex);
                m_wake.wait(lock, [this] { return m_quit || m_ready.size() < kAhead; });
                if (m_quit) break;
                if (!m_used.empty()) {
                    chunk = std::move(m_used.back());
                    m_used.pop_back();
                }
            }
            if (!chunk) chunk = std::make_shared<Chunk>();
            chunk->error.reset();
            if (source) {
                more = source->fill(*chunk, stop);
            } else {
                chunk->error = Error{db.error().code, timeline::oneLine(db.error().message)};
                more = false;
            }
            const std::lock_guard lock(m_mutex);
            m_ready.push_back(std::move(chunk));
            m_over = !more;
            m_wake.notify_all();
        }
        const std::lock_guard lock(m_mutex);
        m_over = true;
        m_wake.notify_all();
    }
    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::deque<std::shared_ptr<Chunk>> m_ready;
    std::vector<std::shared_ptr<Chunk>> m_used;  // their memory is used again
    bool m_over = false, m_quit = false;
    std::thread m_thread;  // last: it uses the others
};

RowScan::~RowScan() = default;

RowScan::RowScan(Database& db, std::string_view table, std::initializer_list<Column> columns, const std::atomic<bool>& stop)
    : m_columns(columns.size()), m_stop(stop) {
    m_inPlace = std::make_unique<Source>(db, table, Columns(columns));
    const TableScan& scan = m_inPlace->scan();
    m_exists = scan.exists();
    for (std::size_t i = 0; i < m_columns; ++i) m_present.push_back(m_exists && scan.hasColumn(i));
    if (!m_exists || !isLong(db, table)) return;
    m_inPlace.reset();
    m_ahead = std::make_unique<Ahead>(db.path(), std::string(table), Columns(columns), stop);
}

bool RowScan::nextChunk() {
    if (m_chunk && m_chunk->error) m_error = m_chunk->error;
    if (m_over || m_error || !m_exists) return false;
    if (m_ahead) {
        m_chunk = m_ahead->take(std::move(m_chunk));
    } else {
        if (!m_chunk) m_chunk = std::make_shared<Chunk>();
        m_over = !m_inPlace->fill(*m_chunk, m_stop);
    }
    if (m_chunk && m_chunk->rowids.empty() && m_chunk->error) m_error = m_chunk->error;
    return m_chunk && !m_chunk->rowids.empty();
}

bool RowScan::next() {
    if (m_error) return false;
    if (m_chunk && m_at + 1 < m_chunk->rowids.size()) {
        ++m_at;
        return true;
    }
    m_at = 0;
    if (nextChunk()) return true;
    m_chunk.reset();
    m_over = true;
    return false;
}

std::optional<double> RowScan::real(std::size_t column) {
    const Cell& cell = m_chunk->cells[m_at * m_columns + column];
    if (cell.type == kValue) return std::bit_cast<double>(cell.value);
    m_wrongTypes += cell.type == kWrong;
    return std::nullopt;
}

std::string_view RowScan::text(std::size_t column) {
    const Cell& cell = m_chunk->cells[m_at * m_columns + column];
    if (cell.type == kValue) return std::string_view(m_chunk->text).substr(static_cast<std::size_t>(cell.value), cell.length);
    m_wrongTypes += cell.type == kWrong;
    return {};
}

}  // namespace ridge::gui
