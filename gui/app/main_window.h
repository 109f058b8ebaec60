// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The window: the timeline in the middle, panels in docks, menus and keys from key_table.h, one search and
// one filter bar, a status line that says what is going on.

#include <QHash>
#include <QLabel>
#include <QLineEdit>
#include <QMainWindow>
#include <QProgressBar>
#include <QStackedWidget>
#include <QToolButton>

#include <functional>

#include "gui/app/document.h"
#include "gui/analysis/analysis_panel.h"
#include "gui/app/key_table.h"
#include "gui/flame/flame_panel.h"
#include "gui/panels/attribution/attribution_panel.h"
#include "gui/panels/details/details_panel.h"
#include "gui/panels/findings/findings_panel.h"
#include "gui/panels/messages/messages_panel.h"
#include "gui/panels/notes/notes_panel.h"
#include "gui/panels/statistics/statistics_panel.h"
#include "gui/roofline/roofline_panel.h"
#include "gui/timeline/timeline_widget.h"

namespace ridge::gui {

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    // remember: reads and writes the window's place and the recent files.
    explicit MainWindow(const Theme& theme, bool remember, QWidget* parent = nullptr);
    ~MainWindow() override;

    void openTrace(const QString& path, const std::optional<ViewState>& state = std::nullopt, const QString& base = {}) { openTraces({path}, state, base); }
    // Several: the ranks of one run.
    void openTraces(const QStringList& paths, const std::optional<ViewState>& state = std::nullopt, const QString& base = {});
    [[nodiscard]] ViewController& view() { return m_view; }
    [[nodiscard]] Document& document() { return m_document; }
    [[nodiscard]] TimelineWidget& timeline() { return *m_timeline; }
    void run(Command command);
    [[nodiscard]] QAction* actionOf(Command command) const { return m_actions.value(static_cast<int>(command)); }
    void setTheme(const Theme& theme);
    // A dock, or a section of the analysis.
    void showPanel(const QString& name);
    [[nodiscard]] AnalysisPanel& analysis() { return *m_analysis; }
    [[nodiscard]] FlamePanel& flame() { return *m_flame; }
    [[nodiscard]] RooflinePanel& roofline() { return *m_roofline; }
    [[nodiscard]] AttributionPanel& attribution() { return *m_attribution; }
    // Names that showPanel() knows.
    [[nodiscard]] static QStringList panelNames();
    // Nothing is running any more: load, analysis, worker.
    [[nodiscard]] bool settled() const { return m_document.settled() && !m_view.busy(); }
    // An empty string, or why it could not be written. The format follows the ending: .svg or an image.
    QString savePicture(const QString& path, QSize size);
    QString saveReport(const QString& path);
    // The same without waiting for the disk; the outcome is said in the status line.
    void savePictureLater(const QString& path);
    void saveReportLater(const QString& path);

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    QByteArray drawSvg();
    void saveLater(const QString& path, std::function<QString()> write);
    void buildActions();
    void buildMenus();
    void buildBars();
    QDockWidget* addPanel(const QString& name, const QString& title, QWidget* content, Qt::DockWidgetArea area);
    void buildPanels();
    QWidget* buildEmptyPage();
    void makeRoom();
    void bringPanelsBack();
    void runRows(Command command);
    void runFile(Command command);
    void updateStatus();
    void updateActions();
    void rememberFile(const QString& path);
    static void saveRecent(const QStringList& added);
    void refillRecent();
    void askNote(Ns a, Ns b);
    void stepNote(bool forward);
    void showHelp();
    void showPalette();
    [[nodiscard]] std::int32_t currentTrack() const;

    const Theme* m_theme;
    bool m_remember;
    ViewController m_view;
    Document m_document;
    QStackedWidget* m_stack;
    TimelineWidget* m_timeline;
    DetailsPanel* m_details = nullptr;
    FindingsPanel* m_findings = nullptr;
    AttributionPanel* m_attribution = nullptr;
    RooflinePanel* m_roofline = nullptr;
    MessagesPanel* m_messages = nullptr;
    AnalysisPanel* m_analysis = nullptr;
    FlamePanel* m_flame = nullptr;
    QHash<QString, QDockWidget*> m_panels;
    QList<QDockWidget*> m_yielded;  // hidden because the window was forced below its least size...
    QSize m_roomWanted;             // ...and what it takes to have them back
    QHash<int, QAction*> m_actions;
    QLineEdit* m_search = nullptr;
    QLineEdit* m_filter = nullptr;
    QLabel* m_found = nullptr;
    QLabel* m_status = nullptr;
    QLabel* m_emptyText = nullptr;
    QProgressBar* m_progress = nullptr;
    QToolButton* m_cancel = nullptr;
    QMenu* m_recent = nullptr;
    QStringList m_recentFiles, m_unsavedFiles;  // as the menu has them; not yet written by the worker
};

}  // namespace ridge::gui
