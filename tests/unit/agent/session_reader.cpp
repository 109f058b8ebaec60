// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "tests/unit/agent/session_reader.h"

#include "schemas/spool/version.h"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace ridge::test {

namespace fs = std::filesystem;
using namespace spool;

namespace {

std::vector<uint8_t> readFile(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void parse(ReadSession& session, size_t ring, const std::vector<uint8_t>& bytes) {
    for (size_t at = 0; at + sizeof(RecordHeader) <= bytes.size();) {
        RecordHeader header;
        std::memcpy(&header, bytes.data() + at, sizeof header);
        if (header.size == 0) {  // a hole that a full disk left
            if (uint8_t(header.type) != 0 || header.id != 0)
                throw std::runtime_error("a record without a size");
            ++session.holes;
            at += 8;
            continue;
        }
        const size_t size = size_t{header.size} * 8;
        if (at + size > bytes.size()) throw std::runtime_error("a record beyond the end");
        const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        session.records.push_back({ring, header, {from, from + static_cast<std::ptrdiff_t>(size)}});
        at += size;
    }
}

void readRing(ReadSession& session, const fs::path& ringFile, const fs::path& folder) {
    const auto file = readFile(ringFile);
    if (file.size() < kHeaderBytes) throw std::runtime_error("short ring file");
    ReadRing ring{ringFile.stem().string(), {}};
    std::memcpy(&ring.header, file.data(), sizeof ring.header);
    const RingHeader& h = ring.header;
    if (h.magic != kRingMagic) return;
    if (h.version != kLayoutVersion || h.headerBytes != kHeaderBytes ||
        file.size() != kHeaderBytes + h.ringBytes)
        throw std::runtime_error("bad ring header");
    if (h.head - h.tail > h.ringBytes) throw std::runtime_error("head and tail too far apart");
    auto bytes = readFile(folder / (ring.name + ".spool"));
    bytes.resize(h.tail);
    auto definitions = readFile(ringFile.parent_path() / (ring.name + ".names"));
    const auto more = readFile(folder / (ring.name + ".names"));
    definitions.insert(definitions.end(), more.begin(), more.end());
    for (uint64_t b = h.tail; b < h.head; ++b)
        bytes.push_back(file[kHeaderBytes + b % h.ringBytes]);
    session.rings.push_back(ring);
    parse(session, session.rings.size() - 1, definitions);
    parse(session, session.rings.size() - 1, bytes);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

std::vector<std::string> wholeEnvironment(const std::vector<std::string>& added) {
    std::vector<std::string> result = added;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string text = *variable;
        const std::string key = text.substr(0, text.find('=') + 1);
        bool replaced = false;
        for (const auto& mine : added) replaced |= mine.compare(0, key.size(), key) == 0;
        if (!replaced) result.push_back(text);
    }
    return result;
}

std::string drain(int fd) {
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<size_t>(n));
    ::close(fd);
    return text;
}

}  // namespace

ReadSession readSession(const fs::path& folder, const fs::path& ringDir) {
    ReadSession session;
    for (const auto& place : {ringDir, folder})
        if (fs::is_directory(place))
            for (const auto& entry : fs::directory_iterator(place))
                if (entry.path().extension() == ".ring") readRing(session, entry.path(), folder);
    for (const auto& record : session.records) {
        if (record.header.type != RecordType::kName) continue;
        const auto name = record.as<Name>();
        const auto text = record.after<Name>();
        if (name.length > text.size()) throw std::runtime_error("a name beyond its record");
        session.names[{session.imageOf(record.ring), record.header.id}] =
            std::string(text.begin(), text.begin() + name.length);
    }
    return session;
}

TestSession::TestSession(uint64_t ringBytes, const std::string& cuptiPath) {
    std::string name = (fs::temp_directory_path() / "ridge-agent-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    m_folder = name;
    m_rings = m_folder / "rings";
    fs::create_directory(m_rings);
    const int fd = ::open((m_folder / "control").c_str(), O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(ControlBlock)) != 0) throw std::runtime_error("control");
    void* at = mmap(nullptr, sizeof(ControlBlock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    m_control = static_cast<ControlBlock*>(at);
    m_control->version = kLayoutVersion;
    m_control->recorderPid = getpid();
    m_control->ringBytes = ringBytes;
    m_control->traceNvtx = m_control->traceCuda = m_control->traceIo = 1;
    std::strncpy(m_control->ringDir, m_rings.c_str(), sizeof m_control->ringDir - 1);
    std::strncpy(m_control->cuptiPath, cuptiPath.c_str(), sizeof m_control->cuptiPath - 1);
    m_control->magic = kControlMagic;
}

TestSession::~TestSession() {
    munmap(m_control, sizeof(ControlBlock));
    std::error_code ignored;
    fs::remove_all(m_folder, ignored);
}

std::vector<std::string> TestSession::environment(bool io) const {
    std::vector<std::string> result{"RIDGE_SESSION=" + m_folder.string(),
                                    "NVTX_INJECTION64_PATH=" RIDGE_AGENT_PATH};
    if (io) result.push_back("LD_PRELOAD=" RIDGE_IO_PATH);
    return result;
}

ChildResult runChild(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment, void (*before)()) {
    auto arguments = command;
    auto variables = wholeEnvironment(environment);
    int out[2], err[2];
    if (pipe(out) != 0 || pipe(err) != 0) throw std::runtime_error("pipe");
    const int pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (const int fd : {out[0], out[1], err[0], err[1]}) ::close(fd);
        if (before != nullptr) before();
        execvpe(arguments[0].c_str(), pointers(arguments).data(), pointers(variables).data());
        _exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    ChildResult result;
    result.pid = pid;
    std::thread errors([&] { result.errors = drain(err[0]); });
    result.output = drain(out[0]);
    errors.join();
    waitpid(pid, &result.status, 0);
    return result;
}

int startChild(const std::vector<std::string>& command,
               const std::vector<std::string>& environment) {
    auto arguments = command;
    auto variables = wholeEnvironment(environment);
    int out[2];
    if (pipe(out) != 0) throw std::runtime_error("pipe");
    const int pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        ::close(out[0]);
        ::close(out[1]);
        execvpe(arguments[0].c_str(), pointers(arguments).data(), pointers(variables).data());
        _exit(127);
    }
    ::close(out[1]);
    char byte = 0;
    while (::read(out[0], &byte, 1) < 0) {
    }
    ::close(out[0]);
    return pid;
}

}  // namespace ridge::test
