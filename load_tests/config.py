"""The settings of each verb: flags before LOAD_ variables before defaults. Each has a unit, bounds and a sentence."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, CliPositionalArg, SettingsConfigDict

from load_tests.payloads import LABELS, PHOTOGRAPHS

PREFIX = "LOAD_"


Document = Annotated[
    Path | None, Field(description="Markdown file; the table between its markers for this verb is written anew.")
]


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError(f"{text!r} is no address. Wanted is http://NAME:PORT; write the scheme too.")
    return text.rstrip("/")


class Target(BaseSettings):
    """Where requests go and what they carry."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, cli_kebab_case=True, cli_implicit_flags=True, cli_hide_none_type=True, frozen=True
    )

    host: Annotated[str, AfterValidator(_address), Field("http://127.0.0.1:8080", description="Scheme, name and port.")]
    path: str = Field("/predict", pattern="^/", description="Route and query, such as /predict?model=frozen.")
    images: Path = Field(PHOTOGRAPHS, description="Folder of photographs; they are sent as they are, in turn.")
    labels: str = Field(LABELS, description="CSV file,label in that folder, or `none` for a server with other words.")
    header: str = Field("", description="`Name: value` sent with each request, such as an API key.")
    timeout_s: float = Field(
        30, gt=0, le=600, description="Seconds without a byte until a request counts as timed out."
    )
    warmup: float = Field(5, ge=0, le=3600, description="Seconds at the start that no figure includes.")
    duration: float = Field(30, gt=0, le=86_400, description="Seconds that are measured, after the warm-up.")
    drain: float = Field(10, ge=0, le=600, description="Seconds that the last requests may take; then they are cut.")
    out: Path = Field(Path("reports/load/run"), description="Folder for summary.json, report.html and the raw rows.")
    objectives: Path | None = Field(None, description="YAML of what must hold; default load_tests/objectives.yaml.")
    slo_ms: float | None = Field(None, gt=0, description="Milliseconds: the percentile's limit, instead of the file's.")
    percentile: float = Field(99, ge=50, lt=100, description="Which percentile --slo-ms limits.")


class Single(Target):
    """One user, one photograph after the other: the floor of latency."""

    users: int = Field(1, ge=1, le=10_000, description="Users that each wait for their answer.")
    batch: int = Field(1, ge=1, le=256, description="Photographs in each request; more than one go as a form.")
    pace: float = Field(
        0, ge=0, description="Requests a second that all users together stay under; 0: as fast as they can."
    )


class Multi(Single):
    """One user, eight photographs in each request."""

    batch: int = Field(8, ge=1, le=256, description="Photographs in each request; more than one go as a form.")


class Offline(Single):
    """Users who keep the server full: photographs a second when latency does not matter."""

    users: int = Field(16, ge=1, le=10_000, description="Users that each wait for their answer.")


class Server(Target):
    """Poisson arrivals at a rate, whatever the answers: the latency that callers see."""

    rate: float = Field(50, gt=0, le=100_000, description="Requests a second.")
    seed: int = Field(0, ge=0, description="Of the arrivals and of the order of photographs.")
    cap: int = Field(
        1000, ge=1, le=1000, description="Requests in flight at most, each process; above 1000 add processes."
    )
    max_wait_s: float = Field(
        5, ge=0, le=600, description="Seconds that a due request waits for a place before it is dropped."
    )
    trace: Path | None = Field(None, description="File of due times, one number of seconds a line, instead of a rate.")
    processes: int = Field(0, ge=0, le=64, description="Worker processes beside this one; 0: send from this one.")
    workers: int = Field(0, ge=0, le=1000, description="Wait for so many workers from elsewhere (verb `worker`).")
    bind: str = Field("127.0.0.1:5557", description="Where this process listens for workers.")
    closed: int = Field(
        0,
        ge=0,
        le=1000,
        description="Afterwards also run so many stock closed-loop users at the same rate, to compare.",
    )


class Knee(Server):
    """The highest rate that still holds the objectives."""

    warmup: float = Field(2, ge=0, le=3600, description="Seconds at the start of each step that no figure includes.")
    duration: float = Field(15, gt=0, le=86_400, description="Seconds of each step; the last three take twice that.")
    precision: float = Field(
        0.05, gt=0, le=0.5, description="Share by which the two last rates of the search may differ."
    )
    second_look: bool = Field(False, description="Search again with MLPerf's LoadGen; more than 10 % apart is INVALID.")
    document: Document = None


