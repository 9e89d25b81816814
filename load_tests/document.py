"""The form of summary.json; summary.schema.json is made from it."""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    """Unknown names are refused, so that summary.json and its schema cannot drift apart."""

    model_config = ConfigDict(extra="forbid")


class Spread(_Part):
    """Milliseconds; null where the run is invalid or nothing was answered."""

    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    p99_9: float | None = Field(None, alias="p99.9", serialization_alias="p99.9")
    mean: float | None = None
    max: float | None = None


class Objective(_Part):
    """verdict: held is proven, missed is observed, unproven means too few requests to tell."""

    name: str
    limit: float
    value: float | None
    verdict: Literal["held", "missed", "unproven"]
    words: str


class Run(_Part):
    """What was asked for, and what the generator and the clock did: all that a verdict needs beside the rows."""

    verb: str
    loop: Literal["open", "closed"]
    host: str
    path: str
    warmup_s: float
    duration_s: float
    rate: float | None = None
    users: int | None = None
    batch: int = 1
    seed: int | None = None
    workers: int = 1
    closed_users: int = 0
    burst: tuple[float, float] | None = None  # seconds: of a spike, from and until
    objectives: dict[str, float]
    must_prove: bool = False
    cpu: float
    clock_drift_s: float
    began: float
    photographs: int
    machine: dict[str, str | int | float | None]


class Burst(_Part):
    """What happened while more was offered than usual, and afterwards."""

    offered_per_s: float
    goodput_per_s: float
    refused: int
    refusal_p50_ms: float | None = Field(description="From the send to the refusal.")
    recovery_s: float = Field(description="From the end of the burst to the first second that stays normal.")


class Beside(_Part):
    """A closed loop at the same rate: its users wait while the server does, so they hardly see it stop."""

    users: int
    answered_per_s: float
    latency_ms: Spread


class Summary(_Part):
    """What a run found. Counts and rates are of the measured window; sent = ok + failed + dropped + cut."""

    exit: int
    verdict: str
    valid: bool
    invalid_because: list[str]
    warnings: list[str]
    offered_per_s: float | None = Field(description="Planned requests a second; null in a closed loop.")
    achieved_per_s: float = Field(description="Requests a second that were really sent.")
    answered_per_s: float = Field(description="Right answers a second, by the instant they came.")
    goodput_per_s: float = Field(description="Right answers a second, of the requests due, within the objective.")
    photographs_per_s: float = Field(description="answered_per_s times the photographs in each request.")
    sent: int
    ok: int
    failed: int
    dropped: int
    cut: int
    failures: dict[str, int] = Field(description="failed by kind.")
    failure_words: dict[str, str] = Field(description="What was wrong, by kind: the most frequent words.")
    latency_ms: Spread = Field(description="From the planned instant to the whole answer.")
    service_ms: Spread = Field(description="From the send to the whole answer.")
    late_ms: Spread = Field(description="From the planned instant to the send: the generator's own fault.")
    stages_ms: dict[str, Spread] = Field(description="Steps as Server-Timing tells them; empty where it is absent.")
    objectives: list[Objective]
    burst: Burst | None = Field(None, description="Of a spike.")
    closed_beside: Beside | None = Field(None, description="Stock closed-loop users at the same rate, after the run.")
    in_flight: float = Field(description="Mean number of requests in flight: throughput times service time.")
    run: Run


def schema_text() -> str:
    """JSON Schema of summary.json."""
    return json.dumps(Summary.model_json_schema(mode="serialization"), indent=1) + "\n"
