// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/sqlite/page_scan.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>

#include "schemas/sqlite/bulk_pages.h"

namespace ridge {
namespace {

constexpr std::uint32_t kWindowBytes = 256 << 10;
constexpr std::size_t kDeepest = 20;  // as SQLite has it

std::uint32_t big16(const std::uint8_t* p) { return static_cast<std::uint32_t>(p[0]) << 8 | p[1]; }
std::uint32_t big32(const std::uint8_t* p) {
    std::uint32_t value = 0;
    std::memcpy(&value, p, 4);
    return __builtin_bswap32(value);
}

// Nine bytes at most; the caller has them. Returns how many were used.
std::size_t takeVarint(const std::uint8_t* p, std::uint64_t& value) {
    value = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        value = value << 7 | (p[i] & 0x7FU);
        if (p[i] < 0x80) return i + 1;
    }
    value = value << 8 | p[8];
    return 9;
}

bool readAt(sqlite3_file* file, void* out, std::size_t bytes, std::uint64_t offset) {
    return file->pMethods->xRead(file, out, static_cast<int>(bytes), static_cast<sqlite3_int64>(offset)) == SQLITE_OK;
}

}  // namespace

std::optional<PageScan> PageScan::open(Database& db, std::uint32_t rootPage, std::size_t columns) {
    if (columns > kMostColumns || sqlite3_db_readonly(db.handle(), "main") != 1) return std::nullopt;
    PageScan scan;
    if (sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &scan.m_file) != SQLITE_OK || !scan.m_file ||
        !scan.m_file->pMethods)
        return std::nullopt;
    std::array<std::uint8_t, 100> header{};
    sqlite3_int64 bytes = 0;
    if (!readAt(scan.m_file, header.data(), header.size(), 0) || scan.m_file->pMethods->xFileSize(scan.m_file, &bytes) != SQLITE_OK)
        return std::nullopt;
    constexpr std::uint32_t kUtf8 = 1;
    if (std::memcmp(header.data(), "SQLite format 3", 16) != 0 || header[18] != 1 || header[19] != 1 || big32(header.data() + 56) != kUtf8)
        return std::nullopt;
    scan.m_pageSize = big16(header.data() + 16) == 1 ? 65536 : big16(header.data() + 16);
    if (scan.m_pageSize < 512 || !std::has_single_bit(scan.m_pageSize) || header[20] > scan.m_pageSize - 480) return std::nullopt;
    scan.m_usable = scan.m_pageSize - header[20];
    const std::uint64_t pages = static_cast<std::uint64_t>(bytes) / scan.m_pageSize;
    // The header's count holds only where the file was last written by a version that keeps it.
    std::uint64_t said = big32(header.data() + 28);
    if (said == 0 || big32(header.data() + 24) != big32(header.data() + 92)) said = pages;
    if (said > pages) return std::nullopt;
    scan.m_pageCount = static_cast<std::uint32_t>(std::min<std::uint64_t>(said, std::numeric_limits<std::uint32_t>::max() - 1));
    if (rootPage < 1 || rootPage > scan.m_pageCount) return std::nullopt;
    scan.m_root = rootPage;
    scan.m_columns = columns;
    scan.m_longest = static_cast<std::uint64_t>(std::clamp(sqlite3_limit(db.handle(), SQLITE_LIMIT_LENGTH, -1), 0, 1 << 30));
    scan.m_side.resize(scan.m_pageSize + kSlack);
    return scan;
}

// Neighbours are read together as long as the walk goes from one to the next. Valid until the next call.
const std::uint8_t* PageScan::page(std::uint32_t number) {
    if (number < 1 || number > m_pageCount) return nullptr;
    if (number - m_windowFirst >= m_windowPages || m_windowFirst == 0) {
        const bool follows = m_windowFirst != 0 && number >= m_windowFirst && number - m_windowFirst <= m_windowPages + 1;
        const std::uint32_t most = std::max<std::uint32_t>(1, kWindowBytes / m_pageSize);
        m_windowNext = follows ? std::min(most, m_windowNext * 2) : 1;
        const std::uint32_t pages = std::min(m_windowNext, m_pageCount - number + 1);
        m_window.resize(std::max<std::size_t>(m_window.size(), std::size_t{pages} * m_pageSize + kSlack));
        m_windowFirst = 0;
        if (!readAt(m_file, m_window.data(), std::size_t{pages} * m_pageSize, (std::uint64_t{number} - 1) * m_pageSize)) return nullptr;
        m_windowFirst = number;
        m_windowPages = pages;
    }
    return m_window.data() + std::size_t{number - m_windowFirst} * m_pageSize;
}

bool PageScan::nextLeaf() {
    if (m_irregular) return false;
    m_cells.clear();
    m_cell = 0;
    if (!m_begun) {
        m_begun = true;
        if (!enter(m_root)) return fail();
    }
    while (m_cells.empty()) {
        while (!m_levels.empty() && m_levels.back().next == m_levels.back().children.size()) m_levels.pop_back();
        if (m_levels.empty()) return false;
        Level& level = m_levels.back();
        if (!enter(level.children[level.next++])) return fail();
    }
    return true;
}

