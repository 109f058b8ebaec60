// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Every key, asserted on the ViewState.
#include <gtest/gtest.h>

#include <QApplication>
#include <QDir>
#include <QDockWidget>
#include <QDropEvent>
#include <QElapsedTimer>
#include <QFile>
#include <QLayout>
#include <QListWidget>
#include <QMenu>
#include <QMimeData>
#include <QRegularExpression>
#include <QSettings>
#include <QTest>
#include <QWindow>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <utility>

#include "base/file.h"
#include "gui/app/main_window.h"
#include "gui/app/state_file.h"
#include "gui/load/gui_thread_guard.h"
#include "sample.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace ridge::gui {
namespace {

class WindowTest : public testing::Test {
protected:
    WindowTest() : m_window(lightTheme(), false) {
        m_window.view().setSnapshot(test::sampleSnapshot());
        m_window.resize(1500, 900);
        m_window.show();
        m_window.activateWindow();
        EXPECT_TRUE(QTest::qWaitForWindowActive(&m_window));
        m_window.timeline().setFocus();
    }
    ViewController& view() { return m_window.view(); }
    const ViewState& state() { return view().state(); }
    Ns span() { return view().end() - view().start(); }
    void press(const char* keys) {
        const QKeySequence sequence = QKeySequence::fromString(QString::fromLatin1(keys), QKeySequence::PortableText);
        const auto combination = sequence[0];
        QTest::keyClick(&m_window.timeline(), combination.key(), combination.keyboardModifiers());
    }
    // Jobs of the worker come back through the event loop.
    template <typename Condition>
    bool wait(Condition condition) {
        QElapsedTimer clock;
        clock.start();
        while (!condition() && clock.elapsed() < 60'000) QApplication::processEvents(QEventLoop::AllEvents, 20);
        return condition();
    }
    SliceRef first(TrackKind kind, std::uint32_t slice = 0, std::uint32_t depth = 0) {
        for (const Track& track : view().snapshot()->tracks)
            if (track.kind == kind) return {track.firstLane + depth, slice};
        return {};
    }
    MainWindow m_window;
};

TEST_F(WindowTest, ZoomAndPanKeys) {
    const Ns whole = span();
    press("W");
    EXPECT_LT(span(), whole);
    const Ns narrow = span(), left = view().start();
    press("D");
    EXPECT_GT(view().start(), left);
    EXPECT_EQ(span(), narrow);
    press("A");
    press("A");
    EXPECT_LT(view().start(), left);
    press("S");
    EXPECT_GT(span(), narrow);
    press("0");
    EXPECT_EQ(state().start, state().end);
    press("Backspace");
    EXPECT_NE(state().start, state().end);
    press("Shift+Backspace");
    EXPECT_EQ(state().start, state().end);
}

// A window manager, or none, gives what size it likes; Qt alone never goes below the least.
TEST_F(WindowTest, PanelsYieldToAForcedSizeAndComeBackWithTheRoom) {
    const auto shown = [&] {
        QStringList names;
        for (const QDockWidget* dock : m_window.findChildren<QDockWidget*>())
            if (!dock->isHidden()) names.append(dock->objectName() + (dock->visibleRegion().isEmpty() ? QString() : QStringLiteral(" in front")));
        names.sort();
        return names;
    };
    const auto force = [&](QSize size) {
        m_window.windowHandle()->resize(size);
        ASSERT_TRUE(wait([&] { return m_window.size() == size; }));
        QApplication::processEvents();
    };
    const QStringList before = shown();
    ASSERT_EQ(before.size(), 9);
    const QSize least = m_window.layout()->minimumSize();
    force({least.width() - 40, 900});
    const auto isHere = [&](const char* name) { return shown().filter(QRegularExpression(QLatin1Char('^') + QLatin1String(name))).size() == 1; };
    EXPECT_FALSE(isHere("findings")) << "too narrow: what stands beside the timeline yields";
    EXPECT_TRUE(isHere("details"));
    EXPECT_LE(m_window.layout()->minimumSize().width(), m_window.width());
    EXPECT_TRUE(m_window.rect().contains(QRect(m_window.timeline().mapTo(&m_window, QPoint()), m_window.timeline().size()))) << "nothing is cut";
    force({520, 300});
    EXPECT_TRUE(shown().isEmpty()) << shown().join(QLatin1Char(' ')).toStdString();
    EXPECT_LE(m_window.layout()->minimumSize().height(), m_window.height());
    force({1500, 900});
    EXPECT_EQ(shown(), before) << "the same ones in front";
}

TEST_F(WindowTest, FitTwiceIsTight) {
    view().select(first(TrackKind::kKernels, 3));
    press("F");
    EXPECT_EQ(span(), 3 * 400'000);
    press("F");
    EXPECT_EQ(span(), 400'000);
}

TEST_F(WindowTest, SliceKeysWalkTheRowTheDepthsAndTheArrows) {
    view().select(first(TrackKind::kRanges, 2));
    press(".");
    EXPECT_EQ(view().selected(), first(TrackKind::kRanges, 3));
    press(",");
    EXPECT_EQ(view().selected(), first(TrackKind::kRanges, 2));
    press("Down");
    EXPECT_EQ(view().selected(), first(TrackKind::kRanges, 2, 1));
    press("Up");
    EXPECT_EQ(view().selected(), first(TrackKind::kRanges, 2));
    view().select(first(TrackKind::kApi, 4));
    press("]");
    EXPECT_EQ(view().selected(), first(TrackKind::kKernels, 4));
    press("[");
    EXPECT_EQ(view().selected(), first(TrackKind::kApi, 4));
    press("Esc");
    EXPECT_FALSE(view().selected().valid());
}

TEST_F(WindowTest, RowKeys) {
    view().select(first(TrackKind::kKernels));
    const std::string key = view().snapshot()->trackOf(view().selected()).key;
    press("P");
    EXPECT_EQ(state().pinned, std::vector<std::string>{key});
    press("P");
    EXPECT_TRUE(state().pinned.empty());
    press("H");
    EXPECT_EQ(state().hidden, std::vector<std::string>{key});
    press("Shift+H");
    EXPECT_TRUE(state().hidden.empty());
    press("C");
    EXPECT_EQ(state().collapsed.size(), 1U);
    press("C");
    EXPECT_TRUE(state().collapsed.empty());
}

TEST_F(WindowTest, RowKeysMeanTheRowUnderTheMouseWhereNothingIsSelected) {
    view().clearSelection();
    const auto& rows = m_window.timeline().rows().rows;
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.kind == RowKind::kLanes && view().snapshot()->tracks[r.track].kind == TrackKind::kKernels; });
    ASSERT_NE(row, rows.end());
    const std::string key = view().snapshot()->tracks[row->track].key;
    QTest::mouseMove(&m_window.timeline(), QPoint(3, 3));  // the ruler: no row, so nothing is pinned or hidden
    press("P");
    press("H");
    EXPECT_TRUE(state().pinned.empty());
    EXPECT_TRUE(state().hidden.empty());
    QTest::mouseMove(&m_window.timeline(), m_window.timeline().placeOfRow(*row).center());
    press("P");
    EXPECT_EQ(state().pinned, std::vector<std::string>{key});
}

TEST_F(WindowTest, AFindingIsOneStepOfTheHistory) {
    auto insight = std::make_shared<Insight>();
    analyzer::Finding finding;
    finding.id = "input_io-1";
    finding.where.push_back({});
    finding.where.back().startNs = 2'000'000;
    finding.where.back().endNs = 3'000'000;
    insight->analysis.findings.push_back(finding);
    view().setInsight(insight);
    const ViewState before = state();
    view().showFinding("input_io-1");
    EXPECT_EQ(state().finding, "input_io-1");
    EXPECT_LT(span(), 2'000'000);
    view().undo();
    EXPECT_EQ(state(), before);
}

TEST_F(WindowTest, PanelsSayWhyThereIsNoAnalysis) {
    using Waiting = ViewController::Waiting;
    view().setWaiting(Waiting::kForTrace);
    const QString reading = view().whyNoInsight();
    view().setWaiting(Waiting::kForAnalysis);
    const QString analyzing = view().whyNoInsight();
    EXPECT_NE(reading, analyzing);
    const auto* list = m_window.findChild<QDockWidget*>(QStringLiteral("findings"))->findChild<QListWidget*>();
    ASSERT_EQ(list->count(), 1);
    EXPECT_EQ(list->item(0)->text(), analyzing);
    view().setWaiting(Waiting::kForNothing);
    EXPECT_FALSE(list->item(0)->text().contains(QStringLiteral("No trace is open")));
}

TEST_F(WindowTest, RowsMoveAmongTheirSiblings) {
    view().select(first(TrackKind::kApi));
    const auto order = [&] {
        std::vector<std::string> keys;
        for (const Row& row : m_window.timeline().rows().rows)
            if (row.kind == RowKind::kLanes) keys.push_back(view().snapshot()->tracks[row.track].key);
        return keys;
    };
    const auto before = order();
    press("Ctrl+Up");
    auto moved = order();
    EXPECT_NE(moved, before);
    EXPECT_EQ(std::set<std::string>(moved.begin(), moved.end()), std::set<std::string>(before.begin(), before.end()));
    const std::string api = view().snapshot()->trackOf(view().selected()).key;
    EXPECT_LT(std::find(moved.begin(), moved.end(), api) - moved.begin(), std::find(before.begin(), before.end(), api) - before.begin());
    press("Ctrl+Down");
    EXPECT_EQ(order(), before);
    press("Ctrl+Up");
    press("Backspace");
    EXPECT_EQ(order(), before);
}

TEST_F(WindowTest, HiddenAndFilteredRowsAreCounted) {
    view().select(first(TrackKind::kKernels));
    EXPECT_EQ(m_window.timeline().rows().hidden, 0U);
    press("H");
    EXPECT_EQ(m_window.timeline().rows().hidden, 1U);
    press("Shift+H");
    EXPECT_EQ(m_window.timeline().rows().hidden, 0U);
    view().setFilter("no row is called that");
    EXPECT_GT(m_window.timeline().rows().hidden, 0U);
    EXPECT_TRUE(m_window.timeline().rows().rows.empty());
}

TEST_F(WindowTest, SaysWhatItShowsForScripts) {
    StateFile file(m_window, "/nowhere/state.json");
    view().select(first(TrackKind::kKernels, 3));
    view().selectRange(0, 2'000'000, {});
    view().select(first(TrackKind::kKernels, 3));
    const auto json = nlohmann::json::parse(file.describe());
    EXPECT_EQ(json["selected"]["name"], "norm_kernel");
    EXPECT_EQ(json["selected"]["start_ns"], 3'200'000);
    EXPECT_EQ(json["token"], toToken(state()));
    EXPECT_EQ(json["phase"], "empty");
    EXPECT_EQ(json["rows"].size(), m_window.timeline().rows().rows.size());
    EXPECT_EQ(json["undo"], true);
}

TEST_F(WindowTest, FilesThatAreDroppedAreOpenedTogether) {
    QMimeData mime;
    mime.setUrls({QUrl::fromLocalFile(QStringLiteral("/nowhere/a.sqlite")), QUrl(QStringLiteral("https://example.org/x")), QUrl::fromLocalFile(QStringLiteral("/nowhere/b.sqlite"))});
    QDragEnterEvent enter(QPoint(5, 5), Qt::CopyAction, &mime, Qt::LeftButton, {});
    QApplication::sendEvent(&m_window, &enter);
    EXPECT_TRUE(enter.isAccepted());
    QDropEvent drop(QPointF(5, 5), Qt::CopyAction, &mime, Qt::LeftButton, {});
    QApplication::sendEvent(&m_window, &drop);
    // Neither says its rank: the first against the second.
    ASSERT_TRUE(wait([&] { return !m_window.document().paths().isEmpty(); }));
    EXPECT_EQ(m_window.document().paths(), QStringList({QStringLiteral("/nowhere/a.sqlite")}));
    EXPECT_EQ(m_window.document().basePath(), QStringLiteral("/nowhere/b.sqlite"));
    ASSERT_TRUE(wait([&] { return m_window.document().settled(); }));
    EXPECT_EQ(m_window.document().phase(), Document::Phase::kFailed);
    EXPECT_FALSE(m_window.document().problem().isEmpty());
}

TEST_F(WindowTest, TheSelectionIsInWordsThatCanBeFocused) {
    view().select(first(TrackKind::kKernels, 2));
    EXPECT_TRUE(m_window.timeline().accessibleDescription().contains(QStringLiteral("sgemm_kernel")));
    const auto* details = m_window.findChild<QDockWidget*>(QStringLiteral("details"));
    bool found = false;
    for (const QLabel* label : details->findChildren<QLabel*>())
        found = found || (label->text().contains(QStringLiteral("slice 3 of 10")) && label->focusPolicy() == Qt::StrongFocus);
    EXPECT_TRUE(found);
}

TEST(WindowMemory, RemembersItsPlaceAndTheFilesThatWereOpen) {
    const auto folder = std::move(TempDir::create("ridge-settings")).value();
    QSettings::setPath(QSettings::NativeFormat, QSettings::UserScope, QString::fromStdString(folder.path().string()));
    const QString file = QString::fromStdString((folder.path() / "no.sqlite").string());
    {
        MainWindow window(lightTheme(), true);
        window.resize(901, 607);
        window.show();
        window.openTrace(file);
        window.close();
    }
    MainWindow again(lightTheme(), true);
    EXPECT_EQ(again.size(), QSize(901, 607));
    QMenu* recent = nullptr;
    for (QMenu* menu : again.findChildren<QMenu*>())
        if (menu->title() == QStringLiteral("Open recent")) recent = menu;
    ASSERT_NE(recent, nullptr);
    Q_EMIT recent->aboutToShow();
    ASSERT_FALSE(recent->actions().isEmpty());
    EXPECT_EQ(recent->actions().first()->text(), file);
}

TEST_F(WindowTest, SearchFindsNextAndPrevious) {
    view().setSearch("NORM");
    ASSERT_TRUE(wait([&] { return view().search().count == 5 && !view().search().running; }));
    m_window.timeline().setFocus();
    press("N");
    ASSERT_TRUE(wait([&] { return view().search().position == 1; }));
    EXPECT_EQ(view().selected(), first(TrackKind::kKernels, 1));
    press("F3");
    ASSERT_TRUE(wait([&] { return view().search().position == 2; }));
    press("Shift+N");
    ASSERT_TRUE(wait([&] { return view().search().position == 1; }));
}

TEST_F(WindowTest, StatisticsOfARange) {
    view().selectRange(0, 10'000'000, {view().snapshot()->trackOf(first(TrackKind::kKernels)).key});
    ASSERT_TRUE(wait([&] { return view().statistics() != nullptr; }));
    EXPECT_EQ(view().statistics()->slices, 10);
    EXPECT_EQ(view().statistics()->busiest, 10 * 400'000);
}

TEST_F(WindowTest, PanelKeysBringPanelsToTheFront) {
    for (const auto& [key, name] : {std::pair{"Ctrl+2", "statistics"}, {"Ctrl+5", "roofline"}, {"Ctrl+4", "attribution"}, {"Ctrl+6", "messages"}, {"Ctrl+3", "findings"}, {"Ctrl+1", "details"}}) {
        press(key);
        EXPECT_EQ(state().panel, name);
        EXPECT_TRUE(m_window.findChild<QDockWidget*>(QString::fromLatin1(name))->isVisible());
    }
}

TEST_F(WindowTest, EveryCommandHasAnActionWithWords) {
    for (const CommandInfo& info : commands()) {
        ASSERT_NE(m_window.actionOf(info.command), nullptr);
        EXPECT_FALSE(m_window.actionOf(info.command)->text().isEmpty());
    }
}

// A real file: loaded and analyzed, with no SQL on this thread, and the same numbers as the analysis.
TEST(WindowFile, LoadsAnalyzesAndDrawsWithoutSqlOrFilesOnTheGuiThread) {
    const auto folder = std::move(TempDir::create("ridge-window")).value();
    ridge::test::TraceBuilder builder((folder.path() / "t.sqlite").string());
    const auto tid = ridge::test::TraceBuilder::tid(100, 100);
    for (int i = 0; i < 5; ++i) {
        const Ns t = i * 1000;
        builder.range(tid, t, t + 900, "step", 3, i);
        builder.work(tid, t + 100, t + 500, "mm", {1, 1, 1'000'000, 1000, 1000, 0, 0, 0});
    }
    builder.finish();
    abortOnForbiddenIo(false);
    const auto before = forbiddenAccesses();
    forbidIoOnThisThread();
    MainWindow window(darkTheme(), false);
    window.openTrace(QString::fromStdString(builder.path()));
    QElapsedTimer clock;
    clock.start();
    while (!window.settled() && clock.elapsed() < 60'000) QApplication::processEvents(QEventLoop::AllEvents, 20);
    ASSERT_TRUE(window.view().insight()) << window.document().problem().toStdString();
    EXPECT_EQ(window.view().insight()->analysis.steps.size(), 5U);
    EXPECT_FALSE(window.view().insight()->strips.empty());
    const QString picture = QString::fromStdString((folder.path() / "p.png").string());
    EXPECT_EQ(window.savePicture(picture, QSize(1000, 700)), QString());
    {
        const IoExemption look("the test looks at the picture");
        EXPECT_EQ(QImage(picture).size(), QSize(1000, 700));
    }
    EXPECT_EQ(window.savePicture(QString::fromStdString((folder.path() / "p.svg").string()), {}), QString());
    // Notes go to the sidecar, never into the trace.
    window.view().addNote(10, 20, "look here");
    clock.restart();
    const auto sidecar = Document::sidecarOf(QString::fromStdString(builder.path())).toStdString();
    while (!std::filesystem::exists(sidecar) && clock.elapsed() < 60'000) QApplication::processEvents(QEventLoop::AllEvents, 20);
    EXPECT_TRUE(std::filesystem::exists(sidecar));
    EXPECT_EQ(forbiddenAccesses(), before);
    allowIoOnThisThread();
    abortOnForbiddenIo(true);
}

// The guard itself can fail: a file of the user that is opened here is seen, whoever opens it, unless it is exempt.
TEST(GuiThread, FilesThatAreOpenedAreSeen) {
    ASSERT_TRUE(filesAreWatched());
    const auto folder = std::move(TempDir::create("ridge-watch")).value();
    const std::string path = (folder.path() / "user.txt").string();
    abortOnForbiddenIo(false);
    forbidIoOnThisThread();
    auto seen = [before = forbiddenAccesses()]() mutable { return forbiddenAccesses() - std::exchange(before, forbiddenAccesses()); };
    std::ofstream(path) << "x";
    EXPECT_EQ(seen(), 1);
    QFile file(QString::fromStdString(path));
    EXPECT_TRUE(file.open(QIODevice::ReadOnly));
    EXPECT_EQ(seen(), 1);
    EXPECT_TRUE(readFile(path).ok());
    EXPECT_GE(seen(), 1);
    EXPECT_FALSE(QDir(QString::fromStdString(folder.path().string())).entryList().isEmpty());
    EXPECT_GE(seen(), 1);
    {
        const IoExemption exempt("for the test");
        std::ifstream again(path);
        EXPECT_TRUE(again.good());
        EXPECT_EQ(seen(), 0);
    }
    std::ifstream system("/proc/self/stat");
    EXPECT_TRUE(system.good());
    EXPECT_EQ(seen(), 0);
    std::thread([&] { std::ifstream other(path); }).join();
    EXPECT_EQ(seen(), 0);
    allowIoOnThisThread();
    abortOnForbiddenIo(true);
}

// A whole session of a window that remembers: opened twice, searched, measured, noted, saved, closed.
TEST(GuiThread, AWindowInUseOpensNoFileOnIt) {
    const auto folder = std::move(TempDir::create("ridge-watch")).value();
    QSettings::setPath(QSettings::NativeFormat, QSettings::UserScope, QString::fromStdString(folder.path().string()));
    ridge::test::TraceBuilder builder((folder.path() / "t.sqlite").string());
    const auto tid = ridge::test::TraceBuilder::tid(100, 100);
    for (int i = 0; i < 5; ++i) {
        builder.range(tid, i * 1000, i * 1000 + 900, "step", 3, i);
        builder.work(tid, i * 1000 + 100, i * 1000 + 500, "mm", {1, 1, 1'000'000, 1000, 1000, 0, 0, 0});
    }
    builder.finish();
    abortOnForbiddenIo(false);
    const auto before = forbiddenAccesses();
    forbidIoOnThisThread();
    const auto wait = [](const auto& condition) {
        QElapsedTimer clock;
        clock.start();
        while (!condition() && clock.elapsed() < 60'000) QApplication::processEvents(QEventLoop::AllEvents, 20);
        return condition();
    };
    const QString file = QString::fromStdString(builder.path()), picture = QString::fromStdString((folder.path() / "p.png").string());
    {
        MainWindow window(lightTheme(), true);
        window.show();
        for (int round = 0; round < 2; ++round) {
            window.openTrace(file, std::nullopt, round == 0 ? QString() : file);
            ASSERT_TRUE(wait([&] { return window.settled() && window.view().insight(); })) << window.document().problem().toStdString();
        }
        window.view().setSearch("mm");
        window.view().selectRange(0, 3000, {});
        ASSERT_TRUE(wait([&] { return window.view().statistics() && !window.view().search().running && window.settled(); }));
        window.view().addNote(10, 20, "look here");
        for (const QString& panel : MainWindow::panelNames()) {
            window.showPanel(panel);
            QApplication::processEvents();
        }
        window.savePictureLater(picture);
        ASSERT_TRUE(wait([&] { return std::filesystem::exists(picture.toStdString()) && window.settled(); }));
        window.close();
    }
    EXPECT_EQ(forbiddenAccesses(), before);
    allowIoOnThisThread();
    abortOnForbiddenIo(true);
    EXPECT_TRUE(std::filesystem::exists(Document::sidecarOf(file).toStdString()));
}

// A sidecar that cannot be written (here: a folder has its name) is told, in the status line and in Messages.
TEST(WindowFile, NotesThatCannotBeKeptAreTold) {
    const auto folder = std::move(TempDir::create("ridge-window")).value();
    ridge::test::TraceBuilder builder((folder.path() / "t.sqlite").string());
    builder.range(ridge::test::TraceBuilder::tid(100, 100), 0, 900, "step", 3, 0);
    builder.finish();
    const QString path = QString::fromStdString(builder.path());
    const std::filesystem::path sidecar = Document::sidecarOf(path).toStdString();
    std::filesystem::create_directory(sidecar);
    MainWindow window(lightTheme(), false);
    window.openTrace(path);
    const auto wait = [](const auto& condition) {
        QElapsedTimer clock;
        clock.start();
        while (!condition() && clock.elapsed() < 60'000) QApplication::processEvents(QEventLoop::AllEvents, 20);
        return condition();
    };
    ASSERT_TRUE(wait([&] { return window.settled(); }));
    EXPECT_TRUE(window.document().sidecarProblem().contains(QStringLiteral("cannot be read"))) << "a folder is no notes";
    window.view().addNote(10, 20, "look here");
    ASSERT_TRUE(wait([&] { return window.document().sidecarProblem().contains(QStringLiteral("not saved")); }));
    const auto inMessages = [&] {
        const auto* messages = window.findChild<QDockWidget*>(QStringLiteral("messages"))->findChild<MessagesPanel*>();
        for (int i = 0; i < messages->topLevelItemCount(); ++i)
            if (messages->topLevelItem(i)->text(1) == window.document().sidecarProblem()) return true;
        return window.document().sidecarProblem().isEmpty();
    };
    EXPECT_TRUE(inMessages());
    bool inStatus = false;
    for (const QLabel* label : window.findChildren<QLabel*>()) inStatus = inStatus || label->text().contains(window.document().sidecarProblem());
    EXPECT_TRUE(inStatus);
    // The next note that can be kept takes it back.
    std::filesystem::remove(sidecar);
    window.view().addNote(30, 40, "and here");
    ASSERT_TRUE(wait([&] { return window.document().sidecarProblem().isEmpty(); }));
    EXPECT_TRUE(std::filesystem::is_regular_file(sidecar));
}

TEST(WindowFile, ADamagedFileEndsInAMessage) {
    const auto folder = std::move(TempDir::create("ridge-window")).value();
    const std::string path = (folder.path() / "bad.sqlite").string();
    std::ofstream(path) << "SQLite format 3";
    MainWindow window(lightTheme(), false);
    window.openTrace(QString::fromStdString(path));
    QElapsedTimer clock;
    clock.start();
    while (!window.document().settled() && clock.elapsed() < 60'000) QApplication::processEvents(QEventLoop::AllEvents, 20);
    EXPECT_EQ(window.document().phase(), Document::Phase::kFailed);
    EXPECT_FALSE(window.document().problem().isEmpty());
}

}  // namespace
}  // namespace ridge::gui
