// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How recording begins where a launcher (mpirun, srun, torchrun), not ridge, starts the program: the
// launcher's environment has libridge_start.so in LD_PRELOAD, kStartVariable and the options of
// ridge record as settings (RIDGE_RECORD_<OPTION>). A process for which the output's name can be
// made becomes `ridge record`, which starts it anew as its child. What the library and the recorder
// must agree on; plain data only.

namespace ridge::spool {

// Absolute path of ridge; kStartOff or unset: nothing is begun in this process and its children.
inline constexpr const char* kStartVariable = "RIDGE_START";
inline constexpr const char* kStartOff = "off";
inline constexpr const char* kStartLibrary = "libridge_start.so";
// The output's name; a process that lacks a variable of a %q{VARIABLE} in it is left alone.
inline constexpr const char* kOutputVariable = "RIDGE_RECORD_OUTPUT";
// The host of the session in RIDGE_SESSION: launchers carry environments to other hosts, where that
// session is not.
inline constexpr const char* kSessionHostVariable = "RIDGE_SESSION_HOST";
// ridge record's option for the file to execute; what was started is the program behind "--".
inline constexpr const char* kTakeOverOption = "--take-over";

}  // namespace ridge::spool
