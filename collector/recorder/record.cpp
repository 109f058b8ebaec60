// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/record.h"

#include "base/clock.h"
#include "base/file.h"
#include "collector/recorder/archive/secrets.h"
#include "collector/recorder/control.h"
#include "collector/recorder/drain.h"
#include "collector/recorder/finish.h"
#include "collector/recorder/in_place.h"
#include "collector/recorder/launch.h"
#include "collector/recorder/named_session.h"
#include "collector/recorder/output_name.h"
#include "collector/recorder/perf/perf_events.h"
#include "collector/recorder/processes.h"
#include "collector/recorder/recorder_spool.h"
#include "collector/recorder/sample/preemption.h"
#include "collector/recorder/sample/sampler.h"
#include "collector/recorder/session.h"
#include "collector/recorder/session_folder.h"
#include "collector/recorder/wait.h"
#include "collector/recorder/window_control.h"
#include "schemas/spool/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ridge::recorder {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kFastestPollNs = 1'000'000;
constexpr std::int64_t kSlowestPollNs = 20'000'000;
// Between asking the program to end and killing it.
constexpr std::int64_t kGraceNs = 5'000'000'000;
// The ranks of a job end together, as good as. Who launched the first is not kept waiting longer.
constexpr std::int64_t kJoinedGraceNs = 5'000'000'000;
constexpr std::int64_t kLookEveryNs = 200'000'000;
constexpr std::int64_t kSameSignalNs = 250'000'000;
constexpr std::uint64_t kShmBytesWanted = std::uint64_t{64} << 20;

Error ioError(const std::string& path, int error) {
    return {ErrorCode::kIo, fmt::format("{}: {}", path, std::strerror(error))};
}

class Recording {
public:
    explicit Recording(const RecordOptions& options) : m_options(options), m_windows(options) {}

    Result<RecordOutcome> run() {
        ignoreFileSizeSignal();
        Wait wait;  // a signal that comes from here on is the program's, as soon as there is one
        RIDGE_TRY_STATUS(prepare());
        const Injection injection = injectionFor(m_options, m_session);
        describeAgents(injection);
        PerfEvents perf(m_spool);
        std::function<void(pid_t)> beforeExec;
        if (m_options.sampleStacks || m_options.traceSwitches || m_options.countHardware)
            beforeExec = [&](pid_t pid) {
                perf.open(pid, {m_options.sampleStacks, m_options.traceSwitches,
                                m_options.countHardware, m_options.samplesPerSecond});
            };
        auto launched = launch({m_options.command, m_options.executable, m_options.takenOver},
                               injection, wait.maskBefore(), beforeExec);
        if (!launched.ok() || launched->execError) {
            removeSession(m_session, m_info.ringDir);
            if (!launched.ok()) return std::move(launched).takeError();
            RecordOutcome outcome;
            outcome.started = false;
            outcome.programStatus = launched->execError == ENOENT ? 127 : 126;
            outcome.notes.push_back(fmt::format("{}: {}", m_options.command.front(),
                                                std::strerror(launched->execError)));
            return outcome;
        }
        m_program = launched->pid;
        m_info.programPid = m_program;
        nameByProcess();
        wait.watch(m_program);
        Drain drain(m_session, m_info.ringDir);
        {
            Sampler sampler(m_spool);
            PreemptionDetector preemption([this](std::uint32_t cpu, std::int64_t startNs, std::int64_t endNs) { m_spool.gap(cpu, startNs, endNs); });
            if (perf.countersOn())
                sampler.also([&perf](std::int64_t now) { perf.sampleCounters(now); });
            sampler.start(m_program, m_options.sampleSystem);
            if (m_options.detectPreemption) preemption.start();
            follow(drain, sampler, wait, perf);
            preemption.stop();
            sampler.stop();
            describeSources(sampler, preemption);
            describePerf(perf);
        }
        return close(drain, wait);
    }

private:
    Status prepare() {
        if (m_options.command.empty()) return Error{ErrorCode::kBadInput, "no program to record"};
        if (m_options.output.empty()) return Error{ErrorCode::kBadInput, "no output file given"};
        RIDGE_TRY_STATUS(mayBeRecorded(
            m_options.executable.empty() ? m_options.command.front() : m_options.executable));
        RIDGE_TRY_STATUS(chooseOutput());
        std::error_code ec;
        if (fs::is_directory(m_output, ec))
            return Error{ErrorCode::kBadInput, fmt::format("{}: is a folder", shownOutput())};
        RIDGE_TRY_STATUS(refuseSpecialFile(m_output));
        if (fs::exists(m_output, ec) && !m_options.force)
            return Error{
                ErrorCode::kBadInput,
                fmt::format("{}: exists already; --force overwrites it", shownOutput())};
        m_info.nsPerTick = measureNsPerTick();  // takes a while: before anything is there to be left
        RIDGE_TRY_STATUS(makeFolder());
        m_info.command = archive::withoutSecrets(m_options.command);
        m_info.ioClasses = m_options.ioClasses;
        m_info.workingDirectory = fs::current_path(ec).string();
        m_info.toolVersion = RIDGE_VERSION;
        m_info.output = m_output;
        m_info.environment = readEnvironment();
        if (m_options.traceCuda) m_info.cudaTrouble = cudaDriverTrouble();
        m_info.startMonotonicNs = monotonicNs();
        m_info.startUtcNs = realtimeNs() - (monotonicNs() - m_info.startMonotonicNs);
        auto ready = prepareFiles();
        if (!ready.ok()) removeSession(m_session, m_info.ringDir);
        return ready;
    }

