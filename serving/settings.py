"""Everything an operator can set: `THAW_*` variables, read once at start."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.artifact import FLOAT32, VARIANTS
from contract.pixels import MAX_PIXELS
from serving import DEFAULT_HOST, DEFAULT_PORT
from serving.board import MOST_PROCESSES
from serving.engine import Provider
from serving.errors import StartError

PREFIX = "THAW_"
VARIANT = "|".join(VARIANTS)
OF_OTHERS = ("THAW_STATE",)  # the trainer's; the same shell may have it set
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """One object, logged at start. Every field has a unit in its name, bounds and a sentence."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: str = Field(DEFAULT_HOST, description="Address to listen on; loopback unless told otherwise.")
    port: int = Field(DEFAULT_PORT, ge=0, le=65535, description="Port to listen on; 0 takes a free one and logs it.")
    ops_port: int | None = Field(
        None, ge=0, le=65535, description="Second port, for /metrics and health alone, never encrypted; unset: none."
    )
    tls_cert: Path | None = Field(None, description="Certificate chain in PEM; with it the server speaks HTTPS.")
    tls_key: Path | None = Field(None, description="Private key of the certificate in PEM, without a passphrase.")
    api_keys: SecretStr | None = Field(
        None,
        description="Keys of clients, separated by commas; health, metrics and the page stay open; unset: all open.",
    )
    api_keys_file: Path | None = Field(None, description="File with further keys, one a line; # begins a comment.")
    models: Path = Field(Path("model_store"), description="Folder of the model store.")
    provider: Provider = Field(
        "auto", description="cpu, cuda (start fails without it), or auto: cuda where there is one."
    )
    variant: str = Field(
        FLOAT32,
        pattern=rf"^({VARIANT})(,({VARIANT}))*$",
        description="Graph that answers: float32, int8, fp16, or several, with commas: each version's first of them.",
    )
    processes: int = Field(
        1, ge=1, le=MOST_PROCESSES, description="Serving processes; lanes, slots and limits count for each of them."
    )
    spare: bool = Field(True, description="With one process: keep a second with its models loaded, to take over.")
    poll_seconds: float = Field(
        5.0,
        ge=0,
        le=3600,
        description="Time between two looks at the store for versions and aliases, and at the certificate; 0: never.",
    )
    versions_per_model: int = Field(
        2, ge=1, le=64, description="Newest versions of each name kept in memory, beside those that aliases mean."
    )
    versions_in_all: int = Field(
        16, ge=1, le=1024, description="Most versions in memory; one more while one is swapped."
    )
    admin_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="Key of the /admin routes, which are closed without it; 16 characters at least.",
    )
    lanes: int = Field(0, ge=0, le=256, description="Threads that decode; 0: one for each granted core.")
    shape: Literal["auto", "lanes", "pool"] = Field(
        "auto", description="lanes: each decodes and infers; pool: they decode for one device; auto: pool with CUDA."
    )
    batch_limit: int = Field(
        0, ge=0, le=256, description="Most photographs inferred together; 0: 4 on the CPU, 32 with CUDA."
    )
    slots: int = Field(0, ge=0, le=100_000, description="Photographs in flight before shedding; 0: 32 for each lane.")
    deadline_ms: int = Field(5000, ge=1, le=3_600_000, description="Age at which an answer is worthless, unless told.")
    max_body_bytes: int = Field(10_000_000, ge=1, description="Largest request body.")
    max_pixels: int = Field(MAX_PIXELS, ge=64, description="Largest photograph, width times height, before decoding.")
    max_buffered_bytes: int = Field(128_000_000, ge=1, description="Bodies held at once over all connections.")
    max_header_bytes: int = Field(32_768, ge=256, description="Largest request line with headers.")
    max_connections: int = Field(1024, ge=1, description="Open connections; further ones are told to come back.")
    header_timeout_s: Seconds = Field(10.0, description="Longest time for a request's headers to arrive.")
    body_timeout_s: Seconds = Field(30.0, description="Longest time for a request's body to arrive.")
    keep_alive_timeout_s: Seconds = Field(75.0, description="Idle time after which a connection is closed.")
    drain_seconds: float = Field(5.0, ge=0, le=600, description="On SIGTERM: not ready, but serving on, for this long.")
    stop_seconds: Seconds = Field(15.0, description="On SIGTERM: the process is gone after this long in all.")
    lane_stuck_s: Seconds = Field(30.0, description="A lane busy with one batch for longer makes the server not live.")
    log_requests: bool = Field(False, description="One line in the log for each request.")
    otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="OpenTelemetry collector for a span a request, as http://host:4318/v1/traces; unset: none is sent.",
    )
    log_format: Literal["auto", "json", "plain"] = Field(
        "auto", description="One JSON object a line, plain words, or auto: plain on a terminal, else JSON."
    )

    @property
    def variants(self) -> tuple[str, ...]:
        """By preference."""
        return tuple(self.variant.split(","))


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Raises StartError for a variable that means nothing or a value out of bounds."""
    environment = os.environ if environment is None else environment
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known and name not in OF_OTHERS:
            raise StartError(_unknown(name, environment[name], known))
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        name = PREFIX + field.upper()
        if "SecretStr" in str(Settings.model_fields[field].annotation):
            wanted = Settings.model_fields[field].description
            raise StartError(f"{name} cannot be used; its value is not shown. {wanted} Set another.") from None
        hint = _SERVICE_LINKS if "://" in str(first["input"]) else f"Set {name} to an allowed value or unset it."
        raise StartError(f"{name}={first['input']!r}: {first['msg']}. {hint}") from error


_SERVICE_LINKS = (
    "Kubernetes sets such variables for a Service named like ours: set enableServiceLinks: false in the pod's spec."
)


def _unknown(name: str, value: str, known: set[str]) -> str:
    if "://" in value or name.startswith(PREFIX + "SERVICE_"):
        return f"{name}={value!r} is no setting. {_SERVICE_LINKS}"
    bare = [each.removeprefix(PREFIX) for each in known]  # the prefix alone would make all of them alike
    near = difflib.get_close_matches(name.upper().removeprefix(PREFIX), bare, 1)
    meant = f"Did you mean {PREFIX}{near[0]}?" if near else f"Known: {', '.join(sorted(known))}."
    return f"{name} is no setting. {meant} Rename or unset it."
