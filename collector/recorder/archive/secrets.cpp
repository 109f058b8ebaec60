// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/archive/secrets.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace ridge::archive {
namespace {

constexpr std::size_t kShortestSecret = 8;  // shorter ones are not looked for elsewhere: they are words
constexpr std::size_t kShortestName = 3;    // of a host or user that is replaced wherever it stands

constexpr std::array<std::string_view, 13> kListedPrefixes = {"CUDA_", "NCCL_", "OMP_",  "MKL_",    "OPENBLAS_", "KMP_", "GOMP_",
                                                              "DNNL_", "ONEDNN_", "UCX_", "SLURM_N", "OMPI_COMM_WORLD_", "PMI_"};
constexpr std::array<std::string_view, 14> kListedVariables = {"LD_PRELOAD", "NVIDIA_VISIBLE_DEVICES", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES",
                                                               "NVIDIA_TF32_OVERRIDE", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE",
                                                               "PMIX_RANK", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_JOB_ID", "JOB_COMPLETION_INDEX"};

bool isWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }
bool isNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool isDigits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; });
}

// "HF_token", "apiKey", "--api-key" -> {"HF", "TOKEN"}, {"API", "KEY"}, {"API", "KEY"}
std::vector<std::string> partsOf(std::string_view name) {
    std::vector<std::string> parts(1);
    char before = 0;
    for (const char c : name) {
        const bool hump = std::isupper(static_cast<unsigned char>(c)) != 0 && std::islower(static_cast<unsigned char>(before)) != 0;
        const bool separator = c == '_' || c == '-' || c == '.';
        if ((separator || hump) && !parts.back().empty()) parts.emplace_back();
        if (!separator) parts.back() += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        before = c;
    }
    if (parts.back().empty()) parts.pop_back();
    return parts;
}

// "TOKEN2" -> "TOKEN"
std::string withoutNumber(std::string part) {
    while (part.size() > 1 && std::isdigit(static_cast<unsigned char>(part.back())) != 0) part.pop_back();
    return part;
}

// NAME=value, NAME as a shell would take it.
std::optional<std::pair<std::string_view, std::string_view>> assignment(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0 || !isNameStart(text[0])) return {};
    const std::string_view name = text.substr(0, equals);
    if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; })) return {};
    return std::pair{name, text.substr(equals + 1)};
}

// How an environment looks in a file: entries with NULs, or a line each, and nearly all of them assignments.
char blockSeparator(std::string_view text) {
    for (const char separator : {'\0', '\n'}) {
        if (text.find(separator) == std::string_view::npos) continue;
        std::size_t entries = 0, assignments = 0, upper = 0;
        for (const std::string_view part : split(text, separator)) {
            if (part.empty()) continue;
            ++entries;
            const auto pair = assignment(part);
            assignments += pair ? 1 : 0;
            upper += pair && std::none_of(pair->first.begin(), pair->first.end(), [](unsigned char c) { return std::islower(c) != 0; }) ? 1 : 0;
        }
        const std::size_t least = separator == '\0' ? 1 : 3;
        if (assignments >= least && upper * 2 >= assignments && assignments * 2 >= entries) return separator;
    }
    return 1;
}

struct TokenForm {
    std::string_view prefix;
    std::size_t least;  // characters after the prefix
};
// As their issuers document them.
constexpr std::array<TokenForm, 22> kTokenForms = {{{"hf_", 16}, {"ghp_", 20}, {"gho_", 20}, {"ghu_", 20}, {"ghs_", 20}, {"ghr_", 20},
                                                    {"github_pat_", 20}, {"glpat-", 16}, {"sk-", 20}, {"sk_live_", 16}, {"rk_live_", 16},
                                                    {"AKIA", 16}, {"ASIA", 16}, {"AIza", 30}, {"xoxb-", 10}, {"xoxp-", 10}, {"xoxa-", 10},
                                                    {"npm_", 30}, {"pypi-", 30}, {"dop_v1_", 30}, {"nvapi-", 20}, {"eyJ", 30}}};

