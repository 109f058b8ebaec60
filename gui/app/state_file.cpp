// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/app/state_file.h"

#include <QAbstractItemView>
#include <QDockWidget>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "analyzer/compare/comparison.h"
#include "gui/app/main_window.h"

namespace ridge::gui {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMostRows = 200;  // of a list, and of the timeline

const char* nameOf(Document::Phase phase) {
    switch (phase) {
        case Document::Phase::kEmpty: return "empty";
        case Document::Phase::kLoading: return "loading";
        case Document::Phase::kAnalyzing: return "analyzing";
        case Document::Phase::kReady: return "ready";
        case Document::Phase::kFailed: return "failed";
        case Document::Phase::kCancelled: return "cancelled";
    }
    return "";
}

Json placeOf(const QWidget& widget, QRect rect) {
    const QPoint corner = widget.mapToGlobal(rect.topLeft());
    return {corner.x(), corner.y(), rect.width(), rect.height()};
}

Json selected(const ViewController& view) {
    const SliceRef slice = view.selected();
    if (!slice.valid()) return nullptr;
    const Snapshot& snapshot = *view.snapshot();
    const Lane& lane = snapshot.lane(slice.lane);
    return {{"name", snapshot.nameOf(slice)}, {"track", toValidUtf8(snapshot.trackOf(slice).key)}, {"depth", snapshot.depthOf(slice)},
            {"start_ns", lane.start(slice.slice)}, {"duration_ns", lane.duration(slice.slice)}};
}

Json rowsOf(const TimelineWidget& timeline, const Snapshot& snapshot) {
    Json rows = Json::array();
    for (const auto* list : {&timeline.rows().pinned, &timeline.rows().rows})
        for (const Row& row : *list) {
            const QRect place = timeline.placeOfRow(row);
            if (place.bottom() < 0 || place.top() > timeline.height()) continue;
            if (rows.size() >= kMostRows) return rows;
            rows.push_back({{"key", toValidUtf8(snapshot.tracks[row.track].key)}, {"title", toValidUtf8(row.title)}, {"pinned", row.pinned},
                            {"group", row.kind == RowKind::kGroup}, {"strip", row.kind == RowKind::kStrip}, {"at", placeOf(timeline, place)}});
        }
    return rows;
}

// Where the lines of the first list of a panel are.
Json listOf(const MainWindow& window, const char* panel) {
    Json lines = Json::array();
    const auto* dock = window.findChild<QDockWidget*>(QString::fromLatin1(panel));
    if (!dock || !dock->widget()) return lines;
    const auto views = dock->widget()->findChildren<QAbstractItemView*>();
    const auto shown = std::find_if(views.begin(), views.end(), [](const QAbstractItemView* v) { return v->isVisible() && v->model(); });  // not the one of a box that is closed
    if (shown == views.end()) return lines;
    const QAbstractItemView* list = *shown;
    for (int i = 0; i < std::min(kMostRows, list->model()->rowCount(list->rootIndex())); ++i) {
        const QModelIndex index = list->model()->index(i, 0, list->rootIndex());
        const QRect place = list->visualRect(index);
        if (place.isEmpty() || !list->viewport()->rect().contains(place.center())) continue;
        lines.push_back({{"text", index.data().toString().toStdString()}, {"at", placeOf(*list->viewport(), place)}});
    }
    return lines;
}

}  // namespace

StateFile::StateFile(MainWindow& window, std::string path) : QObject(&window), m_window(window), m_path(std::move(path)) {
    m_soon.setSingleShot(true);
    m_soon.setInterval(30);
    connect(&m_soon, &QTimer::timeout, this, &StateFile::write);
    const auto soon = [this] { m_soon.start(); };
    ViewController& view = m_window.view();
    connect(&view, &ViewController::snapshotChanged, this, soon);
    connect(&view, &ViewController::insightChanged, this, soon);
    connect(&view, &ViewController::viewChanged, this, soon);
    connect(&view, &ViewController::selectionChanged, this, soon);
    connect(&view, &ViewController::statisticsChanged, this, soon);
    connect(&view, &ViewController::searchChanged, this, soon);
    connect(&m_window.document(), &Document::phaseChanged, this, soon);
    m_soon.start();
}

std::string StateFile::describe() const {
    ViewController& view = m_window.view();
    const ViewState& state = view.state();
    const Snapshot& snapshot = *view.snapshot();
    const TimelineWidget& timeline = m_window.timeline();
    Json json{{"sequence", m_sequence}, {"phase", nameOf(m_window.document().phase())}, {"problem", m_window.document().problem().toStdString()},
              {"token", toToken(state)}, {"slices", snapshot.slices}, {"complete", snapshot.complete},
              {"start_ns", view.start()}, {"end_ns", view.end()}, {"trace_start_ns", snapshot.first}, {"trace_end_ns", snapshot.last}};
    json["selected"] = selected(view);
    json["range"] = view.hasRange() ? Json{state.rangeStart, state.rangeEnd} : Json(nullptr);
    json["range_slices"] = view.statistics() ? Json(view.statistics()->slices) : Json(nullptr);
    json["search"] = {{"text", toValidUtf8(state.search)}, {"count", view.search().count}, {"position", view.search().position}, {"running", view.search().running}};
    json["filter"] = toValidUtf8(state.filter);
    json["finding"] = state.finding.empty() ? Json(nullptr) : Json(toValidUtf8(state.finding));
    json["findings"] = view.insight() ? view.insight()->analysis.findings.size() : 0;
    json["panel"] = state.panel;
    json["base"] = m_window.document().basePath().toStdString();
    const auto* comparison = view.insight() ? view.insight()->comparison.get() : nullptr;
    const bool compared = comparison && !comparison->lanes.empty();
    json["difference_ns"] = compared ? Json(comparison->lanes[comparison->lead].deltaNs) : Json(nullptr);  // of the step that differs most
    json["pinned"] = state.pinned.size();
    json["hidden"] = state.hidden.size();
    json["notes"] = state.notes.size();
    json["undo"] = view.history().canUndo();
    json["redo"] = view.history().canRedo();
    json["window"] = placeOf(m_window, m_window.rect());
    json["lanes"] = placeOf(timeline, timeline.lanesRect());
    json["rows"] = rowsOf(timeline, snapshot);
    json["findings_list"] = listOf(m_window, "findings");
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void StateFile::write() {
    ++m_sequence;
    m_window.view().compute("follow", [path = m_path, text = describe()](const Worker::Stop&) -> std::function<void()> {
        (void)writeFileAtomically(path, text);
        return {};
    });
}

}  // namespace ridge::gui
