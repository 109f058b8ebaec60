// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Time by name in the selected range: count, total, self, shortest, mean, longest. At most 10 000 rows;
// what is beyond is said. Enter on a row goes to the longest slice of that name.

#include <QAbstractTableModel>
#include <QLabel>
#include <QTableView>

#include "gui/view/view_controller.h"

namespace ridge::gui {

class StatisticsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    static constexpr std::size_t kMostRows = 10'000;
    enum Column { kName, kCount, kTotal, kShare, kSelf, kMean, kShortest, kLongest, kColumns };

    explicit StatisticsModel(ViewController& view, QObject* parent = nullptr) : QAbstractTableModel(parent), m_view(view) {}
    void refresh();
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex&) const override { return kColumns; }
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    void sort(int column, Qt::SortOrder order) override;
    [[nodiscard]] const NameStatistics& row(int i) const { return m_rows[static_cast<std::size_t>(i)]; }

private:
    ViewController& m_view;
    std::vector<NameStatistics> m_rows;
    int m_sortColumn = kTotal;
    Qt::SortOrder m_order = Qt::DescendingOrder;
};

class StatisticsPanel : public QWidget {
    Q_OBJECT
public:
    explicit StatisticsPanel(ViewController& view, QWidget* parent = nullptr);

private:
    void refresh();
    ViewController& m_view;
    QLabel* m_summary;
    QTableView* m_table;
    StatisticsModel* m_model;
};

}  // namespace ridge::gui
