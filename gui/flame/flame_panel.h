// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The flame graph of what is selected: the selected range and rows, else what the timeline shows. Outer frames on
// top. Click: find these slices in the timeline; double click or Enter: zoom into the frame (undo, or a click on a
// frame above it, zooms out); hover: the numbers. Computed on the worker, and only while it can be seen.
//
// The zoomed path, the source and the weight are part of the ViewState.

#include <QComboBox>
#include <QLabel>
#include <QToolButton>
#include <QWidget>

#include "gui/flame/flame_tree.h"
#include "gui/theme/theme.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

using FlamePtr = std::shared_ptr<const FlameTree>;

class FlameView : public QWidget {
    Q_OBJECT
public:
    FlameView(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);
    void setTree(FlamePtr tree);
    [[nodiscard]] const FlamePtr& tree() const { return m_tree; }
    [[nodiscard]] const std::vector<FlameBox>& boxes() const { return m_boxes; }
    [[nodiscard]] std::uint32_t zoomed() const;
    [[nodiscard]] std::uint32_t current() const { return m_current; }
    // Box under a place, or nullptr; and the middle of a frame's box, when it is drawn.
    [[nodiscard]] const FlameBox* boxAt(QPoint place) const;
    [[nodiscard]] std::optional<QPoint> placeOf(std::uint32_t frame) const;
    [[nodiscard]] QString describe(std::uint32_t frame) const;
    void zoomTo(std::uint32_t frame);
    void search(std::uint32_t frame);
    void layoutBoxes();

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    [[nodiscard]] QRectF placeOf(const FlameBox& box) const;
    void setCurrent(std::uint32_t frame);
    void step(int key);
    ViewController& m_view;
    const Theme* m_theme;
    FlamePtr m_tree = std::make_shared<FlameTree>();
    std::vector<FlameBox> m_boxes;
    std::uint32_t m_current = kNoFrame;
};

class FlamePanel : public QWidget {
    Q_OBJECT
public:
    FlamePanel(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme) { m_flame->setTheme(theme); }
    [[nodiscard]] QSize sizeHint() const override { return {900, 360}; }
    [[nodiscard]] FlameView& flame() { return *m_flame; }
    [[nodiscard]] QString summary() const { return m_summary->text(); }
    // What the state asks for; with an empty wish, what the selected rows are.
    [[nodiscard]] FlameSource source() const;

protected:
    void showEvent(QShowEvent* event) override;

private:
    void request();
    void show(const FlamePtr& tree);
    ViewController& m_view;
    QComboBox* m_source;
    QToolButton* m_energy;
    QLabel* m_summary;
    FlameView* m_flame;
    std::string m_asked;  // what the last request was for
};

}  // namespace ridge::gui
