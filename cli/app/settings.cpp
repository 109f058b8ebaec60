// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/app/settings.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

namespace ridge::cli {
namespace {

namespace fs = std::filesystem;

// What stands behind a positional of so many in the usage: CLI11 would write "RUN(0x)" for none to two.
std::string repeatedName(const std::string& name, int least, int most) {
    constexpr int kMostWritten = 3;
    if (most <= kMostWritten) return fmt::format("{}", fmt::join(std::vector<std::string>(static_cast<std::size_t>(std::max(most, 1)), name), " "));
    return fmt::format("{}...", fmt::join(std::vector<std::string>(static_cast<std::size_t>(std::clamp(least, 1, kMostWritten)), name), " "));
}

// The help would name the variable of every option; the rule is told once instead.
class HelpWithoutVariables : public CLI::Formatter {
public:
    std::string make_option_opts(const CLI::Option* option) const override {
        std::string text = CLI::Formatter::make_option_opts(option);
        const std::string variable = " (" + get_label("Env") + ":" + option->get_envname() + ")";
        if (const auto at = text.find(variable); at != std::string::npos) text.erase(at, variable.size());
        const std::string times = " x " + std::to_string(option->get_expected());  // "x 2" of two or more
        const bool open = option->get_expected_max() > option->get_expected_min() && option->get_expected_min() > 1;
        if (const auto at = text.find(times); open && at != std::string::npos) text.replace(at, times.size(), " ...");
        return text;
    }
    std::string make_option_usage(const CLI::Option* option) const override {
        const std::string text = repeatedName(make_option_name(option, true), option->get_expected_min(), option->get_expected_max());
        return option->get_required() ? text : "[" + text + "]";
    }
};

// A command's full name: "import kineto".
std::string pathOf(const CLI::App& command) {
    if (command.get_parent() == nullptr) return {};
    const std::string above = pathOf(*command.get_parent());
    return above.empty() ? command.get_name() : above + " " + command.get_name();
}

std::string variableOf(const CLI::App& command, const CLI::Option& option) {
    std::string name = "RIDGE_" + pathOf(command) + "_" + option.get_lnames().front();
    for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : '_';
    return name;
}

bool isSet(const std::string& variable) {
    const char* value = std::getenv(variable.c_str());
    return value != nullptr && *value != '\0';
}

fs::path userFile() {
    if (isSet("XDG_CONFIG_HOME")) return fs::path(std::getenv("XDG_CONFIG_HOME")) / "ridge" / "config.toml";
    if (isSet("HOME")) return fs::path(std::getenv("HOME")) / ".config" / "ridge" / "config.toml";
    return {};
}

bool isOurs(const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return false;
    return S_ISREG(status.st_mode) && (status.st_uid == ::geteuid() || status.st_uid == 0);
}

fs::path projectFile() {
    std::error_code ec;
    for (fs::path folder = fs::current_path(ec); !ec && !folder.empty(); folder = folder.parent_path()) {
        if (isOurs(folder / "ridge.toml")) return folder / "ridge.toml";
        if (folder == folder.root_path()) break;
    }
    return {};
}

class Settings : public CLI::ConfigTOML {
public:
    // user: read beneath the file that CLI11 opens; empty when there is none, or it is that file.
    Settings(const CLI::App& app, fs::path user) : m_app(app), m_user(std::move(user)) {}

    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
        std::vector<CLI::ConfigItem> taken;
        take(CLI::ConfigTOML::from_config(input), taken);
        if (!m_user.empty()) {
            std::ifstream file(m_user);
            if (file) take(CLI::ConfigTOML::from_config(file), taken);
        }
        return taken;
    }

private:
    static bool isBracket(const CLI::ConfigItem& item) { return item.name == "++" || item.name == "--"; }

    const CLI::Option& optionOf(const CLI::ConfigItem& item, const CLI::App*& command) const {
        command = &m_app;
        for (const std::string& name : item.parents) {
            const auto commands = command->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == name; });
            if (commands.empty()) throw CLI::ConfigError(fmt::format("[{}] is no command of ridge", CLI::detail::join(item.parents, ".")));
            command = commands.front();
        }
        const CLI::Option* option = command->get_option_no_throw("--" + item.name);
        if (option == nullptr || !option->get_configurable())
            throw CLI::ConfigError(item.parents.empty() ? fmt::format("{} stands outside of any [command]", item.name) : fmt::format("{} is no option of ridge {}", item.name, pathOf(*command)));
        return *option;
    }

    void take(std::vector<CLI::ConfigItem> read, std::vector<CLI::ConfigItem>& taken) const {
        for (CLI::ConfigItem& item : read) {
            if (isBracket(item)) continue;  // would start the command that the section is named for
            const CLI::App* command = nullptr;
            const CLI::Option& option = optionOf(item, command);
            const bool known = std::any_of(taken.begin(), taken.end(), [&](const CLI::ConfigItem& other) { return other.fullname() == item.fullname(); });
            if (command->parsed() && !known && !isSet(variableOf(*command, option))) taken.push_back(std::move(item));
        }
    }

    const CLI::App& m_app;
    fs::path m_user;
};

// Only the command that is given hears of its variables: commands share what --json and --force mean.
void nameVariables(CLI::App& command) {
    for (CLI::Option* option : command.get_options())
        if (option->get_configurable()) option->envname(variableOf(command, *option));
}

