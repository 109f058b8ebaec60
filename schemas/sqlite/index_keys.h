// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The keys of an index in the order of (key, row id), whatever the order and the number in which they come: an
// external merge sort. So many keys are held in memory; each time that many have come they are sorted and appended,
// as differences, to a file without a name beside the database, which the system removes with the process. A run
// that goes on where the last one ended is no run of its own, so that keys which come in order are read as one.
//
// Memory: kKeysInMemory keys twice while they are sorted; then kReadBytes for all runs together, and at least 4 KiB
// for each, of which there is one for 262,144 keys. Disk: 2 to 20 bytes a key, about 5 where times ascend. One thread.
//
// A file that cannot be written or read is remembered: later calls do nothing, next() ends, error() is its errno.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ridge::bulk {

struct IndexKey {
    std::int64_t key;
    std::int64_t rowid;
};

inline constexpr std::size_t kKeysInMemory = std::size_t{1} << 18;

class IndexKeys {
public:
    // path: of the file that is made where memory does not do; nobody sees it.
    IndexKeys(std::string path, std::size_t keysInMemory) : m_path(std::move(path)), m_most(keysInMemory) {}
    ~IndexKeys();
    IndexKeys(const IndexKeys&) = delete;
    IndexKeys& operator=(const IndexKeys&) = delete;

    // Row ids ascend.
    void add(std::int64_t key, std::int64_t rowid) {
        if (m_keys.size() == m_most) writeRun();
        m_keys.push_back({key, rowid});
        ++m_count;
    }
    [[nodiscard]] std::uint64_t count() const { return m_count; }

    // After the last add(). Then next() gives each key once, the smallest first; false: that was all.
    void sort();
    bool next(IndexKey& key);
    [[nodiscard]] int error() const { return m_error; }

private:
    struct Run {
        std::uint64_t begin, end;  // in the file
        std::vector<std::uint8_t> buffer;
        std::size_t at = 0;
        IndexKey key{0, 0};
    };
    void writeRun();
    bool makeFile();
    void flush();
    bool advance(Run& run);
    void siftDown(std::size_t at);

    std::string m_path;
    std::size_t m_most;
    std::uint64_t m_count = 0;
    std::vector<IndexKey> m_keys;
    std::size_t m_given = 0;  // of m_keys, where there are no runs
    int m_fd = -1;
    int m_error = 0;
    std::uint64_t m_written = 0;
    std::vector<std::uint8_t> m_out;
    IndexKey m_last{0, 0};  // of the last run
    std::vector<Run> m_runs;
    std::vector<std::uint32_t> m_heap;  // of runs, the one with the smallest key on top
};

// Sorts by (key, rowid), given that row ids ascend already. Fast for nearly sorted and for long input.
void sortIndexKeys(std::vector<IndexKey>& keys);

}  // namespace ridge::bulk
