// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/history/check.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <regex>

#include "analyzer/regression/sessions.h"

namespace ridge::analyzer {
namespace {

using Kind = SeriesFinding::Kind;

constexpr std::int64_t kLooked = 60;  // points of a series, at most

struct Costs {
    std::vector<double> values;
    std::vector<HistoryPoint> points;
};

// Points whose value has a logarithm.
Costs costsOf(const std::vector<HistoryPoint>& points, const std::string& direction) {
    Costs out;
    for (const HistoryPoint& p : points)
        if (const auto cost = costOf(p.value, direction)) {
            out.values.push_back(*cost);
            out.points.push_back(p);
        }
    return out;
}

double ratioOf(double shift, const std::string& direction) { return std::exp(direction == "higher" ? -shift : shift); }
std::string percent(double ratio) { return fmt::format("{:+.1f} %", 100 * (ratio - 1)); }

class Checker {
public:
    Checker(History& history, const CheckOptions& options) : m_history(history), m_options(options) {}

    Result<HistoryCheck> run() {
        RIDGE_TRY(const HistoryRun newest, m_history.newestRun());
        m_check.newestRun = newest.runId;
        m_check.at = timeText(newest.at);
        RIDGE_TRY(m_changes, m_history.changePoints());
        RIDGE_TRY(m_pins, m_history.pins());
        RIDGE_TRY(const std::vector<Series> all, m_history.series());
        const std::regex filter(m_options.filter.empty() ? "" : m_options.filter);
        std::vector<Series> chosen;
        for (const Series& s : all)
            if (m_options.filter.empty() || std::regex_search(s.name(), filter)) chosen.push_back(s);
        m_check.series = chosen.size();
        for (const Series& s : chosen) RIDGE_TRY_STATUS(judge(s, newest));
        RIDGE_TRY_STATUS(drift());
        confirmSuspects();
        RIDGE_TRY_STATUS(finish());
        return std::move(m_check);
    }

private:
    struct Judged {
        Series series;
        Costs costs;  // of the segment
    };

    std::int64_t segmentStart(SeriesId id) const {
        std::int64_t start = INT64_MIN;
        for (const ChangePoint& c : m_changes)
            if (c.accepted() && c.series.environment == id.environment && c.series.metric == id.metric) start = std::max(start, c.at);
        return start;
    }

    Status judge(const Series& series, const HistoryRun& newest) {
        RIDGE_TRY(const std::vector<HistoryPoint> points, m_history.points(series.id, segmentStart(series.id), kLooked));
        if (points.empty() || points.back().at < newest.at) {
            ++m_check.notInNewest;
            return {};
        }
        Costs costs = costsOf(points, series.direction);
        if (costs.values.size() < statistics::kLeastGatePoints + 1) {
            ++m_check.shortSeries;
            return {};
        }
        ++m_check.judged;
        const std::span<const double> values(costs.values);
        if (const auto scan = statistics::rankScan(values); scan && scan->change) {
            const HistoryPoint& first = costs.points[costs.points.size() - scan->after];
            const double ratio = ratioOf(scan->shift, series.direction);
            m_check.findings.push_back({scan->worse ? Kind::kRegressed : Kind::kImproved, series, ratio, std::nullopt, 0, "",
                                        fmt::format("{} since {} ({} runs on the new level; rank scan {:.2f} beyond {:.2f})", percent(ratio), timeText(first.at), scan->after, std::abs(scan->z), scan->critical)});
            m_found.push_back({first, m_check.findings.size() - 1});
        } else if (const auto gate = statistics::gate(values.first(values.size() - 1), values.back()); gate && gate->suspect) {
            const double ratio = ratioOf(values.back() - gate->centre, series.direction);
            m_check.findings.push_back({Kind::kSuspect, series, ratio, std::nullopt, 0, m_check.newestRun,
                                        fmt::format("{} in the newest run, beyond {} of the {} before it; {} fresh sessions would tell", percent(ratio), percent(ratioOf(gate->limit, series.direction)), gate->points,
                                                    statistics::kFreshSessions)});
        }
        m_judged.push_back({series, std::move(costs)});
        return {};
    }

    // The newest five sessions against the twenty up to the pinned run. All series of the check share alpha.
    Status drift() {
        struct Candidate {
            const Judged* judged;
            const Pin* pin;
            std::vector<double> reference, newest;
        };
        std::vector<Candidate> candidates;
        for (const Judged& j : m_judged)
            for (const Pin& pin : m_pins) {
                if (pin.environment != j.series.id.environment) continue;
                RIDGE_TRY(const auto before, m_history.pointsUntil(j.series.id, pin.at, static_cast<std::int64_t>(statistics::kGatePoints)));
                RIDGE_TRY(const auto after, m_history.points(j.series.id, pin.at + 1, static_cast<std::int64_t>(statistics::kFreshSessions)));
                Candidate c{&j, &pin, costsOf(before, j.series.direction).values, costsOf(after, j.series.direction).values};
                if (c.reference.size() >= statistics::kLeastGatePoints && c.newest.size() == statistics::kFreshSessions) candidates.push_back(std::move(c));
            }
        for (const Candidate& c : candidates) {
            const auto test = statistics::freshTest(c.reference, c.newest, m_options.alpha / static_cast<double>(candidates.size()));
            if (!test.confirmed) continue;
            const double ratio = ratioOf(test.shift, c.judged->series.direction);
            m_check.findings.push_back({Kind::kDrift, c.judged->series, ratio, test.p, 0, c.pin->runId, fmt::format("{} against the {} sessions up to the pinned run {} (p {:.2g})", percent(ratio), c.reference.size(), c.pin->runId, test.p)});
        }
        return {};
    }

