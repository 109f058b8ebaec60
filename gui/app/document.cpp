// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/app/document.h"

#include <filesystem>
#include <QMetaObject>

#include <nlohmann/json.hpp>

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "gui/app/analyze_run.h"
#include "gui/model/align.h"
#include "gui/model/interleave.h"

namespace ridge::gui {
namespace {

std::vector<std::string> namesOf(const QStringList& paths) {
    std::vector<std::string> names;
    for (const QString& path : paths) names.push_back(path.toStdString());
    return names;
}

}  // namespace

struct Document::Link {
    std::mutex mutex;
    Document* document = nullptr;  // nullptr: nobody waits any more
    std::atomic<bool> stop{false};
};

Document::Document(ViewController& view, QObject* parent) : QObject(parent), m_view(view) {
    connect(&m_view, &ViewController::viewChanged, this, &Document::writeSidecar);
    connect(&m_view, &ViewController::viewChanged, this, [this] {
        if (m_base && m_view.state().alignStep != m_aligned) align();
    });
}

Document::~Document() { dropAnalysis(); }

void Document::dropAnalysis() {
    if (!m_link) return;
    const std::lock_guard lock(m_link->mutex);
    m_link->document = nullptr;
    m_link->stop = true;
}

QString Document::sidecarOf(const QString& path) { return path + QStringLiteral(".ridge-view.json"); }

void Document::setPhase(Phase phase, const QString& problem) {
    m_phase = phase;
    m_problem = problem;
    using Waiting = ViewController::Waiting;
    m_view.setWaiting(phase == Phase::kLoading ? Waiting::kForTrace : phase == Phase::kAnalyzing ? Waiting::kForAnalysis : Waiting::kForNothing);
    Q_EMIT phaseChanged();
}

void Document::open(const QStringList& paths, const std::optional<ViewState>& state, const QString& base) {
    if (paths.isEmpty()) return;
    dropAnalysis();
    m_loader.reset();
    m_baseLoader.reset();
    m_view.worker().cancel("align");
    ++m_generation;
    m_paths = paths;
    m_path = paths.first();
    m_basePath = base;
    m_baseProblem.clear();
    m_sidecarProblem.clear();
    m_trace.reset();
    m_base.reset();
    m_insight.reset();
    m_traceLoaded = false;
    m_baseLoaded = base.isEmpty();
    m_aligned = state ? state->alignStep : -1;
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
    callbacks.snapshot = [this, post](SnapshotPtr snapshot) {
        post([this, snapshot] {
            m_trace = snapshot;
            m_view.setSnapshot(snapshot);
            Q_EMIT phaseChanged();
        });
    };
    callbacks.finished = [this, post](const std::optional<Error>& error) { post([this, error] { loaded(false, error); }); };
    m_loader = std::make_unique<TraceLoader>(namesOf(paths), std::move(callbacks));
    if (!base.isEmpty()) {
        LoadCallbacks others;
        others.snapshot = [this, post](SnapshotPtr snapshot) {
            post([this, snapshot] {
                if (snapshot->complete) m_base = snapshot;
            });
        };
        others.finished = [this, post](const std::optional<Error>& error) { post([this, error] { loaded(true, error); }); };
        m_baseLoader = std::make_unique<TraceLoader>(base.toStdString(), std::move(others));
    }
    if (!m_sidecarRead) readSidecar();
}

void Document::loaded(bool base, const std::optional<Error>& error) {
    (base ? m_baseLoaded : m_traceLoaded) = true;
    if (error && !base) return setPhase(Phase::kFailed, QString::fromStdString(error->message));
    if (error) m_baseProblem = QString::fromStdString(error->message);
    if (m_traceLoaded && m_baseLoaded && m_phase == Phase::kLoading) analyze();
}

void Document::align() {
    m_aligned = m_view.state().alignStep;
    if (!m_trace || !m_base) return;
    m_view.compute("align", [this, generation = m_generation, trace = m_trace, base = m_base, insight = m_insight, index = m_aligned](const Worker::Stop& stop) -> std::function<void()> {
        // Before the steps are known, and where there are none, the beginnings are one moment.
        Ns shift = trace->first - base->first;
        auto moved = insight ? std::make_shared<Insight>(*insight) : nullptr;
        if (insight && insight->base)
            if (auto found = shiftOf(insight->analysis, *insight->base, index); found || (found = shiftOf(insight->analysis, *insight->base, -1))) shift = *found;
        SnapshotPtr both = interleave(*trace, *base, shift, stop);
        if (!both) return {};
        if (moved) {
            moved->shift = shift;
            const std::vector<ColourId> colours = classColours();
            for (Strip& strip : moved->strips)
                if (strip.base) strip.lane = movedLane(*strip.lane, shift, {}, colours);
        }
        return [this, generation, both, moved] {
            if (generation != m_generation) return;
            m_view.setSnapshot(both);
            if (moved) m_view.setInsight(moved);
            Q_EMIT phaseChanged();
        };
    });
}

void Document::cancel() {
    if (settled()) return;
    ++m_generation;
    if (m_loader) m_loader->cancel();
    if (m_baseLoader) m_baseLoader->cancel();
    m_view.worker().cancel("align");
    dropAnalysis();
    setPhase(Phase::kCancelled, tr("Loading was cancelled; what had been read is shown."));
}

// A thread of its own, which ends between two stages when nobody waits for it any more; what it may still
// bring is thrown away.
void Document::analyze() {
    setPhase(Phase::kAnalyzing);
    m_link = std::make_shared<Link>();
    m_link->document = this;
    AnalysisWish wish{m_path.toStdString(), m_base ? m_basePath.toStdString() : std::string(), m_ceilings.toStdString(), m_step.toStdString(), {}, {}, nullptr, nullptr, nullptr};
    wish.paths = namesOf(m_paths);
    wish.snapshot = m_trace;
    wish.baseSnapshot = m_base;
    wish.pairs = m_pairs;
    std::thread([link = m_link, wish]() mutable {
        wish.stop = &link->stop;
        const AnalysisAnswer answer = analyzeRun(wish);
        const std::lock_guard lock(link->mutex);
        Document* document = link->document;
        if (!document) return;
        QMetaObject::invokeMethod(document, [document, link, answer] {
            if (document->m_link != link || !link->document) return;  // of an earlier trace, or cancelled
            document->m_insight = answer.insight;
            if (!answer.baseProblem.empty()) document->m_baseProblem = QString::fromStdString(answer.baseProblem);
            if (answer.baseSnapshot) document->m_base = answer.baseSnapshot;
            if (answer.snapshot && answer.snapshot != document->m_trace) {
                document->m_trace = answer.snapshot;
                if (!document->m_base) document->m_view.setSnapshot(answer.snapshot);
            }
            if (answer.insight && !document->m_base) document->m_view.setInsight(answer.insight);
            if (document->m_base) document->align();  // brings the insight along
            document->setPhase(Phase::kReady, QString::fromStdString(answer.problem));
        }, Qt::QueuedConnection);
    }).detach();
}

namespace {

std::optional<ViewState> sidecarState(const std::string& text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("state") || !json["state"].is_string()) return std::nullopt;
    const auto state = fromToken(json["state"].get<std::string>());
    return state.ok() ? std::optional(*state) : std::nullopt;
}

// Notes that cannot be read are somebody's all the same: they go out of the way instead of away.
void keepDamaged(const std::string& path) {
    const auto text = readFile(path, 1 << 24);
    if (!text.ok() || sidecarState(*text)) return;
    std::error_code ignored;
    std::filesystem::rename(path, path + ".damaged", ignored);
}

}  // namespace

