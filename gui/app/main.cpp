// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QElapsedTimer>
#include <QFileInfo>
#include <QIcon>
#include <QStyleFactory>
#include <QThread>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "base/file.h"
#include "gui/app/drawable.h"
#include "gui/app/main_window.h"
#include "gui/app/state_file.h"
#include "gui/load/gui_thread_guard.h"
#include "gui/load/rank_of_file.h"

#ifndef RIDGE_VERSION
#define RIDGE_VERSION "unknown"
#endif

namespace {

using ridge::gui::MainWindow;

constexpr int kExitInput = 2;

int fail(const QString& message) {
    std::fprintf(stderr, "ridge-view: %s\n", qUtf8Printable(message));
    return kExitInput;
}

// Pictures need no display.
void chooseStage(int argc, char** argv) {
    bool headless = false;
    for (int i = 1; i < argc; ++i) {
        const QByteArray argument(argv[i]);
        headless = headless || argument.startsWith("--screenshot") || argument.startsWith("--report") || argument == "--help" || argument == "--version";
    }
    if (headless && !qEnvironmentVariableIsSet("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    // Qt's own remarks on the stage (no runtime folder, no size hints) are no messages of ours.
    if (headless && !qEnvironmentVariableIsSet("QT_LOGGING_RULES")) qputenv("QT_LOGGING_RULES", "qt.qpa.*=false;default.warning=false");
    if (!headless && !qEnvironmentVariableIsSet("QT_QPA_PLATFORM") && !qEnvironmentVariableIsSet("DISPLAY") && !qEnvironmentVariableIsSet("WAYLAND_DISPLAY")) {
        std::fprintf(stderr, "ridge-view: there is no display (DISPLAY and WAYLAND_DISPLAY are not set); --screenshot FILE draws without one\n");
        std::exit(77);
    }
}

// A machine without fonts (a node, a container) draws with the one that came along.
void chooseFonts() {
    if (qEnvironmentVariableIsSet("FONTCONFIG_FILE") || qEnvironmentVariableIsSet("FONTCONFIG_PATH") || QFileInfo::exists(QStringLiteral("/etc/fonts/fonts.conf"))) return;
    const auto ours = ridge::executableDir() / "../share/ridge/fonts/fonts.conf";
    if (std::filesystem::exists(ours)) qputenv("FONTCONFIG_FILE", QByteArray::fromStdString(ours.lexically_normal().string()));
}

// Also by another name of it, and where neither exists yet.
bool isSameFile(const QString& one, const QString& other) {
    if (other.isEmpty()) return false;
    std::error_code ec;
    const std::filesystem::path a = one.toStdString(), b = other.toStdString();
    if (std::filesystem::equivalent(a, b, ec)) return true;
    return std::filesystem::weakly_canonical(a, ec) == std::filesystem::weakly_canonical(b, ec);
}

struct Wishes {
    QStringList traces;
    QString base, screenshot, report, panel;
    QSize size;
    std::optional<ridge::gui::ViewState> state;
    int seconds = 600;
};

// Waits until nothing runs any more, then writes what was asked for.
int render(MainWindow& window, const Wishes& wishes) {
    QElapsedTimer clock;
    clock.start();
    if (wishes.size.isValid()) window.resize(wishes.size);
    window.show();
    // Calm for three rounds: what one answer starts counts too. False: it took too long.
    const auto settle = [&] {
        for (int calm = 0; calm < 3;) {
            QApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 20);
            QApplication::processEvents();
            calm = window.settled() ? calm + 1 : 0;
            if (clock.elapsed() > wishes.seconds * 1000LL) return false;
            if (!calm) QThread::msleep(5);
        }
        return true;
    };
    bool done = settle();
    if (!wishes.panel.isEmpty()) window.showPanel(wishes.panel);
    done = done && settle();  // a panel may compute what it shows when it is seen
    if (!done) return fail(QStringLiteral("%1 took longer than %2 s").arg(wishes.traces.value(0)).arg(wishes.seconds));
    using Phase = ridge::gui::Document::Phase;
    if (window.document().phase() == Phase::kFailed) return fail(window.document().problem());
    if (!window.document().baseProblem().isEmpty()) return fail(window.document().baseProblem());
    QString problem = ridge::gui::whyNotDrawn(window, wishes.panel);
    if (!problem.isEmpty()) return fail(problem);
    // The timeline can be drawn without an analysis; what failed is said.
    const bool analyzed = window.document().problem().isEmpty();
    if (!analyzed) (void)fail(window.document().problem());
    if (!wishes.report.isEmpty()) problem = window.saveReport(wishes.report);
    if (problem.isEmpty() && !wishes.screenshot.isEmpty()) problem = window.savePicture(wishes.screenshot, wishes.size);
    if (!problem.isEmpty()) return fail(problem);
    return analyzed ? 0 : kExitInput;
}

int start(int argc, char** argv) {
    chooseStage(argc, argv);
    chooseFonts();
    QApplication app(argc, argv);
    QApplication::setApplicationName(QStringLiteral("ridge-view"));
    QApplication::setApplicationVersion(QStringLiteral(RIDGE_VERSION));
    QApplication::setDesktopFileName(QStringLiteral("ridge-view"));
    QApplication::setWindowIcon(QIcon(QStringLiteral(":/ridge-view.svg")));
    const QPalette desktop = QApplication::palette();
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));

