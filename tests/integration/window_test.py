# SPDX-License-Identifier: Apache-2.0
"""ridge-view in a real window: opened, zoomed, searched, walked along an arrow, sent to a finding, undone, two runs
compared; and without one: what it says of files and views that cannot be shown, and with which exit code.

Each step is asserted on what the program says it shows (--follow) and leaves a picture of the screen;
RIDGE_PICTURES names a folder to keep these in.
"""
import base64
import gzip
import json
import os
import random
import pathlib
import shutil
import sqlite3
import subprocess
import threading
import time
import unittest

import xdisplay
from support import BUILD, SOURCE, Case, main

VIEWER = BUILD / "bin/ridge-view"
PID = 4711
TID = (1 << 48) | (PID << 24) | PID
STEPS, KERNELS = 12, 24


def launch_bound_trace(path, slow=1):
    """Steps of short kernels, each waiting for its launch: what a finding is about."""
    db = sqlite3.connect(path)
    db.executescript((SOURCE / "schemas/timeline.sql").read_text())
    db.execute(f"PRAGMA application_id = {0x52494447}")
    db.execute("PRAGMA user_version = 2")
    names = ["cudaLaunchKernel", "ampere_sgemm_128x64", "vectorized_elementwise_kernel", "cudaDeviceSynchronize"]
    db.executemany("INSERT INTO StringIds VALUES (?, ?)", list(enumerate(names, 1)))
    db.execute("INSERT INTO RIDGE_RANK VALUES (?, NULL, 0, 1, 0, 'host')", (TID - PID,))
    db.execute("INSERT INTO NVTX_EVENTS(start, eventType, text, globalTid, domainId) VALUES (0, 75, 'ridge', ?, 1)", (TID,))
    correlation, at = 0, 1000
    for step in range(STEPS):
        begin = at
        for k in range(KERNELS):
            correlation += 1
            db.execute("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (?, ?, 0, ?, ?, 1, 0, NULL)", (at, at + 9000 * slow, TID, correlation))
            start = at + 11000 * slow
            name = 2 + k % 2
            db.execute("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL(start, end, deviceId, contextId, streamId, correlationId, globalPid, demangledName, shortName,"
                       " registersPerThread, gridX, gridY, gridZ, blockX, blockY, blockZ, staticSharedMemory, dynamicSharedMemory, localMemoryPerThread,"
                       " localMemoryTotal, gridId) VALUES (?, ?, 0, 1, 7, ?, ?, ?, ?, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0)",
                       (start, start + 4000, correlation, TID - PID, name, name))
            at += 12000 * slow
        at += 10000
        db.execute("INSERT INTO NVTX_EVENTS(start, end, eventType, category, text, globalTid, domainId, uint64Value) VALUES (?, ?, 59, 3, 'step', ?, 1, ?)",
                   (begin, at, TID, step))
        at += 2000
    db.commit()
    db.close()


def token(**state):
    """A view token as "Copy link to this view" makes them."""
    return "1" + base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def view_of(token):
    return json.loads(base64.urlsafe_b64decode(token[1:] + "=" * (-len(token[1:]) % 4)))


