// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/no_room.h"
#include "schemas/sqlite/bulk_pages.h"
#include "schemas/sqlite/bulk_table.h"

namespace ridge::bulk {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{4} << 20;
constexpr std::uint64_t kLockByte = 0x40000000;  // the page that holds it belongs to SQLite's locks

Error ioError(const std::string& path, int error) {
    return {isNoRoom(error) ? ErrorCode::kMeasurement : ErrorCode::kIo, fmt::format("{}: {}", path, std::strerror(error))};
}

// 0, or errno.
int writeAll(int fd, const void* data, std::size_t bytes, std::uint64_t offset) {
    const char* at = static_cast<const char*>(data);
    while (bytes > 0) {
        const ssize_t done = pwrite(fd, at, bytes, static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done < 0 ? errno : EIO;
        at += done;
        offset += static_cast<std::uint64_t>(done);
        bytes -= static_cast<std::size_t>(done);
    }
    return 0;
}

std::uint32_t big32(const std::uint8_t* in) {
    std::uint32_t value = 0;
    std::memcpy(&value, in, 4);
    return __builtin_bswap32(value);
}

Result<std::uint32_t> pagesOf(int fd, const std::string& path, std::uint32_t pageSize) {
    const off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0) return ioError(path, errno);
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(size) / pageSize);
}

Result<std::uint32_t> rootPage(Database& db, const std::string& type, const std::string& table) {
    RIDGE_TRY(auto query, db.prepare("SELECT rootpage FROM sqlite_master WHERE type = ?1 AND tbl_name = ?2 "
                                     "AND sql IS NOT NULL ORDER BY rowid"));
    query.bind(1, std::string_view(type));
    query.bind(2, std::string_view(table));
    RIDGE_TRY(const bool row, query.step());
    if (!row) return Error{ErrorCode::kInternal, fmt::format("{}: no {} of {}", db.path(), type, table)};
    return static_cast<std::uint32_t>(query.integer(0));
}

constexpr const char* kFastPragmas =
    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=FILE;";

}  // namespace

PageAppender::PageAppender(int fd, std::string path, std::uint32_t pageSize, std::uint32_t pagesThere)
    : m_fd(fd),
      m_path(std::move(path)),
      m_pageSize(pageSize),
      m_pages(pagesThere),
      m_bufferOffset(std::uint64_t{pagesThere} * pageSize),
      m_buffer(kBufferBytes) {}

std::uint32_t PageAppender::append(const std::uint8_t* page) {
    if (m_used + 2 * std::size_t{m_pageSize} > m_buffer.size()) write();
    if (std::uint64_t{m_pages} * m_pageSize == kLockByte) {  // skipped, as SQLite skips it
        std::memset(m_buffer.data() + m_used, 0, m_pageSize);
        m_used += m_pageSize;
        ++m_pages;
    }
    std::memcpy(m_buffer.data() + m_used, page, m_pageSize);
    m_used += m_pageSize;
    return ++m_pages;
}

void PageAppender::write() {
    if (!m_error && m_used) m_error = writeAll(m_fd, m_buffer.data(), m_used, m_bufferOffset);
    m_bufferOffset += m_used;
    m_used = 0;
}

Status PageAppender::flush() {
    write();
    if (m_error) return ioError(m_path, m_error);
    return {};
}

BulkFile::BulkFile(int fd, std::string path, const BulkOptions& options, std::uint32_t pagesThere)
    : m_fd(fd), m_path(std::move(path)), m_options(options), m_pages(fd, m_path, options.pageSize, pagesThere) {}

BulkFile::~BulkFile() { ::close(m_fd); }

Result<std::unique_ptr<BulkFile>> BulkFile::create(const std::string& path, const BulkOptions& options) {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return ioError(path, errno);
    {
        RIDGE_TRY(auto db, Database::openForWriting(path));
        RIDGE_TRY_STATUS(db.execute(fmt::format(
            "PRAGMA page_size={}; {} PRAGMA application_id={}; PRAGMA user_version={}; VACUUM;",
            options.pageSize, kFastPragmas, options.applicationId, options.userVersion)));
    }
    const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return ioError(path, errno);
    auto pages = pagesOf(fd, path, options.pageSize);
    if (!pages.ok() || *pages == 0) {
        ::close(fd);
        return Error{ErrorCode::kIo, fmt::format("{}: the new database is empty", path)};
    }
    return std::unique_ptr<BulkFile>(new BulkFile(fd, path, options, *pages));
}

BulkTable& BulkFile::addTable(std::string name, std::string createTable, std::string createIndex,
                              std::string laterIndex) {
    m_laterIndexes.push_back(std::move(laterIndex));
    m_tables.push_back(std::make_unique<BulkTable>(m_pages, std::move(name), std::move(createTable),
                                                   std::move(createIndex), m_path + ".keys", m_options.keysInMemory));
    return *m_tables.back();
}

// Tells SQLite how long the file is now; the two change counters must agree for it to believe that.
Status BulkFile::patchHeader() {
    std::uint8_t header[100];
    if (pread(m_fd, header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) return ioError(m_path, EIO);
    RIDGE_TRY(const std::uint32_t pages, pagesOf(m_fd, m_path, m_options.pageSize));
    const std::uint32_t counter = big32(header + 24) + 1;
    putBig32(header + 24, counter);
    putBig32(header + 28, pages);
    putBig32(header + 92, counter);
    if (const int error = writeAll(m_fd, header, sizeof header, 0)) return ioError(m_path, error);
    return {};
}

Status BulkFile::finish(const std::function<Status(Database&)>& smallTables) {
    struct Root {
        std::string type;
        std::string table;
        std::vector<std::uint8_t> image;
        std::uint32_t page = 0;
    };
    std::vector<Root> roots;
    std::string create;
    std::string createLater;
    for (std::size_t i = 0; i < m_tables.size(); ++i) {
        BulkTable* const table = m_tables[i].get();
        if (table->m_rows == 0) continue;
        createLater += m_laterIndexes[i];
        create += table->m_createTable;
        roots.push_back({"table", table->m_name, table->finishTable(), 0});
        if (!table->m_indexed) continue;
        create += table->m_createIndex;
        roots.push_back({"index", table->m_name, table->finishIndex(), 0});
        if (const int error = table->m_keys.error()) return ioError(m_path + ".keys", error);
    }
    RIDGE_TRY_STATUS(m_pages.flush());
    RIDGE_TRY_STATUS(patchHeader());
    {
        RIDGE_TRY(auto db, Database::openForWriting(m_path));
        RIDGE_TRY_STATUS(db.execute(kFastPragmas));
        RIDGE_TRY_STATUS(db.execute("BEGIN;" + create));
        RIDGE_TRY_STATUS(smallTables(db));
        for (Root& root : roots) {
            RIDGE_TRY(root.page, rootPage(db, root.type, root.table));
        }
        RIDGE_TRY_STATUS(db.execute("COMMIT"));
    }
    for (const Root& root : roots) {
        const std::uint64_t offset = std::uint64_t{root.page - 1} * m_options.pageSize;
        if (const int error = writeAll(m_fd, root.image.data(), root.image.size(), offset))
            return ioError(m_path, error);
    }
    RIDGE_TRY_STATUS(patchHeader());
    if (!createLater.empty()) {
        RIDGE_TRY(auto db, Database::openForWriting(m_path));
        RIDGE_TRY_STATUS(db.execute(kFastPragmas));
        RIDGE_TRY_STATUS(db.execute(createLater));
    }
    if (fsync(m_fd) != 0) return ioError(m_path, errno);
    return {};
}

}  // namespace ridge::bulk
