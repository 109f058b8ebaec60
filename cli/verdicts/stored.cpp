// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/verdicts/stored.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <set>

#include "analyzer/regression/read_run.h"
#include "analyzer/regression/sessions.h"
#include "base/file.h"
#include "cli/app/process.h"
#include "cli/verdicts/timelines.h"
#include "reports/verdicts/parts.h"
#include "reports/verdicts/why.h"

namespace ridge::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostExplained = 8;

// A look at the first bytes before a whole trace would be parsed as JSON; a run has its fields in the first kilobytes.
bool isRunFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string head(4096, '\0');
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
    const std::size_t first = head.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || head[first] != '{') return false;
    const bool ours = head.find("\"schema_version\"") != std::string::npos && head.find("\"run\"") != std::string::npos;
    const bool google = head.find("\"context\"") != std::string::npos && head.find("\"num_cpus\"") != std::string::npos;
    return ours || google;
}

std::string folderOf(const analyzer::StoredRun& run) { return fs::path(run.path).parent_path().string(); }

}  // namespace

bool areRuns(const std::vector<std::string>& inputs) {
    if (inputs.empty()) return false;
    return std::all_of(inputs.begin(), inputs.end(), [](const std::string& path) {
        std::error_code ec;
        if (fs::is_directory(path, ec)) return analyzer::runFilesAt(path).ok();
        return fs::is_regular_file(path, ec) && isRunFile(path);
    });
}

Result<std::vector<analyzer::StoredRun>> loadRuns(const std::vector<std::string>& inputs) {
    std::vector<analyzer::StoredRun> runs;
    std::set<std::string> seen;
    for (const std::string& input : inputs) {
        RIDGE_TRY(const std::vector<std::string> files, analyzer::runFilesAt(input));
        for (const std::string& file : files) {
            std::error_code ec;
            if (!seen.insert(fs::weakly_canonical(file, ec).string()).second) continue;
            RIDGE_TRY(analyzer::RunReport run, analyzer::readRun(file));
            runs.push_back({std::move(run), file});
        }
    }
    return runs;
}

void explain(analyzer::Verdicts& v, const std::vector<analyzer::StoredRun>& a, const std::vector<analyzer::StoredRun>& b) {
    std::vector<std::string> changed;
    for (const auto& r : v.results) {
        const bool moved = r.outcome == statistics::Outcome::kRegressed || r.outcome == statistics::Outcome::kImproved;
        if (moved && std::find(changed.begin(), changed.end(), r.benchmark) == changed.end() && changed.size() < kMostExplained) changed.push_back(r.benchmark);
    }
    if (changed.empty()) return;
    const auto withTimelines = [](const std::vector<analyzer::StoredRun>& runs) {
        return std::find_if(runs.begin(), runs.end(), [](const auto& run) { return hasTimelines(folderOf(run)); });
    };
    const auto left = withTimelines(a), right = withTimelines(b);
    if (left == a.end() || right == b.end()) {
        v.notes.push_back(fmt::format("no timelines beside the {}: what moved inside cannot be told", left == a.end() ? "baseline" : "candidate"));
        return;
    }
    const std::vector<std::string> folders{folderOf(*left), folderOf(*right)};
    analyzer::CompareOptions options;
    options.analyze.ceilings = roofsBeside(folders);
    const auto profileA = profilesOf({folders[0]}, options.analyze), profileB = profilesOf({folders[1]}, options.analyze);
    if (!profileA.ok() || !profileB.ok()) {
        v.notes.push_back("the timelines cannot be compared: " + (profileA.ok() ? profileB : profileA).error().message);
        return;
    }
    const analyzer::Comparison comparison = joinedComparison(*profileA, *profileB, options);
    if (comparison.refusal) v.notes.push_back("the timelines cannot be compared: " + comparison.refusal->reason);
    v.why = reports::whyLines(comparison, changed);
    if (!v.why.empty()) v.notes.push_back(fmt::format("why: from the timelines of {} and {}", folders[0], folders[1]));
}

int compareStored(StoredComparison c, const Globals& globals) {
    std::vector<std::string> inputs = c.a;
    inputs.insert(inputs.end(), c.b.begin(), c.b.end());
    if (const Status status = checkReports(c.options, inputs, globals.force); !status.ok()) return fail(status.error());
    const auto rules = rulesOf(c.options);
    if (!rules.ok()) return fail(rules.error());
    const auto a = loadRuns(c.a), b = loadRuns(c.b);
    if (!a.ok()) return fail(a.error());
    if (!b.ok()) return fail(b.error());
    analyzer::Verdicts v = analyzer::judgeStored(analyzer::everySession(*a), analyzer::everySession(*b), {*rules, c.allowed});
    v.labelA = c.a.front() + (c.a.size() > 1 ? fmt::format(" and {} more", c.a.size() - 1) : "");
    v.labelB = c.b.front() + (c.b.size() > 1 ? fmt::format(" and {} more", c.b.size() - 1) : "");
    for (const std::string& argument : globals.arguments) v.reproduce += (v.reproduce.empty() ? "" : " ") + argument;
    {
        const ProgressLine progress(!globals.quiet, "looking into the timelines");
        explain(v, *a, *b);
    }
    if (const Status status = writeReports(c.options, v, globals); !status.ok()) return fail(status.error());
    const int code = exitCodeOf(v, c.options);
    if (!v.comparable()) return fail(code, reports::verdicts::mismatchText(v));
    return code;
}

}  // namespace ridge::cli
