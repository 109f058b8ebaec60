// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Where a recording lies: its output's name, the session folder, the rings' folder. One
// recording's, in the order below. Errors: kBadInput where the user names another place, kIo for
// the rest.

#include "base/result.h"
#include "collector/recorder/record.h"
#include "collector/recorder/session_folder.h"
#include "schemas/spool/control_block.h"

#include <string>
#include <sys/types.h>

namespace ridge::recorder {

class RecordingPlace {
public:
    explicit RecordingPlace(const RecordOptions& options) : m_options(options) {}

    // The output's name, its %q{VARIABLE} and the like filled in; nothing is made but what
    // reserves a number.
    Status choose();
    // The session folder, claimed against other recordings until release().
    Status makeFolder();
    // Their place is in the control block before they are there: should we be killed, whoever takes
    // the session's place finds them.
    Status makeRings(spool::ControlBlock& control, const std::string& runId);
    void release() { m_claim.release(); }
    // %p: until the program was there, our own number stood for it.
    void nameByProcess(pid_t program, const std::string& runId);

    [[nodiscard]] const std::string& output() const { return m_output; }
    [[nodiscard]] const std::string& session() const { return m_session; }
    [[nodiscard]] const std::string& ringDir() const { return m_ringDir; }

private:
    Status chooseNumber();
    [[nodiscard]] std::string shownOutput() const;
    [[nodiscard]] Error noFolder(int error, bool beside) const;

    const RecordOptions& m_options;
    std::string m_output;
    std::string m_session;
    std::string m_ringDir;
    FolderClaim m_claim;
    bool m_folderMade = false;
};

}  // namespace ridge::recorder