    // As it was given, its %q{VARIABLE} and the like filled in.
    std::string shownOutput() const {
        const auto name = expandOutput(m_options.output, getpid(), 1);
        return name.ok() ? *name : m_options.output;
    }

    // %n: the first number of which there is neither a file nor a recording.
    Status chooseOutput() {
        constexpr std::uint32_t kMostNumbers = 100000;
        std::error_code ec;
        for (std::uint32_t number = 1;; ++number) {
            RIDGE_TRY(const std::string name, expandOutput(m_options.output, getpid(), number));
            m_output = absolutePath(name);
            if (!hasNumber(m_options.output) || number >= kMostNumbers) return {};
            if (fs::exists(m_output, ec)) continue;
            // Made at once: another rank looks for a number at this very moment.
            m_folderMade =
                m_options.spoolDir.empty() && mkdir((m_output + ".spool").c_str(), 0700) == 0;
            if (m_folderMade || errno != EEXIST) return {};
        }
    }

    // %p: until the program was there, our own number stood for it.
    void nameByProcess() {
        if (!hasProcess(m_options.output)) return;
        std::error_code ec;
        std::uint32_t number = 1;
        for (;; ++number) {
            const auto name = expandOutput(m_options.output, m_program, number);
            if (!name.ok()) return;
            m_output = absolutePath(*name);
            if (m_options.force || !fs::exists(m_output, ec)) break;
            if (!hasNumber(m_options.output)) {  // an older process had this number: keep its file
                m_output += "." + m_info.runId;
                break;
            }
        }
        m_info.output = m_output;
        if (auto written = writeSession(m_session, m_info); !written.ok())
            m_info.notes.push_back(written.error().message);
    }

    // The folder that nobody asked for is not named where it was to lie beside the output.
    Error noFolder(int error, bool beside) const {
        const bool theirs = error == EACCES || error == EPERM || error == EROFS ||
                            error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG ||
                            error == ELOOP;
        return {
            theirs ? ErrorCode::kBadInput : ErrorCode::kIo,
            fmt::format("{}: nothing can be written {}: {}", beside ? m_options.output : m_session,
                        beside ? "there" : "into it", std::strerror(error))};
    }

