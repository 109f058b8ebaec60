// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a node's acceptance measures, within its budget of seconds: the roofs (a benchmark each, the best sample) and three
// short workloads (the time of each step). Nothing is recorded; each part runs in a process of its own and is ended when
// the budget is.
//
// What came out slow is measured a second time, and the slower of the two no longer counts: its samples stay in the run,
// not valid, with the cause.

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/model/run.h"
#include "cli/health/budget.h"
#include "cli/run/plan.h"

namespace ridge::cli {

// Arithmetic, memory and storage. On a CPU the small model: the other one takes half a minute of a slow one.
inline constexpr std::array<std::string_view, 3> kHealthWorkloadsCpu{"train.single/fp32.small", "infer.decode/fp32", "ckpt.restore"};
inline constexpr std::array<std::string_view, 3> kHealthWorkloadsCuda{"train.single/fp32", "infer.decode/fp32", "ckpt.restore"};
inline constexpr double kRoofShare = 0.16;  // of the budget, for the roofs

class HealthMeasurement {
public:
    // budget outlives it.
    HealthMeasurement(std::string workloadsProgram, std::string backend, std::vector<Variant> variants, const Budget& budget, std::string folder);

    // Every part once. What the budget did not reach is "skipped", with the reason.
    void measureAll();
    // The parts that these benchmarks belong to, as far as there is time; returns the benchmarks that had none.
    std::vector<std::string> measureAgain(const std::vector<std::string>& benchmarks);

    [[nodiscard]] const std::vector<analyzer::RunBenchmark>& benchmarks() const { return m_benchmarks; }

private:
    [[nodiscard]] std::string budgetWasOver() const;
    std::vector<analyzer::RunBenchmark> roofs(std::int64_t process);
    std::vector<analyzer::RunBenchmark> workload(const Variant& variant, std::int64_t process);
    std::vector<analyzer::RunBenchmark> timed(const std::string& part, const std::function<std::vector<analyzer::RunBenchmark>()>& measure);

    std::string m_program, m_backend, m_folder;
    std::vector<Variant> m_variants;
    const Budget& m_budget;
    std::vector<analyzer::RunBenchmark> m_benchmarks;
    std::map<std::string, double> m_seconds;  // that each part took
};

// Of two measurements of a benchmark the better one counts, metric by metric.
void keepBetter(analyzer::RunBenchmark& first, const analyzer::RunBenchmark& again);

}  // namespace ridge::cli
