// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A comparison as JUnit XML: a suite per lane, a case for the step and one per class with its difference as output. Two
// recordings decide nothing, so that nothing fails here: what could not be compared is skipped, with the reason.
#include <fmt/format.h>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/comparison/comparison.h"
#include "reports/comparison/parts.h"

namespace ridge::reports {
namespace {

using namespace analyzer;    // NOLINT: this file is about nothing else
using namespace comparison;  // NOLINT: the same

// The reasons stand in attributes; html() leaves nothing in a text that XML reads as markup.
std::string testCase(std::string_view suite, std::string_view name, Ns ns, std::string_view inside) {
    return fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.9f}\">{}</testcase>\n", html(suite), html(name), static_cast<double>(ns) / 1e9, inside);
}

std::string output(std::string_view text) { return fmt::format("<system-out>{}</system-out>", htmlLines(text)); }

std::string suiteOf(const Comparison& c, const LaneComparison& lane) {
    constexpr std::size_t kMostRows = 20;
    const std::string title = laneTitle(c, lane);
    std::string step = headline(lane) + "\n" + caution(lane) + "\n";
    const TopRows top = topRows(lane, kMostRows);
    for (const ComparisonRow* row : top.rows)
        step += fmt::format("{} [{}] {}: {}\n", printable(rowName(*row)), label(row->wallClass), row->change, signedDuration(row->deltaNs));
    if (top.others > 0) step += fmt::format("the other {} rows: {}\n", top.others, signedDuration(top.othersDelta));
    std::string cases = testCase(title, "step", lane.stepB.lengthNs(), output(step));
    for (const ClassDelta& d : lane.classes)
        cases += testCase(title, label(d.wallClass), d.bNs,
                          output(fmt::format("{}: {} -> {} ({} of A's step)", signedDuration(d.deltaNs), formatDuration(d.aNs), formatDuration(d.bNs),
                                             signedShare(d.deltaNs, lane.stepA.lengthNs()))));
    return fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"0\" errors=\"0\" skipped=\"0\">\n{}  </testsuite>\n", html(title), lane.classes.size() + 1, cases);
}

std::string skipped(std::string_view suite, std::string_view name, std::string_view reason) {
    return fmt::format("  <testsuite name=\"{0}\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\">\n    <testcase classname=\"{0}\" name=\"{1}\"><skipped "
                       "message=\"{2}\"/></testcase>\n  </testsuite>\n",
                       html(suite), html(name), html(reason));
}

}  // namespace

std::string renderJunit(const Comparison& c) {
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ridge compare\">\n";
    if (c.refusal) out += skipped("comparison", kRefusalNames[static_cast<std::size_t>(c.refusal->kind)], c.refusal->reason);
    for (const LaneComparison& lane : c.lanes) out += suiteOf(c, lane);
    for (const std::string& name : c.onlyA) out += skipped(name, "step", "only A ran it");
    for (const std::string& name : c.onlyB) out += skipped(name, "step", "only B ran it");
    return out + "</testsuites>\n";
}

}  // namespace ridge::reports
