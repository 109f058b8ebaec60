// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/app/document.h"

#include <QMetaObject>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <thread>

#include "analyzer/analyze.h"
#include "analyzer/ceilings.h"
#include "base/file.h"
#include "base/text.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {
namespace {

// Slices of a partition, named by class, as a lane that draws like any other.
std::shared_ptr<const Lane> laneOf(const analyzer::Segments& segments) {
    auto lane = std::make_shared<Lane>();
    lane->reserve(segments.size());
    for (const auto& segment : segments) lane->append(segment.start, segment.end, segment.layer, 0);
    std::vector<ColourId> colours;
    for (std::size_t c = 0; c < kWallClassCount; ++c) colours.push_back(static_cast<ColourId>(1 + c));  // colours.h: kColourOfClass
    lane->build(colours);
    return lane;
}

// The better of the two measurements of each roof that ridge run takes around its workloads.
std::vector<analyzer::Ceiling> roofsBeside(const std::string& trace) {
    std::vector<analyzer::Ceiling> best;
    const auto folder = std::filesystem::path(trace).parent_path() / "..";
    for (const char* name : {"ceilings-before.json", "ceilings-after.json"}) {
        const auto found = analyzer::readCeilings((folder / name).string());
        if (!found.ok()) continue;
        for (const analyzer::Ceiling& roof : *found) {
            const auto same = std::find_if(best.begin(), best.end(), [&](const auto& b) {
                return b.kind == roof.kind && b.name == roof.name && b.dtype == roof.dtype && b.level == roof.level && b.access == roof.access;
            });
            if (same == best.end()) best.push_back(roof);
            else if (roof.unit == "s" ? roof.value < same->value : roof.value > same->value) *same = roof;
        }
    }
    return best;
}

}  // namespace

struct Document::Link {
    std::mutex mutex;
    Document* document = nullptr;  // nullptr: nobody waits any more
};

Document::Document(ViewController& view, QObject* parent) : QObject(parent), m_view(view) {
    connect(&m_view, &ViewController::viewChanged, this, &Document::writeSidecar);
}

Document::~Document() { dropAnalysis(); }

void Document::dropAnalysis() {
    if (!m_link) return;
    const std::lock_guard lock(m_link->mutex);
    m_link->document = nullptr;
}

QString Document::sidecarOf(const QString& path) { return path + QStringLiteral(".ridge-view.json"); }

void Document::setPhase(Phase phase, const QString& problem) {
    m_phase = phase;
    m_problem = problem;
    Q_EMIT phaseChanged();
}

void Document::open(const QString& path, const std::optional<ViewState>& state) {
    dropAnalysis();
    m_loader.reset();
    ++m_generation;
    m_path = path;
    m_sidecarRead = state.has_value();  // a deep link brings its own notes
    m_view.reset(state.value_or(ViewState{}));
    m_savedNotes = m_view.state().notes;
    m_savedPins = m_view.state().pinned;
    setPhase(Phase::kLoading);
    const std::uint64_t generation = m_generation;
    const auto post = [this, generation](auto action) {
        QMetaObject::invokeMethod(this, [this, generation, action] {
            if (generation == m_generation) action();
        }, Qt::QueuedConnection);
    };
    LoadCallbacks callbacks;
    callbacks.snapshot = [this, post](SnapshotPtr snapshot) { post([this, snapshot] { m_view.setSnapshot(snapshot); Q_EMIT phaseChanged(); }); };
    callbacks.finished = [this, post](const std::optional<Error>& error) {
        post([this, error] {
            if (error) setPhase(Phase::kFailed, QString::fromStdString(error->message));
            else analyze();
        });
    };
    m_loader = std::make_unique<TraceLoader>(path.toStdString(), std::move(callbacks));
    if (!m_sidecarRead) readSidecar();
}

