# SPDX-License-Identifier: Apache-2.0
"""The reference set's collectives and storage against what others get in the same run: MPI_Allreduce called bare,
and fio with the same engine, size and depth, in turns on one disk. Prints JSON; progress goes to stderr.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

# Our variant, and fio's words for the same.
STORAGE = {
    "io.depth/psync-4k": ("psync", "4k", 1),
    "io.depth/uring-4k-qd32": ("io_uring", "4k", 32),
    "io.depth/psync-1M": ("psync", "1m", 1),
    "io.depth/uring-1M-qd32": ("io_uring", "1m", 32),
}


def allreduce(build, rounds):
    program = build / "bin/allreduce_cost"
    if not program.exists() or not shutil.which("mpirun"):
        return None
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    done = subprocess.run(["mpirun", "-n", "2", "--oversubscribe", str(program), str(rounds)], capture_output=True, text=True,
                          timeout=600, env=environment)
    if done.returncode != 0:
        print(f"  all-reduce: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout)


def ours(build, name, folder):
    out = folder / "out.json"
    done = subprocess.run([str(build / "bin/ridge-workloads"), f"--benchmark_filter=^{name}$", f"--benchmark_out={out}",
                           "--benchmark_out_format=json", f"--data-dir={folder}"], capture_output=True, text=True, timeout=300)
    if done.returncode == 77:
        return None
    if done.returncode != 0:
        raise RuntimeError(f"{name}: exit code {done.returncode}: {done.stderr.strip()[-300:]}")
    return json.loads(out.read_text())["benchmarks"][0]["iops"]


def run_fio(folder, *options):
    done = subprocess.run(["fio", "--name=peer", "--thread", f"--filename={folder / 'fio.bin'}", "--size=1g", "--direct=1",
                           "--output-format=json", *options], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"fio: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]


def fio(folder, engine, block, depth, seconds):
    # Ours writes its file right before it reads; what lies below the file system may remember that.
    (folder / "fio.bin").unlink(missing_ok=True)
    run_fio(folder, "--rw=write", "--bs=4m", "--ioengine=psync", "--end_fsync=1", "--refill_buffers")
    job = run_fio(folder, "--rw=randread", f"--ioengine={engine}", f"--bs={block}", f"--iodepth={depth}", "--time_based",
                  f"--runtime={seconds}", "--randrepeat=1", "--invalidate=0")
    return job["read"]["iops"]


def storage(build, folder, rounds, seconds):
    rows = []
    for name, (engine, block, depth) in STORAGE.items():
        pairs = []
        for number in range(rounds):
            both = {}
            for who in ("ours", "fio") if number % 2 == 0 else ("fio", "ours"):
                both[who] = ours(build, name, folder) if who == "ours" else fio(folder, engine, block, depth, seconds)
            if both["ours"] is None:
                break
            pairs.append(both)
        if not pairs:
            continue
        ratios = [pair["ours"] / pair["fio"] for pair in pairs]
        rows.append({"workload": name, "rounds": len(pairs), "ours_iops": statistics.median(p["ours"] for p in pairs),
                     "fio_iops": statistics.median(p["fio"] for p in pairs), "ratio": statistics.median(ratios),
                     "ratio_min": min(ratios), "ratio_max": max(ratios)})
        print(f"  {name}: {rows[-1]['ratio']:.3f} of fio", file=sys.stderr)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=6, help="pairs of runs per storage variant")
    parser.add_argument("--seconds", type=float, default=1.5, help="of one fio run")
    parser.add_argument("--data-dir", type=pathlib.Path, help="a folder on the disk to measure")
    arguments = parser.parse_args()
    result = {"allreduce": allreduce(arguments.build, 5 * arguments.rounds), "storage": None}
    if shutil.which("fio"):
        with tempfile.TemporaryDirectory(prefix="ridge-bench-", dir=arguments.data_dir) as folder:
            result["storage"] = storage(arguments.build, pathlib.Path(folder), arguments.rounds, arguments.seconds)
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
