"""Rows and runs for tests."""

import numpy as np

from load_tests.document import Run
from load_tests.rows import OK, Row

SECONDS = 10.0


def rows(
    count: int = 1000, latency_ms: float = 20, late_ms: float = 0.1, outcome: str = OK, start: float = 0
) -> list[Row]:
    """Evenly due over ten seconds."""
    due = start + np.arange(count) * SECONDS / count
    return [
        Row(d, d + late_ms / 1e3, d + latency_ms / 1e3, outcome, 200, 0, "bus", {"infer": 5.0}) for d in due.tolist()
    ]


def run(**changes: object) -> Run:
    """An open run of ten seconds without a warm-up."""
    usual = {
        "verb": "server", "loop": "open", "host": "http://127.0.0.1:1", "path": "/predict", "warmup_s": 0,
        "duration_s": SECONDS, "rate": 100, "objectives": {"p99_ms": 200, "error_rate": 0.001, "goodput": 0.99},
        "cpu": 0.1, "clock_drift_s": 0, "began": 0, "photographs": 1, "machine": {},
    }  # fmt: skip
    return Run.model_validate(usual | changes)
