// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/record.h"

#include "base/clock.h"
#include "base/file.h"
#include "collector/recorder/archive/secrets.h"
#include "collector/recorder/control.h"
#include "collector/recorder/drain.h"
#include "collector/recorder/ending.h"
#include "collector/recorder/finish.h"
#include "collector/recorder/in_place.h"
#include "collector/recorder/launch.h"
#include "collector/recorder/named_session.h"
#include "collector/recorder/output_name.h"
#include "collector/recorder/perf/perf_events.h"
#include "collector/recorder/processes.h"
#include "collector/recorder/recorder_spool.h"
#include "collector/recorder/recording_place.h"
#include "collector/recorder/sample/preemption.h"
#include "collector/recorder/sample/sampler.h"
#include "collector/recorder/session.h"
#include "collector/recorder/session_folder.h"
#include "collector/recorder/sources.h"
#include "collector/recorder/wait.h"
#include "collector/recorder/window_control.h"
#include "schemas/spool/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ridge::recorder {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kFastestPollNs = 1'000'000;
constexpr std::int64_t kSlowestPollNs = 20'000'000;
// The ranks of a job end together, as good as. Who launched the first is not kept waiting longer.
constexpr std::int64_t kJoinedGraceNs = 5'000'000'000;
constexpr std::int64_t kLookEveryNs = 200'000'000;
constexpr std::int64_t kSameSignalNs = 250'000'000;

class Recording {
public:
    explicit Recording(const RecordOptions& options)
        : m_options(options),
          m_windows(options),
          m_place(options),
          m_session(m_place.session()),
          m_ending(options, m_session) {}

    Result<RecordOutcome> run() {
        ignoreFileSizeSignal();
        Wait wait;  // a signal that comes from here on is the program's, as soon as there is one
        RIDGE_TRY_STATUS(prepare());
        const Injection injection = injectionFor(m_options, m_session);
        describeAgents(m_options, injection, m_info);
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
            describeSystem(m_options, sampler, preemption, m_info, m_spool);
            perf.drain();
            if (perf.countersOn()) perf.sampleCounters(monotonicNs());
            m_spool.flush();
            describePerf(m_options, perf, m_info);
        }
        return close(drain, wait);
    }

private:
    Status prepare() {
        if (m_options.command.empty()) return Error{ErrorCode::kBadInput, "no program to record"};
        if (m_options.output.empty()) return Error{ErrorCode::kBadInput, "no output file given"};
        RIDGE_TRY_STATUS(mayBeRecorded(
            m_options.executable.empty() ? m_options.command.front() : m_options.executable));
        RIDGE_TRY_STATUS(m_place.choose());
        m_info.nsPerTick = measureNsPerTick();  // takes a while: before anything is there to be left
        RIDGE_TRY_STATUS(m_place.makeFolder());
        std::error_code ec;
        m_info.runId = makeRunId();
        m_info.command = archive::withoutSecrets(m_options.command);
        m_info.ioClasses = m_options.ioClasses;
        m_info.workingDirectory = fs::current_path(ec).string();
        m_info.toolVersion = RIDGE_VERSION;
        m_info.output = m_place.output();
        m_info.environment = readEnvironment();
        if (m_options.traceCuda) m_info.cudaTrouble = cudaDriverTrouble();
        m_info.startMonotonicNs = monotonicNs();
        m_info.startUtcNs = realtimeNs() - (monotonicNs() - m_info.startMonotonicNs);
        auto ready = prepareFiles();
        if (!ready.ok()) removeSession(m_session, m_info.ringDir);
        return ready;
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
        const Status rings = m_place.makeRings(control, m_info.runId);
        m_info.ringDir = m_place.ringDir();
        RIDGE_TRY_STATUS(rings);
        m_windows.prepare(control, m_info.startMonotonicNs);
        if (!m_options.sessionName.empty())
            RIDGE_TRY_STATUS(m_name.take(m_options.sessionName, m_session));
        control.magic = spool::kControlMagic;
        m_info.recorderBytes = static_cast<std::int64_t>(m_spool.bytes());
        RIDGE_TRY_STATUS(writeSession(m_session, m_info));
        m_place.release();
        reserveRoom(m_session);
        return {};
    }

    void nameByProcess() {
        if (!hasProcess(m_options.output)) return;
        m_place.nameByProcess(m_program, m_info.runId);
        m_info.output = m_place.output();
        if (auto written = writeSession(m_session, m_info); !written.ok())
            m_info.notes.push_back(written.error().message);
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
                if (m_options.endOnInterrupt) m_ending.wasTold(monotonicNs());
            }
            if (m_program > 0)
                m_ending.keepTime(m_program, m_info.startMonotonicNs, monotonicNs());
        }
    }

    // The program's end, if it has come.
    void reap(Wait& wait) {
        int status = 0;
        const pid_t ended = waitpid(m_program, &status, WNOHANG);
        if (ended != m_program && !(ended < 0 && errno == ECHILD)) return;
        m_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        noteEnds(wait);  // before the end of the recording: it is not to come first
        m_ending.programEnded(m_program);
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
        m_ending.tell(m_program, m_options.killSignal, now);
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
        auto outcome = finish(m_session, m_info.ringDir, m_place.output(), [&] { return isToStop(wait); });
        if (m_stoppedBy != 0 && !outcome.ok() && m_options.gaveUp) m_options.gaveUp(m_stoppedBy);
        if (!outcome.ok()) return outcome;
        outcome->programStatus = m_status;
        outcome->timedOut = m_ending.timedOut();
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
                    m_place.output(), recoverCommand(m_session, m_place.output())));
            return m_stoppedBy != 0;
        }
        m_stoppedBy = signal;
        return true;
    }

    const RecordOptions& m_options;
    WindowControl m_windows;
    RecordingPlace m_place;
    const std::string& m_session;
    Ending m_ending;
    SessionInfo m_info;
    Control m_control;
    NamedSession m_name;
    RecorderSpool m_spool;
    pid_t m_program = -1;
    int m_status = 0;
    bool m_endsWithProgram = false;  // the recording, not before it
    std::int64_t m_reapedNs = 0;  // when the program was found to have ended
    std::int64_t m_lookedNs = 0;  // for processes that still run
    int m_interruptedBy = 0;
    int m_stoppedBy = 0;  // a signal while the file was made
};

}  // namespace

Result<RecordOutcome> record(const RecordOptions& options) {
    return Recording(options).run();
}

}  // namespace ridge::recorder
