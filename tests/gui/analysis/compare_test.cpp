// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Two traces in one window, aligned by step; notes and bookmarks.
#include <gtest/gtest.h>

#include <QApplication>
#include <QElapsedTimer>
#include <QTest>

#include <fstream>

#include "analyzer/compare/comparison.h"
#include "base/file.h"
#include "gui/app/main_window.h"
#include "gui/load/gui_thread_guard.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace ridge::gui {
namespace {

class CompareWindow : public testing::Test {
protected:
    CompareWindow() : m_folder(std::move(TempDir::create("ridge-compare-window")).value()), m_window(lightTheme(), false) {}
    // Steps from `start`, each of `length`, with an op of two fifths of it.
    std::string write(const char* name, std::int64_t pid, Ns start, Ns length, std::int64_t world = 1, std::int64_t communicator = 0) {
        ridge::test::TraceBuilder b((m_folder.path() / name).string());
        const auto tid = ridge::test::TraceBuilder::tid(pid, pid);
        b.rank(pid, 0, world);
        for (int i = 0; i < 6; ++i) {
            const Ns t = start + i * 2 * length;
            b.range(tid, t, t + length, "step", 3, i);
            b.work(tid, t + length / 10, t + length / 2, "mm", {1, 1, 1'000'000, 1000, 1000, 0, 0, 0});
            if (communicator != 0) b.work(tid, t + length / 2, t + length * 3 / 4, "allreduce", {8, 1, 0, 0, 0, 4096, communicator, i + 1});
        }
        b.finish();
        return b.path();
    }
    void open(const std::string& trace, const std::string& base) {
        m_window.resize(1500, 1000);
        m_window.show();
        m_window.openTrace(QString::fromStdString(trace), std::nullopt, QString::fromStdString(base));
        ASSERT_TRUE(wait([&] { return m_window.settled(); }));
        for (int i = 0; i < 5; ++i) QApplication::processEvents(QEventLoop::AllEvents, 20);
        ASSERT_TRUE(wait([&] { return m_window.settled(); }));
    }
    template <typename Condition>
    bool wait(Condition condition) {
        QElapsedTimer clock;
        clock.start();
        while (!condition() && clock.elapsed() < 60'000) QApplication::processEvents(QEventLoop::AllEvents, 20);
        return condition();
    }
    ViewController& view() { return m_window.view(); }
    // Start of the n-th slice of a name in rows of one side.
    Ns startOf(const std::string& name, bool base, std::size_t n) {
        for (const Track& track : view().snapshot()->tracks)
            if (track.base == base)
                for (const auto& lane : track.lanes)
                    for (std::size_t i = 0; i < lane->size(); ++i)
                        if (view().snapshot()->names->texts[lane->name(i)] == name && n-- == 0) return lane->start(i);
        return INT64_MIN;
    }
    TempDir m_folder;
    MainWindow m_window;
};

TEST_F(CompareWindow, RowsStandInPairsAlignedByStep) {
    open(write("new.sqlite", 100, 5'000, 1'200), write("old.sqlite", 7'000, 90'000, 1'000));
    ASSERT_TRUE(view().insight());
    ASSERT_TRUE(view().insight()->base);
    EXPECT_EQ(view().insight()->shift, 5'000 - 90'000);
    EXPECT_EQ(startOf("step", false, 0), startOf("step", true, 0));
    // The fourth step chosen: those begin together, the first ones no more.
    view().setRange(5'000 + 3 * 2'400, 5'000 + 3 * 2'400 + 1'200);
    m_window.run(Command::kAlignStep);
    EXPECT_EQ(view().state().alignStep, 3);
    ASSERT_TRUE(wait([&] { return startOf("step", false, 3) == startOf("step", true, 3); }));
    EXPECT_NE(startOf("step", false, 0), startOf("step", true, 0));
    // Strips of both sides, the base's moved along.
    int strips = 0;
    for (const Row& row : m_window.timeline().rows().rows) strips += row.kind == RowKind::kStrip;
    EXPECT_EQ(strips, 2);
    const Ns shift = view().insight()->shift;
    for (const Strip& strip : view().insight()->strips)
        if (strip.base) { EXPECT_GE(strip.lane->start(0), 90'000 + shift - 1); }
    m_window.run(Command::kUndo);
    ASSERT_TRUE(wait([&] { return startOf("step", false, 0) == startOf("step", true, 0); }));
    const auto link = fromToken(toToken([&] { ViewState s = view().state(); s.alignStep = 4; return s; }()));
    EXPECT_EQ(link->alignStep, 4);
}

TEST_F(CompareWindow, TheDifferenceTableAddsUpAndIsThatOfTheComparison) {
    open(write("new.sqlite", 100, 5'000, 1'200'000), write("old.sqlite", 7'000, 90'000, 1'000'000));
    ASSERT_TRUE(view().insight());
    ASSERT_TRUE(view().insight()->comparison);
    const auto& comparison = *view().insight()->comparison;
    EXPECT_FALSE(comparison.refusal) << comparison.refusal->reason;
    ASSERT_EQ(comparison.lanes.size(), 1U);
    EXPECT_EQ(comparison.lanes[0].deltaNs, 200'000);
    m_window.run(Command::kPanelCompare);
    EXPECT_EQ(view().state().panel, "compare");
    ASSERT_GE(m_window.analysis().tables().size(), 4U);
    const auto sumOf = [&](std::size_t table, const char* title) {
        const QAbstractItemModel* model = m_window.analysis().tables()[table]->model();
        qlonglong sum = 0;
        for (int c = 0; c < model->columnCount(); ++c)
            for (int r = 0; r < model->rowCount() && model->headerData(c, Qt::Horizontal).toString() == QLatin1String(title); ++r) sum += model->index(r, c).data(Qt::EditRole).toLongLong();
        return sum;
    };
    EXPECT_EQ(sumOf(0, "Difference"), 200'000);  // by class
    EXPECT_EQ(sumOf(1, "Difference"), 200'000);  // by op and range
    EXPECT_EQ(sumOf(1, "slower") + sumOf(1, "more often") + sumOf(1, "both"), 200'000);
    EXPECT_EQ(sumOf(2, "Difference"), 200'000);  // the steps
}

// Communicators have other numbers in every run: those of a rank stand below each other.
TEST_F(CompareWindow, CommunicatorsOfBothSidesArePaired) {
    open(write("new.sqlite", 100, 5'000, 1'200'000, 1, 0xabc), write("old.sqlite", 7'000, 90'000, 1'000'000, 1, 0xdef0));
    ASSERT_TRUE(view().insight());
    const auto& tracks = view().snapshot()->tracks;
    std::vector<const Track*> rows;
    for (const Track& track : tracks)
        if (track.kind == TrackKind::kCommunicator) rows.push_back(&track);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_FALSE(rows[0]->base);
    EXPECT_TRUE(rows[1]->base);
    EXPECT_EQ(rows[0] + 1, rows[1]);
    EXPECT_EQ(rows[0]->parent, rows[1]->parent);
    const auto count = [](const Track& track) {
        std::size_t n = 0;
        for (const auto& lane : track.lanes) n += lane->size();
        return n;
    };
    EXPECT_GE(count(*rows[0]), 6U);
    EXPECT_EQ(count(*rows[0]), count(*rows[1]));
    // As a row of its communicator a collective has the colour of communication on both sides.
    const auto colour = [&](const Track& track) { return view().snapshot()->names->colours[track.lanes[0]->name(0)]; };
    EXPECT_EQ(colour(*rows[0]), colour(*rows[1]));
}

TEST_F(CompareWindow, AComparisonThatIsRefusedSaysWhy) {
    open(write("new.sqlite", 100, 5'000, 1'200'000), write("old.sqlite", 7'000, 90'000, 1'000'000, 4));
    ASSERT_TRUE(view().insight()->comparison);
    ASSERT_TRUE(view().insight()->comparison->refusal);
    m_window.run(Command::kPanelCompare);
    const auto& sections = m_window.analysis().sections();
    const auto it = std::find_if(sections.begin(), sections.end(), [](const Section& s) { return s.id == "compare"; });
    ASSERT_NE(it, sections.end());
    EXPECT_TRUE(std::any_of(it->facts.begin(), it->facts.end(), [&](const Fact& f) { return f.value == Value(view().insight()->comparison->refusal->reason); }));
}

TEST_F(CompareWindow, ABaseThatCannotBeReadLeavesTheTrace) {
    const std::string bad = (m_folder.path() / "bad.sqlite").string();
    std::ofstream(bad) << "SQLite format 3";
    open(write("new.sqlite", 100, 5'000, 1'200), bad);
    EXPECT_EQ(m_window.document().phase(), Document::Phase::kReady);
    EXPECT_FALSE(m_window.document().baseProblem().isEmpty());
    ASSERT_TRUE(view().insight());
    EXPECT_FALSE(view().insight()->base);
    EXPECT_GT(view().snapshot()->slices, 0U);
}

TEST_F(CompareWindow, DetailsOfABaseRowComeFromItsFile) {
    open(write("new.sqlite", 100, 5'000, 1'200), write("old.sqlite", 7'000, 90'000, 1'000));
    for (const Track& track : view().snapshot()->tracks)
        if (track.base) { EXPECT_TRUE(track.path.ends_with("old.sqlite")); }
}

TEST_F(CompareWindow, NotesAndBookmarksAreWalkedAndRemoved) {
    open(write("new.sqlite", 100, 5'000, 1'200), {});
    view().setRange(5'000, 6'000);
    m_window.run(Command::kBookmark);
    view().setRange(15'000, 16'000);
    m_window.run(Command::kBookmark);
    view().addNote(9'000, 9'000, "here");
    ASSERT_EQ(view().state().notes.size(), 3U);
    m_window.run(Command::kPreviousNote);
    EXPECT_EQ(view().start() + (view().end() - view().start()) / 2, 9'000);
    m_window.run(Command::kPreviousNote);
    EXPECT_EQ(view().start(), 5'000);
    EXPECT_EQ(view().end(), 6'000);
    m_window.run(Command::kNextNote);
    m_window.run(Command::kNextNote);
    EXPECT_EQ(view().start(), 15'000);
    m_window.run(Command::kPanelNotes);
    EXPECT_EQ(view().state().panel, "notes");
    auto* notes = m_window.findChild<NotesPanel*>();
    ASSERT_TRUE(notes);
    ASSERT_EQ(notes->topLevelItemCount(), 3);
    notes->setCurrentItem(notes->topLevelItem(1));
    notes->setFocus();
    QTest::keyClick(notes, Qt::Key_Delete);
    EXPECT_EQ(view().state().notes.size(), 2U);
    m_window.run(Command::kUndo);
    EXPECT_EQ(view().state().notes.size(), 3U);
}

}  // namespace
}  // namespace ridge::gui