    void confirmSuspects() {
        const auto suspects = static_cast<double>(std::count_if(m_check.findings.begin(), m_check.findings.end(), [](const auto& f) { return f.kind == Kind::kSuspect; }));
        if (m_options.fresh.empty() || suspects == 0) return;
        for (SeriesFinding& f : m_check.findings) {
            if (f.kind != Kind::kSuspect) continue;
            const auto judged = std::find_if(m_judged.begin(), m_judged.end(), [&](const Judged& j) { return j.series.id.metric == f.series.id.metric && j.series.id.environment == f.series.id.environment; });
            std::vector<StoredRun> own;
            for (const StoredRun& r : m_options.fresh)
                if (r.run.environmentKey == f.series.environmentKey) own.push_back(r);
            std::vector<double> fresh;
            for (const double value : sessionMedians(own, f.series.benchmark, f.series.metric))
                if (const auto cost = costOf(value, f.series.direction)) fresh.push_back(*cost);
            const std::span<const double> history(judged->costs.values);
            const auto test = statistics::freshTest(history.first(history.size() - 1), fresh, m_options.alpha / suspects);
            f.p = test.p;
            if (fresh.size() < statistics::kFreshSessions) {
                f.text += fmt::format("; only {} fresh sessions of this environment were given", fresh.size());
            } else if (test.confirmed) {
                f.kind = Kind::kRegressed;
                f.ratio = ratioOf(test.shift, f.series.direction);
                f.text = fmt::format("{} in {} fresh sessions against the {} before (p {:.2g})", percent(*f.ratio), fresh.size(), std::min(history.size() - 1, statistics::kGatePoints), test.p);
                m_found.push_back({judged->costs.points.back(), static_cast<std::size_t>(&f - m_check.findings.data())});
                m_fromFresh.push_back(m_found.size() - 1);
            } else {
                f.text += fmt::format("; {} fresh sessions do not confirm it (p {:.2g})", fresh.size(), test.p);
            }
        }
    }

    // Change points that are new are stored; one that stands there unaccepted keeps its number.
    Status finish() {
        for (std::size_t i = 0; i < m_found.size(); ++i) {
            SeriesFinding& f = m_check.findings[m_found[i].second];
            const HistoryPoint& first = m_found[i].first;
            const auto known = std::find_if(m_changes.begin(), m_changes.end(), [&](const ChangePoint& c) {
                return !c.accepted() && c.series.environment == f.series.id.environment && c.series.metric == f.series.id.metric && c.worse == (f.kind == Kind::kRegressed);
            });
            if (known != m_changes.end()) {
                f.changePoint = known->id;
            } else if (m_options.store) {
                ChangePoint c;
                c.at = first.at;
                c.run = first.run;
                c.series = f.series.id;
                c.worse = f.kind == Kind::kRegressed;
                c.ratio = f.ratio;
                c.foundBy = std::find(m_fromFresh.begin(), m_fromFresh.end(), i) != m_fromFresh.end() ? "fresh" : "scan";
                if (!c.worse && m_options.acceptImprovements) c.acceptedBy = "automatic";
                RIDGE_TRY(f.changePoint, m_history.addChangePoint(c));
            }
            RIDGE_TRY(f.since, runName(first.run));
        }
        std::stable_sort(m_check.findings.begin(), m_check.findings.end(), [](const SeriesFinding& a, const SeriesFinding& b) { return order(a.kind) < order(b.kind); });
        return {};
    }

    Result<std::string> runName(std::int64_t run) {
        RIDGE_TRY(Statement s, m_history.database().prepare("SELECT run_id FROM run WHERE id=?1"));
        s.bind(1, run);
        RIDGE_TRY(const bool row, s.step());
        return row ? std::string(s.text(0)) : std::string("?");
    }

    static int order(Kind kind) { return kind == Kind::kRegressed ? 0 : kind == Kind::kDrift ? 1 : kind == Kind::kSuspect ? 2 : 3; }

    History& m_history;
    const CheckOptions& m_options;
    HistoryCheck m_check;
    std::vector<ChangePoint> m_changes;
    std::vector<Pin> m_pins;
    std::vector<Judged> m_judged;
    std::vector<std::pair<HistoryPoint, std::size_t>> m_found;  // first point of the new level, index of the finding
    std::vector<std::size_t> m_fromFresh;
};

}  // namespace

bool HistoryCheck::regressed() const {
    return std::any_of(findings.begin(), findings.end(), [](const SeriesFinding& f) { return f.kind == Kind::kRegressed || f.kind == Kind::kDrift; });
}

Result<HistoryCheck> checkHistory(History& history, const CheckOptions& options) { return Checker(history, options).run(); }

}  // namespace ridge::analyzer
