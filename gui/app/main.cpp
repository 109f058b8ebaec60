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
#include "base/text.h"
#include "gui/app/display.h"
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

constexpr int kExitInput = 2, kExitCannot = 77;

int fail(const QString& message) {
    std::fprintf(stderr, "ridge-view: %s\n", qUtf8Printable(message));
    return kExitInput;
}

// Options of Qt itself (-platform offscreen, -style x): QApplication takes them away, the words before it must not
// stumble over them.
QStringList withoutQtOptions(int argc, char** argv, bool& platformChosen) {
    static const QStringList kWithValue{QStringLiteral("platform"), QStringLiteral("platformpluginpath"), QStringLiteral("platformtheme"), QStringLiteral("plugin"),
                                        QStringLiteral("qwindowgeometry"), QStringLiteral("qwindowicon"), QStringLiteral("qwindowtitle"), QStringLiteral("geometry"),
                                        QStringLiteral("display"), QStringLiteral("title"), QStringLiteral("icon"), QStringLiteral("style"), QStringLiteral("stylesheet"),
                                        QStringLiteral("session")};
    static const QStringList kAlone{QStringLiteral("reverse"), QStringLiteral("nograb"), QStringLiteral("dograb"), QStringLiteral("sync"), QStringLiteral("widgetcount")};
    QStringList words{QString::fromUtf8(argv[0])};
    for (int i = 1; i < argc; ++i) {
        const QString word = QString::fromUtf8(argv[i]);
        const QString name = word.startsWith(QLatin1String("--")) ? word.mid(2) : word.startsWith(QLatin1Char('-')) ? word.mid(1) : QString();
        if (word == QLatin1String("--")) {
            for (; i < argc; ++i) words.append(QString::fromUtf8(argv[i]));
        } else if (kWithValue.contains(name)) {
            platformChosen = platformChosen || name == QLatin1String("platform") || name == QLatin1String("display");
            ++i;
        } else if (!kAlone.contains(name)) {
            words.append(word);
        }
    }
    return words;
}