    QCommandLineParser parser;
    parser.setApplicationDescription(QStringLiteral("Shows a trace: timeline, findings, roofline, where the time went."));
    parser.addHelpOption();
    parser.addVersionOption();
    parser.addPositionalArgument(QStringLiteral("TRACE"), QStringLiteral("of ridge record, an SQLite export of nsys, or a PyTorch profiler trace; several that say different ranks are one run"), QStringLiteral("[TRACE...]"));
    parser.addPositionalArgument(QStringLiteral("BASE"), QStringLiteral("a trace to compare it with: rows side by side, and what differs"), QStringLiteral("[BASE]"));
    const QCommandLineOption view(QStringLiteral("view"), QStringLiteral("Start with this view (Copy link to this view makes the token)."), QStringLiteral("TOKEN"));
    const QCommandLineOption theme(QStringLiteral("theme"), QStringLiteral("light, dark or auto (follows the desktop)."), QStringLiteral("NAME"), QStringLiteral("auto"));
    const QCommandLineOption screenshot(QStringLiteral("screenshot"), QStringLiteral("Draw into FILE (.png, .svg) without a display, and end."), QStringLiteral("FILE"));
    const QCommandLineOption size(QStringLiteral("size"), QStringLiteral("Size of the window."), QStringLiteral("WxH"));
    const QCommandLineOption report(QStringLiteral("report"), QStringLiteral("Write the analysis as HTML, and end."), QStringLiteral("FILE"));
    const QCommandLineOption panel(QStringLiteral("panel"), QStringLiteral("Bring a panel to the front: %1.").arg(MainWindow::panelNames().join(QStringLiteral(", "))), QStringLiteral("NAME"));
    const QCommandLineOption ceilings(QStringLiteral("ceilings"), QStringLiteral("Measured roofs, from ridge ceilings."), QStringLiteral("FILE"));
    const QCommandLineOption step(QStringLiteral("step"), QStringLiteral("Ranges of this name are the steps (foreign traces)."), QStringLiteral("NAME"));
    const QCommandLineOption follow(QStringLiteral("follow"), QStringLiteral("Write what is shown to FILE (JSON) after every change: for scripts."), QStringLiteral("FILE"));
    parser.addOptions({view, theme, screenshot, size, report, panel, ceilings, step, follow});
    // Not process(): its exit code for a wrong option is 1, which says "a regression" here.
    if (!parser.parse(QApplication::arguments())) return fail(parser.errorText());
    if (parser.isSet(QStringLiteral("help"))) parser.showHelp(0);
    if (parser.isSet(QStringLiteral("version"))) parser.showVersion();

