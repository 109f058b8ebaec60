// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The open trace: loads it, then analyzes it, and hands both to the ViewController; keeps the notes and
// pins in a sidecar file beside the trace (never in it). Lives on the GUI thread; all file I/O is on
// threads of its own.

#include <QObject>
#include <QString>

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
    void setAnalysisWishes(const QString& ceilings, const QString& step) {
        m_ceilings = ceilings;
        m_step = step;
    }
    enum class Phase { kEmpty, kLoading, kAnalyzing, kReady, kFailed, kCancelled };
    // state: what to show at once (a deep link); without one the sidecar's notes and pins are taken.
    void open(const QString& path, const std::optional<ViewState>& state = std::nullopt);
    void cancel();
    [[nodiscard]] Phase phase() const { return m_phase; }
    [[nodiscard]] const QString& path() const { return m_path; }
    [[nodiscard]] const QString& problem() const { return m_problem; }
    [[nodiscard]] double progress() const { return m_view.snapshot()->progress; }
    [[nodiscard]] bool settled() const { return m_phase != Phase::kLoading && m_phase != Phase::kAnalyzing; }
    // "trace.sqlite" -> "trace.sqlite.ridge-view.json"
    static QString sidecarOf(const QString& path);

Q_SIGNALS:
    void phaseChanged();

private:
    void setPhase(Phase phase, const QString& problem = {});
    void analyze();
    void readSidecar();
    void writeSidecar();
    ViewController& m_view;
    QString m_path, m_problem, m_ceilings, m_step;
    Phase m_phase = Phase::kEmpty;
    std::unique_ptr<TraceLoader> m_loader;
    struct Link;  // to the thread of the analysis, which may outlive this
    std::shared_ptr<Link> m_link;
    void dropAnalysis();
    std::vector<Note> m_savedNotes;
    std::vector<std::string> m_savedPins;
    std::uint64_t m_generation = 0;
    bool m_sidecarRead = false;
};

}  // namespace ridge::gui
