// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/query.h"

#include <algorithm>
#include <cmath>

#include "gui/model/pyramid_cells.h"

namespace ridge::gui {
namespace {

constexpr double kExactPx = 2;
// Cells of the pyramid per column: kLeastCells to twice as many. The two at the edges are weighted by how
// much of them the column covers, which errs by their part of it: below 6 % from six cells on.
constexpr double kLeastCells = 6;
constexpr std::size_t kWalk = 48;

ColourId colourOf(std::span<const ColourId> colours, std::uint32_t name) {
    return name < colours.size() ? colours[name] : ColourId{0};
}

// Folds slices thinner than kExactPx, column by column. A slice may reach over the end of the column
// that it starts in; what it covers of the next ones is carried. Works in ns from the view's left edge:
// a division for each column would cost more than all else.
class Folder {
public:
    Folder(const Lane& lane, std::span<const ColourId> colours, const View& view, std::vector<Run>& out)
        : m_lane(lane), m_colours(colours), m_view(view), m_perNs(1 / view.nsPerPx), m_out(out) {}

    // The slices [from, to), at least one, start in this column (or before the view, in column 0); busy is their sum.
    void column(int column, std::size_t from, std::size_t to, Ns busy, std::uint32_t longest) {
        // From slice to slice only: what was carried and ends before this column.
        flushCarry(column);
        const double left = column * m_view.nsPerPx, right = (column + 1) * m_view.nsPerPx;
        const double lastEnd = endOf(to - 1);
        double covered = static_cast<double>(busy);
        if (m_carry != kNoSlice) covered += std::clamp(m_carryEnd, left, right) - left;
        covered -= std::max(0.0, left - static_cast<double>(m_lane.start(from) - m_view.start));  // begins before the view
        covered -= std::max(0.0, lastEnd - right);                                                  // goes on in the next column
        push(column, longest, static_cast<std::uint32_t>(to - from), covered);
        m_carry = lastEnd > right ? static_cast<std::uint32_t>(to - 1) : kNoSlice;
        m_carryEnd = lastEnd;
        m_next = column + 1;
    }
    // An exact run begins at x: a tail before it is drawn first.
    void flushCarry(int before) {
        while (m_carry != kNoSlice && m_next < before && m_next < m_view.width) {
            const double left = m_next * m_view.nsPerPx, right = (m_next + 1) * m_view.nsPerPx;
            push(m_next, m_carry, 0, std::min(m_carryEnd, right) - left);
            if (m_carryEnd <= right) m_carry = kNoSlice;
            ++m_next;
        }
        if (m_carry != kNoSlice && m_carryEnd <= before * m_view.nsPerPx) m_carry = kNoSlice;
    }
    void dropCarry() { m_carry = kNoSlice; }

private:
    [[nodiscard]] double endOf(std::size_t i) const { return static_cast<double>(m_lane.end(i) - m_view.start); }
    void push(int column, std::uint32_t slice, std::uint32_t count, double covered) {
        Run run;
        run.x0 = static_cast<float>(column);
        run.x1 = static_cast<float>(column + 1);
        run.slice = slice;
        run.count = count;
        run.busy = static_cast<float>(std::clamp(covered * m_perNs, 0.0, 1.0));
        run.colour = colourOf(m_colours, m_lane.name(slice));
        run.kind = RunKind::kFolded;
        m_out.push_back(run);
    }
    const Lane& m_lane;
    std::span<const ColourId> m_colours;
    const View& m_view;
    double m_perNs;
    std::vector<Run>& m_out;
    std::uint32_t m_carry = kNoSlice;
    double m_carryEnd = 0;
    int m_next = 0;
};

// A slice of a column and the next column's beginning, with no call and no division.
struct Columns {
    explicit Columns(const View& v) : view(v), perNs(1 / v.nsPerPx) {}
    const View& view;
    double perNs;
    [[nodiscard]] int of(Ns start) const {
        const auto since = static_cast<double>(start - view.start);
        int column = static_cast<int>(std::clamp(since * perNs, 0.0, static_cast<double>(view.width - 1)));
        if ((column + 1) * view.nsPerPx <= since && column + 1 < view.width) ++column;  // a product may round down where a quotient is whole
        return column;
    }
    [[nodiscard]] Ns endOf(int column) const {
        const double since = (column + 1) * view.nsPerPx;
        const auto whole = static_cast<Ns>(since);
        return view.start + whole + (static_cast<double>(whole) < since ? 1 : 0);
    }
};

}  // namespace

[[gnu::flatten]] void queryIndex(const Lane& lane, std::span<const ColourId> colours, const View& view, std::vector<Run>& out,
                QueryCost* cost) {
    if (lane.empty() || view.width <= 0 || !(view.nsPerPx > 0)) return;
    const Ns viewEnd = view.start + static_cast<Ns>(std::ceil(view.nsPerPx * view.width));
    std::size_t i = lane.firstStartingAt(view.start);
    if (i > 0 && lane.end(i - 1) > view.start) --i;
    const std::size_t end = lane.firstStartingAt(viewEnd, i, lane.size());
    Folder folder(lane, colours, view, out);
    const Columns columns(view);
    const double width = view.width, exactNs = std::ceil(kExactPx * view.nsPerPx);
    // Durations as they are stored: one that has no room there is above every limit.
    const std::span<const Ns> starts = lane.starts();
    const std::span<const std::uint32_t> durations = lane.storedDurations();
    const auto exact = static_cast<std::uint32_t>(std::min(exactNs, static_cast<double>(Lane::kLong)));
    const auto isWide = [&](std::size_t slice) {
        return durations[slice] >= exact && (durations[slice] != Lane::kLong || static_cast<double>(lane.duration(slice)) >= exactNs);
    };
    out.reserve(out.size() + std::min(static_cast<std::size_t>(view.width), end - i) + 2);
    while (i < end) {
        if (isWide(i)) {
            const double x = view.x(starts[i]);
            folder.flushCarry(static_cast<int>(std::ceil(std::max(0.0, x))));
            folder.dropCarry();
            Run run;
            run.x0 = static_cast<float>(std::max(0.0, x));
            run.x1 = static_cast<float>(std::min(width, view.x(lane.end(i))));
            run.slice = static_cast<std::uint32_t>(i);
            run.count = 1;
            run.colour = colourOf(colours, lane.name(i));
            out.push_back(run);
            ++i;
            continue;
        }
        const int column = columns.of(starts[i]);
        const Ns until = std::max(columns.endOf(column), starts[i] + 1);
        // A few slices are walked; more are jumped over with the index. The last one is added up when it is known
        // to be none of the wide ones: of the slices of one column only the last can be.
        const std::size_t walkEnd = std::min(end, i + kWalk);
        std::uint64_t busy = 0, longestSoFar = 0;  // a duration, and the earlier of equals, as the greater of two numbers
        std::uint64_t last = durations[i];
        std::size_t j = i + 1;
        const auto take = [&] {
            busy += last;
            longestSoFar = std::max(longestSoFar, (last << 32) | ~static_cast<std::uint32_t>(j - 1));
        };
        while (j < walkEnd && starts[j] < until) {
            take();
            last = durations[j];
            ++j;
        }
        const bool jump = j == walkEnd && j < end && starts[j] < until;
        if (jump) j = lane.firstStartingAt(until, j, end);
        if (j - 1 > i && isWide(j - 1)) --j;
        else if (!jump) take();
        auto longest = ~static_cast<std::uint32_t>(longestSoFar);
        if (jump || longestSoFar >> 32 == Lane::kLong) {  // the index knows the length of long ones
            busy = static_cast<std::uint64_t>(lane.index().busy(lane, i, j));
            longest = lane.index().longest(lane, i, j);
        }
        if (cost) {
            ++cost->gallops;
            cost->slices += walkEnd > j ? j - i : walkEnd - i;
            cost->jumps += jump ? 1 : 0;
        }
        folder.column(column, i, j, static_cast<Ns>(busy), longest);
        i = j;
    }
    folder.flushCarry(view.width);
}

namespace {

// A column takes the cells that it touches, the two at its edges by how much of them it covers.
template <typename Cells>
[[gnu::flatten]] void readCells(const Cells& cells, double offset, double step, int width, std::vector<Run>& out, QueryCost* cost) {
    using Raw = typename Cells::Raw;
    const auto count = static_cast<double>(cells.raw.size());
    const Raw* raw = cells.raw.data();
    constexpr double kWhole = 256;  // parts of a cell
    const double scale = 1 / (step * kWhole * static_cast<double>(Cells::kFull));
    out.reserve(out.size() + static_cast<std::size_t>(width));
    double from = std::clamp(offset, 0.0, count);
    for (int x = 0; x < width; ++x) {
        const double to = std::clamp(offset + (x + 1) * step, 0.0, count);
        if (!(to > from)) continue;
        const auto first = static_cast<std::size_t>(from), last = static_cast<std::size_t>(to);  // last: the cell of the right edge
        // A slice that fills several cells counts with all of them: the one that covers most of the column wins.
        auto busy = static_cast<Raw>((std::min(to, static_cast<double>(first + 1)) - from) * kWhole) * Cells::steps(raw[first]);
        Raw before = raw[first], ofSlice = busy, best = busy;
        std::size_t pick = first;
        const auto take = [&](std::size_t c, Raw part) {
            const Raw cell = raw[c];
            busy += part;
            ofSlice = ((cell ^ before) & Cells::kSliceBits) == 0 ? ofSlice + part : part;
            pick = ofSlice > best ? c : pick;
            best = std::max(best, ofSlice);
            before = cell;
        };
        for (std::size_t c = first + 1; c < last; ++c) take(c, Cells::steps(raw[c]) << 8);
        if (last > first && to > static_cast<double>(last)) take(last, static_cast<Raw>((to - static_cast<double>(last)) * kWhole) * Cells::steps(raw[last]));
        from = to;
        if (cost) cost->cells += last - first + 1;
        if (raw[pick] == 0) continue;
        Run run;
        run.x0 = static_cast<float>(x);
        run.x1 = static_cast<float>(x + 1);
        run.slice = cells.slice(pick);
        run.busy = static_cast<float>(std::min(1.0, static_cast<double>(busy) * scale));
        run.colour = Cells::colour(raw[pick]);
        run.kind = RunKind::kCells;
        out.push_back(run);
    }
}

}  // namespace

bool queryPyramid(const Lane& lane, const View& view, std::vector<Run>& out, QueryCost* cost) {
    const TimePyramid& pyramid = lane.pyramid();
    if (pyramid.empty() || view.nsPerPx < kLeastCells * static_cast<double>(pyramid.base())) return false;
    std::size_t level = 0;
    Ns cellNs = pyramid.base();
    while (level + 1 < pyramid.levels().size() && view.nsPerPx >= 2 * kLeastCells * static_cast<double>(cellNs)) {
        ++level;
        cellNs <<= 1;
    }
    const double perCell = 1.0 / static_cast<double>(cellNs);
    const double offset = static_cast<double>(view.start - pyramid.origin()) * perCell, step = view.nsPerPx * perCell;
    const TimePyramid::Level& cells = pyramid.levels()[level];
    if (cells.isWide()) readCells(WideCells(cells), offset, step, view.width, out, cost);
    else readCells(CompactCells(cells), offset, step, view.width, out, cost);
    return true;
}

void queryLane(const Lane& lane, std::span<const ColourId> colours, const View& view, std::vector<Run>& out,
               QueryCost* cost) {
    if (lane.empty() || view.width <= 0 || !(view.nsPerPx > 0)) return;
    if (!queryPyramid(lane, view, out, cost)) queryIndex(lane, colours, view, out, cost);
}

const Run* runAt(std::span<const Run> runs, double x) {
    auto it = std::upper_bound(runs.begin(), runs.end(), x, [](double at, const Run& run) { return at < run.x0; });
    if (it == runs.begin()) return nullptr;
    --it;
    return x < it->x1 ? &*it : nullptr;
}

}  // namespace ridge::gui
