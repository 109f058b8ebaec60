// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Sessions with a name, to be started and stopped from another shell: a link per name, in
// $XDG_RUNTIME_DIR/ridge or /tmp/ridge-<uid>, to the session's folder. Of one user and one host.

#include "base/result.h"

#include <string>

namespace ridge::recorder {

// Takes a name for a session; given back when the object goes. Errors: no usable name, or one that
// a recording has which still runs.
class NamedSession {
public:
    NamedSession() = default;
    ~NamedSession();
    NamedSession(const NamedSession&) = delete;
    NamedSession& operator=(const NamedSession&) = delete;
    Status take(const std::string& name, const std::string& sessionFolder);

private:
    std::string m_link;
};

enum class SessionCommand { kStart, kStop };
// Errors: no such session, or it does so already.
Status commandSession(const std::string& name, SessionCommand command);

}  // namespace ridge::recorder
