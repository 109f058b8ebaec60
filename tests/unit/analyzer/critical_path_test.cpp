// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/path.h"
#include "analyzer/critical_path/pieces.h"
#include "analyzer/what_if/replay.h"
#include "tests/unit/analyzer/answers.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <tuple>

namespace ridge::test {
namespace {

Ns sumOf(const std::vector<PathShare>& shares) {
    Ns sum = 0;
    for (const PathShare& s : shares) sum += s.ns;
    return sum;
}

Ns kindOf(const Analysis& a, const std::string& kind) {
    for (const PathShare& s : a.criticalPath->byKind)
        if (s.kind == kind) return s.ns;
    return 0;
}

// What holds for every graph, whatever the trace.
void checkGraph(const Prepared& p) {
    const PathGraph graph = buildPathGraph(p.context, p.steps);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const PathNode& n = graph.nodes[i];
        ASSERT_LE(n.start, n.end);
        ASSERT_GE(n.residual, 0);
        if (i > 0) {
            ASSERT_LE(graph.nodes[i - 1].start, n.start);
        }
        for (const PathEdge& edge : graph.edgesOf(static_cast<std::int32_t>(i))) {
            ASSERT_LT(edge.from, static_cast<std::int32_t>(i));
            ASSERT_LE(graph.contribution(edge), n.start);
        }
    }
    const ReplayTimes same = replay(graph, ReplayPlan(graph));
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        ASSERT_EQ(same.start[i], graph.nodes[i].start);
        ASSERT_EQ(same.end[i], graph.nodes[i].end);
    }
    const std::vector<std::int32_t> last = lastNodes(p.context, graph, p.steps);
    std::vector<std::int32_t> terminals;
    for (std::size_t s = 0; s < p.steps.size(); ++s) {
        const Interval window{p.steps[s].startNs, p.steps[s].endNs};
        const auto path = walkBack(graph, p.options, last[s], window);
        Ns at = window.start;
        for (const WalkSegment& segment : path) {
            ASSERT_EQ(segment.start, at);
            ASSERT_GT(segment.end, segment.start);
            at = segment.end;
        }
        ASSERT_EQ(at, window.end);
        if (last[s] != kNoIndex) terminals.push_back(last[s]);
    }
    for (const Ns slack : slackOf(graph, terminals)) ASSERT_GE(slack, 0);
}

TEST(CriticalPath, CoversEveryWindowExactlyWhateverTheTraceHolds) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        MemoryTimeline m(2, 3, seed % 3 == 0 ? 0 : 1);
        addChaos(m, random, 300);
        checkGraph(Prepared(m.finish()));
        const Analysis answer = analyzed(m.timeline);
        ASSERT_TRUE(answer.criticalPath);
        Ns windows = 0;
        for (const Step& s : answer.steps) windows += s.endNs - s.startNs;
        EXPECT_EQ(answer.criticalPath->coveredNs, windows);
        EXPECT_EQ(sumOf(answer.criticalPath->byKind), windows);
        Ns shown = 0;
        for (const PathSegment& s : answer.criticalPath->segments) shown += s.endNs - s.startNs;
        EXPECT_EQ(shown, answer.criticalPath->totalNs);
        Ns lanes = 0;
        for (const PathLane& lane : answer.criticalPath->lanes) {
            EXPECT_EQ(sumOf(lane.byKind), lane.totalNs);
            lanes += lane.totalNs;
        }
        EXPECT_EQ(lanes, windows);
        for (const WhatIf& w : answer.whatIf) {
            EXPECT_LE(w.stepNsLow, w.stepNsHigh);
            EXPECT_LE(w.stepNsHigh, w.stepNs);
            EXPECT_GE(w.stepNsLow, 0);
        }
    }
}

TEST(CriticalPath, ShiftedTracesHaveTheSamePath) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        std::vector<Analysis> answers;
        for (const Ns shift : {Ns{0}, Ns{123'456'789}}) {
            std::mt19937_64 random(seed);
            MemoryTimeline m(1, 2, 1);
            addProgram(m, random, 0, 4);
            for (auto& r : m.timeline.ranges) r.start += shift, r.end += shift;
            for (auto& r : m.timeline.calls) r.start += shift, r.end += shift;
            for (auto& r : m.timeline.gpu) r.start += shift, r.end += shift;
            for (auto& r : m.timeline.io) r.start += shift, r.end += shift;
            answers.push_back(analyzed(m.finish()));
        }
        ASSERT_EQ(answers[0].criticalPath->byKind.size(), answers[1].criticalPath->byKind.size());
        for (std::size_t k = 0; k < answers[0].criticalPath->byKind.size(); ++k)
            EXPECT_EQ(answers[0].criticalPath->byKind[k].ns, answers[1].criticalPath->byKind[k].ns);
    }
}

