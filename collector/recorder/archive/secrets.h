// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Finds in a text what is nobody else's business: values of variables and options that look like credentials, tokens by
// the forms that their issuers give them, users and passwords in URLs, private keys, whole environment blocks, and the
// names of hosts and users once they are known. A text is learnt from first (learn), and cleaned when all were.
//
// What it cannot know: a secret that stands somewhere under no telling name and in no telling form. Names are weighed by
// their parts ("max_tokens=512" is no secret, "HF_TOKEN=..." is one). Linear in the text, per learnt word.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ridge::archive {

// What was taken out; the order in which it is told.
enum class Removed : std::uint8_t { kEnvironment, kSecret, kHost, kUser, kOutput, kPath, kValue };
inline constexpr std::size_t kRemovedKinds = 7;
// "environment blocks", ...
std::string_view removedName(Removed kind);

// Put in the place of what was removed.
inline constexpr std::string_view kScrubbed = "scrubbed";

// Does a variable, option or key of this name hold a credential?
bool isSecretName(std::string_view name);
// May an environment variable of this name be kept? The families that steer speed and the launchers' variables.
bool isListedVariable(std::string_view name);

// A command line without the credentials in it: the recorder's own files name no others.
std::vector<std::string> withoutSecrets(const std::vector<std::string>& command);
// The same for a text that stands for itself, as a variable's value.
std::string valueWithoutSecrets(std::string_view value);

class TextCleaner {
public:
    using Counts = std::array<std::uint64_t, kRemovedKinds>;

    // Secrets, hosts and users that this text names are known from now on.
    void learn(std::string_view text);
    void addHost(std::string_view name);
    void addUser(std::string_view name);

    // The text without them; nothing: there was nothing to take out. Counts what it took.
    std::optional<std::string> clean(std::string_view text);
    // "host-1", "host-2", ...: one name for one host, so that ranks can still be told apart. For a text that is a host's
    // name and nothing else: one too short to be looked for elsewhere has one of its own kind ("host-s1", "host-s2", ...).
    std::string hostAlias(std::string_view name);
    // A path without its folders.
    std::optional<std::string> withoutFolders(std::string_view path);

    void count(Removed kind, std::uint64_t n = 1) { m_counts[static_cast<std::size_t>(kind)] += n; }
    [[nodiscard]] const Counts& counts() const { return m_counts; }
    [[nodiscard]] const std::set<std::string, std::less<>>& secrets() const { return m_secrets; }

private:
    struct Span {
        std::size_t begin, end;
        Removed kind;
        std::string text;  // in its place
    };
    void learnVariable(std::string_view name, std::string_view value);
    std::optional<std::string> cleanBlock(std::string_view text);
    void findKnown(std::string_view text, std::vector<Span>& spans);
    std::set<std::string, std::less<>> m_secrets, m_users;
    std::vector<std::string> m_hosts, m_shortHosts;
    Counts m_counts{};
};

}  // namespace ridge::archive
