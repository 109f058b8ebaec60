// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/app/drawable.h"

#include <algorithm>

#include "gui/app/main_window.h"

namespace ridge::gui {
namespace {

QString text(const std::string& utf8) { return QString::fromStdString(utf8); }

// What the token names and the trace does not have.
QString whatIsMissing(const ViewController& view) {
    const ViewState& state = view.state();
    const Snapshot& snapshot = *view.snapshot();
    if (state.start != state.end && (state.end <= snapshot.first || state.start >= std::max(snapshot.last, snapshot.first + 1)))
        return QObject::tr("the view (%1 to %2 ns) lies outside of the trace (%3 to %4 ns)").arg(state.start).arg(state.end).arg(snapshot.first).arg(snapshot.last);
    constexpr Ns kMostTimesTheTrace = 1000;  // then it would be less than a pixel
    if ((state.end - state.start) / kMostTimesTheTrace > std::max<Ns>(snapshot.last - snapshot.first, 1))
        return QObject::tr("the view is %1 times as long as the trace").arg((state.end - state.start) / std::max<Ns>(snapshot.last - snapshot.first, 1));
    if (state.slice && !view.selected().valid())
        return QObject::tr("the slice of the view is not in this trace: row %1, at %2 ns").arg(text(state.slice->track)).arg(state.slice->start);
    if (!state.finding.empty() && !view.finding()) return QObject::tr("this trace has no finding %1").arg(text(state.finding));
    for (const std::string& row : state.rangeTracks)
        if (snapshot.findTrack(row) == kNoTrack) return QObject::tr("the rows of the selection are not in this trace: %1").arg(text(row));
    if (view.hasRange() && (!view.statistics() || view.statistics()->slices == 0)) return QObject::tr("the selection holds no slice");
    return {};
}

}  // namespace

QString whyNotDrawn(MainWindow& window, const QString& panel) {
    const ViewController& view = window.view();
    if (view.snapshot()->tracks.empty()) {
        // Rows that could not be taken are why there are none.
        const auto& damage = view.snapshot()->damage.empty() ? view.snapshot()->warnings : view.snapshot()->damage;
        return damage.empty() ? QObject::tr("%1: nothing to show: it holds no ranges, calls, kernels or counters").arg(window.document().path())
                              : QObject::tr("%1: nothing to show: %2").arg(window.document().path(), text(damage.front()));
    }
    if (QString missing = whatIsMissing(view); !missing.isEmpty()) return missing;
    const RowLayout& rows = window.timeline().rows();
    if (rows.rows.empty() && rows.pinned.empty())
        return view.state().filter.empty() ? QObject::tr("no row is left: all are hidden") : QObject::tr("no row is left by the filter \"%1\"").arg(text(view.state().filter));
    if (!panel.isEmpty() && !MainWindow::panelNames().contains(panel)) return QObject::tr("there is no panel %1; --panel knows %2").arg(panel, MainWindow::panelNames().join(QStringLiteral(", ")));
    if (panel == QLatin1String("compare") && window.document().basePath().isEmpty()) return QObject::tr("--panel compare needs a BASE to compare with");
    return {};
}

}  // namespace ridge::gui
