// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What is open and what of it is shown: the snapshot, the analysis, the ViewState with its history.
// Every view observes it and changes it through these methods; no view talks to another.
//
// Lives on the GUI thread. Runs no SQL and loops over no slices; what does goes to the worker and comes
// back as a queued call that is dropped when it is no longer the latest.

#include <QObject>
#include <QString>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "analyzer/model/analysis.h"
#include "gui/load/memory_owners.h"
#include "gui/load/worker.h"
#include "gui/model/query.h"
#include "gui/model/search.h"
#include "gui/model/snapshot.h"
#include "gui/model/statistics.h"
#include "gui/model/view_state.h"

namespace ridge::analyzer {
struct Comparison;
}

namespace ridge::gui {

// The exact partition of one device as a row to draw: slices named by WallClass.
struct Strip {
    std::int64_t rank = 0, device = 0;
    bool gpu = false;
    std::shared_ptr<const Lane> lane;
    bool base = false;  // of the trace that is compared with, moved by Insight::shift
};

// All times are those of the timeline that is shown: ranks of several traces are laid on one clock by what
// the analysis found of their clocks. What it said itself is then in asReported.
struct Insight {
    analyzer::Analysis analysis;
    std::vector<Strip> strips;
    std::shared_ptr<const std::vector<DeviceMemory>> memory;  // who held device memory over time; may be null
    // Of the trace that is compared with, where there is one.
    std::shared_ptr<const analyzer::Analysis> base;
    std::shared_ptr<const analyzer::Comparison> comparison;  // of the base (A) with the trace (B)
    Ns shift = 0;  // added to the base's times to bring its steps beside the trace's
    std::optional<analyzer::Analysis> asReported;
};
using InsightPtr = std::shared_ptr<const Insight>;

struct SearchResult {
    std::string text;
    std::int64_t count = 0, position = 0;  // position from 1; 0: none is selected
    bool running = false;
};

class ViewController : public QObject {
    Q_OBJECT
public:
    explicit ViewController(QObject* parent = nullptr);
    ~ViewController() override;

    [[nodiscard]] const ViewState& state() const { return m_history.now(); }
    [[nodiscard]] const SnapshotPtr& snapshot() const { return m_snapshot; }
    [[nodiscard]] const InsightPtr& insight() const { return m_insight; }
    [[nodiscard]] Worker& worker() { return m_worker; }
    [[nodiscard]] bool busy() const { return m_worker.busy(); }
    void setSnapshot(SnapshotPtr snapshot);
    void setInsight(InsightPtr insight);
    // What a panel says while there is no insight. Document tells when a trace is being opened, and when no analysis
    // will come any more.
    enum class Waiting { kForNothing, kForTrace, kForAnalysis };
    void setWaiting(Waiting waiting);
    [[nodiscard]] QString whyNoInsight() const;
    // A new trace: history, selection and results are gone.
    void reset(ViewState state = {});
    // Runs in the worker's slot; done runs on the GUI thread unless a later request of the slot came.
    void compute(const std::string& slot, std::function<std::function<void()>(const Worker::Stop&)> job);

    // --- range
    [[nodiscard]] Ns start() const;
    [[nodiscard]] Ns end() const;
    void setRange(Ns start, Ns end, std::uint64_t tag = 0);
    void zoom(double factor, Ns at, std::uint64_t tag = 0);
    void pan(double shareOfView, std::uint64_t tag = 0);
    void showAll();
    void fitSelection();
    void setScroll(int y);
    // Moves the view only when [a, b) is not in it.
    void reveal(Ns a, Ns b);
    // Selects [a, b) over all rows and moves the view there when it is not seen, or too small to be; a moment
    // (a == b) only moves the view. One step of the history.
    void goTo(Ns a, Ns b);

    // --- selection
    [[nodiscard]] SliceRef selected() const { return m_selected; }
    void select(SliceRef slice, bool show = false);
    void clearSelection();
    void stepSlice(bool forward);
    void stepDepth(bool down);
    void walkFlow(bool forward);
    void selectRange(Ns a, Ns b, std::vector<std::string> tracks);
    [[nodiscard]] bool hasRange() const { return state().rangeStart != state().rangeEnd; }
    [[nodiscard]] const std::shared_ptr<const RangeStatistics>& statistics() const { return m_statistics; }

    // --- rows
    void togglePin(const std::string& track);
    void hide(const std::string& track);
    void unhideAll();
    void toggleCollapsed(const std::string& track, bool nowCollapsed);
    void move(const std::string& track, bool up, const std::vector<std::string>& siblings);
    void setFilter(const std::string& text);

    // --- search
    void setSearch(const std::string& text);
    void findNext(bool forward);
    [[nodiscard]] const SearchResult& search() const { return m_search; }
    [[nodiscard]] const std::vector<bool>& matchedNames() const { return m_match.names; }

    // --- findings, panels, notes
    void showFinding(const std::string& id);
    [[nodiscard]] const analyzer::Finding* finding() const;  // the one that is lit up
    [[nodiscard]] const analyzer::Finding* findingOf(const std::string& id) const;
    void openPanel(const std::string& name);
    void addNote(Ns a, Ns b, const std::string& text);
    void removeNote(std::size_t index);
    // The note that covers t, or is at most `slack` away; the nearest.
    [[nodiscard]] std::optional<std::size_t> noteAt(Ns t, Ns slack) const;

    void undo();
    void redo();
    [[nodiscard]] const History& history() const { return m_history; }
    void apply(ViewState state, std::uint64_t tag = 0);
    // Sentences for screen readers and the details pane.
    [[nodiscard]] QString describe(SliceRef slice) const;
    // The track (by pid) that stands for a rank of the analysis, or -1.
    [[nodiscard]] std::int32_t trackOfRank(std::int64_t rank) const;

Q_SIGNALS:
    void snapshotChanged();
    void insightChanged();
    void viewChanged();       // any of the ViewState
    void selectionChanged();  // slice or range
    void statisticsChanged();
    void searchChanged();
    void panelRequested(const QString& name);

private:
    void changed(const ViewState& before);
    void resolveSelection();
    void requestStatistics();
    void requestSearch();
    // The state with [a, b) in view, at most a little more than the trace.
    [[nodiscard]] ViewState ranged(ViewState next, Ns a, Ns b) const;
    [[nodiscard]] std::optional<SliceKey> keyOf(SliceRef slice) const;

    History m_history;
    SnapshotPtr m_snapshot = std::make_shared<Snapshot>();
    InsightPtr m_insight;
    Waiting m_waiting = Waiting::kForNothing;
    SliceRef m_selected;
    std::shared_ptr<const RangeStatistics> m_statistics;
    NameMatch m_match;
    SearchResult m_search;
    std::uint64_t m_fitted = 0;  // tag of the last fit, to make a second one tight
    Worker m_worker;             // last: joined before what its jobs touch is gone
};

}  // namespace ridge::gui
