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

Result<KinetoTrace> readFrom(kineto::ByteSource& source, std::int32_t file) {
    kineto::Document document(source);
    kineto::Builder builder(file, source.expectedSize());
    RIDGE_TRY_STATUS(document.read([&](const kineto::Event& event) { builder.onEvent(event); },
                                   [&](std::string_view key, std::string_view value) { builder.onMember(key, value); }));
    KinetoTrace trace = builder.finish(document.broken());
    trace.bytes = document.bytes();
    return trace;
}

}  // namespace

Result<KinetoTrace> readKineto(const std::string& path, std::int32_t file) {
    try {
        RIDGE_TRY(const std::unique_ptr<kineto::ByteSource> source, kineto::ByteSource::open(path));
        auto trace = readFrom(*source, file);
        if (!trace.ok()) return Error{trace.error().code, fmt::format("{}: {}", path, trace.error().message)};
        trace->timeline.sources.front().path = path;
        return trace;
    } catch (const std::exception& error) {  // memory, threads
        return Error{ErrorCode::kIo, fmt::format("{}: cannot be read: {}", path, error.what())};
    }
}

Result<KinetoTrace> readKinetoText(std::string_view text, std::int32_t file) {
    const auto source = kineto::ByteSource::ofMemory(text.data(), text.size());
    return readFrom(*source, file);
}

Result<std::vector<KinetoTrace>> readKinetoFiles(const std::vector<std::string>& paths, const std::vector<std::int32_t>& files) {
    std::vector<std::optional<Result<KinetoTrace>>> results(paths.size());
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < paths.size(); i = next++) results[i] = readKineto(paths[i], files[i]);
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
