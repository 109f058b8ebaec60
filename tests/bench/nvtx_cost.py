#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Ridgepoint authors
"""Measure what a recorded NVTX range costs, against the floor, no tool, LTTng-UST where it is there, and Tracy's
client where RIDGE_TRACY names a folder with its sources; and what the I/O hooks add to short reads from the page
cache, against the bare calls.

All processes run in turn, several times; each takes medians over short interleaved rounds, and the
medians of those are printed as JSON: ns per range (thread CPU and wall) and ratios of CPU times.
"""
import argparse
import json
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time


def make_session(folder, rings, io=False):
    """The block of schemas/spool/control_block.h, with 1 MiB rings and only NVTX or only I/O on."""
    block = struct.pack("<IIIiQQIIII512s512s", 0x4C525443, 1, 0, os.getpid(), 0, 1 << 20, not io, 0, io, 0,
                        rings.encode(), b"")
    with open(os.path.join(folder, "control"), "wb") as file:
        file.write(block)
        file.truncate(4096)  # what follows is about windows and domains: zeros are none


def run_agent(program, agent, rounds, data=None):
    """Under the NVTX agent, or under the I/O hooks when there is a file to read."""
    folder = tempfile.mkdtemp(prefix="ridge-cost-")
    rings = tempfile.mkdtemp(prefix="ridge-cost-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        make_session(folder, rings, io=data is not None)
        environment = dict(os.environ, RIDGE_SESSION=folder)
        environment["LD_PRELOAD" if data else "NVTX_INJECTION64_PATH"] = agent
        arguments = [program, str(rounds)] + ([data] if data else []) + [rings]
        return json.loads(subprocess.check_output(arguments, env=environment))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(rings, ignore_errors=True)


def run_bare(program, rounds, data=None):
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("NVTX_INJECTION64_PATH", "RIDGE_SESSION", "LD_PRELOAD")}
    return json.loads(subprocess.check_output([program, str(rounds)] + ([data] if data else []), env=environment))


