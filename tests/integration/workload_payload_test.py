# SPDX-License-Identifier: Apache-2.0
"""What a recorded step says it moved is what the formulas say, to the last byte; and the analyzer names the rank
that a straggler was made of."""
import json
import os
import shutil
import unittest

from support import BUILD, RIDGE, SANITIZED, WHY_NOT_SANITIZED, Case, main, query, record, run

WORKLOADS = BUILD / "bin" / "ridge-workloads"
MPI = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

# Per step and process: sums over the ranges with a work payload inside it.
IN_STEPS = """
WITH named AS (SELECT n.rowid id, n.start, n.end, n.globalTid tid, (n.globalTid / 0x1000000) process, COALESCE(n.text, s.value) name
               FROM NVTX_EVENTS n LEFT JOIN StringIds s ON s.id = n.textId WHERE n.eventType IN (59, 60)),
     steps AS (SELECT * FROM named WHERE name = 'step')
SELECT steps.process, steps.start, r.name, r.tid, w.opKind, w.bytesRead, w.bytesWritten, w.bytesCommunicated, w.communicator, w.sequence
FROM steps JOIN named r ON r.process = steps.process AND r.start >= steps.start AND r.end <= steps.end
           JOIN RIDGE_WORK w ON w.nvtxId = r.id
"""


def described(name):
    return json.loads(run(WORKLOADS, "--describe", f"--benchmark_filter=^{name}$").stdout)[0]


def steps_of(trace):
    steps = {}
    for process, start, *row in query(trace, IN_STEPS):
        steps.setdefault((process, start), []).append(row)
    return steps


class Payloads(Case):
    @unittest.skipUnless(shutil.which("mpirun"), "no mpirun here")
    def test_a_step_of_all_reduces_sums_up_to_the_ring_formula(self):
        for ranks in (2, 4):
            trace = self.folder / f"{ranks}.sqlite"
            spec = described("comm.allreduce/1MiB")
            done = record(trace, ["mpirun", "-n", str(ranks), "--oversubscribe", WORKLOADS, "--benchmark_filter=^comm.allreduce/1MiB$"],
                          "--trace", "nvtx", env=MPI)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertSound(trace)
            steps = steps_of(trace)
            self.assertEqual(len(steps), ranks * spec["steps"])
            calls = 2 * int(spec["params"]["batch"])  # out of place and in place
            size = int(spec["params"]["bytes"])
            for rows in steps.values():
                self.assertEqual(len(rows), calls)
                self.assertEqual(sum(row[5] for row in rows), calls * 2 * (ranks - 1) * size // ranks)
            # Every rank counts alike: each number once per rank.
            numbers = {}
            for rows in steps.values():
                for row in rows:
                    numbers[(row[6], row[7])] = numbers.get((row[6], row[7]), 0) + 1
            self.assertEqual(set(numbers.values()), {ranks})

    def test_a_step_that_saves_writes_the_state_and_a_manifest(self):
        spec = described("ckpt.save/sync")
        done = record(self.trace, [WORKLOADS, "--benchmark_filter=^ckpt.save/sync$", f"--data-dir={self.folder}"], "--trace", "nvtx")
        if done.returncode == 77:
            self.skipTest(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        steps = steps_of(self.trace)
        self.assertEqual(len(steps), spec["steps"])
        for rows in steps.values():
            written = sorted(row[4] for row in rows if row[2] == 9 and row[0] == "checkpoint.write")
            self.assertEqual(len(written), int(spec["params"]["shards"]) + 1)
            manifest = written.pop(0)
            self.assertEqual(sum(written), int(spec["params"]["bytes"]))
            self.assertTrue(0 < manifest < 4096, manifest)

    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_a_deep_queue_is_seen_though_no_hook_sees_it(self):
        spec = described("io.depth/uring-4k-qd32")
        done = record(self.trace, [WORKLOADS, "--benchmark_filter=^io.depth/uring-4k-qd32$", f"--data-dir={self.folder}"],
                      "--trace", "nvtx,io")
        if done.returncode == 77:
            self.skipTest(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        read = int(spec["params"]["reads_per_step"]) * int(spec["params"]["block_bytes"])
        for rows in steps_of(self.trace).values():
            self.assertEqual([(row[2], row[3]) for row in rows], [(9, read)])


@unittest.skipUnless(shutil.which("mpirun"), "no mpirun here")
class Straggler(Case):
    def test_the_rank_is_named(self):
        victim = int(described("train.fault/straggler")["params"]["rank"])
        done = record(self.trace, ["mpirun", "-n", "2", "--oversubscribe", WORKLOADS, "--benchmark_filter=^train.fault/straggler$"],
                      "--trace", "nvtx", env=MPI)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = self.folder / "report.json"
        done = run(RIDGE, "analyze", self.trace, "--json", report)
        self.assertEqual(done.returncode, 0, done.stderr)
        findings = [f for f in json.loads(report.read_text())["findings"] if f["rule"] == "wait_for_peers"]
        self.assertEqual(len(findings), 1)
        self.assertEqual(findings[0]["cause"], "straggler")
        self.assertIn(f"rank {victim}", findings[0]["title"])


if __name__ == "__main__":
    main()