std::size_t tokenEnd(std::string_view text, std::size_t at) {
    while (at < text.size() && (isWord(text[at]) || text[at] == '.')) ++at;
    while (at > 0 && text[at - 1] == '.') --at;
    return at;
}

template <typename Found>
void findTokens(std::string_view text, const Found& found) {
    for (const TokenForm& form : kTokenForms)
        for (std::size_t at = text.find(form.prefix); at != std::string_view::npos; at = text.find(form.prefix, at + 1)) {
            if (at > 0 && isWord(text[at - 1]) && text[at - 1] != '-' && text[at - 1] != '_') continue;
            const std::size_t end = tokenEnd(text, at + form.prefix.size());
            const std::string_view rest = text.substr(at + form.prefix.size(), end - at - form.prefix.size());
            const bool digit = std::any_of(rest.begin(), rest.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
            if (rest.size() < form.least || !digit || rest.find("::") != std::string_view::npos) continue;
            if (form.prefix == "eyJ" && std::count(rest.begin(), rest.end(), '.') < 1) continue;
            found(at, end);
        }
}

bool endsValue(char c) { return c == '\0' || std::isspace(static_cast<unsigned char>(c)) != 0 || c == '"' || c == '\'' || c == '\\' || c == ',' || c == ';' || c == '&' || c == '|' || c == ')' || c == ']' || c == '}' || c == '<' || c == '>'; }

bool isPlaceholder(std::string_view value, bool password) {
    static constexpr std::array<std::string_view, 9> kNone = {"scrubbed", "true", "false", "True", "False", "None", "null", "nil", "***"};
    if (value.empty() || std::find(kNone.begin(), kNone.end(), value) != kNone.end()) return true;
    return !password && isDigits(value) && value.size() < 12;  // a count of tokens
}

// After the name of a credential: where its value begins and ends; begin == end: there is none.
std::pair<std::size_t, std::size_t> valueAfter(std::string_view text, std::size_t at, bool option) {
    bool separated = false;
    std::size_t quotes = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '=' || c == ':') {
            if (c == ':' && !option && text.substr(at, 2) == "::") return {at, at};  // of C++
            separated = true;
        } else if (c == '"' || c == '\'' || c == '\\') {
            ++quotes;
        } else if (c == ' ' || c == '\t' || (c == ',' && quotes > 0) || (c == '\0' && option)) {
            if (option) separated = true;
        } else {
            break;
        }
        ++at;
    }
    std::size_t end = at;
    if (separated) {
        if (text.substr(at, 7) == "Bearer " || text.substr(at, 7) == "bearer ") at += 7, end = at;
        else if (text.substr(at, 6) == "Basic ") at += 6, end = at;
        while (end < text.size() && !endsValue(text[end])) ++end;
    }
    return {at, end};
}

template <typename Found>
void findAssignments(std::string_view text, const Found& found) {
    for (std::size_t at = 0; at < text.size();) {
        if (!isWord(text[at])) {
            ++at;
            continue;
        }
        const bool option = text[at] == '-';
        std::size_t end = at;
        while (end < text.size() && (isWord(text[end]) || (option && text[end] == '.'))) ++end;  // --aws.secret
        const std::string_view word = text.substr(at, end - at);
        // Nothing can be assigned without one of these behind it: most words are done here.
        if (end < text.size() && end - at < 128 && (text[end] == '=' || text[end] == ':' || text[end] == '"' || text[end] == '\'' || text[end] == '\\' || text[end] == ' ' || text[end] == '\0') && isSecretName(word)) {
            const auto [begin, stop] = valueAfter(text, end, option);
            const std::string_view value = text.substr(begin, stop - begin);
            std::string upper;
            for (const char c : word) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
            const bool nextOption = option && text[begin - 1] != '=' && value.starts_with("--");  // it has no value
            if (begin < stop && !nextOption && !isPlaceholder(value, upper.find("PASS") != std::string::npos)) {
                found(begin, stop);
                end = stop;
            }
        }
        at = end;
    }
}

