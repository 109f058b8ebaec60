// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Writes rows into an SQLite file many times faster than INSERT: the b-tree pages of rowid tables, and of
// indexes on their first column, are built directly and appended (file format:
// https://www.sqlite.org/fileformat2.html, sections 1.5 and 1.6). The result is an ordinary file.
//
// Invariants:
// 1. SQLite makes the file, its schema and all small tables; this code only ever appends whole pages,
//    and at the end fills the root pages that SQLite allocated.
// 2. Until finish() has returned well the file is not a complete database. Nobody else opens it.
// 3. Rows of a table come in ascending row id order. Several tables may be filled in any interleaving.
// 4. Memory does not grow with the rows, but for the numbers of the leaf pages (16 bytes each): index keys are sorted
//    as index_keys.h says, in a file beside the database where there are many.
// A failed write is remembered, later calls do nothing, finish() reports it.

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "schemas/sqlite/bulk_row.h"
#include "schemas/sqlite/database.h"
#include "schemas/sqlite/index_keys.h"

namespace ridge::bulk {

struct BulkOptions {
    std::uint32_t pageSize = 16384;  // power of two, 512 to 65536
    std::uint32_t applicationId = 0;
    std::int32_t userVersion = 0;
    std::size_t keysInMemory = kKeysInMemory;  // per table
};

// Appends pages to a file through one buffer and hands out their numbers.
class PageAppender {
public:
    PageAppender(int fd, std::string path, std::uint32_t pageSize, std::uint32_t pagesThere);
    // Copies one page; returns its number.
    std::uint32_t append(const std::uint8_t* page);
    [[nodiscard]] std::uint32_t pageSize() const { return m_pageSize; }
    [[nodiscard]] std::uint32_t pageCount() const { return m_pages; }
    Status flush();

private:
    void write();
    int m_fd;
    std::string m_path;
    std::uint32_t m_pageSize;
    std::uint32_t m_pages;         // in the file, the buffer included
    std::uint64_t m_bufferOffset;  // in the file
    std::size_t m_used = 0;
    int m_error = 0;
    std::vector<std::uint8_t> m_buffer;
};

class BulkTable {
public:
    BulkTable(PageAppender& pages, std::string name, std::string createTable, std::string createIndex,
              std::string keyFile, std::size_t keysInMemory);

    // Appends a row after the last one; returns its row id.
    std::int64_t add(const BulkRow& row) { return addAt(m_rowid + 1, row); }
    // The same, with the value of the indexed (first) column.
    std::int64_t add(const BulkRow& row, std::int64_t key) {
        const std::int64_t rowid = add(row);
        if (m_indexed) m_keys.add(key, rowid);
        return rowid;
    }
    // With a row id of the caller's, larger than all before.
    std::int64_t addAt(std::int64_t rowid, const BulkRow& row);

    // A whole cell (payload length, row id, record) that the caller has encoded: short enough for any page.
    // rowid must be lastRowid() + 1, as the cell says it too.
    void addCell(std::int64_t rowid, const std::uint8_t* cell, std::uint32_t bytes, std::int64_t key) {
        if (m_leaf.empty()) m_leaf.resize(m_pages.pageSize());
        if (m_top < 8 + 2 * (m_cells + 1) + bytes) closeLeaf();
        m_top -= bytes;
        std::memcpy(m_leaf.data() + m_top, cell, bytes);
        const auto big = __builtin_bswap16(static_cast<std::uint16_t>(m_top));
        std::memcpy(m_leaf.data() + 8 + 2 * m_cells, &big, 2);
        ++m_cells;
        ++m_rows;
        m_rowid = rowid;
        if (m_indexed) m_keys.add(key, rowid);
    }

    [[nodiscard]] const std::string& name() const { return m_name; }
    [[nodiscard]] std::int64_t lastRowid() const { return m_rowid; }
    [[nodiscard]] std::uint64_t rows() const { return m_rows; }

private:
    friend class BulkFile;
    struct Child {
        std::uint32_t page;
        std::int64_t lastRowid;
    };
    void closeLeaf();
    std::uint32_t writeOverflow(const std::uint8_t* data, std::uint64_t bytes);
    // Writes what is left and returns the image of the root page.
    std::vector<std::uint8_t> finishTable();
    std::vector<std::uint8_t> finishIndex();

    PageAppender& m_pages;
    std::string m_name;
    std::string m_createTable;
    std::string m_createIndex;
    bool m_indexed;
    std::uint64_t m_rows = 0;
    std::int64_t m_rowid = 0;
    std::uint32_t m_cells = 0;
    std::uint32_t m_top;
    std::vector<std::uint8_t> m_leaf;
    std::vector<std::uint8_t> m_long;  // a row that needs overflow pages
    std::vector<Child> m_children;
    IndexKeys m_keys;
};

class BulkFile {
public:
    // Makes a new, empty database at path, replacing what is there.
    static Result<std::unique_ptr<BulkFile>> create(const std::string& path, const BulkOptions& options);
    ~BulkFile();
    BulkFile(const BulkFile&) = delete;
    BulkFile& operator=(const BulkFile&) = delete;

    // The table is created only if it gets a row. createIndex: empty, or an index on the first column,
    // whose values are then given to add() and are integers. laterIndex: any other index, made by SQLite.
    BulkTable& addTable(std::string name, std::string createTable, std::string createIndex = {},
                        std::string laterIndex = {});

    // Completes the file: pages, then tables through SQLite (smallTables fills all others), then roots.
    Status finish(const std::function<Status(Database&)>& smallTables);

private:
    BulkFile(int fd, std::string path, const BulkOptions& options, std::uint32_t pagesThere);
    Status patchHeader();
    int m_fd;
    std::string m_path;
    BulkOptions m_options;
    PageAppender m_pages;
    std::vector<std::unique_ptr<BulkTable>> m_tables;
    std::vector<std::string> m_laterIndexes;  // one per table
};

}  // namespace ridge::bulk
