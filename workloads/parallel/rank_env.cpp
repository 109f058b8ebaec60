// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/rank_env.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>

namespace ridge::workloads {
namespace {

struct Launcher {
    const char* name;
    const char* rank;
    std::array<const char*, 3> sizes;  // the first that is set counts
};

// Open MPI before PMIx: mpirun sets both, and only its own has the size. Slurm last: inside an
// allocation SLURM_PROCID is also set for programs that mpirun starts.
constexpr Launcher kLaunchers[] = {
    {"torchrun", "RANK", {"WORLD_SIZE", nullptr, nullptr}},
    {"openmpi", "OMPI_COMM_WORLD_RANK", {"OMPI_COMM_WORLD_SIZE", nullptr, nullptr}},
    {"pmi", "PMI_RANK", {"PMI_SIZE", nullptr, nullptr}},
    {"pmix", "PMIX_RANK", {"PMIX_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}},
    {"slurm", "SLURM_PROCID", {"SLURM_STEP_NUM_TASKS", nullptr, nullptr}},
};

Result<int> parseCount(const char* variable, const std::string& text, int minimum) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < minimum)
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}={} is not a valid number of ranks", variable, text)};
    return value;
}

std::optional<std::string> fromEnvironment(const char* variable) {
    const char* value = std::getenv(variable);
    if (!value) return std::nullopt;
    return value;
}

}  // namespace

Result<RankInfo> rankFromEnvironment(const EnvironmentLookup& lookup) {
    for (const Launcher& launcher : kLaunchers) {
        const auto rankText = lookup(launcher.rank);
        if (!rankText) continue;
        const char* sizeName = nullptr;
        std::optional<std::string> sizeText;
        for (const char* candidate : launcher.sizes) {
            if (!candidate || sizeText) break;
            sizeText = lookup(candidate);
            sizeName = candidate;
        }
        // A bare RANK is any program's variable; torchrun always sets both. The shell of a batch
        // job has a SLURM_PROCID too, and is no step: one process, whatever the job's number of
        // tasks.
        const std::string_view name = launcher.name;
        if (!sizeText && (name == "torchrun" || name == "slurm")) continue;
        if (!sizeText)
            return Error{ErrorCode::kBadInput,
                         fmt::format("{} is set but {} is not: start under mpirun or srun",
                                     launcher.rank, sizeName)};
        RIDGE_TRY(const int rank, parseCount(launcher.rank, *rankText, 0));
        RIDGE_TRY(const int size, parseCount(sizeName, *sizeText, 1));
        if (rank >= size)
            return Error{ErrorCode::kBadInput, fmt::format("{}={} is not below {}={}",
                                                           launcher.rank, rank, sizeName, size)};
        return RankInfo{rank, size, launcher.name};
    }
    return RankInfo{};
}

Result<RankInfo> rankFromEnvironment() {
    return rankFromEnvironment(fromEnvironment);
}

int ranksOnThisHost(const EnvironmentLookup& lookup, int size) {
    for (const char* variable :
         {"LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"})
        if (const auto text = lookup(variable))
            if (const auto count = parseCount(variable, *text, 1); count.ok() && *count <= size)
                return *count;
    return size;
}

int ranksOnThisHost(int size) {
    return ranksOnThisHost(fromEnvironment, size);
}

}  // namespace ridge::workloads