// On a program that keeps the rules of a device: slack is what can be added without moving the end.
TEST(CriticalPath, SlackIsWhatARowCanGrowByAndNotMore) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        MemoryTimeline m(1, 1, 1);
        addProgram(m, random, 0, 3);
        const Prepared p(m.finish());
        const PathGraph graph = buildPathGraph(p.context, p.steps);
        EXPECT_EQ(graph.droppedEdges, 0);
        const std::vector<std::int32_t> last = lastNodes(p.context, graph, p.steps);
        const std::vector<Ns> slack = slackOf(graph, last);
        std::vector<bool> onPath(graph.nodes.size(), false);
        for (std::size_t s = 0; s < p.steps.size(); ++s)
            for (const WalkSegment& segment : walkBack(graph, p.options, last[s], {p.steps[s].startNs, p.steps[s].endNs}))
                if (segment.within) {
                    onPath[static_cast<std::size_t>(segment.node)] = true;
                    EXPECT_EQ(slack[static_cast<std::size_t>(segment.node)], 0);
                }
        for (int trial = 0; trial < 40; ++trial) {
            const auto n = static_cast<std::size_t>(random() % graph.nodes.size());
            for (const Ns more : {Ns{0}, Ns{1}}) {
                ReplayPlan plan(graph);
                plan.setDuration(n, plan.duration(n) + slack[n] + more);
                const ReplayTimes times = replay(graph, plan);
                bool moved = false;
                for (const std::int32_t t : last) moved = moved || times.end[static_cast<std::size_t>(t)] > graph.nodes[static_cast<std::size_t>(t)].end;
                if (more == 0) {
                    EXPECT_FALSE(moved);
                }
                // One ns beyond it moves the end, unless nothing that is looked at depends on the node.
                if (more == 1 && onPath[n]) {
                    EXPECT_TRUE(moved);
                }
            }
        }
    }
}

TEST(WhatIf, ShorterNeverLengthensAndGainsAtMostWhatThePathLost) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        MemoryTimeline m(1, 2, 1);
        addProgram(m, random, 0, 3);
        const Prepared p(m.finish());
        const PathGraph graph = buildPathGraph(p.context, p.steps);
        const std::vector<std::int32_t> last = lastNodes(p.context, graph, p.steps);
        const std::int32_t end = last.back();
        const Interval all{graph.nodes.front().start, graph.nodes[static_cast<std::size_t>(end)].end};
        const auto path = walkBack(graph, p.options, end, all);
        for (int trial = 0; trial < 20; ++trial) {
            ReplayPlan plan(graph);
            for (std::size_t i = 0; i < graph.nodes.size(); ++i)
                if (random() % 3 == 0 && plan.duration(i) > 0)
                    plan.setDuration(i, plan.duration(i) - static_cast<Ns>(random() % static_cast<std::uint64_t>(plan.duration(i) + 1)));
            const ReplayTimes times = replay(graph, plan);
            for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
                ASSERT_LE(times.start[i], graph.nodes[i].start);
                ASSERT_LE(times.end[i], graph.nodes[i].end);
            }
            Ns lost = 0;
            for (const WalkSegment& s : path) {
                const auto n = static_cast<std::size_t>(s.node);
                if (s.within) lost += graph.nodes[n].end - graph.nodes[n].start - plan.duration(n);
            }
            EXPECT_LE(all.end - times.end[static_cast<std::size_t>(end)], lost);
            // No stream can do its work in less than the sum of it.
            std::map<std::int64_t, std::pair<Ns, std::pair<Ns, Ns>>> streams;
            for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
                if (graph.nodes[i].row == kNoIndex) continue;
                const std::int64_t stream = p.context.timeline.gpu[static_cast<std::size_t>(graph.nodes[i].row)].stream;
                auto [it, isNew] = streams.try_emplace(stream, std::pair(Ns{0}, std::pair(times.start[i], times.end[i])));
                it->second.first += plan.duration(i);
                it->second.second.second = std::max(it->second.second.second, times.end[i]);
            }
            for (const auto& [stream, x] : streams) EXPECT_GE(x.second.second - x.second.first, x.first);
        }
    }
}