@unittest.skipIf(xdisplay.MISSING, f"not installed: {', '.join(xdisplay.MISSING)} (scripts/setup --test)")
@unittest.skipUnless(VIEWER.exists(), "built without the viewer")
class Window(Case):
    def setUp(self):
        super().setUp()
        self.display = xdisplay.Display(self.folder)
        self.addCleanup(self.display.close)
        self.state_file = self.folder / "state.json"
        keep = os.environ.get("RIDGE_PICTURES")
        self.pictures = pathlib.Path(keep) if keep else self.folder
        launch_bound_trace(self.trace)

    def open(self, *arguments):
        environment = {**os.environ, "DISPLAY": self.display.name, "QT_QPA_PLATFORM": "xcb", "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        environment.pop("WAYLAND_DISPLAY", None)
        if getattr(self, "program", None):
            self.end()
        self.program = subprocess.Popen([str(VIEWER), *map(str, arguments), "--follow", str(self.state_file), "--size", "1560x960", "--theme", "light"],
                                        env=environment, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        self.display.focus("ridge-view")

    def end(self):
        if self.program.poll() is None:
            self.program.kill()
        self.program.communicate(timeout=20)

    def state(self):
        try:
            return json.loads(self.state_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def wait(self, what, condition):
        """Until the program says so; a state, not a time, is what is asserted."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            state = self.state()
            if state and condition(state):
                return state
            if self.program.poll() is not None:
                self.fail(f"the viewer has ended: {self.program.stderr.read()}")
            time.sleep(0.05)
        self.fail(f"{what}: {json.dumps(self.state())[:2000]}")

    def picture(self, name):
        time.sleep(0.3)  # the state is written before the frame is on the screen
        self.assertGreater(self.display.picture(self.pictures / f"window-{name}.png"), 20, "something is drawn")

    def key(self, *keys):
        self.display.do("key", *keys)

    @staticmethod
    def middle(place):
        return place[0] + place[2] // 2, place[1] + place[3] // 2

    def row(self, state, part):
        return next(row for row in state["rows"] if part in row["title"])

    def at(self, state, row, time_ns):
        x, _, width, _ = state["lanes"]
        return x + (time_ns - state["start_ns"]) / (state["end_ns"] - state["start_ns"]) * width, row["at"][1] + 8

    def test_a_session(self):
        self.open(self.trace)
        state = self.wait("it opens and analyzes", lambda s: s["phase"] == "ready" and s["complete"])
        self.assertEqual(state["slices"], STEPS * KERNELS * 2 + STEPS)
        self.assertGreater(state["findings"], 0)
        self.picture("1-open")

        whole = state["end_ns"] - state["start_ns"]
        x, y, width, height = state["lanes"]
        self.display.click(x + width // 3, y + height - 8)  # the keyboard goes to the timeline
        self.key("w", "w", "w", "w")
        state = self.wait("W zooms in", lambda s: s["end_ns"] - s["start_ns"] < whole * 0.4)
        by_keys = state["end_ns"] - state["start_ns"]
        self.display.do("mousemove", x + width // 2, y + 40, "keydown", "ctrl", "click", 4, "click", 4, "keyup", "ctrl")
        state = self.wait("Ctrl and the wheel zoom", lambda s: s["end_ns"] - s["start_ns"] < by_keys * 0.9)
        self.picture("2-zoom")

        self.key("slash")
        self.display.do("type", "sgemm")
        self.key("Return")
        state = self.wait("the search finds", lambda s: s["search"]["count"] == STEPS * KERNELS // 2 and s["search"]["position"] > 0)
        self.assertEqual(state["selected"]["name"], "ampere_sgemm_128x64")
        first = state["search"]["position"]
        self.key("Return")
        state = self.wait("Return goes on", lambda s: s["search"]["position"] == first + 1)
        self.picture("3-search")

        kernel = state["selected"]
        self.key("Escape")
        self.wait("Escape clears", lambda s: s["selected"] is None)
        state = self.state()
        self.display.click(*self.at(state, self.row(state, "kernels"), kernel["start_ns"] + kernel["duration_ns"] // 2))
        self.wait("a click selects", lambda s: s["selected"] == kernel)
        self.key("bracketleft")
        state = self.wait("[ goes back along the arrow", lambda s: s["selected"] and s["selected"]["name"] == "cudaLaunchKernel")
        self.assertEqual(state["selected"]["start_ns"], kernel["start_ns"] - 11000)
        self.picture("4-arrow")
        self.key("bracketright")
        self.wait("] goes forward", lambda s: s["selected"] == kernel)

        before = self.state()
        line = before["findings_list"][0]
        self.display.click(*self.middle(line["at"]))
        state = self.wait("a click on a finding", lambda s: s["finding"])
        self.assertNotEqual((state["start_ns"], state["end_ns"]), (before["start_ns"], before["end_ns"]))
        self.picture("5-finding")

        self.display.click(x + width // 3, y + height - 8)
        for _ in range(3):
            self.key("BackSpace")
        state = self.wait("undo", lambda s: s["finding"] is None and s["redo"])
        self.assertEqual((state["start_ns"], state["end_ns"]), (before["start_ns"], before["end_ns"]))
        self.picture("6-undo")

        # What is shown can be opened again from its token.
        token = state["token"]
        self.display.do("key", "ctrl+q")
        self.program.wait(20)
        self.open(self.trace, "--view", token)
        again = self.wait("the token opens the same view", lambda s: s["phase"] == "ready" and s["complete"])
        self.assertEqual((again["start_ns"], again["end_ns"], again["token"]), (state["start_ns"], state["end_ns"], token))

    def test_two_runs(self):
        base = self.folder / "base.sqlite"
        slower = self.folder / "slower.sqlite"
        launch_bound_trace(base)
        launch_bound_trace(slower, slow=2)
        self.open(slower, base)
        state = self.wait("both are read, analyzed and aligned", lambda s: s["phase"] == "ready" and s["complete"] and s["difference_ns"] is not None and
                          any("base" in row["title"] for row in s["rows"]))
        self.assertEqual(state["slices"], 2 * (STEPS * KERNELS * 2 + STEPS))
        # A step is its kernels' distances and 10 us: that of the slower run is longer by one distance a kernel.
        self.assertEqual(state["difference_ns"], KERNELS * 12000)
        titles = [row["title"] for row in state["rows"]]
        for what in ("kernels", "CUDA API"):
            mine = next(i for i, title in enumerate(titles) if what in title)
            self.assertIn(what, titles[mine + 1])
            self.assertTrue(titles[mine + 1].endswith("base"), titles)
        self.picture("10-two-runs")
        x, y, width, height = state["lanes"]
        self.display.click(x + width // 3, y + height - 8)
        self.key("ctrl+9")
        self.wait("what differs", lambda s: s["panel"] == "compare")
        self.picture("11-what-differs")
        # Aligned at the step in view: a later one of both begins at the same moment.
        self.key("w", "w", "w")
        self.key("ctrl+g")
        self.wait("aligned at another step", lambda s: view_of(s["token"]).get("a", 0) > 0)
        self.picture("12-aligned")
        for _ in range(2):
            self.key("BackSpace")
        self.wait("undone", lambda s: s["redo"] and "a" not in view_of(s["token"]) and (s["start_ns"], s["end_ns"]) == (s["trace_start_ns"], s["trace_end_ns"]))

    def test_rows_notes_and_the_palette(self):
        self.open(self.trace)
        state = self.wait("it opens", lambda s: s["phase"] == "ready" and s["complete"])
        api = self.row(state, "CUDA API")
        self.display.click(*self.at(state, api, 1000 + 4000))
        x, y, width, height = state["lanes"]
        # Seen from afar a click takes the longest slice of its pixel: any call will do.
        self.wait("a click selects", lambda s: s["selected"] and s["selected"]["name"] == "cudaLaunchKernel")
        self.key("p")
        state = self.wait("P pins", lambda s: s["pinned"] == 1 and s["rows"][0]["pinned"])
        self.key("h")
        self.wait("H hides", lambda s: s["hidden"] == 1)
        self.key("shift+h")
        self.wait("Shift+H shows again", lambda s: s["hidden"] == 0)
        self.key("m")
        self.display.focus("Note")
        self.display.do("type", "look here")
        self.key("Return")
        self.wait("a note", lambda s: s["notes"] == 1)
        self.display.focus("t.sqlite")
        self.picture("7-pin-and-note")
        self.assertIn("look here", (pathlib.Path(str(self.trace) + ".ridge-view.json")).read_text())
        self.key("ctrl+k")
        time.sleep(0.5)
        self.display.do("type", "whole")
        self.picture("8-palette")
        self.key("Return")
        state = self.wait("the palette runs a command", lambda s: (s["start_ns"], s["end_ns"]) == (s["trace_start_ns"], s["trace_end_ns"]))

    def test_a_broken_file_ends_in_words(self):
        broken = self.folder / "broken.sqlite"
        broken.write_bytes(self.trace.read_bytes()[:5000])
        shutil.copy(self.trace, self.folder / "whole.sqlite")
        self.open(broken)
        state = self.wait("it says why", lambda s: s["phase"] in ("failed", "ready"))
        self.assertTrue(state["problem"], state)
        self.picture("9-broken")


@unittest.skipUnless(VIEWER.exists(), "built without the viewer")
class Headless(Case):
    """Every file and every view that cannot be drawn ends in one line and exit code 2, without a picture."""

    def setUp(self):
        super().setUp()
        launch_bound_trace(self.trace)
        self.png = self.folder / "picture.png"

    def draw(self, *arguments, before=None):
        self.png.unlink(missing_ok=True)
        environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        program = subprocess.Popen([str(VIEWER), "--size", "900x600", *map(str, arguments), "--screenshot", str(self.png)], env={**environment, "HOME": str(self.folder)},
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if before:
            before()
        output, words = program.communicate(timeout=240)
        self.assertEqual(output, "")
        return program.returncode, words

    def refused(self, *arguments, words=""):
        code, said = self.draw(*arguments)
        self.assertEqual(code, 2, said)
        self.assertEqual(len(said.splitlines()), 1, said)
        self.assertTrue(said.startswith("ridge-view: "), said)
        self.assertIn(words, said)
        self.assertFalse(self.png.exists(), "no picture of nothing")

    def drawn(self, *arguments):
        code, said = self.draw(*arguments)
        self.assertEqual((code, said), (0, ""))
        self.assertGreater(self.png.stat().st_size, 5000)

    def test_files_that_are_none(self):
        self.drawn(self.trace)
        whole = self.trace.read_bytes()
        bad = self.folder / "bad.sqlite"
        for size in (0, 10, 100, 3000, len(whole) // 2):
            bad.write_bytes(whole[:size])
            code, said = self.draw(bad)
            self.assertEqual(code, 2, f"{size} bytes: {said}")
            self.assertTrue(said.startswith("ridge-view: "), said)
        (self.folder / "folder").mkdir()
        self.refused(self.folder / "folder", words="is a folder")
        os.mkfifo(self.folder / "pipe")
        self.refused(self.folder / "pipe", words="is a pipe")
        self.refused(self.trace, self.folder / "pipe", words="is a pipe")
        self.refused(self.folder / "nowhere.sqlite", words="no such file")
        self.refused("/dev/null", words="a device")
        bad.write_bytes(random.Random(1).randbytes(4000))
        self.refused(bad)
        for text in ("{", "[]", '{"traceEvents": []}', '{"traceEvents": [{"ph": "X", "ts": 1'):
            (self.folder / "bad.json").write_text(text)
            self.refused(self.folder / "bad.json")
        with gzip.open(self.folder / "bad.json.gz", "wb") as file:
            file.write(b'{"traceEvents": [')
        (self.folder / "cut.json.gz").write_bytes((self.folder / "bad.json.gz").read_bytes()[:-9])
        self.refused(self.folder / "cut.json.gz")

    def test_damage_never_crashes_or_hangs(self):
        whole = self.trace.read_bytes()
        chance = random.Random(7)
        for _ in range(8):
            damaged = bytearray(whole)
            for _ in range(chance.choice((1, 20, 400))):
                damaged[chance.randrange(100, len(damaged))] = chance.randrange(256)
            bad = self.folder / "damaged.sqlite"
            bad.write_bytes(damaged)
            code, said = self.draw(bad)
            self.assertIn(code, (0, 2), said)  # 139, 134: a crash
            self.assertEqual(code == 2, said != "", said)

    def test_what_was_read_of_a_damaged_trace_is_drawn_and_told(self):
        events = [{"ph": "X", "cat": "user_annotation", "name": f"step {i}", "pid": 1, "tid": 1, "ts": 10 * i, "dur": 5} for i in range(2000)]
        text = json.dumps({"schemaVersion": 1, "traceEvents": events})
        cut = self.folder / "cut.json"
        cut.write_text(text[:len(text) // 2])
        code, said = self.draw(cut)
        self.assertEqual(code, 2, said)
        self.assertIn("damaged: ", said)
        self.assertTrue(self.png.exists())
        # Events with times that cannot be are told, not called none.
        events = [{**event, "ts": -1e300} for event in events]
        cut.write_text(json.dumps({"schemaVersion": 1, "traceEvents": events}))
        self.png.unlink()
        self.refused(cut, words="nothing to show")

    def test_words_that_cannot_be_kept(self):
        self.refused(self.trace, "--size", "330x250", words="too small")
        code, said = self.start(str(self.trace), "--follow", str(self.folder / "nowhere/x"))
        self.assertEqual(code, 2, said)
        self.assertIn("--follow", said)
        code, said = self.start(str(self.trace), "--pair", "one")
        self.assertEqual(code, 2, said)
        self.assertIn("NAME_IN_BASE=>NAME_IN_TRACE", said)
        self.refused(self.trace, "--view", token(v=[-(1 << 62), 1 << 62]), words="times as long as the trace")

    def start(self, *arguments, **environment):
        """As a user does without --screenshot: (exit code, words)."""
        inherited = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "XDG_SESSION_TYPE")}
        done = subprocess.run([str(VIEWER), *arguments], env={**inherited, "HOME": str(self.folder), **environment}, capture_output=True, timeout=120)
        self.assertEqual(done.stdout, b"")
        return done.returncode, done.stderr.decode()

    def test_no_display_is_told(self):
        for environment in ({}, {"DISPLAY": ":7351"}, {"DISPLAY": "nonsense"}, {"DISPLAY": ":7351", "QT_QPA_PLATFORM": "xcb"}, {"WAYLAND_DISPLAY": "nowhere"},
                            {"WAYLAND_DISPLAY": "nowhere", "DISPLAY": ":7351", "XDG_SESSION_TYPE": "wayland"}):
            code, said = self.start(str(self.trace), **environment)
            self.assertEqual(code, 77, f"{environment}: {said}")
            self.assertEqual(len(said.splitlines()), 1, said)
            self.assertIn("display", said)

    def test_wrong_words_come_before_the_display(self):
        for words in (["--bogus"], ["--theme", "pink"], ["--size", "7"], ["--panel", "none"], ["--view", "garbage"], ["--screenshot", "x.bmp", str(self.trace)], ["--screenshot", "x.png"],
                      ["a", "b", "c"]):
            code, said = self.start(*words)
            self.assertEqual(code, 2, said)
            self.assertEqual(len(said.splitlines()), 1, said)
        program = BUILD / "bin/ridge"
        if program.exists():
            done = subprocess.run([str(program), "view", "--bogus"], env={"HOME": str(self.folder), "PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=120)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)

    def test_names_that_are_not_utf8(self):
        name = os.fsencode(self.folder) + b"/caf\xe9.sqlite"
        shutil.copy(self.trace, name)
        for words in ([name, "--screenshot", str(self.png)], [str(self.trace), name], [str(self.trace), "--screenshot", os.fsencode(self.folder) + b"/\xff.png"]):
            code, said = self.start(*words)
            self.assertEqual(code, 2, said)
            self.assertEqual(len(said.splitlines()), 1, said)
            self.assertIn("not UTF-8", said)
        os.symlink(name, self.folder / "caf\u00e9.sqlite")
        self.drawn(self.folder / "caf\u00e9.sqlite")

    def test_a_truncated_trace_is_a_flagged_partial_result(self):
        """What can be read is drawn and the fault is told; the input was bad all the same: exit code 2."""
        whole = self.trace.read_bytes()
        bad = self.folder / "bad.sqlite"
        partial = 0
        for share in (0.3, 0.6, 0.9, 0.99):
            bad.write_bytes(whole[:int(len(whole) * share) // 4096 * 4096])
            code, said = self.draw(bad)
            self.assertEqual(code, 2, said)
            self.assertGreaterEqual(len(said.splitlines()), 1, said)
            self.assertIn("bad.sqlite", said)
            partial += self.png.exists()
        self.png.unlink(missing_ok=True)

    def test_rows_that_cannot_be(self):
        db = sqlite3.connect(self.trace)
        db.execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = 9223372036854775807 WHERE rowid % 7 = 0")
        db.execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = start - 5 WHERE rowid % 7 = 1")
        db.execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = 'x' WHERE rowid % 7 = 2")
        db.execute("UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET end = start + 4000000000000 WHERE rowid % 5 = 0")  # over an hour
        db.execute("UPDATE NVTX_EVENTS SET start = 100000 - start, end = NULL WHERE rowid % 3 = 0")  # unsorted, open
        db.commit()
        db.close()
        self.drawn(self.trace, "--panel", "messages")

    def test_a_file_that_changes_meanwhile(self):
        for change in ("deleted", "cut", "replaced"):
            path = self.folder / f"{change}.sqlite"
            launch_bound_trace(path)
            def happen(path=path, change=change):
                time.sleep(0.05)
                if change == "deleted":
                    path.unlink()
                elif change == "cut":
                    os.truncate(path, 8192)
                else:
                    path.write_bytes(b"something else")
            code, said = self.draw(path, before=happen)
            self.assertIn(code, (0, 2), said)
            self.assertTrue(code == 0 or said.startswith("ridge-view: "), said)
        # A writer at work: what it has committed is shown.
        path = self.folder / "growing.sqlite"
        launch_bound_trace(path)
        db = sqlite3.connect(path, check_same_thread=False)
        stop = threading.Event()

        def write():
            at = 10**9
            while not stop.is_set():
                db.execute("INSERT INTO NVTX_EVENTS(start, end, eventType, text, globalTid, domainId) VALUES (?, ?, 59, 'more', ?, 0)", (at, at + 10, TID))
                db.commit()
                at += 100
        writer = threading.Thread(target=write)
        writer.start()
        try:
            code, said = self.draw(path)
        finally:
            stop.set()
            writer.join()
        self.assertIn(code, (0, 2), said)
        self.assertTrue(code == 0 or said.startswith("ridge-view: "), said)

    def test_views_that_show_nothing(self):
        self.drawn(self.trace, "--view", token(v=[1000, 90000]))
        self.refused(self.trace, "--view", "garbage", words="no view token")
        self.refused(self.trace, "--view", "1AAAA", words="no view token")
        self.refused(self.trace, "--view", token(v=[10**15, 2 * 10**15]), words="outside of the trace")
        self.refused(self.trace, "--view", token(f="no row is called that"), words="filter")
        self.refused(self.trace, "--view", token(s=["p1/t1/ranges", 0, 5]), words="not in this trace")
        self.refused(self.trace, "--view", token(i="no finding"), words="no finding")
        self.refused(self.trace, "--view", token(w="no panel"), words="no panel")
        self.refused(self.trace, "--view", token(r=[1, 2]), words="holds no slice")
        self.refused(self.trace, "--view", token(r=[1000, 90000], rt=["nowhere"]), words="not in this trace")
        self.refused(self.trace, "--panel", "nowhere", words="--panel")
        self.refused(self.trace, "--panel", "compare", words="needs a BASE")
        self.refused(words="need a TRACE")
        for state in (dict(v=[-2**62, 2**62]), dict(v=["a", None]), dict(y=-5), dict(z=[1, 1e300, 2, 3]), dict(a=2**70), dict(n=[[1, 2, "x"]] * 3), dict(s=[])):
            code, said = self.draw(self.trace, "--view", token(**state))
            self.assertIn(code, (0, 2), said)


if __name__ == "__main__":
    main()
