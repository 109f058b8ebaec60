// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/mpi_loopback.h"

#include "base/clock.h"
#include "workloads/ceilings/sampling.h"
#include "workloads/parallel/communicator.h"
#include "workloads/parallel/rank_env.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace ridge::workloads {
namespace {

constexpr std::int64_t kPatienceNs = 30'000'000'000;
constexpr std::int64_t kGraceNs = 3'000'000'000;  // between asking a launcher to end and killing it
std::atomic<pid_t> g_launcher{0};
constexpr std::size_t kLatencyBytes = 8;
constexpr std::size_t kBandwidthBytes = std::size_t{4} << 20;

// Both ranks send and receive `bytes`, `times` per sample, until rank 0 has had enough.
Result<Samples> exchanges(Communicator& ranks, std::size_t bytes, int times, double seconds) {
    std::vector<std::byte> out(bytes), in(bytes);
    WatchedSamples watched;
    int count = 0;
    const std::int64_t end = monotonicNs() + static_cast<std::int64_t>(seconds * 1e9);
    const int peer = 1 - ranks.rank();
    for (char more = 1; more != 0;) {
        RIDGE_TRY_STATUS(ranks.barrier());
        watched.begin();
        for (int i = 0; i < times; ++i)
            RIDGE_TRY_STATUS(ranks.sendReceive(out, peer, in, peer, "ceilings.exchange"));
        watched.end();
        ++count;
        more = count <= kMinSamples || (count < kMaxSamples && monotonicNs() < end) ? 1 : 0;
        RIDGE_TRY_STATUS(ranks.controlBroadcast(&more, 1, 0));
    }
    Samples samples = watched.finish(1);  // connections and first touch
    // Of each sample what the rank lost that lost most.
    std::vector<Sample> peers = samples.each;
    RIDGE_TRY_STATUS(ranks.controlBroadcast(peers.data(), peers.size() * sizeof(Sample), 1));
    char realtime = samples.realtimeGaps ? 1 : 0;
    RIDGE_TRY_STATUS(ranks.controlBroadcast(&realtime, 1, 1));
    samples.realtimeGaps = samples.realtimeGaps && realtime != 0;
    for (std::size_t i = 0; i < peers.size(); ++i) {
        samples.each[i].gapShare = std::max(samples.each[i].gapShare, peers[i].gapShare);
        samples.each[i].waitShare = std::max(samples.each[i].waitShare, peers[i].waitShare);
    }
    return samples;
}

void print(const char* what, double amount, const Samples& samples) {
    std::string line = fmt::format("{} {} {}", what, amount, samples.realtimeGaps ? "host" : "any");
    for (const Sample& each : samples.each) line += fmt::format(" {:.9g}:{:.6g}:{:.6g}", each.seconds, each.gapShare, each.waitShare);
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

// mpirun with two of this program, in a process group of its own; its output goes to `output`. No
// such program, or no process: 0.
pid_t startMpirun(int output, double seconds) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return 0;
    std::vector<std::string> words{
        "mpirun", "--oversubscribe", "-n",
        "2",      self.string(),     fmt::format("--ceilings-loopback={:.3f}", seconds)};
    // Open MPI asks root to mean it; over few cores it has to be told too.
    std::vector<std::string> settings{"OMPI_ALLOW_RUN_AS_ROOT=1",
                                      "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"};
    std::vector<char*> arguments, environment;
    for (std::string& word : words) arguments.push_back(word.data());
    for (std::string& setting : settings) environment.push_back(setting.data());
    for (char** each = environ; *each != nullptr; ++each) environment.push_back(*each);
    arguments.push_back(nullptr);
    environment.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t how;
    posix_spawnattr_init(&how);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    pid_t child = 0;
    if (::posix_spawnp(&child, "mpirun", &files, &how, arguments.data(), environment.data()) != 0)
        child = 0;
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return child;
}

// One that is asked to end removes what its ranks share in /dev/shm; killed, it would leave it
// there.
void waitForLauncher(pid_t child, bool ask) {
    if (ask) ::kill(-child, SIGTERM);
    const std::int64_t end = monotonicNs() + kGraceNs;
    pid_t ended = 0;
    while (ended == 0 && (!ask || monotonicNs() < end)) {
        ended = ::waitpid(child, nullptr, ask ? WNOHANG : 0);
        if (ended < 0 && errno == EINTR) ended = 0;
        if (ended == 0) ::poll(nullptr, 0, 5);
    }
    if (ended == 0) {
        ::kill(-child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }
    g_launcher = 0;
}

// Everything until the end of the file or of patience; in the latter case nothing.
std::string readAll(int file) {
    std::string text;
    const std::int64_t end = monotonicNs() + kPatienceNs;
    for (;;) {
        const std::int64_t left = (end - monotonicNs()) / 1'000'000;
        pollfd waiting{file, POLLIN, 0};
        if (left <= 0) return {};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return {};
        char piece[4096];
        const ssize_t got = ::read(file, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return text;
        text.append(piece, static_cast<std::size_t>(got));
        if (text.size() > (std::size_t{1} << 20)) return {};
    }
}

}  // namespace

void endLoopback() {
    if (const pid_t launcher = g_launcher; launcher > 0) ::kill(-launcher, SIGTERM);
}

Status runLoopbackRank(const RankInfo& rank, double seconds) {
    if (rank.size != 2)
        return Error{ErrorCode::kBadInput, "--ceilings-loopback is for two ranks of mpirun"};
    RIDGE_TRY(const auto ranks, startMpi(rank));
    RIDGE_TRY(const auto small, exchanges(*ranks, kLatencyBytes, 20, seconds / 2));
    RIDGE_TRY(const auto large, exchanges(*ranks, kBandwidthBytes, 2, seconds / 2));
    if (rank.rank == 0) {
        print("latency", 20, small);
        print("bandwidth", 2.0 * kBandwidthBytes, large);
    }
    return ranks->barrier();
}

std::vector<LoopbackLine> parseLoopback(std::string_view text) {
    std::vector<LoopbackLine> lines;
    std::istringstream stream{std::string(text)};
    for (std::string line; std::getline(stream, line);) {
        std::istringstream words(line);
        LoopbackLine parsed;
        std::string gaps;
        if (!(words >> parsed.what >> parsed.amount >> gaps) ||
            (parsed.what != "latency" && parsed.what != "bandwidth") || (gaps != "host" && gaps != "any"))
            continue;
        parsed.samples.realtimeGaps = gaps == "host";
        const auto isShare = [](double share) { return share >= 0 && share <= 1; };
        bool good = parsed.amount > 0 && std::isfinite(parsed.amount);
        Sample sample;
        for (char colon = 0, second = 0; words >> sample.seconds >> colon >> sample.gapShare >> second >> sample.waitShare;) {
            good = good && sample.seconds > 0 && std::isfinite(sample.seconds) && colon == ':' && second == ':' &&
                   isShare(sample.gapShare) && isShare(sample.waitShare);
            parsed.samples.each.push_back(sample);
        }
        if (good && words.eof() && !parsed.samples.each.empty()) lines.push_back(std::move(parsed));
    }
    return lines;
}

void measureMpi(double budget, Ceilings& out) {
    const auto rank = rankFromEnvironment();
    if (!rank.ok() || rank->size > 1) {
        out.notes.push_back("no MPI loop-back roof: this process is a rank itself");
        return;
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        out.notes.push_back(fmt::format("no MPI loop-back roof: {}", std::strerror(errno)));
        return;
    }
    const ClockState before = readClock();
    const pid_t child = startMpirun(ends[1], std::max(0.1, budget));
    g_launcher = child;
    ::close(ends[1]);
    const std::string text = child > 0 ? readAll(ends[0]) : std::string();
    ::close(ends[0]);
    if (child > 0) waitForLauncher(child, /*ask=*/text.empty());
    const ClockState after = readClock();
    auto lines = parseLoopback(text);
    for (LoopbackLine& line : lines) {
        const bool latency = line.what == "latency";
        Roof roof =
            latency ? roofOf("network", "mpi_loopback.latency", "s",
                             "two ranks under mpirun exchange 8 bytes, each sending and receiving")
                    : roofOf("network", "mpi_loopback.bandwidth", "B/s",
                             "two ranks under mpirun exchange 4 MiB; bytes of one direction");
        line.samples.before = before;
        line.samples.after = after;
        fillRoof(roof, line.samples, line.amount);
        out.roofs.push_back(std::move(roof));
    }
    if (lines.empty())
        out.notes.push_back(
            "no MPI loop-back roof: mpirun did not start two ranks of this program");
}

}  // namespace ridge::workloads
