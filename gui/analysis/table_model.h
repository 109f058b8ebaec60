// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One Table of a section for Qt's views: words to read, exact values under Qt::EditRole and in the tooltip,
// sorted by value. Cells are made when they are seen, so rows cost 8 bytes each; at most kMostRows are shown, the first of
// the analysis's own order, and what is beyond is said by the panel.

#include <QAbstractTableModel>

#include <vector>

#include "gui/analysis/section.h"
#include "gui/theme/theme.h"

namespace ridge::gui {

class SectionTableModel : public QAbstractTableModel {
    Q_OBJECT
public:
    static constexpr std::size_t kMostRows = 1'000'000;
    SectionTableModel(Table table, const Theme& theme, QObject* parent = nullptr);
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : static_cast<int>(m_order.size()); }
    [[nodiscard]] int columnCount(const QModelIndex&) const override { return static_cast<int>(m_table.columns.size()); }
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    void sort(int column, Qt::SortOrder order) override;
    void setTheme(const Theme& theme);

    [[nodiscard]] const Table& table() const { return m_table; }
    [[nodiscard]] std::optional<Target> target(int row) const;
    // The row of an item of the analysis, or -1.
    [[nodiscard]] int rowOf(std::size_t item) const;
    [[nodiscard]] std::size_t hidden() const { return m_table.rows - m_order.size(); }

private:
    Table m_table;
    const Theme* m_theme;
    std::vector<std::size_t> m_order;
};

}  // namespace ridge::gui
