# SPDX-License-Identifier: Apache-2.0
"""What ridge writes for others, read by the others: Prometheus, its promtool and the dashboard's queries, a JUnit parser, GitHub's Markdown renderer, a browser."""
import contextlib
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest
import urllib.parse
import urllib.request
import zlib

from support import RIDGE, SOURCE, Case, main, run
from verdicts_test import session

try:
    import junitparser
except ImportError:
    junitparser = None

CMARK = shutil.which("cmark-gfm")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DASHBOARD = SOURCE / "reports/grafana/ridge.json"
HOSTILE = "a|b <script>alert(1)</script> `c` *d* \"e\" \\ é"


class Runs(Case):
    """A baseline and a candidate of eight sessions: one metric slower, one as before, one too noisy; and a hostile name."""

    def setUp(self):
        super().setUp()
        noise = random.Random(5)
        self.sides = {}
        for side, factor in (("base", 1.0), ("new", 1.12)):
            for i in range(8):
                document = session(f"{side}-{i}", 1e6 * factor * (1 + 0.001 * i))
                document["run"]["started_at"] = f"2026-02-{1 + i + (10 if side == 'new' else 0):02}T10:00:00Z"
                first = document["benchmarks"][0]
                first["id"] = first["name"] = "train/step"
                samples = first["metrics"][0]["samples"]
                samples += [{**s, "process": s["process"] + 3 * k, "slot": s["slot"] + 3 * k} for k in (1, 2) for s in samples]

                def add(name, metric, unit, direction, value):
                    copied = json.loads(json.dumps(first))
                    copied["id"] = copied["name"] = name
                    copied["metrics"][0].update(name=metric, unit=unit, direction=direction)
                    for s in copied["metrics"][0]["samples"]:
                        s["value"] = value
                    document["benchmarks"].append(copied)
                add("copy/read", "bandwidth", "B/s", "higher", 2.5e10 * (1 + 0.0005 * i))
                add("gemm", "rate", "FLOP/s", "higher", 1e11 * (1 + 0.0005 * i))
                add("gemm", "roof_share", "share", "higher", 0.8 * (1 + 0.0005 * i))
                add("noisy", "time", "ns", "lower", 1e6 * noise.uniform(0.7, 1.3))
                add(HOSTILE, "time", "ns", "lower", 5e5 * (1 + 0.0005 * i))
                folder = self.folder / side / f"s{i}"
                folder.mkdir(parents=True)
                (folder / "run.json").write_text(json.dumps(document))
            self.sides[side] = self.folder / side

    def compare(self, *options):
        result = run(RIDGE, "compare", self.sides["base"], self.sides["new"], *options)
        self.assertEqual(result.returncode, 1, result.stderr)
        return result.stdout


class Inputs(Runs):
    def test_none_is_written_over(self):
        """--force is about an older output."""
        read = self.sides["base"] / "s5" / "run.json"
        kept = read.read_bytes()
        db = self.folder / "h.db"
        self.assertEqual(run(RIDGE, "track", "add", "--db", db, self.sides["base"]).returncode, 0)
        for words in (["compare", self.sides["base"], self.sides["new"], "--json", read], ["export", "csv", read, "-o", read], ["export", "csv", read.parent, "-o", read],
                      ["track", "plot", "--db", db, "--html", db], ["track", "export", "--db", db, "-o", db]):
            result = run(RIDGE, *words, "--force")
            self.assertEqual((result.returncode, len(result.stderr.splitlines())), (2, 1), (words, result.stderr))
            self.assertIn("both input and output", result.stderr)
        self.assertEqual(read.read_bytes(), kept)
        self.assertEqual(run(RIDGE, "track", "list", "--db", db).returncode, 0)


