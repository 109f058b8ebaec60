// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge record: a program under the recorder. Exits with the program's own code; 4 only when the
// recording itself failed.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "base/text.h"
#include "cli/app/app.h"
#include "cli/app/neighbours.h"
#include "cli/commands/record_start.h"
#include "collector/recorder/convert/launch_match.h"
#include "collector/recorder/in_place.h"
#include "collector/recorder/launch.h"
#include "collector/recorder/named_session.h"
#include "collector/recorder/output_name.h"
#include "collector/recorder/record.h"
#include "schemas/spool/start.h"

namespace ridge::cli {
namespace {

struct RecordArguments {
    std::vector<std::string> program;
    std::vector<std::string> unknown;  // options that are not ours
    std::string output, recoverDir, json, trace = "nvtx,cuda";
    bool recovers = false, printsEnvironment = false;
    std::string takeOver;  // the file to execute: a launcher started the program
    bool noSample = false;
    std::vector<std::string> ioClasses;
    std::optional<std::uint32_t> sampleRate;
    double delay = 0, duration = 0;
    std::string captureRange, captureEnd = "stop", kill = "none", wait = "primary", session;
    std::vector<std::string> includeDomains, excludeDomains;
    bool startLater = false, start = false, stop = false;
    std::string cudaGraphs = "node", counters = "none";
    bool noCudaMemory = false, cudaPageFaults = false, cudaAllApis = false, ncclSteps = false;
};

Error usage(const std::string& text) {
    return {ErrorCode::kBadInput, text};
}

// nvtx:NAME[@DOMAIN] or cudaProfilerApi, and how often.
Status applyCapture(const RecordArguments& a, recorder::RecordOptions& options) {
    std::string_view end = a.captureEnd;
    if (end == "repeat") options.captureWindows = spool::kWindowsWithoutEnd;
    else if (end.starts_with("repeat:")) {
        std::uint32_t times = 0;
        if (!CLI::detail::lexical_cast(std::string(end.substr(7)), times) || times == 0 || times == spool::kWindowsWithoutEnd)
            return usage(fmt::format("--capture-range-end {}: write repeat:N with a number from 1 on", a.captureEnd));
        options.captureWindows = times;
    } else if (end != "stop") return usage(fmt::format("--capture-range-end {}: there are stop, repeat and repeat:N", a.captureEnd));
    if (a.captureRange.empty()) return end == "stop" ? Status{} : usage("--capture-range-end belongs to --capture-range");
    if (a.delay > 0) return usage("--delay and --capture-range both say when recording begins; give one of them");
    if (a.captureRange == "cudaProfilerApi") {
        options.capture = spool::Capture::kCudaProfiler;
        return options.traceCuda ? Status{} : usage("--capture-range cudaProfilerApi needs cuda in --trace");
    }
    if (!a.captureRange.starts_with("nvtx:"))
        return usage(fmt::format("--capture-range {}: there are nvtx:NAME, nvtx:NAME@DOMAIN and cudaProfilerApi", a.captureRange));
    options.capture = spool::Capture::kNvtxRange;
    const std::string range = a.captureRange.substr(5);
    const std::size_t at = range.rfind('@');
    options.captureName = range.substr(0, at);
    options.captureDomain = at == std::string::npos ? "*" : range.substr(at + 1);
    if (options.captureName.empty() || options.captureName.size() > 255 || options.captureDomain.size() > 127)
        return usage("--capture-range: the range's name has 1 to 255 bytes, its domain's at most 127");
    return options.traceNvtx ? Status{} : usage("--capture-range nvtx:NAME needs nvtx in --trace");
}

Status applyDomains(const RecordArguments& a, recorder::RecordOptions& options) {
    if (!a.includeDomains.empty() && !a.excludeDomains.empty())
        return usage("--nvtx-domain-include and --nvtx-domain-exclude cannot be combined; give one of them");
    const auto& names = a.includeDomains.empty() ? a.excludeDomains : a.includeDomains;
    if (names.empty()) return {};
    options.domainFilter = a.includeDomains.empty() ? spool::DomainFilter::kExclude : spool::DomainFilter::kInclude;
    std::size_t bytes = 1;
    for (const std::string& list : names)
        for (const std::string_view name : split(list, ',')) {
            if (name.empty()) return usage("the name of an NVTX domain is empty; \"default\" is NVTX's own");
            options.domains.emplace_back(name);
            bytes += name.size() + 1;
        }
    if (bytes > sizeof(spool::ControlBlock::domains)) return usage("the NVTX domains' names are too long together (1,024 bytes)");
    // The agent looks at no range of a domain that is not recorded.
    const std::string wanted = options.captureDomain.empty() ? "default" : options.captureDomain;
    const bool named = std::find(options.domains.begin(), options.domains.end(), wanted) != options.domains.end();
    if (options.capture == spool::Capture::kNvtxRange && wanted != "*" && named != (options.domainFilter == spool::DomainFilter::kInclude))
        return usage(fmt::format("--capture-range {}: ranges of domain {} are left out by {}", a.captureRange, wanted,
                                 named ? "--nvtx-domain-exclude" : "--nvtx-domain-include"));
    return {};
}

Status applyControl(const RecordArguments& a, recorder::RecordOptions& options) {
    options.delaySeconds = a.delay;
    options.durationSeconds = a.duration;
    options.waitAll = a.wait == "all";
    options.killSignal = a.kill == "none" ? 0 : a.kill == "sigkill" ? SIGKILL : SIGTERM;
    options.sessionName = a.session;
    options.startLater = a.startLater;
    if (options.killSignal != 0 && a.duration <= 0) return usage("--kill ends the program after --duration; give that too");
    if (a.startLater && (a.session.empty() || a.delay > 0 || !a.captureRange.empty()))
        return usage("--start-later needs --session NAME to be started by, and takes no --delay and no --capture-range");
    RIDGE_TRY_STATUS(applyCapture(a, options));
    return applyDomains(a, options);
}

Status applyTrace(const std::string& list, recorder::RecordOptions& options) {
    options.traceNvtx = options.traceCuda = options.traceIo = false;
    options.sampleStacks = options.traceSwitches = options.countHardware = false;
    if (list == "none") return {};
    for (const std::string_view name : split(list, ',')) {
        if (name == "none") return usage(fmt::format("--trace {}: none stands alone; name the sources or none", list));
        if (name == "nvtx") options.traceNvtx = true;
        else if (name == "cuda") options.traceCuda = true;
        else if (name == "io") options.traceIo = true;
        else if (name == "cpu") options.sampleStacks = options.countHardware = true;
        else if (name == "sched") options.traceSwitches = true;
        else return Error{ErrorCode::kBadInput, fmt::format("--trace: unknown source \"{}\"; there are nvtx, cuda, io, cpu, sched and none", name)};
    }
    return {};
}

std::uint32_t cudaOptions(const RecordArguments& a) {
    std::uint32_t options = 0;
    if (a.cudaGraphs == "graph") options |= spool::kCudaGraphsWhole;
    if (a.noCudaMemory) options |= spool::kCudaNoMemory;
    if (a.cudaPageFaults) options |= spool::kCudaPageFaults;
    if (a.cudaAllApis) options |= spool::kCudaAllApis;
    if (a.ncclSteps) options |= spool::kNcclSteps;
    if (a.counters == "gpu") options |= spool::kCudaPmSampling;
    return options;
}

// The program once more, each kernel replayed for its counters; they are put beside the kernels of the first run.
Status countKernels(recorder::RecordOptions options, recorder::RecordOutcome& outcome) {
    const std::string timeline = outcome.output;
    options.output = timeline + ".counters";
    options.force = true;
    options.traceIo = options.sampleSystem = options.detectPreemption = false;
    options.sampleStacks = options.traceSwitches = options.countHardware = false;
    options.ioClasses.clear();
    options.cudaOptions |= spool::kCudaKernelCounters;
    const auto counted = recorder::record(options);
    if (!counted.ok()) return withContext(counted.error(), "the run in which kernels are counted");
    const auto joined = recorder::joinKernelCounters(timeline, counted->output);
    std::error_code ec;
    std::filesystem::remove(counted->output, ec);
    if (!joined.ok()) return withContext(joined.error(), timeline);
    outcome.notes.push_back(*joined ? fmt::format("{} kernels have counters of a second run", *joined)
                                    : std::string("no kernel was counted; DIAGNOSTIC_EVENT says why"));
    if (counted->programStatus != outcome.programStatus)
        outcome.notes.push_back(fmt::format("the second run ended with {} instead of {}", counted->programStatus, outcome.programStatus));
    return {};
}

// Without a driver there is nothing to count, and without a kernel nothing to run the program again for: no device, none
// that it used, or none while it was recorded.
Status applyCounters(const std::string& counters, const recorder::RecordOptions& options, recorder::RecordOutcome& outcome) {
    const bool kernels = counters == "kernel";
    std::string nothing = recorder::cudaDriverTrouble();
    if (kernels && nothing.empty()) {
        RIDGE_TRY(const bool any, recorder::hasKernels(outcome.output));
        if (any) return countKernels(options, outcome);
        nothing = "the program ran no kernel while it was recorded (RIDGE_SOURCE says how far CUDA was)";
    }
    if (!nothing.empty())
        outcome.notes.push_back(fmt::format("--counters {} has counted nothing: {}{}", counters, nothing, kernels ? "; the program was not run a second time" : ""));
    return {};
}

// CLASS=PATTERN
Status applyIoClasses(const RecordArguments& a, recorder::RecordOptions& options) {
    for (const std::string& text : a.ioClasses) {
        const std::size_t equals = text.find('=');
        const std::string name = text.substr(0, equals);
        if (equals == std::string::npos || equals + 1 == text.size() || (name != "data" && name != "checkpoint" && name != "other"))
            return usage(fmt::format("--io-class {}: write CLASS=PATTERN; the classes are data, checkpoint and other", text));
        options.ioClasses.emplace_back(name, text.substr(equals + 1));
    }
    if (!options.ioClasses.empty() && !options.traceIo) return usage("--io-class tells of files, which io in --trace records; give that too");
    return {};
}

// Where the program's own stdout is not to be mixed with ours, the summary goes to a file; "-": stdout.
Status writeSummary(const recorder::RecordOutcome& outcome, const std::string& path) {
    if (path.empty()) return {};
    const nlohmann::ordered_json json{{"schema_version", 1},          {"output", toValidUtf8(outcome.output)},
                                          {"started", outcome.started}, {"program_status", outcome.programStatus}, {"events", outcome.events},
                                          {"lost", outcome.lost},         {"processes", outcome.processes},
                                          {"duration_ns", outcome.durationNs}, {"notes", outcome.notes}};
    const std::string text = json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (path != "-") return writeOutput(path, text, true);
    fmt::print("{}", text);
    return {};
}

// Returns code, or 4 when the summary could not be written.
int report(const recorder::RecordOutcome& outcome, int code, const RecordArguments& a, const Globals& globals) {
    const Status written = writeSummary(outcome, a.json);
    if (!written.ok()) code = fail(4, written.error().message);
    if (!outcome.started) {  // an error, so not silenced by -q
        for (const std::string& line : outcome.notes) fail(0, line);
        return code;
    }
    for (const std::string& line : outcome.notes) note(globals, line);
    // Without an agent, or without a window to record in, that none was loaded says nothing.
    recorder::RecordOptions traced;
    const bool agents = applyTrace(a.trace, traced).ok() && (traced.traceNvtx || traced.traceCuda || traced.traceIo);
    const bool windows = a.delay > 0 || a.startLater || !a.captureRange.empty();
    if (outcome.processes == 0 && outcome.lost != 0 && agents)
        note(globals, fmt::format("no process could make a recording of its events, {} of them: it has no memory, room or files left, or had given up the rights to it (another user, chroot) before its first",
                                  outcome.lost));
    else if (outcome.processes == 0 && agents && !windows && outcome.events == 0)
        note(globals, fmt::format("no process loaded an agent: none of them has {}, or it is statically linked, set-uid, starts with an empty environment or one that lacks our variables "
                                  "(a program that sets {} anew), is recorded by another ridge record{}",
                                  traced.traceIo ? "NVTX ranges, CUDA or file calls" : "NVTX ranges or CUDA (ridge record --trace nvtx,io records file calls too)",
                                  traced.traceIo ? "LD_PRELOAD" : "NVTX_INJECTION64_PATH",
                                  traced.traceIo ? "" : ", or had given up the rights to reach the recording before its first range (another user, chroot, no files left to open): "
                                                        "such ranges are counted only with io in --trace"));
    // What the kernel saw of the program is of no process that an agent counted.
    const std::string of = outcome.processes == 0 && outcome.events != 0 ? "" : fmt::format(" of {} process{}", outcome.processes, outcome.processes == 1 ? "" : "es");
    note(globals, fmt::format("{} events{} in {} written to {}{}", outcome.events, of, formatDuration(outcome.durationNs), outcome.output,
                              outcome.lost ? fmt::format("; {} records were lost or cut short, see RIDGE_LOSS", outcome.lost) : ""));
    return code;
}

// Said before the program runs: a path that cannot be written would cost the user the whole run.
Status mayWriteThere(const std::string& path, bool force) {
    namespace fs = std::filesystem;
    if (path.empty()) return Error{ErrorCode::kBadInput, "the name of an output is empty"};
    if (path == "-") return Error{ErrorCode::kBadInput, "-o -: a timeline is a database, which cannot go to stdout; name a file (./- if that is its name)"};
    RIDGE_TRY_STATUS(mayWrite(path, force));
    std::error_code ec;
    const fs::path folder = fs::absolute(path, ec).parent_path();
    std::string why;
    if (!fs::exists(folder, ec)) why = "there is no such folder";
    else if (!fs::is_directory(folder, ec)) why = "is no folder";
    else if (access(folder.c_str(), W_OK | X_OK) != 0) why = std::strerror(errno);
    if (why.empty()) return {};
    return Error{ErrorCode::kBadInput, fmt::format("cannot write {}: {}: {}", path, folder.string(), why)};
}

Status checkOutputs(const RecordArguments& a, const Globals& globals) {
    namespace fs = std::filesystem;
    // A number that is free is found when the recording begins; what it will be does not matter here.
    RIDGE_TRY(const std::string output, recorder::expandOutput(a.output, getpid(), 1));
    RIDGE_TRY_STATUS(mayWriteThere(output, globals.force || recorder::hasNumber(a.output)));
    if (a.json.empty() || a.json == "-") return {};
    RIDGE_TRY_STATUS(mayWriteThere(a.json, globals.force));
    std::error_code ec;
    if (fs::weakly_canonical(fs::absolute(output, ec), ec) == fs::weakly_canonical(fs::absolute(a.json, ec), ec))
        return Error{ErrorCode::kBadInput, fmt::format("{} is named for two outputs, -o and --json; give each its own", output)};
    return {};
}

// Without "--" an option behind the program's name could be meant for either: it is asked for, not guessed.
Status checkProgram(const RecordArguments& a, const Globals& globals) {
    const bool separated = std::find(globals.arguments.begin(), globals.arguments.end(), "--") != globals.arguments.end();
    const auto hint = [&](const std::string& option) {
        return Error{ErrorCode::kBadInput, fmt::format("whose option is {}? Write the program and its options after --, as in: ridge record -o trace.sqlite -- {} {}",
                                                       toValidUtf8(option), toValidUtf8(a.program.empty() ? "PROGRAM" : a.program.front()), toValidUtf8(option))};
    };
    if (!a.unknown.empty()) {
        if (a.program.empty() || separated)
            return Error{ErrorCode::kBadInput, fmt::format("unknown option {}; see ridge record --help (the program's own options go after --)", toValidUtf8(a.unknown.front()))};
        return hint(a.unknown.front());
    }
    if (a.recovers && !a.program.empty())
        return Error{ErrorCode::kBadInput, "--recover makes a file of what an earlier recording left; it takes no program"};
    if (a.start || a.stop) {
        if (a.session.empty() || a.start == a.stop || a.recovers || !a.program.empty())
            return usage("--start and --stop, one at a time, belong to a session that runs: ridge record --session NAME --start");
        return {};
    }
    if (!a.recovers && (a.program.empty() || a.program.front().empty()))
        return Error{ErrorCode::kBadInput, "no program was given; write it after --, as in: ridge record -- python3 train.py"};
    if (a.recovers || separated || a.start || a.stop) return {};
    const auto& words = globals.arguments;
    const auto last = std::find(words.rbegin(), words.rend(), a.program.back());  // of the positional words
    auto first = std::find(words.begin(), words.end(), a.program.front());
    for (; first != words.end() && first < last.base(); ++first)
        if (first->size() > 1 && first->front() == '-') return hint(*first);
    if (last != words.rend() && last.base() != words.end()) return hint(*last.base());
    return {};
}

Result<recorder::RecordOptions> optionsOf(const RecordArguments& a, const Globals& globals) {
    recorder::RecordOptions options;
    options.command = a.program;
    options.output = a.output;
    options.force = globals.force;
    options.sampleSystem = options.detectPreemption = !a.noSample;
    options.quiet = globals.quiet;
    options.samplesPerSecond = a.sampleRate.value_or(997);
    options.executable = a.takeOver;
    RIDGE_TRY_STATUS(applyTrace(a.trace, options));
    if (a.sampleRate && !options.sampleStacks) note(globals, "--sample-rate is that of call stacks, which cpu in --trace records; without it there are none");
    RIDGE_TRY_STATUS(applyControl(a, options));
    options.cudaOptions = cudaOptions(a);
    RIDGE_TRY_STATUS(applyIoClasses(a, options));
    auto agent = findAgentDir();
    if (!agent.ok()) return Error{ErrorCode::kMeasurement, agent.error().message};
    options.agentLibDir = *agent;
    return options;
}

// The file that the name of a program stands for; empty: none that is found.
std::string fileOf(const std::string& program) {
    if (program.find('/') != std::string::npos) return program;
    const char* const path = std::getenv("PATH");
    for (const std::string_view folder : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
        std::string file = folder.empty() ? program : std::string(folder) + "/" + program;
        std::error_code ec;
        if (std::filesystem::is_regular_file(file, ec) && access(file.c_str(), X_OK) == 0) return file;
    }
    return {};
}

// An ELF program that names no loader: nothing can be preloaded into it.
bool isStatic(const std::string& path) {
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec)) return false;
    std::ifstream file(path, std::ios::binary);
    Elf64_Ehdr head{};
    if (!file.read(reinterpret_cast<char*>(&head), sizeof head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64) return false;
    if (head.e_phentsize != sizeof(Elf64_Phdr) || head.e_phnum == 0) return false;
    for (unsigned i = 0; i < head.e_phnum; ++i) {
        Elf64_Phdr part{};
        file.seekg(static_cast<std::streamoff>(head.e_phoff + i * sizeof part));
        if (!file.read(reinterpret_cast<char*>(&part), sizeof part) || part.p_type == PT_INTERP) return false;
    }
    return true;
}

Result<recorder::RecordOutcome> recordWith(recorder::RecordOptions options, const Globals& globals, int& gaveUp) {
    options.gaveUp = [&gaveUp](int signal) { gaveUp = signal; };
    options.goesOn = [&globals](const std::string& line) { note(globals, line); };
    return options.executable.empty() ? recorder::record(options) : recorder::recordInPlace(options);
}

int failedRecording(const Error& error, int gaveUp) {
    if (gaveUp != 0) return fail(128 + gaveUp, error.message);
    return fail(error.code == ErrorCode::kBadInput ? 2 : 4, error.message);
}

// Nobody sees an exit code of ours here: the program runs, recorded or not.
int recordTakenOver(const RecordArguments& a, const Globals& globals) {
    const auto options = optionsOf(a, globals);
    if (!options.ok()) return runUnrecorded(globals.arguments, options.error().message);
    int gaveUp = 0;
    const auto outcome = recordWith(*options, globals, gaveUp);
    return outcome.ok() ? report(*outcome, outcome->programStatus, a, globals) : failedRecording(outcome.error(), gaveUp);
}

int printEnvironment(const RecordArguments& a, const Globals& globals, const CLI::App& command) {
    if (!a.program.empty() || a.recovers || a.start || a.stop || !a.json.empty() || !a.session.empty() || a.counters == "kernel")
        return fail(2, "--print-env is for what a launcher starts: it takes no program, no --recover, --session, --json and no --counters kernel");
    if (!a.unknown.empty()) return fail(2, fmt::format("unknown option {}; see ridge record --help", toValidUtf8(a.unknown.front())));
    const auto options = optionsOf(a, globals);
    return options.ok() ? printStartVariables(command, a.output) : fail(options.error());
}

int recordCommand(const RecordArguments& a, const Globals& globals) {
    if (!a.takeOver.empty()) return recordTakenOver(a, globals);
    if (const Status status = checkProgram(a, globals); !status.ok()) return fail(2, status.error().message);
    if (a.start || a.stop) {
        const Status status = recorder::commandSession(a.session, a.start ? recorder::SessionCommand::kStart : recorder::SessionCommand::kStop);
        return status.ok() ? 0 : fail(status.error());
    }
    if (const Status status = checkOutputs(a, globals); !status.ok()) return fail(2, status.error().message);
    if (a.recovers) {
        const auto outcome = recorder::recover(a.recoverDir, a.output, globals.force);
        if (!outcome.ok()) return fail(outcome.error().code == ErrorCode::kBadInput ? 2 : 4, outcome.error().message);
        return report(*outcome, 0, a, globals);
    }
    const auto options = optionsOf(a, globals);
    if (!options.ok()) return fail(options.error());
    if (options->traceIo && isStatic(fileOf(a.program.front())))
        note(globals, fmt::format("{} is statically linked: of its file calls nothing can be seen (io is a library that is preloaded)", toValidUtf8(a.program.front())));
    int gaveUp = 0;
    auto outcome = recordWith(*options, globals, gaveUp);
    if (!outcome.ok()) return failedRecording(outcome.error(), gaveUp);
    if (a.counters != "none" && outcome->started)
        if (const Status status = applyCounters(a.counters, *options, *outcome); !status.ok()) return fail(4, status.error().message);
    return report(*outcome, outcome->programStatus, a, globals);
}

// Seconds: a number, not less than 0, and not so large that it is no time any more.
std::string checkSeconds(const std::string& text) {
    double seconds = 0;
    if (!CLI::detail::lexical_cast(text, seconds)) return fmt::format("\"{}\" is no number of seconds", text);
    if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e9) return fmt::format("{} is no number of seconds from 0 to 1e9", text);
    return {};
}

}  // namespace

