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
#include <cstring>
#include <utility>
#include <vector>

namespace ridge::analyzer::kineto {
namespace {

constexpr std::size_t kInBytes = std::size_t{1} << 17;
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;
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

class GzipSource final : public ByteSource {
public:
    GzipSource(File file, std::size_t packedSize) : m_file(std::move(file)), m_packedSize(packedSize), m_in(kInBytes) {
        isal_inflate_init(&m_state);
        m_state.crc_flag = ISAL_GZIP;
        m_state.next_in = m_in.data();
        m_state.avail_in = 0;
    }
    std::size_t read(char* out, std::size_t capacity) override {
        std::size_t used = 0;
        while (!m_ended && used < capacity) m_ended = !inflateSome(out, capacity, used);
        return used;
    }
    [[nodiscard]] std::string error() const override { return m_error; }
    [[nodiscard]] std::size_t expectedSize() const override { return m_packedSize * kLikelyRatio; }

private:
    // false: there is no more.
    bool inflateSome(char* out, std::size_t capacity, std::size_t& used) {
        if (m_state.avail_in == 0 && !m_inputEnded) {
            const ssize_t n = m_file.read(m_in.data(), m_in.size());
            if (n < 0) {
                m_error = fmt::format("reading failed: {}", std::strerror(errno));
                return false;
            }
            m_inputEnded = n == 0;
            m_state.next_in = m_in.data();
            m_state.avail_in = static_cast<std::uint32_t>(n);
        }
        m_state.next_out = reinterpret_cast<std::uint8_t*>(out) + used;
        m_state.avail_out = static_cast<std::uint32_t>(std::min(capacity - used, kMostAtOnce));
        const std::uint32_t inBefore = m_state.avail_in, outBefore = m_state.avail_out;
        const int code = isal_inflate(&m_state);
        used += outBefore - m_state.avail_out;
        if (code < 0) {
            // Bytes behind a complete member that are no gzip are padding, as gzip -d has it.
            if (!(m_members && m_state.total_out == 0)) m_error = "the gzip data is damaged";
            return false;
        }
        if (m_state.block_state == ISAL_BLOCK_FINISH) {
            m_members = true;
            if (m_state.avail_in == 0 && m_inputEnded) return false;
            if (m_state.avail_in > 0 && *m_state.next_in != 0x1f) {
                // Zeros are padding, as gzip -d has it; anything else belongs to no member.
                const bool zeros = std::all_of(m_state.next_in, m_state.next_in + m_state.avail_in, [](std::uint8_t b) { return b == 0; });
                if (!zeros) m_error = "bytes that are no gzip data lie";
                return false;
            }
            std::uint8_t* const nextIn = m_state.next_in;
            const std::uint32_t left = m_state.avail_in;
            isal_inflate_reset(&m_state);
            m_state.crc_flag = ISAL_GZIP;
            m_state.next_in = nextIn;
            m_state.avail_in = left;
            return true;
        }
        if (m_inputEnded && m_state.avail_in == 0 && m_state.avail_out == outBefore && inBefore == 0) {
            if (!(m_members && m_state.total_out == 0)) m_error = "the gzip data ends too early";
            return false;
        }
        return true;
    }

    File m_file;
    std::size_t m_packedSize;
    std::vector<std::uint8_t> m_in;
    inflate_state m_state{};
    bool m_inputEnded = false, m_members = false, m_ended = false;
    std::string m_error;
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
