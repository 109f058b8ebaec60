// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/flame/flame_panel.h"

#include <QHBoxLayout>
#include <QScrollArea>
#include <QVBoxLayout>

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "gui/flame/call_stacks.h"

namespace ridge::gui {
namespace {

const char* wordOf(FlameSource source) { return source == FlameSource::kDevice ? "device" : source == FlameSource::kStacks ? "stacks" : "host"; }
QString text(Ns ns) { return QString::fromStdString(formatDuration(ns)); }

struct Part {
    Ns from, to;
    std::vector<std::uint32_t> tracks;
    std::vector<std::int64_t> threads;
};

// The selected range and rows; without a range what the timeline shows, of all rows.
Part partOf(const ViewController& view) {
    const ViewState& state = view.state();
    const Snapshot& snapshot = *view.snapshot();
    Part part{view.start(), view.end(), {}, {}};
    std::vector<std::string> keys;
    if (view.hasRange()) {
        part.from = state.rangeStart;
        part.to = state.rangeEnd;
        keys = state.rangeTracks;
    }
    for (std::uint32_t i = 0; i < snapshot.tracks.size(); ++i) {
        const Track& track = snapshot.tracks[i];
        if (!keys.empty() && std::find(keys.begin(), keys.end(), track.key) == keys.end()) continue;
        if (!track.lanes.empty()) part.tracks.push_back(i);
        if (keys.empty()) continue;
        if (const auto thread = threadOfKey(track.key)) part.threads.push_back(*thread);
    }
    return part;
}

}  // namespace

FlamePanel::FlamePanel(ViewController& view, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_view(view), m_source(new QComboBox(this)), m_energy(new QToolButton(this)), m_summary(new QLabel(this)),
      m_flame(new FlameView(view, theme, this)) {
    m_source->addItem(tr("Ranges and calls"), QStringLiteral("host"));
    m_source->addItem(tr("GPU work by range"), QStringLiteral("device"));
    m_source->addItem(tr("Call stacks (samples)"), QStringLiteral("stacks"));
    m_source->setAccessibleName(tr("What the flame graph is made of"));
    m_energy->setText(tr("Energy"));
    m_energy->setCheckable(true);
    m_energy->setToolTip(tr("Widths by the energy of the GPUs instead of by time; needs sampled power"));
    m_summary->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_summary->setAccessibleName(tr("Summary of the flame graph"));
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 8, 4);
    bar->setSpacing(8);
    bar->addWidget(m_source);
    bar->addWidget(m_energy);
    bar->addWidget(m_summary, 1);
    auto* area = new QScrollArea(this);
    area->setWidget(m_flame);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(area, 1);
    connect(m_source, &QComboBox::activated, this, [this] {
        ViewState next = m_view.state();
        next.flameSource = m_source->currentData().toString().toStdString();
        next.flamePath.clear();
        m_view.apply(std::move(next));
    });
    connect(m_energy, &QToolButton::clicked, this, [this](bool on) {
        ViewState next = m_view.state();
        next.flameEnergy = on;
        m_view.apply(std::move(next));
    });
    connect(&m_view, &ViewController::viewChanged, this, &FlamePanel::request);
    connect(&m_view, &ViewController::snapshotChanged, this, &FlamePanel::request);
    show(m_flame->tree());
}

FlameSource FlamePanel::source() const {
    const std::string& wish = m_view.state().flameSource;
    if (wish == "device") return FlameSource::kDevice;
    if (wish == "stacks") return FlameSource::kStacks;
    if (wish == "host") return FlameSource::kHost;
    const Part part = partOf(m_view);
    const auto& tracks = m_view.snapshot()->tracks;
    const bool host = std::any_of(part.tracks.begin(), part.tracks.end(), [&](std::uint32_t t) { return tracks[t].device < 0; });
    return host || part.tracks.empty() ? FlameSource::kHost : FlameSource::kDevice;
}

void FlamePanel::showEvent(QShowEvent*) { request(); }

void FlamePanel::request() {
    if (!isVisible()) return;
    const Part part = partOf(m_view);
    const FlameSource from = source();
    const bool power = hasPower(*m_view.snapshot()), energy = m_view.state().flameEnergy && power && from != FlameSource::kStacks;
    m_source->setCurrentIndex(m_source->findData(QString::fromLatin1(wordOf(from))));
    m_energy->setEnabled(power && from != FlameSource::kStacks);
    m_energy->setChecked(energy);
    const std::string asked = fmt::format("{} {} {} {} {} {}", m_view.snapshot()->path, m_view.snapshot()->number, part.from, part.to, wordOf(from), energy) +
                              fmt::format(" {}", fmt::join(part.tracks, ","));
    if (asked == m_asked) return m_flame->layoutBoxes();
    m_asked = asked;
    m_view.compute("flame", [this, part, from, energy, snapshot = m_view.snapshot()](const Worker::Stop& stop) -> std::function<void()> {
        auto tree = std::make_shared<FlameTree>();
        if (from == FlameSource::kStacks) {
            if (auto stacks = stacksOf(snapshot->path, part.threads, part.from, part.to, stop); stacks.ok()) *tree = std::move(*stacks);
        } else {
            *tree = flameOf(*snapshot, part.tracks, part.from, part.to, from, energy, stop);
        }
        if (tree->cancelled) return {};
        return [this, tree] { show(tree); };
    });
}

void FlamePanel::show(const FlamePtr& tree) {
    m_flame->setTree(tree);
    const FlameFrame& root = tree->frames[0];
    if (root.children.empty()) {
        const bool stacks = tree->source == FlameSource::kStacks;
        m_summary->setText(m_view.snapshot()->tracks.empty() ? tr("No trace is open.")
                           : stacks                          ? tr("No call stack was sampled in this part of the trace (nsys records them with --sample).")
                           : tree->source == FlameSource::kDevice ? tr("No GPU work in this part of the trace.")
                                                                  : tr("No range and no call in this part of the trace."));
        return;
    }
    std::int64_t slices = root.count;  // of the device: what ran; of the host: at every depth
    if (tree->source == FlameSource::kHost)
        for (const std::uint32_t child : root.children) slices -= tree->frames[child].count;
    if (tree->source == FlameSource::kHost)
        for (const FlameFrame& frame : tree->frames) slices += frame.parent == kNoFrame ? 0 : frame.count;
    QString words = tree->source == FlameSource::kStacks ? tr("%L1 samples of %2 threads").arg(root.total).arg(tree->rows)
                                                         : tr("%1 in %L2 slices of %3 rows").arg(text(root.total)).arg(slices).arg(tree->rows);
    if (tree->energy) words = tr("%1 · ").arg(QString::fromStdString(formatRate(root.joules, "J"))) + words;
    words += m_view.hasRange() ? tr(", of the selected %1").arg(text(tree->to - tree->from)) : tr(", of the %1 in view").arg(text(tree->to - tree->from));
    if (tree->omitted > 0) words += tr("; %L1 slices of too many different paths are in the frames above them").arg(tree->omitted);
    m_summary->setText(words);
    m_summary->setToolTip(words);
}

}  // namespace ridge::gui
