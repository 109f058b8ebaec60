# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the program and of the recorder: what had ended is in the file, always."""
import os
import random
import select
import shlex
import signal
import struct
import subprocess
import time
import unittest

from support import BUILD, RIDGE, Case, losses, main, program_of, query, run, wait_for_end

COUNTING = BUILD / "bin" / "counting_ranges"
KILLS = int(os.environ.get("RIDGE_KILLS", "50"))
RANGES = 300_000


def complete_and_open(trace):
    """Ranges by name: how many have an end, how many have none. Counted by SQLite: there are hundreds of thousands."""
    rows = query(trace, "SELECT COALESCE(n.text, s.value), count(n.end), count(*) - count(n.end) FROM NVTX_EVENTS n "
                        "LEFT JOIN StringIds s ON s.id = n.textId WHERE n.eventType IN (59, 60) GROUP BY n.text, n.textId")
    return {name: (complete, still_open) for name, complete, still_open in rows}


class Kill(Case):
    def start(self, index, *limits):
        counter = self.folder / f"counter{index}"
        trace = self.folder / f"t{index}.sqlite"
        command = [RIDGE, "record", "--no-sample", "-o", trace, "--", COUNTING, counter, *limits]
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while self.ended(counter) == 0 and time.monotonic() < deadline:
            time.sleep(0.002)
        return process, counter, trace

    @staticmethod
    def ended(counter):
        try:
            return struct.unpack("<Q", counter.read_bytes()[:8])[0]
        except (OSError, struct.error):
            return 0

    def check(self, trace, counter):
        ended = self.ended(counter)
        counts = complete_and_open(trace)
        complete = counts["counted"][0]
        # One more may have ended between the record and the program's own count of it.
        self.assertIn(complete, (ended, ended + 1))
        self.assertEqual(counts["never ends"], (0, 1), "the open range is there, open")
        self.assertEqual(losses(trace), [])
        self.assertEqual(query(trace, "PRAGMA quick_check"), [("ok",)])
        return complete

    def test_the_program_is_killed(self):
        rng = random.Random(20261121)
        total = 0
        for i in range(KILLS):
            recorder, counter, trace = self.start(i)
            time.sleep(rng.uniform(0, 0.08))
            os.kill(program_of(recorder), signal.SIGKILL)
            _, errors = recorder.communicate(timeout=60)
            self.assertEqual(recorder.returncode, 137, errors)
            total += self.check(trace, counter)
            # Where a reader closes the range that never ended: when its process did, after all that it did.
            self.assertEqual(query(trace, "SELECT endKind, exitStatus, end >= (SELECT max(end) FROM NVTX_EVENTS), "
                                          "end <= (SELECT durationNs FROM RIDGE_RUN) FROM RIDGE_PROCESS"),
                             [("ended", 137, 1, 1)])
            trace.unlink()
        print(f"killed {KILLS} times, {total} ranges had ended, 0 lost, 0 unreadable files")

    def test_the_recorder_is_killed_and_recovers(self):
        rng = random.Random(4)
        for i in range(max(3, KILLS // 10)):
            gate = self.folder / f"gate{i}"
            recorder, counter, trace = self.start(i, RANGES, gate)
            program = program_of(recorder)
            time.sleep(rng.uniform(0, 0.1))
            recorder.kill()
            recorder.wait()
            gate.touch()
            wait_for_end(program)  # it goes on to its end, unharmed
            recorder.communicate()
            self.assertEqual(self.ended(counter), RANGES)
            self.assertFalse(trace.exists())
            spool = str(trace) + ".spool"
            recovered = run(RIDGE, "record", "--recover", spool, "-o", trace)
            self.assertEqual(recovered.returncode, 0, recovered.stderr)
            self.assertEqual(complete_and_open(trace)["counted"], (RANGES, 0))
            self.assertEqual(losses(trace), [])
            self.assertEqual(query(trace, "SELECT outcome FROM RIDGE_RUN"), [("recovered",)])


class Conversion(Case):
    """The recorder is killed or interrupted while it makes the file of the spool."""

    COUNT = 1_500_000

    def interrupted(self, number, again=None):
        """Sends the signal when the file is half made; what the recorder then said, and its exit status."""
        counter = self.folder / "counter"
        partial = self.folder / "t.sqlite.partial"
        recorder = subprocess.Popen([str(RIDGE), "record", "--no-sample", "-o", str(self.trace), "--", str(COUNTING),
                                     str(counter), str(self.COUNT)], stderr=subprocess.PIPE, text=True)
        self.addCleanup(recorder.kill)
        while not (partial.exists() and partial.stat().st_size > 1 << 20) and recorder.poll() is None:
            time.sleep(0.0005)
        recorder.send_signal(signal.SIGSTOP)
        self.assertIsNone(recorder.poll())
        self.assertFalse(self.trace.exists(), "stopped while the file was being made")
        # Meanwhile nobody else may make it.
        second = run(RIDGE, "record", "--recover", f"{self.trace}.spool", "-o", self.trace)
        self.assertEqual((second.returncode, second.stderr.count(str(recorder.pid))), (2, 1), second.stderr)
        time.sleep(0.3)  # so long a signal may still have been meant for the program
        recorder.send_signal(number)
        recorder.send_signal(signal.SIGCONT)
        if again is not None:
            while not select.select([recorder.stderr], [], [], 0.05)[0]:  # until it has said that it goes on
                self.assertIsNone(recorder.poll())
            recorder.send_signal(again)
        _, errors = recorder.communicate(timeout=120)
        return recorder.returncode, errors

    def check(self, told):
        """Nothing is lost, and the command that somebody was told makes the file."""
        self.assertFalse(self.trace.exists())
        command = shlex.split(told[told.index("ridge record --recover"):].splitlines()[0].split(" makes")[0])
        recovered = run(RIDGE, *command[1:])
        self.assertEqual(recovered.returncode, 0, recovered.stderr)
        self.assertEqual(complete_and_open(self.trace)["counted"], (self.COUNT, 0))
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["counter", "t.sqlite"])
        self.assertSound(self.trace)

    def test_a_signal_gives_the_file_up_and_tells_how_to_make_it(self):
        for number, again in ((signal.SIGINT, None), (signal.SIGTERM, signal.SIGTERM)):
            with self.subTest(signal=number.name):
                code, errors = self.interrupted(number, again)
                self.assertEqual(code, 128 + number, errors)
                self.assertEqual(len(errors.splitlines()), 1 if again is None else 2, errors)
                self.assertFalse((self.folder / "t.sqlite.partial").exists())
                self.check(errors)
                self.trace.unlink()
                (self.folder / "counter").unlink()

    def test_a_launcher_that_ends_its_job_still_gets_the_file(self):
        """mpirun sends SIGTERM to every rank when one fails: those that have ended still make their files."""
        code, errors = self.interrupted(signal.SIGTERM)
        self.assertEqual(code, 0, errors)
        self.assertIn("still being made", errors)
        self.assertIn(f"ridge record --recover {self.trace}.spool -o {self.trace}", errors, "should it be killed after all")
        self.assertEqual(complete_and_open(self.trace)["counted"], (self.COUNT, 0))
        self.assertSound(self.trace)

    def test_after_a_kill_every_command_tells_how_to_make_it(self):
        code, _ = self.interrupted(signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL)
        told = [run(RIDGE, *words) for words in (["analyze", self.trace], ["stats", "nvtx_sum", self.trace],
                                                 ["record", "-o", self.trace, "--", "true"])]
        for result in told:
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("ridge record --recover", result.stderr)
        self.check(told[0].stderr)


if __name__ == "__main__":
    main()
