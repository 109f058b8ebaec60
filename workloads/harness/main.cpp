// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge-workloads: the reference workloads as a Google Benchmark program.
#include "base/file.h"
#include "workloads/ceilings/ceilings.h"
#include "workloads/ceilings/mpi_loopback.h"
#include "workloads/harness/context.h"
#include "workloads/harness/describe.h"
#include "workloads/harness/options.h"
#include "workloads/harness/runner.h"
#include "workloads/ops/cpu/threads.h"
#include "workloads/ops/cuda/cuda_operators.h"
#include "workloads/parallel/communicator.h"
#include "workloads/parallel/rank_env.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>
#include <unistd.h>

namespace {

namespace rw = ridge::workloads;

int report(const ridge::Error& error) {
    std::cout.flush();
    fmt::print(stderr, "ridge-workloads: {}\n", error.message);
    return ridge::exitCodeFor(error.code);
}

// Set before the folder goes: whatever the workload then fails of is not its own doing, and the
// exit code is the signal's.
std::atomic<bool> g_interrupted{false};

int waitIfInterrupted(int code) {
    while (g_interrupted) std::this_thread::sleep_for(std::chrono::seconds(1));  // ended by _Exit
    return code;
}

// SIGINT and SIGTERM are taken by a thread of their own, because removing a folder is nothing for a
// signal handler. Called before any other thread exists, so that all inherit the mask.
void removeFolderOnSignal(rw::DataFolder& folder) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::thread([signals, &folder] {
        int number = 0;
        while (sigwait(&signals, &number) != 0) {
        }
        g_interrupted = true;
        std::fflush(nullptr);
        rw::endLoopback();
        folder.removeForGood();
        std::_Exit(128 + number);
    }).detach();
}

// oneDNN brings an OpenMP runtime; which one is its packager's choice, hence by name.
ridge::Status setLibraryThreads(int threads) {
    using Set = void (*)(int);
    const auto call = [](const char* name, int value) {
        if (const auto set = reinterpret_cast<Set>(::dlsym(RTLD_DEFAULT, name))) set(value);
    };
    call("omp_set_dynamic", 0);  // OMP_DYNAMIC: as many as it sees fit
    call("omp_set_num_threads", threads);
    if (const int started = threads > 1 ? rw::cpu::startedThreads(threads) : 1; started < threads)
        return ridge::Error{ridge::ErrorCode::kBadInput,
                            fmt::format("{} threads are asked for and OpenMP starts {}: does "
                                        "OMP_THREAD_LIMIT say so?",
                                        threads, started)};
    return {};
}

void initializeBenchmark(const std::vector<std::string>& given) {
    static std::vector<std::string>
        arguments;  // Google Benchmark keeps a pointer to the program's name
    arguments = given;
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    int count = static_cast<int>(pointers.size());
    pointers.push_back(nullptr);
    benchmark::Initialize(&count, pointers.data());
    if (benchmark::ReportUnrecognizedArguments(count, pointers.data()))
        std::exit(ridge::exitCodeFor(ridge::ErrorCode::kBadInput));
}

int measureCeilings(const rw::Options& options, rw::DataFolder& data) {
    const rw::Ceilings ceilings = rw::measureCeilings({options.ceilingsBudget, options.threads,
                                                       [&data] { return data.path(); },
                                                       options.backend == rw::BackendKind::kCuda});
    const std::string text = rw::toJson(ceilings);
    for (const std::string& note : ceilings.notes)
        fmt::print(stderr, "ridge-workloads: {}\n", note);
    if (options.ceilingsFile.empty()) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        return 0;
    }
    const ridge::Status written = ridge::writeFileAtomically(options.ceilingsFile, text);
    return written.ok() ? 0 : report(written.error());
}

// Google Benchmark leaves with 1, a regression's code, where it cannot open its file.
ridge::Status canBeWritten(const std::string& file) {
    if (file.empty()) return {};
    std::error_code ignored;
    const bool isThere = std::filesystem::exists(file, ignored);
    const auto folder = std::filesystem::path(file).parent_path();
    const std::string where = isThere ? file : folder.empty() ? "." : folder.string();
    if (std::filesystem::is_directory(file, ignored) || ::access(where.c_str(), W_OK) != 0)
        return ridge::Error{ridge::ErrorCode::kBadInput,
                            fmt::format("--benchmark_out={}: cannot be written", file)};
    return {};
}

