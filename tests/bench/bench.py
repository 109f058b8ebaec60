# SPDX-License-Identifier: Apache-2.0
"""Runs the project's own benchmarks and prints one table: value, ratio, target, met or not.

Every ratio is taken against a peer or a limit that was measured in the same run, interleaved.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

import viewer


def script(name, *arguments):
    print(f"bench: {name} ...", file=sys.stderr)
    path = pathlib.Path(__file__).resolve().parent / name
    return json.loads(subprocess.run([sys.executable, str(path), *map(str, arguments)], capture_output=True, text=True,
                                     check=True).stdout)


def kineto_rows(kineto):
    if kineto is None:
        yield ("Kineto trace, load + analysis", "no traces folder (RIDGE_TRACES names one)", ">= 50 x HTA", None)
        return
    for key, what in (("packed", "gzipped"), ("plain", "text")):
        row = kineto[key]
        yield (f"Kineto load + analysis, {what}", f"{row['events_per_s'] / 1e6:.2f} M events/s (load alone {row['load_events_per_s'] / 1e6:.2f})", "", None)
    yield ("  bytes per event", f"{kineto['packed']['bytes_per_event']:.0f} B (load alone {kineto['packed']['load_bytes_per_event']:.0f})", "<= 150 B",
           kineto["packed"]["bytes_per_event"] <= 150)
    if kineto["peer"]:
        yield ("  HolisticTraceAnalysis, same run", f"{kineto['peer']['events_per_s'] / 1e3:.0f} k events/s = ours / {kineto['ratio']:.0f}", ">= 50 x HTA",
               kineto["ratio"] >= 50)
    else:
        yield ("  HolisticTraceAnalysis", "not installed (HTA_PYTHON names a Python that has it)", ">= 50 x HTA", None)


def analysis_rows(analysis):
    for size in analysis["sizes"]:
        millions = size["events"] / 1e6
        large = size["events"] >= 9e6
        yield (f"timeline of {millions:.1f} M events, load + analysis", f"{size['seconds']:.2f} s = {size['events_per_s'] / 1e6:.2f} M events/s (load {size['load_s']:.2f} s, CPU {size['cpu_s']:.2f} s)",
               "<= 10 s" if large else "", size["seconds"] <= 10 if large else None)
        yield ("  peak memory", f"{size['peak_bytes'] / 1e9:.2f} GB = {size['bytes_per_event']:.0f} B per event", "<= 2 GB" if large else "",
               size["peak_bytes"] <= 2e9 if large else None)
        yield ("  time per event against the smallest", f"{size['ratio_to_linear']:.2f}", "", None)
    scan = analysis["scan"]
    yield ("rows read from tables by pages", f"{scan['pages_rows_per_s'] / 1e6:.1f} M/s = {scan['pages_rows_per_s'] / scan['sqlite_rows_per_s']:.1f} x SQLite", ">= 10 M/s",
           scan["pages_rows_per_s"] >= 10e6)


def operator_rows(speed):
    for row in speed["gemm"]:
        yield (f"GEMM workload, {row['size']}^3 fp32", f"{row['flops_per_s'] / 1e9:.0f} GFLOP/s = {row['ratio']:.2f} x {row['library']} called bare "
               f"({row['ratio_q1']:.2f}..{row['ratio_q3']:.2f}, best {row['ratio_best']:.2f}, processor time {row['ratio_cpu']:.2f})", ">= 0.9", row["ratio"] >= 0.9)
    for row in speed["decode"]:
        # Four bits: unpacking costs more than reading. Eight sequences: eight times the arithmetic for the same bytes.
        target = "" if row["dtype"] == "int4" or row["batch"] > 1 else ">= 0.8"
        yield (f"decode, {row['dtype']} weights" + (f", batch {row['batch']}" if row["batch"] > 1 else ""), f"{row['bytes_per_s'] / 1e9:.1f} GB/s = {row['ratio']:.2f} x reading them "
               f"({row['ratio_q1']:.2f}..{row['ratio_q3']:.2f}, best {row['ratio_best']:.2f}, processor time {row['ratio_cpu']:.2f})", target, row["ratio"] >= 0.8 if target else None)
    row = speed["training"]
    yield ("training step, MFU (causal count)", f"{row['flops_per_s'] / 1e9:.0f} GFLOP/s = {row['mfu']:.2f} x multiply-adds in registers "
           f"({row['mfu_q1']:.2f}..{row['mfu_q3']:.2f}, best {row['mfu_best']:.2f}, processor time {row['mfu_cpu']:.2f})", ">= 0.7", row["mfu"] >= 0.7)
    low = speed["training_bf16"]
    if "error" in low:
        yield ("  with bf16 products", "not native here", "", None)
    else:
        yield ("  with bf16 products", f"{low['flops_per_s'] / 1e9:.0f} GFLOP/s = {low['mfu_cpu'] / row['mfu_cpu']:.2f} x fp32's by processor time", "", None)


def largest_trace():
    folder = os.environ.get("RIDGE_TRACES")
    folder = pathlib.Path(folder) if folder else pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "traces"
    traces = sorted((folder / "kineto").glob("*.json.gz"), key=lambda p: p.stat().st_size) if folder.is_dir() else []
    return traces[-1] if traces else None


def nvtx_rows(nvtx):
    """(what, measured, target, met): met is None where there is nothing to hold it against."""
    ratios = nvtx["ratios"]
    yield ("NVTX range, repeated string", f"{nvtx['agent_ns']:.1f} ns = {ratios['agent']:.2f} x floor ({nvtx['floor_ns']:.1f} ns)",
           "<= 1.25 x floor", ratios["agent"] <= 1.25)
    yield ("  with 24-byte payload", f"{nvtx['agent_payload_ns']:.1f} ns = {ratios['agent_payload']:.2f} x floor",
           "<= 1.35 x floor", ratios["agent_payload"] <= 1.35)
    yield ("  with a work payload", f"{nvtx['agent_work_ns']:.1f} ns = {ratios['agent_work']:.2f} x floor", "", None)
    yield ("  no tool attached", f"{nvtx['no_tool_ns']:.1f} ns", "", None)
    if ratios["lttng_over_agent"]:
        yield ("  LTTng-UST, same loop", f"{nvtx['lttng_ns']:.1f} ns = {ratios['lttng_over_agent']:.1f} x ours", ">= 7 x ours",
               ratios["lttng_over_agent"] >= 7)
    else:
        yield ("  LTTng-UST, same loop", "not installed (scripts/setup --dev)", ">= 7 x ours", None)
    if ratios["tracy_over_registered"]:
        for what, ours, theirs in (("name known before", "agent_registered_ns", "tracy_ns"), ("name copied", "agent_ns", "tracy_copied_ns")):
            share = nvtx[ours] / nvtx[theirs]
            yield (f"  Tracy's client, connected, {what}", f"{nvtx[theirs]:.1f} ns, ours {share:.2f} of it", "<= 1.15 of it", share <= 1.15)
    else:
        yield ("  Tracy's client, connected", "no sources (RIDGE_TRACY)", "<= 1.15 of it", None)


def sqlite_rows(sqlite):
    limits = {"NVTX_EVENTS": 60, "CUPTI_ACTIVITY_KIND_RUNTIME": 60, "CUPTI_ACTIVITY_KIND_KERNEL": 120}
    for table, limit in limits.items():
        row = sqlite[table]
        yield (f"rows into {table}", f"{row['bulk_rows_per_s'] / 1e6:.2f} M/s = {row['ratio']:.1f} x prepared insert", ">= 5 x",
               row["ratio"] >= 5)
        yield ("  bytes per row, index included", f"{row['bytes_per_row']:.1f} B", f"<= {limit} B", row["bytes_per_row"] <= limit)
    end = sqlite["end_to_end"]
    yield ("spool to file", f"{end['events_per_s'] / 1e6:.2f} M ranges/s", ">= 5 M/s", end["events_per_s"] >= 5e6)


def recording_rows(recording):
    for row in recording["workloads"]:
        yield (f"recorded / not: {row['workload']}",
               f"{row['ratio_median']:.4f} (can tell {100 * row['smallest_visible_change']:.1f} %); events cost "
               f"{100 * row['bound_share']:.4f} %", "events <= 1 %", row["bound_share"] <= 0.01)


def workload_rows(peers):
    """Collectives and storage of the reference set (workload_peers.py)."""
    if peers["allreduce"] is None:
        yield ("all-reduce", "no mpirun here", "<= 1.05 x bare", None)
    for row in (peers["allreduce"] or {"sizes": []})["sizes"]:
        size = f"{row['bytes'] // 1024} KiB" if row["bytes"] < 1 << 20 else f"{row['bytes'] >> 20} MiB"
        judged = row["bytes"] >= 1 << 20
        for way, what in (("caller", "blocking"), ("thread", "by the communication thread")):
            added = 1e6 * (row[way] - row["bare"])
            yield (f"all-reduce {size}, {what}", f"{1e6 * row[way]:.1f} us = {row[way + '_ratio']:.3f} x MPI_Allreduce ({added:+.1f} us)",
                   "<= 1.05 x bare" if judged else "", row[way + "_ratio"] <= 1.05 if judged else None)
    if not peers["storage"]:
        yield ("storage", "no fio here (scripts/setup --test)", "within 5 % of fio", None)
    for row in peers["storage"] or []:
        yield (row["workload"], f"{row['ours_iops']:.0f} IOPS = {row['ratio']:.3f} x fio ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})",
               ">= 0.95 x fio", row["ratio"] >= 0.95)


def training_rows(training):
    """GPT-2's 124 million parameters beside llm.c (training_peer.py)."""
    if not training["llmc"]:
        yield ("training step beside llm.c", "no sources (RIDGE_LLMC)", ">= 3.4 x, bf16 5 x", None)
        return
    theirs = training["llmc"]["tokens_per_s"]
    for name, least in (("fp32", 3.4), ("bf16", 5)):
        row = training[name]
        if row is None:
            yield (f"training step of GPT-2 124M, {name}", "no products of this type here", f">= {least} x llm.c", None)
            continue
        yield (f"training step of GPT-2 124M, {name}", f"{row['tokens_per_s']:.0f} tokens/s = {row['ratio']:.2f} x llm.c ({theirs:.0f}); by processor "
               f"time {row['ratio_cpu']:.2f}", f">= {least} x llm.c", row["ratio"] >= least)


