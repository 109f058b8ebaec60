// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/panels/messages/messages_panel.h"

#include <QHeaderView>

namespace ridge::gui {

MessagesPanel::MessagesPanel(ViewController& view, const Theme& theme, QWidget* parent)
    : QTreeWidget(parent), m_view(view), m_theme(&theme) {
    setColumnCount(2);
    setHeaderLabels({tr("Kind"), tr("Message")});
    setRootIsDecorated(false);
    setAlternatingRowColors(true);
    setWordWrap(true);
    setAccessibleName(tr("Messages about the trace"));
    header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    connect(&m_view, &ViewController::insightChanged, this, &MessagesPanel::refill);
    connect(&m_view, &ViewController::snapshotChanged, this, [this] {
        if (m_view.snapshot()->complete || m_view.snapshot()->tracks.empty()) refill();
    });
}

void MessagesPanel::setTheme(const Theme& theme) {
    m_theme = &theme;
    refill();
}

void MessagesPanel::setProblem(const QString& problem) {
    m_problem = problem;
    refill();
}

void MessagesPanel::setSidecarProblem(const QString& problem) {
    if (m_sidecarProblem == problem) return;
    m_sidecarProblem = problem;
    refill();
}

void MessagesPanel::add(const QString& kind, const QString& what, const QColor& colour) {
    auto* item = new QTreeWidgetItem(this, {kind, what});
    item->setForeground(0, colour);
    item->setToolTip(1, what);
}

void MessagesPanel::refill() {
    clear();
    const auto text = [](const std::string& s) { return QString::fromStdString(s); };
    if (!m_problem.isEmpty()) add(tr("error"), m_problem, m_theme->bad);
    if (!m_sidecarProblem.isEmpty()) add(tr("notes"), m_sidecarProblem, m_theme->bad);
    for (const std::string& warning : m_view.snapshot()->warnings) add(tr("reading"), text(warning), m_theme->warn);
    if (m_view.insight()) {
        const auto& analysis = m_view.insight()->analysis;
        for (const auto& source : analysis.sources) {
            QStringList kind{text(source.kind), text(source.product)};
            if (!source.schema.empty()) kind << tr("schema %1").arg(text(source.schema));
            kind.removeAll(QString());
            add(tr("file"), QStringLiteral("%1 (%2)").arg(text(source.path), kind.join(QStringLiteral(", "))), m_theme->soft);
        }
        for (const auto& check : analysis.gate) {
            const bool fine = check.severity == Severity::kInfo;
            add(check.severity == Severity::kError ? tr("error") : fine ? tr("check") : tr("warning"),
                check.count > 0 ? tr("%1: %2 (%L3)").arg(text(check.check), text(check.detail)).arg(check.count) : tr("%1: %2").arg(text(check.check), check.detail.empty() ? tr("passed") : text(check.detail)),
                check.severity == Severity::kError ? m_theme->bad : fine ? m_theme->soft : m_theme->warn);
        }
        for (const auto& loss : analysis.losses)
            if (loss.count > 0) add(tr("lost"), tr("%L1 records of %2").arg(loss.count).arg(text(loss.source)), m_theme->bad);
        for (const auto& field : analysis.environment)
            add(tr("environment"), QStringLiteral("%1 = %2").arg(text(field.name), text(field.value)), m_theme->soft);
    }
    if (topLevelItemCount() == 0) add(QString(), m_view.snapshot()->tracks.empty() ? tr("No trace is open.") : tr("Nothing to say so far."), m_theme->soft);
}

}  // namespace ridge::gui
