// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What the commands of key_table.h do.
#include <QApplication>
#include <QBuffer>
#include <QClipboard>
#include <QDialog>
#include <QFileDialog>
#include <QImage>
#include <QInputDialog>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QStatusBar>
#include <QSvgGenerator>
#include <QTextBrowser>
#include <QVBoxLayout>

#include <algorithm>

#include "base/file.h"
#include "gui/app/main_window.h"
#include "gui/load/gui_thread_guard.h"
#include "gui/model/align.h"
#include "reports/html/html.h"

namespace ridge::gui {
namespace {

constexpr double kZoomStep = 0.7;
constexpr std::uint64_t kZoomTag = 1, kPanTag = 2;

bool isSvg(const QString& path) { return path.endsWith(QLatin1String(".svg"), Qt::CaseInsensitive); }

QByteArray htmlOf(const Insight& insight) {
    return QByteArray::fromStdString(reports::renderHtml(insight.asReported ? *insight.asReported : insight.analysis));
}

// Empty, or why it could not be written.
QString writeBytes(const QString& path, const QByteArray& bytes) {
    const Status written = writeFileAtomically(path.toStdString(), {bytes.constData(), static_cast<std::size_t>(bytes.size())});
    return written.ok() ? QString() : QString::fromStdString(written.error().message);
}
// Qt's own dialog reads the folders that it shows.
constexpr const char* kHeadless = "a picture or a report without a window: nobody waits for a frame";
constexpr const char* kFileDialog = "the dialog of Qt that shows folders";

QString writeImage(const QString& path, const QImage& image) {
    return image.save(path) ? QString() : QObject::tr("%1 cannot be written; .png and .svg are known").arg(path);
}

}  // namespace

void MainWindow::run(Command command) {
    using C = Command;
    const Ns middle = m_view.start() + (m_view.end() - m_view.start()) / 2;
    switch (command) {
        case C::kZoomIn: return m_view.zoom(kZoomStep, middle, kZoomTag);
        case C::kZoomOut: return m_view.zoom(1 / kZoomStep, middle, kZoomTag);
        case C::kPanLeft: return m_view.pan(-0.1, kPanTag);
        case C::kPanRight: return m_view.pan(0.1, kPanTag);
        case C::kPanLeftFast: return m_view.pan(-0.5, kPanTag);
        case C::kPanRightFast: return m_view.pan(0.5, kPanTag);
        case C::kFit: return m_view.fitSelection();
        case C::kShowAll: return m_view.showAll();
        case C::kScrollUp: return m_view.setScroll(m_view.state().scroll - m_timeline->height() / 2);
        case C::kScrollDown:
            return m_view.setScroll(std::min(std::max(0, m_timeline->rows().height - m_timeline->height() / 2),
                                             m_view.state().scroll + m_timeline->height() / 2));
        case C::kPreviousSlice: return m_view.stepSlice(false);
        case C::kNextSlice: return m_view.stepSlice(true);
        case C::kParentSlice: return m_view.stepDepth(false);
        case C::kChildSlice: return m_view.stepDepth(true);
        case C::kFlowBack: return m_view.walkFlow(false);
        case C::kFlowForward: return m_view.walkFlow(true);
        case C::kUndo: return m_view.undo();
        case C::kRedo: return m_view.redo();
        case C::kClear:
            m_timeline->setFocus();
            return m_view.clearSelection();
        case C::kSearch:
            m_search->setFocus();
            return m_search->selectAll();
        case C::kFilter:
            m_filter->setFocus();
            return m_filter->selectAll();
        case C::kNextMatch: return m_view.findNext(true);
        case C::kPreviousMatch: return m_view.findNext(false);
        case C::kPanelDetails: return m_view.openPanel("details");
        case C::kPanelStatistics: return m_view.openPanel("statistics");
        case C::kPanelFindings: return m_view.openPanel("findings");
        case C::kPanelAttribution: return m_view.openPanel("attribution");
        case C::kPanelRoofline: return m_view.openPanel("roofline");
        case C::kPanelMessages: return m_view.openPanel("messages");
        case C::kPanelNotes: return m_view.openPanel("notes");
        case C::kBookmark: return m_view.addNote(m_view.start(), m_view.end(), tr("bookmark").toStdString());
        case C::kNextNote: return stepNote(true);
        case C::kPreviousNote: return stepNote(false);
        case C::kPanelFlame: return m_view.openPanel("flame");
        case C::kPanelAnalysis: return m_view.openPanel(m_analysis->section().toStdString());
        case C::kPanelOverview: return m_view.openPanel("overview");
        case C::kPanelSteps: return m_view.openPanel("steps");
        case C::kPanelPath: return m_view.openPanel("path");
        case C::kPanelWhatIf: return m_view.openPanel("whatif");
        case C::kPanelAllFindings: return m_view.openPanel("allfindings");
        case C::kPanelRanges: return m_view.openPanel("ranges");
        case C::kPanelOps: return m_view.openPanel("ops");
        case C::kPanelCommunication: return m_view.openPanel("communication");
        case C::kPanelMemory: return m_view.openPanel("memory");
        case C::kPanelEnergy: return m_view.openPanel("energy");
        case C::kPanelDevices: return m_view.openPanel("devices");
        case C::kPanelQuality: return m_view.openPanel("quality");
        case C::kPanelCompare: return m_view.openPanel("compare");
        case C::kAlignStep:
        case C::kAlignFirst: {
            ViewState next = m_view.state();
            next.alignStep = -1;
            if (command == C::kAlignStep && m_view.insight()) next.alignStep = stepIndexAt(m_view.insight()->analysis, middle).value_or(-1);
            return m_view.apply(std::move(next));
        }
        case C::kPathBack: return m_analysis->walkPath(false);
        case C::kPathForward: return m_analysis->walkPath(true);
        case C::kWalls:
        case C::kFlameEnergy: {
            ViewState next = m_view.state();
            if (command == C::kFlameEnergy) next.flameEnergy = !next.flameEnergy;
            else next.roofWalls = !next.roofWalls, next.roofZoom = {};
            m_view.apply(std::move(next));
            return m_view.openPanel(command == C::kFlameEnergy ? "flame" : "roofline");
        }
        case C::kTheme: return setTheme(m_theme->dark ? lightTheme() : darkTheme());
        case C::kPalette: return showPalette();
        case C::kHelp: return showHelp();
        case C::kPin: case C::kHide: case C::kShowHidden: case C::kCollapse: case C::kRowUp: case C::kRowDown: case C::kNote:
            return runRows(command);
        case C::kOpen: case C::kCompare: case C::kReload: case C::kScreenshot: case C::kReport: case C::kCopyLink: case C::kQuit:
            return runFile(command);
    }
}

// The row that a row command means: of the selected slice, else of the selected range, else under the mouse. Not just any:
// the first would be a whole process.
std::int32_t MainWindow::currentTrack() const {
    const Snapshot& snapshot = *m_view.snapshot();
    if (m_view.selected().valid()) return static_cast<std::int32_t>(snapshot.laneTrack[m_view.selected().lane]);
    if (!m_view.state().rangeTracks.empty()) return snapshot.findTrack(m_view.state().rangeTracks.front());
    return m_timeline->trackUnderMouse();
}

void MainWindow::runRows(Command command) {
    const Snapshot& snapshot = *m_view.snapshot();
    if (command == Command::kShowHidden) return m_view.unhideAll();
    if (command == Command::kNote) {
        Ns a = m_view.state().rangeStart, b = m_view.state().rangeEnd;
        if (const SliceRef slice = m_view.selected(); slice.valid()) {
            a = snapshot.lane(slice.lane).start(slice.slice);
            b = snapshot.lane(slice.lane).end(slice.slice);
        } else if (a == b) {
            a = b = m_view.start() + (m_view.end() - m_view.start()) / 2;
        }
        return askNote(a, b);
    }
    const std::int32_t index = currentTrack();
    if (index == kNoTrack) return m_status->setText(tr("Which row? Select a slice of it, or point at it."));
    const Track& track = snapshot.tracks[static_cast<std::size_t>(index)];
    switch (command) {
        case Command::kPin: return m_view.togglePin(track.key);
        case Command::kHide: return m_view.hide(track.key);
        case Command::kCollapse: {
            // The row itself when it folds, else the group that it is in.
            const auto& rows = m_timeline->rows().rows;
            const auto rowOf = [&](std::int32_t of) {
                return std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.kind != RowKind::kStrip && r.track == static_cast<std::uint32_t>(of); });
            };
            auto row = rowOf(index);
            const bool folds = isGroup(track.kind) || track.parent == kNoTrack || (row != rows.end() && row->collapsible);
            if (!folds) row = rowOf(track.parent);
            const std::string& key = folds ? track.key : snapshot.tracks[static_cast<std::size_t>(track.parent)].key;
            return m_view.toggleCollapsed(key, row != rows.end() && row->collapsed);
        }
        case Command::kRowUp:
        case Command::kRowDown:
            return m_view.move(track.key, command == Command::kRowUp, siblingsOf(snapshot, m_view.state(), static_cast<std::uint32_t>(index)));
        default: return;
    }
}

