// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/app/display.h"

#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <QDir>
#include <QLibraryInfo>

#include <cstdlib>
#include <cstring>

namespace ridge::gui {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// By libxcb itself, which knows every form of DISPLAY and the cookies. It is loaded and not linked: Qt's plugin for X needs
// it, a node that only draws pictures does not have it.
bool xAnswers() {
    void* library = ::dlopen("libxcb.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    using Connect = void* (*)(const char*, int*);
    using HasError = int (*)(void*);
    using Disconnect = void (*)(void*);
    const auto connect = reinterpret_cast<Connect>(::dlsym(library, "xcb_connect"));
    const auto hasError = reinterpret_cast<HasError>(::dlsym(library, "xcb_connection_has_error"));
    const auto disconnect = reinterpret_cast<Disconnect>(::dlsym(library, "xcb_disconnect"));
    if (!connect || !hasError || !disconnect) return false;
    void* connection = connect(nullptr, nullptr);
    const bool answers = connection && hasError(connection) == 0;
    if (connection) disconnect(connection);
    return answers;
}

bool waylandAnswers() {
    const std::string name = variable("WAYLAND_DISPLAY");
    if (name.empty()) return false;
    const std::string path = name.front() == '/' ? name : variable("XDG_RUNTIME_DIR") + "/" + name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) return false;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const bool answers = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    // A desktop without Qt's plugin for it serves X as well, as a rule.
    return answers && !QDir(QLibraryInfo::path(QLibraryInfo::PluginsPath) + QStringLiteral("/platforms")).entryList({QStringLiteral("libqwayland*")}).isEmpty();
}

}  // namespace

std::string whyNoDisplay() {
    const std::string platform = variable("QT_QPA_PLATFORM");
    if (!platform.empty() && !platform.starts_with("xcb")) return {};  // somebody's choice
    const std::string display = variable("DISPLAY"), wayland = variable("WAYLAND_DISPLAY");
    if (display.empty() && (wayland.empty() || !platform.empty())) return "there is no display (DISPLAY and WAYLAND_DISPLAY are not set)";
    const bool x = !display.empty() && xAnswers();
    if (!platform.empty()) return x ? std::string() : "no display answers at DISPLAY=" + display;
    const bool way = waylandAnswers();
    if (x != way) ::setenv("QT_QPA_PLATFORM", x ? "xcb" : "wayland", 1);
    if (x || way) return {};
    if (wayland.empty()) return "no display answers at DISPLAY=" + display;
    return "no display answers at " + (display.empty() ? std::string() : "DISPLAY=" + display + " and ") + "WAYLAND_DISPLAY=" + wayland;
}

}  // namespace ridge::gui
