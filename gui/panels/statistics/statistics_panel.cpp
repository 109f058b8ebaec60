// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/panels/statistics/statistics_panel.h"

#include <QHeaderView>
#include <QVBoxLayout>

#include <algorithm>

#include "base/text.h"

namespace ridge::gui {
namespace {

QString text(Ns ns) { return QString::fromStdString(formatDuration(ns)); }

Ns keyOf(const NameStatistics& s, int column) {
    switch (column) {
        case StatisticsModel::kCount: return s.count;
        case StatisticsModel::kSelf: return s.self;
        case StatisticsModel::kMean: return s.total / s.count;
        case StatisticsModel::kShortest: return s.shortest;
        case StatisticsModel::kLongest: return s.longest;
        default: return s.total;
    }
}

}  // namespace

void StatisticsModel::refresh() {
    beginResetModel();
    m_rows.clear();
    if (const auto& statistics = m_view.statistics())
        m_rows.assign(statistics->names.begin(),
                      statistics->names.begin() + static_cast<std::ptrdiff_t>(std::min(kMostRows, statistics->names.size())));
    endResetModel();
    sort(m_sortColumn, m_order);
}

int StatisticsModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(m_rows.size()); }

QVariant StatisticsModel::data(const QModelIndex& index, int role) const {
    const NameStatistics& s = row(index.row());
    if (role == Qt::TextAlignmentRole && index.column() != kName) return int(Qt::AlignRight | Qt::AlignVCenter);
    const bool tip = role == Qt::ToolTipRole && index.column() == kName;
    if (role != Qt::DisplayRole && !tip) return {};
    const Ns range = m_view.statistics() ? m_view.statistics()->range : 0;
    switch (index.column()) {
        case kName: return QString::fromStdString(m_view.snapshot()->names->texts[s.name]).left(tip ? 2000 : 300);
        case kCount: return QStringLiteral("%L1").arg(s.count);
        case kShare: return range > 0 ? QString::fromStdString(formatShare(static_cast<double>(s.total) / static_cast<double>(range))) : QString();
        default: return text(keyOf(s, index.column()));
    }
}

QVariant StatisticsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    const QStringList titles{tr("Name"), tr("Count"), tr("Total"), tr("of range"), tr("Self"), tr("Mean"), tr("Shortest"), tr("Longest")};
    return titles.value(section);
}

void StatisticsModel::sort(int column, Qt::SortOrder order) {
    m_sortColumn = column;
    m_order = order;
    beginResetModel();
    const auto& texts = m_view.snapshot()->names->texts;
    std::stable_sort(m_rows.begin(), m_rows.end(), [&](const NameStatistics& a, const NameStatistics& b) {
        const bool less = column == kName ? texts[a.name] < texts[b.name] : keyOf(a, column) < keyOf(b, column);
        const bool more = column == kName ? texts[b.name] < texts[a.name] : keyOf(b, column) < keyOf(a, column);
        return order == Qt::AscendingOrder ? less : more;
    });
    endResetModel();
}

StatisticsPanel::StatisticsPanel(ViewController& view, QWidget* parent)
    : QWidget(parent), m_view(view), m_summary(new QLabel(this)), m_table(new QTableView(this)), m_model(new StatisticsModel(view, this)) {
    m_summary->setMargin(8);
    m_summary->setWordWrap(true);
    m_table->setModel(m_model);
    m_table->setSortingEnabled(true);
    m_table->sortByColumn(StatisticsModel::kTotal, Qt::DescendingOrder);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setAlternatingRowColors(true);
    m_table->setShowGrid(false);
    m_table->setWordWrap(false);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(22);
    m_table->horizontalHeader()->setSectionResizeMode(StatisticsModel::kName, QHeaderView::Stretch);
    for (int c = 1; c < StatisticsModel::kColumns; ++c) m_table->setColumnWidth(c, 92);
    m_table->setAccessibleName(tr("Time by name in the selected range"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_summary);
    layout->addWidget(m_table, 1);
    connect(&m_view, &ViewController::statisticsChanged, this, &StatisticsPanel::refresh);
    connect(m_table, &QTableView::activated, this, [this](const QModelIndex& index) {
        m_view.select(m_model->row(index.row()).example, true);
    });
    refresh();
}

void StatisticsPanel::refresh() {
    m_model->refresh();
    const auto& statistics = m_view.statistics();
    m_table->setVisible(statistics != nullptr);
    if (!statistics) {
        m_summary->setText(m_view.hasRange() ? tr("Adding up…") : tr("Drag over the rows (or over the ruler, for all rows) to add up a range."));
        return;
    }
    const std::size_t tracks = m_view.state().rangeTracks.size();
    QString words = tr("%L1 slices of %L2 names in %3 (%4)").arg(statistics->slices).arg(statistics->names.size())
                        .arg(text(statistics->range), tracks == 0 ? tr("all rows") : tracks == 1 ? tr("1 row") : tr("%1 rows").arg(tracks));
    if (statistics->names.size() > StatisticsModel::kMostRows)
        words += tr("; the %L1 names with most time are shown").arg(StatisticsModel::kMostRows);
    m_summary->setText(words);
}

}  // namespace ridge::gui
