# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: where the built programs are, and how to read a timeline."""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ.get("RIDGE_BUILD_DIR", pathlib.Path(__file__).resolve().parents[2] / "build/ci"))
SOURCE = pathlib.Path(__file__).resolve().parents[2]
RIDGE = BUILD / "bin" / "ridge"
SKIP = 77


# A program built with AddressSanitizer takes its runtime first or not at all, so nothing can be
# preloaded into it, and it handles SIGSEGV itself.
SANITIZED = b"__asan_init" in RIDGE.read_bytes() if RIDGE.exists() else False
WHY_NOT_SANITIZED = "a program with AddressSanitizer takes no preloaded library and no SIGSEGV of its own"


def run(*arguments, **options):
    """Runs a command to its end and returns it with its output as text. Never longer than two minutes."""
    options.setdefault("timeout", 120)
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, **options)


def record(output, command, *options, **run_options):
    return run(RIDGE, "record", *options, "-o", output, "--", *command, **run_options)


def query(path, sql, *parameters):
    """All rows; tables are made lazily, so a missing one reads as no rows."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(sql, parameters).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        connection.close()


def ranges(path, text=None):
    sql = ("SELECT COALESCE(n.text, s.value), n.start, n.end, n.globalTid FROM NVTX_EVENTS n "
           "LEFT JOIN StringIds s ON s.id = n.textId WHERE n.eventType IN (59, 60)")
    rows = query(path, sql)
    return rows if text is None else [row for row in rows if row[0] == text]


def losses(path):
    return query(path, "SELECT source, count FROM RIDGE_LOSS WHERE count > 0")


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ridge-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.trace = self.folder / "t.sqlite"

    def assertSound(self, path):
        """The file passes SQLite's own check, lost nothing and left no spool behind."""
        self.assertEqual(query(path, "PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(losses(path), [])
        self.assertFalse(pathlib.Path(str(path) + ".spool").exists(), "the spool is removed")


def program_of(recorder):
    """The process id of the one program that a recorder runs."""
    children = run("pgrep", "-P", recorder.pid).stdout.split()
    assert len(children) == 1, children
    return int(children[0])


def wait_for_end(process_id, seconds=60):
    """Of a process that is not our child; one that nobody has collected has ended too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = pathlib.Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        time.sleep(0.01)
    raise AssertionError(f"process {process_id} still runs after {seconds} s")


def main():
    """Exit code 77 when every test was skipped, so that CTest counts it as one."""
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun and len(result.skipped) == result.testsRun:
        for _, reason in result.skipped:
            print("skipped:", reason)
        sys.exit(SKIP)
