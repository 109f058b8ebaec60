// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/convert.h"

#include "collector/recorder/convert/catalogue.h"
#include "collector/recorder/convert/emitter.h"
#include "collector/recorder/convert/lifetimes.h"
#include "collector/recorder/convert/session_notes.h"
#include "collector/recorder/convert/session_tables.h"
#include "collector/recorder/convert/tables.h"
#include "collector/recorder/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <set>
#include <unistd.h>

namespace ridge::recorder {
namespace {

// ns since session start; the last may go on without end.
std::vector<TimeWindow> windowsOf(const std::string& folder, std::int64_t startMonotonicNs) {
    std::vector<TimeWindow> windows;
    const auto control = readControl(folder);
    if (!control) return windows;
    for (std::uint32_t i = 0; i < std::min(control->windows, spool::kMaxWindows); ++i) {
        const spool::Window& window = control->window[i];
        const auto end = static_cast<std::int64_t>(window.endNs);
        windows.push_back(
            {static_cast<std::int64_t>(window.startNs) - startMonotonicNs,
             end ? end - startMonotonicNs : std::numeric_limits<std::int64_t>::max()});
    }
    return windows;
}

void writeWindows(const std::vector<TimeWindow>& windows, Tables& tables) {
    std::string text;
    for (const TimeWindow& window : windows) {
        const bool goesOn = window.end == std::numeric_limits<std::int64_t>::max();
        text += fmt::format("{}[{}, {}]", text.empty() ? "" : ", ", window.start,
                            goesOn ? "null" : std::to_string(window.end));
    }
    if (!windows.empty())
        tables.small("META_DATA_CAPTURE", {std::string("WINDOWS_NS"), fmt::format("[{}]", text)});
}

Error givenUp() {
    return {ErrorCode::kMeasurement, "interrupted while the file was made"};
}

Result<ConvertOutcome> convertTo(const std::string& folder, const std::string& path,
                                 const std::function<bool()>& isToStop) {
    const auto goesOn = [&]() -> Status {
        if (!isToStop || !isToStop()) return {};
        return givenUp();
    };
    RIDGE_TRY(SessionInfo session, readSession(folder));
    RIDGE_TRY(const std::vector<RingFile> rings, collectRings(folder, session.ringDir));
    const auto control = readControl(folder);
    const std::uint64_t lostWithoutRing = control ? control->lostWithoutRing : 0;
    Catalogue catalogue = buildCatalogue(
        rings, {session.nsPerTick,
                static_cast<std::uint64_t>(std::max<std::int64_t>(session.recorderBytes, 0)),
                session.recorderLost, lostWithoutRing});
    if (session.startMonotonicNs == 0) {  // the recorder died before it could say
        session.startMonotonicNs = catalogue.firstMonotonicNs;
        session.startUtcNs = catalogue.firstRealtimeNs;
    }
    RIDGE_TRY_STATUS(goesOn());
    RIDGE_TRY(auto tables, Tables::create(path));
    Emitter emitter(catalogue, rings, *tables, session.startMonotonicNs, session.startUtcNs);
    const std::vector<TimeWindow> windows = windowsOf(folder, session.startMonotonicNs);
    emitter.setWindows(windows);
    emitter.setStop(isToStop);
    for (std::uint32_t i = 0; i < rings.size(); ++i) emitter.ring(i);
    if (emitter.stopped()) return givenUp();
    const std::vector<Lifetime> processes = lifetimes(session, catalogue, lastHeartbeat(folder));
    const std::int64_t duration = std::max<std::int64_t>(
        session.endMonotonicNs ? session.endMonotonicNs - session.startMonotonicNs : 0, 0);
    ConvertOutcome outcome;
    if (control) outcome.notes = sessionNotes(*control, catalogue);
    session.notes.insert(session.notes.end(), outcome.notes.begin(), outcome.notes.end());
    outcome.durationNs = duration ? duration : std::max<std::int64_t>(emitter.lastTime(), 0);
    if (duration == 0)
        for (const Lifetime& process : processes)
            outcome.durationNs = std::max(outcome.durationNs, process.end);
    outcome.events = emitter.events();
    for (const auto& [source, count] : session.losses) {
        catalogue.losses.push_back({source, 0, count, {}});
        catalogue.lost += count;
    }
    outcome.lost = catalogue.lost;
    outcome.damage = catalogue.damage;
    outcome.processes =
        writeSessionTables(session, catalogue, emitter, *tables, processes, outcome.durationNs);
    writeWindows(windows, *tables);
    const std::vector<NcclCall> ncclCalls = emitter.takeNcclCalls();
    const std::int64_t emptyId = ncclCalls.empty() ? 0 : catalogue.strings.intern("");
    if (emitter.frames() != 0)
        tables->small("META_DATA_CAPTURE",
                      {std::string("SAMPLED_FRAMES_UNRESOLVED"),
                       fmt::format("{} of {}", emitter.unresolvedFrames(), emitter.frames())});
    bulk::BulkRow row;
    for (std::int64_t id = 1; id <= catalogue.strings.size(); ++id) {
        row.clear();
        row.null().text(catalogue.strings.text(id));
        tables->strings().addAt(id, row);
    }
    RIDGE_TRY_STATUS(goesOn());
    RIDGE_TRY_STATUS(tables->finish());
    RIDGE_TRY_STATUS(goesOn());
    RIDGE_TRY_STATUS(linkNcclCalls(path, ncclCalls, emptyId));
    return outcome;
}

}  // namespace

Result<ConvertOutcome> convert(const std::string& sessionFolder, const std::string& output,
                               const std::function<bool()>& isToStop) {
    const std::string partial = output + ".partial";
    auto outcome = convertTo(sessionFolder, partial, isToStop);
    if (!outcome.ok()) {
        unlink(partial.c_str());
        return outcome;
    }
    if (std::rename(partial.c_str(), output.c_str()) != 0) {
        const int error = errno;
        unlink(partial.c_str());
        return Error{ErrorCode::kIo, fmt::format("{}: {}", output, std::strerror(error))};
    }
    return outcome;
}

}  // namespace ridge::recorder
