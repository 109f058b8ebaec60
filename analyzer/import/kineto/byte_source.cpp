// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/import/kineto/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <isa-l/igzip_lib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace ridge::analyzer::kineto {
namespace {

constexpr std::size_t kInBytes = std::size_t{1} << 17;
constexpr std::size_t kBlockBytes = std::size_t{1} << 18;
constexpr std::size_t kBlocks = 4;
constexpr std::size_t kLikelyRatio = 40;  // JSON traces shrink 13 to 33 times

class File {
public:
    explicit File(int fd) : m_fd(fd) {}
    ~File() {
        if (m_fd >= 0) ::close(m_fd);
    }
    File(File&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
    File& operator=(File&&) = delete;
    [[nodiscard]] int fd() const { return m_fd; }
    // -1: failed, errno says why.
    ssize_t read(void* out, std::size_t bytes) {
        for (;;) {
            const ssize_t n = ::read(m_fd, out, bytes);
            if (n >= 0 || errno != EINTR) return n;
        }
    }

private:
    int m_fd;
};

class PlainSource final : public ByteSource {
public:
    PlainSource(File file, std::size_t size) : m_file(std::move(file)), m_size(size) {}
    std::size_t read(char* out, std::size_t capacity) override {
        const ssize_t n = m_file.read(out, capacity);
        if (n < 0) m_error = fmt::format("reading failed: {}", std::strerror(errno));
        return n < 0 ? 0 : static_cast<std::size_t>(n);
    }
    [[nodiscard]] std::string error() const override { return m_error; }
    [[nodiscard]] std::size_t expectedSize() const override { return m_size; }

private:
    File m_file;
    std::size_t m_size;
    std::string m_error;
};

class MemorySource final : public ByteSource {
public:
    MemorySource(const char* data, std::size_t size) : m_data(data), m_left(size), m_size(size) {}
    std::size_t read(char* out, std::size_t capacity) override {
        const std::size_t n = std::min(capacity, m_left);
        if (n > 0) std::memcpy(out, m_data, n);
        m_data += n;
        m_left -= n;
        return n;
    }
    [[nodiscard]] std::string error() const override { return {}; }
    [[nodiscard]] std::size_t expectedSize() const override { return m_size; }

private:
    const char* m_data;
    std::size_t m_left, m_size;
};

// A ring of blocks between the inflating thread and the reader.
class GzipSource final : public ByteSource {
public:
    GzipSource(File file, std::size_t packedSize) : m_file(std::move(file)), m_packedSize(packedSize) {
        for (Block& block : m_blocks) block.bytes.resize(kBlockBytes);
        m_thread = std::thread([this] { inflateAll(); });
    }
    ~GzipSource() override {
        {
            const std::lock_guard lock(m_mutex);
            m_stop = true;
        }
        m_changed.notify_all();
        m_thread.join();
    }
    std::size_t read(char* out, std::size_t capacity) override {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [&] { return m_written > m_taken || m_done; });
        if (m_written == m_taken) return 0;
        const Block& block = m_blocks[m_taken % kBlocks];
        lock.unlock();
        const std::size_t n = std::min(capacity, block.used - m_offset);
        std::memcpy(out, block.bytes.data() + m_offset, n);
        m_offset += n;
        if (m_offset < block.used) return n;
        m_offset = 0;
        lock.lock();
        ++m_taken;
        lock.unlock();
        m_changed.notify_all();
        return n;
    }
    [[nodiscard]] std::string error() const override {
        const std::lock_guard lock(m_mutex);
        return m_error;
    }
    [[nodiscard]] std::size_t expectedSize() const override { return m_packedSize * kLikelyRatio; }

private:
    struct Block {
        std::vector<char> bytes;
        std::size_t used = 0;
    };

