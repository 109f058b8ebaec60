# SPDX-License-Identifier: Apache-2.0
"""Signals, limits and leftovers: Ctrl-C of `ridge run` and `ridge record`, a workload that hangs, --duration,
--recover on good, damaged and foreign folders, and --json. Workloads are a stand-in, so that it hangs on demand."""
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import time
import unittest

from support import BUILD, RIDGE, Case, losses, main, program_of, query, ranges, record, run, wait_for_end

COUNTING = BUILD / "bin" / "counting_ranges"

# Speaks ridge-workloads' own protocol: --describe, --ceilings, --result. "hang" never ends by itself and,
# as "stubborn", not by SIGINT or SIGTERM either.
STANDIN = """#!/usr/bin/python3
import json, os, re, signal, subprocess, sys, time
options = dict(a.lstrip("-").split("=", 1) if "=" in a else (a.lstrip("-"), "") for a in sys.argv[1:])
names = ["good/a", "hang/b", "good/c"]
if "describe" in options:
    print(json.dumps([{"name": n, "family": n.split("/")[0], "presets": ["smoke"], "ranks": 1} for n in names]))
elif "ceilings" in options:
    open(options["ceilings"], "w").write(json.dumps({"schema_version": "1", "roofs": []}))
else:
    name = options["benchmark_filter"].strip("^$").replace("\\\\", "")
    if name.startswith("hang"):
        if os.environ.get("STUBBORN"):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "600"])
        open(os.environ["STARTED"], "w").write(f"{os.getpid()} {child.pid}")
        while True:
            time.sleep(1)
    open(options["result"], "w").write(json.dumps({"workloads": [{"name": name, "status": "ok", "detail": "checked",
        "runs": [{"step_seconds": [0.1], "metrics": []}]}]}))
"""


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as text:
            return text.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class RunInterrupted(Case):
    def setUp(self):
        super().setUp()
        self.standin = self.folder / "standin"
        self.standin.write_text(STANDIN)
        self.standin.chmod(self.standin.stat().st_mode | stat.S_IXUSR)
        self.started = self.folder / "started"
        self.out = self.folder / "out"

    def environment(self, **more):
        return dict(os.environ, RIDGE_WORKLOADS=str(self.standin), STARTED=str(self.started), **more)

    def start(self, *options, **more):
        process = subprocess.Popen([str(RIDGE), "run", "--preset", "smoke", "-o", str(self.out), *options],
                                   env=self.environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, start_new_session=True)
        self.addCleanup(process.kill)
        return process

    def await_hanging(self, process):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if self.started.exists() and len(self.started.read_text().split()) == 2:
                return [int(pid) for pid in self.started.read_text().split()]
            time.sleep(0.02)
        self.fail("the hanging workload was never started")

    def reports(self):
        report = json.loads((self.out / "report.json").read_text())
        self.assertTrue((self.out / "report.html").exists())
        return report, json.loads((self.out / "run.json").read_text())

    def check_interrupted(self, process, number):
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + number, errors)
        report, stored = self.reports()
        unbegun = "interrupted: 1 of 3 chosen workloads never began"
        self.assertIn(unbegun, errors)
        self.assertIn(unbegun, [w["message"] for w in stored["warnings"]])
        self.assertIn(unbegun, [check["detail"] for check in report["gate"]])
        states = {b["name"]: b["status"] for b in stored["benchmarks"]}
        self.assertEqual(states["good/a"], "ok", "what had finished is in the reports")
        self.assertEqual(states["hang/b"], "skipped")
        self.assertNotEqual(states.get("good/c"), "ok", "nothing new was started")

    def test_sigterm_to_ridge_alone_ends_the_workload_and_writes_what_there_is(self):
        process = self.start()
        pids = self.await_hanging(process)
        process.send_signal(signal.SIGTERM)
        self.check_interrupted(process, signal.SIGTERM)
        self.assertFalse(alive(pids[0]))
        subprocess.run(["kill", "-9", str(pids[1])], capture_output=True)

    def test_ctrl_c_reaches_the_whole_group(self):
        process = self.start()
        self.await_hanging(process)
        os.killpg(process.pid, signal.SIGINT)
        self.check_interrupted(process, signal.SIGINT)

    def test_a_workload_that_ignores_signals_is_killed_all_the_same(self):
        process = self.start(STUBBORN="1")
        pids = self.await_hanging(process)
        process.send_signal(signal.SIGINT)
        self.check_interrupted(process, signal.SIGINT)
        self.assertFalse([pid for pid in pids if alive(pid)])

    def test_a_workload_that_hangs_has_failed(self):
        before = time.monotonic()
        process = self.start("--timeout", "2", STUBBORN="1")
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 4, errors)
        self.assertLess(time.monotonic() - before, 40)
        _, stored = self.reports()
        hung = next(b for b in stored["benchmarks"] if b["name"] == "hang/b")
        self.assertEqual(hung["status"], "error")
        self.assertIn("--timeout", hung["reason"])
        self.assertEqual([b["status"] for b in stored["benchmarks"] if b["name"] != "hang/b"], ["ok", "ok"])
        self.assertFalse([pid for pid in map(int, self.started.read_text().split()) if alive(pid)])

    def test_run_json_says_what_was_measured(self):
        process = self.start("--filter", "^good")
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        _, stored = self.reports()
        self.assertEqual(stored["run"]["argv"][1:3], ["run", "--preset"])
        self.assertIn("^good", stored["run"]["argv"])
        subject = stored["subject"]
        digest = run("sha256sum", self.standin).stdout.split()[0]
        self.assertEqual(subject["binary_sha256"], digest)
        self.assertIsNone(subject["compiler"], "a program from elsewhere: its build is not known")
        self.assertIsNone(subject["git_sha"])


