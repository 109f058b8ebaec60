// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/session.h"

#include "base/file.h"
#include "base/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ridge::recorder {
namespace {

using nlohmann::json;

template <typename T>
void take(const json& object, const char* key, T& out) {
    if (const auto found = object.find(key); found != object.end() && !found->is_null())
        out = found->get<T>();
}

}  // namespace

Status writeSession(const std::string& folder, const SessionInfo& info) {
    json sources = json::array();
    for (const SourceState& source : info.sources)
        sources.push_back({{"name", source.name}, {"on", source.on}, {"reason", source.reason}});
    json environment = json::array();
    for (const EnvironmentEntry& entry : info.environment)
        environment.push_back(
            {{"name", entry.name}, {"class", entry.category}, {"value", entry.value}});
    json command = json::array();
    for (const std::string& argument : info.command) command.push_back(toValidUtf8(argument));
    json root = {{"format", "ridge-session-1"},
                 {"run_id", info.runId},
                 {"command", command},
                 {"working_directory", toValidUtf8(info.workingDirectory)},
                 {"tool_version", info.toolVersion},
                 {"ring_dir", info.ringDir},
                 {"output", info.output},
                 {"program_pid", info.programPid},
                 {"recorder_bytes", info.recorderBytes},
                 {"recorder_lost", info.recorderLost},
                 {"start_monotonic_ns", info.startMonotonicNs},
                 {"start_utc_ns", info.startUtcNs},
                 {"end_monotonic_ns", info.endMonotonicNs},
                 {"ns_per_tick", info.nsPerTick},
                 {"cuda_trouble", info.cudaTrouble},
                 {"outcome", info.outcome},
                 {"sources", sources},
                 {"environment", environment},
                 {"losses", info.losses},
                 {"io_classes", info.ioClasses},
                 {"notes", info.notes}};
    if (info.exitStatus) root["exit_status"] = *info.exitStatus;
    return writeFileAtomically(folder + "/session.json",
                               root.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

Result<SessionInfo> readSession(const std::string& folder) {
    RIDGE_TRY(const std::string text, readFile(folder + "/session.json", std::size_t{64} << 20));
    SessionInfo info;
    try {
        const json root = json::parse(text);
        if (!root.is_object() || root.value("format", "") != "ridge-session-1")
            return Error{ErrorCode::kBadInput,
                         fmt::format("{}/session.json: not a session of ours", folder)};
        take(root, "run_id", info.runId);
        take(root, "command", info.command);
        take(root, "working_directory", info.workingDirectory);
        take(root, "tool_version", info.toolVersion);
        take(root, "ring_dir", info.ringDir);
        take(root, "output", info.output);
        take(root, "program_pid", info.programPid);
        take(root, "recorder_bytes", info.recorderBytes);
        take(root, "recorder_lost", info.recorderLost);
        take(root, "start_monotonic_ns", info.startMonotonicNs);
        take(root, "start_utc_ns", info.startUtcNs);
        take(root, "end_monotonic_ns", info.endMonotonicNs);
        take(root, "ns_per_tick", info.nsPerTick);
        take(root, "cuda_trouble", info.cudaTrouble);
        take(root, "outcome", info.outcome);
        take(root, "notes", info.notes);
        take(root, "losses", info.losses);
        take(root, "io_classes", info.ioClasses);
        if (const auto status = root.find("exit_status"); status != root.end())
            info.exitStatus = status->get<int>();
        for (const json& source : root.value("sources", json::array()))
            info.sources.push_back(
                {source.value("name", ""), source.value("on", false), source.value("reason", "")});
        for (const json& entry : root.value("environment", json::array()))
            info.environment.push_back(
                {entry.value("name", ""), entry.value("class", ""), entry.value("value", "")});
    } catch (const json::parse_error& e) {
        return Error{
            ErrorCode::kBadInput,
            fmt::format("{}/session.json: is damaged: no JSON from byte {} on", folder, e.byte)};
    } catch (const json::exception&) {
        return Error{
            ErrorCode::kBadInput,
            fmt::format("{}/session.json: is damaged: a field is not of its type", folder)};
    }
    return info;
}

}  // namespace ridge::recorder
