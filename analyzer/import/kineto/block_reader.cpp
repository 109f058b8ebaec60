// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/import/kineto/block_reader.h"

#include <system_error>

#include "analyzer/threads.h"

namespace ridge::analyzer::kineto {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 16;
constexpr std::size_t kWorthAThread = std::size_t{1} << 20;

}  // namespace

BlockReader::BlockReader(ByteSource& source) : m_source(source) {
    if (source.expectedSize() < kWorthAThread || threadCount() < 2) return;
    try {
        m_thread = std::thread([this] { run(); });
    } catch (const std::system_error&) {
        // The reader does the work itself.
    }
}

BlockReader::~BlockReader() {
    {
        const std::lock_guard lock(m_mutex);
        m_stop = true;
    }
    m_changed.notify_all();
    if (m_thread.joinable()) m_thread.join();
}

bool BlockReader::fill(Block& block) {
    if (block.bytes.empty()) {
        block.bytes.resize(kBlockBytes + kPadding, '\0');
        block.places = std::make_unique_for_overwrite<std::uint32_t[]>(kBlockBytes);
    }
    block.used = 0;
    bool more = true;
    while (more && block.used < kBlockBytes) {
        const std::size_t n = m_source.read(block.bytes.data() + block.used, kBlockBytes - block.used);
        more = n > 0;
        block.used += n;
    }
    block.placeCount = findStructure(block.bytes.data(), block.used, block.places.get(), &m_state);
    return more;
}

void BlockReader::run() {
    for (bool more = true; more;) {
        Block* block = nullptr;
        {
            std::unique_lock lock(m_mutex);
            m_changed.wait(lock, [&] { return m_written - m_taken < kBlocks || m_stop; });
            if (m_stop) return;
            block = &m_blocks[m_written % kBlocks];
        }
        more = fill(*block);
        {
            const std::lock_guard lock(m_mutex);
            m_written += block->used > 0 ? 1 : 0;
            m_done = !more;
        }
        m_changed.notify_all();
    }
}

const BlockReader::Block* BlockReader::next() {
    if (!m_thread.joinable()) {
        if (m_done) return nullptr;
        m_done = !fill(m_blocks.front());
        return m_blocks.front().used > 0 ? &m_blocks.front() : nullptr;
    }
    std::unique_lock lock(m_mutex);
    if (m_held) {
        m_held = false;
        ++m_taken;
        m_changed.notify_all();
    }
    m_changed.wait(lock, [&] { return m_written > m_taken || m_done; });
    if (m_written == m_taken) return nullptr;
    m_held = true;
    return &m_blocks[m_taken % kBlocks];
}

std::string BlockReader::error() const {
    const std::lock_guard lock(m_mutex);
    return m_done ? m_source.error() : std::string();
}

}  // namespace ridge::analyzer::kineto