    // nullptr: nobody reads any more.
    Block* freeBlock() {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [&] { return m_written - m_taken < kBlocks || m_stop; });
        return m_stop ? nullptr : &m_blocks[m_written % kBlocks];
    }
    void publish() {
        {
            const std::lock_guard lock(m_mutex);
            ++m_written;
        }
        m_changed.notify_all();
    }
    void end(std::string error) {
        {
            const std::lock_guard lock(m_mutex);
            m_error = std::move(error);
            m_done = true;
        }
        m_changed.notify_all();
    }

    void inflateAll() {
        std::vector<std::uint8_t> in(kInBytes);
        inflate_state state;
        isal_inflate_init(&state);
        state.crc_flag = ISAL_GZIP;
        state.next_in = in.data();
        state.avail_in = 0;
        bool inputEnded = false, members = false;
        for (;;) {
            Block* block = freeBlock();
            if (!block) return end({});
            std::string error;
            const bool more = fill(*block, state, in, inputEnded, members, error);
            if (block->used > 0) publish();
            if (!more) return end(std::move(error));
        }
    }

    // Fills one block. false: this was the last.
    bool fill(Block& block, inflate_state& state, std::vector<std::uint8_t>& in, bool& inputEnded, bool& members,
              std::string& error) {
        block.used = 0;
        while (block.used < kBlockBytes) {
            if (state.avail_in == 0 && !inputEnded) {
                const ssize_t n = m_file.read(in.data(), in.size());
                if (n < 0) {
                    error = fmt::format("reading failed: {}", std::strerror(errno));
                    return false;
                }
                inputEnded = n == 0;
                state.next_in = in.data();
                state.avail_in = static_cast<std::uint32_t>(n);
            }
            state.next_out = reinterpret_cast<std::uint8_t*>(block.bytes.data()) + block.used;
            state.avail_out = static_cast<std::uint32_t>(kBlockBytes - block.used);
            const std::uint32_t inBefore = state.avail_in, outBefore = state.avail_out;
            const int code = isal_inflate(&state);
            block.used += outBefore - state.avail_out;
            if (code < 0) {
                // Bytes behind a complete member that are no gzip are padding, as gzip -d has it.
                if (!(members && state.total_out == 0)) error = "the gzip data is damaged";
                return false;
            }
            if (state.block_state == ISAL_BLOCK_FINISH) {
                members = true;
                if (state.avail_in == 0 && inputEnded) return false;
                std::uint8_t* const nextIn = state.next_in;
                const std::uint32_t left = state.avail_in;
                isal_inflate_reset(&state);
                state.crc_flag = ISAL_GZIP;
                state.next_in = nextIn;
                state.avail_in = left;
                continue;
            }
            if (inputEnded && state.avail_in == 0 && state.avail_out == outBefore && inBefore == 0) {
                if (!(members && state.total_out == 0)) error = "the gzip data ends too early";
                return false;
            }
        }
        return true;
    }

    File m_file;
    std::size_t m_packedSize;
    std::array<Block, kBlocks> m_blocks;
    std::size_t m_written = 0, m_taken = 0, m_offset = 0;
    bool m_done = false, m_stop = false;
    std::string m_error;
    mutable std::mutex m_mutex;
    std::condition_variable m_changed;
    std::thread m_thread;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> ByteSource::open(const std::string& path) {
    File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd() < 0) return Error{ErrorCode::kIo, fmt::format("{}: cannot be opened: {}", path, std::strerror(errno))};
    struct stat info {};
    if (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode))
        return Error{ErrorCode::kBadInput, fmt::format("{}: is not a regular file", path)};
    std::array<unsigned char, 2> magic{};
    const bool packed = ::pread(file.fd(), magic.data(), 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    const auto size = static_cast<std::size_t>(std::max<off_t>(info.st_size, 0));
    std::unique_ptr<ByteSource> source;
    if (packed)
        source = std::make_unique<GzipSource>(std::move(file), size);
    else
        source = std::make_unique<PlainSource>(std::move(file), size);
    return source;
}

std::unique_ptr<ByteSource> ByteSource::ofMemory(const char* data, std::size_t size) {
    return std::make_unique<MemorySource>(data, size);
}

}  // namespace ridge::analyzer::kineto
