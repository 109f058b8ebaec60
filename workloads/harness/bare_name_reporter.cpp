// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/bare_name_reporter.h"

#include <cmath>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace ridge::workloads {
namespace {

class BareNameReporter final : public benchmark::BenchmarkReporter {
public:
    BareNameReporter(std::unique_ptr<benchmark::BenchmarkReporter> inner, bool withCounters)
        : m_inner(std::move(inner)), m_withCounters(withCounters) {}

    bool ReportContext(const Context& context) override {
        m_inner->SetOutputStream(&GetOutputStream());
        // Distributions build the library with its assertions, and it warns of itself on every run.
        // A step is timed by the harness' own clock reads, so that says nothing of our numbers; the
        // JSON keeps library_build_type.
        std::ostringstream said;
        m_inner->SetErrorStream(&said);
        const bool goOn = m_inner->ReportContext(context);
        m_inner->SetErrorStream(&GetErrorStream());
        std::istringstream lines(said.str());
        for (std::string line; std::getline(lines, line);)
            if (line.find("Library was built as DEBUG") == std::string::npos)
                GetErrorStream() << line << '\n';
        return goOn;
    }
    void ReportRuns(const std::vector<Run>& runs) override {
        std::vector<Run> renamed = runs;
        for (Run& run : renamed) {
            run.run_name.iterations.clear();
            run.run_name.time_type.clear();
            run.run_name.min_time.clear();
            if (!m_withCounters) run.counters.clear();
            // NaN and infinity are not JSON.
            std::erase_if(run.counters,
                          [](const auto& counter) { return !std::isfinite(counter.second.value); });
        }
        m_inner->ReportRuns(renamed);
    }
    void Finalize() override { m_inner->Finalize(); }

private:
    std::unique_ptr<benchmark::BenchmarkReporter> m_inner;
    bool m_withCounters;
};

}  // namespace

std::unique_ptr<benchmark::BenchmarkReporter> makeBareNameReporter(const std::string& format) {
    std::unique_ptr<benchmark::BenchmarkReporter> inner;
    if (format == "json") {
        inner = std::make_unique<benchmark::JSONReporter>();
    } else if (format == "csv") {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
    "-Wdeprecated-declarations"  // still one of the three formats of the flag
        inner = std::make_unique<benchmark::CSVReporter>();
#pragma GCC diagnostic pop
    } else {
        inner.reset(benchmark::CreateDefaultDisplayReporter());
    }
    // The CSV reporter aborts the program when a row has a counter that the first row had not, and
    // every family here has its own.
    return std::make_unique<BareNameReporter>(std::move(inner), format != "csv");
}

}  // namespace ridge::workloads
