# SPDX-License-Identifier: Apache-2.0
"""Long recordings: no event lost, and memory that does not grow with time.

RIDGE_SOAK_SECONDS (30) says how long; scripts/test --full takes 1800."""
import os
import subprocess
import time
import unittest

from support import BUILD, RIDGE, Case, losses, main, query, run

STEADY = BUILD / "bin" / "steady_ranges"
SECONDS = float(os.environ.get("RIDGE_SOAK_SECONDS", "30"))
RATE = 100_000
MIB = 1 << 20


def memory(pid):
    """Bytes that a process holds of its own; 0: gone. Pages of mapped files (the spool that is read back) are the
    kernel's to take away and do not count."""
    try:
        with open(f"/proc/{pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status if ":" in line)
    except OSError:
        return 0
    return sum(int(fields[name].split()[0]) * 1024 for name in ("RssAnon", "RssShmem") if name in fields)


def sanitized():
    return b"__asan_init" in RIDGE.read_bytes() or b"__tsan_init" in RIDGE.read_bytes()


class Soak(Case):
    def watch(self, process):
        """(seconds, recorder's memory, program's) until the recording ends."""
        samples, program, start = [], 0, time.monotonic()
        while process.poll() is None:
            if not program:
                children = run("pgrep", "-P", process.pid).stdout.split()
                program = int(children[0]) if children else 0
            samples.append((time.monotonic() - start, memory(process.pid), memory(program) if program else 0))
            time.sleep(0.2)
        return samples

    def slope(self, samples, which):
        """Bytes per second over the second half of the run, by least squares: what grows with time shows there."""
        points = [(s[0], s[which]) for s in samples if SECONDS / 2 <= s[0] <= SECONDS * 0.98 and s[which]]
        self.assertGreater(len(points), 10, "the program ended too early to tell")
        mean_t = sum(t for t, _ in points) / len(points)
        mean_m = sum(m for _, m in points) / len(points)
        return sum((t - mean_t) * (m - mean_m) for t, m in points) / sum((t - mean_t) ** 2 for t, _ in points)

    @unittest.skipIf(sanitized(), "a sanitizer's own memory grows")
    def test_steady_events_with_flat_memory(self):
        trace = self.folder / "t.sqlite"
        process = subprocess.Popen([str(x) for x in (RIDGE, "record", "-q", "-o", trace, "--", STEADY, RATE, SECONDS)], stdout=subprocess.PIPE, text=True)
        samples = self.watch(process)
        made = int(process.stdout.read())
        self.assertEqual(process.returncode, 0)
        self.assertGreater(made, RATE * SECONDS / 20, "the machine is far too slow for this")
        self.assertEqual(query(trace, "SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end >= start"), [(made,)])
        self.assertEqual(losses(trace), [])
        for who, which in (("recorder", 1), ("program", 2)):
            slope = self.slope(samples, which)
            print(f"{who}: {slope / 1024:.1f} KiB/s over {SECONDS / 2:.0f} s, at most {max(s[which] for s in samples) / MIB:.0f} MiB")
            # 64 KiB/s would be 115 MiB in half an hour; 100k events a second that were kept would be 3.2 MB a second.
            self.assertLess(slope, 64 * 1024, f"the {who}'s memory grows")

    def test_ten_million_events_as_fast_as_they_come(self):
        events = 10_000_000 if SECONDS >= 30 else 2_000_000
        trace, counter = self.folder / "t.sqlite", self.folder / "counter"
        process = subprocess.Popen([str(x) for x in (RIDGE, "record", "-q", "--no-sample", "-o", trace, "--", STEADY, 1e10, 600, events)],
                                   stdout=subprocess.PIPE, text=True)
        samples = self.watch(process)
        made = int(process.stdout.read())
        self.assertEqual(process.returncode, 0)
        self.assertEqual(made, events)
        self.assertEqual(query(trace, "SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end >= start"), [(made,)])
        self.assertEqual(losses(trace), [])
        most = max(s[1] for s in samples) / MIB
        print(f"{made} events; the recorder had at most {most:.0f} MiB")
        # The index holds 16 bytes a row while the file is made, and no more than 24 Mi rows of it; doubled while it is sorted.
        self.assertLess(most, 256 + 2 * 16 * min(made, 24 << 20) / MIB)


if __name__ == "__main__":
    main()
