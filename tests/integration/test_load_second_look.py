import json
import subprocess
import sys

import pytest

from load_tests.second_look import figures
from tests.integration.load_process import PLAIN, null_server
from tests.sources import ROOT

LOG = """
Scenario          : Server
Completed samples per second    : 49.43
Result is : VALID
  Early stopping satisfied: Yes
50.00 percentile latency (ns)   : 12148804
90.00 percentile latency (ns)   : 25992745
95.00 percentile latency (ns)   : 29526370
99.00 percentile latency (ns)   : 39101453
"""


def test_its_summary_is_read() -> None:
    """Percentiles in milliseconds, the rate, the verdict."""
    found = figures(LOG)
    assert (True, 49.43, "Yes") == (found["valid"], found["answered_per_s"], found["early_stopping"])
    assert {"p50": 12.148804, "p90": 25.992745, "p95": 29.52637, "p99": 39.101453} == found["latency_ms"]


@pytest.mark.long
@pytest.mark.parametrize(("rate", "valid"), [(40, True), (150, False)])
def test_the_other_generator_sees_the_same_capacity(rate: int, valid: bool) -> None:
    """A server for 100 a second: 40 hold, 150 do not."""
    pytest.importorskip("mlperf_loadgen", reason="the extra `second-look` is not installed")
    with null_server("--serial-ms", "10") as (url, _):
        options = ("--host", url, "--rate", str(rate), "--seconds", "8", "--slo-ms", "500", "--percentile", "90")
        command = [sys.executable, "-m", "load_tests.second_look", *options]
        done = subprocess.run(command, capture_output=True, text=True, env=PLAIN, cwd=ROOT, timeout=120)
    assert valid == json.loads(done.stdout)["valid"], done.stdout + done.stderr