template <typename Found>
void findUrlUsers(std::string_view text, const Found& found) {
    for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
        std::size_t end = at + 3;
        while (end < text.size() && !endsValue(text[end]) && text[end] != '/' && text[end] != '@') ++end;
        if (end < text.size() && text[end] == '@' && end > at + 3) found(at + 3, end);
    }
}

template <typename Found>
void findPrivateKeys(std::string_view text, const Found& found) {
    constexpr std::string_view kBegin = "-----BEGIN", kEnd = "-----END";
    for (std::size_t at = text.find(kBegin); at != std::string_view::npos;) {
        const std::size_t line = text.find("PRIVATE KEY", at);
        if (line == std::string_view::npos || line > at + 60) {
            at = text.find(kBegin, at + 1);
            continue;
        }
        const std::size_t end = text.find(kEnd, line);
        found(at, end == std::string_view::npos ? text.size() : end);
        at = end == std::string_view::npos ? end : text.find(kBegin, end);
    }
}

// The folder after /home/ or /Users/.
template <typename Found>
void findHomes(std::string_view text, const Found& found) {
    for (const std::string_view home : {"/home/", "/Users/"})
        for (std::size_t at = text.find(home); at != std::string_view::npos; at = text.find(home, at + 1)) {
            const std::size_t begin = at + home.size();
            std::size_t end = begin;
            while (end < text.size() && text[end] != '/' && text[end] != ':' && !endsValue(text[end])) ++end;
            if (end > begin && text.substr(begin, end - begin) != kScrubbed) found(begin, end);
        }
}

template <typename Found>
void findWhole(std::string_view text, std::string_view word, const Found& found) {
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + word.size())) {
        const std::size_t end = at + word.size();
        if ((at == 0 || !isWord(text[at - 1])) && (end == text.size() || !isWord(text[end]))) found(at, end);
    }
}

}  // namespace

std::string_view removedName(Removed kind) {
    static constexpr std::array<std::string_view, kRemovedKinds> kNames = {"environment variables", "secrets", "host names", "user names",
                                                                           "outputs of programs",   "paths",   "other values of the machine"};
    return kNames[static_cast<std::size_t>(kind)];
}

bool isSecretName(std::string_view name) {
    const std::vector<std::string> parts = partsOf(name);
    const bool shouting = std::none_of(name.begin(), name.end(), [](unsigned char c) { return std::islower(c) != 0; });
    const bool option = name.starts_with('-');
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::string part = withoutNumber(parts[i]);
        const bool last = i + 1 == parts.size();
        // "token_embedding" is a layer, "TOKEN_GITHUB" is not
        if ((part == "TOKEN" || part == "COOKIE" || part == "BEARER") && (shouting || last)) return true;
        static const std::set<std::string_view> kAlone = {"SECRETS", "PASSPHRASE", "CRED", "CREDS", "CREDENTIAL", "CREDENTIALS", "APIKEY",
                                                          "AUTHORIZATION", "AUTHTOKEN", "ACCESSTOKEN", "ACCESSKEY", "SECRETKEY"};
        static const std::set<std::string_view> kBeforeKey = {"API", "ACCESS", "PRIVATE", "SECRET", "AUTH", "ENCRYPTION", "SIGNING", "SSH"};
        if (kAlone.contains(part)) return true;
        for (const std::string_view word : {"SECRET", "PASSWORD", "PASSWD"})
            if (part.ends_with(word) || (shouting && part.find(word) != std::string::npos)) return true;
        if (part == "KEY" && i > 0 && (shouting || kBeforeKey.contains(parts[i - 1]))) return true;
        // Of a program's options all keys: what is no credential is no loss.
        if (part == "KEY" && last && option) return true;
        // PWD alone is a folder.
        const bool isShort = part == "PASS" || part == "PAT" || part == "AUTH" || part == "PWD" || part == "PW";
        if (isShort && ((shouting && parts.size() > 1) || (option && last))) return true;
    }
    return false;
}

