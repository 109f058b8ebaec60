// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/import/kineto/kineto.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <thread>

#include "analyzer/import/kineto/builder.h"
#include "analyzer/import/kineto/byte_source.h"
#include "analyzer/import/kineto/document.h"

namespace ridge::analyzer {
namespace {

// Ends when it is told to.
class StoppableSource final : public kineto::ByteSource {
public:
    StoppableSource(kineto::ByteSource& source, const std::atomic<bool>* stop) : m_source(source), m_stop(stop) {}
    std::size_t read(char* out, std::size_t capacity) override { return stopped() ? 0 : m_source.read(out, capacity); }
    [[nodiscard]] std::string error() const override { return m_source.error(); }
    [[nodiscard]] std::size_t expectedSize() const override { return m_source.expectedSize(); }
    [[nodiscard]] bool stopped() const { return m_stop && m_stop->load(std::memory_order_relaxed); }

private:
    kineto::ByteSource& m_source;
    const std::atomic<bool>* m_stop;
};

Result<KinetoTrace> readFrom(kineto::ByteSource& bytes, std::int32_t file, const std::atomic<bool>* stop) {
    StoppableSource source(bytes, stop);
    kineto::Document document(source);
    kineto::Builder builder(file, source.expectedSize());
    Status read = document.read([&](const kineto::Event& event) { builder.onEvent(event); },
                                [&](std::string_view key, std::string_view value) { builder.onMember(key, value); });
    if (source.stopped()) return Error{ErrorCode::kIo, "reading was cancelled"};
    RIDGE_TRY_STATUS(std::move(read));
    KinetoTrace trace = builder.finish(document.broken());
    trace.bytes = document.bytes();
    if (!document.trailing().empty()) trace.timeline.remarks.push_back({"trailing_bytes", document.trailing()});
    return trace;
}

}  // namespace

Result<KinetoTrace> readKineto(const std::string& path, std::int32_t file, const std::atomic<bool>* stop) {
    try {
        RIDGE_TRY(const std::unique_ptr<kineto::ByteSource> source, kineto::ByteSource::open(path));
        auto trace = readFrom(*source, file, stop);
        if (!trace.ok()) return Error{trace.error().code, fmt::format("{}: {}", path, trace.error().message)};
        trace->timeline.sources.front().path = path;
        return trace;
    } catch (const std::exception& error) {  // memory, threads
        return Error{ErrorCode::kIo, fmt::format("{}: cannot be read: {}", path, error.what())};
    }
}

Result<KinetoTrace> readKinetoText(std::string_view text, std::int32_t file) {
    const auto source = kineto::ByteSource::ofMemory(text.data(), text.size());
    return readFrom(*source, file, nullptr);
}

void setFile(KinetoTrace& trace, std::int32_t file) {
    constexpr std::int64_t kNumbers = (std::int64_t{1} << 48) - 1;  // of a process and a thread on their machine
    const std::int64_t machine = kinetoMachine(file);
    for (Process& process : trace.timeline.processes) {
        process.file = file;
        process.globalPid = (process.globalPid & kNumbers) | (machine << 48);
    }
    for (Thread& thread : trace.timeline.threads) thread.globalTid = (thread.globalTid & kNumbers) | (machine << 48);
    for (GpuDevice& device : trace.timeline.devices) {
        device.file = file;
        device.machine = machine;
    }
}

Result<std::vector<KinetoTrace>> readKinetoFiles(const std::vector<std::string>& paths, const std::vector<std::int32_t>& files,
                                                 const std::atomic<bool>* stop) {
    std::vector<std::optional<Result<KinetoTrace>>> results(paths.size());
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < paths.size(); i = next++) results[i] = readKineto(paths[i], files[i], stop);
    };
    const std::size_t wanted = std::min<std::size_t>(paths.size(), std::max(1U, std::thread::hardware_concurrency()));
    std::vector<std::thread> threads;
    try {
        for (std::size_t i = 1; i < wanted; ++i) threads.emplace_back(work);
    } catch (const std::exception&) {
        // Fewer threads than wished do the same work.
    }
    work();
    for (std::thread& thread : threads) thread.join();
    std::vector<KinetoTrace> traces;
    for (auto& result : results) {
        if (!result->ok()) return result->error();
        traces.push_back(std::move(*result).value());
    }
    return traces;
}

}  // namespace ridge::analyzer