// launch, launch, synchronise: the GPU waits for the host, then the host for the GPU.
TEST(CriticalPath, NamesLaunchKernelGapAndSync) {
    MemoryTimeline m(1, 1, 1);
    const std::int32_t a = m.call(0, 1'000, 2'000, "cudaLaunchKernel"), b = m.call(0, 2'500, 3'000, "cudaLaunchKernel");
    m.row(0, 7, 5'000, 15'000, "k1", a);
    m.row(0, 7, 16'000, 40'000, "k2", b);
    m.call(0, 3'500, 42'000, "cudaDeviceSynchronize", true);
    const std::int32_t c = m.call(0, 45'000, 46'000, "cudaLaunchKernel");
    m.row(0, 7, 48'000, 50'000, "k3", c);
    m.step(0, 0, 47'000, 0);
    const Analysis answer = analyzed(m.finish());
    ASSERT_TRUE(answer.criticalPath);
    // The window is [5000, 50000): k1, gap, k2, end of the wait, host, launch, k3.
    EXPECT_EQ(answer.criticalPath->totalNs, 45'000);
    EXPECT_EQ(kindOf(answer, "compute"), 10'000 + 24'000 + 2'000);
    EXPECT_EQ(kindOf(answer, "kernel_gap"), 1'000);
    EXPECT_EQ(kindOf(answer, "sync"), 2'000);
    EXPECT_EQ(kindOf(answer, "host"), 3'000);
    EXPECT_EQ(kindOf(answer, "launch"), 3'000);
    // Without waiting for the device the third launch goes on at once, and its kernel follows the second.
    const auto sync = std::find_if(answer.whatIf.begin(), answer.whatIf.end(), [](const WhatIf& w) { return w.change == "sync_removed"; });
    ASSERT_NE(sync, answer.whatIf.end());
    EXPECT_LT(sync->replayNs, 45'000);
}

// A stream waits for an event of another one.
TEST(CriticalPath, FollowsAnEventToTheOtherStream) {
    MemoryTimeline m(1, 1, 1);
    const std::int32_t a = m.call(0, 0, 100, "cudaLaunchKernel"), record = m.call(0, 150, 200, "cudaEventRecord"),
                       wait = m.call(0, 250, 300, "cudaStreamWaitEvent"), b = m.call(0, 350, 400, "cudaLaunchKernel");
    m.row(0, 1, 1'000, 30'000, "first", a);
    m.row(0, 2, 32'000, 40'000, "second", b);
    SyncRow sync;
    sync.start = 250;
    sync.end = 300;
    sync.kind = SyncKind::kStreamWaitEvent;
    sync.stream = 2;
    sync.waitedStream = 1;
    sync.eventRecord = m.timeline.calls[static_cast<std::size_t>(record)].correlation;
    sync.launch = wait;
    sync.device = sync.process = 0;
    m.timeline.syncs.push_back(sync);
    m.step(0, 0, 500, 0);
    const Analysis answer = analyzed(m.finish());
    ASSERT_EQ(answer.criticalPath->segments.size(), 3u);
    EXPECT_EQ(answer.criticalPath->segments[0].name, "first");
    EXPECT_EQ(answer.criticalPath->segments[1].kind, "kernel_gap");
    EXPECT_EQ(answer.criticalPath->segments[2].name, "second");
}

// Forward on one thread, backward on another: the path goes through both.
TEST(CriticalPath, HandsOffToTheThreadThatWorksAndBack) {
    MemoryTimeline m(1, 2, 1);
    m.range(0, 0, 100'000, "forward", RangeKind::kOp);
    m.range(0, 100'000, 300'000, "backward");  // only waits
    m.range(1, 101'000, 290'000, "AddBackward", RangeKind::kOp);
    const std::int32_t a = m.call(1, 280'000, 285'000, "cudaLaunchKernel"), f = m.call(0, 10'000, 12'000, "cudaLaunchKernel");
    m.row(0, 7, 14'000, 20'000, "forward_kernel", f);
    m.row(0, 7, 287'000, 299'000, "backward_kernel", a);
    m.step(0, 0, 300'000, 0);
    const Analysis answer = analyzed(m.finish());
    EXPECT_EQ(answer.criticalPath->totalNs, 285'000);
    EXPECT_EQ(kindOf(answer, "hand_off"), 1'000);
    EXPECT_EQ(kindOf(answer, "launch"), 7'000);
    EXPECT_EQ(kindOf(answer, "host"), (280'000 - 101'000) + (100'000 - 14'000));
}

// The step thread waits for the thread that communicates.
TEST(CriticalPath, WithoutAGpuFollowsTheThreadThatWasWaitedFor) {
    MemoryTimeline m(1, 2, 0);
    m.step(0, 0, 100, 0);
    m.work(0, 0, 40, "gemm", 1);
    m.work(1, 30, 90, "all_reduce", 8);
    m.work(0, 92, 100, "adam", 6);
    const Analysis answer = analyzed(m.finish());
    const auto& segments = answer.criticalPath->segments;
    ASSERT_EQ(segments.size(), 4u);
    EXPECT_EQ(segments[0].name, "gemm");
    EXPECT_EQ(segments[0].endNs, 30);
    EXPECT_EQ(segments[1].name, "all_reduce");
    EXPECT_EQ(segments[1].kind, "communication");
    EXPECT_EQ(segments[2].endNs - segments[2].startNs, 2);
    EXPECT_EQ(segments[3].name, "adam");
}

// A framework's collective on a thread of its own, told by its name: it is communication, whatever
// is nested in it.
TEST(CriticalPath, NamedCollectivesWithoutAGpuAreCommunication) {
    MemoryTimeline m(1, 2, 0);
    m.step(0, 0, 1'000, 0);
    m.range(0, 0, 300, "aten::mm", RangeKind::kOp);
    m.range(0, 300, 310, "c10d::allreduce_", RangeKind::kOp);
    m.range(1, 320, 900, "gloo:all_reduce");
    m.range(1, 330, 340, "aten::copy_", RangeKind::kOp);
    m.range(0, 950, 1'000, "adam", RangeKind::kOp);
    const Analysis answer = analyzed(m.finish());
    EXPECT_EQ(kindOf(answer, "communication"), 580);
    EXPECT_EQ(kindOf(answer, "host"), 420);
    EXPECT_EQ(sumOf(answer.criticalPath->byKind), 1'000);
    const auto& segments = answer.criticalPath->segments;
    const auto reduce = std::find_if(segments.begin(), segments.end(), [](const PathSegment& s) {
        return s.kind == "communication";
    });
    ASSERT_NE(reduce, segments.end());
    EXPECT_EQ(reduce->name, "gloo:all_reduce");
    EXPECT_EQ(std::pair(reduce->startNs, reduce->endNs), std::pair(Ns{320}, Ns{900}));
    const auto hidden = std::find_if(answer.whatIf.begin(), answer.whatIf.end(),
                                     [](const WhatIf& w) { return w.change == "comm_hidden"; });
    ASSERT_NE(hidden, answer.whatIf.end());
    EXPECT_EQ(hidden->replayNs, 580) << "the collective itself takes as long";
    EXPECT_EQ(hidden->boundNs, 580);
}

// What begins while the step thread does nothing that is known was handed out by it until then.
TEST(CriticalPath, NamedCollectivesAtOnceAreHandedOutOneByOne) {
    MemoryTimeline m(1, 3, 0);
    m.step(0, 0, 1'000, 0);
    m.range(1, 100, 500, "gloo:all_reduce");
    m.range(2, 200, 600, "gloo:all_reduce");
    const Prepared p(m.finish());
    checkGraph(p);
    const Analysis answer = analyzed(m.timeline);
    EXPECT_EQ(kindOf(answer, "communication"), 400) << "the one that ended last";
    EXPECT_EQ(kindOf(answer, "host"), 600);
    const auto hidden = std::find_if(answer.whatIf.begin(), answer.whatIf.end(),
                                     [](const WhatIf& w) { return w.change == "comm_hidden"; });
    ASSERT_NE(hidden, answer.whatIf.end());
    EXPECT_EQ(hidden->replayNs, 600);
    EXPECT_EQ(hidden->boundNs, 500);
    ASSERT_EQ(answer.criticalPath->slack.size(), 1U);
    EXPECT_EQ(answer.criticalPath->slack[0].busyNs, 400) << "the other one is on no path";
    EXPECT_EQ(answer.criticalPath->slack[0].kind, "communication");
}

// Without steps the thread with most ranges is the main one, but not for its collectives; with a
// GPU they are the host's.
TEST(CriticalPath, NamedCollectivesMakeNoMainThreadAndNoneBesideAGpu) {
    for (const int devices : {0, 1}) {
        MemoryTimeline m(1, 2, devices);
        m.range(0, 0, 100, "aten::mm", RangeKind::kOp);
        m.range(0, 900, 1'000, "aten::mm", RangeKind::kOp);
        for (Ns t = 100; t < 900; t += 100) m.range(1, t, t + 90, "mpi:all_reduce");
        if (devices == 1) m.row(0, 7, 990, 1'000, "k", m.call(0, 905, 910, "cudaLaunchKernel"));
        const Analysis answer = analyzed(m.finish());
        ASSERT_TRUE(answer.criticalPath);
        EXPECT_EQ(kindOf(answer, "communication"), devices == 0 ? 8 * 90 : 0);
    }
}

TEST(CriticalPath, SplitsACollectiveAtTheLastRank) {
    MemoryTimeline m(2, 1, 0);
    for (std::int32_t r = 0; r < 2; ++r) {
        const Ns begin = r == 0 ? 20 : 70;
        m.step(r, 0, 100, 0);
        m.work(r, 0, begin, "gemm", 1);
        Work& w = m.work(r, begin, 100, "all_reduce", 8);
        w.communicator = 5;
        w.sequence = 1;
    }
    const Analysis answer = analyzed(m.finish());
    ASSERT_EQ(answer.criticalPath->lanes.size(), 2u);
    const auto of = [&](std::size_t lane, const std::string& kind) {
        for (const PathShare& s : answer.criticalPath->lanes[lane].byKind)
            if (s.kind == kind) return s.ns;
        return Ns{0};
    };
    EXPECT_EQ(of(0, "compute"), 20);
    EXPECT_EQ(of(0, "comm_wait"), 50);
    EXPECT_EQ(of(0, "communication"), 30);
    EXPECT_EQ(of(1, "compute"), 70);
    EXPECT_EQ(of(1, "comm_wait"), 0);
}

TEST(CriticalPath, SaysWhenTheHostIsNearlyAsLongAsTheDevice) {
    MemoryTimeline m(1, 1, 1);
    Ns now = 0, device = 0;
    for (int s = 0; s < 5; ++s) {
        const Ns begin = now;
        for (int k = 0; k < 10; ++k) {
            const std::int32_t launch = m.call(0, now, now + 9'900, "cudaLaunchKernel");
            const Ns start = std::max(device, now + 5'000);
            device = start + 10'000;
            m.row(0, 7, start, device, "k", launch);
            now += 9'950;
        }
        m.step(0, begin, now, static_cast<std::uint64_t>(s));
    }
    const Analysis answer = analyzed(m.finish());
    EXPECT_EQ(answer.criticalPath->second, "host");
    EXPECT_GE(answer.criticalPath->secondNs, answer.criticalPath->coveredNs / 100 * 95);
}

TEST(CriticalPath, PartsOfALongTraceGiveThePathsOfTheWhole) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        std::mt19937_64 random(seed);
        MemoryTimeline m(1, 1, 1);
        addProgram(m, random, 0, 20);
        const Prepared p(m.finish());
        const PathGraph whole = buildPathGraph(p.context, p.steps);
        const auto lastOfWhole = lastNodes(p.context, whole, p.steps);
        const GraphPlan plan = planGraphs(p.context, p.steps, 200, 200);
        ASSERT_GT(plan.parts.size(), 1U);
        EXPECT_EQ(plan.stepsLeftOut, 0);
        std::vector<int> seen(p.steps.size(), 0);
        for (const GraphPart& part : plan.parts) {
            const PathGraph graph = buildPathGraph(p.context, p.steps, plan, part);
            EXPECT_LT(graph.nodes.size(), whole.nodes.size());
            const auto last = lastNodes(p.context, graph, p.steps);
            for (const std::size_t s : part.steps) {
                ++seen[s];
                ASSERT_TRUE(graph.hasStep[s]);
                const Interval window{p.steps[s].startNs, p.steps[s].endNs};
                const auto inPart = walkBack(graph, p.options, last[s], window), inWhole = walkBack(whole, p.options, lastOfWhole[s], window);
                ASSERT_EQ(inPart.size(), inWhole.size()) << "seed " << seed << " step " << s;
                for (std::size_t k = 0; k < inPart.size(); ++k) {
                    EXPECT_EQ(inPart[k].start, inWhole[k].start);
                    EXPECT_EQ(inPart[k].end, inWhole[k].end);
                    EXPECT_EQ(inPart[k].kind, inWhole[k].kind);
                    EXPECT_EQ(inPart[k].name, inWhole[k].name);
                }
            }
        }
        EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
    }
}

std::vector<std::tuple<std::string, std::string, Ns, std::int64_t>> sharesOf(const std::vector<PathShare>& shares) {
    std::vector<std::tuple<std::string, std::string, Ns, std::int64_t>> list;
    for (const PathShare& s : shares) list.emplace_back(s.kind, s.name, s.ns, s.count);
    return list;
}

TEST(CriticalPath, TablesOverPartsAreThoseOfTheWhole) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        std::mt19937_64 random(seed);
        MemoryTimeline m(2, 2, 1);
        addProgram(m, random, 0, 15);
        addProgram(m, random, 1, 15);
        const Prepared p(m.finish());
        const auto reported = [&](std::size_t most) {
            const GraphPlan plan = planGraphs(p.context, p.steps, most, most);
            Analysis answer;
            answer.steps = p.steps;
            PathReport report(p.context, plan, answer);
            for (const GraphPart& part : plan.parts) report.add(buildPathGraph(p.context, p.steps, plan, part));
            report.finish();
            return *answer.criticalPath;
        };
        const CriticalPath whole = reported(1'000'000), parts = reported(300);
        EXPECT_EQ(parts.steps, whole.steps);
        EXPECT_EQ(parts.coveredNs, whole.coveredNs);
        EXPECT_EQ(sharesOf(parts.byKind), sharesOf(whole.byKind)) << seed;
        EXPECT_EQ(sharesOf(parts.byName), sharesOf(whole.byName)) << seed;
        EXPECT_EQ(parts.second, whole.second);
        EXPECT_EQ(parts.secondNs, whole.secondNs);
        EXPECT_EQ(parts.segments.size(), whole.segments.size());
    }
}

TEST(CriticalPath, TheAnswerDoesNotDependOnThreads) {
    std::mt19937_64 random(8);
    MemoryTimeline m(2, 2, 1);
    addProgram(m, random, 0, 25);
    addProgram(m, random, 1, 25);
    m.finish();
    const auto with = [&](const char* threads) {
        ::setenv("RIDGE_THREADS", threads, 1);
        Analysis answer = analyzed(m.timeline);
        ::unsetenv("RIDGE_THREADS");
        return answer;
    };
    const Analysis one = with("1"), many = with("7");
    EXPECT_EQ(sharesOf(one.criticalPath->byName), sharesOf(many.criticalPath->byName));
    ASSERT_EQ(one.whatIf.size(), many.whatIf.size());
    for (std::size_t i = 0; i < one.whatIf.size(); ++i) {
        EXPECT_EQ(one.whatIf[i].change, many.whatIf[i].change);
        EXPECT_EQ(one.whatIf[i].replayNs, many.whatIf[i].replayNs);
    }
    ASSERT_EQ(one.steps.size(), many.steps.size());
    for (std::size_t i = 0; i < one.steps.size(); ++i) EXPECT_EQ(one.steps[i].classes, many.steps[i].classes);
}

TEST(CriticalPath, LeavesOutStepsThatDoNotFitAndSaysSo) {
    std::mt19937_64 random(3);
    MemoryTimeline m(1, 1, 1);
    addProgram(m, random, 0, 20);
    const Prepared p(m.finish());
    const GraphPlan plan = planGraphs(p.context, p.steps, 1, 1, 1);
    EXPECT_TRUE(plan.parts.empty());
    EXPECT_EQ(plan.stepsLeftOut, static_cast<std::int64_t>(p.steps.size()));
}

TEST(Pieces, InnermostWinsAndWhatKeepsIsNotCut) {
    std::vector<PieceItem> items{{0, 100, 0, false, 0}, {10, 50, 0, false, 1}, {20, 30, 1, true, 2}, {22, 24, 0, false, 3}, {25, 60, 0, false, 4}};
    const std::vector<Piece> pieces = cutPieces(items);
    std::vector<std::tuple<Ns, Ns, std::int32_t>> got;
    for (const Piece& p : pieces) got.emplace_back(p.start, p.end, items[static_cast<std::size_t>(p.item)].index);
    const std::vector<std::tuple<Ns, Ns, std::int32_t>> wanted{{0, 10, 0}, {10, 20, 1}, {20, 30, 2}, {30, 60, 4}, {60, 100, 0}};
    EXPECT_EQ(got, wanted);
}

}  // namespace
}  // namespace ridge::test