// Pictures need no display. Qt's own remarks on the stage (no runtime folder, no size hints) are no messages of ours.
// False: there is none for a window, which was said.
bool chooseStage(bool headless, bool platformChosen) {
    if (headless) {
        if (!platformChosen && !qEnvironmentVariableIsSet("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
        if (!qEnvironmentVariableIsSet("QT_LOGGING_RULES")) qputenv("QT_LOGGING_RULES", "qt.qpa.*=false;default.warning=false");
        return true;
    }
    if (platformChosen) return true;
    const std::string problem = ridge::gui::whyNoDisplay();
    if (!problem.empty()) std::fprintf(stderr, "ridge-view: %s; --screenshot FILE draws without one\n", problem.c_str());
    return problem.empty();
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
    QString base, screenshot, report, panel, theme, ceilings, step, follow;
    QSize size;
    std::optional<ridge::gui::ViewState> state;
    std::vector<std::pair<std::string, std::string>> pairs;
    int seconds = 600;
    [[nodiscard]] bool headless() const { return !screenshot.isEmpty() || !report.isEmpty(); }
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
    if (const QSize size = window.size(); wishes.size.isValid() && size != wishes.size)
        return fail(QStringLiteral("--size %1x%2 is too small for the window: it takes %3x%4 at least").arg(wishes.size.width()).arg(wishes.size.height()).arg(size.width()).arg(size.height()));
    using Phase = ridge::gui::Document::Phase;
    if (window.document().phase() == Phase::kFailed) return fail(window.document().problem());
    if (!window.document().baseProblem().isEmpty()) return fail(window.document().baseProblem());
    QString problem = ridge::gui::whyNotDrawn(window, wishes.panel);
    if (!problem.isEmpty()) return fail(problem);
    // "A flagged partial result": the timeline can be drawn without an analysis; what failed is in the picture and on
    // stderr, and the exit code says that the input was bad.
    const bool analyzed = window.document().problem().isEmpty();
    if (!analyzed) (void)fail(window.document().problem());
    const std::vector<std::string> damage = window.view().snapshot()->damage;
    for (const std::string& line : damage) (void)fail(QString::fromStdString("damaged: " + line));
    if (!wishes.report.isEmpty()) problem = window.saveReport(wishes.report);
    if (problem.isEmpty() && !wishes.screenshot.isEmpty()) problem = window.savePicture(wishes.screenshot, wishes.size);
    if (!problem.isEmpty()) return fail(problem);
    return analyzed && damage.empty() ? 0 : kExitInput;
}

// The command line, with what is wrong with it: nothing here needs a display.
class CommandLine {
public:
    CommandLine() {
        m_parser.setApplicationDescription(QStringLiteral("Shows a trace: timeline, findings, roofline, where the time went."));
        m_parser.addOptions({m_help, m_version});
        m_parser.addPositionalArgument(QStringLiteral("TRACE"), QStringLiteral("of ridge record, an SQLite export of nsys, or a PyTorch profiler trace; several that say different ranks are one run"), QStringLiteral("[TRACE...]"));
        m_parser.addPositionalArgument(QStringLiteral("BASE"), QStringLiteral("a trace to compare it with: rows side by side, and what differs"), QStringLiteral("[BASE]"));
        m_parser.addOptions({m_view, m_theme, m_screenshot, m_size, m_report, m_panel, m_ceilings, m_step, m_pair, m_follow});
    }
    // Empty, or what is wrong.
    QString read(const QStringList& words, Wishes& wishes) {
        if (!m_parser.parse(words)) return m_parser.errorText();
        if (asksForWords()) return {};
        wishes.traces = m_parser.positionalArguments();
        wishes.screenshot = m_parser.value(m_screenshot);
        wishes.report = m_parser.value(m_report);
        wishes.panel = m_parser.value(m_panel);
        wishes.theme = m_parser.value(m_theme);
        wishes.ceilings = m_parser.value(m_ceilings);
        wishes.step = m_parser.value(m_step);
        wishes.follow = m_parser.value(m_follow);
        for (const QString& pair : m_parser.values(m_pair)) {
            const auto at = pair.indexOf(QLatin1String("=>"));
            if (at < 1 || at + 2 >= pair.size()) return QStringLiteral("--pair %1: give NAME_IN_BASE=>NAME_IN_TRACE").arg(pair);
            wishes.pairs.emplace_back(pair.left(at).toStdString(), pair.mid(at + 2).toStdString());
        }
        if (!wishes.follow.isEmpty() && !QFileInfo(QFileInfo(wishes.follow).absolutePath()).isWritable())
            return QStringLiteral("--follow %1: its folder is not there, or cannot be written to").arg(wishes.follow);
        if (wishes.theme != QLatin1String("light") && wishes.theme != QLatin1String("dark") && wishes.theme != QLatin1String("auto")) return QStringLiteral("--theme is light, dark or auto");
        if (m_parser.isSet(m_size)) {
            const QStringList parts = m_parser.value(m_size).split(QLatin1Char('x'));
            wishes.size = parts.size() == 2 ? QSize(parts[0].toInt(), parts[1].toInt()) : QSize();
            if (wishes.size.width() < 320 || wishes.size.height() < 240 || wishes.size.width() > 8192 || wishes.size.height() > 8192)
                return QStringLiteral("--size is WIDTHxHEIGHT, from 320x240 to 8192x8192");
        }
        if (!wishes.panel.isEmpty() && !MainWindow::panelNames().contains(wishes.panel)) return QStringLiteral("--panel knows %1").arg(MainWindow::panelNames().join(QStringLiteral(", ")));
        if (m_parser.isSet(m_view)) {
            const auto state = ridge::gui::fromToken(m_parser.value(m_view).toStdString());
            if (!state.ok()) return QString::fromStdString(state.error().message);
            wishes.state = *state;
            if (!state->panel.empty()) wishes.panel = QString::fromStdString(state->panel);
        }
        const QString lower = wishes.screenshot.toLower();
        if (m_parser.isSet(m_screenshot) && !lower.endsWith(QLatin1String(".png")) && !lower.endsWith(QLatin1String(".svg")))
            return QStringLiteral("--screenshot writes .png and .svg; %1 is neither").arg(wishes.screenshot);
        if (wishes.headless() && wishes.traces.isEmpty()) return QStringLiteral("--screenshot and --report need a TRACE");
        return wrongFiles(wishes);
    }
    [[nodiscard]] bool asksForWords() const { return m_parser.isSet(m_help) || m_parser.isSet(m_version); }
    void say() { m_parser.isSet(m_help) ? m_parser.showHelp(0) : m_parser.showVersion(); }

private:
    // Which of them is the base, and that none would be written over.
    static QString wrongFiles(Wishes& wishes) {
        std::vector<std::string> names;
        for (const QString& trace : wishes.traces) names.push_back(trace.toStdString());
        if (wishes.traces.size() > 1 && !ridge::gui::areRanksOfOneRun(names)) {
            if (wishes.traces.size() > 2) return QStringLiteral("a trace, and at most one to compare it with; or the traces of the ranks of one run, each of which says its rank");
            wishes.base = wishes.traces.takeLast();
        }
        const QStringList inputs = wishes.traces + QStringList{wishes.base, wishes.ceilings};
        const QStringList outputs{wishes.screenshot, wishes.report, wishes.follow};
        for (qsizetype i = 0; i < outputs.size(); ++i)
            for (const QString& other : inputs + outputs.mid(i + 1))
                if (!outputs[i].isEmpty() && isSameFile(outputs[i], other)) return QStringLiteral("%1 would be written over %2; name another file").arg(outputs[i], other);
        return {};
    }

    QCommandLineParser m_parser;
    const QCommandLineOption m_help{{QStringLiteral("h"), QStringLiteral("help")}, QStringLiteral("Displays help on commandline options.")};
    const QCommandLineOption m_version{{QStringLiteral("v"), QStringLiteral("version")}, QStringLiteral("Displays version information.")};
    const QCommandLineOption m_view{QStringLiteral("view"), QStringLiteral("Start with this view (Copy link to this view makes the token)."), QStringLiteral("TOKEN")};
    const QCommandLineOption m_theme{QStringLiteral("theme"), QStringLiteral("light, dark or auto (follows the desktop)."), QStringLiteral("NAME"), QStringLiteral("auto")};
    const QCommandLineOption m_screenshot{QStringLiteral("screenshot"),
                                          QStringLiteral("Draw into FILE (.png, .svg) without a display, and end. Of a damaged trace what could be read is drawn, with what is wrong; the exit code is then 2."), QStringLiteral("FILE")};
    const QCommandLineOption m_size{QStringLiteral("size"), QStringLiteral("Size of the window."), QStringLiteral("WxH")};
    const QCommandLineOption m_report{QStringLiteral("report"), QStringLiteral("Write the analysis as HTML, and end."), QStringLiteral("FILE")};
    const QCommandLineOption m_panel{QStringLiteral("panel"), QStringLiteral("Bring a panel to the front: %1.").arg(MainWindow::panelNames().join(QStringLiteral(", "))), QStringLiteral("NAME")};
    const QCommandLineOption m_ceilings{QStringLiteral("ceilings"), QStringLiteral("Measured roofs, from ridge ceilings."), QStringLiteral("FILE")};
    const QCommandLineOption m_step{QStringLiteral("step"), QStringLiteral("Ranges of this name are the steps (foreign traces)."), QStringLiteral("NAME")};
    const QCommandLineOption m_pair{QStringLiteral("pair"), QStringLiteral("Compare workload A of the BASE with B of the TRACE, though their names differ; may be given again."), QStringLiteral("A=>B")};
    const QCommandLineOption m_follow{QStringLiteral("follow"), QStringLiteral("Write what is shown to FILE (JSON) after every change: for scripts."), QStringLiteral("FILE")};
};

int start(int argc, char** argv) {
    // Qt keeps words as UTF-16: a name that is not UTF-8 would become another one.
    for (int i = 1; i < argc; ++i)
        if (ridge::toValidUtf8(argv[i]) != argv[i])
            return fail(QStringLiteral("%1 is not UTF-8 and cannot be opened under this name; rename it, or make a link to it").arg(QString::fromStdString(ridge::toValidUtf8(argv[i]))));
    // Wrong words are told first, whatever the machine: with exit code 2, not Qt's 1, which says "a regression" here.
    bool platformChosen = false;
    CommandLine line;
    Wishes wishes;
    if (const QString problem = line.read(withoutQtOptions(argc, argv, platformChosen), wishes); !problem.isEmpty()) return fail(problem);
    if (!chooseStage(wishes.headless() || line.asksForWords(), platformChosen)) return kExitCannot;
    chooseFonts();
    QApplication app(argc, argv);
    QApplication::setApplicationName(QStringLiteral("ridge-view"));
    QApplication::setApplicationVersion(QStringLiteral(RIDGE_VERSION));
    QApplication::setDesktopFileName(QStringLiteral("ridge-view"));
    QApplication::setWindowIcon(QIcon(QStringLiteral(":/ridge-view.svg")));
    if (line.asksForWords()) line.say();
    const QPalette desktop = QApplication::palette();
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
#ifndef NDEBUG
    ridge::gui::forbidIoOnThisThread();
#endif
    MainWindow window(ridge::gui::chooseTheme(wishes.theme, desktop), !wishes.headless());
    window.document().setAnalysisWishes(wishes.ceilings, wishes.step, wishes.pairs);
    if (!wishes.follow.isEmpty()) new ridge::gui::StateFile(window, wishes.follow.toStdString());
    window.openTraces(wishes.traces, wishes.state, wishes.base);
    if (wishes.headless()) return render(window, wishes);
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
