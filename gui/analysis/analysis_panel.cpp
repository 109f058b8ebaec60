// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/analysis/analysis_panel.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QVBoxLayout>

#include <algorithm>

namespace ridge::gui {
namespace {

constexpr int kRow = 22, kMostHigh = 14, kMostPieces = 16, kNameWidth = 300;

QString text(const std::string& s) { return QString::fromStdString(s); }

}  // namespace

AnalysisPanel::AnalysisPanel(ViewController& view, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_view(view), m_theme(&theme), m_list(new QListWidget(this)), m_area(new QScrollArea(this)) {
    for (const SectionName& name : sectionNames()) {
        auto* item = new QListWidgetItem(tr(name.title), m_list);
        item->setData(Qt::UserRole, QString::fromLatin1(name.id));
    }
    m_list->setAccessibleName(tr("Sections of the analysis"));
    m_list->setFixedWidth(150);
    m_list->setSpacing(2);
    m_list->setCurrentRow(0);
    m_area->setWidgetResizable(true);
    m_area->setFrameShape(QFrame::NoFrame);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_list);
    layout->addWidget(m_area, 1);
    connect(m_list, &QListWidget::currentRowChanged, this, [this](int) {
        build();
        if (!m_building) m_view.openPanel(section().toStdString());
    });
    connect(&m_view, &ViewController::insightChanged, this, &AnalysisPanel::refill);
    connect(&m_view, &ViewController::selectionChanged, this, [this] {
        for (ChartView* chart : m_charts) chart->setMarked(m_view.state().rangeStart, m_view.state().rangeEnd);
    });
    refill();
}

bool AnalysisPanel::hasSection(const QString& id) {
    const auto& names = sectionNames();
    return std::any_of(names.begin(), names.end(), [&](const SectionName& name) { return id == QLatin1String(name.id); });
}

QString AnalysisPanel::section() const { return m_list->currentItem() ? m_list->currentItem()->data(Qt::UserRole).toString() : QString(); }

void AnalysisPanel::showSection(const QString& id) {
    m_building = true;
    for (int i = 0; i < m_list->count(); ++i)
        if (m_list->item(i)->data(Qt::UserRole).toString() == id) m_list->setCurrentRow(i);
    m_building = false;
}

void AnalysisPanel::setTheme(const Theme& theme) {
    m_theme = &theme;
    build();
}

void AnalysisPanel::refill() {
    const InsightPtr& insight = m_view.insight();
    m_sections = insight ? sectionsOf({AnalysisPtr(insight, &insight->analysis), insight->memory, insight->base, insight->comparison}) : std::vector<Section>{};
    // Sections without content are named more softly.
    for (int i = 0; i < m_list->count(); ++i) {
        const bool empty = m_sections.empty() || !m_sections[static_cast<std::size_t>(i)].absent.empty();
        m_list->item(i)->setForeground(empty ? m_theme->soft : m_theme->text);
    }
    build();
}

void AnalysisPanel::go(const Target& target) {
    if (!target.search.empty()) {
        m_view.setSearch(target.search);
        m_view.findNext(true);
    } else {
        m_view.goTo(target.start, target.end);
    }
}

QTableView* AnalysisPanel::addTable(QWidget* page, QLayout* layout, const Table& table) {
    auto* model = new SectionTableModel(table, *m_theme, page);
    QString words = table.title.empty() ? QString() : QStringLiteral("<b>%1</b>").arg(text(table.title).toHtmlEscaped());
    if (!table.hint.empty()) words += QStringLiteral(" <span style='color:%1'>%2</span>").arg(m_theme->soft.name(), text(table.hint).toHtmlEscaped());
    if (model->hidden() > 0) words += tr(" <span style='color:%1'>The first %L2 of %L3 rows.</span>").arg(m_theme->soft.name()).arg(SectionTableModel::kMostRows).arg(table.rows);
    if (table.omitted > 0) words += tr(" <span style='color:%1'>%L2 names with less time were counted and not kept.</span>").arg(m_theme->soft.name()).arg(table.omitted);
    if (!words.isEmpty()) {
        auto* label = new QLabel(words, page);
        label->setWordWrap(true);
        label->setContentsMargins(10, 8, 10, 4);
        layout->addWidget(label);
    }
    if (table.rows == 0) return nullptr;
    auto* view = new QTableView(page);
    view->setModel(model);
    view->setSelectionBehavior(QAbstractItemView::SelectRows);
    view->setSelectionMode(QAbstractItemView::SingleSelection);
    view->setAlternatingRowColors(true);
    view->setShowGrid(false);
    view->setWordWrap(false);
    view->setSortingEnabled(true);
    view->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    model->sort(-1, Qt::AscendingOrder);
    view->verticalHeader()->hide();
    view->verticalHeader()->setDefaultSectionSize(kRow);
    view->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    view->setAccessibleName(text(table.title));
    view->resizeColumnsToContents();
    for (int c = 0; c < model->columnCount({}); ++c) view->setColumnWidth(c, std::clamp(view->columnWidth(c) + 10, 56, kNameWidth));
    const int shown = std::min(model->rowCount(), kMostHigh);
    view->setFixedHeight(view->horizontalHeader()->sizeHint().height() + shown * kRow + kMostPieces);
    connect(view, &QTableView::activated, this, [this, model](const QModelIndex& index) {
        if (const auto target = model->target(index.row())) go(*target);
    });
    connect(view, &QTableView::clicked, this, [this, model](const QModelIndex& index) {
        if (const auto target = model->target(index.row())) go(*target);
    });
    if (table.walk)
        connect(view->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this, model, view](const QModelIndex& index) {
            if (!view->hasFocus()) return;
            if (const auto target = model->target(index.row())) go(*target);
        });
    layout->addWidget(view);
    return view;
}