    Status makeFolder() {
        const bool beside = m_options.spoolDir.empty();
        m_session = absolutePath(beside ? m_output + ".spool" : m_options.spoolDir);
        if (!m_folderMade && mkdir(m_session.c_str(), 0700) != 0) {
            if (errno != EEXIST) return noFolder(errno, beside);
            if (const std::int32_t pid = liveRecorder(m_session))
                return Error{
                    ErrorCode::kBadInput,
                    fmt::format("{}: another recording writes to it now (process {}); name "
                                "another output, or wait for its end",
                                m_options.output, pid)};
            const bool free = removeUnbegun(m_session);
            if (!free && !m_options.force)
                return Error{ErrorCode::kBadInput,
                             fmt::format("{}: a recording that was not finished; recover it (ridge "
                                         "record --recover {} -o FILE) or remove it",
                                         m_session, shellQuoted(m_session))};
            if (!free) m_session += fmt::format(".{}", getpid());
            if (mkdir(m_session.c_str(), 0700) != 0) return noFolder(errno, beside);
        }
        if (m_claim.take(m_session) == FolderClaim::Taken::kByAnother)
            return Error{ErrorCode::kBadInput,
                         fmt::format("{}: another recording begins to write to it now; name "
                                     "another output, or wait for its end",
                                     m_options.output)};
        m_info.runId = makeRunId();
        return {};
    }

    // Their place is in the control block before they are there: should we be killed, whoever takes
    // the session's place finds them.
    Status makeRings(spool::ControlBlock& control) {
        struct statvfs space {};
        const bool shm = statvfs("/dev/shm", &space) == 0 &&
                         std::uint64_t{space.f_bavail} * space.f_frsize >= kShmBytesWanted;
        const std::string inShm = "/dev/shm/ridge-" + m_info.runId;
        const std::string inSession = m_session + "/rings";
        for (const std::string& place : {shm ? inShm : inSession, inSession}) {
            if (place.size() >= sizeof control.ringDir)
                return Error{ErrorCode::kBadInput, fmt::format("{}: the path is too long", place)};
            std::memcpy(control.ringDir, place.c_str(), place.size() + 1);
            m_info.ringDir = place;
            if (mkdir(place.c_str(), 0700) == 0) return {};
        }
        return ioError(m_info.ringDir, errno);
    }

    Status prepareFiles() {
        RIDGE_TRY_STATUS(m_spool.open(m_session + "/recorder.spool"));
        m_spool.clockSample();
        RIDGE_TRY_STATUS(m_control.map(m_session + "/control", true));
        m_control.lock();
        spool::ControlBlock& control = *m_control.block();
        control.version = spool::kLayoutVersion;
        control.recorderPid = getpid();
        control.pidNamespace = ownPidNamespace();
        control.heartbeatNs = static_cast<std::uint64_t>(monotonicNs());
        control.ringBytes = std::bit_ceil(
            std::clamp<std::uint64_t>(m_options.ringBytes, 65536, std::uint64_t{1} << 30));
        control.traceNvtx = m_options.traceNvtx;
        control.traceCuda = m_options.traceCuda;
        control.cudaOptions = m_options.cudaOptions;
        control.traceIo = m_options.traceIo;
        RIDGE_TRY_STATUS(makeRings(control));
        m_windows.prepare(control, m_info.startMonotonicNs);
        if (!m_options.sessionName.empty())
            RIDGE_TRY_STATUS(m_name.take(m_options.sessionName, m_session));
        control.magic = spool::kControlMagic;
        m_info.recorderBytes = static_cast<std::int64_t>(m_spool.bytes());
        RIDGE_TRY_STATUS(writeSession(m_session, m_info));
        m_claim.release();
        reserveRoom(m_session);
        return {};
    }

    // What RIDGE_SOURCE says of the agents that go in.
    void describeAgents(const Injection& injection) {
        const auto source = [&](const char* name, bool wanted, bool there, const char* library) {
            const std::string reason =
                there ? "" : fmt::format("{} was not found beside this program", library);
            m_info.sources.push_back({name, wanted && there, wanted ? reason : "not asked for"});
            if (wanted && !there) m_info.notes.push_back(fmt::format("{} is off: {}", name, reason));
        };
        source("nvtx", m_options.traceNvtx, injection.agent, "libridge_agent.so");
        source("cuda", m_options.traceCuda, injection.agent, "libridge_agent.so");
        source("io", m_options.traceIo, injection.io, "libridge_io.so");
    }