void MainWindow::runFile(Command command) {
    switch (command) {
        case Command::kOpen: {
            const IoExemption dialog(kFileDialog);
            const QString path = QFileDialog::getOpenFileName(this, tr("Open trace"), {}, tr("Traces (*.sqlite *.json *.json.gz);;All files (*)"));
            if (!path.isEmpty()) openTrace(path);
            return;
        }
        case Command::kCompare: {
            if (m_document.path().isEmpty()) {
                statusBar()->showMessage(tr("open a trace first; then the one to compare it with"), 6000);
                return;
            }
            const IoExemption dialog(kFileDialog);
            const QString path = QFileDialog::getOpenFileName(this, tr("Compare with"), {}, tr("Traces (*.sqlite *.json *.json.gz);;All files (*)"));
            if (!path.isEmpty()) openTraces(m_document.paths(), m_view.state(), path);
            return;
        }
        case Command::kReload:
            if (!m_document.path().isEmpty()) openTraces(m_document.paths(), m_view.state(), m_document.basePath());
            return;
        case Command::kScreenshot: {
            const IoExemption dialog(kFileDialog);
            const QString path = QFileDialog::getSaveFileName(this, tr("Save picture"), QStringLiteral("ridge-view.png"), tr("Pictures (*.png *.svg)"));
            if (!path.isEmpty()) savePictureLater(path);
            return;
        }
        case Command::kReport: {
            const IoExemption dialog(kFileDialog);
            const QString path = QFileDialog::getSaveFileName(this, tr("Save report"), QStringLiteral("report.html"), tr("HTML (*.html)"));
            if (!path.isEmpty()) saveReportLater(path);
            return;
        }
        case Command::kCopyLink:
            QApplication::clipboard()->setText(QStringLiteral("ridge-view --view %1 %2 %3").arg(QString::fromStdString(toToken(m_view.state())), m_document.paths().join(QLatin1Char(' ')), m_document.basePath()).trimmed());
            statusBar()->showMessage(tr("copied: a command that opens this view"), 6000);
            return;
        case Command::kQuit: close(); return;
        default: return;
    }
}

