# SPDX-License-Identifier: Apache-2.0
"""`ridge compare` and `ridge analyze --summary/--merge` on other tools' traces; every document against its schema."""
import json
import random
import unittest

from support import RIDGE, SOURCE, Case, main, run

TRACES = SOURCE.parent / "shared/traces/kineto"

try:
    import jsonschema
except ImportError:
    jsonschema = None


def validate(document, schema):
    if not jsonschema:
        return
    schema = json.loads((SOURCE / f"schemas/json/{schema}").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)


def check_sums(comparison):
    """Rows add up to classes, classes to the difference, parts to rows."""
    for lane in comparison["lanes"]:
        length = {side: lane[side]["step"]["end_ns"] - lane[side]["step"]["start_ns"] for side in "ab"}
        assert lane["delta_ns"] == length["b"] - length["a"]
        of_class = {}
        for row in lane["rows"]:
            assert row["slower_ns"] + row["oftener_ns"] + row["both_ns"] == row["delta_ns"], row
            of_class[row["class"]] = of_class.get(row["class"], 0) + row["delta_ns"]
            for side in "ab":
                assert not row[side] or row[side]["name"] != "not attributed", row
        for c in lane["classes"]:
            assert of_class.pop(c["class"], 0) == c["delta_ns"], c
        assert not any(of_class.values()), of_class
        assert sum(c["delta_ns"] for c in lane["classes"]) == lane["delta_ns"]