    // Until the program has ended: drain, forward signals, keep the heartbeat.
    void follow(Drain& drain, Sampler& sampler, Wait& wait, PerfEvents& perf) {
        std::int64_t poll = kFastestPollNs;
        std::int64_t lastProgress = 0;
        for (;;) {
            const std::int64_t now = monotonicNs();
            m_control.block()->heartbeatNs = static_cast<std::uint64_t>(now);
            perf.drain();
            if (m_program > 0) reap(wait);
            if (m_program < 0 && !waitsForOthers(drain)) {
                m_endsWithProgram = m_info.endMonotonicNs == 0;
                if (m_endsWithProgram) m_info.endMonotonicNs = monotonicNs();
                return;
            }
            const WindowControl::Step step =
                m_windows.keepTime(*m_control.block(), m_info.startMonotonicNs, now);
            if (step.durationOver) endDuration(now);
            const std::uint64_t moved = drain.round();
            for (const std::int32_t pid : drain.takeNewPids()) wait.watch(pid);
            noteThreads(drain);
            noteEnds(wait);
            sampler.watch(drain.pids());
            poll = moved ? kFastestPollNs : std::min(poll * 2, kSlowestPollNs);
            if (m_options.progress && now - lastProgress > 250'000'000) {
                m_options.progress({now - m_info.startMonotonicNs, drain.bytes(), drain.rings()});
                lastProgress = now;
            }
            if (const int signal = wait.forSignal(std::min(poll, step.nextNs), m_program)) {
                m_interruptedBy = signal;
                if (m_options.endOnInterrupt && m_toldNs == 0) m_toldNs = monotonicNs();
            }
            if (m_program > 0) endProgram(monotonicNs());
        }
    }

    // The program's end, if it has come.
    void reap(Wait& wait) {
        int status = 0;
        const pid_t ended = waitpid(m_program, &status, WNOHANG);
        if (ended != m_program && !(ended < 0 && errno == ECHILD)) return;
        m_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        noteEnds(wait);  // before the end of the recording: it is not to come first
        for (const std::int32_t pid : m_told)  // children that outlived it
            if (pid != m_program) kill(pid, SIGKILL);
        m_program = -1;
        m_reapedNs = monotonicNs();
    }

    // Until those that joined have ended or have gone on for a while, with --wait all the last
    // process of the session, or somebody asks us to stop.
    bool waitsForOthers(const Drain& drain) {
        if ((!m_options.waitAll && !m_options.takenOver) || m_interruptedBy != 0) return false;
        const std::int64_t now = monotonicNs();
        if (!m_options.waitAll && now - m_reapedNs > kJoinedGraceNs) return false;
        if (now - m_lookedNs < kLookEveryNs) return true;  // a look reads of every process there is
        m_lookedNs = now;
        return m_options.waitAll ? !stillRunning(drain).empty() : !joinedAndRunning(m_session).empty();
    }

    std::set<std::int32_t> stillRunning(const Drain& drain) const {
        return othersRunning(m_session, drain.pids(), m_info.programPid);
    }

    // The program goes on unrecorded, or is ended if that was asked for.
    void endDuration(std::int64_t now) {
        m_info.endMonotonicNs = now;
        if (m_options.killSignal == 0 || m_program <= 0) return;
        m_toldNs = now;
        m_told = processTree(m_program);
        for (const std::int32_t pid : m_told) kill(pid, m_options.killSignal);
    }

    void noteThreads(Drain& drain) {
        for (const InnerThread& thread : drain.takeNewThreads())
            m_spool.threadNumber(thread.pid, thread.tid, thread.innerTid);
    }

    void noteEnds(Wait& wait) {
        const std::vector<EndedProcess> ended = wait.takeEnded();
        for (const EndedProcess& process : ended)
            m_spool.processEnd(process.pid, process.monotonicNs);
        if (!ended.empty()) m_spool.flush();  // rare, and a reader needs it if we are killed
    }

    // Whose rings were found only after the program's end, and who has ended just as it did.
    void noteLateEnds(Drain& drain, Wait& wait) {
        for (const std::int32_t pid : drain.takeNewPids()) wait.watch(pid);
        for (const EndedProcess& process : wait.takeEnded())
            m_spool.processEnd(process.pid,
                               m_endsWithProgram
                                   ? std::min(process.monotonicNs, m_info.endMonotonicNs)
                                   : process.monotonicNs);
        m_spool.flush();
    }

