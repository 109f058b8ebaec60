// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// JUnit XML, as GitLab, Jenkins and GitHub's actions read it: a case per metric. Numbers stand in the texts, since GitLab
// ignores attributes of suites and properties. Names are unique: a metric of a benchmark occurs once.
#include <fmt/format.h>

#include "reports/common/escape.h"
#include "reports/verdicts/parts.h"
#include "reports/verdicts/verdicts.h"

namespace ridge::reports {
namespace {

using statistics::Outcome;
using namespace verdicts;  // NOLINT: this file is about nothing else

struct Counts {
    std::size_t tests = 0, failures = 0, errors = 0, skipped = 0;
};

double seconds(const analyzer::MetricVerdict& r) {
    if (!r.candidate) return 0;
    return r.unit == "ns" ? *r.candidate / 1e9 : r.unit == "s" ? *r.candidate : 0;
}

std::string numbers(const analyzer::MetricVerdict& r) {
    return fmt::format("{}: {} -> {} ({}, 99 % interval {}; n {} + {}; p {}){}", nameOf(r), valueText(r.baseline, r.unit), valueText(r.candidate, r.unit), changeText(r.ratio), intervalText(r),
                       r.baselineValues.size(), r.candidateValues.size(), r.p ? fmt::format("{:.3g}", *r.p) : "-", reasonText(r).empty() ? "" : "; " + reasonText(r));
}

std::string caseOf(const analyzer::MetricVerdict& r, bool failInconclusive, Counts& counts) {
    ++counts.tests;
    const std::string text = numbers(r);
    std::string inside;
    if (r.outcome == Outcome::kRegressed || (r.outcome == Outcome::kInconclusive && failInconclusive)) {
        ++counts.failures;
        inside = fmt::format("<failure type=\"{}\" message=\"{}\">{}</failure>", r.outcome == Outcome::kRegressed ? "regression" : "inconclusive", html(text), html(text));
    } else if (r.outcome == Outcome::kInconclusive) {
        ++counts.skipped;
        inside = fmt::format("<skipped message=\"{}\"/>", html("inconclusive: " + text));
    }
    if (r.outcome != Outcome::kRegressed) inside += fmt::format("<system-out>{}</system-out>", html(fmt::format("{}: {}", name(r.outcome), text)));
    return fmt::format("    <testcase name=\"{}\" classname=\"{}\" time=\"{:.9f}\">{}</testcase>\n", html(r.metric), html(r.benchmark.empty() ? "ridge" : r.benchmark), seconds(r), inside);
}

std::string special(const std::string& name, const std::string& inside) {
    return fmt::format("    <testcase name=\"{}\" classname=\"ridge\" time=\"0\">{}</testcase>\n", html(name), inside);
}

}  // namespace

std::string renderJunit(const analyzer::Verdicts& v, bool failInconclusive) {
    Counts counts;
    std::string cases;
    for (const auto& r : v.results) cases += caseOf(r, failInconclusive, counts);
    if (const std::string mismatch = mismatchText(v); !mismatch.empty()) {
        ++counts.tests, ++counts.errors;
        cases += special("environment", fmt::format("<error type=\"environment\" message=\"{0}\">{0}</error>", html(mismatch)));
    }
    for (const auto& failed : v.failed) {
        ++counts.tests, ++counts.errors;
        cases += special("measurement of " + failed.substr(0, failed.find(':')), fmt::format("<error type=\"measurement\" message=\"{0}\">{0}</error>", html(failed)));
    }
    for (const auto& missing : v.missing) {
        ++counts.tests, ++counts.skipped;
        cases += special(missing, "<skipped message=\"only the baseline has it\"/>");
    }
    const std::string attributes = fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"", counts.tests, counts.failures, counts.errors, counts.skipped);
    std::string out = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ridge {0}\" {1}>\n  <testsuite name=\"ridge {0}\" {1}>\n", html(v.title), attributes);
    out += fmt::format("    <properties><property name=\"method\" value=\"{}\"/><property name=\"summary\" value=\"{}\"/></properties>\n", html(methodText(v)), html(summaryText(v)));
    return out + cases + "  </testsuite>\n</testsuites>\n";
}

}  // namespace ridge::reports
