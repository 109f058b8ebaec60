# SPDX-License-Identifier: Apache-2.0
"""A training step of GPT-2's 124 million parameters on one thread against llm.c's, in turns (A B B A).

llm.c's train_gpt2.c is taken from the folder that RIDGE_LLMC names and built outside of this repository with its
Makefile's options; without it nothing is measured. Prints JSON; progress goes to stderr.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BATCH, TOKENS = 4, 64


def build_llmc(sources, folder):
    source = pathlib.Path(sources).resolve() / "train_gpt2.c"
    if not source.is_file():
        sys.exit(f"training_peer.py: RIDGE_LLMC: {source} is not there")
    version = re.search(r"model_header\[1\] != (\d+)", source.read_text())
    if not version:
        sys.exit(f"training_peer.py: {source} does not say which version of checkpoints it reads")
    program = folder / "llmc_step"
    subprocess.run(["gcc", "-Ofast", "-march=native", "-w", f"-I{source.parent}", f'-DLLMC_SOURCE="{source}"',
                    f"-DLLMC_VERSION={version.group(1)}", str(HERE / "training_peer/llmc_step.c"), "-o", str(program), "-lm"], check=True)
    return program


def taken(command, stream):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=900, cwd=command[0].parent,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode == 77:
        return None
    if done.returncode != 0:
        raise RuntimeError(f"{command[0].name}: exit code {done.returncode}: {done.stderr.strip()[-300:]}")
    return json.loads(getattr(done, stream))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=4, help="pairs of processes")
    parser.add_argument("--steps", type=int, default=2, help="timed in each, after one that is not")
    arguments = parser.parse_args()
    if not os.environ.get("RIDGE_LLMC"):
        print("training_peer.py: without llm.c: RIDGE_LLMC names no folder with its sources", file=sys.stderr)
        json.dump({"llmc": None}, sys.stdout)
        return
    ours = (arguments.build / "bin/gpt2_step").resolve()
    with tempfile.TemporaryDirectory(prefix="ridge-llmc-") as folder:
        peer = build_llmc(os.environ["RIDGE_LLMC"], pathlib.Path(folder))
        commands = {"llmc": ([peer, pathlib.Path(folder) / "weights.bin", BATCH, TOKENS, arguments.steps], "stderr"),
                    "fp32": ([ours, "fp32", BATCH, TOKENS, arguments.steps], "stdout"),
                    "bf16": ([ours, "bf16", BATCH, TOKENS, arguments.steps], "stdout")}
        rounds = []
        for number in range(arguments.rounds):
            names = list(commands) if number % 2 == 0 else list(reversed(commands))
            rounds.append({name: taken(*commands[name]) for name in names})
            print(f"  round {number + 1} of {arguments.rounds}", file=sys.stderr)
    result = {"tokens": BATCH * TOKENS, "rounds": len(rounds)}
    for name in commands:
        if any(each[name] is None for each in rounds):
            result[name] = None
            continue
        result[name] = {"tokens_per_s": BATCH * TOKENS / statistics.median(each[name]["step_s"] for each in rounds),
                        "loss": rounds[-1][name]["loss"]}
        for field, clock in (("ratio", "step_s"), ("ratio_cpu", "step_cpu_s")):
            result[name][field] = statistics.median(each["llmc"][clock] / each[name][clock] for each in rounds)
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
