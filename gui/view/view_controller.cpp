// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/view/view_controller.h"

#include <QMetaObject>
#include <QPointer>

#include <algorithm>

#include "base/text.h"

namespace ridge::gui {
namespace {

constexpr Ns kNarrowest = 20;  // ns across the view

std::vector<std::uint32_t> tracksByKey(const Snapshot& snapshot, const std::vector<std::string>& keys) {
    std::vector<std::uint32_t> tracks;
    for (std::uint32_t i = 0; i < snapshot.tracks.size(); ++i)
        if (!snapshot.tracks[i].lanes.empty() &&
            (keys.empty() ? !snapshot.tracks[i].derived : std::find(keys.begin(), keys.end(), snapshot.tracks[i].key) != keys.end()))
            tracks.push_back(i);
    return tracks;
}

void toggle(std::vector<std::string>& list, const std::string& entry) {
    if (std::erase(list, entry) == 0) list.push_back(entry);
}

}  // namespace

ViewController::ViewController(QObject* parent) : QObject(parent) {}
ViewController::~ViewController() = default;

void ViewController::compute(const std::string& slot, std::function<std::function<void()>(const Worker::Stop&)> job) {
    m_worker.request(slot, [this, job = std::move(job)](const Worker::Stop& stop) {
        std::function<void()> done = job(stop);
        if (stop || !done) return;
        QMetaObject::invokeMethod(this, std::move(done), Qt::QueuedConnection);
    });
}

void ViewController::setSnapshot(SnapshotPtr snapshot) {
    m_snapshot = std::move(snapshot);
    resolveSelection();
    Q_EMIT snapshotChanged();
    Q_EMIT selectionChanged();
    requestStatistics();
    requestSearch();
}

void ViewController::setInsight(InsightPtr insight) {
    m_insight = std::move(insight);
    Q_EMIT insightChanged();
}

void ViewController::reset(ViewState state) {
    m_history.reset(std::move(state));
    m_snapshot = std::make_shared<Snapshot>();
    m_insight.reset();
    m_selected = {};
    m_statistics.reset();
    m_match = {};
    m_search = {};
    Q_EMIT snapshotChanged();
    Q_EMIT insightChanged();
    Q_EMIT viewChanged();
    Q_EMIT selectionChanged();
    Q_EMIT statisticsChanged();
    Q_EMIT searchChanged();
}

Ns ViewController::start() const { return state().start == state().end ? m_snapshot->first : state().start; }
Ns ViewController::end() const {
    return state().start == state().end ? std::max(m_snapshot->last, m_snapshot->first + 1) : state().end;
}

void ViewController::apply(ViewState next, std::uint64_t tag) {
    const ViewState before = state();
    m_history.push(std::move(next), tag);
    changed(before);
}

void ViewController::changed(const ViewState& before) {
    const ViewState& now = state();
    if (now == before) return;
    if (now.slice != before.slice) resolveSelection();
    Q_EMIT viewChanged();
    const bool range = now.rangeStart != before.rangeStart || now.rangeEnd != before.rangeEnd || now.rangeTracks != before.rangeTracks;
    if (range) requestStatistics();
    if (range || now.slice != before.slice) Q_EMIT selectionChanged();
    if (now.search != before.search) requestSearch();
    if (now.panel != before.panel && !now.panel.empty()) Q_EMIT panelRequested(QString::fromStdString(now.panel));
}

ViewState ViewController::ranged(ViewState next, Ns a, Ns b) const {
    const Ns first = m_snapshot->first, last = std::max(m_snapshot->last, first + 1);
    const Ns slack = std::max<Ns>(kNarrowest, (last - first) / 20);
    Ns span = std::clamp<Ns>(b - a, kNarrowest, last - first + 2 * slack);
    a = std::clamp(a, first - slack, std::max(first - slack, last + slack - span));
    next.start = a;
    next.end = a + span;
    return next;
}

void ViewController::setRange(Ns a, Ns b, std::uint64_t tag) { apply(ranged(state(), a, b), tag); }

void ViewController::zoom(double factor, Ns at, std::uint64_t tag) {
    const double left = static_cast<double>(at - start()) * factor, right = static_cast<double>(end() - at) * factor;
    if (left + right < static_cast<double>(kNarrowest) && factor < 1) return;
    setRange(at - static_cast<Ns>(left), at + static_cast<Ns>(right), tag);
}

void ViewController::pan(double share, std::uint64_t tag) {
    const Ns delta = static_cast<Ns>(static_cast<double>(end() - start()) * share);
    setRange(start() + delta, end() + delta, tag);
}

void ViewController::showAll() {
    ViewState next = state();
    next.start = next.end = 0;
    apply(std::move(next));
}

void ViewController::fitSelection() {
    Ns a = 0, b = 0;
    if (m_selected.valid()) {
        const Lane& lane = m_snapshot->lane(m_selected.lane);
        a = lane.start(m_selected.slice);
        b = std::max(lane.end(m_selected.slice), a + 1);
    } else if (hasRange()) {
        a = state().rangeStart;
        b = state().rangeEnd;
    } else {
        showAll();
        return;
    }
    const Ns margin = std::max<Ns>(kNarrowest / 2, b - a);
    const bool fitted = start() == a - margin && end() == b + margin;  // again: tight
    fitted ? setRange(a, b) : setRange(a - margin, b + margin);
}

void ViewController::setScroll(int y) {
    ViewState next = state();
    next.scroll = std::max(0, y);
    apply(std::move(next), 3);
}

void ViewController::reveal(Ns a, Ns b) {
    if (a >= start() && b <= end()) return;
    const Ns span = std::max(end() - start(), b - a);
    setRange((a + b) / 2 - span / 2, (a + b) / 2 + span / 2);
}

void ViewController::goTo(Ns a, Ns b) {
    ViewState next = state();
    const Ns view = end() - start(), length = b - a;
    if (length > 0) {
        next.rangeStart = a;
        next.rangeEnd = b;
        next.rangeTracks.clear();
        next.slice.reset();
    }
    const bool seen = a >= start() && b <= end(), tiny = length > 0 && length < view / 100;
    if (!seen || tiny) {
        const Ns span = std::max<Ns>(kNarrowest, length == 0 ? view : tiny ? length * 10 : std::max(view, length + length / 5));
        const Ns middle = a + length / 2;
        next.start = middle - span / 2;
        next.end = next.start + span;
    }
    apply(std::move(next));
}

std::optional<SliceKey> ViewController::keyOf(SliceRef slice) const {
    if (!m_snapshot->contains(slice)) return std::nullopt;
    return SliceKey{m_snapshot->trackOf(slice).key, m_snapshot->depthOf(slice), m_snapshot->lane(slice.lane).start(slice.slice)};
}

void ViewController::resolveSelection() {
    m_selected = {};
    if (!state().slice) return;
    const SliceKey& key = *state().slice;
    const std::int32_t index = m_snapshot->findTrack(key.track);
    if (index == kNoTrack) return;
    const Track& track = m_snapshot->tracks[static_cast<std::size_t>(index)];
    if (key.depth >= track.lanes.size()) return;
    const Lane& lane = *track.lanes[key.depth];
    const std::size_t i = lane.firstStartingAt(key.start);
    if (i < lane.size() && lane.start(i) == key.start)
        m_selected = {track.firstLane + key.depth, static_cast<std::uint32_t>(i)};
}

void ViewController::select(SliceRef slice, bool show) {
    ViewState next = state();
    next.slice = keyOf(slice);
    apply(std::move(next));
    if (show && m_selected.valid()) {
        const Lane& lane = m_snapshot->lane(m_selected.lane);
        reveal(lane.start(m_selected.slice), lane.end(m_selected.slice));
    }
}

void ViewController::clearSelection() {
    ViewState next = state();
    next.slice.reset();
    next.rangeStart = next.rangeEnd = 0;
    next.rangeTracks.clear();
    next.finding.clear();
    apply(std::move(next));
}

void ViewController::stepSlice(bool forward) {
    if (!m_selected.valid()) return;
    const Lane& lane = m_snapshot->lane(m_selected.lane);
    if (forward ? m_selected.slice + 1 >= lane.size() : m_selected.slice == 0) return;
    select({m_selected.lane, forward ? m_selected.slice + 1 : m_selected.slice - 1}, true);
}

void ViewController::stepDepth(bool down) {
    if (!m_selected.valid()) return;
    const Track& track = m_snapshot->trackOf(m_selected);
    const std::uint32_t depth = m_snapshot->depthOf(m_selected);
    if (down ? depth + 1 >= track.lanes.size() : depth == 0) return;
    const Lane& from = *track.lanes[depth];
    const Ns a = from.start(m_selected.slice), b = from.end(m_selected.slice);
    const std::uint32_t to = down ? depth + 1 : depth - 1;
    const auto [first, last] = track.lanes[to]->touching(a, std::max(b, a + 1));
    if (first < last) select({track.firstLane + to, static_cast<std::uint32_t>(first)}, true);
}

void ViewController::walkFlow(bool forward) {
    if (!m_selected.valid()) return;
    const auto flows = forward ? m_snapshot->flows->from(m_selected) : m_snapshot->flows->to(m_selected);
    if (!flows.empty()) select(forward ? flows.front()->to : flows.front()->from, true);
}

void ViewController::selectRange(Ns a, Ns b, std::vector<std::string> tracks) {
    ViewState next = state();
    next.rangeStart = std::min(a, b);
    next.rangeEnd = std::max(a, b);
    next.rangeTracks = std::move(tracks);
    next.slice.reset();
    apply(std::move(next), 4);
}

void ViewController::requestStatistics() {
    if (!hasRange()) {
        m_worker.cancel("statistics");
        m_statistics.reset();
        Q_EMIT statisticsChanged();
        return;
    }
    const ViewState s = state();
    compute("statistics", [this, s, snapshot = m_snapshot](const Worker::Stop& stop) -> std::function<void()> {
        auto result = std::make_shared<RangeStatistics>(
            statisticsOf(*snapshot, tracksByKey(*snapshot, s.rangeTracks), s.rangeStart, s.rangeEnd, stop));
        if (result->cancelled) return {};
        return [this, result] {
            m_statistics = result;
            Q_EMIT statisticsChanged();
        };
    });
}

void ViewController::togglePin(const std::string& track) {
    ViewState next = state();
    toggle(next.pinned, track);
    apply(std::move(next));
}
void ViewController::hide(const std::string& track) {
    ViewState next = state();
    if (std::find(next.hidden.begin(), next.hidden.end(), track) == next.hidden.end()) next.hidden.push_back(track);
    apply(std::move(next));
}
void ViewController::unhideAll() {
    ViewState next = state();
    next.hidden.clear();
    next.filter.clear();
    apply(std::move(next));
}
void ViewController::toggleCollapsed(const std::string& track, bool nowCollapsed) {
    ViewState next = state();
    std::erase(next.collapsed, track);
    std::erase(next.expanded, track);
    (nowCollapsed ? next.expanded : next.collapsed).push_back(track);
    apply(std::move(next));
}

void ViewController::move(const std::string& track, bool up, const std::vector<std::string>& siblings) {
    const auto it = std::find(siblings.begin(), siblings.end(), track);
    if (it == siblings.end() || (up ? it == siblings.begin() : it + 1 == siblings.end())) return;
    std::vector<std::string> order = siblings;
    const auto at = static_cast<std::size_t>(it - siblings.begin());
    std::swap(order[at], order[up ? at - 1 : at + 1]);
    ViewState next = state();
    std::erase_if(next.order, [&](const std::string& key) { return std::find(order.begin(), order.end(), key) != order.end(); });
    next.order.insert(next.order.end(), order.begin(), order.end());
    apply(std::move(next));
}

void ViewController::setFilter(const std::string& text) {
    ViewState next = state();
    next.filter = text;
    apply(std::move(next), 5);
}

void ViewController::setSearch(const std::string& text) {
    ViewState next = state();
    next.search = text;
    apply(std::move(next), 6);
}

void ViewController::requestSearch() {
    const std::string text = state().search;
    if (text.empty()) {
        m_worker.cancel("search");
        m_match = {};
        m_search = {};
        Q_EMIT searchChanged();
        return;
    }
    m_search.running = true;
    compute("search", [this, text, snapshot = m_snapshot](const Worker::Stop& stop) -> std::function<void()> {
        auto match = std::make_shared<NameMatch>(matchNames(*snapshot->names, text));
        const std::int64_t count = countMatches(*snapshot, *match, {}, stop);
        return [this, text, match, count] {
            m_match = *match;
            m_search = {text, count, 0, false};
            Q_EMIT searchChanged();
        };
    });
}

void ViewController::findNext(bool forward) {
    if (state().search.empty()) return;
    compute("next", [this, text = state().search, from = m_selected, time = start(), forward,
                     snapshot = m_snapshot](const Worker::Stop& stop) -> std::function<void()> {
        const NameMatch match = matchNames(*snapshot->names, text);
        SliceRef found = nextMatch(*snapshot, match, {}, from, time, forward, stop);
        // Around the end.
        if (!found.valid()) found = nextMatch(*snapshot, match, {}, {}, forward ? INT64_MIN : INT64_MAX - 1, forward, stop);
        const std::int64_t position = positionOf(*snapshot, match, {}, found, stop);
        return [this, found, position] {
            if (found.valid()) select(found, true);
            m_search.position = position;
            Q_EMIT searchChanged();
        };
    });
}

void ViewController::setWaiting(Waiting waiting) {
    if (waiting == m_waiting) return;
    m_waiting = waiting;
    if (!m_insight) Q_EMIT insightChanged();
}

QString ViewController::whyNoInsight() const {
    switch (m_waiting) {
        case Waiting::kForTrace: return tr("The trace is being read…");
        case Waiting::kForAnalysis: return tr("The analysis is running…");
        case Waiting::kForNothing: break;
    }
    return m_snapshot->tracks.empty() ? tr("No trace is open.") : tr("There is no analysis of this trace; Messages says why.");
}

void ViewController::showFinding(const std::string& id) {
    ViewState next = state();
    next.finding = id;
    if (const analyzer::Finding* found = findingOf(id); found && !found->where.empty()) {
        Ns a = found->where.front().startNs, b = found->where.front().endNs;
        for (const auto& range : found->where) {
            a = std::min(a, range.startNs);
            b = std::max(b, range.endNs);
        }
        const Ns margin = (b - a) / 10 + 1;
        next = ranged(std::move(next), a - margin, b + margin);
    }
    apply(std::move(next));  // one step of the history: undo brings back both
}

const analyzer::Finding* ViewController::finding() const { return findingOf(state().finding); }

const analyzer::Finding* ViewController::findingOf(const std::string& id) const {
    if (!m_insight || id.empty()) return nullptr;
    for (const analyzer::Finding& f : m_insight->analysis.findings)
        if (f.id == id) return &f;
    return nullptr;
}

void ViewController::openPanel(const std::string& name) {
    if (state().panel == name) {
        Q_EMIT panelRequested(QString::fromStdString(name));
        return;
    }
    ViewState next = state();
    next.panel = name;
    apply(std::move(next), 8);
}

void ViewController::addNote(Ns a, Ns b, const std::string& text) {
    ViewState next = state();
    next.notes.push_back({a, b, text});
    std::sort(next.notes.begin(), next.notes.end(), [](const Note& x, const Note& y) { return x.start < y.start; });
    apply(std::move(next));
}
void ViewController::removeNote(std::size_t index) {
    ViewState next = state();
    if (index >= next.notes.size()) return;
    next.notes.erase(next.notes.begin() + static_cast<std::ptrdiff_t>(index));
    apply(std::move(next));
}

std::optional<std::size_t> ViewController::noteAt(Ns t, Ns slack) const {
    std::optional<std::size_t> best;
    Ns nearest = slack;
    for (std::size_t i = 0; i < state().notes.size(); ++i) {
        const Note& note = state().notes[i];
        const Ns away = t < note.start ? note.start - t : t > note.end ? t - note.end : 0;
        if (away > nearest || (best && away == nearest)) continue;
        best = i;
        nearest = away;
    }
    return best;
}

void ViewController::undo() {
    const ViewState before = state();
    if (m_history.undo()) changed(before);
}
void ViewController::redo() {
    const ViewState before = state();
    if (m_history.redo()) changed(before);
}

QString ViewController::describe(SliceRef slice) const {
    if (!m_snapshot->contains(slice)) return {};
    const Lane& lane = m_snapshot->lane(slice.lane);
    const Track& track = m_snapshot->trackOf(slice);
    QString where = QString::fromStdString(track.title);
    for (std::int32_t up = track.parent; up != kNoTrack; up = m_snapshot->tracks[static_cast<std::size_t>(up)].parent)
        where = QString::fromStdString(m_snapshot->tracks[static_cast<std::size_t>(up)].title) + QStringLiteral(" › ") + where;
    return QStringLiteral("%1, %2, starts at %3, slice %4 of %5 at depth %6 of %7")
        .arg(QString::fromStdString(m_snapshot->nameOf(slice)), QString::fromStdString(formatDuration(lane.duration(slice.slice))),
             QString::fromStdString(formatDuration(lane.start(slice.slice))))
        .arg(slice.slice + 1)
        .arg(lane.size())
        .arg(m_snapshot->depthOf(slice) + 1)
        .arg(where);
}

std::int32_t ViewController::trackOfRank(std::int64_t rank) const {
    if (!m_insight) return kNoTrack;
    const auto processWith = [this](const auto& fits) {
        for (std::size_t i = 0; i < m_snapshot->tracks.size(); ++i)
            if (m_snapshot->tracks[i].kind == TrackKind::kProcess && fits(m_snapshot->tracks[i])) return static_cast<std::int32_t>(i);
        return kNoTrack;
    };
    for (const analyzer::Rank& r : m_insight->analysis.ranks) {
        if (r.rank != rank) continue;
        const auto ofIt = [&](const Track& track) { return std::find(r.pids.begin(), r.pids.end(), track.pid) != r.pids.end(); };
        // Pids of several machines may be equal; where the trace says the rank, it holds.
        const std::int32_t named = processWith([&](const Track& track) { return track.rank == rank && ofIt(track); });
        return named != kNoTrack ? named : processWith(ofIt);
    }
    return kNoTrack;
}

}  // namespace ridge::gui
