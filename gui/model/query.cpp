// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/query.h"

#include <algorithm>
#include <bit>
#include <cmath>

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
// that it starts in; what it covers of the next ones is carried.
class Folder {
public:
    Folder(const Lane& lane, std::span<const ColourId> colours, const View& view, std::vector<Run>& out)
        : m_lane(lane), m_colours(colours), m_view(view), m_out(out) {}

    // The slices [from, to) start in this column (or before the view, in column 0); busy is their sum.
    void column(int column, std::size_t from, std::size_t to, Ns busy, std::uint32_t longestOf) {
        // From slice to slice only: what was carried and ends before this column.
        flushCarry(column);
        const double left = column, right = column + 1;
        double covered = 0;
        std::uint32_t longest = kNoSlice;
        if (m_carry != kNoSlice) {
            covered += std::clamp(endX(m_carry), left, right) - left;
            longest = m_carry;
        }
        if (to > from) {
            covered += static_cast<double>(busy) / m_view.nsPerPx;
            covered -= std::max(0.0, left - startX(from));      // begins before the view
            covered -= std::max(0.0, endX(to - 1) - right);     // goes on in the next column
            longest = longestOf;
        }
        push(column, longest, static_cast<std::uint32_t>(to - from), covered);
        const std::size_t last = to > from ? to - 1 : m_carry;
        m_carry = endX(last) > right ? static_cast<std::uint32_t>(last) : kNoSlice;
        m_next = column + 1;
    }
    // An exact run begins at x: a tail before it is drawn first.
    void flushCarry(int before) {
        while (m_carry != kNoSlice && m_next < before && m_next < m_view.width) {
            const double right = m_next + 1;
            push(m_next, m_carry, 0, std::min(endX(m_carry), right) - m_next);
            if (endX(m_carry) <= right) m_carry = kNoSlice;
            ++m_next;
        }
        if (m_carry != kNoSlice && endX(m_carry) <= before) m_carry = kNoSlice;
    }
    void dropCarry() { m_carry = kNoSlice; }

private:
    [[nodiscard]] double startX(std::size_t i) const { return m_view.x(m_lane.start(i)); }
    [[nodiscard]] double endX(std::size_t i) const { return m_view.x(m_lane.end(i)); }
    void push(int column, std::uint32_t slice, std::uint32_t count, double covered) {
        Run run;
        run.x0 = static_cast<float>(column);
        run.x1 = static_cast<float>(column + 1);
        run.slice = slice;
        run.count = count;
        run.busy = static_cast<float>(std::clamp(covered, 0.0, 1.0));
        run.colour = colourOf(m_colours, m_lane.name(slice));
        run.kind = RunKind::kFolded;
        m_out.push_back(run);
    }
    const Lane& m_lane;
    std::span<const ColourId> m_colours;
    const View& m_view;
    std::vector<Run>& m_out;
    std::uint32_t m_carry = kNoSlice;
    int m_next = 0;
};

}  // namespace

void queryIndex(const Lane& lane, std::span<const ColourId> colours, const View& view, std::vector<Run>& out,
                QueryCost* cost) {
    if (lane.empty() || view.width <= 0 || !(view.nsPerPx > 0)) return;
    const Ns viewEnd = view.start + static_cast<Ns>(std::ceil(view.nsPerPx * view.width));
    std::size_t i = lane.firstStartingAt(view.start);
    if (i > 0 && lane.end(i - 1) > view.start) --i;
    const std::size_t end = lane.firstStartingAt(viewEnd, i, lane.size());
    Folder folder(lane, colours, view, out);
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
        const double x = view.x(starts[i]);
        if (isWide(i)) {
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
        const int column = std::clamp(static_cast<int>(x), 0, view.width - 1);
        const Ns columnEnd = view.start + static_cast<Ns>(std::ceil((column + 1) * view.nsPerPx));
        const Ns until = std::max(columnEnd, lane.start(i) + 1);
        // A few slices are walked; more are jumped over with the index.
        std::size_t j = i;
        Ns busy = 0;
        std::uint64_t longestSoFar = 0;  // its duration, and the earlier of equals: the greater of two numbers
        const std::size_t walkEnd = std::min(end, i + kWalk);
        bool wide = false;
        while (j < walkEnd && starts[j] < until) {
            const std::uint32_t ns = durations[j];
            wide = ns >= exact && isWide(j);  // of the slices of one column only the last can be
            if (wide) break;
            if (ns == Lane::kLong) break;  // the index knows its length
            busy += ns;
            longestSoFar = std::max(longestSoFar, (std::uint64_t{ns} << 32) | ~static_cast<std::uint32_t>(j));
            ++j;
        }
        std::uint32_t longest = j > i ? ~static_cast<std::uint32_t>(longestSoFar) : static_cast<std::uint32_t>(i);
        if (!wide && j < end && starts[j] < until) {
            j = lane.firstStartingAt(until, j, end);
            if (isWide(j - 1)) --j;
            busy = lane.index().busy(lane, i, j);
            longest = lane.index().longest(lane, i, j);
        }
        if (cost) ++cost->gallops;
        folder.column(column, i, j, busy, longest);
        i = j;
    }
    folder.flushCarry(view.width);
}

bool queryPyramid(const Lane& lane, const View& view, std::vector<Run>& out, QueryCost* cost) {
    const TimePyramid& pyramid = lane.pyramid();
    if (pyramid.empty() || view.nsPerPx < kLeastCells * static_cast<double>(pyramid.base())) return false;
    std::size_t level = 0;
    Ns cellNs = pyramid.base();
    while (level + 1 < pyramid.levels().size() && view.nsPerPx >= 2 * kLeastCells * static_cast<double>(cellNs)) {
        ++level;
        cellNs <<= 1;
    }
    const auto& cells = pyramid.levels()[level];
    const double perCell = 1.0 / static_cast<double>(cellNs);
    const double offset = static_cast<double>(view.start - pyramid.origin()) * perCell;
    const double step = view.nsPerPx * perCell, count = static_cast<double>(cells.size());
    for (int x = 0; x < view.width; ++x) {
        const double from = std::max(0.0, offset + x * step), to = std::min(count, offset + (x + 1) * step);
        if (!(to > from)) continue;
        const auto first = static_cast<std::size_t>(from);
        const auto last = std::min(cells.size(), static_cast<std::size_t>(std::ceil(to)));
        double busy = 0, best = -1;
        const TimePyramid::Cell* pick = nullptr;
        for (std::size_t c = first; c < last; ++c) {
            const TimePyramid::Cell& cell = cells[c];
            if (cell.slice == kNoSlice) continue;
            const double overlap = std::min(to, static_cast<double>(c + 1)) - std::max(from, static_cast<double>(c));
            const double part = overlap * cell.busy;
            busy += part;
            if (part > best) {
                best = part;
                pick = &cell;
            }
        }
        if (cost) cost->cells += last - first;
        if (!pick) continue;
        Run run;
        run.x0 = static_cast<float>(x);
        run.x1 = static_cast<float>(x + 1);
        run.slice = pick->slice;
        run.busy = static_cast<float>(std::min(1.0, busy / (step * TimePyramid::kFull)));
        run.colour = static_cast<ColourId>(pick->colour);
        run.kind = RunKind::kCells;
        out.push_back(run);
    }
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
