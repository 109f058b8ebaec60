// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/panels/details/details_panel.h"

#include <QHeaderView>
#include <QVBoxLayout>

#include "base/text.h"
#include "gui/load/row_details.h"

namespace ridge::gui {
namespace {

constexpr std::size_t kMostFlows = 50;

QString text(Ns ns) { return QString::fromStdString(formatDuration(ns)); }

}  // namespace

DetailsPanel::DetailsPanel(ViewController& view, QWidget* parent)
    : QWidget(parent), m_view(view), m_summary(new QLabel(this)), m_fields(new QTreeWidget(this)) {
    m_summary->setWordWrap(true);
    m_summary->setTextFormat(Qt::PlainText);
    m_summary->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_summary->setFocusPolicy(Qt::StrongFocus);
    m_summary->setMargin(8);
    m_summary->setAlignment(Qt::AlignLeft | Qt::AlignTop);
    m_summary->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
    m_fields->setColumnCount(2);
    m_fields->setHeaderLabels({tr("Field"), tr("Value")});
    m_fields->setRootIsDecorated(false);
    m_fields->setAlternatingRowColors(true);
    m_fields->header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    m_fields->setAccessibleName(tr("Fields of the selected slice"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_summary);
    layout->addWidget(m_fields, 1);
    layout->addStretch();
    connect(&m_view, &ViewController::selectionChanged, this, &DetailsPanel::refresh);
    connect(m_fields, &QTreeWidget::itemActivated, this, [this](QTreeWidgetItem* item, int) {
        const QVariant lane = item->data(0, Qt::UserRole);
        if (lane.isValid()) m_view.select({lane.toUInt(), item->data(0, Qt::UserRole + 1).toUInt()}, true);
    });
    refresh();
}

void DetailsPanel::addRow(const QString& name, const QString& value) {
    auto* item = new QTreeWidgetItem(m_fields, {name, value});
    item->setToolTip(1, value);
}

void DetailsPanel::addFlows(SliceRef slice) {
    const Snapshot& snapshot = *m_view.snapshot();
    const auto add = [&](const QString& what, SliceRef other) {
        const Lane& lane = snapshot.lane(other.lane);
        auto* item = new QTreeWidgetItem(m_fields, {what, QStringLiteral("%1, %2 at %3").arg(QString::fromStdString(snapshot.nameOf(other)),
                                                                                         text(lane.duration(other.slice)), text(lane.start(other.slice)))});
        item->setData(0, Qt::UserRole, other.lane);
        item->setData(0, Qt::UserRole + 1, other.slice);
        item->setToolTip(1, tr("Enter goes there"));
    };
    std::size_t left = kMostFlows;
    for (const Flow* flow : snapshot.flows->to(slice))
        if (left-- > 0) add(flow->kind == FlowKind::kWait ? tr("waits for") : flow->kind == FlowKind::kHandOff ? tr("handed over by") : tr("launched by"), flow->from);
    for (const Flow* flow : snapshot.flows->from(slice)) {
        if (left == 0) break;
        --left;
        add(flow->kind == FlowKind::kWait ? tr("is waited for by") : flow->kind == FlowKind::kHandOff ? tr("hands over to") : tr("launches"), flow->to);
        if (flow->kind == FlowKind::kLaunch)
            addRow(tr("launch to start"), text(snapshot.lane(flow->to.lane).start(flow->to.slice) - snapshot.lane(slice.lane).start(slice.slice)));
    }
}

void DetailsPanel::refresh() {
    m_fields->clear();
    const SliceRef slice = m_view.selected();
    if (!slice.valid()) {
        m_view.worker().cancel("details");
        QString words = tr("Nothing is selected. Click a slice, or drag over the rows to measure a range.");
        if (m_view.hasRange()) words = tr("Range of %1, from %2 to %3; its statistics are in the panel beside.").arg(
            text(m_view.state().rangeEnd - m_view.state().rangeStart), text(m_view.state().rangeStart), text(m_view.state().rangeEnd));
        m_summary->setText(words);
        m_fields->hide();
        return;
    }
    m_fields->show();
    m_summary->setText(m_view.describe(slice));
    const Snapshot& snapshot = *m_view.snapshot();
    const Lane& lane = snapshot.lane(slice.lane);
    addRow(tr("duration"), text(lane.duration(slice.slice)));
    addRow(tr("start"), QStringLiteral("%L1 ns").arg(lane.start(slice.slice)));
    addRow(tr("end"), QStringLiteral("%L1 ns").arg(lane.end(slice.slice)));
    addFlows(slice);
    const Track& track = snapshot.trackOf(slice);
    const std::uint32_t row = lane.row(slice.slice);
    if (track.table.empty() || row == 0) return;
    m_view.compute("details", [this, path = track.path.empty() ? snapshot.pathOf(track) : track.path, table = track.table, row](const Worker::Stop&) -> std::function<void()> {
        const auto details = rowDetails(path, table, row);
        if (!details.ok()) return {};
        return [this, found = *details] {
            for (const auto& [name, value] : found) addRow(QString::fromStdString(name), QString::fromStdString(value));
        };
    });
}

}  // namespace ridge::gui
