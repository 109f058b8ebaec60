// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/view_state.h"

#include <gtest/gtest.h>

#include <random>

namespace ridge::gui {
namespace {

ViewState full() {
    ViewState s;
    s.start = -5;
    s.end = Ns{1} << 54;
    s.scroll = 120;
    s.slice = SliceKey{"p1/t2/ranges", 3, 42};
    s.rangeStart = 7;
    s.rangeEnd = 9;
    s.rangeTracks = {"p1/g0/s7/kernels"};
    s.pinned = {"a", "b"};
    s.order = {"b"};
    s.hidden = {"c"};
    s.collapsed = {"p1"};
    s.expanded = {"p2"};
    s.filter = "stream";
    s.search = "gemm \"x\" \xc3\xa9";
    s.finding = "f1";
    s.panel = "roofline";
    s.notes = {{1, 1, "here"}, {2, 5, "slow <b>"}};
    return s;
}

TEST(ViewToken, RoundTripsEveryField) {
    const auto back = fromToken(toToken(full()));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, full());
    const auto empty = fromToken(toToken(ViewState{}));
    ASSERT_TRUE(empty.ok());
    EXPECT_EQ(*empty, ViewState{});
}

TEST(ViewToken, IsUrlSafe) {
    EXPECT_EQ(toToken(full()).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos);
}

TEST(ViewToken, RefusesWhatIsNone) {
    for (const char* text : {"", "2abc", "1", "1!!!!", "1bm9qc29u", "not a token"}) EXPECT_FALSE(fromToken(text).ok()) << text;
}

TEST(ViewToken, SurvivesDamage) {
    std::mt19937 random(1);
    const std::string token = toToken(full());
    for (int i = 0; i < 2000; ++i) {
        std::string damaged = token;
        damaged[1 + random() % (damaged.size() - 1)] = "ABCxyz019-_"[random() % 11];
        damaged.resize(1 + random() % damaged.size());
        const auto state = fromToken(damaged);  // an answer or an error, never a crash
        if (state.ok()) { EXPECT_LE(state->start, state->end); }
    }
}

TEST(History, UndoesAndRedoes) {
    History history;
    ViewState s;
    s.start = 1, s.end = 2;
    history.push(s);
    s.end = 3;
    history.push(s);
    EXPECT_TRUE(history.undo());
    EXPECT_EQ(history.now().end, 2);
    EXPECT_TRUE(history.redo());
    EXPECT_EQ(history.now().end, 3);
    EXPECT_FALSE(history.redo());
    history.undo();
    s.end = 9;
    history.push(s);
    EXPECT_FALSE(history.canRedo());
    EXPECT_EQ(history.now().end, 9);
}

TEST(History, OneGestureIsOneEntry) {
    History history;
    ViewState s;
    for (int i = 1; i < 20; ++i) {
        s.end = i;
        history.push(s, 7);
    }
    s.end = 100;
    history.push(s, 8);
    EXPECT_TRUE(history.undo());
    EXPECT_EQ(history.now().end, 19);
    EXPECT_TRUE(history.undo());
    EXPECT_EQ(history.now(), ViewState{});
    EXPECT_FALSE(history.undo());
}

}  // namespace
}  // namespace ridge::gui
