// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The open trace: loads it, then analyzes it, and hands both to the ViewController; keeps the notes and
// pins in a sidecar file beside the trace (never in it). Lives on the GUI thread; all file I/O is on
// threads of its own.
//
// With a base both are loaded and analyzed; what is shown is gui/model/interleave.h of the two, moved so that a step
// of each begins at the same moment (ViewState::alignStep), and the comparison. A base that cannot be read does not
// keep the trace from being shown: baseProblem() says why.

#include <QObject>
#include <QString>
#include <QStringList>

#include <memory>

#include "gui/load/trace_loader.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

class Document : public QObject {
    Q_OBJECT
public:
    explicit Document(ViewController& view, QObject* parent = nullptr);
    ~Document() override;

    // For the analysis: a file of measured roofs, the name of the ranges that are steps. Without a file the
    // roofs that ridge run left beside the trace are taken (ceilings-before.json and -after.json).
    // pairs: workloads of base and trace that are to be compared though their names differ.
    void setAnalysisWishes(const QString& ceilings, const QString& step, std::vector<std::pair<std::string, std::string>> pairs = {}) {
        m_ceilings = ceilings;
        m_step = step;
        m_pairs = std::move(pairs);
    }
    enum class Phase { kEmpty, kLoading, kAnalyzing, kReady, kFailed, kCancelled };
    // state: what to show at once (a deep link); without one the sidecar's notes and pins are taken.
    void open(const QString& path, const std::optional<ViewState>& state = std::nullopt, const QString& base = {}) { open(QStringList{path}, state, base); }
    // Several: the ranks of one run, on one clock.
    void open(const QStringList& paths, const std::optional<ViewState>& state = std::nullopt, const QString& base = {});
    void cancel();
    [[nodiscard]] Phase phase() const { return m_phase; }
    [[nodiscard]] const QString& path() const { return m_path; }  // the first; the sidecar stands beside it
    [[nodiscard]] const QStringList& paths() const { return m_paths; }
    [[nodiscard]] const QString& basePath() const { return m_basePath; }
    [[nodiscard]] const QString& problem() const { return m_problem; }
    [[nodiscard]] const QString& baseProblem() const { return m_baseProblem; }
    [[nodiscard]] double progress() const { return m_view.snapshot()->progress; }
    [[nodiscard]] bool settled() const { return m_phase != Phase::kLoading && m_phase != Phase::kAnalyzing; }
    // "trace.sqlite" -> "trace.sqlite.ridge-view.json"
    static QString sidecarOf(const QString& path);

    // Why notes and pins are not kept in the sidecar; empty: they are.
    [[nodiscard]] const QString& sidecarProblem() const { return m_sidecarProblem; }

Q_SIGNALS:
    void phaseChanged();
    void sidecarProblemChanged(const QString& problem);

private:
    void setPhase(Phase phase, const QString& problem = {});
    void loaded(bool base, const std::optional<Error>& error);
    void analyze();
    // Puts the two traces side by side on the worker, at the shift that the state asks for.
    void align();
    void readSidecar();
    void writeSidecar();
    ViewController& m_view;
    QStringList m_paths;
    QString m_path, m_basePath, m_problem, m_baseProblem, m_sidecarProblem, m_ceilings, m_step;
    std::vector<std::pair<std::string, std::string>> m_pairs;
    Phase m_phase = Phase::kEmpty;
    std::unique_ptr<TraceLoader> m_loader, m_baseLoader;
    SnapshotPtr m_trace, m_base;  // as loaded; the base is null when there is none (yet)
    InsightPtr m_insight;         // as analyzed, the base's strips not moved
    bool m_traceLoaded = false, m_baseLoaded = false;
    std::int64_t m_aligned = -1;  // ViewState::alignStep that is shown
    struct Link;  // to the thread of the analysis, which may outlive this
    std::shared_ptr<Link> m_link;
    void dropAnalysis();
    std::vector<Note> m_savedNotes;
    std::vector<std::string> m_savedPins;
    std::uint64_t m_generation = 0;
    bool m_sidecarRead = false;
};

}  // namespace ridge::gui
