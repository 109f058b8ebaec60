# SPDX-License-Identifier: Apache-2.0
"""`ridge export perfetto` from outside, on recordings and other tools' files: each event by the rules of the trace-event format, as Perfetto's importer holds them."""
import collections
import gzip
import json
import os
import shutil
import unittest

from support import BUILD, RIDGE, SANITIZED, SOURCE, WHY_NOT_SANITIZED, Case, main, query, record, run

TRACES = SOURCE.parent / "shared/traces"
COUNTING = BUILD / "bin" / "counting_ranges"
NUMBER = (int, float)


class Rules(Case):
    def check(self, path):
        """Counts by phase. Every rule that Perfetto drops or cuts an event for is an assertion."""
        document = json.loads(path.read_text(), parse_constant=lambda word: self.fail(f"{word} is no JSON"))
        self.assertEqual(document["displayTimeUnit"], "ns")
        tracks, named, used, flows, phases = collections.defaultdict(list), set(), set(), collections.defaultdict(dict), collections.Counter()
        for e in document["traceEvents"]:
            phases[e["ph"]] += 1
            self.assertIsInstance(e["name"], str)
            self.assertTrue(isinstance(e["pid"], int) and isinstance(e["tid"], int) and 0 < e["pid"] < 2**31 and 0 <= e["tid"] < 2**31, e)
            self.assertIsInstance(e["ts"], NUMBER)
            if e["ph"] == "M":
                self.assertIn(e["name"], ("process_name", "thread_name", "process_sort_index"))
                named.add(e["pid"])
                continue
            used.add(e["pid"])
            self.assertIsInstance(e["cat"], str)
            self.assertGreaterEqual(e["ts"], 0)
            if e["ph"] == "X":
                self.assertGreaterEqual(e["dur"], 0)
                tracks[e["pid"], e["tid"]].append((round(e["ts"] * 1000), round((e["ts"] + e["dur"]) * 1000)))
            elif e["ph"] == "C":
                self.assertTrue(e["args"] and all(isinstance(v, NUMBER) for v in e["args"].values()), e)
            elif e["ph"] in "sf":
                self.assertNotIn(e["ph"], flows[e["cat"], e["id"]], "an arrow has one end of each kind")
                flows[e["cat"], e["id"]][e["ph"]] = e
            else:
                self.assertEqual(e["ph"], "B")
        self.assertLessEqual(used, named, "processes without a name")
        for ends in flows.values():
            self.assertEqual(set(ends), {"s", "f"})
            self.assertLessEqual(ends["s"]["ts"], ends["f"]["ts"])
            self.assertEqual(ends["f"]["bp"], "e")
        for track, slices in tracks.items():
            open_ends = []
            for start, end in sorted(slices, key=lambda s: (s[0], -s[1])):
                while open_ends and open_ends[-1] <= start:
                    open_ends.pop()
                self.assertTrue(not open_ends or end <= open_ends[-1], f"slices of track {track} cross at {start} ns")
                open_ends.append(end)
        return phases, document

    def refuses_its_input(self, path):
        kept = path.read_bytes()
        result = run(RIDGE, "export", "perfetto", path, "-o", path, "--force")
        self.assertEqual((result.returncode, path.read_bytes() == kept), (2, True), result.stderr)

    def exported(self, *inputs):
        out = self.folder / "out.json"
        if inputs[0].parent == self.folder:  # ours to lose
            self.refuses_its_input(inputs[0])
        result = run(RIDGE, "export", "perfetto", *inputs, "-o", out, "--force")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([p.name for p in self.folder.glob("out.json.part*")], [])
        return self.check(out)


