// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/app/output_stream.h"

#include "base/no_room.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace ridge::cli {
namespace {

Error failed(const std::string& path, int error) { return writeError(path.empty() ? "to standard output" : path, error); }

}  // namespace

ErrorCode codeOfWriteError(int error) {
    return isNoRoom(error) || error == EIO ? ErrorCode::kMeasurement : ErrorCode::kBadInput;
}

Error writeError(const std::string& where, int error) { return {codeOfWriteError(error), fmt::format("cannot write {}: {}", where, std::strerror(error))}; }

Result<OutputStream> OutputStream::open(const std::string& path) {
    if (path == "-") return OutputStream(stdout, "", "");
    const std::string part = fmt::format("{}.part-{}", path, getpid());
    const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return failed(path, errno);
    std::FILE* file = fdopen(fd, "wb");
    if (!file) {
        const int error = errno;
        ::close(fd);
        unlink(part.c_str());
        return failed(path, error);
    }
    return OutputStream(file, path, part);
}

OutputStream::OutputStream(OutputStream&& other) noexcept : m_file(std::exchange(other.m_file, nullptr)), m_path(std::move(other.m_path)), m_part(std::exchange(other.m_part, {})) {}

OutputStream::~OutputStream() {
    if (m_part.empty()) return;
    if (m_file) std::fclose(m_file);
    unlink(m_part.c_str());
}

Status OutputStream::write(std::string_view piece) {
    if (std::fwrite(piece.data(), 1, piece.size(), m_file) != piece.size()) return failed(m_path, errno);
    return {};
}

Status OutputStream::finish() {
    if (std::fflush(m_file) != 0) return failed(m_path, errno);
    if (m_part.empty()) return {};
    if (fsync(fileno(m_file)) != 0 && errno != EINVAL) return failed(m_path, errno);
    if (std::fclose(std::exchange(m_file, nullptr)) != 0) return failed(m_path, errno);
    if (std::rename(m_part.c_str(), m_path.c_str()) != 0) return failed(m_path, errno);
    m_part.clear();
    return {};
}

}  // namespace ridge::cli
