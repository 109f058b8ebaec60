# SPDX-License-Identifier: Apache-2.0
"""Programs that a launcher starts, recorded by the environment alone (ridge record --print-env): env, mpirun, srun,
something like torchrun. Whatever becomes of the recording, the program runs as it was meant to."""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
import unittest

import slurm
from support import BUILD, RIDGE, SANITIZED, WHY_NOT_SANITIZED, Case, losses, main, query, ranges, run

COUNTING = BUILD / "bin" / "counting_ranges"
MPI_RANGES = BUILD / "bin" / "mpi_ranges"
MPIRUN = ["mpirun", "--oversubscribe", "-n"]
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

# As torchrun does: a Python process that starts its ranks with variables of their own.
TORCHRUN = """
import os, subprocess, sys
ranks = [subprocess.Popen([*sys.argv[2:], f"counter{r}", "2000"], env={**os.environ, "RANK": str(r), "WORLD_SIZE": sys.argv[1]})
         for r in range(int(sys.argv[1]))]
sys.exit(max(r.wait() for r in ranks))
"""


def until(condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


class Launched(Case):
    def environment(self, output, *options, **more):
        """What a job script has after eval."""
        printed = run(RIDGE, "record", "--print-env", "-o", output, *options, cwd=self.folder)
        self.assertEqual(printed.returncode, 0, printed.stderr)
        # With what the shell itself has: any program that it started would be recorded already.
        names = re.findall(r"(?m)^export (\w+)=", printed.stdout)
        told = "".join(f'printf "{name}=%s\\0" "${name}"; ' for name in names)
        shell = run("sh", "-c", f'eval "$1"; {told}', "sh", printed.stdout)
        self.assertEqual(shell.returncode, 0, shell.stderr)
        return {**os.environ, **MPI, **more, **dict(line.split("=", 1) for line in shell.stdout.split("\0") if line)}

    def launch(self, environment, *command, code=0, **options):
        result = run(*command, env=environment, cwd=self.folder, **options)
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def ended(self, name):
        path = self.folder / name
        return int.from_bytes(path.read_bytes()[:8], "little") if path.exists() else 0

    def whole(self, path, text="counted"):
        return sum(1 for row in ranges(path, text) if row[2] is not None)

    def assertNothingElse(self, *names):
        self.assertEqual(sorted(p.name for p in self.folder.glob("*.sqlite*")), sorted(names))


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
class OneProgram(Launched):
    def test_a_program_by_itself(self):
        environment = self.environment("one.sqlite", "--trace", "nvtx,io", "--no-sample", "-q")
        result = self.launch(environment, COUNTING, "counter", "3000")
        self.assertEqual((result.stdout, result.stderr), ("", ""))
        one = self.folder / "one.sqlite"
        self.assertEqual(self.whole(one), 3000)
        self.assertSound(one)
        self.assertEqual(json.loads(query(one, "SELECT command FROM RIDGE_RUN")[0][0])[1:], ["counter", "3000"])
        # The environment of a recording is that of the program, without the library by which it began.
        plain = self.folder / "plain.sqlite"
        run(RIDGE, "record", "-q", "-o", plain, "--", "true", cwd=self.folder)
        key = "SELECT value FROM RIDGE_ENVIRONMENT WHERE name = 'environment.key'"
        self.assertEqual(query(one, key), query(plain, key))

    def test_what_is_no_recorder_does_not_go_round(self):
        environment = self.environment("one.sqlite", "-q")
        script = self.folder / "wrapped"
        script.write_text(f'#!/bin/sh\nexec {RIDGE} "$@"\n')
        script.chmod(0o755)
        result = self.launch({**environment, "RIDGE_START": "/bin/true"}, COUNTING, "counter", "30", timeout=30)
        self.assertIn("not recorded: /bin/true is not ridge", result.stderr)
        self.assertEqual(self.ended("counter"), 30)
        self.launch({**environment, "RIDGE_START": str(script)}, COUNTING, "counter", "300", timeout=30)
        self.assertEqual(self.whole(self.folder / "one.sqlite"), 300)

    def test_output_input_arguments_and_exit_code_are_the_programs(self):
        environment = self.environment("%n.sqlite", "-q")
        result = self.launch(environment, "sh", "-c", 'cat; printf "<%s>" "$@"; exit 7', "sh", "a b", "", "-o", "--", "--force", code=7, input="in\n")
        self.assertEqual((result.stdout, result.stderr), ("in\n<a b><><-o><--><--force>", ""))

    def test_signals_reach_the_program(self):
        environment = self.environment("signals.sqlite", "-q")
        script = "trap 'echo usr1' USR1; trap 'echo term; exit 9' TERM; echo ready; while :; do sleep 0.02; done"
        process = subprocess.Popen(["sh", "-c", script], env=environment, cwd=self.folder, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), "usr1\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual((process.communicate(timeout=60)[0], process.returncode), ("term\n", 9))
        self.assertSound(self.folder / "signals.sqlite")

    def test_who_kills_what_he_started_has_killed_the_program(self):
        environment = self.environment("killed.sqlite", "-q")
        process = subprocess.Popen([str(COUNTING), "counter", "100000000"], env=environment, cwd=self.folder)
        while self.ended("counter") < 3000 and process.poll() is None:
            time.sleep(0.005)
        child = int(run("pgrep", "-P", process.pid).stdout)
        process.kill()
        process.wait()
        deadline = time.monotonic() + 20
        while os.path.exists(f"/proc/{child}") and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(os.path.exists(f"/proc/{child}"), "the program ended with the process that was launched")
        killed = self.folder / "killed.sqlite"
        told = run(RIDGE, "analyze", killed)
        self.assertEqual(told.returncode, 2)
        hint = told.stderr[told.stderr.index("ridge record --recover"):].split(" makes")[0]
        self.assertEqual(run(RIDGE, *shlex.split(hint)[1:]).returncode, 0, "as it said")
        self.assertIn(self.whole(killed), (self.ended("counter"), self.ended("counter") + 1))
        self.assertEqual(losses(killed), [])

    def test_processes_without_the_variable_are_left_alone(self):
        environment = self.environment("rank-%q{RANK}.sqlite", "-q")
        self.launch(environment, "sh", "-c", f"true; {COUNTING} counter 10")
        self.assertNothingElse()
        self.launch(environment, "python3", "-c", TORCHRUN, "3", COUNTING)
        self.assertNothingElse("rank-0.sqlite", "rank-1.sqlite", "rank-2.sqlite")
        for rank in range(3):
            path = self.folder / f"rank-{rank}.sqlite"
            self.assertEqual(self.whole(path), 2000)
            self.assertEqual(query(path, "SELECT DISTINCT rank, worldSize FROM RIDGE_RANK"), [(rank, 3)])
            self.assertSound(path)

    def test_what_cannot_be_recorded_runs_all_the_same(self):
        environment = self.environment("once.sqlite")
        (self.folder / "once.sqlite").write_text("precious")
        result = self.launch(environment, "sh", "-c", 'echo "$1"; exit 5', "sh", "out", code=5)
        self.assertEqual(result.stdout, "out\n")
        self.assertRegex(result.stderr, r"\Aridge: not recorded: .*once\.sqlite: exists already[^\n]*\n\Z")
        self.assertEqual((self.folder / "once.sqlite").read_text(), "precious")
        (self.folder / "rank-7.sqlite").write_text("precious")
        ranked = self.environment("rank-%q{RIDGE_TEST_RANK}.sqlite")
        result = self.launch({**ranked, "RIDGE_TEST_RANK": "7"}, "sh", "-c", "exit 5", code=5)
        self.assertIn("rank-7.sqlite: exists already", result.stderr)
        # So also where a setting is wrong, or ridge is gone.
        for broken in ({"RIDGE_RECORD_SAMPLE_RATE": "many"}, {"RIDGE_RECORD_TRACE": "nvxt"}, {"RIDGE_START": "/no/such/ridge"}):
            result = self.launch({**environment, "RIDGE_RECORD_OUTPUT": str(self.folder / "u.sqlite"), **broken}, "sh", "-c", "echo ran; exit 3", code=3)
            self.assertEqual(result.stdout, "ran\n")
            self.assertIn("ridge: not recorded:", result.stderr)
            self.assertFalse((self.folder / "u.sqlite").exists())

    def test_what_print_env_refuses(self):
        for wrong in (["true"], ["--recover", "x"], ["--json", "j"], ["--counters", "kernel"], ["-o", "%z"], ["--trace", "bogus"]):
            result = run(RIDGE, "record", "--print-env", *wrong, cwd=self.folder)
            self.assertEqual((result.returncode, result.stdout), (2, ""), wrong)
            self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_settings_come_through_as_they_were_given(self):
        environment = self.environment("it's.sqlite", "--io-class", "data=*/a b/*", "--io-class", "checkpoint=*'*", "--trace", "nvtx,io",
                                       "--nvtx-domain-exclude", "x,y")
        self.assertEqual(environment["RIDGE_RECORD_IO_CLASS"], "data=*/a b/*\ncheckpoint=*'*")
        self.launch(environment, COUNTING, "counter", "10")
        self.assertEqual(self.whole(self.folder / "it's.sqlite"), 10)
        dumped = run(RIDGE, "--dump-config", "record", env=environment, cwd=self.folder).stdout
        self.assertIn('io-class = ["data=*/a b/*", "checkpoint=*\'*"]', dumped)


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
@unittest.skipUnless(shutil.which("mpirun") and MPI_RANGES.exists(), "no MPI")
class Ranks(Launched):
    def test_a_file_per_rank(self):
        environment = self.environment("rank-%q{OMPI_COMM_WORLD_RANK}.sqlite", "-q")
        result = self.launch(environment, *MPIRUN, "3", MPI_RANGES, "5000")
        self.assertEqual(result.stdout, "sum 3\n")
        files = [f"rank-{rank}.sqlite" for rank in range(3)]
        self.assertNothingElse(*files)
        for path in files:
            self.assertEqual(self.whole(self.folder / path, "of a rank"), 5000)
            self.assertSound(self.folder / path)
        merged = run(RIDGE, "merge", *files, "-o", "all.sqlite", cwd=self.folder)
        self.assertEqual(merged.returncode, 0, merged.stderr)
        everything = self.folder / "all.sqlite"
        self.assertEqual(self.whole(everything, "of a rank"), 15000)
        self.assertEqual(query(everything, "SELECT DISTINCT rank, worldSize FROM RIDGE_RANK ORDER BY 1"), [(0, 3), (1, 3), (2, 3)])

    def test_a_file_per_host(self):
        environment = self.environment("node-%h.sqlite", "-q")
        result = self.launch(environment, *MPIRUN, "4", MPI_RANGES, "5000")
        self.assertEqual((result.stdout, result.stderr), ("sum 6\n", ""))
        name = f"node-{os.uname().nodename}.sqlite"
        self.assertNothingElse(name)
        path = self.folder / name
        self.assertEqual(self.whole(path, "of a rank"), 20000)
        self.assertEqual(query(path, "SELECT DISTINCT rank FROM RIDGE_RANK ORDER BY 1"), [(r,) for r in range(4)])
        self.assertEqual(query(path, "SELECT outcome FROM RIDGE_RUN"), [("complete",)])
        self.assertSound(path)

    def test_who_ends_first_is_not_held_by_those_that_joined(self):
        environment = self.environment("both.sqlite", "-q", "--trace", "nvtx", "--no-sample")
        start = lambda name: subprocess.Popen([COUNTING, f"counter-{name}", "100", f"gate-{name}"], env=environment, cwd=self.folder, text=True,
                                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with start("a") as a:
            until(lambda: self.ended("counter-a") == 99)
            with start("b") as b:
                until(lambda: self.ended("counter-b") == 99)
                self.assertTrue(list(self.folder.glob("both.sqlite.spool/*.joined")))
                (self.folder / "gate-a").touch()
                self.assertEqual(a.wait(timeout=60), 0)
                self.assertIsNone(b.poll())
                (self.folder / "gate-b").touch()
                self.assertEqual(b.wait(timeout=60), 0)
        self.assertEqual(self.ended("counter-b"), 100)
        path = self.folder / "both.sqlite"
        self.assertEqual(self.whole(path), 199)
        self.assertEqual(query(path, "SELECT outcome FROM RIDGE_RUN"), [("detached",)])

    def test_a_rank_that_is_killed(self):
        environment = self.environment("rank-%q{OMPI_COMM_WORLD_RANK}.sqlite", "-q")
        result = run(*MPIRUN, "3", MPI_RANGES, "5000", "1", env=environment, cwd=self.folder)
        self.assertEqual(result.returncode, 137, result.stderr)
        recovered = 0
        for rank in range(3):  # mpirun kills what does not end within a second of its SIGTERM, recorders as well
            path = self.folder / f"rank-{rank}.sqlite"
            deadline = time.monotonic() + 20
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.1)  # one that lives refuses to have its session recovered
                recovered += run(RIDGE, "record", "--recover", f"{path}.spool", "-o", path).returncode == 0
            self.assertEqual(self.whole(path, "of a rank"), 5000, f"rank {rank}: all that had ended is there")
            self.assertSound(path)
        print(f"a rank was killed: {3 - recovered} files were made, {recovered} recovered, 0 of 15000 ranges lost")

    def test_merge_tells_of_a_rank_that_has_no_file(self):
        environment = self.environment("rank-%q{OMPI_COMM_WORLD_RANK}.sqlite", "-q")
        self.launch(environment, *MPIRUN, "2", MPI_RANGES, "100")
        left = self.folder / "rank-2.sqlite.spool"
        left.mkdir()
        (left / "session.json").write_text("{}")
        merged = run(RIDGE, "merge", "rank-0.sqlite", "rank-1.sqlite", "-o", "all.sqlite", cwd=self.folder)
        self.assertEqual(merged.returncode, 0, merged.stderr)
        self.assertIn(f"ridge record --recover {left} -o", merged.stderr)


@unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
class Slurm(Launched):
    def test_srun(self):
        if why := slurm.missing():
            self.skipTest(why)
        with slurm.cluster(self.folder / "slurm") as cluster:
            environment = self.environment("rank-%q{SLURM_PROCID}.sqlite", "-q", SLURM_CONF=cluster["SLURM_CONF"])
            # As in a batch script, where SLURM_PROCID is set already: srun is no rank.
            self.launch({**environment, "SLURM_PROCID": "0"}, "srun", "-n", "2", "sh", "-c", f'exec {COUNTING} counter$SLURM_PROCID 3000')
        self.assertNothingElse("rank-0.sqlite", "rank-1.sqlite")
        for rank in range(2):
            path = self.folder / f"rank-{rank}.sqlite"
            self.assertEqual(self.whole(path), 3000)
            self.assertSound(path)


if __name__ == "__main__":
    main()
