// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/app/completion.h"

#include "base/text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>
#include <vector>

namespace ridge::cli {
namespace {

struct OptionWords {
    std::vector<std::string> names;   // with their dashes, the long one last
    std::vector<std::string> values;  // empty: a file, or anything
    std::string description;
    bool takesValue = false;
};

struct CommandWords {
    std::vector<std::string> path;  // {} is ridge itself
    std::string description;
    std::vector<std::string> commands;  // below it
    std::vector<OptionWords> options;

    [[nodiscard]] std::string name() const { return joinWith(" "); }
    [[nodiscard]] std::string joinWith(std::string_view between) const { return fmt::format("{}", fmt::join(path, between)); }
};

// CLI11 keeps a set's members only in the text that the help shows: "TEXT:{a,b,c}".
std::vector<std::string> valuesOf(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    const auto open = type.find(":{"), close = type.rfind('}');
    std::vector<std::string> values;
    if (open == std::string::npos || close == std::string::npos || close < open) return values;
    for (const std::string_view value : split(std::string_view(type).substr(open + 2, close - open - 2), ',')) values.emplace_back(value);
    return values;
}

OptionWords wordsOf(const CLI::Option& option) {
    OptionWords words;
    for (const std::string& name : option.get_snames()) words.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) words.names.push_back("--" + name);
    words.values = valuesOf(option);
    words.description = option.get_description();
    words.takesValue = option.get_items_expected_max() > 0;
    return words;
}

void collect(const CLI::App& command, std::vector<std::string> path, std::vector<CommandWords>& all) {
    CommandWords words;
    words.path = path;
    words.description = command.get_description();
    for (const CLI::Option* option : command.get_options())
        if (option->nonpositional()) words.options.push_back(wordsOf(*option));
    const auto below = command.get_subcommands([](const CLI::App*) { return true; });
    for (const CLI::App* sub : below) words.commands.push_back(sub->get_name());
    all.push_back(std::move(words));
    for (const CLI::App* sub : below) {
        path.push_back(sub->get_name());
        collect(*sub, path, all);
        path.pop_back();
    }
}

std::string singleQuoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string bash(const std::vector<CommandWords>& all) {
    std::string paths, values, options;
    for (const CommandWords& command : all) {
        std::vector<std::string> words;
        if (!command.path.empty()) paths += fmt::format("        {}) command=$try ;;\n", singleQuoted(command.name()));
        for (const OptionWords& option : command.options) {
            for (const std::string& name : option.names) {
                words.push_back(name);
                if (!option.values.empty())
                    values += fmt::format("    {}) COMPREPLY=($(compgen -W {} -- \"$current\")); return ;;\n",
                                          singleQuoted(command.name() + " " + name), singleQuoted(fmt::format("{}", fmt::join(option.values, " "))));
            }
        }
        options += fmt::format("    {}) options={} commands={} ;;\n", singleQuoted(command.name()),
                               singleQuoted(fmt::format("{}", fmt::join(words, " "))), singleQuoted(fmt::format("{}", fmt::join(command.commands, " "))));
    }
    return fmt::format(R"(# bash completion of ridge; made by: ridge completion bash
_ridge() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    local command= try word options= commands=
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [ "$word" = -- ] && {{ COMPREPLY=($(compgen -c -f -- "$current")); return; }}
        try="${{command:+$command }}$word"
        case "$try" in
{}        esac
    done
    case "$command $previous" in
{}    esac
    case "$command" in
{}    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    elif [ -n "$commands" ]; then
        COMPREPLY=($(compgen -W "$commands" -- "$current"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}
complete -F _ridge ridge
)",
                       paths, values, options);
}

// In a word of _arguments, a colon and brackets are syntax.
std::string zshText(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::string zshOption(const OptionWords& option, const std::string& name) {
    std::string word = fmt::format("{}[{}]", name, zshText(option.description));
    if (option.takesValue) word += option.values.empty() ? ":value:_files" : fmt::format(":value:({})", fmt::join(option.values, " "));
    return singleQuoted(word);
}

std::string zsh(const std::vector<CommandWords>& all) {
    std::string functions;
    for (const CommandWords& command : all) {
        std::string words;
        for (const OptionWords& option : command.options)
            for (const std::string& name : option.names) words += " \\\n        " + zshOption(option, name);
        const std::string function = command.path.empty() ? "_ridge" : "_ridge_" + command.joinWith("_");
        if (command.commands.empty()) {
            functions += fmt::format("{}() {{\n    _arguments -s{} \\\n        '*:file:_files'\n}}\n", function, words);
            continue;
        }
        std::string names, calls;
        for (const CommandWords& sub : all) {
            if (sub.path.size() != command.path.size() + 1 || !std::equal(command.path.begin(), command.path.end(), sub.path.begin())) continue;
            names += " " + singleQuoted(zshText(sub.path.back()) + ":" + zshText(sub.description));
            calls += fmt::format("        {}) _ridge_{} ;;\n", sub.path.back(), sub.joinWith("_"));
        }
        functions += fmt::format(
            "{}() {{\n    local -a commands=({})\n    local state line\n    _arguments -C -s{} \\\n        '1:command:->command' '*::argument:->argument'\n"
            "    case $state in\n    command) _describe command commands ;;\n    argument) case $words[1] in\n{}        esac ;;\n    esac\n}}\n",
            function, names, words, calls);
    }
    return "#compdef ridge\n# zsh completion of ridge; made by: ridge completion zsh\n" + functions + "_ridge \"$@\"\n";
}

std::string fish(const std::vector<CommandWords>& all) {
    std::string out = "# fish completion of ridge; made by: ridge completion fish\n";
    for (const CommandWords& command : all) {
        // After the words of this command, and before one of those below it.
        std::string when;
        for (const std::string& word : command.path) when += fmt::format("{}__fish_seen_subcommand_from {}", when.empty() ? "" : "; and ", word);
        if (!command.commands.empty())
            when += fmt::format("{}not __fish_seen_subcommand_from {}", when.empty() ? "" : "; and ", fmt::join(command.commands, " "));
        const std::string start = fmt::format("complete -c ridge -n {}", singleQuoted(when));
        for (const CommandWords& sub : all)
            if (sub.path.size() == command.path.size() + 1 && std::equal(command.path.begin(), command.path.end(), sub.path.begin()))
                out += fmt::format("{} -f -a {} -d {}\n", start, sub.path.back(), singleQuoted(sub.description));
        for (const OptionWords& option : command.options) {
            out += start;
            for (const std::string& name : option.names) out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (option.takesValue) out += option.values.empty() ? " -r" : " -x -a " + singleQuoted(fmt::format("{}", fmt::join(option.values, " ")));
            out += fmt::format(" -d {}\n", singleQuoted(option.description));
        }
    }
    return out;
}

}  // namespace

std::string completionScript(const CLI::App& app, std::string_view shell) {
    std::vector<CommandWords> all;
    collect(app, {}, all);
    if (shell == "bash") return bash(all);
    return shell == "zsh" ? zsh(all) : fish(all);
}

void addCompletion(CLI::App& app, Globals& globals) {
    auto shell = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand("completion", "What bash, zsh or fish need to complete ridge's commands and options");
    command->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}))->type_name("");
    addCommonOptions(*command, globals, false);
    command->footer("Examples:\n  source <(ridge completion bash)\n  ridge completion zsh > ~/.zfunc/_ridge\n  ridge completion fish > ~/.config/fish/completions/ridge.fish");
    command->callback([shell, &app, &globals] {
        globals.action = [shell, &app] {
            fmt::print("{}", completionScript(app, *shell));
            return 0;
        };
    });
}

}  // namespace ridge::cli
