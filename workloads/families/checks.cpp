// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/checks.h"

#include "workloads/models/tiny_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ridge::workloads {

namespace {

using Values = std::vector<double>;

Values differences(const LossOracle& oracle, Values at) {
    constexpr double kStep = 1e-6;
    Values gradients(at.size());
    for (std::size_t i = 0; i < at.size(); ++i) {
        const double kept = at[i];
        at[i] = kept + kStep;
        const double above = oracle(at);
        at[i] = kept - kStep;
        gradients[i] = (above - oracle(at)) / (2.0 * kStep);
        at[i] = kept;
    }
    return gradients;
}

// What an update with rate 1 takes away: the gradient, however the model holds it.
Values gradientsOf(FamilyModel& model, const std::vector<float>& parameters) {
    model.load(parameters);
    model.setBatch(0);
    (void)model.forward();
    model.backward();
    model.update(1.0F);
    const std::vector<float> moved = model.parameters();
    Values gradients(moved.size());
    for (std::size_t i = 0; i < moved.size(); ++i)
        gradients[i] = static_cast<double>(parameters[i]) - static_cast<double>(moved[i]);
    return gradients;
}

double typical(const Values& values) {
    double squares = 0;
    for (const double value : values) squares += value * value;
    return std::sqrt(squares / static_cast<double>(values.size()));
}

}  // namespace

CheckResult checkFamilyTraining(const std::string& what, FamilyModel& model,
                                const LossOracle& oracle, std::uint64_t seed) {
    const std::vector<float> initial = uniformValues(model.parameterCount(), seed, 0.6F);
    Values weights(initial.begin(), initial.end());
    const Values got = gradientsOf(model, initial);
    Values wanted = differences(oracle, weights);
    const double scale = typical(wanted);
    double worst = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double error =
            std::abs(got[i] - wanted[i]) / std::max({std::abs(got[i]), std::abs(wanted[i]), scale});
        if (!(error <= worst)) worst = error;
    }
    const CheckResult gradients = tiny::verdict(
        fmt::format("{}: {} gradients against finite differences", what, got.size()), worst, 1e-4);
    if (!gradients.passed) return gradients;

    constexpr double kRate = 0.05;
    model.load(initial);
    worst = 0;
    for (int step = 0; step < 5; ++step) {
        if (step > 0) wanted = differences(oracle, weights);
        const double loss = oracle(weights);
        const double error = std::abs(model.forward() - loss) / loss;
        if (!(error <= worst)) worst = error;
        model.backward();
        model.update(static_cast<float>(kRate));
        for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= kRate * wanted[i];
    }
    const CheckResult training = tiny::verdict("five training losses against double", worst, 1e-5);
    return {training.passed, gradients.detail + "; " + training.detail};
}

CheckResult checkAlongGradient(FamilyModel& model, double limit) {
    model.setBatch(0);
    (void)model.forward();
    model.backward();
    const double squares = model.gradientSquares();
    // The loss shall change by about 0.01 each way.
    const double step = 0.01 / squares;
    model.update(static_cast<float>(step));
    const double below = model.forward();
    model.update(static_cast<float>(-2.0 * step));
    const double above = model.forward();
    model.update(static_cast<float>(step));
    const double measured = (above - below) / (2.0 * step);
    return tiny::verdict("loss along the gradient at full size",
                         std::abs(measured - squares) / squares, limit);
}

CheckResult checkSameDirection(FamilyModel& exact, FamilyModel& rounded, std::uint64_t seed) {
    const std::vector<float> initial = uniformValues(exact.parameterCount(), seed, 0.6F);
    const Values a = gradientsOf(exact, initial), b = gradientsOf(rounded, initial);
    double dot = 0;
    for (std::size_t i = 0; i < a.size(); ++i) dot += a[i] * b[i];
    const double cosine = dot / (typical(a) * typical(b) * static_cast<double>(a.size()));
    return tiny::verdict("1 - cosine of the rounded model's gradients to float's", 1.0 - cosine,
                         1e-3);
}

}  // namespace ridge::workloads
