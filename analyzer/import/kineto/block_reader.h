// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The text of a trace in blocks, each with the places that give it its shape (scanner.h). Reading, inflating and
// looking for them is done a few blocks ahead on a thread of its own, where there is one and the text is long enough.
//
// Invariant: all blocks but the last are full, a multiple of 64 bytes. Memory: four blocks. Closing early stops the thread.

#include <array>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "analyzer/import/kineto/byte_source.h"
#include "analyzer/import/kineto/scanner.h"

namespace ridge::analyzer::kineto {

class BlockReader {
public:
    struct Block {
        std::vector<char> bytes;  // and kPadding behind
        std::size_t used = 0;
        // In this block; the first placeCount count. Room for one a byte, of which a real text writes a seventh.
        std::unique_ptr<std::uint32_t[]> places;
        std::size_t placeCount = 0;
    };

    explicit BlockReader(ByteSource& source);
    ~BlockReader();
    BlockReader(const BlockReader&) = delete;
    BlockReader& operator=(const BlockReader&) = delete;

    // Valid until the next call; nullptr: there is no more, or error().
    const Block* next();
    // After the end: what broke; empty: nothing.
    [[nodiscard]] std::string error() const;

private:
    static constexpr std::size_t kBlocks = 4;
    // false: it is the last one.
    bool fill(Block& block);
    void run();

    ByteSource& m_source;
    ScanState m_state;
    std::array<Block, kBlocks> m_blocks;
    std::size_t m_written = 0, m_taken = 0;  // blocks
    bool m_held = false;                     // the reader looks at block m_taken
    bool m_done = false, m_stop = false;
    mutable std::mutex m_mutex;
    std::condition_variable m_changed;
    std::thread m_thread;
};

}  // namespace ridge::analyzer::kineto
