// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Findings over several ranks: pipelines, hosts that hold their GPUs up, costs of one GPU; and what-ifs that keep bounds.
#include "analyzer/communication/pipeline.h"
#include "analyzer/verdict/verdict.h"
#include "analyzer/what_if/what_if.h"
#include "tests/unit/analyzer/answers.h"
#include "tests/unit/analyzer/costs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

namespace ridge::test {
namespace {

constexpr std::uint16_t kGemm = 1, kCollective = 8;

// Stages of a pipeline on CPUs, played as MPI would: an exchange ends on both sides when both have come.
class PipelinePlay {
public:
    PipelinePlay(int stages, int microBatches, Ns forward, Ns backward)
        : m_stages(stages), m_batches(microBatches), m_forward(forward), m_backward(backward), m_now(static_cast<std::size_t>(stages), 0), timeline(stages) {}
    // All forward, then all backward; then the ends put their shares of one table together.
    void gpipe(int steps) {
        for (int s = 0; s < steps; ++s) {
            const std::vector<Ns> begin = m_now;
            for (int b = 0; b < m_batches; ++b)
                for (int stage = 0; stage < m_stages; ++stage) {
                    if (stage > 0) exchange(stage - 1, stage, "activations");
                    compute(stage, "forward.matmul", m_forward);
                }
            for (int b = 0; b < m_batches; ++b)
                for (int stage = m_stages; stage-- > 0;) {
                    if (stage + 1 < m_stages) exchange(stage + 1, stage, "gradients");
                    compute(stage, "backward.matmul", m_backward);
                }
            together({0, m_stages - 1});
            for (int stage = 0; stage < m_stages; ++stage) timeline.step(stage, begin[at(stage)], m_now[at(stage)], static_cast<std::uint64_t>(s));
        }
    }
    // Every rank works and hands on to the next in a ring, beginning with work of its own.
    void ring(int steps, int late) {
        for (int s = 0; s < steps; ++s) {
            const std::vector<Ns> begin = m_now;
            for (int round = 0; round < 4; ++round) {
                for (int r = 0; r < m_stages; ++r) compute(r, "block.matmul", r == late ? 3 * m_forward : m_forward);
                for (int r = 0; r + 1 < m_stages; ++r) exchange(r, r + 1, "keys");
            }
            for (int r = 0; r < m_stages; ++r) timeline.step(r, begin[at(r)], m_now[at(r)], static_cast<std::uint64_t>(s));
        }
    }

private:
    static std::size_t at(int i) { return static_cast<std::size_t>(i); }
    void compute(int stage, const std::string& name, Ns length) {
        timeline.work(stage, m_now[at(stage)], m_now[at(stage)] + length, name, kGemm, 1000, 1000);
        m_now[at(stage)] += length;
    }
    void communicate(int rank, Ns until, const std::string& name, std::int64_t communicator, std::int64_t sequence) {
        Work& w = timeline.work(rank, m_now[at(rank)], until, name, kCollective);
        w.communicator = communicator;
        w.sequence = sequence;
        w.bytesCommunicated = 1'000;
        m_now[at(rank)] = until;
    }
    void exchange(int from, int to, const std::string& what) {
        const std::int64_t communicator = 10 + std::min(from, to), number = m_sequence[communicator]++;
        const Ns until = std::max(m_now[at(from)], m_now[at(to)]) + 2'000;
        communicate(from, until, what + ".send", communicator, number);
        communicate(to, until, what + ".recv", communicator, number);
    }
    void together(const std::vector<int>& ranks) {
        const std::int64_t number = m_sequence[99]++;
        Ns until = 0;
        for (const int r : ranks) until = std::max(until, m_now[at(r)]);
        for (const int r : ranks) communicate(r, until + 3'000, "tied.allreduce", 99, number);
    }
    int m_stages, m_batches;
    Ns m_forward, m_backward;
    std::vector<Ns> m_now;
    std::map<std::int64_t, std::int64_t> m_sequence;

public:
    MemoryTimeline timeline;
};

TEST(Pipeline, WaitingAtFillAndDrainIsItsBubble) {
    for (const int stages : {2, 4}) {
        SCOPED_TRACE(stages);
        PipelinePlay play(stages, 2, 1'000'000, 2'000'000);
        play.gpipe(8);
        const Analysis answer = analyzed(play.timeline.finish());
        ASSERT_EQ(answer.workloads.size(), 1U);
        EXPECT_EQ(answer.workloads[0].verdict.wallClass, WallClass::kCommWait);
        EXPECT_EQ(answer.workloads[0].verdict.cause, Cause::kPipelineBubble);
        const Finding* bubble = findingOf(answer, "pipeline_bubble");
        ASSERT_TRUE(bubble);
        EXPECT_EQ(bubble->cause, Cause::kPipelineBubble);
        EXPECT_EQ(bubble->evidence[0].name, "exchange_range_ns");
        EXPECT_GT(bubble->evidence[1].value, 0);  // fill
        EXPECT_GT(bubble->evidence[2].value, 0);  // drain
        EXPECT_FALSE(findingOf(answer, "wait_for_peers")) << "the waiting is told once";
        // p stages of equal length and m micro-batches: idle for (p - 1) / (m + p - 1) of the schedule, but for messages.
        const double wanted = (stages - 1.0) / (2 + stages - 1.0);
        EXPECT_NEAR(bubble->share, wanted, 0.03);
    }
}

TEST(Pipeline, ManyMicroBatchesLeaveLittleOfIt) {
    PipelinePlay play(2, 16, 1'000'000, 2'000'000);
    play.gpipe(8);
    const Analysis answer = analyzed(play.timeline.finish());
    EXPECT_NE(answer.workloads[0].verdict.wallClass, WallClass::kCommWait);
    const Finding* bubble = findingOf(answer, "pipeline_bubble");
    ASSERT_TRUE(bubble);
    EXPECT_NEAR(bubble->share, 1.0 / 17, 0.02);
}

TEST(Pipeline, AStragglerInARingIsNoPipeline) {
    for (const int late : {-1, 0, 3}) {
        SCOPED_TRACE(late);
        PipelinePlay play(4, 0, 1'000'000, 0);
        play.ring(8, late);
        const Analysis answer = analyzed(play.timeline.finish());
        EXPECT_FALSE(findingOf(answer, "pipeline_bubble"));
        EXPECT_NE(answer.workloads[0].verdict.cause, Cause::kPipelineBubble);
    }
}

// Two ranks whose hosts take their time between launches: the named wall has a finding.
TEST(RankFindings, HostsThatHoldTheirGpusUpAreFound) {
    MemoryTimeline m(2, 1, 1);
    for (std::int32_t p = 0; p < 2; ++p)
        for (Ns s = 0; s < 10; ++s) {
            const Ns t = s * 1'000'000;
            for (Ns k = 0; k < 4; ++k) {
                const Ns launch = t + k * 240'000 + 200'000;
                m.row(p, 0, launch + 6'000, launch + 36'000, "gemm", m.call(p, launch, launch + 5'000, "cudaLaunchKernel"));
            }
            m.step(p, t, t + 1'000'000, static_cast<std::uint64_t>(s));
        }
    const Analysis answer = analyzed(m.finish());
    ASSERT_EQ(answer.workloads.size(), 1U);
    EXPECT_EQ(answer.workloads[0].verdict.wallClass, WallClass::kHost);
    const Finding* host = findingOf(answer, "host_time");
    ASSERT_TRUE(host);
    EXPECT_EQ(host->wallClass, WallClass::kHost);
    EXPECT_GT(host->share, 0.5);
    EXPECT_FALSE(host->sql.empty());
}

// Rank 1's GPU is idle for 6 of 10 ms of each step, rank 0's for none: the title names one GPU, and so does the cost.
TEST(RankFindings, WhatOneGpuCostsIsOfItsOwnStep) {
    MemoryTimeline m(2, 1, 1);
    for (std::int32_t p = 0; p < 2; ++p)
        for (Ns s = 0; s < 10; ++s) {
            const Ns t = s * 10'000'000;
            m.row(p, 0, t + 10'000, t + (p == 0 ? 10'000'000 : 4'010'000), "gemm", m.call(p, t, t + 5'000, "cudaLaunchKernel"));
            m.step(p, t, t + 10'000'000, static_cast<std::uint64_t>(s));
        }
    const Analysis answer = analyzed(m.finish());
    const Finding* gaps = findingOf(answer, "gpu_gaps");
    ASSERT_TRUE(gaps);
    EXPECT_NE(gaps->title.find("GPU 1 of rank 1 is idle 9 times"), std::string::npos) << gaps->title;
    EXPECT_NEAR(gaps->share, 9 * 6.0 / 94, 0.01);  // nine gaps of 6 ms in the 94 ms of that GPU
    for (const Finding& f : answer.findings) {
        if (f.rule != "gpu_gaps") continue;
        EXPECT_EQ(f.where.front().rank, 1);
    }
}

// metrics.md 1.6 from the classes of the report alone, for the changes that nothing else bounds.
std::optional<Ns> closedForm(const Analysis& answer, const WhatIf& w) {
    using enum WallClass;
    std::vector<WallClass> classes;
    if (w.change == "no_launch_cost") classes = {kLaunch, kApi, kKernelGap};
    if (w.change == "input_hidden") classes = {kIoInput};
    if (w.change == "sync_removed") classes = {kSync};
    if (w.change == "copies_hidden") classes = {kCopy};
    if (classes.empty()) return std::nullopt;
    for (const WorkloadSummary& s : answer.workloads) {
        if (s.name != w.workload) continue;
        double part = 0, all = 0;
        for (const WallClass c : classes) part += static_cast<double>(s.classes[static_cast<std::size_t>(c)]);
        for (const Ns ns : s.classes) all += static_cast<double>(ns);
        return s.medianStepNs - static_cast<Ns>(part / all * static_cast<double>(s.medianStepNs));
    }
    return std::nullopt;
}

// Both ends are shown as they are, whichever is the shorter, whatever the trace; and no finding claims more than its cost, or one number alone
// where the rule itself knows less.
TEST(WhatIfBounds, AreBoundsOnRandomTimelines) {
    int all = 0, beyondTheClass = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        std::mt19937_64 random(seed);
        const int processes = 1 + static_cast<int>(seed % 3);
        MemoryTimeline m(processes, 2, seed % 4 == 0 ? 0 : 1);
        if (seed % 4 == 0 || seed % 5 == 0) addChaos(m, random, 400);
        else
            for (std::int32_t p = 0; p < processes; ++p) addProgram(m, random, p, 8);
        const Analysis answer = analyzed(m.finish());
        for (const WhatIf& w : answer.whatIf) {
            SCOPED_TRACE(std::to_string(seed) + " " + w.change);
            ++all;
            EXPECT_EQ(w.stepNsLow, std::min(w.replayNs, w.boundNs));
            const bool hides = w.change == "comm_hidden" || w.change == "copies_hidden";
            const Ns longer = std::max(w.replayNs, w.boundNs);
            EXPECT_EQ(w.stepNsHigh,
                      longer + (hides ? static_cast<Ns>(overlapCost(answer).share *
                                                        static_cast<double>(w.stepNs - longer))
                                      : 0));
            if (const auto closed = closedForm(answer, w)) {
                EXPECT_EQ(w.boundNs, *closed);
            }
            EXPECT_LE(w.stepNsHigh, w.stepNs);
            EXPECT_GE(w.boundNs, 0);
            beyondTheClass += w.replayNs < w.boundNs ? 1 : 0;
        }
        checkCosts(answer);
        for (const Finding& f : answer.findings) {
            EXPECT_LE(f.savingLowNs, f.savingHighNs) << f.id;
            EXPECT_LE(f.savingHighNs, f.costNs) << f.id;
            if (f.rule == "launch_bound" || f.rule == "synchronous_calls") {
                EXPECT_LT(f.savingLowNs, std::max<Ns>(f.savingHighNs, 1)) << f.id;
            }
        }
    }
    EXPECT_GT(all, 100);
    EXPECT_GT(beyondTheClass, 0) << "no replay gained more than the class has: the test looks at nothing";
}

// What was measured, at its high end and on the worst device; else the most that was published.
// Never more than all.
TEST(WhatIfBounds, ContentionTakesBackPartOfWhatIsHidden) {
    Analysis answer;
    EXPECT_FALSE(overlapCost(answer).measured);
    EXPECT_EQ(overlapCost(answer).share, 0.4);
    Contention c;
    c.overlapNs = 1'000;
    c.costLowNs = -100;
    c.costHighNs = -50;
    answer.contention = {c};
    EXPECT_TRUE(overlapCost(answer).measured);
    EXPECT_EQ(overlapCost(answer).share, 0);
    c.costHighNs = 250;
    answer.contention.push_back(c);
    EXPECT_EQ(overlapCost(answer).share, 0.25);
    c.costHighNs = 5'000;
    answer.contention.push_back(c);
    EXPECT_EQ(overlapCost(answer).share, 1);
}

// Eight steps that read 6 of their 10 ms, and one kernel a second after the last: that second is in no step and no cost.
TEST(CostsOfOneGpu, CountOnlyIdleTimeInItsOwnSteps) {
    MemoryTimeline m(1, 1, 1);
    for (Ns s = 0; s < 8; ++s) {
        const Ns t = s * 10'000'000;
        m.io(0, t, t + 6'000'000);
        m.row(0, 7, t + 6'100'000, t + 9'900'000, "work", m.call(0, t + 6'050'000, t + 6'055'000, "cudaLaunchKernel"));
        m.step(0, t, t + 10'000'000, static_cast<std::uint64_t>(s));
    }
    m.row(0, 7, 1'080'000'000, 1'080'500'000, "after", m.call(0, 1'079'990'000, 1'079'995'000, "cudaLaunchKernel"));
    const Analysis answer = analyzed(m.finish());
    checkCosts(answer);
    const Finding* gaps = findingOf(answer, "gpu_gaps");
    ASSERT_TRUE(gaps);
    EXPECT_EQ(gaps->wallClass, WallClass::kIoInput);
    EXPECT_NE(gaps->title.find("idle 7 times for 1 ms or more, mostly io input"), std::string::npos) << gaps->title;
    EXPECT_EQ(gaps->evidence.front().value, 7 * 6'200'000.0);
    EXPECT_EQ(gaps->costNs, 7 * 6'200'000 / 8);
    EXPECT_NEAR(gaps->share, 7 * 6.2 / 73.8, 1e-9);
    EXPECT_EQ(gaps->savingHighNs, 7 * 6'000'000 / 8);
}

// Fewer than five steps, and one alone above all, are no sample: nothing is said with more than low confidence.
TEST(Confidence, IsLowOnFewSteps) {
    for (const int steps : {1, 4, 6}) {
        MemoryTimeline m(1, 1, 0);
        for (Ns s = 0; s < steps; ++s) {
            m.step(0, s * 1'000'000, (s + 1) * 1'000'000, static_cast<std::uint64_t>(s));
            m.io(0, s * 1'000'000, s * 1'000'000 + 400'000);
            m.work(0, s * 1'000'000 + 400'000, (s + 1) * 1'000'000, "gemm", 1);
        }
        const Analysis answer = analyzed(m.finish());
        const Finding* f = findingOf(answer, "input_io");
        ASSERT_TRUE(f) << steps;
        EXPECT_EQ(f->confidence == Confidence::kLow, steps < 5) << steps;
        EXPECT_FALSE(f->savingLowNs == f->savingHighNs && f->confidence == Confidence::kHigh);
    }
}

TEST(CostsOfRealTraces, AreWithinTheClassesThatTheyName) {
    const std::filesystem::path root = std::filesystem::path(RIDGE_TRACES_DIR) / "kineto";
    if (!std::filesystem::is_directory(root)) GTEST_SKIP() << "no traces of other tools at " << root;
    std::vector<std::string> ranks;
    int findings = 0, ofOneDevice = 0;
    const auto check = [&](const std::vector<std::string>& paths) {
        SCOPED_TRACE(paths.front());
        const auto answer = analyze(paths, {});
        ASSERT_TRUE(answer.ok()) << answer.error().message;
        checkCosts(*answer);
        for (const Finding& f : answer->findings) {
            ++findings;
            ofOneDevice += f.rule == "gpu_gaps" || f.rule == "low_utilisation" ? 1 : 0;
        }
    };
    for (const auto& entry : std::filesystem::directory_iterator(root)) {
        if (entry.path().extension() != ".gz") continue;
        check({entry.path().string()});
        if (entry.path().filename().string().starts_with("param_v100")) ranks.push_back(entry.path().string());
    }
    std::sort(ranks.begin(), ranks.end());
    ASSERT_EQ(ranks.size(), 8U);
    check(ranks);
    EXPECT_GT(findings, 50);
    EXPECT_GT(ofOneDevice, 10);
}

}  // namespace
}  // namespace ridge::test