QByteArray MainWindow::drawSvg() {
    QByteArray bytes;
    QBuffer buffer(&bytes);
    QSvgGenerator svg;
    svg.setOutputDevice(&buffer);
    svg.setSize(size());
    svg.setViewBox(rect());
    svg.setTitle(windowTitle());
    QPainter painter;
    if (painter.begin(&svg)) render(&painter);
    painter.end();
    return bytes;
}

QString MainWindow::savePicture(const QString& path, QSize size) {
    if (size.isValid()) resize(size);
    m_timeline->rebuildLayer();
    const IoExemption headless(kHeadless);
    return isSvg(path) ? writeBytes(path, drawSvg()) : writeImage(path, grab().toImage());
}

// As the two above, from a window in use: drawn here, encoded and written by the worker.
void MainWindow::savePictureLater(const QString& path) {
    m_timeline->rebuildLayer();
    if (isSvg(path)) {
        saveLater(path, [path, bytes = drawSvg()] { return writeBytes(path, bytes); });
    } else {
        saveLater(path, [path, image = grab().toImage()] { return writeImage(path, image); });
    }
}

void MainWindow::saveLater(const QString& path, std::function<QString()> write) {
    m_view.compute("save " + path.toStdString(), [this, path, write = std::move(write)](const Worker::Stop&) -> std::function<void()> {
        const QString problem = write();
        return [this, path, problem] { statusBar()->showMessage(problem.isEmpty() ? tr("saved %1").arg(path) : problem, 6000); };
    });
}

QString MainWindow::saveReport(const QString& path) {
    const InsightPtr insight = m_view.insight();
    const IoExemption headless(kHeadless);
    return insight ? writeBytes(path, htmlOf(*insight)) : tr("there is no analysis to report");
}

void MainWindow::saveReportLater(const QString& path) {
    const InsightPtr insight = m_view.insight();
    if (!insight) {
        statusBar()->showMessage(tr("there is no analysis to report"), 6000);
        return;
    }
    saveLater(path, [path, insight] { return writeBytes(path, htmlOf(*insight)); });
}