// More threads than CPUs take turns: what is measured then is the scheduler.
void warnOfThreads(int threads) {
    const auto cpus = static_cast<int>(std::thread::hardware_concurrency());
    if (cpus > 0 && threads > cpus)
        fmt::print(
            stderr,
            "ridge-workloads: --threads={}: this process may use {} CPU{}; threads will take "
            "turns\n",
            threads, cpus, cpus == 1 ? "" : "s");
}

// What only making the operators can tell: a driver without cuBLASLt beside it runs nothing.
int checkBackend(rw::BackendKind backend) {
    if (backend == rw::BackendKind::kCpu) return 0;
    const auto operators = rw::makeCudaOperators();
    return operators.ok() ? 0 : report(operators.error());
}

int runWorkloads(const rw::Options& options, std::vector<std::size_t> selected,
                 const rw::RankInfo& rank, rw::DataFolder& data) {
    std::unique_ptr<rw::Communicator> communicator;
    if (rank.size > 1) {
        auto started = rw::startTransport(rank, options.transport);
        if (!started.ok()) return report(started.error());
        communicator = std::move(*started);
    }
    rw::setRunContext({&data, communicator.get(), options.threads});
    rw::Runner runner(rw::allWorkloads(options.backend), std::move(selected), options,
                      communicator.get());
    if (rank.rank > 0) {
        const ridge::Status followed = runner.follow();
        return followed.ok() ? 0 : report(followed.error());
    }
    benchmark::AddCustomContext("ridge_threads", std::to_string(options.threads));
    benchmark::AddCustomContext("ridge_ranks", std::to_string(rank.size));
    if (communicator) benchmark::AddCustomContext("ridge_transport", options.transport);
    const int code = rw::exitCodeOf(runner.lead());
    if (!options.resultFile.empty())
        if (const ridge::Status written = runner.writeResult(options.resultFile); !written.ok())
            return report(written.error());
    return code;
}

int run(const std::vector<std::string>& arguments) {
    auto options = rw::parseOptions(arguments);
    if (!options.ok()) return report(options.error());
    if (options->help) {
        std::cout << rw::helpText() << std::flush;
        initializeBenchmark({arguments[0], "--help"});  // prints its own flags and leaves with 0
        return 0;
    }
    initializeBenchmark(options->benchmarkArguments);
    const auto& specs = rw::allWorkloads(options->backend);
    auto selected = rw::selectSpecs(specs, benchmark::GetBenchmarkFilter());
    if (!selected.ok()) return report(selected.error());
    if (options->checkBackend) return checkBackend(options->backend);
    if (options->describe) {
        std::cout << rw::describe(specs, *selected) << std::flush;
        return 0;
    }
    if (options->list) {
        std::cout << rw::listing(specs, *selected, options->brief) << std::flush;
        return 0;
    }
    if (options->listTests) {
        for (const std::size_t index : *selected) std::cout << specs[index].name << '\n';
        std::cout.flush();
        return 0;
    }
    const auto rank = rw::rankFromEnvironment();
    if (!rank.ok()) return report(rank.error());
    if (options->loopbackSeconds > 0) {
        const ridge::Status ran = rw::runLoopbackRank(*rank, options->loopbackSeconds);
        return ran.ok() ? 0 : report(ran.error());
    }
    if (rank->rank == 0)
        if (const ridge::Status out = canBeWritten(options->benchmarkOut); !out.ok())
            return report(out.error());
    // Whether it can be written is for the workloads that do; one that is not there is a slip.
    if (std::error_code ignored;
        !options->dataDir.empty() && !std::filesystem::is_directory(options->dataDir, ignored))
        return report({ridge::ErrorCode::kBadInput,
                       fmt::format("--data-dir={}: no such folder", options->dataDir)});
    static rw::DataFolder data(options->dataDir);  // the thread that waits for signals outlives us
    removeFolderOnSignal(data);
    // A file that may not grow is an error of its write, which knows what it was and cleans up.
    std::signal(SIGXFSZ, SIG_IGN);
    warnOfThreads(options->threads);
    if (const ridge::Status set = setLibraryThreads(options->threads); !set.ok())
        return report(set.error());
    if (options->ceilings) return measureCeilings(*options, data);
    return runWorkloads(*options, std::move(*selected), *rank, data);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return waitIfInterrupted(run({argv, argv + argc}));
    } catch (const std::exception& error) {
        waitIfInterrupted(0);
        // A rank that simply left would leave the others waiting: mpirun ends them when it sees the
        // code.
        std::cout.flush();
        fmt::print(stderr, "ridge-workloads: {}\n", error.what());
        return ridge::exitCodeFor(ridge::ErrorCode::kInternal);
    }
}
