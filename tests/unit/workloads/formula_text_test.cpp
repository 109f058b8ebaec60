// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The formulas that --list prints give the numbers that the workloads print: the text itself is
// evaluated.
#include "workloads/harness/formula_text.h"

#include "workloads/families/dlrm_model.h"
#include "workloads/models/infer.h"
#include "workloads/models/train.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>

namespace ridge::workloads {
namespace {

using Names = std::map<std::string, double>;

// Sums of products: names and numbers side by side are multiplied, ^ takes a number.
class Expression {
public:
    Expression(std::string text, const Names& names) : m_text(std::move(text)), m_names(names) {}
    double value() {
        const double sum = addition();
        EXPECT_EQ(m_at, m_text.size()) << "left over: " << m_text.substr(m_at);
        return sum;
    }

private:
    char next() {
        while (m_at < m_text.size() && m_text[m_at] == ' ') ++m_at;
        return m_at < m_text.size() ? m_text[m_at] : '\0';
    }
    double addition() {
        double sum = product();
        for (char c = next(); c == '+' || c == '-'; c = next()) {
            ++m_at;
            sum += (c == '+' ? 1 : -1) * product();
        }
        return sum;
    }
    double product() {
        double all = power();
        for (char c = next(); std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '(';
             c = next())
            all *= power();
        return all;
    }
    double power() {
        const double base = factor();
        if (next() != '^') return base;
        ++m_at;
        return std::pow(base, factor());
    }
    double factor() {
        if (next() == '(') {
            ++m_at;
            const double inner = addition();
            EXPECT_EQ(next(), ')') << m_text;
            ++m_at;
            return inner;
        }
        std::string word;
        while (m_at < m_text.size() &&
               (std::isalnum(static_cast<unsigned char>(m_text[m_at])) != 0 || m_text[m_at] == '_'))
            word += m_text[m_at++];
        if (!word.empty() && std::isdigit(static_cast<unsigned char>(word[0])) != 0)
            return std::strtod(word.c_str(), nullptr);
        const auto known = m_names.find(word);
        EXPECT_NE(known, m_names.end()) << "'" << word << "' in " << m_text << " is not defined";
        return known == m_names.end() ? NAN : known->second;
    }

    std::string m_text;
    const Names& m_names;
    std::size_t m_at = 0;
};

// What follows `start` in the family's text, up to a comma or semicolon.
double evaluated(const char* family, const std::string& start, const Names& names) {
    const std::string text(formulaText(family));
    const auto at = text.find(start);
    EXPECT_NE(at, std::string::npos) << start << " in " << text;
    if (at == std::string::npos) return NAN;
    const auto begin = at + start.size();
    return Expression(text.substr(begin, text.find_first_of(",;", begin) - begin), names).value();
}

double printed(Workload& workload, const Timing& timing, const std::string& name) {
    for (const Metric& metric : workload.report(timing))
        if (metric.name == name) return metric.value;
    ADD_FAILURE() << "no metric " << name;
    return NAN;
}

constexpr GptConfig kTiny{.layers = 2, .width = 32, .heads = 2, .context = 16, .vocabulary = 48};
constexpr Timing kTiming{4, 0.01, 0.01};

Names namesOf(const char* family, const GptConfig& c, std::int64_t sequences) {
    Names names{{"L", static_cast<double>(c.layers)},     {"C", static_cast<double>(c.width)},
                {"V", static_cast<double>(c.vocabulary)}, {"T", static_cast<double>(c.context)},
                {"B", static_cast<double>(sequences)},    {"P", static_cast<double>(c.context)}};
    names["N"] = evaluated(family, "N = ", names);
    if (std::string(formulaText(family)).find("tok = ") != std::string::npos)
        names["tok"] = evaluated(family, "tok = ", names);
    return names;
}

TEST(FormulaText, OfTrainingGivesWhatIsPrinted) {
    constexpr std::int64_t kSequences = 4;
    const Names names = namesOf("train.single", kTiny, kSequences);
    const auto workload = makeTrainWorkload({}, kTiny, kSequences, {});
    ASSERT_TRUE(workload->prepare().ok());
    EXPECT_EQ(evaluated("train.single", "FLOP = ", names),
              printed(*workload, kTiming, "flops_per_step_causal"));
    EXPECT_EQ(evaluated("train.single", "causal; FLOP = ", names),
              printed(*workload, kTiming, "flops_per_step_full"));
    const std::string accumulated(formulaText("train.accum"));
    EXPECT_TRUE(formulaText("train.single").starts_with(accumulated));
}

TEST(FormulaText, OfRecomputationGivesWhatIsPrinted) {
    constexpr std::int64_t kSequences = 4;
    Names names = namesOf("train.recompute", kTiny, kSequences);
    names["FLOP"] = evaluated("train.recompute", "FLOP = ", names);
    for (const auto& [start, recompute] :
         {std::pair{"selective: ", Recompute::kSelective}, std::pair{"full: ", Recompute::kFull}}) {
        const auto workload = makeTrainWorkload({}, kTiny, kSequences, {.recompute = recompute});
        ASSERT_TRUE(workload->prepare().ok());
        EXPECT_EQ(evaluated("train.recompute", start, names),
                  printed(*workload, kTiming, "hardware_flops_per_step_full"))
            << start;
    }
}

TEST(FormulaText, OfPrefillGivesWhatIsPrinted) {
    const Names names = namesOf("infer.prefill", kTiny, 1);
    const auto workload = makePrefillWorkload({}, {.config = kTiny});
    ASSERT_TRUE(workload->prepare().ok());
    EXPECT_EQ(evaluated("infer.prefill", "FLOP = ", names),
              printed(*workload, kTiming, "flops_per_step_causal"));
}

// Four timed steps after two of warm-up behind a prompt of 5: contexts 8 to 11.
TEST(FormulaText, OfDecodingGivesWhatIsPrintedForTheTimedSteps) {
    const auto workload = makeDecodeWorkload({}, {.config = kTiny, .prompt = 5, .batch = 2});
    ASSERT_TRUE(workload->prepare().ok());
    for (std::uint64_t i = 0; i < 6; ++i) workload->step(i);
    EXPECT_EQ(printed(*workload, kTiming, "mean_context"), 9.5);
    Names names = namesOf("infer.decode", kTiny, 2);
    names["s_w"] = 4;
    names["b"] = 2;
    names["t"] = 9.5;
    names["KV"] = 2 * names["L"] * names["C"] * 4;
    EXPECT_EQ(evaluated("infer.decode", "bytes = ", names),
              printed(*workload, kTiming, "bytes_per_step"));
}

// 3 features and a bottom of 4 to width 5, two tables, a top of 4 to 1: by hand, six samples.
TEST(FormulaText, OfTheRecommenderSaysWhatTheFirstLayerLeavesOut) {
    const DlrmConfig tiny{.tables = 2,
                          .rows = 8,
                          .width = 5,
                          .samples = 6,
                          .perBag = 3,
                          .dense = 3,
                          .bottom = {4},
                          .top = {4}};
    const double first = 3 * 4, others = 4 * 5 + (5 + 3) * 4 + 4 * 1, pairs = 3 * 5;
    EXPECT_EQ(static_cast<double>(tiny.productFlops()), 6 * (6 * others + 4 * first + 6 * pairs));
    const std::string text(formulaText("train.dlrm"));
    EXPECT_NE(text.find("6 per weight and sample (4 in the bottom's first layer"),
              std::string::npos);
    EXPECT_NE(text.find("6 per pair and width"), std::string::npos);
}

}  // namespace
}  // namespace ridge::workloads