bool PageScan::enter(std::uint32_t number) {
    if (++m_visits > m_pageCount) return false;
    const std::uint8_t* p = page(number);
    if (!p) return false;
    const std::size_t header = number == 1 ? 100 : 0;
    const bool isRoot = number == m_root && m_visits == 1;
    if (!isRoot && big16(p + header + 3) == 0) return false;
    if (p[header] == bulk::kTableInterior) return enterInterior(p, header);
    return p[header] == bulk::kTableLeaf && enterLeaf(p, header);
}

bool PageScan::enterInterior(const std::uint8_t* p, std::size_t header) {
    if (m_levels.size() >= kDeepest - 1) return false;
    const std::size_t cells = big16(p + header + 3), pointers = header + 12, first = pointers + 2 * cells;
    if (cells > (m_pageSize - 8) / 6 || first > m_usable) return false;
    Level level;
    level.children.reserve(cells + 1);
    for (std::size_t i = 0; i < cells; ++i) {
        const std::size_t at = big16(p + pointers + 2 * i);
        if (at < first || at + 5 > m_usable) return false;
        std::uint64_t key = 0;
        if (at + 4 + takeVarint(p + at + 4, key) > m_usable) return false;
        level.children.push_back(big32(p + at));
    }
    level.children.push_back(big32(p + header + 8));
    m_levels.push_back(std::move(level));
    return true;
}

bool PageScan::enterLeaf(const std::uint8_t* p, std::size_t header) {
    const std::size_t cells = big16(p + header + 3), pointers = header + 8, first = pointers + 2 * cells;
    if (cells > (m_pageSize - 8) / 6 || first > m_usable) return false;
    const std::uint32_t mostLocal = m_usable - 35, leastLocal = (m_usable - 12) * 32 / 255 - 23;
    m_cells.resize(cells);
    for (std::size_t i = 0; i < cells; ++i) {
        const std::size_t at = big16(p + pointers + 2 * i);
        if (at < first || at + 4 > m_usable) return false;
        std::uint64_t payload = 0, rowid = 0;
        std::size_t begin = at + takeVarint(p + at, payload);
        begin += takeVarint(p + begin, rowid);
        if (payload > m_longest) return false;
        std::uint32_t local = static_cast<std::uint32_t>(payload);
        if (payload > mostLocal) {
            const std::uint32_t fits = leastLocal + (static_cast<std::uint32_t>(payload) - leastLocal) % (m_usable - 4);
            local = fits <= mostLocal ? fits : leastLocal;
        }
        if (begin + local + (local < payload ? 4 : 0) > m_usable) return false;
        const auto id = static_cast<std::int64_t>(rowid);
        if (m_anyRow && id <= m_lastOfLeaf) return false;
        m_anyRow = true;
        m_lastOfLeaf = id;
        m_cells[i] = {id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(payload), local};
    }
    m_page = p;
    return true;
}

// A row that goes on in other pages, put together. The pages of all long rows are at most those of the file.
bool PageScan::gather(const Cell& cell) {
    m_long.resize(std::max<std::size_t>(m_long.size(), cell.local + kSlack));
    std::memcpy(m_long.data(), m_page + cell.offset, cell.local);
    std::uint32_t number = big32(m_page + cell.offset + cell.local);
    std::size_t have = cell.local;
    while (have < cell.payload) {
        if (number < 2 || number > m_pageCount || ++m_longVisits > m_pageCount) return false;
        if (!readAt(m_file, m_side.data(), m_pageSize, (std::uint64_t{number} - 1) * m_pageSize)) return false;
        const std::size_t n = std::min<std::size_t>(cell.payload - have, m_usable - 4);
        m_long.resize(std::max<std::size_t>(m_long.size(), have + n + kSlack));
        std::memcpy(m_long.data() + have, m_side.data() + 4, n);
        have += n;
        number = big32(m_side.data());
    }
    m_record = m_long.data();
    return true;
}

// Types from `at` on, with checks for everything; headerBytes 0: from the beginning of the record.
bool PageScan::takeLongTypes(std::size_t at, std::size_t headerBytes, std::size_t columns, std::uint64_t body, std::uint32_t payload) {
    if (headerBytes == 0) {
        std::uint64_t bytes = 0;
        at = takeVarint(m_record, bytes);
        if (bytes < at || bytes > payload) return false;
        headerBytes = static_cast<std::size_t>(bytes);
        body = headerBytes;
    }
    for (; columns < m_columns && at < headerBytes; ++columns) {
        std::uint64_t type = 0;
        at += takeVarint(m_record + at, type);
        if (at > headerBytes || type == 10 || type == 11 || type > std::numeric_limits<std::int32_t>::max()) return false;
        m_types[columns] = static_cast<std::uint32_t>(type);
        m_offsets[columns] = static_cast<std::uint32_t>(body);
        body += type < 8 ? kBytesOfType[type] : type < 12 ? 0 : (type - 12) / 2;
        if (body > payload) return false;
    }
    if (at == headerBytes && body != payload) return false;
    for (; columns < m_columns; ++columns) m_types[columns] = 0;
    return true;
}

}  // namespace ridge
