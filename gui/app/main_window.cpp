// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Building the window; what the commands do is in main_window_commands.cpp.
#include "gui/app/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QFileInfo>
#include <QMenuBar>
#include <QMimeData>
#include <QPushButton>
#include <QSettings>
#include <QStatusBar>
#include <QToolBar>
#include <QVBoxLayout>

#include <utility>

#include "base/text.h"
#include "gui/load/gui_thread_guard.h"
#include "gui/load/rank_of_file.h"

namespace ridge::gui {
namespace {

constexpr int kMostRecent = 12;

QSettings settings() { return QSettings(QStringLiteral("ridgepoint"), QStringLiteral("ridge-view")); }

QString counted(std::size_t count, const char* what) {
    return QStringLiteral("%L1 %2%3").arg(count).arg(QLatin1String(what), count == 1 ? QString() : QStringLiteral("s"));
}

// Most recent first, without repetition.
QStringList withFile(QStringList files, const QString& file) {
    files.removeAll(file);
    files.prepend(file);
    return files.mid(0, kMostRecent);
}

}  // namespace

MainWindow::MainWindow(const Theme& theme, bool remember, QWidget* parent)
    : QMainWindow(parent), m_theme(&theme), m_remember(remember), m_document(m_view), m_stack(new QStackedWidget(this)),
      m_timeline(new TimelineWidget(m_view, theme, m_stack)) {
    setWindowTitle(QStringLiteral("ridge-view"));
    setAcceptDrops(true);
    setDockNestingEnabled(true);
    resize(1440, 900);
    m_stack->addWidget(buildEmptyPage());
    m_stack->addWidget(m_timeline);
    setCentralWidget(m_stack);
    buildActions();
    buildMenus();
    buildBars();
    buildPanels();
    connect(&m_document, &Document::phaseChanged, this, &MainWindow::updateStatus);
    connect(&m_document, &Document::sidecarProblemChanged, this, [this](const QString& problem) {
        m_messages->setSidecarProblem(problem);
        updateStatus();
    });
    connect(&m_view, &ViewController::viewChanged, this, &MainWindow::updateActions);
    connect(&m_view, &ViewController::selectionChanged, this, &MainWindow::updateActions);
    connect(&m_view, &ViewController::snapshotChanged, this, &MainWindow::updateStatus);
    connect(&m_view, &ViewController::panelRequested, this, &MainWindow::showPanel);
    connect(&m_view, &ViewController::searchChanged, this, [this] {
        const SearchResult& found = m_view.search();
        QString words;
        if (!m_view.state().search.empty())
            words = found.running ? tr("searching…")
                    : found.position > 0 ? tr("%L1 of %L2").arg(found.position).arg(found.count)
                                         : tr("%L1 found").arg(found.count);
        m_found->setText(words);
    });
    connect(m_timeline, &TimelineWidget::noteAsked, this, &MainWindow::askNote);
    setTheme(theme);
    updateStatus();
    updateActions();
    if (m_remember) {
        const IoExemption start("one small file before the first frame: the window's place must be known to draw it");
        auto stored = settings();
        m_recentFiles = stored.value(QStringLiteral("recent")).toStringList();
        restoreGeometry(stored.value(QStringLiteral("geometry")).toByteArray());
        restoreState(stored.value(QStringLiteral("docks")).toByteArray());
    }
}

MainWindow::~MainWindow() = default;

QWidget* MainWindow::buildEmptyPage() {
    auto* page = new QWidget(m_stack);
    auto* layout = new QVBoxLayout(page);
    layout->addStretch(2);
    m_emptyText = new QLabel(page);
    m_emptyText->setAlignment(Qt::AlignCenter);
    m_emptyText->setWordWrap(true);
    m_emptyText->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto* open = new QPushButton(tr("Open a trace…"), page);
    open->setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    connect(open, &QPushButton::clicked, this, [this] { run(Command::kOpen); });
    layout->addWidget(m_emptyText);
    layout->addSpacing(12);
    layout->addWidget(open, 0, Qt::AlignHCenter);
    layout->addStretch(3);
    return page;
}

void MainWindow::buildActions() {
    for (const CommandInfo& info : commands()) {
        auto* action = new QAction(tr(info.text), this);
        QList<QKeySequence> keys;
        for (const QString& key : QString::fromLatin1(info.keys).split(QLatin1Char(' '), Qt::SkipEmptyParts))
            keys.append(QKeySequence::fromString(key, QKeySequence::PortableText));
        action->setShortcuts(keys);
        action->setObjectName(QString::fromLatin1(info.text));
        connect(action, &QAction::triggered, this, [this, command = info.command] { run(command); });
        addAction(action);
        m_actions.insert(static_cast<int>(info.command), action);
    }
}

void MainWindow::buildMenus() {
    QHash<QString, QMenu*> menus;
    for (const char* title : {"File", "Edit", "View", "Go", "Rows", "Panels", "Help"})
        menus.insert(QString::fromLatin1(title), menuBar()->addMenu(QLatin1Char('&') + tr(title)));
    for (const CommandInfo& info : commands()) {
        menus.value(QString::fromLatin1(info.menu))->addAction(actionOf(info.command));
        if (info.command == Command::kOpen) m_recent = menus.value(QStringLiteral("File"))->addMenu(tr("Open recent"));
    }
    connect(m_recent, &QMenu::aboutToShow, this, &MainWindow::refillRecent);
}

void MainWindow::buildBars() {
    auto* bar = addToolBar(tr("Search and filter"));
    bar->setObjectName(QStringLiteral("bar"));
    bar->setMovable(false);
    m_search = new QLineEdit(bar);
    m_search->setPlaceholderText(tr("Search slices  ( / )"));
    m_search->setClearButtonEnabled(true);
    m_search->setMaximumWidth(340);
    m_filter = new QLineEdit(bar);
    m_filter->setPlaceholderText(tr("Filter rows  ( Ctrl+P )"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setMaximumWidth(260);
    m_found = new QLabel(bar);
    m_found->setMinimumWidth(110);
    m_found->setMargin(6);
    bar->addWidget(m_search);
    bar->addWidget(m_found);
    bar->addWidget(m_filter);
    connect(m_search, &QLineEdit::textChanged, this, [this](const QString& text) { m_view.setSearch(text.toStdString()); });
    connect(m_filter, &QLineEdit::textChanged, this, [this](const QString& text) { m_view.setFilter(text.toStdString()); });
    connect(m_search, &QLineEdit::returnPressed, this, [this] {
        m_view.findNext(!QApplication::keyboardModifiers().testFlag(Qt::ShiftModifier));
    });
    m_status = new QLabel(this);
    m_progress = new QProgressBar(this);
    m_progress->setMaximumWidth(180);
    m_progress->setRange(0, 1000);
    m_progress->setTextVisible(false);
    m_cancel = new QToolButton(this);
    m_cancel->setText(tr("Cancel"));
    connect(m_cancel, &QToolButton::clicked, &m_document, &Document::cancel);
    statusBar()->addWidget(m_status, 1);
    statusBar()->addPermanentWidget(m_progress);
    statusBar()->addPermanentWidget(m_cancel);
}

QDockWidget* MainWindow::addPanel(const QString& name, const QString& title, QWidget* content, Qt::DockWidgetArea area) {
    auto* dock = new QDockWidget(title, this);
    dock->setObjectName(name);
    dock->setWidget(content);
    dock->setFeatures(QDockWidget::DockWidgetMovable | QDockWidget::DockWidgetClosable | QDockWidget::DockWidgetFloatable);
    addDockWidget(area, dock);
    m_panels.insert(name, dock);
    return dock;
}

void MainWindow::buildPanels() {
    m_details = new DetailsPanel(m_view, this);
    m_findings = new FindingsPanel(m_view, *m_theme, this);
    m_attribution = new AttributionPanel(m_view, *m_theme, this);
    m_roofline = new RooflinePanel(m_view, *m_theme, this);
    m_messages = new MessagesPanel(m_view, *m_theme, this);
    m_analysis = new AnalysisPanel(m_view, *m_theme, this);
    m_flame = new FlamePanel(m_view, *m_theme, this);
    auto* details = addPanel(QStringLiteral("details"), tr("Details"), m_details, Qt::BottomDockWidgetArea);
    auto* statistics = addPanel(QStringLiteral("statistics"), tr("Statistics"), new StatisticsPanel(m_view, this), Qt::BottomDockWidgetArea);
    auto* messages = addPanel(QStringLiteral("messages"), tr("Messages"), m_messages, Qt::BottomDockWidgetArea);
    auto* flame = addPanel(QStringLiteral("flame"), tr("Flame graph"), m_flame, Qt::BottomDockWidgetArea);
    auto* analysis = addPanel(QStringLiteral("analysis"), tr("Analysis"), m_analysis, Qt::BottomDockWidgetArea);
    auto* notes = addPanel(QStringLiteral("notes"), tr("Notes"), new NotesPanel(m_view, this), Qt::BottomDockWidgetArea);
    auto* findings = addPanel(QStringLiteral("findings"), tr("Findings"), m_findings, Qt::RightDockWidgetArea);
    auto* attribution = addPanel(QStringLiteral("attribution"), tr("Attribution"), m_attribution, Qt::RightDockWidgetArea);
    auto* roofline = addPanel(QStringLiteral("roofline"), tr("Roofline"), m_roofline, Qt::RightDockWidgetArea);
    tabifyDockWidget(details, statistics);
    tabifyDockWidget(statistics, flame);
    tabifyDockWidget(flame, analysis);
    tabifyDockWidget(analysis, notes);
    tabifyDockWidget(notes, messages);
    tabifyDockWidget(findings, attribution);
    tabifyDockWidget(attribution, roofline);
    details->raise();
    findings->raise();
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
    resizeDocks({details, findings}, {220, 440}, Qt::Vertical);
    resizeDocks({findings}, {430}, Qt::Horizontal);
}

void MainWindow::setTheme(const Theme& theme) {
    m_theme = &theme;
    QApplication::setPalette(paletteOf(theme));
    setStyleSheet(styleSheetOf(theme));
    m_timeline->setTheme(theme);
    m_findings->setTheme(theme);
    m_attribution->setTheme(theme);
    m_roofline->setTheme(theme);
    m_messages->setTheme(theme);
    m_analysis->setTheme(theme);
    m_flame->setTheme(theme);
}

QStringList MainWindow::panelNames() {
    QStringList names{QStringLiteral("details"), QStringLiteral("statistics"), QStringLiteral("flame"), QStringLiteral("analysis"), QStringLiteral("findings"),
                      QStringLiteral("attribution"), QStringLiteral("roofline"), QStringLiteral("notes"), QStringLiteral("messages")};
    for (const SectionName& section : sectionNames()) names.append(QString::fromLatin1(section.id));
    return names;
}

void MainWindow::showPanel(const QString& name) {
    const bool section = AnalysisPanel::hasSection(name);
    QDockWidget* dock = m_panels.value(section ? QStringLiteral("analysis") : name);
    if (!dock) return;
    if (section) m_analysis->showSection(name);
    m_yielded.removeAll(dock);  // asked for, it stays
    dock->show();
    dock->raise();
    // Charts and frames need more height than a line of details.
    const bool tall = section || name == QLatin1String("analysis") || name == QLatin1String("flame");
    constexpr const char* kGrown = "grown";  // once: from then on the height is the user's
    if (tall && !property(kGrown).toBool() && !dock->isFloating() && dockWidgetArea(dock) == Qt::BottomDockWidgetArea) {
        setProperty(kGrown, true);
        resizeDocks({dock}, {height() / 2}, Qt::Vertical);
    }
}

void MainWindow::openTraces(const QStringList& paths, const std::optional<ViewState>& state, const QString& base) {
    if (paths.isEmpty()) return;
    m_messages->setProblem({});
    m_messages->setSidecarProblem({});
    m_document.open(paths, state, base);
    for (const QString& path : paths) rememberFile(path);
    m_timeline->setFocus();
}

// Kept by the worker: other windows may have added files meanwhile.
void MainWindow::rememberFile(const QString& path) {
    if (!m_remember) return;
    const QString full = QFileInfo(path).absoluteFilePath();
    m_recentFiles = withFile(m_recentFiles, full);
    m_unsavedFiles = withFile(m_unsavedFiles, full);
    m_view.compute("recent", [this, added = m_unsavedFiles](const Worker::Stop&) -> std::function<void()> {
        saveRecent(added);
        return [this, added] {
            for (const QString& file : added) m_unsavedFiles.removeAll(file);
        };
    });
}

void MainWindow::saveRecent(const QStringList& added) {
    auto stored = settings();
    QStringList files = stored.value(QStringLiteral("recent")).toStringList();
    for (auto file = added.rbegin(); file != added.rend(); ++file) files = withFile(files, *file);
    stored.setValue(QStringLiteral("recent"), files);
}

void MainWindow::refillRecent() {
    m_recent->clear();
    for (const QString& file : m_recentFiles) m_recent->addAction(file, this, [this, file] { openTrace(file); });
    if (m_recentFiles.isEmpty()) m_recent->addAction(tr("none yet"))->setEnabled(false);
}

void MainWindow::updateStatus() {
    using Phase = Document::Phase;
    const Phase phase = m_document.phase();
    const Snapshot& snapshot = *m_view.snapshot();
    const bool running = !m_document.settled();
    m_progress->setVisible(running);
    m_cancel->setVisible(running);
    if (phase == Phase::kAnalyzing) m_progress->setRange(0, 0);
    else m_progress->setRange(0, 1000), m_progress->setValue(static_cast<int>(m_document.progress() * 1000));
    const bool shown = !snapshot.tracks.empty();
    m_stack->setCurrentIndex(shown ? 1 : 0);
    QString words, empty = tr("<h2>No trace is open</h2><p>Drop a file here, or start <code>ridge-view TRACE</code>.</p>"
                              "<p>It reads traces of <code>ridge record</code> and <code>ridge run</code>, SQLite exports of Nsight Systems<br>"
                              "(<code>nsys export --type sqlite</code>) and traces of the PyTorch profiler.</p>");
    const QString name = QFileInfo(m_document.path()).fileName();
    if (phase == Phase::kLoading) words = tr("loading %1 …").arg(name), empty = tr("<h2>Loading</h2><p>%1</p>").arg(name.toHtmlEscaped());
    if (phase == Phase::kAnalyzing) words = tr("analyzing …");
    if (phase == Phase::kFailed || (phase == Phase::kReady && !m_document.problem().isEmpty()) || phase == Phase::kCancelled) {
        words = m_document.problem();
        m_messages->setProblem(m_document.problem());
        empty = tr("<h2>This trace cannot be shown</h2><p>%1</p>").arg(m_document.problem().toHtmlEscaped());
    } else if (phase == Phase::kReady && !shown) {
        const auto& damage = snapshot.damage.empty() ? snapshot.warnings : snapshot.damage;
        empty = damage.empty() ? tr("<h2>Nothing to show</h2><p>%1 holds no ranges, calls, kernels or counters.</p>").arg(name.toHtmlEscaped())
                                        : tr("<h2>Nothing to show</h2><p>%1: %2.</p>").arg(name.toHtmlEscaped(), QString::fromStdString(damage.front()).toHtmlEscaped());
    }
    if (!m_document.sidecarProblem().isEmpty()) words += (words.isEmpty() ? QString() : QStringLiteral("   ")) + m_document.sidecarProblem();
    if (!m_document.baseProblem().isEmpty()) {
        words += (words.isEmpty() ? QString() : QStringLiteral("   ")) + tr("nothing to compare with: %1").arg(m_document.baseProblem());
        m_messages->setProblem(m_document.baseProblem());
    }
    m_emptyText->setText(empty);
    if (shown) {
        const double bytes = static_cast<double>(snapshot.bytes());
        words += (words.isEmpty() ? QString() : QStringLiteral("   ")) +
                 tr("%1 in %2 · %3 (%4 B per slice)").arg(counted(snapshot.slices, "slice"), counted(snapshot.laneTrack.size(), "row"))
                     .arg(QString::fromStdString(formatBytes(static_cast<std::uint64_t>(bytes))))
                     .arg(snapshot.slices ? bytes / static_cast<double>(snapshot.slices) : 0, 0, 'f', 1);
        if (!snapshot.damage.empty()) words += tr(" · damaged: %1").arg(QString::fromStdString(snapshot.damage.front()));
        if (!snapshot.warnings.empty()) words += snapshot.warnings.size() == 1 ? tr(" · %1").arg(QString::fromStdString(snapshot.warnings.front())) : tr(" · %1 notes in Messages").arg(snapshot.warnings.size());
    }
    m_status->setText(words);
    QString title = name;
    if (!m_document.basePath().isEmpty()) title += tr(" against %1").arg(QFileInfo(m_document.basePath()).fileName());
    setWindowTitle(name.isEmpty() ? QStringLiteral("ridge-view") : title + QStringLiteral(" – ridge-view"));
}

void MainWindow::updateActions() {
    const bool selected = m_view.selected().valid();
    for (const Command c : {Command::kPreviousSlice, Command::kNextSlice, Command::kParentSlice, Command::kChildSlice, Command::kFlowBack, Command::kFlowForward})
        actionOf(c)->setEnabled(selected);
    actionOf(Command::kUndo)->setEnabled(m_view.history().canUndo());
    actionOf(Command::kRedo)->setEnabled(m_view.history().canRedo());
    const auto same = [](QLineEdit* edit, const std::string& text) {
        const QString wanted = QString::fromStdString(text);
        if (edit->text() == wanted) return;
        const QSignalBlocker blocker(edit);
        edit->setText(wanted);
        edit->home(false);  // its beginning is seen, whatever the width was when it was set
    };
    same(m_search, m_view.state().search);
    same(m_filter, m_view.state().filter);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (event->mimeData()->hasUrls() && event->mimeData()->urls().first().isLocalFile()) event->acceptProposedAction();
}

// Two files at once: the first against the second, unless they are ranks of one run; more are the ranks of one.
void MainWindow::dropEvent(QDropEvent* event) {
    QStringList paths;
    std::vector<std::string> names;
    for (const QUrl& url : event->mimeData()->urls())
        if (url.isLocalFile()) {
            paths.append(url.toLocalFile());
            names.push_back(paths.last().toStdString());
        }
    if (paths.size() != 2) return openTraces(paths);
    // Whose they are stands in the files: not for this thread to read.
    m_view.compute("drop", [this, paths, names](const Worker::Stop&) -> std::function<void()> {
        const bool ranks = areRanksOfOneRun(names);
        return [this, paths, ranks] { ranks ? openTraces(paths) : openTraces({paths.first()}, std::nullopt, paths.last()); };
    });
}

// A window manager, or none, may force a size that the panels do not fit in; Qt then draws them cut. They yield, the
// widest side first, and come back with the room.
void MainWindow::makeRoom() {
    if (!m_yielded.isEmpty() && width() >= m_roomWanted.width() && height() >= m_roomWanted.height()) bringPanelsBack();
    for (const Qt::DockWidgetArea area : {Qt::RightDockWidgetArea, Qt::LeftDockWidgetArea, Qt::BottomDockWidgetArea, Qt::TopDockWidgetArea}) {
        const QSize least = layout()->minimumSize();
        const bool beside = area == Qt::RightDockWidgetArea || area == Qt::LeftDockWidgetArea;
        if (beside ? least.width() <= width() : least.height() <= height() && least.width() <= width()) continue;
        for (QDockWidget* dock : std::as_const(m_panels)) {
            if (dock->isHidden() || dock->isFloating() || dockWidgetArea(dock) != area) continue;
            if (m_yielded.isEmpty()) m_roomWanted = least;
            // Those in front of their tabs last: shown last, they are in front again.
            dock->visibleRegion().isEmpty() ? m_yielded.prepend(dock) : m_yielded.append(dock);
        }
        for (QDockWidget* dock : std::as_const(m_yielded)) dock->hide();
    }
}

void MainWindow::bringPanelsBack() {
    for (QDockWidget* dock : std::exchange(m_yielded, {})) {
        dock->show();
        dock->raise();
    }
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    if (isVisible()) makeRoom();
}

void MainWindow::closeEvent(QCloseEvent* event) {
    bringPanelsBack();  // so that the next window has them
    if (m_remember) {
        const IoExemption end("one small file after the last frame: the worker may not live to write it");
        if (!m_unsavedFiles.isEmpty()) saveRecent(m_unsavedFiles);
        auto stored = settings();
        stored.setValue(QStringLiteral("geometry"), saveGeometry());
        stored.setValue(QStringLiteral("docks"), saveState());
    }
    QMainWindow::closeEvent(event);
}

}  // namespace ridge::gui