    // The program's time is up, or it was asked to end and has not: SIGTERM, and SIGKILL some time
    // after that.
    void endProgram(std::int64_t now) {
        const auto limit = static_cast<std::int64_t>(m_options.timeoutSeconds * 1e9);
        if (limit > 0 && !m_timedOut && now - m_info.startMonotonicNs >= limit) {
            m_timedOut = true;
            m_toldNs = now;
            m_told = processTree(m_program);
            for (const std::int32_t pid : m_told) kill(pid, SIGTERM);
        }
        if (m_toldNs == 0 || now - m_toldNs < kGraceNs) return;
        for (const std::int32_t pid : processTree(m_program)) kill(pid, SIGKILL);
    }

    void describeSources(const Sampler& sampler, const PreemptionDetector& preemption) {
        m_info.sources.push_back({"system", m_options.sampleSystem && sampler.trouble().empty(),
                                  m_options.sampleSystem ? sampler.trouble() : "not asked for"});
        if (!sampler.trouble().empty())
            m_info.notes.push_back("CPU, memory and power were not sampled: " + sampler.trouble());
        m_info.sources.push_back({"nvml", sampler.nvmlOn(),
                                  m_options.sampleSystem ? sampler.nvmlReason() : "not asked for"});
        m_info.sources.push_back({"rapl", sampler.raplOn(),
                                  m_options.sampleSystem ? sampler.raplReason() : "not asked for"});
        m_info.sources.push_back(
            {"pressure", sampler.pressureOn(),
             !m_options.sampleSystem ? "not asked for"
             : sampler.pressureOn()  ? ""
                                     : "/proc/pressure cannot be read; to enable: boot with psi=1"});
        if (const std::uint64_t untold = sampler.untoldThreads())
            m_info.losses.emplace_back("thread_samples", untold);
        m_info.sources.push_back(
            {"preemption", m_options.detectPreemption,
             m_options.detectPreemption ? preemption.quality() : "not asked for"});
        if (m_options.detectPreemption)
            m_spool.diagnostic(
                1,
                fmt::format("the preemption detector woke every {:.1f} ms and used {:.3f} ms of "
                            "CPU time in {:.3f} ms",
                            static_cast<double>(preemption.periodNs()) * 1e-6,
                            static_cast<double>(preemption.cpuNs()) * 1e-6,
                            static_cast<double>(monotonicNs() - m_info.startMonotonicNs) * 1e-6));
        m_spool.flush();
    }

    // Each with what is less than was asked for, and every record that did not come through.
    void describePerf(PerfEvents& perf) {
        perf.drain();
        if (perf.countersOn()) perf.sampleCounters(monotonicNs());
        m_spool.flush();
        const auto source = [&](const char* name, bool wanted, bool on, const std::string& reason) {
            m_info.sources.push_back({name, wanted && on, wanted ? reason : "not asked for"});
            if (wanted && !on)
                m_info.notes.push_back(fmt::format("{} is off: {}", name, reason));
        };
        source("cpu_stacks", m_options.sampleStacks, perf.stacksOn(), perf.reason());
        source("cpu_switches", m_options.traceSwitches, perf.switchesOn(),
               perf.switchesOn() ? "" : perf.reason());
        source("cpu_counters", m_options.countHardware, perf.countersOn(), perf.counterReason());
        const auto loss = [&](const char* name, std::uint64_t count, const char* what) {
            if (count == 0) return;
            m_info.losses.emplace_back(name, count);
            m_info.notes.push_back(fmt::format("{} {}", count, what));
        };
        loss("perf_ring", perf.lost(),
             "records of perf events were dropped by the kernel: its ring was full");
        loss("perf_broken", perf.broken(), "records of perf events could not be read");
        if (perf.throttled() != 0)
            m_info.notes.push_back(fmt::format(
                "the kernel sampled less than asked for, {} times (kernel.perf_cpu_time_max_percent)",
                perf.throttled()));
    }

