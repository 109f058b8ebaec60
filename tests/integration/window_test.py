# SPDX-License-Identifier: Apache-2.0
"""ridge-view in a real window: opened, zoomed, searched, walked along an arrow, sent to a finding, undone.

Each step is asserted on what the program says it shows (--follow) and leaves a picture of the screen;
RIDGE_PICTURES names a folder to keep these in.
"""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
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
            self.assertIsNone(self.program.poll(), "the viewer has ended")
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


if __name__ == "__main__":
    main()
