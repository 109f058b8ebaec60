# SPDX-License-Identifier: Apache-2.0
"""A ReFrame test over ridge: the reference set (or some of it) on every node of a partition.

  reframe -c reframe_ridge.py -r -S ridge_smoke.workloads=gemm

Each workload checks its own numerics; the exit code of ridge run says whether one failed. What the steps
took stands in ReFrame's own performance log, with the file report.json beside it.
"""
import json
import os
import pathlib

import reframe as rfm
import reframe.utility.sanity as sn
from reframe.core.builtins import performance_function, run_before, sanity_function, variable


@rfm.simple_test
class ridge_smoke(rfm.RunOnlyRegressionTest):
    descr = "reference workloads under ridge"
    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    workloads = variable(str, value="gemm")
    executable = os.environ.get("RIDGE", "ridge")

    @run_before("run")
    def choose(self):
        self.executable_opts = ["run", self.workloads, "--preset", "smoke", "--backend", "auto", "-o", "out"]
        self.keep_files = ["out/report.json"]

    def report(self):
        return json.loads((pathlib.Path(self.stagedir) / "out" / "report.json").read_text())

    @sanity_function
    def all_checks_passed(self):
        return sn.all(sn.assert_eq(w["check"], "passed", msg=f"{w['name']}: {w['check']}") for w in self.report()["workloads"])

    @performance_function("s")
    def longest_step(self):
        return max(step["end_ns"] - step["start_ns"] for step in self.report()["steps"]) / 1e9
