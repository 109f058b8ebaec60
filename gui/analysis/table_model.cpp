// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/analysis/table_model.h"

#include <QPixmap>

#include <algorithm>
#include <numeric>

namespace ridge::gui {
namespace {

constexpr qsizetype kLongestCell = 300, kLongestTip = 2000;

QString text(const std::string& s) { return QString::fromStdString(s); }

// Unknown before numbers, numbers by value, texts by text.
bool less(const Value& a, const Value& b) {
    const auto number = [](const Value& v) -> std::optional<double> {
        if (const auto* i = std::get_if<std::int64_t>(&v)) return static_cast<double>(*i);
        if (const auto* d = std::get_if<double>(&v)) return *d;
        return std::nullopt;
    };
    const auto x = number(a), y = number(b);
    if (x && y) return *x < *y;
    const auto* s = std::get_if<std::string>(&a);
    const auto* t = std::get_if<std::string>(&b);
    if (s && t) return *s < *t;
    return a.index() < b.index();
}

}  // namespace

SectionTableModel::SectionTableModel(Table table, const Theme& theme, QObject* parent)
    : QAbstractTableModel(parent), m_table(std::move(table)), m_theme(&theme), m_order(std::min(kMostRows, m_table.rows)) {
    std::iota(m_order.begin(), m_order.end(), std::size_t{0});
}

void SectionTableModel::setTheme(const Theme& theme) {
    m_theme = &theme;
    if (!m_order.empty()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount({}) - 1));
}

QVariant SectionTableModel::data(const QModelIndex& index, int role) const {
    const auto r = m_order[static_cast<std::size_t>(index.row())];
    const auto c = static_cast<std::size_t>(index.column());
    const Column& column = m_table.columns[c];
    const bool words = column.unit == Unit::kText || column.unit == Unit::kClass || column.unit == Unit::kKind;
    switch (role) {
        case Qt::DisplayRole: return text(m_table.text(r, c)).left(kLongestCell).replace(QLatin1Char('\n'), QLatin1Char(' '));
        case Qt::TextAlignmentRole: return words ? QVariant(int(Qt::AlignLeft | Qt::AlignVCenter)) : QVariant(int(Qt::AlignRight | Qt::AlignVCenter));
        case Qt::EditRole: {
            const Value value = column.value(r);
            if (const auto* i = std::get_if<std::int64_t>(&value)) return QVariant::fromValue(static_cast<qlonglong>(*i));
            if (const auto* d = std::get_if<double>(&value)) return *d;
            if (const auto* s = std::get_if<std::string>(&value)) return text(*s);
            return {};
        }
        case Qt::ToolTipRole: {
            const Value value = column.value(r);
            if (const auto* s = std::get_if<std::string>(&value)) return text(*s).left(kLongestTip);
            if (column.unit == Unit::kDuration || column.unit == Unit::kMoment)
                if (const auto* i = std::get_if<std::int64_t>(&value)) return QStringLiteral("%L1 ns").arg(*i);
            if (const auto* d = std::get_if<double>(&value)) return QString::number(*d, 'g', 12);
            return {};
        }
        case Qt::DecorationRole: {
            if (index.column() != 0 || !m_table.mark) return {};
            QPixmap mark(12, 12);
            mark.fill(QColor(m_theme->slice[m_table.mark(r)]));
            return mark;
        }
        case Qt::ForegroundRole:
            if (m_table.worry)
                if (const int worry = m_table.worry(r); worry > 0) return worry > 1 ? m_theme->bad : m_theme->warn;
            return {};
        default: return {};
    }
}

QVariant SectionTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::DisplayRole) return text(m_table.columns[static_cast<std::size_t>(section)].title);
    if (role == Qt::TextAlignmentRole) {
        const Unit unit = m_table.columns[static_cast<std::size_t>(section)].unit;
        return unit == Unit::kText || unit == Unit::kClass || unit == Unit::kKind ? int(Qt::AlignLeft | Qt::AlignVCenter) : int(Qt::AlignRight | Qt::AlignVCenter);
    }
    return {};
}

void SectionTableModel::sort(int c, Qt::SortOrder order) {
    Q_EMIT layoutAboutToBeChanged();
    std::iota(m_order.begin(), m_order.end(), std::size_t{0});
    if (c >= 0) {
        std::vector<Value> values;
        for (const std::size_t r : m_order) values.push_back(m_table.columns[static_cast<std::size_t>(c)].value(r));
        std::stable_sort(m_order.begin(), m_order.end(), [&](std::size_t a, std::size_t b) { return order == Qt::AscendingOrder ? less(values[a], values[b]) : less(values[b], values[a]); });
    }
    Q_EMIT layoutChanged();
}

std::optional<Target> SectionTableModel::target(int row) const {
    if (!m_table.target || row < 0 || row >= rowCount()) return std::nullopt;
    return m_table.target(m_order[static_cast<std::size_t>(row)]);
}

int SectionTableModel::rowOf(std::size_t item) const {
    const auto it = std::find(m_order.begin(), m_order.end(), item);
    return it == m_order.end() ? -1 : static_cast<int>(it - m_order.begin());
}

}  // namespace ridge::gui