void MainWindow::askNote(Ns a, Ns b) {
    bool given = false;
    const QString text = QInputDialog::getText(this, tr("Note"), tr("Note (kept beside the trace, never in it):"), QLineEdit::Normal, {}, &given);
    if (given && !text.isEmpty()) m_view.addNote(a, b, text.toStdString());
}

// The nearest note beyond the middle of the view.
void MainWindow::stepNote(bool forward) {
    const auto middleOf = [](Ns a, Ns b) { return a + (b - a) / 2; };
    const Ns here = middleOf(m_view.start(), m_view.end());
    const Note* best = nullptr;
    for (const Note& note : m_view.state().notes) {
        const Ns at = middleOf(note.start, note.end);
        if (forward ? at <= here : at >= here) continue;
        if (!best || (forward ? at < middleOf(best->start, best->end) : at > middleOf(best->start, best->end))) best = &note;
    }
    if (!best) return;
    ViewState next = m_view.state();
    const Ns span = best->end > best->start ? best->end - best->start : m_view.end() - m_view.start(), middle = middleOf(best->start, best->end);
    next.start = middle - span / 2;
    next.end = next.start + std::max<Ns>(1, span);
    m_view.apply(std::move(next));
}

void MainWindow::showHelp() {
    QDialog dialog(this);
    dialog.setWindowTitle(tr("Keys and mouse"));
    dialog.resize(620, 680);
    QString html = QStringLiteral("<table cellpadding='4' width='100%'>");
    QString menu;
    for (const CommandInfo& info : commands()) {
        if (menu != QLatin1String(info.menu)) html += QStringLiteral("<tr><td colspan='2'><h3>%1</h3></td></tr>").arg(menu = QString::fromLatin1(info.menu));
        html += QStringLiteral("<tr><td>%1</td><td><b>%2</b></td></tr>").arg(QString::fromUtf8(info.text).toHtmlEscaped(),
                                                                             QString::fromLatin1(info.keys).replace(QLatin1Char(' '), QStringLiteral("</b>, <b>")));
    }
    html += QStringLiteral("<tr><td colspan='2'><h3>%1</h3></td></tr>").arg(tr("Mouse"));
    for (const MouseHabit& habit : mouseHabits())
        html += QStringLiteral("<tr><td>%1</td><td>%2</td></tr>").arg(QString::fromLatin1(habit.gesture), QString::fromLatin1(habit.effect));
    auto* text = new QTextBrowser(&dialog);
    text->setHtml(html + QStringLiteral("</table>"));
    auto* layout = new QVBoxLayout(&dialog);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(text);
    dialog.exec();
}

void MainWindow::showPalette() {
    QDialog dialog(this, Qt::Popup);
    dialog.setStyleSheet(QStringLiteral("QDialog { border: 1px solid palette(mid); }"));  // a popup has no frame of its own
    dialog.resize(480, 360);
    auto* input = new QLineEdit(&dialog);
    input->setPlaceholderText(tr("What to do?"));
    auto* list = new QListWidget(&dialog);
    auto* layout = new QVBoxLayout(&dialog);
    layout->addWidget(input);
    layout->addWidget(list);
    const auto fill = [list, input] {
        list->clear();
        for (const CommandInfo& info : commands()) {
            const QString text = QString::fromUtf8(info.text);
            if (!text.contains(input->text(), Qt::CaseInsensitive)) continue;
            auto* item = new QListWidgetItem(QStringLiteral("%1    %2").arg(text, QString::fromLatin1(info.keys)), list);
            item->setData(Qt::UserRole, static_cast<int>(info.command));
        }
        list->setCurrentRow(0);
    };
    int chosen = -1;
    const auto take = [&] {
        if (const QListWidgetItem* item = list->currentItem()) chosen = item->data(Qt::UserRole).toInt();
        dialog.accept();
    };
    connect(input, &QLineEdit::textChanged, &dialog, fill);
    connect(input, &QLineEdit::returnPressed, &dialog, take);
    connect(list, &QListWidget::itemActivated, &dialog, take);
    connect(list, &QListWidget::itemClicked, &dialog, take);
    fill();
    input->setFocus();
    dialog.move(mapToGlobal(QPoint((width() - dialog.width()) / 2, 80)));
    dialog.exec();
    if (chosen >= 0) run(static_cast<Command>(chosen));
}

}  // namespace ridge::gui