    Result<RecordOutcome> close(Drain& drain, Wait& wait) {
        giveRoomBack(m_session);
        m_spool.flush();
        drain.lookAgain();
        drain.round();
        noteThreads(drain);
        noteLateEnds(drain, wait);
        if (m_control.block()->windows == 0 && m_control.block()->partial != 0)
            m_info.notes.push_back(m_windows.whyNothing());
        __atomic_store_n(&m_control.block()->stopped, 1U, __ATOMIC_RELEASE);
        const std::size_t running = stillRunning(drain).size();  // who joins sees the stop, or is seen
        for (int i = 0; i < 100 && drain.round() > 0; ++i) {
        }
        if (const std::uint64_t lost = m_spool.lost())
            m_info.notes.push_back(
                fmt::format("{} records of the recorder itself could not be written", lost));
        m_info.recorderLost = m_spool.lost();
        m_info.exitStatus = m_status;
        m_info.recorderBytes = static_cast<std::int64_t>(m_spool.bytes());
        m_info.outcome = running ? "detached" : "complete";
        if (running)
            m_info.notes.push_back(
                fmt::format("{} process{} of the program still ran when it ended; what {} did "
                            "later is not here (--wait all records until the last has ended)",
                            running, running == 1 ? "" : "es", running == 1 ? "it" : "they"));
        if (!drain.trouble().empty()) m_info.notes.push_back("while spooling: " + drain.trouble());
        // On a full disk this fails too; then the file made now says 'recovered', which is less
        // than the truth.
        if (auto written = writeSession(m_session, m_info); !written.ok())
            m_info.notes.push_back(written.error().message);
        auto outcome = finish(m_session, m_info.ringDir, m_output, [&] { return isToStop(wait); });
        if (m_stoppedBy != 0 && !outcome.ok() && m_options.gaveUp) m_options.gaveUp(m_stoppedBy);
        if (!outcome.ok()) return outcome;
        outcome->programStatus = m_status;
        outcome->timedOut = m_timedOut;
        outcome->interruptedBy = m_interruptedBy;
        outcome->notes.insert(outcome->notes.begin(), m_info.notes.begin(), m_info.notes.end());
        return outcome;
    }

    // While the file is made. A signal that comes together with the program's end was meant for both.
    // A launcher that ends a job sends SIGTERM to all of it, and the program has ended: the first one
    // changes nothing, and a file that takes longer than the launcher waits is named at once.
    bool isToStop(Wait& wait) {
        const std::int64_t now = monotonicNs();
        const int signal = wait.forSignal(0, -1);
        if (signal == 0) return m_stoppedBy != 0;
        const bool isFirst = m_interruptedBy == 0;
        if (isFirst) m_interruptedBy = signal;
        if (now - m_info.endMonotonicNs <= kSameSignalNs) return m_stoppedBy != 0;
        if (isFirst && signal == SIGTERM) {
            if (m_options.goesOn)
                m_options.goesOn(fmt::format(
                    "SIGTERM: {} is still being made (another signal stops that); should it be "
                    "missing afterwards: {}",
                    m_output, recoverCommand(m_session, m_output)));
            return m_stoppedBy != 0;
        }
        m_stoppedBy = signal;
        return true;
    }

    const RecordOptions& m_options;
    WindowControl m_windows;
    std::string m_output;
    std::string m_session;
    SessionInfo m_info;
    FolderClaim m_claim;
    Control m_control;
    NamedSession m_name;
    RecorderSpool m_spool;
    pid_t m_program = -1;
    int m_status = 0;
    bool m_timedOut = false;
    bool m_endsWithProgram = false;  // the recording, not before it
    std::int64_t m_reapedNs = 0;  // when the program was found to have ended
    std::int64_t m_lookedNs = 0;  // for processes that still run
    bool m_folderMade = false;
    int m_interruptedBy = 0;
    int m_stoppedBy = 0;  // a signal while the file was made
    std::int64_t m_toldNs = 0;  // when the program was asked to end; 0: it was not
    std::set<std::int32_t> m_told;
};

}  // namespace

Result<RecordOutcome> record(const RecordOptions& options) {
    return Recording(options).run();
}

}  // namespace ridge::recorder
