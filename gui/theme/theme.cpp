// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/theme/theme.h"

#include "reports/common/classes.h"

namespace ridge::gui {
namespace {

using analyzer::KernelClass;

struct Pair {
    const char* light;
    const char* dark;
};

// In the order of KernelClass.
constexpr std::array<Pair, 17> kKernelColours{{
    {"#b2559a", "#cc79a7"},  // comm: as comm_transfer
    {"#56b4e9", "#8fd0f5"},  // attention
    {"#2b5c86", "#6aa5d4"},  // mixture of experts
    {"#0072b2", "#3d9bd6"},  // gemm: as compute_bound
    {"#004b7a", "#5a86bd"},  // conv
    {"#009e73", "#1fb88c"},  // norm
    {"#52bf9f", "#7fe0c2"},  // softmax
    {"#9c6b00", "#bd8a1f"},  // optimizer
    {"#7a5230", "#a97a52"},  // quantisation
    {"#e69f00", "#f0ad1a"},  // embedding
    {"#b98b33", "#d3aa58"},  // sort, top-k
    {"#7d7d86", "#8a8a94"},  // random
    {"#6a9384", "#88b3a4"},  // pool
    {"#d8c62f", "#e3d65a"},  // copy, layout
    {"#5d8a3c", "#86b866"},  // reduction
    {"#7cb0d4", "#5f97bd"},  // elementwise
    {"#98a1ab", "#7b8590"},  // other
}};
static_assert(static_cast<std::size_t>(KernelClass::kOther) + 1 == kKernelColours.size());

constexpr std::array<Pair, kNameShades> kShades{{
    {"#c3d2e0", "#43566a"}, {"#d9d2bd", "#5f5845"}, {"#bfd6ca", "#3f5d4c"}, {"#dccbd8", "#5d4859"},
    {"#a9bccf", "#566c83"}, {"#c6bb9c", "#776e55"}, {"#a0c0b0", "#527462"}, {"#c2aabd", "#755b70"},
}};

QColor colour(std::string_view text) { return QColor(QString::fromLatin1(text.data(), static_cast<qsizetype>(text.size()))); }

void fillSlices(Theme& theme) {
    theme.slice.fill(theme.soft.rgb());
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        const auto& look = reports::look(static_cast<WallClass>(c));
        theme.slice[kColourOfClass + c] = colour(theme.dark ? look.dark : look.light).rgb();
    }
    for (std::size_t k = 0; k < kKernelColours.size(); ++k)
        theme.slice[kColourOfKernel + k] = colour(theme.dark ? kKernelColours[k].dark : kKernelColours[k].light).rgb();
    for (std::size_t k = 0; k < kShades.size(); ++k)
        theme.slice[kColourOfName + k] = colour(theme.dark ? kShades[k].dark : kShades[k].light).rgb();
    theme.slice[kColourCounter] = theme.accent.rgb();
    for (std::size_t i = 0; i < kColours; ++i) {
        const QColor on(theme.slice[i]);
        const bool black = contrastOf(on, Qt::black) >= contrastOf(on, Qt::white);
        theme.sliceText[i] = QColor(black ? Qt::black : Qt::white).rgb();
    }
}

Theme makeLight() {
    Theme t;
    t.window = colour("#ffffff");
    t.panel = colour("#f6f7f9");
    t.header = colour("#e9ecf0");
    t.text = colour("#16191d");
    t.soft = colour("#5a626c");
    t.line = colour("#d5d9de");
    t.link = colour("#0057a8");
    t.accent = colour("#0057a8");
    t.good = colour("#00694d");
    t.warn = colour("#8a5200");
    t.bad = colour("#b3261e");
    fillSlices(t);
    return t;
}

Theme makeDark() {
    Theme t;
    t.dark = true;
    t.window = colour("#14171b");
    t.panel = colour("#1d2126");
    t.header = colour("#262b32");
    t.text = colour("#e7eaee");
    t.soft = colour("#a3acb6");
    t.line = colour("#383e46");
    t.link = colour("#7cb8f2");
    t.accent = colour("#7cb8f2");
    t.good = colour("#63d1ae");
    t.warn = colour("#f2bd62");
    t.bad = colour("#ff9a91");
    fillSlices(t);
    return t;
}

}  // namespace

const Theme& lightTheme() {
    static const Theme theme = makeLight();
    return theme;
}
const Theme& darkTheme() {
    static const Theme theme = makeDark();
    return theme;
}

const Theme& chooseTheme(const QString& wish, const QPalette& desktop) {
    if (wish == QLatin1String("light")) return lightTheme();
    if (wish == QLatin1String("dark")) return darkTheme();
    return desktop.color(QPalette::Window).lightness() < 128 ? darkTheme() : lightTheme();
}

QPalette paletteOf(const Theme& t) {
    QPalette p;
    p.setColor(QPalette::Window, t.panel);
    p.setColor(QPalette::WindowText, t.text);
    p.setColor(QPalette::Base, t.window);
    p.setColor(QPalette::AlternateBase, t.panel);
    p.setColor(QPalette::Text, t.text);
    p.setColor(QPalette::PlaceholderText, t.soft);
    p.setColor(QPalette::Button, t.header);
    p.setColor(QPalette::ButtonText, t.text);
    p.setColor(QPalette::ToolTipBase, t.header);
    p.setColor(QPalette::ToolTipText, t.text);
    p.setColor(QPalette::Link, t.link);
    p.setColor(QPalette::Highlight, t.accent);
    p.setColor(QPalette::HighlightedText, t.dark ? QColor(Qt::black) : QColor(Qt::white));
    p.setColor(QPalette::Light, t.line.lighter(110));
    p.setColor(QPalette::Midlight, t.line);
    p.setColor(QPalette::Mid, t.line);
    p.setColor(QPalette::Dark, t.line.darker(120));
    p.setColor(QPalette::Shadow, t.dark ? QColor(Qt::black) : t.line.darker(150));
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        p.setColor(QPalette::Disabled, role, t.soft);
    return p;
}

QString styleSheetOf(const Theme& t) {
    return QStringLiteral(
               "QDockWidget::title{background:%1;padding:4px 8px;}"
               "QHeaderView::section{background:%1;color:%2;border:0;border-right:1px solid %3;padding:3px 6px;}"
               "QTableView,QTreeView,QTextBrowser,QListView{border:0;gridline-color:%3;}"
               "QTreeView::item{padding:2px 3px;}"
               "QToolTip{color:%4;background:%1;border:1px solid %3;}"
               "QStatusBar{color:%2;}QStatusBar::item{border:0;}"
               "QTabBar::tab{padding:5px 12px;background:%5;color:%2;border:0;}"
               "QTabBar::tab:selected{color:%4;border-bottom:2px solid %6;}"
               "QMainWindow::separator{background:%3;width:1px;height:1px;}")
        .arg(t.header.name(), t.soft.name(), t.line.name(), t.text.name(), t.panel.name(), t.accent.name());
}

QColor wallColour(const Theme& theme, WallClass c) { return QColor(theme.slice[colourOf(c)]); }

double contrastOf(const QColor& a, const QColor& b) {
    return reports::contrast(a.name().toStdString(), b.name().toStdString());
}

}  // namespace ridge::gui