def no_core_file():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class RecordInterrupted(Case):
    def start(self, *options, program=(COUNTING,)):
        self.counter = self.folder / "counter"
        process = subprocess.Popen([str(RIDGE), "record", *options, "-o", str(self.trace), "--", *map(str, program),
                                    str(self.counter)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True, preexec_fn=no_core_file)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 20
        while self.ended() < 5000 and time.monotonic() < deadline:
            time.sleep(0.005)
        return process

    def ended(self):
        try:
            return int.from_bytes(self.counter.read_bytes()[:8], "little")
        except OSError:
            return 0

    def check_whole(self):
        complete = sum(1 for row in ranges(self.trace, "counted") if row[2] is not None)
        self.assertIn(complete, (self.ended(), self.ended() + 1))
        self.assertSound(self.trace)

    def test_signals_to_the_recorder_go_on_to_the_program(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(signal=number.name):
                process = self.start("--force")
                process.send_signal(number)
                _, errors = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 128 + number, errors)
                self.check_whole()
                self.counter.unlink()

    def test_ctrl_c_of_the_group(self):
        process = self.start()
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)
        self.check_whole()

    def test_a_program_that_handles_the_signal_keeps_its_exit_code(self):
        ready = self.folder / "ready"
        process = subprocess.Popen([str(RIDGE), "record", "-o", str(self.trace), "--", "sh", "-c",
                                    f"trap 'exit 9' TERM; touch {ready}; while :; do sleep 0.05; done"],
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        while not ready.exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 9)
        self.assertSound(self.trace)

    def test_duration_ends_the_recording_and_not_the_program(self):
        counter = self.folder / "counter"
        result = record(self.trace, [COUNTING, counter, "20000000"], "--duration", "0.5", "--no-sample", timeout=110)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(int.from_bytes(counter.read_bytes()[:8], "little"), 20000000, "the program ran to its end")
        rows = ranges(self.trace, "counted")
        self.assertGreater(len(rows), 1000)
        self.assertLess(len(rows), 20000000)
        duration = query(self.trace, "SELECT durationNs FROM RIDGE_RUN")[0][0]
        self.assertGreaterEqual(duration, 5e8)
        self.assertLess(duration, 2e9)
        self.assertLess(max(row[1] for row in rows), 2e9, "nothing later was taken")
        self.assertSound(self.trace)