bool isListedVariable(std::string_view name) {
    if (isSecretName(name)) return false;
    return std::any_of(kListedPrefixes.begin(), kListedPrefixes.end(), [&](std::string_view prefix) { return name.starts_with(prefix); }) ||
           std::find(kListedVariables.begin(), kListedVariables.end(), name) != kListedVariables.end();
}

std::string valueWithoutSecrets(std::string_view value) { return withoutSecrets({1, std::string(value)}).front(); }

std::vector<std::string> withoutSecrets(const std::vector<std::string>& command) {
    std::string line;  // NULs between the arguments, so that an option and its value are seen together
    for (const std::string& argument : command) (line += argument) += '\0';
    std::vector<std::pair<std::size_t, std::size_t>> spans;
    const auto secret = [&](std::size_t begin, std::size_t end) { spans.emplace_back(begin, end); };
    findAssignments(line, secret);
    findTokens(line, secret);
    findUrlUsers(line, secret);
    findPrivateKeys(line, secret);
    std::sort(spans.begin(), spans.end());
    std::string cleaned;
    std::size_t done = 0;
    for (const auto& [begin, end] : spans) {
        if (begin >= done) cleaned.append(line, done, begin - done).append(kScrubbed);
        done = std::max(done, end);
    }
    cleaned.append(line, std::min(done, line.size()));
    std::vector<std::string> result;
    for (const std::string_view argument : split(cleaned, '\0')) result.emplace_back(argument);
    result.resize(command.size());  // behind the last NUL there is nothing
    return result;
}

void TextCleaner::addHost(std::string_view name) {
    name = trim(name);
    if (name.size() < kShortestName || name == kScrubbed || name == "localhost" || isDigits(name) || name.find(' ') != std::string_view::npos) return;
    if (std::find(m_hosts.begin(), m_hosts.end(), name) == m_hosts.end()) m_hosts.emplace_back(name);
}

void TextCleaner::addUser(std::string_view name) {
    name = trim(name);
    if (name.size() < kShortestName || name == kScrubbed || name == "root" || isDigits(name) || name.find(' ') != std::string_view::npos) return;
    m_users.emplace(name);
}

void TextCleaner::learnVariable(std::string_view name, std::string_view value) {
    if (isSecretName(name) && value.size() >= kShortestSecret && !isPlaceholder(value, true)) m_secrets.emplace(value);
    if (name == "USER" || name == "LOGNAME" || name == "USERNAME" || name == "SUDO_USER") addUser(value);
    if (name == "HOSTNAME" || name == "HOST" || name == "SLURMD_NODENAME" || name == "SLURM_TOPOLOGY_ADDR") addHost(value);
}

void TextCleaner::learn(std::string_view text) {
    if (const char separator = blockSeparator(text); separator != 1)
        for (const std::string_view part : split(text, separator))
            if (const auto pair = assignment(part)) learnVariable(pair->first, pair->second);
    const auto secret = [&](std::size_t begin, std::size_t end) {
        if (end - begin >= kShortestSecret) m_secrets.emplace(text.substr(begin, end - begin));
    };
    findAssignments(text, secret);
    findTokens(text, secret);
    findUrlUsers(text, [&](std::size_t begin, std::size_t end) {
        const std::size_t colon = text.find(':', begin);
        if (colon < end) secret(colon + 1, end);
    });
    findHomes(text, [&](std::size_t begin, std::size_t end) { addUser(text.substr(begin, end - begin)); });
}