void prepare(CLI::App& command) {
    for (CLI::Option* option : command.get_options())
        if (option->get_lnames().empty() || option == command.get_help_ptr()) option->configurable(false);
    command.preparse_callback([&command](std::size_t) { nameVariables(command); });
    for (CLI::App* sub : command.get_subcommands({})) {
        sub->formatter(command.get_formatter());
        prepare(*sub);
    }
}

bool asksForHelp(const std::vector<std::string>& arguments) {
    for (const std::string& argument : arguments) {
        if (argument == "--") return false;
        if (argument == "--help" || argument == "-h") return true;
    }
    return false;
}

// A pipe would be waited for, for ever. What is not there is told by whoever opens it.
CLI::Validator regularFile() {
    return CLI::Validator(
        [](const std::string& path) {
            std::error_code ec;
            const auto status = fs::status(path, ec);
            return !fs::exists(status) || fs::is_regular_file(status) || path == "/dev/null" ? std::string() : path + " is no regular file";
        },
        "");
}

// TOML's literal string needs no escapes; a basic one for what holds a quote.
std::string inToml(const std::string& text) {
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) return text;
    return text.find('"') == std::string::npos ? '"' + text + '"' : '\'' + text + '\'';
}

std::string valueOf(const CLI::Option& option) {
    std::vector<std::string> values = option.reduced_results();
    if (option.get_items_expected_max() == 0) return values.empty() || values.front() == "true" ? "true" : inToml(values.front());
    for (std::string& value : values) value = inToml(value);
    return values.size() == 1 ? values.front() : fmt::format("[{}]", fmt::join(values, ", "));
}

std::vector<std::string> commandsOf(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(command->get_name());
    return names;
}

// Words that no command took, where they say what is wrong: an option before the command that has it, a command that there
// is none of. Empty: something else is wrong.
std::string strayWord(const CLI::App& app) {
    std::vector<const CLI::App*> path{&app};
    while (!path.back()->get_subcommands().empty()) path.push_back(path.back()->get_subcommands().front());
    const CLI::App& command = *path.back();
    for (const CLI::App* above : path)
        for (const std::string& word : above == &command ? std::vector<std::string>{} : above->remaining()) {
            const std::string option = word.substr(0, word.find('='));
            if (option.starts_with('-') && command.get_option_no_throw(option) != nullptr)
                return fmt::format("{} stands before the command; write it behind: ridge {} {}", option, pathOf(command), option);
        }
    const std::vector<std::string> names = commandsOf(command);
    if (names.empty()) return {};
    const std::vector<std::string> words = command.remaining();
    const auto wrong = std::find_if(words.begin(), words.end(), [](const std::string& word) { return !word.starts_with('-'); });
    const std::string whose = pathOf(command).empty() ? "ridge" : "ridge " + pathOf(command);
    if (wrong == words.end()) return words.empty() && command.get_require_subcommand_min() > 0 ? fmt::format("{} wants a command: {}", whose, fmt::join(names, ", ")) : std::string();
    return fmt::format("{} has no command {}; it has {}", whose, *wrong, fmt::join(names, ", "));
}

}  // namespace

void addSettings(CLI::App& app, const std::vector<std::string>& arguments) {
    app.formatter(std::make_shared<HelpWithoutVariables>());
    for (CLI::Option* option : app.get_options()) option->configurable(false);
    for (CLI::App* command : app.get_subcommands({})) {
        command->formatter(app.get_formatter());
        prepare(*command);
    }
    fs::path project, user;
    if (!asksForHelp(arguments)) {
        project = projectFile();
        user = userFile();
        if (!isOurs(user)) user.clear();
    }
    if (project.empty()) std::swap(project, user);
    app.config_formatter(std::make_shared<Settings>(app, user));
    app.set_config("--config", project.string(), "Options of the commands, instead of ./ridge.toml or the nearest above")->type_name("FILE")->check(regularFile());
}

std::string describeError(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments) {
    const std::string text = error.what();
    const CLI::Option* config = app.get_config_ptr();
    const std::string file = config == nullptr ? "" : config->count() > 0 ? config->results().back() : config->get_default_str();  // not as<>(): it may be what is wrong
    if (dynamic_cast<const CLI::ConfigError*>(&error) != nullptr) return file + ": " + text;
    if (const std::string stray = strayWord(app); !stray.empty()) return stray;
    // "--preset: bogus not in {...}" of somebody who did not write --preset.
    const std::string name = text.substr(0, text.find(':'));
    const bool typed = std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) { return argument.starts_with(name); });
    if (!name.starts_with("--") || typed || (config != nullptr && config->count() == 0 && file.empty())) return text;
    return fmt::format("{} (from the environment{}{})", text, file.empty() ? "" : " or ", file);
}

std::string dumpSettings(const CLI::App& command) {
    std::string section = pathOf(command);
    std::replace(section.begin(), section.end(), ' ', '.');
    std::string out = fmt::format("[{}]\n", section);
    for (const CLI::Option* option : command.get_options()) {
        if (!option->get_configurable() || option->get_lnames().empty()) continue;
        const std::string& name = option->get_lnames().front();
        out += fmt::format("\n# {}\n", option->get_description());
        if (option->count() > 0)
            out += fmt::format("{} = {}\n", name, valueOf(*option));
        else
            out += option->get_default_str().empty() ? fmt::format("# {} =\n", name) : fmt::format("# {} = {}\n", name, inToml(option->get_default_str()));
    }
    return out;
}

}  // namespace ridge::cli
