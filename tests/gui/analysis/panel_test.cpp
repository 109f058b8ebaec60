// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The analysis panel in the window: keys, sections, clicks that lead to the place.
#include <gtest/gtest.h>

#include <QApplication>
#include <QDockWidget>
#include <QElapsedTimer>
#include <QTest>
#include <QTextBrowser>

#include "gui/app/main_window.h"
#include "tests/gui/app/sample.h"
#include "tests/unit/reports/support.h"

namespace ridge::gui {
namespace {

class AnalysisWindow : public testing::Test {
protected:
    AnalysisWindow() : m_window(lightTheme(), false) {
        m_window.view().setSnapshot(test::sampleSnapshot());
        auto insight = std::make_shared<Insight>();
        insight->analysis = reports::test::richAnalysis();
        for (analyzer::Finding& finding : insight->analysis.findings) finding.sqlNote = "runs on the file of the rank that is named in " + finding.id;
        auto& path = insight->analysis.criticalPath;
        path.emplace();
        path->segments = {{0, 200'000, "host", "prepare"}, {200'000, 600'000, "compute", "sgemm_kernel"}, {600'000, 1'000'000, "idle", ""}};
        path->totalNs = path->coveredNs = 1'000'000;
        path->steps = 1;
        path->byKind = {{"compute", "", 400'000, 1}, {"idle", "", 400'000, 1}, {"host", "", 200'000, 1}};
        path->byName = {{"compute", "sgemm_kernel", 400'000, 1}};
        m_window.view().setInsight(insight);
        m_window.resize(1500, 1000);
        m_window.show();
        m_window.activateWindow();
        EXPECT_TRUE(QTest::qWaitForWindowActive(&m_window));
        m_window.timeline().setFocus();
    }
    ViewController& view() { return m_window.view(); }
    const ViewState& state() { return view().state(); }
    void press(const char* keys, QWidget* where = nullptr) {
        const auto combination = QKeySequence::fromString(QString::fromLatin1(keys), QKeySequence::PortableText)[0];
        QTest::keyClick(where ? where : &m_window.timeline(), combination.key(), combination.keyboardModifiers());
    }
    QDockWidget* dock(const char* name) { return m_window.findChild<QDockWidget*>(QString::fromLatin1(name)); }
    QTableView* table(int i) { return m_window.analysis().tables().at(static_cast<std::size_t>(i)); }
    MainWindow m_window;
};

// What the walk over the report leaves to the page of the finding (coverage_test.cpp).
TEST_F(AnalysisWindow, ThePageOfAFindingSaysAllThatTheReportSays) {
    ASSERT_FALSE(view().insight()->analysis.findings.empty());
    auto* browser = dock("findings")->findChild<QTextBrowser*>();
    ASSERT_NE(browser, nullptr);
    for (const analyzer::Finding& finding : view().insight()->analysis.findings) {
        view().showFinding(finding.id);
        const QString page = browser->toPlainText().simplified();
        const auto has = [&](const std::string& words) {
            EXPECT_TRUE(page.contains(QString::fromStdString(words).simplified())) << words << " is not on the page of " << finding.id;
        };
        has(finding.title);
        has(finding.tryThis);
        has(finding.verify);
        has(finding.sql);
        has(finding.sqlNote);
        for (const std::string& assumption : finding.assumptions) has(assumption);
        for (const auto& evidence : finding.evidence) has(evidence.name);
        for (std::size_t i = 0; i < std::min<std::size_t>(20, finding.ops.size()); ++i) has(finding.ops[i]);
    }
}

TEST_F(AnalysisWindow, KeysOpenEachSection) {
    for (const auto& [key, section] : {std::pair{"Alt+1", "overview"}, {"Alt+2", "steps"}, {"Alt+3", "path"}, {"Alt+4", "whatif"}, {"Alt+5", "ranges"}, {"Alt+6", "ops"},
                                       {"Alt+7", "communication"}, {"Alt+8", "memory"}, {"Alt+9", "energy"}, {"Alt+0", "quality"}}) {
        press(key);
        EXPECT_EQ(state().panel, section);
        EXPECT_EQ(m_window.analysis().section(), QLatin1String(section));
        EXPECT_TRUE(dock("analysis")->isVisible());
        EXPECT_FALSE(m_window.analysis().tables().empty()) << section;
    }
    for (const Command command : {Command::kPanelAllFindings, Command::kPanelDevices}) {
        m_window.run(command);
        EXPECT_FALSE(m_window.analysis().tables().empty());
    }
    m_window.timeline().setFocus();
    press("Ctrl+8");
    EXPECT_EQ(state().panel, "devices");
    QTest::qWait(100);  // docks are laid out by the event loop
    EXPECT_GT(dock("analysis")->height(), m_window.height() / 3);
}

TEST_F(AnalysisWindow, EverySectionIsAPanelThatCanBeAskedFor) {
    for (const QString& name : MainWindow::panelNames()) {
        m_window.showPanel(name);
        const bool section = AnalysisPanel::hasSection(name);
        EXPECT_TRUE(dock(section ? "analysis" : qPrintable(name))->isVisible()) << name.toStdString();
        if (section) { EXPECT_EQ(m_window.analysis().section(), name); }
    }
}

TEST_F(AnalysisWindow, AClickOnARowGoesToItsPlaceAndUndoGoesBack) {
    press("Alt+3");
    const ViewState before = state();
    const QModelIndex second = table(0)->model()->index(1, 0);
    QTest::mouseClick(table(0)->viewport(), Qt::LeftButton, {}, table(0)->visualRect(second).center());
    EXPECT_EQ(state().rangeStart, 200'000);
    EXPECT_EQ(state().rangeEnd, 600'000);
    m_window.timeline().setFocus();
    press("Backspace");
    EXPECT_EQ(state(), before);
}

TEST_F(AnalysisWindow, TheCriticalPathIsWalkedByKeys) {
    press("Alt+3");
    m_window.timeline().setFocus();
    view().goTo(0, 200'000);
    for (const auto& [key, start, end] : {std::tuple{"Ctrl+]", Ns{200'000}, Ns{600'000}}, {"Ctrl+]", Ns{600'000}, Ns{1'000'000}}, {"Ctrl+]", Ns{600'000}, Ns{1'000'000}}, {"Ctrl+[", Ns{200'000}, Ns{600'000}}}) {
        press(key);
        EXPECT_EQ(state().rangeStart, start);
        EXPECT_EQ(state().rangeEnd, end);
        EXPECT_LE(view().start(), start);
        EXPECT_GE(view().end(), end);
    }
    // The table follows.
    EXPECT_EQ(table(0)->currentIndex().row(), 1);
    // Moving through the rows moves the timeline.
    table(0)->setFocus();
    press("Up", table(0));
    EXPECT_EQ(state().rangeEnd, 200'000);
}

TEST_F(AnalysisWindow, AClickOnAStripGoesToThePiece) {
    press("Alt+3");
    ChartView* strip = m_window.analysis().charts().at(0);
    ASSERT_EQ(strip->chart().kind, ChartKind::kStrip);
    strip->grab();
    const QPoint middle(strip->width() * 4 / 10, 34);
    EXPECT_TRUE(strip->textAt(middle).contains(QStringLiteral("sgemm_kernel"))) << strip->textAt(middle).toStdString();
    QTest::mouseClick(strip, Qt::LeftButton, {}, middle);
    EXPECT_EQ(state().rangeStart, 200'000);
}

TEST_F(AnalysisWindow, TablesSortByValueNotByWords) {
    press("Alt+2");
    QTableView* steps = table(0);
    const int duration = [&] {
        for (int c = 0; c < steps->model()->columnCount(); ++c)
            if (steps->model()->headerData(c, Qt::Horizontal).toString() == QLatin1String("Duration")) return c;
        return -1;
    }();
    ASSERT_GE(duration, 0);
    steps->sortByColumn(duration, Qt::DescendingOrder);
    for (int r = 1; r < steps->model()->rowCount(); ++r)
        EXPECT_GE(steps->model()->index(r - 1, duration).data(Qt::EditRole).toLongLong(), steps->model()->index(r, duration).data(Qt::EditRole).toLongLong());
}

TEST_F(AnalysisWindow, ARowThatNamesSlicesSearchesThem) {
    press("Alt+3");
    QTableView* names = table(2);
    Q_EMIT names->activated(names->model()->index(0, 0));
    EXPECT_EQ(state().search, "sgemm_kernel");
}

TEST_F(AnalysisWindow, EveryChartPaintsAndSaysItsNumbers) {
    int charts = 0;
    for (const SectionName& name : sectionNames()) {
        m_window.analysis().showSection(QString::fromLatin1(name.id));
        for (ChartView* chart : m_window.analysis().charts()) {
            ++charts;
            chart->resize(900, chart->height());
            const QImage picture = chart->grab().toImage();
            QString said;
            for (int x = 0; x < picture.width(); x += 3)
                for (int y = 0; y < picture.height(); y += 3) said = said.isEmpty() ? chart->textAt(QPointF(x, y)) : said;
            EXPECT_FALSE(said.isEmpty()) << name.id << ": " << chart->chart().title;
        }
    }
    EXPECT_GE(charts, 8);
}

TEST(AnalysisPanelAlone, SaysWhyThereIsNothing) {
    ViewController view;
    AnalysisPanel panel(view, darkTheme());
    EXPECT_TRUE(panel.sections().empty());
    view.setInsight(std::make_shared<Insight>());
    ASSERT_EQ(panel.sections().size(), sectionNames().size());
    for (const Section& section : panel.sections())
        for (std::size_t i = 0; i < sectionNames().size(); ++i)
            if (section.id == sectionNames()[i].id) {
                EXPECT_EQ(section.title, sectionNames()[i].title);
                EXPECT_EQ(&section, &panel.sections()[i]);
            }
    for (const char* id : {"steps", "path", "whatif", "ops", "communication", "memory", "energy", "ranges", "allfindings", "devices", "compare"})
        EXPECT_TRUE(std::any_of(panel.sections().begin(), panel.sections().end(), [&](const Section& s) { return s.id == id && !s.absent.empty(); })) << id;
}

}  // namespace
}  // namespace ridge::gui