std::optional<std::string> TextCleaner::cleanBlock(std::string_view text) {
    const char separator = blockSeparator(text);
    if (separator == 1) return {};
    std::string kept;
    std::uint64_t removed = 0;
    for (const std::string_view part : split(text, separator)) {
        if (part.empty()) continue;
        const auto pair = assignment(part);
        if (pair && isListedVariable(pair->first)) {
            if (!kept.empty()) kept += separator;
            kept += part;
        } else {
            ++removed;
        }
    }
    if (removed == 0) return {};
    count(Removed::kEnvironment, removed);
    return kept.empty() ? std::string(kScrubbed) : kept;
}

void TextCleaner::findKnown(std::string_view text, std::vector<Span>& spans) {
    const std::string scrubbed(kScrubbed);
    for (const std::string& secret : m_secrets)
        for (std::size_t at = text.find(secret); at != std::string_view::npos; at = text.find(secret, at + secret.size()))
            spans.push_back({at, at + secret.size(), Removed::kSecret, scrubbed});
    for (std::size_t i = 0; i < m_hosts.size(); ++i)
        findWhole(text, m_hosts[i], [&](std::size_t begin, std::size_t end) { spans.push_back({begin, end, Removed::kHost, fmt::format("host-{}", i + 1)}); });
    for (const std::string& user : m_users)
        findWhole(text, user, [&](std::size_t begin, std::size_t end) {
            // Where a user's name stands, and not a word that happens to be spelt like it.
            const bool place = (begin > 0 && text[begin - 1] == '/') || (end < text.size() && text[end] == '@') || (begin == 0 && end == text.size());
            if (place) spans.push_back({begin, end, Removed::kUser, "user"});
        });
}

std::optional<std::string> TextCleaner::clean(std::string_view text) {
    std::optional<std::string> block = cleanBlock(text);
    if (block) text = *block;
    std::vector<Span> spans;
    const std::string scrubbed(kScrubbed);
    const auto secret = [&](std::size_t begin, std::size_t end) { spans.push_back({begin, end, Removed::kSecret, scrubbed}); };
    findAssignments(text, secret);
    findTokens(text, secret);
    findUrlUsers(text, secret);
    findPrivateKeys(text, secret);
    findHomes(text, [&](std::size_t begin, std::size_t end) {
        if (text.substr(begin, end - begin) != "user") spans.push_back({begin, end, Removed::kUser, "user"});
    });
    findKnown(text, spans);
    if (spans.empty()) return block;
    std::stable_sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
    std::string result;
    std::size_t done = 0;
    for (const Span& span : spans) {
        if (span.begin < done) {  // inside of one that is gone, or reaching out of it
            done = std::max(done, span.end);
            continue;
        }
        result.append(text.substr(done, span.begin - done)).append(span.text);
        count(span.kind);
        done = span.end;
    }
    if (done < text.size()) result.append(text.substr(done));
    return result;
}

std::string TextCleaner::hostAlias(std::string_view name) {
    addHost(name);
    const auto found = std::find(m_hosts.begin(), m_hosts.end(), trim(name));
    if (found != m_hosts.end()) {
        count(Removed::kHost);
        return fmt::format("host-{}", found - m_hosts.begin() + 1);
    }
    const std::string host(trim(name));
    if (host.empty() || host == kScrubbed || host == "localhost") return std::string(name);
    auto known = std::find(m_shortHosts.begin(), m_shortHosts.end(), host);
    if (known == m_shortHosts.end()) known = m_shortHosts.insert(known, host);
    count(Removed::kHost);
    return fmt::format("host-s{}", known - m_shortHosts.begin() + 1);
}

std::optional<std::string> TextCleaner::withoutFolders(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos || slash == 0 || path.substr(0, slash) == kScrubbed) return {};
    count(Removed::kPath);
    return fmt::format("{}/{}", kScrubbed, path.substr(slash + 1));
}

}  // namespace ridge::archive