@contextlib.contextmanager
def served(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def guess_type(self, path):
            return "text/plain; version=0.0.4; charset=utf-8"

        def log_message(self, *arguments):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Prometheus(Runs):
    def exported(self):
        files = {"run.prom": run(RIDGE, "export", "openmetrics", self.sides["new"] / "s5").stdout, "verdicts.prom": self.compare("--openmetrics", "-")}
        for name, text in files.items():
            self.assertTrue(text.endswith("# EOF\n"), name)
        return files

    @unittest.skipUnless(shutil.which("promtool"), "no promtool; scripts/setup --dev brings it")
    def test_promtool_has_nothing_to_say(self):
        for name, text in self.exported().items():
            result = run("promtool", "check", "metrics", input=text)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""), name)

    def test_the_dashboard_asks_for_what_there_is(self):
        board = json.loads(DASHBOARD.read_text())
        there = set(re.findall(r"(?m)^(ridge_\w+)", "".join(self.exported().values())))
        variables = {v["name"] for v in board["templating"]["list"]}
        ids, places, asked = set(), set(), set()
        for panel in board["panels"]:
            self.assertNotIn(panel["id"], ids)
            ids.add(panel["id"])
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & places, f"{panel['title']} lies over another panel")
            places |= cells
            self.assertIn(panel["type"], ("stat", "table", "timeseries"))
            self.assertEqual([t["refId"] for t in panel["targets"]], list("ABCDEF"[:len(panel["targets"])]))
            for target in panel["targets"]:
                asked |= set(re.findall(r"ridge_\w+", target["expr"]))
                self.assertLessEqual(set(re.findall(r"\$(\w+)", target["expr"])), variables)
        for variable in board["templating"]["list"]:
            asked |= set(re.findall(r"ridge_\w+", variable.get("definition", "")))
        self.assertLessEqual(asked, there, "metrics that no export has")
        self.assertGreater(len(asked), 6)

    @unittest.skipUnless(shutil.which("prometheus"), "no prometheus; scripts/setup --dev brings it")
    def test_a_running_prometheus_scrapes_and_answers(self):
        pages = self.folder / "pages"
        pages.mkdir()
        for name, text in self.exported().items():
            (pages / name).write_text(text)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with served(pages) as source:
            jobs = "".join(f"  - job_name: {name.split('.')[0]}\n    metrics_path: /{name}\n    static_configs: [{{targets: ['127.0.0.1:{source}']}}]\n" for name in ("run.prom", "verdicts.prom"))
            configuration = self.folder / "prometheus.yml"
            configuration.write_text(f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{jobs}")
            log = (self.folder / "log").open("w")
            daemon = subprocess.Popen(["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
            try:
                self.ask_all(port)
            finally:
                daemon.terminate()
                daemon.wait(20)
                log.close()

    def ask(self, port, query):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query}), timeout=5) as answer:
            document = json.load(answer)
        self.assertEqual(document["status"], "success", query)
        return document["data"]["result"]

    def ask_all(self, port):
        deadline = time.monotonic() + 90
        while True:
            with contextlib.suppress(OSError):
                if len(self.ask(port, "up == 1")) == 2:
                    break
            self.assertLess(time.monotonic(), deadline, (self.folder / "log").read_text()[-2000:])
            time.sleep(0.5)
        slower = self.ask(port, 'ridge_change_ratio{benchmark="train/step",stat="estimate"}')
        self.assertAlmostEqual(float(slower[0]["value"][1]), 1.12, delta=0.01)
        self.assertEqual([r["metric"]["benchmark"] for r in self.ask(port, 'ridge_verdict{verdict="regressed"} == 1')], ["train/step"])
        self.assertEqual(len(self.ask(port, 'ridge_metric_seconds{stat="median",benchmark=' + json.dumps(HOSTILE, ensure_ascii=False) + "}")), 1, "a hostile label comes through as it is")
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            for target in panel["targets"]:
                expression = re.sub(r"\$(instance|benchmark|metric)", ".*", target["expr"])
                self.assertTrue(self.ask(port, expression), f"{panel['title']}: {expression}")


class JUnit(Runs):
    @unittest.skipUnless(junitparser, "no python3-junitparser; scripts/setup --test brings it")
    def test_a_junit_parser_reads_the_verdicts(self):
        path = self.folder / "j.xml"
        document = json.loads(self.compare("--junit", path, "--json"))
        suites = junitparser.JUnitXml.fromfile(str(path))
        self.assertEqual((suites.tests, suites.failures, suites.errors), (len(document["results"]), 1, 0))
        cases = {(case.classname, case.name): case for suite in suites for case in suite}
        failed = [case for case in cases.values() if any(isinstance(r, junitparser.Failure) for r in case.result)]
        self.assertEqual(len(failed), 1)
        self.assertIn("train/step", failed[0].name + failed[0].classname)
        self.assertRegex(failed[0].result[0].message + (failed[0].result[0].text or ""), r"\+1[12]\.\d %")
        self.assertEqual(sum(any(isinstance(r, junitparser.Skipped) for r in case.result) for case in cases.values()), suites.skipped)
        self.assertTrue(any(HOSTILE in case.name + case.classname for case in cases.values()))
        self.assertEqual(len(cases), len(document["results"]), "no two of a name: GitLab keeps the first")