void Document::readSidecar() {
    m_view.compute("sidecar", [this, generation = m_generation, path = sidecarOf(m_path).toStdString()](const Worker::Stop&) -> std::function<void()> {
        ViewState found;
        bool damaged = false;
        if (const auto text = readFile(path, 1 << 24); text.ok()) {
            const auto state = sidecarState(*text);
            damaged = !state;
            if (state) found = *state;
        } else {
            std::error_code ignored;
            damaged = std::filesystem::exists(path, ignored);  // a folder, a pipe, a file that may not be read
        }
        return [this, generation, found, damaged, path] {
            if (generation != m_generation) return;
            if (damaged) Q_EMIT sidecarProblemChanged(m_sidecarProblem = tr("the notes and pins in %1 cannot be read").arg(QString::fromStdString(path)));
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

// Only when notes or pins changed. Where they cannot be kept (a folder that is read-only) that is said, and they live
// as long as the window.
void Document::writeSidecar() {
    const ViewState& state = m_view.state();
    if (m_path.isEmpty() || !m_sidecarRead || (state.notes == m_savedNotes && state.pinned == m_savedPins)) return;
    m_savedNotes = state.notes;
    m_savedPins = state.pinned;
    ViewState kept;
    kept.notes = state.notes;
    kept.pinned = state.pinned;
    m_view.compute("save " + sidecarOf(m_path).toStdString(), [this, generation = m_generation, kept, path = sidecarOf(m_path).toStdString()](const Worker::Stop&) -> std::function<void()> {
        nlohmann::ordered_json json{{"schema_version", 1}, {"state", toToken(kept)}, {"notes", nlohmann::ordered_json::array()}};
        for (const Note& note : kept.notes) json["notes"].push_back({{"start_ns", note.start}, {"end_ns", note.end}, {"text", toValidUtf8(note.text)}});
        keepDamaged(path);
        const Status written = writeFileAtomically(path, json.dump(1) + "\n");
        const QString problem = written.ok() ? QString() : tr("notes and pins are not saved, they last as long as this window: %1").arg(QString::fromStdString(written.error().message));
        return [this, generation, problem] {
            if (generation == m_generation && problem != m_sidecarProblem) Q_EMIT sidecarProblemChanged(m_sidecarProblem = problem);
        };
    });
}

}  // namespace ridge::gui
