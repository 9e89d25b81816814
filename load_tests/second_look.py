"""A second opinion on a rate, by MLPerf's load generator: `python -m load_tests.second_look --rate 50 --slo-ms 200`.

Another scheduler, another clock, threads instead of greenlets; only the photographs are the same. Needs the extra
`second-look`. Prints one JSON object; `valid` is LoadGen's verdict on the percentile, with its early-stopping rule.
"""

import argparse
import json
import queue
import re
import sys
import tempfile
import threading
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from load_tests.machine import before_others
from load_tests.payloads import PHOTOGRAPHS, Payload, raw, read_photographs

THREADS = 64  # requests in flight at most; each has its own connection
_VALUE = re.compile(r"^(.+?)\s*:\s*(.+)$", re.MULTILINE)


class Sender:
    """Takes queries from LoadGen and answers each when the server has."""

    def __init__(self, host: str, path: str, payloads: list[Payload]) -> None:
        import mlperf_loadgen

        self.loadgen, self.address, self.path, self.payloads = mlperf_loadgen, urlsplit(host), path, payloads
        self.waiting: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
        self.failed = 0
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def issue(self, samples: list) -> None:  # type: ignore[type-arg] # LoadGen's own list
        """LoadGen calls this at the planned instant."""
        for sample in samples:
            self.waiting.put((sample.id, sample.index))

    def work(self) -> None:
        """One connection; ends at None."""
        connection = HTTPConnection(self.address.hostname or "", self.address.port or 80, timeout=60)
        while (query := self.waiting.get()) is not None:
            payload = self.payloads[query[1]]
            try:
                connection.request("POST", self.path, payload.body, payload.headers)
                response = connection.getresponse()
                response.read()
                self.failed += response.status != 200
            except (OSError, HTTPException):
                self.failed += 1
                connection.close()
            self.loadgen.QuerySamplesComplete([self.loadgen.QuerySampleResponse(query[0], 0, 0)])
        connection.close()

    def end(self) -> None:
        """Join the threads."""
        for _ in self.threads:
            self.waiting.put(None)
        for thread in self.threads:
            thread.join()


def look(given: argparse.Namespace) -> dict[str, object]:
    """One run of LoadGen's server scenario; given: as the command's options."""
    import mlperf_loadgen as loadgen

    sender = Sender(given.host, given.path, [raw(photograph) for photograph in read_photographs(PHOTOGRAPHS)])
    settings = loadgen.TestSettings()
    settings.scenario, settings.mode = loadgen.TestScenario.Server, loadgen.TestMode.PerformanceOnly
    settings.server_target_qps = given.rate
    settings.server_target_latency_ns = int(given.slo_ms * 1e6)
    settings.server_target_latency_percentile = given.percentile / 100
    settings.min_duration_ms, settings.min_query_count = int(given.seconds * 1e3), 1
    # LoadGen's own seed never changes: runs that should confirm each other would be one run, told thrice.
    settings.schedule_rng_seed = settings.sample_index_rng_seed = given.seed
    count = len(sender.payloads)
    sut = loadgen.ConstructSUT(sender.issue, lambda: None)
    qsl = loadgen.ConstructQSL(count, count, lambda _: None, lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        output = loadgen.LogOutputSettings()
        output.outdir, output.copy_summary_to_stdout = folder, False
        logs = loadgen.LogSettings()
        logs.log_output, logs.enable_trace = output, False
        loadgen.StartTestWithLogSettings(sut, qsl, settings, logs)
        text = (Path(folder) / "mlperf_log_summary.txt").read_text()
    loadgen.DestroyQSL(qsl)
    loadgen.DestroySUT(sut)
    sender.end()
    return figures(text) | {"rate": given.rate, "failed": sender.failed}


def figures(text: str) -> dict[str, object]:
    """What mlperf_log_summary.txt says: percentiles from plan in ms, answers a second, LoadGen's verdict and why."""
    found = {name.strip(): value.strip() for name, value in _VALUE.findall(text)}
    percentiles = {f"p{share}": float(found[f"{share}.00 percentile latency (ns)"]) / 1e6 for share in (50, 90, 95, 99)}
    completed = next(value for name, value in found.items() if name.startswith("Completed samples per second"))
    return {
        "latency_ms": percentiles,
        "answered_per_s": float(completed),
        "valid": found["Result is"] == "VALID",
        "early_stopping": found.get("Early stopping satisfied", found.get("* Early stopping satisfied", "")),
    }


def main() -> int:
    """Returns 0 where LoadGen calls the rate valid, 1 where not."""
    parser = argparse.ArgumentParser(prog="python -m load_tests.second_look", description=__doc__)
    parser.add_argument("--host", default="http://127.0.0.1:8080")
    parser.add_argument("--path", default="/predict")
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--slo-ms", type=float, default=200)
    parser.add_argument("--percentile", type=float, default=99)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the arrivals and of the order of photographs")
    given = parser.parse_args()
    with before_others(threads=True):
        found = look(given)
    print(json.dumps(found))
    return 0 if found["valid"] else 1


if __name__ == "__main__":
    sys.exit(main())