class Markdown(Runs):
    @unittest.skipUnless(CMARK, "no cmark-gfm; scripts/setup --test brings it")
    def test_github_renders_the_summary(self):
        path = self.folder / "m.md"
        document = json.loads(self.compare("--markdown", path, "--json"))
        html = run(CMARK, "--unsafe", "-e", "table", "-e", "strikethrough", "-e", "autolink", path).stdout
        tables = re.findall(r"<table>.*?</table>", html, re.S)
        self.assertTrue(tables, html[:500])
        rows = re.findall(r"<tr>\s*<td.*?</tr>", "".join(tables), re.S)
        self.assertEqual(len(rows), len(document["results"]), "a row for each metric, and none broken by a name")
        columns = {len(re.findall(r"<td", row)) for row in rows}
        self.assertEqual(columns, {len(re.findall(r"<th[ >]", tables[0]))})
        self.assertIn("train/step", rows[0])
        self.assertIn("<strong>regressed</strong>", rows[0])
        self.assertNotIn("<script>", html)
        text = re.sub(r"&lt;", "<", re.sub(r"&gt;", ">", re.sub(r"&quot;", '"', re.sub(r"<[^>]+>", "", "".join(rows)))))
        self.assertIn(HOSTILE, text, "the name as it is")
        self.assertEqual(html.count("<details>"), html.count("</details>"))


def pixels(png):
    """Rows of an 8-bit RGB or RGBA picture, as bytes; what a test needs to see that something was drawn."""
    at, data, width, height, channels = 8, b"", 0, 0, 0
    while at < len(png):
        length, kind = int.from_bytes(png[at:at + 4], "big"), png[at + 4:at + 8]
        body = png[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, channels = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big"), {2: 3, 6: 4}[body[9]]
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    return width, height, channels, zlib.decompress(data)


@unittest.skipUnless(CHROMIUM, "no Chromium; scripts/setup --dev brings it")
class Browser(Runs):
    def chromium(self, *options):
        result = run(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={self.folder}/profile", "--window-size=1200,1600", *options)
        self.assertEqual(result.returncode, 0, result.stderr[-1000:])
        return result.stdout

    def look(self, page, name, words):
        """Renders the page; keeps the picture where RIDGE_PICTURES says, for whoever wants to look."""
        picture = self.folder / f"{name}.png"
        self.chromium(f"--screenshot={picture}", page.as_uri())
        width, height, channels, data = pixels(picture.read_bytes())
        self.assertEqual((width, height), (1200, 1600))
        self.assertGreater(len(set(data[i:i + 64] for i in range(0, len(data), 64))), 200, "it is not one colour")
        dom = self.chromium("--dump-dom", page.as_uri())
        for word in words:
            self.assertTrue(word in dom, f"{word} is not on the page")
        self.assertFalse("<script" in dom)
        self.assertEqual(re.findall(r"(?i)(?:src|href)\s*=\s*[\"']?(?:https?:)?//[^ >]*", page.read_text()), [], "nothing is loaded from anywhere")
        # Nothing sticks out of the page: its own width is that of the window.
        probe = self.folder / "probe.html"
        text = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", page.read_text())  # which lets no script run
        probe.write_text(text.replace("</body>", "<script>document.title='width '+document.documentElement.scrollWidth</script></body>"))
        self.assertEqual(re.findall(r"<title>([^<]*)</title>", self.chromium("--dump-dom", probe.as_uri())), ["width 1200"])
        if folder := os.environ.get("RIDGE_PICTURES"):
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, folder)

    def test_the_page_of_verdicts(self):
        page = self.folder / "v.html"
        self.compare("--html", page)
        self.look(page, "compare", ["<svg", "regressed", "train/step", "&lt;script&gt;"])

    def test_the_page_of_ab(self):
        page = self.folder / "ab.html"
        printing = "/usr/bin/python3 -S -c \"import random; print('took', random.uniform({}, {}), 'ms')\""
        result = run(RIDGE, "ab", "--a", printing.format(100, 104), "--b", printing.format(112, 116), "--metric", "regex:took ([0-9.]+) ms", "--seed", "3", "-q", "--html", page)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.look(page, "ab", ["<svg", "regressed", "99 %"])

    def test_the_page_of_a_history(self):
        db, page = self.folder / "h.sqlite", self.folder / "h.html"
        for i in range(40):
            document = session(f"day{i}", (100 if i < 25 else 112) * (1 + 0.002 * (i * 7 % 5)))
            document["run"]["started_at"] = f"2026-{1 + i // 28:02}-{1 + i % 28:02}T10:00:00Z"
            folder = self.folder / f"day{i:02}"
            folder.mkdir()
            (folder / "run.json").write_text(json.dumps(document))
        self.assertEqual(run(RIDGE, "track", "add", "--db", db, *sorted(self.folder.glob("day*"))).returncode, 0)
        self.assertEqual(run(RIDGE, "track", "check", "--db", db).returncode, 1)
        self.assertEqual(run(RIDGE, "track", "plot", "--db", db, "--html", page).returncode, 0)
        self.look(page, "history", ["<svg", "step"])


if __name__ == "__main__":
    main()