void AnalysisPanel::build() {
    m_tables.clear();
    m_charts.clear();
    auto* page = new QWidget(m_area);
    page->setAutoFillBackground(true);
    page->setBackgroundRole(QPalette::Base);
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    const auto say = [&](const QString& words) {
        auto* label = new QLabel(words, page);
        label->setWordWrap(true);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
        label->setContentsMargins(10, 8, 10, 4);
        layout->addWidget(label);
    };
    const auto at = static_cast<std::size_t>(std::max(0, m_list->currentRow()));
    if (at >= m_sections.size()) {
        say(m_view.whyNoInsight());
    } else {
        const Section& section = m_sections[at];
        if (!section.lead.empty()) say(text(section.lead).toHtmlEscaped());
        QString facts;
        for (const Fact& fact : section.facts)
            facts += QStringLiteral("<span style='color:%1'>%2</span>&nbsp;<b>%3</b> &nbsp; ")
                         .arg(m_theme->soft.name(), text(fact.name).toHtmlEscaped(), text(formatted(fact.value, fact.unit, fact.of)).toHtmlEscaped());
        if (!facts.isEmpty()) say(facts);
        if (!section.absent.empty()) say(text(section.absent).toHtmlEscaped());
        for (const Chart& chart : section.charts) {
            auto* view = new ChartView(chart, *m_theme, page);
            view->setMarked(m_view.state().rangeStart, m_view.state().rangeEnd);
            connect(view, &ChartView::chosen, this, &AnalysisPanel::go);
            layout->addWidget(view);
            m_charts.push_back(view);
        }
        for (const Table& table : section.tables)
            if (QTableView* view = addTable(page, layout, table)) m_tables.push_back(view);
    }
    layout->addStretch();
    m_area->setWidget(page);
}

void AnalysisPanel::walkPath(bool forward) {
    if (!m_view.insight() || !m_view.insight()->analysis.criticalPath) return;
    const auto& segments = m_view.insight()->analysis.criticalPath->segments;
    if (segments.empty()) return;
    const ViewState& state = m_view.state();
    std::size_t next = 0;
    const auto exact = std::find_if(segments.begin(), segments.end(), [&](const auto& s) { return m_view.hasRange() && s.startNs == state.rangeStart && s.endNs == state.rangeEnd; });
    if (exact != segments.end()) {
        const auto i = static_cast<std::size_t>(exact - segments.begin());
        if (forward ? i + 1 >= segments.size() : i == 0) return;
        next = forward ? i + 1 : i - 1;
    } else {  // the one in the middle of the view, else the first
        const Ns middle = m_view.start() + (m_view.end() - m_view.start()) / 2;
        const auto it = std::find_if(segments.begin(), segments.end(), [&](const auto& s) { return s.startNs <= middle && middle < s.endNs; });
        next = it == segments.end() ? (forward ? 0 : segments.size() - 1) : static_cast<std::size_t>(it - segments.begin());
    }
    go({segments[next].startNs, segments[next].endNs, {}});
    if (section() != QLatin1String("path") || m_tables.empty()) return;
    if (const auto* model = qobject_cast<SectionTableModel*>(m_tables.front()->model()); model && model->rowOf(next) >= 0)
        m_tables.front()->selectRow(model->rowOf(next));
}

}  // namespace ridge::gui