class Recover(Case):
    def left_over(self):
        """The session folder of a recorder that was killed, with the 300,000 ranges that its program ended."""
        counter = self.folder / "counter"
        gate = self.folder / "gate"
        recorder = subprocess.Popen([str(RIDGE), "record", "--no-sample", "-o", str(self.trace), "--", str(COUNTING),
                                     str(counter), "300000", str(gate)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not counter.exists() or int.from_bytes(counter.read_bytes()[:8], "little") < 2000:
            time.sleep(0.005)
        program = program_of(recorder)
        recorder.kill()
        recorder.wait()
        gate.touch()
        wait_for_end(program)
        self.assertEqual(int.from_bytes(counter.read_bytes()[:8], "little"), 300000)
        gate.unlink()
        return self.folder / "t.sqlite.spool"

    def one_line(self, code, *arguments):
        result = run(RIDGE, *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        return result.stderr

    def test_a_good_folder_gives_everything_once(self):
        spool = self.left_over()
        summary = self.folder / "summary.json"
        result = run(RIDGE, "record", "--recover", spool, "-o", self.trace, "--json", summary)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sum(1 for r in ranges(self.trace, "counted") if r[2] is not None), 300000)
        self.assertGreaterEqual(json.loads(summary.read_text())["events"], 300000)
        self.assertSound(self.trace)
        self.one_line(2, "record", "--recover", spool, "-o", self.folder / "again.sqlite")

    def test_a_damaged_folder_gives_what_is_readable_and_counts_the_rest(self):
        spool = self.left_over()
        rings = json.loads((spool / "session.json").read_text())["ring_dir"]
        biggest = max(spool.glob("*-*.spool"), key=lambda p: p.stat().st_size)
        size = biggest.stat().st_size
        with open(biggest, "r+b") as file:
            file.seek(size // 2 & ~7)
            file.write(b"\xff" * 64)
        (spool / "stray.spool").write_bytes(os.urandom(4096))
        (spool / "stray.head").write_bytes(b"no header")
        result = run(RIDGE, "record", "--recover", spool, "-o", self.trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(query(self.trace, "PRAGMA integrity_check"), [("ok",)])
        self.assertIn("corrupt_spool", {source for source, _ in losses(self.trace)})
        self.assertGreater(len(ranges(self.trace, "counted")), 1000)
        self.assertFalse(os.path.exists(rings))

    def test_spools_that_were_cut_or_removed_are_named_and_counted(self):
        for cut in (True, False):
            with self.subTest(cut=cut):
                spool = self.left_over()
                biggest = max(spool.glob("*-*.spool"), key=lambda p: p.stat().st_size)
                size = biggest.stat().st_size
                self.assertGreater(size, 4096)
                os.truncate(biggest, size // 2 + 3) if cut else biggest.unlink()
                result = run(RIDGE, "record", "--force", "--recover", spool, "-o", self.trace)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(biggest.name, result.stderr)
                rows = query(self.trace, "SELECT count, detail FROM RIDGE_LOSS WHERE source = 'missing_spool_bytes'")
                self.assertEqual(len(rows), 1)
                self.assertGreaterEqual(rows[0][0], size // 2 - 3)
                self.assertIn(biggest.name, rows[0][1])
                # By their kind: the records of their names may be among what is gone.
                there = query(self.trace, "SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end > 0")[0][0]
                self.assertLess(there, 300000)
                self.assertLess(abs(there + rows[0][0] / 32 - 300000), 300, "what is missing is what was counted")
                (self.folder / "counter").unlink()
                self.trace.unlink()

    def test_a_damaged_session_file_is_one_line_and_nothing_is_removed(self):
        spool = self.left_over()
        whole = (spool / "session.json").read_text()
        for bad in ("", whole[: len(whole) // 2], "[]", '{"format": "something else"}', '{"format": 7}'):
            (spool / "session.json").write_text(bad)
            self.one_line(2, "record", "--recover", spool, "-o", self.trace)
            self.assertFalse(self.trace.exists())
        (spool / "session.json").write_text(whole)
        self.assertEqual(run(RIDGE, "record", "--recover", spool, "-o", self.trace).returncode, 0)

    def test_a_foreign_folder_is_left_alone(self):
        foreign = self.folder / "photos"
        foreign.mkdir()
        (foreign / "holiday.jpg").write_bytes(b"precious")
        self.one_line(2, "record", "--recover", foreign, "-o", self.trace)
        self.one_line(2, "record", "--recover", foreign / "holiday.jpg", "-o", self.trace)
        self.assertEqual((foreign / "holiday.jpg").read_bytes(), b"precious")
        self.assertFalse(self.trace.exists())


class RecordUsage(Case):
    """What is wrong with the command is said in one line, with code 2, before the program runs."""

    def refused(self, *options, program=("touch",), says=(), code=2):
        ran = self.folder / "ran"
        result = run(RIDGE, "record", *options, *(("--", *program, ran) if program else ()), cwd=self.folder)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        for text in says:
            self.assertIn(text, result.stderr)
        self.assertNotIn(".spool:", result.stderr)
        self.assertFalse(ran.exists(), "the program did not run")
        return result.stderr

    def test_outputs(self):
        (self.folder / "file").write_text("x")
        self.refused("-o", "no/such/t.sqlite", says=["no such folder"])
        self.refused("-o", "file/t.sqlite", says=["no folder"])
        self.refused("-o", "", says=["empty"])
        self.refused("--json", "no/such/s.json", says=["no/such/s.json"])
        self.refused("--json", "file", says=["--force"])
        self.refused("-o", "same", "--json", "./same", says=["two outputs"])
        self.refused("-o", "/proc/t.sqlite", says=["/proc/t.sqlite"])

    def test_numbers(self):
        for bad in ("nan", "inf", "-inf", "-1", "1e300", "x", ""):
            self.refused(f"--duration={bad}")

    def test_options_without_two_dashes(self):
        for words in (["ls", "-l"], ["ls", "-q"], ["ls", "-o", "x"], ["ls", "--unknown"]):
            self.assertIn("--", self.refused(*words, program=None, says=[words[1], "after --"]))
        self.refused("--unknown", says=["--unknown"])
        self.refused(program=None, says=["no program"])
        self.assertEqual(run(RIDGE, "record", "-o", self.trace, "true").returncode, 0, "none are needed without options")

    def test_recover(self):
        self.refused("--recover", "", program=None, says=["no folder was named"])
        self.refused("--recover", "nowhere", program=None, says=["nowhere"])

    def test_a_running_recording_is_not_to_be_removed(self):
        ready = self.folder / "ready"
        first = subprocess.Popen([str(RIDGE), "record", "-o", str(self.trace), "--", "sh", "-c",
                                  f"touch {ready}; exec sleep 60"], stderr=subprocess.DEVNULL)
        self.addCleanup(first.kill)
        while not ready.exists() and first.poll() is None:
            time.sleep(0.01)
        said = self.refused("-o", self.trace, says=[str(first.pid)])
        self.assertNotIn("remove", said)
        self.refused("--force", "-o", self.trace, says=[str(first.pid)])
        first.terminate()
        self.assertEqual(first.wait(30), 143)
        self.assertSound(self.trace)


class Outputs(Case):
    def test_record_json_is_apart_from_the_programs_output(self):
        summary = self.folder / "summary.json"
        result = record(self.trace, ["sh", "-c", "echo data; exit 3"], "--json", summary)
        self.assertEqual((result.returncode, result.stdout), (3, "data\n"))
        told = json.loads(summary.read_text())
        self.assertEqual((told["program_status"], told["started"], told["output"]), (3, True, str(self.trace)))
        again = record(self.folder / "u.sqlite", ["true"], "--json", summary)
        self.assertEqual(again.returncode, 2, "the summary exists")
        last = record(self.folder / "v.sqlite", ["echo", "data"], "--json", "-")
        self.assertEqual(last.stdout.splitlines()[0], "data")
        self.assertEqual(json.loads(last.stdout.split("\n", 1)[1])["program_status"], 0)

    def test_quiet_says_nothing(self):
        result = record(self.trace, ["true"], "-q")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        result = run(RIDGE, "analyze", self.trace, "-q")  # quiet, but not about what is wrong
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertIn("nothing to analyse", result.stderr)

    @unittest.skipUnless(shutil.which("script"), "script (util-linux) makes the terminal")
    def test_colour_only_where_it_is_wanted(self):
        record(self.trace, ["true"], "-q")
        command = f"{RIDGE} analyze {self.trace}"
        plain = dict(os.environ, TERM="xterm")
        plain.pop("NO_COLOR", None)

        def on_terminal(environment):
            return run("script", "-qec", command, "/dev/null", env=environment, stdin=subprocess.DEVNULL).stdout
        self.assertIn("\x1b[", on_terminal(plain))
        self.assertNotIn("\x1b[", on_terminal(dict(plain, NO_COLOR="1")))
        self.assertNotIn("\x1b[", on_terminal(dict(plain, TERM="dumb")))
        self.assertNotIn("\x1b[", run(RIDGE, "analyze", self.trace, env=plain).stdout)

    def test_ceilings_as_a_command(self):
        result = run(RIDGE, "ceilings", "--budget", "1", "-o", self.folder / "c.json", "--json", timeout=120)
        if result.returncode == 77:
            self.skipTest(result.stderr.strip())
        self.assertEqual(result.returncode, 0, result.stderr)
        stored = json.loads((self.folder / "c.json").read_text())
        self.assertEqual(stored, json.loads(result.stdout))
        self.assertLessEqual({"compute", "memory"}, {roof["kind"] for roof in stored["roofs"]})
        self.assertTrue(all(roof["value"] > 0 for roof in stored["roofs"]))


if __name__ == "__main__":
    main()