@unittest.skipUnless(TRACES.is_dir(), f"no folder of other tools' traces at {TRACES}")
class Traces(Case):
    def compare(self, a, b, *options, code=0):
        result = run(RIDGE, "compare", TRACES / a, TRACES / b, *options, "--json")
        self.assertEqual(result.returncode, code, result.stderr)
        comparison = json.loads(result.stdout)
        validate(comparison, "comparison-1.json")
        check_sums(comparison)
        return comparison

    def test_the_data_loader_with_and_without_workers(self):
        slow, fast = (f"kineto_v100_resnet50_dataloader{n}.json.gz" for n in (0, 4))
        lane = self.compare(slow, fast)["lanes"][0]
        self.assertLess(lane["delta_ns"], 0, "workers make it faster")
        io = [c for c in lane["classes"] if c["class"] == "io_input"][0]
        share = io["a_ns"] / (lane["a"]["step"]["end_ns"] - lane["a"]["step"]["start_ns"])
        self.assertGreater(share, 0.15)
        self.assertEqual(lane["classes"][0]["class"], "io_input", "the largest difference is input")
        row = lane["rows"][0]
        self.assertEqual((row["class"], row["kind"]), ("io_input", "io"))
        self.assertIn("DataLoader", row["a"]["name"])
        print(f"data loader: step {lane['delta_ns'] / 1e6:+.1f} ms, of which input {io['delta_ns'] / 1e6:+.1f} ms")

    def test_a_run_and_itself(self):
        for name in ("hta_triton_example.json.gz", "tracelens_h100_qwen05b.json.gz"):
            comparison = self.compare(name, name)
            self.assertTrue(comparison["lanes"])
            for lane in comparison["lanes"]:
                self.assertEqual(lane["delta_ns"], 0)
                self.assertTrue(all(r["delta_ns"] == 0 and r["match"] == "same" for r in lane["rows"]))

    def test_other_machines_are_refused_with_the_reason(self):
        comparison = self.compare("kineto_v100_resnet50_dataloader0.json.gz", "tracelens_h100_qwen05b.json.gz", code=3)
        self.assertEqual(comparison["refusal"]["kind"], "different_machines")
        result = run(RIDGE, "compare", TRACES / "kineto_v100_resnet50_dataloader0.json.gz", TRACES / "tracelens_h100_qwen05b.json.gz")
        self.assertEqual(result.returncode, 3)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        self.assertIn("H100", result.stderr)

    def test_reports_for_people(self):
        slow, fast = (TRACES / f"kineto_v100_resnet50_dataloader{n}.json.gz" for n in (0, 4))
        html, markdown = self.folder / "c.html", self.folder / "c.md"
        result = run(RIDGE, "compare", slow, fast, "--html", html, "--markdown", markdown)
        self.assertEqual(result.returncode, 0, result.stderr)
        for text in (result.stdout, html.read_text(), markdown.read_text()):
            self.assertIn("decided by repeated runs", text)
            self.assertIn("io input", text)
        self.assertEqual(run(RIDGE, "compare", slow, fast, "--html", html).returncode, 2, "an output that exists stays")

    def test_several_ranks_a_side(self):
        files = [TRACES / f"param_v100_dlrm_8rank_w{r}.json.gz" for r in range(8)]
        result = run(RIDGE, "compare", "--a", *files, "--b", *files, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        comparison = json.loads(result.stdout)
        validate(comparison, "comparison-1.json")
        check_sums(comparison)
        self.assertEqual(sorted({lane["rank"] for lane in comparison["lanes"]}), list(range(8)))
        result = run(RIDGE, "compare", "--a", *files, "--b", *files[:4])
        self.assertEqual(result.returncode, 3, "other ranks")

    def test_summaries_merge_to_the_same_bytes_and_name_the_straggler(self):
        summaries = []
        for rank in range(8):
            out = self.folder / f"s{rank}.json"
            result = run(RIDGE, "analyze", "-q", TRACES / f"param_v100_dlrm_8rank_w{rank}.json.gz", "--summary", out)
            self.assertEqual(result.returncode, 0, result.stderr)
            validate(json.loads(out.read_text()), "summary-1.json")
            summaries.append(out)
        whole = run(RIDGE, "analyze", "--merge", *summaries, "--json")
        self.assertEqual(whole.returncode, 0, whole.stderr)
        report = json.loads(whole.stdout)
        validate(report, "report-1.json")
        self.assertEqual(report["stragglers"][0]["rank"], 7)
        self.assertEqual([r["rank"] for r in report["ranks"]], list(range(8)))
        order = random.Random(5)
        order.shuffle(summaries)
        halves = []
        for i, half in enumerate((summaries[:3], summaries[3:])):
            halves.append(self.folder / f"half{i}.json")
            self.assertEqual(run(RIDGE, "analyze", "-q", "--merge", *half, "--summary", halves[-1]).returncode, 0)
        tree = run(RIDGE, "analyze", "--merge", *halves, "--json")
        self.assertEqual(tree.stdout, whole.stdout, "any tree of merges, the same bytes")
        self.one_line(2, "analyze", "--merge", summaries[0], summaries[0])
        self.one_line(2, "analyze", "--merge", summaries[0], halves[0])
        cut = self.folder / "cut.json"
        cut.write_text(summaries[0].read_text()[:5000])
        self.assertIn("cut.json", self.one_line(2, "analyze", "--merge", summaries[1], cut))
        other = self.folder / "other.json"
        other.write_text(summaries[0].read_text().replace('"schema_version":1', '"schema_version":9', 1))
        self.assertIn("schema 9", self.one_line(2, "analyze", "--merge", other))

    def one_line(self, code, *arguments):
        result = run(RIDGE, *arguments, timeout=60)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        return result.stderr


class Usage(Case):
    def test_one_line_and_code_2(self):
        (self.folder / "text").write_text("hello")
        (self.folder / "dir").mkdir()
        for arguments in (["compare"], ["compare", "a"], ["compare", "missing", "missing2"], ["compare", self.folder / "text", self.folder / "text"],
                          ["compare", self.folder / "dir", self.folder / "dir"], ["compare", "a", "b", "--a", "c"], ["compare", "a", "b", "--pair", "x"],
                          ["analyze", "--merge", self.folder / "text"], ["analyze", "--merge"]):
            result = run(RIDGE, *arguments, timeout=60)
            self.assertEqual(result.returncode, 2, (arguments, result.stderr))
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)


if __name__ == "__main__":
    main()