def run_lttng(program, rounds):
    """One live session written to disk, by a session daemon of our own home folder."""
    home = tempfile.mkdtemp(prefix="ridge-lttng-")
    environment = dict(os.environ, LTTNG_HOME=home, HOME=home)
    quiet = dict(env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    daemon = None
    try:
        daemon = subprocess.Popen(["lttng-sessiond", "--no-kernel"], **quiet)
        for command in (["create", "cost", "--output", os.path.join(home, "out")],
                        ["enable-event", "-u", "ridge_cost:*"], ["start"]):
            for _ in range(50):
                if subprocess.run(["lttng", *command], timeout=30, **quiet).returncode == 0:
                    break
                subprocess.run(["sleep", "0.1"], check=False)
            else:
                return None
        result = subprocess.check_output([program, str(rounds)], env=environment, timeout=120)
        subprocess.run(["lttng", "destroy", "cost"], timeout=60, **quiet)
        return json.loads(result)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    finally:
        if daemon is not None:
            daemon.terminate()
            daemon.wait()
        shutil.rmtree(home, ignore_errors=True)


def build_tracy(sources, folder):
    """Its client and our loop as one program, outside of the build folder; and its protocol's number."""
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    program = os.path.join(folder, "tracy_cost")
    options = ["-std=c++20", "-O2", "-DNDEBUG", "-pthread", "-DTRACY_ENABLE", "-DTRACY_NO_BROADCAST", "-DTRACY_ONLY_LOCALHOST", "-DTRACY_NO_CALLSTACK",
               "-DTRACY_NO_SYSTEM_TRACING", "-DTRACY_NO_CRASH_HANDLER", "-I", root, "-I", os.path.join(sources, "public")]
    subprocess.run(["g++", *options, os.path.join(root, "tests/bench/nvtx_cost/tracy_cost.cpp"),
                    os.path.join(sources, "public/TracyClient.cpp"), "-o", program, "-ldl"], check=True)
    with open(os.path.join(sources, "public/common/TracyProtocol.hpp"), encoding="utf-8") as header:
        return program, int(re.search(r"ProtocolVersion = (\d+);", header.read()).group(1))


def run_tracy(program, protocol, rounds):
    """With a server that takes all and asks nothing: what stays in the program is what is measured."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = subprocess.Popen([program, str(rounds)], env=dict(os.environ, TRACY_PORT=str(port)), stdout=subprocess.PIPE)
    try:
        for _ in range(500):
            try:
                server = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.01)
        else:
            return None
        with server:
            server.sendall(b"TracyPrf" + struct.pack("<I", protocol))
            if server.recv(1) != b"\x01":
                return None
            while server.recv(1 << 20):
                pass
        return json.loads(client.communicate(timeout=60)[0])
    except (OSError, ValueError):
        return None
    finally:
        client.kill()
        client.wait()


def middle(runs, case, kind):
    return round(statistics.median(run[case][kind] for run in runs), 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="build folder")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    program = os.path.join(arguments.build, "bin", "nvtx_cost")
    agent = os.path.abspath(os.path.join(arguments.build, "lib", "libridge_agent.so"))
    lttng = os.path.join(arguments.build, "bin", "lttng_cost")
    io_program = os.path.join(arguments.build, "bin", "io_cost")
    io_agent = os.path.abspath(os.path.join(arguments.build, "lib", "libridge_io.so"))
    for path in (program, agent, io_program, io_agent):
        if not os.path.exists(path):
            sys.exit(f"nvtx_cost.py: {path} is missing: build the targets nvtx_cost and io_cost")
    with_lttng = os.path.exists(lttng) and shutil.which("lttng") and shutil.which("lttng-sessiond")
    recorded, bare, peer, zones, hooked, unhooked = [], [], [], [], [], []
    tracy_folder = tempfile.TemporaryDirectory(prefix="ridge-tracy-")
    tracy = None
    if os.environ.get("RIDGE_TRACY"):
        tracy = build_tracy(os.environ["RIDGE_TRACY"], tracy_folder.name)
    else:
        print("nvtx_cost.py: without Tracy: RIDGE_TRACY names no folder with its sources", file=sys.stderr)
    if not with_lttng:
        print("nvtx_cost.py: without LTTng-UST: it is not installed, or lttng_cost is not built", file=sys.stderr)
    data = os.path.abspath(__file__)
    for _ in range(arguments.runs):
        hooked.append(run_agent(io_program, io_agent, arguments.rounds, data))
        unhooked.append(run_bare(io_program, arguments.rounds, data))
        recorded.append(run_agent(program, agent, arguments.rounds))
        bare.append(run_bare(program, arguments.rounds))
        if with_lttng:
            result = run_lttng(lttng, arguments.rounds)
            peer.extend([result] if result else [])
        if tracy:
            result = run_tracy(*tracy, arguments.rounds)
            zones.extend([result] if result else [])
    out = {"runs": arguments.runs, "rounds": arguments.rounds}
    for kind, suffix in (("cpu_ns", "ns"), ("wall_ns", "wall_ns")):
        out["floor_" + suffix] = middle(recorded, "floor", kind)
        out["no_tool_" + suffix] = middle(bare, "repeated", kind)
        out["agent_" + suffix] = middle(recorded, "repeated", kind)
        out["agent_registered_" + suffix] = middle(recorded, "registered", kind)
        out["agent_payload_" + suffix] = middle(recorded, "payload24", kind)
        out["agent_work_" + suffix] = middle(recorded, "work", kind)
        out["lttng_" + suffix] = middle(peer, "range", kind) if peer else None
        out["tracy_" + suffix] = middle(zones, "zone", kind) if zones else None
        out["tracy_copied_" + suffix] = middle(zones, "copied", kind) if zones else None
    floor = out["floor_ns"]
    out["ratios"] = {name: round(out[f"{name}_ns"] / floor, 3)
                     for name in ("agent", "agent_registered", "agent_payload", "agent_work")}
    out["ratios"]["lttng_over_agent"] = round(out["lttng_ns"] / out["agent_ns"], 2) if peer else None
    # The same name in the same place: a zone's is known to the compiler, ours registered; else it is copied.
    out["ratios"]["tracy_over_registered"] = round(out["tracy_ns"] / out["agent_registered_ns"], 2) if zones else None
    out["ratios"]["tracy_copied_over_agent"] = round(out["tracy_copied_ns"] / out["agent_ns"], 2) if zones else None
    for case in ("pread0", "pread1", "pread4096"):
        bare_ns, hooked_ns = (middle(runs, case, "cpu_ns") for runs in (unhooked, hooked))
        out[f"io_{case}_bare_ns"] = bare_ns
        out[f"io_{case}_added_ns"] = round(hooked_ns - bare_ns, 3)
        out["ratios"][f"io_{case}"] = round(hooked_ns / bare_ns, 3)
        out["ratios"][f"io_{case}_added_over_floor"] = round((hooked_ns - bare_ns) / floor, 3)
    print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