void Document::cancel() {
    if (settled()) return;
    ++m_generation;
    if (m_loader) m_loader->cancel();
    dropAnalysis();
    setPhase(Phase::kCancelled, tr("Loading was cancelled; what had been read is shown."));
}

// The analysis cannot be interrupted: it has a thread of its own, and when nobody waits for it any more
// its result is thrown away.
void Document::analyze() {
    setPhase(Phase::kAnalyzing);
    m_link = std::make_shared<Link>();
    m_link->document = this;
    std::thread([link = m_link, path = m_path.toStdString(), ceilings = m_ceilings.toStdString(), step = m_step.toStdString()] {
        auto insight = std::make_shared<Insight>();
        analyzer::AnalyzeOptions options;
        options.onPartition = [&](std::int64_t rank, std::int64_t device, bool gpu, const analyzer::Segments& segments) {
            insight->strips.push_back({rank, device, gpu, laneOf(segments)});
        };
        options.stepName = step;
        QString problem;
        try {
            if (ceilings.empty()) {
                options.ceilings = roofsBeside(path);
            } else if (auto roofs = analyzer::readCeilings(ceilings); roofs.ok()) {
                options.ceilings = std::move(*roofs);
            } else {
                problem = QString::fromStdString(timeline::oneLine(roofs.error().message));
            }
            auto analysis = analyzer::analyze({path}, options);
            if (analysis.ok()) insight->analysis = std::move(analysis).value();
            else problem = QString::fromStdString(timeline::oneLine(analysis.error().message));
        } catch (const std::exception& error) {
            problem = QString::fromUtf8(error.what());
        }
        const std::lock_guard lock(link->mutex);
        Document* document = link->document;
        if (!document) return;
        QMetaObject::invokeMethod(document, [document, link, insight, problem] {
            if (document->m_link != link || !link->document) return;  // of an earlier trace, or cancelled
            if (problem.isEmpty()) document->m_view.setInsight(insight);
            document->setPhase(Phase::kReady, problem);
        }, Qt::QueuedConnection);
    }).detach();
}

void Document::readSidecar() {
    m_view.compute("sidecar", [this, generation = m_generation, path = sidecarOf(m_path).toStdString()](const Worker::Stop&) -> std::function<void()> {
        ViewState found;
        if (const auto text = readFile(path, 1 << 24); text.ok()) {
            const auto json = nlohmann::json::parse(*text, nullptr, false);
            if (json.is_object() && json.contains("state") && json["state"].is_string())
                if (const auto state = fromToken(json["state"].get<std::string>()); state.ok()) found = *state;
        }
        return [this, generation, found] {
            if (generation != m_generation) return;
            m_sidecarRead = true;
            m_savedNotes = found.notes;
            m_savedPins = found.pinned;
            ViewState next = m_view.state();
            next.notes = found.notes;
            next.pinned = found.pinned;
            m_view.apply(std::move(next));
        };
    });
}

// Only when notes or pins changed; the folder may be read-only, then they live as long as the window.
void Document::writeSidecar() {
    const ViewState& state = m_view.state();
    if (m_path.isEmpty() || !m_sidecarRead || (state.notes == m_savedNotes && state.pinned == m_savedPins)) return;
    m_savedNotes = state.notes;
    m_savedPins = state.pinned;
    ViewState kept;
    kept.notes = state.notes;
    kept.pinned = state.pinned;
    m_view.compute("sidecar", [kept, path = sidecarOf(m_path).toStdString()](const Worker::Stop&) -> std::function<void()> {
        nlohmann::ordered_json json{{"schema_version", 1}, {"state", toToken(kept)}, {"notes", nlohmann::ordered_json::array()}};
        for (const Note& note : kept.notes) json["notes"].push_back({{"start_ns", note.start}, {"end_ns", note.end}, {"text", toValidUtf8(note.text)}});
        (void)writeFileAtomically(path, json.dump(1) + "\n");
        return {};
    });
}

}  // namespace ridge::gui
