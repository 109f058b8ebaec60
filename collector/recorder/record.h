// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Runs a program under the agents and writes one timeline file of it and its children.
//
// While it runs, the session folder (schemas/spool/control_block.h) is the truth; the file is made from it
// at the end, and the folder removed only then. record() blocks until the program has ended and
// forwards signals to it; it is for one recording at a time per process. Memory is bounded. Nothing
// of the program changes: stdin, stdout, stderr, exit code and signals stay its own.

#include "base/result.h"
#include "schemas/spool/control_block.h"
#include "schemas/spool/ring_header.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ridge::recorder {

struct Progress {
    std::int64_t elapsedNs = 0;
    std::uint64_t bytesSpooled = 0;
    std::uint64_t rings = 0;
};

struct RecordOptions {
    std::vector<std::string> command;  // program and arguments; searched in PATH as a shell does
    std::string executable;  // the file to execute where that is not what command[0] names
    std::string output;                // a pattern, see output_name.h
    bool force = false;                // overwrite an output that exists
    bool traceNvtx = true;
    bool traceCuda = true;
    bool traceIo = false;
    std::uint32_t cudaOptions = 0;  // spool::CudaOption
    bool sampleSystem = true;
    bool sampleStacks = false;     // call stacks of the program's threads, through perf events
    bool traceSwitches = false;    // context switches, through perf events
    bool countHardware = false;    // cycles, instructions, cache misses of the program
    std::uint32_t samplesPerSecond = 997;  // of call stacks, per busy thread
    bool detectPreemption = true;
    std::uint64_t ringBytes = spool::kDefaultRingBytes;  // rounded up to a power of two
    double delaySeconds = 0;     // so long the program runs unrecorded first
    double durationSeconds = 0;  // after so long the recording stops, the program goes on; 0: never
    int killSignal = 0;          // to the program when the duration is over; 0: it goes on
    spool::Capture capture = spool::Capture::kNone;  // what begins and ends the recording instead
    std::string captureName, captureDomain;          // of an NVTX range; domain "*": any
    std::uint32_t captureWindows = 1;  // so many times; spool::kWindowsWithoutEnd: each time
    spool::DomainFilter domainFilter = spool::DomainFilter::kNone;
    std::vector<std::string> domains;  // together less than 1024 bytes, NULs included
    bool waitAll = false;              // on, until the last process of the program has ended
    std::string sessionName;           // so that another process can start and stop it; empty: none
    bool startLater = false;           // with a name: not before it is started
    double timeoutSeconds = 0;    // after so long the program and its children are ended; 0: never
    bool endOnInterrupt = false;  // on SIGINT, SIGTERM, SIGHUP, SIGQUIT: who does not end by it is
                                  // killed after a while
    bool quiet = false;
    std::string
        agentLibDir;  // empty: ../lib/ridge, ../lib beside the executable, or its own folder
    std::map<std::string, std::string> extraEnvironment;
    std::function<void(const Progress&)> progress;  // about every 250 ms, from the recording thread
    // Class ('data', 'checkpoint', 'other') and pattern (as a shell's, * over / too) of paths; the
    // first that fits counts.
    std::vector<std::pair<std::string, std::string>> ioClasses;
    std::string spoolDir;                           // empty: <output>.spool
    bool takenOver = false;  // a launcher started the program (in_place.h): killed with us, and others
                             // may join the recording, for whose end we wait
    // A signal came while the file was made, so that was given up; record() fails then (kMeasurement).
    std::function<void(int signal)> gaveUp;
    // A first SIGTERM came while the file was made, which goes on; the line says so, and what makes
    // the file should somebody end the recorder before it is done.
    std::function<void(const std::string& line)> goesOn;
};

struct RecordOutcome {
    bool started =
        true;  // false: the program could not be started, notes say why, and there is no file
    int programStatus =
        0;  // its exit code, 128 + n on signal n, 127/126 if it could not be started
    bool timedOut = false;
    int interruptedBy =
        0;  // SIGINT, SIGTERM, SIGHUP or SIGQUIT that came while the program ran; 0: none
    std::uint64_t events = 0;
    std::uint64_t lost = 0;
    std::uint64_t processes = 0;
    std::int64_t durationNs = 0;
    std::string output;
    std::vector<std::string> notes;  // one line each, damaged files of the session among them
};

// Errors: output exists, its folder is not there or not writable, another recording writes to it
// (kBadInput); no room for the session (kIo); file could not be written from the
// spool (kMeasurement; the spool is kept and the message says how to recover it).
Result<RecordOutcome> record(const RecordOptions& options);

// Makes the file of a session whose recorder was killed or whose file could not be written. The
// session is removed when that has worked. programStatus is 0 where it is not known.
Result<RecordOutcome> recover(const std::string& spoolDir, const std::string& output, bool force);

}  // namespace ridge::recorder
