// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/view_state.h"

#include <nlohmann/json.hpp>

#include <algorithm>

#include "base/text.h"

namespace ridge::gui {
namespace {

using Json = nlohmann::json;

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kLongestToken = 1 << 20;

std::string encode(const std::string& bytes) {
    std::string out;
    std::uint32_t bits = 0;
    int have = 0;
    for (const char c : bytes) {
        bits = (bits << 8) | static_cast<unsigned char>(c);
        for (have += 8; have >= 6;) {
            have -= 6;
            out += kAlphabet[(bits >> have) & 63U];
        }
    }
    if (have > 0) out += kAlphabet[(bits << (6 - have)) & 63U];
    return out;
}

std::optional<std::string> decode(const std::string& text) {
    std::string out;
    std::uint32_t bits = 0;
    int have = 0;
    const std::string_view alphabet(kAlphabet, 64);
    for (const char c : text) {
        const std::size_t value = alphabet.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        if ((have += 6) >= 8) {
            have -= 8;
            out += static_cast<char>((bits >> have) & 255U);
        }
    }
    return out;
}

void put(Json& json, const char* key, const std::vector<std::string>& list) {
    if (list.empty()) return;
    json[key] = Json::array();
    for (const std::string& entry : list) json[key].push_back(toValidUtf8(entry));
}
void put(Json& json, const char* key, const std::string& text) {
    if (!text.empty()) json[key] = toValidUtf8(text);
}
void put(Json& json, const char* key, Ns from, Ns to) {
    if (from != to) json[key] = {from, to};
}

// Far beyond any trace, and differences of two of them still fit.
constexpr Ns kFarthest = Ns{1} << 60;
Ns number(const Json& json) { return json.is_number_integer() ? std::clamp(json.get<Ns>(), -kFarthest, kFarthest) : 0; }
void take(const Json& json, const char* key, Ns& from, Ns& to) {
    const auto it = json.find(key);
    if (it == json.end() || !it->is_array() || it->size() != 2) return;
    from = number((*it)[0]);
    to = number((*it)[1]);
    if (to < from) from = to = 0;
}
void take(const Json& json, const char* key, std::array<double, 4>& zoom) {
    const auto it = json.find(key);
    if (it == json.end() || !it->is_array() || it->size() != 4) return;
    std::array<double, 4> found{};
    for (std::size_t i = 0; i < 4; ++i) {
        if (!(*it)[i].is_number()) return;
        found[i] = (*it)[i].get<double>();
        if (!(found[i] > -40 && found[i] < 40)) return;
    }
    if (found[1] > found[0] && found[3] > found[2]) zoom = found;
}
void take(const Json& json, const char* key, bool& flag) {
    if (const auto it = json.find(key); it != json.end() && it->is_boolean()) flag = it->get<bool>();
}
void take(const Json& json, const char* key, std::string& text) {
    if (const auto it = json.find(key); it != json.end() && it->is_string()) text = it->get<std::string>();
}
void take(const Json& json, const char* key, std::vector<std::string>& list) {
    const auto it = json.find(key);
    if (it == json.end() || !it->is_array()) return;
    for (const Json& entry : *it)
        if (entry.is_string()) list.push_back(entry.get<std::string>());
}

}  // namespace

std::string toToken(const ViewState& s) {
    Json json = Json::object();
    put(json, "v", s.start, s.end);
    if (s.scroll != 0) json["y"] = s.scroll;
    if (s.slice) json["s"] = {toValidUtf8(s.slice->track), s.slice->depth, s.slice->start};
    put(json, "r", s.rangeStart, s.rangeEnd);
    put(json, "rt", s.rangeTracks);
    put(json, "p", s.pinned);
    put(json, "o", s.order);
    put(json, "h", s.hidden);
    put(json, "c", s.collapsed);
    put(json, "e", s.expanded);
    put(json, "f", s.filter);
    put(json, "q", s.search);
    put(json, "i", s.finding);
    put(json, "w", s.panel);
    put(json, "fp", s.flamePath);
    put(json, "fs", s.flameSource);
    if (s.flameEnergy) json["fe"] = true;
    if (s.roofZoom[0] != s.roofZoom[1]) json["z"] = s.roofZoom;
    if (s.roofWalls) json["zw"] = true;
    if (s.alignStep >= 0) json["a"] = s.alignStep;
    for (const Note& note : s.notes) json["n"].push_back({note.start, note.end, toValidUtf8(note.text)});
    return "1" + encode(json.dump());
}

Result<ViewState> fromToken(const std::string& token) {
    const Error bad{ErrorCode::kBadInput, "this is no view token; copy one with \"Copy link to this view\""};
    if (token.empty() || token[0] != '1' || token.size() > kLongestToken) return bad;
    const auto bytes = decode(token.substr(1));
    if (!bytes) return bad;
    const Json json = Json::parse(*bytes, nullptr, false);
    if (!json.is_object()) return bad;
    ViewState s;
    take(json, "v", s.start, s.end);
    if (const auto it = json.find("y"); it != json.end()) s.scroll = static_cast<int>(std::clamp<Ns>(number(*it), 0, 1 << 24));
    if (const auto it = json.find("s"); it != json.end() && it->is_array() && it->size() == 3 && (*it)[0].is_string())
        s.slice = SliceKey{(*it)[0].get<std::string>(), static_cast<std::uint32_t>(std::clamp<Ns>(number((*it)[1]), 0, 1 << 16)),
                           number((*it)[2])};
    take(json, "r", s.rangeStart, s.rangeEnd);
    take(json, "rt", s.rangeTracks);
    take(json, "p", s.pinned);
    take(json, "o", s.order);
    take(json, "h", s.hidden);
    take(json, "c", s.collapsed);
    take(json, "e", s.expanded);
    take(json, "f", s.filter);
    take(json, "q", s.search);
    take(json, "i", s.finding);
    take(json, "w", s.panel);
    take(json, "fp", s.flamePath);
    take(json, "fs", s.flameSource);
    take(json, "fe", s.flameEnergy);
    take(json, "z", s.roofZoom);
    take(json, "zw", s.roofWalls);
    if (const auto it = json.find("a"); it != json.end()) s.alignStep = std::max<Ns>(-1, it->is_number_integer() ? number(*it) : -1);
    if (const auto it = json.find("n"); it != json.end() && it->is_array())
        for (const Json& entry : *it)
            if (entry.is_array() && entry.size() == 3 && entry[2].is_string())
                s.notes.push_back({number(entry[0]), number(entry[1]), entry[2].get<std::string>()});
    return s;
}

void History::push(ViewState state, std::uint64_t tag) {
    if (state == now()) return;
    m_states.resize(m_at + 1);
    if (tag != 0 && tag == m_tag && m_at > 0) {
        m_states[m_at] = std::move(state);
        return;
    }
    m_tag = tag;
    m_states.push_back(std::move(state));
    if (m_states.size() > kMost) m_states.erase(m_states.begin());
    m_at = m_states.size() - 1;
}

bool History::undo() {
    if (!canUndo()) return false;
    --m_at;
    m_tag = 0;
    return true;
}

bool History::redo() {
    if (!canRedo()) return false;
    ++m_at;
    m_tag = 0;
    return true;
}

void History::reset(ViewState state) {
    m_states = {std::move(state)};
    m_at = 0;
    m_tag = 0;
}

}  // namespace ridge::gui
