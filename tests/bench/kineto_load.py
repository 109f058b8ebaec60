# SPDX-License-Identifier: Apache-2.0
"""Kineto traces: load and analysis in events/s and bytes/event, packed and plain, beside HolisticTraceAnalysis.

The peer runs where HTA_PYTHON names a Python that has it; it loads the same file and runs six of its analyses,
in the same run, interleaved with ours.
Usage: kineto_load.py --build DIR --trace FILE [--rounds N]; prints JSON.
"""
import argparse
import gzip
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

PEER = r"""
import json, resource, sys, time, warnings, logging
warnings.filterwarnings("ignore"); logging.disable(logging.CRITICAL)
begin = time.perf_counter()
import hta.trace_analysis
imported = time.perf_counter() - begin
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
begin = time.perf_counter()
t = hta.trace_analysis.TraceAnalysis(trace_files={int(sys.argv[2]): sys.argv[1]}, trace_dir="")
loaded = time.perf_counter() - begin
failed = []
for name in ("get_temporal_breakdown", "get_idle_time_breakdown", "get_comm_comp_overlap", "get_gpu_kernel_breakdown",
             "get_memory_bw_summary", "get_queue_length_summary"):
    try:
        getattr(t, name)(**({"visualize": False} if name in ("get_temporal_breakdown", "get_comm_comp_overlap", "get_gpu_kernel_breakdown") else {}))
    except Exception as error:
        failed.append(f"{name}: {type(error).__name__}")
total = time.perf_counter() - begin
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"load_s": loaded, "total_s": total, "import_s": imported, "bytes": after - before, "failed": failed}))
"""


def rank_of(trace):
    return int(json.loads(gzip.open(trace).read()).get("distributedInfo", {}).get("rank", 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--trace", type=pathlib.Path, required=True, help="a gzipped Kineto trace")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    program = arguments.build / "bin" / "kineto_load"
    python = os.environ.get("HTA_PYTHON")
    ours, plain, peer = [], [], []
    with tempfile.TemporaryDirectory(prefix="ridge-bench-") as scratch:
        text = pathlib.Path(scratch) / "trace.json"
        with gzip.open(arguments.trace) as source, open(text, "wb") as target:
            shutil.copyfileobj(source, target)
        rank = rank_of(arguments.trace)
        for _ in range(arguments.rounds):
            for results, path in ((ours, arguments.trace), (plain, text)):
                done = subprocess.run([program, path, "7"], capture_output=True, text=True, check=True)
                results.append(json.loads(done.stdout))
            if python:
                done = subprocess.run([python, "-c", PEER, str(arguments.trace), str(rank)], capture_output=True, text=True)
                if done.returncode == 0:
                    peer.append(json.loads(done.stdout.strip().splitlines()[-1]))
                else:
                    print(f"bench: the peer failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        size = text.stat().st_size

    def middle(results):
        return {key: statistics.median(r[key] for r in results) for key in results[0]}

    answer = {"trace": arguments.trace.name, "text_bytes": size, "packed": middle(ours), "plain": middle(plain), "peer": None, "ratio": None}
    if peer:
        events = answer["packed"]["events"]
        total = statistics.median(p["total_s"] for p in peer)
        answer["peer"] = {"name": "HolisticTraceAnalysis", "total_s": total, "load_s": statistics.median(p["load_s"] for p in peer),
                          "events_per_s": events / total, "bytes_per_event": statistics.median(p["bytes"] for p in peer) / events,
                          "failed": peer[0]["failed"]}
        answer["ratio"] = answer["packed"]["events_per_s"] / answer["peer"]["events_per_s"]
    json.dump(answer, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