void addRecord(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<RecordArguments>();
    CLI::App* command = app.add_subcommand("record", "Run a program and write its timeline");
    command->allow_extras();  // so that we can say whose they may be
    command->add_option("PROGRAM", arguments->program, "The program to run and its arguments, after --");
    command->add_option("-o,--output", arguments->output, "The timeline (SQLite) to write; %q{VARIABLE} (of the environment), %p (process), %h (host) and %n (the first free number) are filled in")->type_name("FILE")->default_str("trace.sqlite");
    arguments->output = "trace.sqlite";
    command->add_option("--trace", arguments->trace, "What to record, separated by commas: nvtx (the program's NVTX ranges), cuda (kernels, copies and API calls), io (calls that read and write files; this preloads a library into the program), cpu (call stacks of its threads and hardware counters, through perf events), sched (context switches); or none")
        ->type_name("LIST")->default_str("nvtx,cuda");
    command->add_option("--io-class", arguments->ioClasses, "What files are for, by their paths: CLASS=PATTERN with data, checkpoint or other and a shell's pattern (* fits / too), as in checkpoint='*/ckpt/*'; the first that fits counts")
        ->type_name("CLASS=PATTERN")->allow_extra_args(false)->delimiter('\n');
    command->add_option("--sample-rate", arguments->sampleRate, "Call stacks per second and busy thread, with cpu in --trace")->type_name("N")->default_str("997")->check(CLI::Range(1, 50000));
    command->add_flag("--no-sample", arguments->noSample, "Do not sample CPU, memory, power and preemption");
    command->add_option("--duration", arguments->duration, "Stop recording after so many seconds; the program goes on, and the file is made when it ends. 0: record until the program ends")
        ->type_name("SECONDS")->default_str("0")->check(CLI::Validator(checkSeconds, ""));
    command->add_option("--delay", arguments->delay, "Let the program run for so many seconds before recording begins")
        ->type_name("SECONDS")->default_str("0")->check(CLI::Validator(checkSeconds, ""));
    command->add_option("--kill", arguments->kill, "What the program gets when --duration is over: none, sigterm, sigkill")
        ->check(CLI::IsMember({"none", "sigterm", "sigkill"}))->default_str("none");
    command->add_option("--capture-range", arguments->captureRange, "Record only while this lasts: nvtx:NAME (a range of that name; nvtx:NAME@DOMAIN: of that domain, \"default\" being NVTX's own) or cudaProfilerApi (from cudaProfilerStart to cudaProfilerStop)")
        ->type_name("RANGE");
    command->add_option("--capture-range-end", arguments->captureEnd, "After the range: stop, repeat (record it each time), repeat:N")->type_name("WHAT")->default_str("stop");
    command->add_option("--nvtx-domain-include", arguments->includeDomains, "Record only these NVTX domains, separated by commas")->type_name("LIST")->delimiter('\n');
    command->add_option("--nvtx-domain-exclude", arguments->excludeDomains, "Record all NVTX domains but these")->type_name("LIST")->delimiter('\n');
    command->add_option("--cuda-graph-trace", arguments->cudaGraphs, "CUDA graphs: node (every node, as if it were launched by itself), graph (one entry per launch: cheaper, and no kernels inside)")
        ->check(CLI::IsMember({"node", "graph"}))->default_str("node");
    command->add_option("--counters", arguments->counters, "Hardware counters of the GPU: none, gpu (a time series of its units' use), kernel (bytes and operations of each kernel; the program is run a second time for them, slowly)")
        ->check(CLI::IsMember({"none", "gpu", "kernel"}))->default_str("none");
    command->add_flag("--no-cuda-memory", arguments->noCudaMemory, "Do not record allocations of device memory and their pools");
    command->add_flag("--cuda-page-faults", arguments->cudaPageFaults, "Record page faults of unified memory (they get slower by it)");
    command->add_flag("--cuda-all-apis", arguments->cudaAllApis, "Record also CUDA calls that are frequent and say little (cudaGetDevice, cudaGetLastError, ...)");
    command->add_flag("--nccl-steps", arguments->ncclSteps, "Record every network step of NCCL's proxy, not only its operations");
    command->add_option("--wait", arguments->wait, "Until when: primary (the program has ended), all (and all that it left running)")
        ->check(CLI::IsMember({"primary", "all"}))->default_str("primary");
    command->add_option("--session", arguments->session, "A name by which another shell can --start and --stop this recording")->type_name("NAME");
    command->add_flag("--start-later", arguments->startLater, "Record nothing before ridge record --session NAME --start");
    command->add_flag("--start", arguments->start, "Run nothing: start recording in the session NAME");
    command->add_flag("--stop", arguments->stop, "Run nothing: stop recording in the session NAME; its program goes on");
    CLI::Option* recover = command->add_option("--recover", arguments->recoverDir, "Run nothing: make the file from what a recording that was killed left in DIR (its output with .spool behind)")->type_name("DIR");
    command->add_flag("--print-env", arguments->printsEnvironment, "Run nothing: print the variables by which what a launcher (mpirun, srun, torchrun) starts is recorded with these options, for eval in a shell; processes without a %q{VARIABLE} of -o are left alone")
        ->configurable(false);
    command->add_option(spool::kTakeOverOption, arguments->takeOver, "The file to execute for PROGRAM, which a launcher started")->configurable(false)->group("");
    command->add_option("--json", arguments->json, "Write a summary (exit status, events, losses) as JSON to FILE; -: to stdout, after the program's own output")->type_name("FILE");
    addCommonOptions(*command, globals, false);
    command->footer("Examples:\n  ridge record -o trace.sqlite -- python3 train.py --epochs 1\n  ridge record --trace nvtx,cuda,io -- mpirun -n 2 ./train\n"
                    "  ridge record --capture-range nvtx:epoch -- python3 train.py\n"
                    "  mpirun -n 2 ridge record -o 'rank-%q{OMPI_COMM_WORLD_RANK}.sqlite' -- ./train\n"
                    "  eval \"$(ridge record --print-env -o 'rank-%q{SLURM_PROCID}.sqlite')\"; srun ./train\n"
                    "  ridge record --recover trace.sqlite.spool -o trace.sqlite\n  ridge analyze trace.sqlite\n"
                    "\nProcesses that the program starts are recorded with it. While it runs, the recording grows in FILE.spool; the\n"
                    "file is made from it at the end. SIGINT, SIGTERM, SIGHUP and SIGQUIT go on to the program, and the file is made.\n"
                    "\nExits with the program's own code, 128 + n when signal n ended it; 126 or 127 when it could not be started; 2 when\n"
                    "an option or an output is wrong (then nothing is run); 4 when the recording failed.");
    command->callback([arguments, command, recover, &globals] {
        globals.action = [arguments, command, recover, &globals] {
            arguments->recovers = recover->count() > 0;
            arguments->unknown = command->remaining();
            std::erase(arguments->unknown, "--");  // the parser leaves it there
            if (arguments->printsEnvironment) return printEnvironment(*arguments, globals, *command);
            return recordCommand(*arguments, globals);
        };
    });
}

}  // namespace ridge::cli