    Wishes wishes;
    wishes.traces = parser.positionalArguments();
    std::vector<std::string> names;
    for (const QString& trace : wishes.traces) names.push_back(trace.toStdString());
    if (wishes.traces.size() > 1 && !ridge::gui::areRanksOfOneRun(names)) {
        if (wishes.traces.size() > 2) return fail(QStringLiteral("a trace, and at most one to compare it with; or the traces of the ranks of one run, each of which says its rank"));
        wishes.base = wishes.traces.takeLast();
    }
    wishes.screenshot = parser.value(screenshot);
    wishes.report = parser.value(report);
    wishes.panel = parser.value(panel);
    if (const QString name = parser.value(theme); name != QLatin1String("light") && name != QLatin1String("dark") && name != QLatin1String("auto"))
        return fail(QStringLiteral("--theme is light, dark or auto"));
    if (parser.isSet(size)) {
        const QStringList parts = parser.value(size).split(QLatin1Char('x'));
        wishes.size = parts.size() == 2 ? QSize(parts[0].toInt(), parts[1].toInt()) : QSize();
        if (wishes.size.width() < 320 || wishes.size.height() < 240 || wishes.size.width() > 8192 || wishes.size.height() > 8192)
            return fail(QStringLiteral("--size is WIDTHxHEIGHT, from 320x240 to 8192x8192"));
    }
    if (!wishes.panel.isEmpty() && !MainWindow::panelNames().contains(wishes.panel))
        return fail(QStringLiteral("--panel knows %1").arg(MainWindow::panelNames().join(QStringLiteral(", "))));
    if (parser.isSet(view)) {
        const auto state = ridge::gui::fromToken(parser.value(view).toStdString());
        if (!state.ok()) return fail(QString::fromStdString(state.error().message));
        wishes.state = *state;
    }
    const QString lower = wishes.screenshot.toLower();
    if (parser.isSet(screenshot) && !lower.endsWith(QLatin1String(".png")) && !lower.endsWith(QLatin1String(".svg")))
        return fail(QStringLiteral("--screenshot writes .png and .svg; %1 is neither").arg(wishes.screenshot));
    const QStringList inputs = wishes.traces + QStringList{wishes.base, parser.value(ceilings)};
    const QStringList outputs{wishes.screenshot, wishes.report, parser.value(follow)};
    for (qsizetype i = 0; i < outputs.size(); ++i)
        for (const QString& other : inputs + outputs.mid(i + 1))
            if (!outputs[i].isEmpty() && isSameFile(outputs[i], other))
                return fail(QStringLiteral("%1 would be written over %2; name another file").arg(outputs[i], other));
    const bool headless = !wishes.screenshot.isEmpty() || !wishes.report.isEmpty();
    if (headless && wishes.traces.isEmpty()) return fail(QStringLiteral("--screenshot and --report need a TRACE"));
#ifndef NDEBUG
    ridge::gui::forbidIoOnThisThread();
#endif
    MainWindow window(ridge::gui::chooseTheme(parser.value(theme), desktop), !headless);
    window.document().setAnalysisWishes(parser.value(ceilings), parser.value(step));
    if (parser.isSet(follow)) new ridge::gui::StateFile(window, parser.value(follow).toStdString());
    window.openTraces(wishes.traces, wishes.state, wishes.base);
    if (wishes.state && !wishes.state->panel.empty()) wishes.panel = QString::fromStdString(wishes.state->panel);
    if (headless) return render(window, wishes);
    if (wishes.size.isValid()) window.resize(wishes.size);
    window.show();
    if (!wishes.panel.isEmpty()) window.showPanel(wishes.panel);
    return QApplication::exec();
}

}  // namespace

int main(int argc, char** argv) {
    int code = 4;
    try {
        code = start(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ridge-view: internal error: %s; please report it\n", error.what());
    }
    std::fflush(nullptr);
    std::_Exit(code);  // an analysis that nobody waits for any more may still run
}