class Soak(Server):
    """A rate for a long time: does anything creep?"""

    duration: float = Field(3600, gt=0, le=86_400, description="Seconds that are measured, after the warm-up.")


class Spike(Server):
    """Calm, a burst, calm again: how does it behave above what it carries, and how soon is it normal again?"""

    duration: float = Field(45, gt=0, le=86_400, description="Seconds, a third of them the burst in the middle.")
    factor: float = Field(4, gt=1, le=100, description="Rate of the burst / rate.")


class Matrix(BaseSettings):
    """Every server and model in turn, round after round, at equal cores: `make load` without ARGS."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, cli_kebab_case=True, cli_implicit_flags=True, cli_hide_none_type=True, frozen=True
    )

    servers: str = Field(
        "ours-float32,ours-int8,torchserve-eager,torchserve-onnx", description="Which to start, separated by commas."
    )
    models: str = Field("frozen,partial,majority,contrast", description="Which to ask, separated by commas.")
    store: Path = Field(Path("model_store"), description="The models' store.")
    rounds: int = Field(5, ge=1, le=100, description="How often each server is started and measured.")
    seconds_each: float = Field(10, ge=1, le=600, description="Seconds of each run, after a second of warm-up.")
    slo_ms: float = Field(200, gt=0, description="Milliseconds that p99 may take where a rate counts as carried.")
    quick: bool = Field(False, description="One round, one model, three seconds, two rates: under five minutes.")
    out: Path = Field(Path("reports/load"), description="Folder for report.html, summary.json, table.md and every run.")
    document: Document = None

    def server_names(self) -> list[str]:
        """In the order of the first round."""
        return [name.strip() for name in self.servers.split(",") if name.strip()]

    def model_names(self) -> list[str]:
        """Quick: the default model alone."""
        return ["majority"] if self.quick else [name.strip() for name in self.models.split(",") if name.strip()]

    @property
    def all_rounds(self) -> int:
        """Beside round 0, which finds the ceilings."""
        return 1 if self.quick else self.rounds

    @property
    def length(self) -> float:
        """Seconds of one run."""
        return 3.0 if self.quick else self.seconds_each

    @property
    def all_shares(self) -> tuple[float, ...]:
        """Of the ceiling, as offered rates of the open loop."""
        return (0.5, 0.9) if self.quick else (0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.2)

    def estimate(self) -> str:
        """What will be done, and about how long it takes."""
        servers, models = len(self.server_names()), len(self.model_names())
        run_s, start_s = self.length + 2, 15
        first = servers * (start_s + models * run_s)
        later = self.all_rounds * servers * (start_s + models * run_s * (2 + len(self.all_shares)))
        return f"{servers} servers, {models} models, {self.all_rounds} rounds: about {(first + later) / 60:.0f} minutes"


class Size(BaseSettings):
    """How many pods for so many requests a second? From a finished matrix."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, cli_kebab_case=True, cli_hide_none_type=True, frozen=True)

    folder: CliPositionalArg[Path] = Field(description="What --out of the matrix named.")
    rate: list[Annotated[float, Field(gt=0)]] = Field(description="Requests a second that shall be carried: 50,500.")
    slo_ms: float = Field(200, gt=0, description="Milliseconds that p99 may take.")
    headroom: float = Field(
        0.3, ge=0, lt=1, description="Share of each pod that is kept free: for bursts and a pod's loss."
    )
    document: Document = None


class Selfcheck(BaseSettings):
    """Is the generator right on this machine? It measures servers of known behaviour."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, cli_kebab_case=True, cli_hide_none_type=True, frozen=True)

    seconds: float = Field(
        20, ge=5, le=600, multiple_of=5, description="Seconds of each check; whole periods of the freezing server."
    )
    out: Path = Field(Path("reports/load/selfcheck"), description="Folder for selfcheck.json and every run.")
    document: Document = None


class Verdict(BaseSettings):
    """Judge the rows of a finished run again, by its objectives or by others."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, cli_kebab_case=True, cli_hide_none_type=True, frozen=True)

    folder: CliPositionalArg[Path] = Field(description="What --out named.")
    objectives: Path | None = Field(None, description="YAML of other objectives; default: those of the run.")


class Worker(BaseSettings):
    """Sends its share of the requests of a `server --workers` run elsewhere."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, cli_kebab_case=True, cli_hide_none_type=True, frozen=True)

    master: str = Field("127.0.0.1:5557", description="Where that process listens.")
    images: Path = Field(PHOTOGRAPHS, description="Folder of the same photographs.")
