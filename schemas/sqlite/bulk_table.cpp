// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/sqlite/bulk_table.h"

#include <algorithm>

#include "schemas/sqlite/bulk_pages.h"

namespace ridge::bulk {

BulkTable::BulkTable(PageAppender& pages, std::string name, std::string createTable, std::string createIndex,
                     std::string keyFile, std::size_t keysInMemory)
    : m_pages(pages),
      m_name(std::move(name)),
      m_createTable(std::move(createTable)),
      m_createIndex(std::move(createIndex)),
      m_indexed(!m_createIndex.empty()),
      m_top(pages.pageSize()),
      m_keys(std::move(keyFile), keysInMemory) {}

std::int64_t BulkTable::addAt(std::int64_t rowid, const BulkRow& row) {
    const std::uint32_t pageSize = m_pages.pageSize();
    const std::uint64_t payload = row.size();
    const std::uint64_t maxLocal = pageSize - 35;
    std::uint8_t prefix[18];
    std::uint32_t prefixBytes = putVarint(prefix, payload);
    prefixBytes += putVarint(prefix + prefixBytes, static_cast<std::uint64_t>(rowid));

    std::uint64_t local = payload;
    std::uint32_t overflowPage = 0;
    if (payload > maxLocal) {
        const std::uint64_t minLocal = (std::uint64_t{pageSize} - 12) * 32 / 255 - 23;
        const std::uint64_t spread = minLocal + (payload - minLocal) % (pageSize - 4);
        local = spread <= maxLocal ? spread : minLocal;
        m_long.resize(payload);
        row.write(m_long.data());
        overflowPage = writeOverflow(m_long.data() + local, payload - local);
    }
    const auto cell = static_cast<std::uint32_t>(prefixBytes + local + (overflowPage ? 4 : 0));
    if (m_leaf.empty()) m_leaf.resize(pageSize);
    if (m_top < 8 + 2 * (m_cells + 1) + cell) closeLeaf();
    m_top -= cell;
    std::uint8_t* out = m_leaf.data() + m_top;
    std::memcpy(out, prefix, prefixBytes);
    if (overflowPage) {
        std::memcpy(out + prefixBytes, m_long.data(), local);
        putBig32(out + prefixBytes + local, overflowPage);
    } else {
        row.write(out + prefixBytes);
    }
    putBig16(m_leaf.data() + 8 + 2 * m_cells, m_top);
    ++m_cells;
    ++m_rows;
    m_rowid = rowid;
    return rowid;
}

// A chain of pages, each with the number of the next one; written last page first, so that it is known.
std::uint32_t BulkTable::writeOverflow(const std::uint8_t* data, std::uint64_t bytes) {
    const std::uint32_t pageSize = m_pages.pageSize();
    const std::uint64_t perPage = pageSize - 4;
    std::vector<std::uint8_t> page(pageSize);
    std::uint32_t next = 0;
    for (std::uint64_t pages = (bytes + perPage - 1) / perPage; pages-- > 0;) {
        const std::uint64_t begin = pages * perPage;
        const std::uint64_t count = std::min(perPage, bytes - begin);
        putBig32(page.data(), next);
        std::memcpy(page.data() + 4, data + begin, count);
        std::fill(page.begin() + static_cast<std::ptrdiff_t>(4 + count), page.end(), std::uint8_t{0});
        next = m_pages.append(page.data());
    }
    return next;
}

void BulkTable::closeLeaf() {
    sealPage(m_leaf.data(), kTableLeaf, m_cells, m_top);
    m_children.push_back({m_pages.append(m_leaf.data()), m_rowid});
    m_cells = 0;
    m_top = m_pages.pageSize();
}

std::vector<std::uint8_t> BulkTable::finishTable() {
    const std::uint32_t pageSize = m_pages.pageSize();
    std::vector<std::uint8_t> root(pageSize);
    if (m_children.empty()) {  // a single leaf is itself the root
        if (m_leaf.empty()) m_leaf.resize(pageSize);
        sealPage(m_leaf.data(), kTableLeaf, m_cells, m_top);
        return m_leaf;
    }
    closeLeaf();
    std::vector<Child> level = std::move(m_children);
    for (;;) {
        std::uint64_t need = 12;
        std::uint8_t scratch[9];
        for (std::size_t i = 0; i + 1 < level.size(); ++i)  // the last child has no cell
            need += 6 + putVarint(scratch, static_cast<std::uint64_t>(level[i].lastRowid));
        const bool last = need <= pageSize;
        std::vector<Child> up;
        for (std::size_t i = 0; i < level.size();) {
            std::fill(root.begin(), root.end(), std::uint8_t{0});
            std::uint32_t top = pageSize;
            std::uint32_t cells = 0;
            std::uint32_t lastBytes = 0;
            while (i + 1 < level.size()) {
                std::uint8_t cell[16];
                putBig32(cell, level[i].page);
                lastBytes = 4 + putVarint(cell + 4, static_cast<std::uint64_t>(level[i].lastRowid));
                if (top < 12 + 2 * (cells + 1) + lastBytes) break;
                top -= lastBytes;
                std::memcpy(root.data() + top, cell, lastBytes);
                putBig16(root.data() + 12 + 2 * cells, top);
                ++cells;
                ++i;
            }
            if (i + 2 == level.size() && cells > 1) {  // never leave one lonely child for the next page
                --cells;
                --i;
                std::uint8_t cell[9];
                top += 4 + putVarint(cell, static_cast<std::uint64_t>(level[i].lastRowid));
            }
            sealPage(root.data(), kTableInterior, cells, top);
            putBig32(root.data() + 8, level[i].page);
            const std::int64_t lastRowid = level[i].lastRowid;
            ++i;
            if (last) return root;
            up.push_back({m_pages.append(root.data()), lastRowid});
        }
        level = std::move(up);
    }
}

namespace {

// A key on its way up: the page left of it, and its cell.
struct Divider {
    std::uint32_t child = 0;
    std::uint8_t length = 0;
    std::uint8_t cell[27] = {};
};

void encodeKey(Divider& divider, const IndexKey& key) {
    const IntegerForm first = putInteger(divider.cell + 4, key.key);
    const IntegerForm second = putInteger(divider.cell + 4 + first.bytes, key.rowid);
    divider.cell[0] = static_cast<std::uint8_t>(3 + first.bytes + second.bytes);
    divider.cell[1] = 3;
    divider.cell[2] = first.type;
    divider.cell[3] = second.type;
    divider.length = static_cast<std::uint8_t>(divider.cell[0] + 1);
}

// The interior levels above leaves that are separated by the dividers; right: the last leaf.
std::vector<std::uint8_t> finishIndexLevels(PageAppender& pages, std::vector<Divider> level, std::uint32_t right) {
    const std::uint32_t pageSize = pages.pageSize();
    std::vector<std::uint8_t> page(pageSize);
    for (;;) {
        std::uint64_t need = 12;
        for (const Divider& divider : level) need += 6 + std::uint64_t{divider.length};
        const bool last = need <= pageSize;
        std::vector<Divider> up;
        std::size_t i = 0;
        for (;;) {
            std::fill(page.begin(), page.end(), std::uint8_t{0});
            std::uint32_t top = pageSize;
            std::uint32_t cells = 0;
            while (i < level.size() && top >= 12 + 2 * (cells + 1) + 4 + level[i].length) {
                top -= 4 + level[i].length;
                putBig32(page.data() + top, level[i].child);
                std::memcpy(page.data() + top + 4, level[i].cell, level[i].length);
                putBig16(page.data() + 12 + 2 * cells, top);
                ++cells;
                ++i;
            }
            if (i + 1 == level.size() && cells > 1) {  // the next page must hold at least one key
                --cells;
                --i;
                top += 4 + level[i].length;
            }
            sealPage(page.data(), kIndexInterior, cells, top);
            const bool rightmost = i == level.size();
            putBig32(page.data() + 8, rightmost ? right : level[i].child);
            if (last) return page;
            const std::uint32_t number = pages.append(page.data());
            if (rightmost) {
                right = number;
                break;
            }
            up.push_back(level[i]);
            up.back().child = number;
            ++i;
        }
        level = std::move(up);
    }
}

}  // namespace

std::vector<std::uint8_t> BulkTable::finishIndex() {
    const std::uint32_t pageSize = m_pages.pageSize();
    m_keys.sort();
    std::vector<std::uint8_t> page(pageSize);
    std::vector<Divider> level;
    std::uint32_t top = pageSize;
    std::uint32_t cells = 0;
    Divider previous;
    const auto put = [&](const Divider& divider) {
        top -= divider.length;
        std::memcpy(page.data() + top, divider.cell, divider.length);
        putBig16(page.data() + 8 + 2 * cells, top);
        ++cells;
        previous = divider;
    };
    const auto closePage = [&](Divider up) {
        sealPage(page.data(), kIndexLeaf, cells, top);
        up.child = m_pages.append(page.data());
        level.push_back(up);
        top = pageSize;
        cells = 0;
    };
    IndexKey key{};
    for (std::uint64_t given = 1; m_keys.next(key); ++given) {
        Divider divider;
        encodeKey(divider, key);
        if (top >= 8 + 2 * (cells + 1) + divider.length) {
            put(divider);
        } else if (given < m_keys.count()) {
            closePage(divider);  // the key that does not fit goes up between two leaves
        } else {                 // the last key must not leave an empty leaf behind it
            top += previous.length;
            --cells;
            closePage(previous);
            put(divider);
        }
    }
    sealPage(page.data(), kIndexLeaf, cells, top);
    if (level.empty()) return page;
    const std::uint32_t right = m_pages.append(page.data());
    return finishIndexLevels(m_pages, std::move(level), right);
}

}  // namespace ridge::bulk
