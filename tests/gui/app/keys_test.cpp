// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <gtest/gtest.h>

#include <QKeySequence>
#include <QStringList>

#include <map>
#include <set>

#include "gui/app/key_table.h"

namespace ridge::gui {
namespace {

TEST(KeyTable, BindsNoKeyTwice) {
    std::map<QString, const char*> taken;
    for (const CommandInfo& info : commands())
        for (const QString& key : QString::fromLatin1(info.keys).split(QLatin1Char(' '), Qt::SkipEmptyParts)) {
            const QString canonical = QKeySequence::fromString(key, QKeySequence::PortableText).toString(QKeySequence::PortableText);
            EXPECT_FALSE(canonical.isEmpty()) << info.text << ": " << key.toStdString();
            EXPECT_TRUE(taken.emplace(canonical, info.text).second)
                << canonical.toStdString() << " is bound to \"" << taken[canonical] << "\" and \"" << info.text << "\"";
        }
}

TEST(KeyTable, HasEveryCommandOnceWithWordsAndAMenu) {
    std::set<Command> seen;
    const std::set<std::string> menus{"File", "Edit", "View", "Go", "Rows", "Panels", "Help"};
    for (const CommandInfo& info : commands()) {
        EXPECT_TRUE(seen.insert(info.command).second) << info.text;
        EXPECT_TRUE(menus.contains(info.menu)) << info.menu;
        EXPECT_NE(std::string(info.text), "");
        EXPECT_EQ(&infoOf(info.command), &info);
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(Command::kHelp) + 1);
}

}  // namespace
}  // namespace ridge::gui