def history_rows(history):
    thousands = f"{history['results'] / 1000:.0f},000"
    for what, key in (("add of a run of 50 metrics", "add"), ("check, a planted step found", "check")):
        yield (f"history of {thousands} results, {what}", f"{history[key + '_s']:.3f} s, the slowest {history[f'worst_{key}_s']:.3f} s", "<= 1 s", history[f"worst_{key}_s"] <= 1)
    yield ("  import of all of them from CSV", f"{history['import_s']:.2f} s = {history['results'] / history['import_s'] / 1000:.0f} k results/s", "", None)


def program(build, name, *arguments):
    print(f"bench: {name} ...", file=sys.stderr)
    return json.loads(subprocess.run([str(build / "bin" / name), *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True).stdout)


def measure_kineto(build, quick):
    trace = largest_trace()
    return script("kineto_load.py", "--build", build, "--trace", trace, "--rounds", 2 if quick else 5) if trace else None


# name: how it is measured (build folder, quick), how its figures become rows
PARTS = {
    "nvtx": (lambda build, quick: script("nvtx_cost.py", build, "--runs", 2 if quick else 7, "--rounds", 60 if quick else 200), nvtx_rows),
    "sqlite": (lambda build, quick: program(build, "sqlite_throughput", 300000 if quick else 2000000, 3 if quick else 5), sqlite_rows),
    "recording": (lambda build, quick: script("recording_cost.py", "--build", build, "--blocks", 2 if quick else 6), recording_rows),
    "kineto": (measure_kineto, kineto_rows),
    "workloads": (lambda build, quick: script("workload_peers.py", "--build", build, "--rounds", 2 if quick else 6), workload_rows),
    "operators": (lambda build, quick: program(build, "workload_speed", 5 if quick else 25), operator_rows),
    "training": (lambda build, quick: script("training_peer.py", "--build", build, *(["--rounds", 1, "--steps", 1] if quick else [])), training_rows),
    "analysis": (lambda build, quick: script("analysis_scale.py", "--build", build, *(["--events", 1_000_000, "--rounds", 1] if quick else [])),
                 analysis_rows),
    "history": (lambda build, quick: script("history_scale.py", "--ridge", build / "bin/ridge", *(["--results", 20_000, "--repeats", 2] if quick else [])), history_rows),
    "viewer": (lambda build, quick: viewer.measure(build, viewer.QUICK if quick else viewer.SIZES), viewer.rows),
}


def print_table(table):
    width = max(len(row[0]) for row in table)
    middle = max(len(row[1]) for row in table)
    for what, measured, target, met in table:
        mark = "" if met is None else ("met" if met else "NOT MET")
        print(f"{what:<{width}}  {measured:<{middle}}  {target:<16} {mark}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", action="append", choices=PARTS, help="this part alone; may be given again (default: all)")
    parser.add_argument("-o", type=pathlib.Path, help="also write all figures as JSON")
    arguments = parser.parse_args()
    figures, table, failed = {"cpus": os.cpu_count()}, [], []
    for name in arguments.part or PARTS:
        measure, rows = PARTS[name]
        # One that fails does not take along what the others took many minutes to measure.
        try:
            figures[name] = measure(arguments.build, arguments.quick)
            table += rows(figures[name])
        except (subprocess.CalledProcessError, OSError, ValueError) as error:
            failed.append(name)
            print(f"bench: {name} failed: {error}; {(getattr(error, 'stderr', '') or '').strip()[-300:]}", file=sys.stderr)
    if table:
        print_table(table)
    if arguments.o:
        arguments.o.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