class OtherTools(Rules):
    @unittest.skipUnless(TRACES.is_dir(), f"no folder of other tools' traces at {TRACES}")
    def test_nsys(self):
        for packed in sorted((TRACES / "nsys").glob("*.sqlite.gz")):
            plain = self.folder / packed.stem
            with gzip.open(packed) as source, plain.open("wb") as target:
                shutil.copyfileobj(source, target)
            phases, document = self.exported(plain)
            categories = collections.Counter(e.get("cat") for e in document["traceEvents"] if e["ph"] == "X")
            for table, category in (("CUPTI_ACTIVITY_KIND_KERNEL", "kernel"), ("CUPTI_ACTIVITY_KIND_MEMCPY", "gpu_memcpy"), ("CUPTI_ACTIVITY_KIND_MEMSET", "gpu_memset")):
                rows = query(plain, f"SELECT count(*) FROM {table} WHERE end >= start")
                self.assertEqual(categories[category], rows[0][0] if rows else 0, f"{packed.name}: {table}")
            print(f"{packed.name}: {dict(phases)}")

    @unittest.skipUnless(TRACES.is_dir(), f"no folder of other tools' traces at {TRACES}")
    def test_the_ranks_of_a_run_are_processes_of_one_file(self):
        phases, document = self.exported(*[TRACES / f"kineto/param_v100_dlrm_8rank_w{r}.json.gz" for r in range(4)])
        names = [e["args"]["name"] for e in document["traceEvents"] if e["name"] == "process_name"]
        for rank in range(4):
            self.assertTrue(any(name.startswith(f"rank {rank} ") for name in names), names)
        self.assertGreater(phases["s"], 100)


class Own(Rules):
    @unittest.skipIf(SANITIZED, WHY_NOT_SANITIZED)
    def test_a_recording(self):
        self.assertEqual(record(self.trace, [COUNTING, self.folder / "count", "500"]).returncode, 0)
        phases, document = self.exported(self.trace)
        ranges = query(self.trace, "SELECT count(*) FROM NVTX_EVENTS WHERE eventType IN (59, 60)")[0][0]
        self.assertEqual(sum(e.get("cat") == "user_annotation" for e in document["traceEvents"]), ranges)
        self.assertGreater(ranges, 400)

    def test_errors_leave_nothing(self):
        out = self.folder / "out.json"
        for arguments, code in ((["perfetto", self.folder / "nothing.sqlite"], 2), (["perfetto", self.folder], 2)):
            result = run(RIDGE, "export", *arguments, "-o", out)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1)
        (self.folder / "small.json").write_text('{"traceEvents": [{"ph": "X", "cat": "cpu_op", "name": "a", "pid": 1, "tid": 1, "ts": 1, "dur": 2}]}')
        self.assertEqual(run(RIDGE, "export", "perfetto", self.folder / "small.json", "-o", self.folder / "no/such/place").returncode, 2)
        (self.folder / "cut.json").write_text((self.folder / "small.json").read_text()[:-2] + ', {"ph": "X", "ts": 3')
        result = run(RIDGE, "export", "perfetto", self.folder / "cut.json")
        self.assertIn("what came before that is exported", result.stderr, "half a file does not pass for a whole one")
        if os.path.exists("/dev/full"):
            self.assertNotEqual(run("sh", "-c", f"{RIDGE} export perfetto {self.folder}/small.json > /dev/full").returncode, 0)
        self.assertEqual(list(self.folder.glob("out*")), [])

    @unittest.skipIf(SANITIZED, "AddressSanitizer keeps memory of its own")
    def test_a_large_timeline_is_not_in_memory_as_text(self):
        """Half a million ranges are 70 MB of text; the export needs hardly more than what loading takes."""
        big = self.folder / "big.json"
        with big.open("w") as out:
            out.write('{"traceEvents": [')
            for i in range(500_000):
                out.write(f'{"," if i else ""}{{"ph":"X","cat":"cpu_op","name":"op","pid":1,"tid":1,"ts":{i * 10},"dur":5,"args":{{}}}}')
            out.write("]}")

        # A small process starts it: what a process had before exec counts among its own.
        measuring = "import os, sys; child = os.fork() or os.execv(sys.argv[1], sys.argv[1:]); _, status, usage = os.wait4(child, 0); print(usage.ru_maxrss); sys.exit(os.waitstatus_to_exitcode(status))"
        result = run("/usr/bin/python3", "-S", "-c", measuring, RIDGE, "export", "-q", "perfetto", big, "-o", self.folder / "x.json")
        self.assertEqual(result.returncode, 0, result.stderr)
        loading = int(result.stdout) * 1024
        text = (self.folder / "x.json").stat().st_size
        self.assertGreater(text, 40e6)
        # A range in memory is some 80 bytes; the text of one is as much, and would come on top.
        per_range = loading / 500_000
        print(f"{text / 1e6:.0f} MB of text, {loading / 1e6:.0f} MB of memory at the most, {per_range:.0f} B a range")
        self.assertLess(loading, 40e6 + 500_000 * 130, "the text was held in memory")


if __name__ == "__main__":
    main()
