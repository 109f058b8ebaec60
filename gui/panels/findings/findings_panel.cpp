// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/panels/findings/findings_panel.h"

#include <QScrollBar>
#include <QSplitter>
#include <QVBoxLayout>

#include <set>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/summary.h"

namespace ridge::gui {
namespace {

QString text(const std::string& s) { return QString::fromStdString(s); }
QString escaped(const std::string& s) { return text(s).toHtmlEscaped(); }
QString duration(Ns ns) { return text(formatDuration(ns)); }
QString confidence(Confidence c) {
    const auto word = name(c);
    return QString::fromUtf8(word.data(), static_cast<qsizetype>(word.size()));
}

}  // namespace

FindingsPanel::FindingsPanel(ViewController& view, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_view(view), m_theme(&theme), m_filter(new QComboBox(this)), m_list(new QListWidget(this)), m_text(new QTextBrowser(this)) {
    m_list->setAccessibleName(tr("Findings, the most expensive first"));
    m_list->setWordWrap(true);
    m_list->setSpacing(1);
    m_text->setOpenLinks(false);
    auto* splitter = new QSplitter(Qt::Vertical, this);
    splitter->addWidget(m_list);
    splitter->addWidget(m_text);
    splitter->setStretchFactor(0, 2);
    splitter->setStretchFactor(1, 3);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_filter);
    layout->addWidget(splitter, 1);
    connect(&m_view, &ViewController::insightChanged, this, &FindingsPanel::refill);
    connect(&m_view, &ViewController::viewChanged, this, &FindingsPanel::showChosen);
    connect(m_filter, &QComboBox::activated, this, &FindingsPanel::refill);
    const auto go = [this](QListWidgetItem* item) {
        const QString id = item->data(Qt::UserRole).toString();
        if (!id.isEmpty()) m_view.showFinding(id.toStdString());
    };
    connect(m_list, &QListWidget::itemClicked, this, go);
    connect(m_list, &QListWidget::itemActivated, this, go);
    refill();
}

void FindingsPanel::setTheme(const Theme& theme) {
    m_theme = &theme;
    refill();
}

void FindingsPanel::refill() {
    const QString wish = m_filter->currentData().toString();
    m_filter->clear();
    m_list->clear();
    m_filter->addItem(tr("all classes"), QString());
    if (!m_view.insight()) {
        m_list->addItem(m_view.whyNoInsight());
        m_filter->setEnabled(false);
        showChosen();
        return;
    }
    m_filter->setEnabled(true);
    const auto& findings = m_view.insight()->analysis.findings;
    std::set<WallClass> classes;
    for (const auto& f : findings) classes.insert(f.wallClass);
    for (const WallClass c : classes) {
        QPixmap mark(12, 12);
        mark.fill(wallColour(*m_theme, c));
        m_filter->addItem(QIcon(mark), text(reports::label(c)), text(std::string(name(c))));
    }
    m_filter->setCurrentIndex(std::max(0, m_filter->findData(wish)));
    const QString only = m_filter->currentData().toString();
    for (const auto& f : findings) {
        if (!only.isEmpty() && only != text(std::string(name(f.wallClass)))) continue;
        auto* item = new QListWidgetItem(m_list);
        item->setText(tr("%1\n%2 per step · %3 · confidence %4").arg(text(f.title), duration(f.costNs), text(formatShare(f.share)), confidence(f.confidence)));
        QPixmap mark(14, 14);
        mark.fill(wallColour(*m_theme, f.wallClass));
        item->setIcon(QIcon(mark));
        item->setData(Qt::UserRole, text(f.id));
        item->setToolTip(text(f.workload));
    }
    if (m_list->count() == 0) m_list->addItem(tr("No finding: no wall costs enough to be worth a word."));
    showChosen();
}

QString FindingsPanel::page(const analyzer::Finding& f) const {
    QString html = QStringLiteral("<h3>%1</h3>").arg(escaped(f.title));
    html += QStringLiteral("<p><b style='background:%1;color:%2'>&nbsp;%3&nbsp;</b> %4</p>")
                .arg(wallColour(*m_theme, f.wallClass).name(), QColor(m_theme->sliceText[colourOf(f.wallClass)]).name(),
                     escaped(reports::label(f.wallClass)), f.cause == Cause::kNone ? QString() : escaped(reports::label(f.cause)));
    html += QStringLiteral("<table cellspacing='0' cellpadding='3'>");
    const auto row = [&](const QString& what, const QString& value) {
        html += QStringLiteral("<tr><td style='color:%1'>%2</td><td>%3</td></tr>").arg(m_theme->soft.name(), what, value);
    };
    row(tr("costs"), tr("%1 of a median step (%2)").arg(duration(f.costNs), text(formatShare(f.share))));
    row(tr("fixing it gives"), f.savingHighNs > f.savingLowNs ? tr("%1 to %2").arg(duration(f.savingLowNs), duration(f.savingHighNs)) : duration(f.savingHighNs));
    row(tr("confidence"), confidence(f.confidence));
    if (!f.workload.empty()) row(tr("workload"), escaped(f.workload));
    for (const auto& e : f.evidence) row(escaped(e.name), escaped(reports::formatValue(e.value, e.unit)));
    row(tr("places"), QStringLiteral("%L1").arg(f.where.size()));
    html += QStringLiteral("</table>");
    const auto part = [&](const QString& title, const std::string& body) {
        if (!body.empty()) html += QStringLiteral("<p><b>%1</b><br>%2</p>").arg(title, escaped(body).replace(QLatin1Char('\n'), QStringLiteral("<br>")));
    };
    part(tr("What to try"), f.tryThis);
    part(tr("How to verify"), f.verify);
    for (const std::string& assumption : f.assumptions) part(tr("Assumes"), assumption);
    if (!f.ops.empty()) {
        std::string ops;
        for (std::size_t i = 0; i < std::min<std::size_t>(f.ops.size(), 20); ++i) ops += (i ? "\n" : "") + f.ops[i];
        if (f.ops.size() > 20) ops += tr("\nand %1 more").arg(f.ops.size() - 20).toStdString();
        part(tr("Ops"), ops);
    }
    if (!f.sql.empty()) html += QStringLiteral("<p><b>SQL</b></p><pre style='white-space:pre-wrap'>%1</pre>").arg(escaped(f.sql));
    if (!f.sqlNote.empty()) html += QStringLiteral("<p>%1</p>").arg(escaped(f.sqlNote));
    return html;
}

void FindingsPanel::showChosen() {
    const analyzer::Finding* finding = m_view.finding();
    m_text->setVisible(finding != nullptr);
    if (!finding) {
        m_list->setCurrentItem(nullptr);
        return;
    }
    m_text->setHtml(page(*finding));
    // Shown for the first time it has no height yet, and setHtml() leaves it where the caret is.
    m_text->moveCursor(QTextCursor::Start);
    QMetaObject::invokeMethod(m_text, [text = m_text] { text->verticalScrollBar()->setValue(0); }, Qt::QueuedConnection);
    for (int i = 0; i < m_list->count(); ++i)
        if (m_list->item(i)->data(Qt::UserRole).toString().toStdString() == finding->id) m_list->setCurrentRow(i);
}

}  // namespace ridge::gui
