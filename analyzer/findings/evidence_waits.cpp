// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What a GPU waits for its host: the sums of the classes that splitGap() cuts every gap into, and the query that cuts them so.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/evidence_sql.h"

namespace ridge::analyzer {
namespace {

// gap: idle from a to b, ended by the row that was launched last of those that begin at b; that launch, and its thread.
// part: the gap in a step, from x to y; l: where the launch begins in it. Flushes of the collector are cut out of the steps.
constexpr std::string_view kGaps =
    "WITH busy AS ({rows}), seen AS (SELECT start, MAX(end) OVER (ORDER BY start, end ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before "
    "FROM busy), launched AS (SELECT correlationId AS id, globalTid / 0x1000000 AS process, MIN(start) AS ls, globalTid AS tid FROM "
    "CUPTI_ACTIVITY_KIND_RUNTIME WHERE end >= start AND correlationId <> 0 GROUP BY 1, 2), gap AS (SELECT g.before AS a, g.start AS b, "
    "MAX(c.ls) AS ls, c.tid AS tid FROM seen g JOIN busy r ON r.start = g.start JOIN launched c ON c.id = r.correlationId AND c.process = "
    "r.globalPid / 0x1000000 WHERE g.start > g.before GROUP BY g.before, g.start), piece(x, y) AS (VALUES {pieces}), part AS (SELECT a, b, ls, "
    "MIN(ls, b) AS l, x, y FROM gap JOIN piece ON a < y AND b > x)";

// own: the steps of each thread that launches, without its I/O, which goes before its calls. stretch: what of a gap lies
// before its launch, in these. spent: per call of a thread, nested ones taken together, all of them (k = 0) and those that
// wait for the device (k = 1). point: where these begin and end, and where stretches do; what a thread spent in calls until
// a point is the sum of the ends less the sum of the beginnings before it.
constexpr std::string_view kCalls =
    ", own(tid, x, y) AS (VALUES {own}), stretch AS (SELECT g.tid AS tid, MAX(g.a, o.x) AS f, MIN(g.ls, g.b, o.y) AS t FROM gap g JOIN own o ON o.tid "
    "= g.tid WHERE g.ls > g.a AND MAX(g.a, o.x) < MIN(g.ls, g.b, o.y)), called AS (SELECT r.globalTid AS "
    "tid, r.start AS f, r.end AS t, 0 AS k FROM CUPTI_ACTIVITY_KIND_RUNTIME r WHERE r.end > r.start UNION ALL SELECT r.globalTid, r.start, r.end, 1 "
    "FROM CUPTI_ACTIVITY_KIND_RUNTIME r JOIN StringIds s ON s.id = r.nameId WHERE r.end > r.start AND {blocking}), nested AS (SELECT *, MAX(t) OVER "
    "(PARTITION BY k, tid ORDER BY f, t ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM called), spent AS (SELECT tid, k, "
    "MAX(f, COALESCE(before, f)) AS f, t FROM nested WHERE before IS NULL OR t > before), point AS (SELECT tid, k, f AS at, -f AS sum, 1 AS open, 0 "
    "AS sign FROM spent UNION ALL SELECT tid, k, t, t, -1, 0 FROM spent UNION ALL SELECT tid, k, f, 0, 0, -1 FROM stretch JOIN (SELECT 0 AS k UNION "
    "ALL SELECT 1) UNION ALL SELECT tid, k, t, 0, 0, 1 FROM stretch JOIN (SELECT 0 AS k UNION ALL SELECT 1)), until AS (SELECT k, sign, SUM(sum) OVER "
    "w + at * SUM(open) OVER w AS ns FROM point WINDOW w AS (PARTITION BY k, tid ORDER BY at)), calls AS (SELECT COALESCE(SUM(CASE k WHEN 0 THEN sign "
    "* ns END), 0) AS every, COALESCE(SUM(CASE k WHEN 1 THEN sign * ns END), 0) AS blocking FROM until)";

// What one class is the sum of, of the tables above.
std::string sqlOf(WallClass c, const AnalyzeOptions& options) {
    switch (c) {
        case WallClass::kLaunch:
            return fmt::format("(SELECT COALESCE(SUM(MIN(b, y) - MAX(l, x)), 0) FROM part WHERE ls > a AND b - l <= {:.0f} AND MIN(b, y) > MAX(l, x))", options.pendingNs);
        case WallClass::kKernelGap:
            return fmt::format("(SELECT COALESCE(SUM(MIN(b, y) - MAX(a, x)), 0) FROM part WHERE ls <= a AND b - a < {:.0f})", options.gapNs);
        case WallClass::kApi: return "(SELECT every - blocking FROM calls)";
        case WallClass::kHost: return "(SELECT COALESCE(SUM(t - f), 0) FROM stretch) - (SELECT every FROM calls)";
        default: return {};
    }
}

// "(thread, from, to), ...": the pieces less the I/O of each thread that launches rows of the GPU; nothing: too many.
std::optional<std::string> ownTimes(const RuleInput& input, const GpuPartition& gpu, const IntervalSet& pieces) {
    constexpr std::size_t kMost = 400;
    const Timeline& timeline = input.context.timeline;
    std::map<std::int32_t, std::vector<Interval>> io;  // of the threads that launch
    for (const std::int32_t r : gpu.rows) {
        const std::int32_t call = timeline.gpu[static_cast<std::size_t>(r)].launch;
        if (call != kNoIndex) io[timeline.calls[static_cast<std::size_t>(call)].thread];
    }
    for (const IoInterval& i : input.context.io)
        if (const auto it = io.find(i.thread); it != io.end()) it->second.push_back({i.start, i.end});
    std::string list;
    std::size_t count = 0;
    for (auto& [thread, intervals] : io)
        for (const Interval& own : subtract(pieces, normalize(std::move(intervals)))) {
            if (++count > kMost) return std::nullopt;
            list += fmt::format("{}({}, {}, {})", list.empty() ? "" : ", ", timeline.threads[static_cast<std::size_t>(thread)].globalTid, own.start, own.end);
        }
    return list.empty() ? std::string("(NULL, 0, 0)") : list;
}

}  // namespace

Proof waitTime(const RuleInput& input, const RuleInput::WorstGpu& worst, std::span<const WallClass> classes, std::string name) {
    const GpuPartition& gpu = input.context.gpus[worst.gpu];
    IntervalSet flushes;
    for (const auto& [start, end] : input.context.timeline.flushes) flushes.push_back({start, end});
    const IntervalSet inside = subtract(worst.own.windows, normalize(std::move(flushes)));
    const auto pieces = sqlPieces(inside);
    const bool calls = std::any_of(classes.begin(), classes.end(), [](WallClass c) { return c == WallClass::kApi || c == WallClass::kHost; });
    const auto own = calls ? ownTimes(input, gpu, inside) : std::string();
    std::string sql;
    if (pieces && own) {
        sql = fmt::format(fmt::runtime(kGaps), fmt::arg("rows", sqlRows(input, worst.gpu, "end > start", "start, end, correlationId, globalPid")),
                          fmt::arg("pieces", *pieces));
        if (calls) sql += fmt::format(fmt::runtime(kCalls), fmt::arg("own", *own), fmt::arg("blocking", kBlockingName));
        std::string sum;
        for (const WallClass c : classes) sum += (sum.empty() ? "" : " + ") + sqlOf(c, input.context.options);
        sql += " SELECT " + sum;
    }
    Proof out = makeProof(input, std::move(name), static_cast<double>(worst.ns), "ns", std::move(sql));
    if (!pieces || !own) {
        std::string named;
        for (const WallClass c : classes) named += (named.empty() ? "" : ", ") + words(ridge::name(c));
        out.note = fmt::format("no query: steps, flushes and I/O lie in too many pieces to list them; the number is the time of {} in the steps of this GPU", named);
    }
    return out;
}

}  // namespace ridge::analyzer
