"""Query parameters and headers of a request -> checked options."""

import difflib
from dataclasses import dataclass
from urllib.parse import parse_qsl

from serving.errors import Refusal

LONGEST_TIMEOUT_MS = 3_600_000
PARAMETERS = ("model", "version", "top_k", "explain", "timeout_ms")


@dataclass(frozen=True)
class Options:
    """What the client asked for. `top_k`: None for all labels; `timeout_ms`: None for the server's default.

    `models`: names with commas between, for a comparison.
    """

    model: str | None = None
    version: str | None = None
    models: str | None = None
    top_k: int | None = None
    explain: bool = False
    timeout_ms: int | None = None


def read_options(
    query: str, timeout_header: str, allowed: tuple[str, ...] = PARAMETERS, *, ignore_others: bool = False
) -> Options:
    """query: without the question mark. Raises Refusal: bad-parameter, for an unknown name as well as a bad value.

    ignore_others: unknown names are passed over, as a server does that was there before us.
    """
    values: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in allowed and ignore_others:
            continue
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, 1)
            meant = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(allowed)}."
            raise Refusal("bad-parameter", f"No parameter {name[:60]!r} here. {meant}")
        if name in values:
            raise Refusal("bad-parameter", f"Parameter {name!r} is given twice. Give it once.")
        values[name] = value
    if values.get("explain", "cam") != "cam":
        raise Refusal("bad-parameter", f"explain={values['explain'][:60]!r} is unknown. The only explanation is cam.")
    timeout = _whole(values, "timeout_ms", LONGEST_TIMEOUT_MS)
    if timeout is None and timeout_header:
        timeout = _whole({"X-Request-Timeout-Ms": timeout_header}, "X-Request-Timeout-Ms", LONGEST_TIMEOUT_MS)
    return Options(
        values.get("model"),
        values.get("version"),
        values.get("models"),
        top_k=_whole(values, "top_k", 1000),
        explain="explain" in values,
        timeout_ms=timeout,
    )


def _whole(values: dict[str, str], name: str, highest: int) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and 1 <= int(text) <= highest):
        raise Refusal(
            "bad-parameter", f"{name}={text[:60]!r} is no whole number from 1 to {highest}. Correct or leave it out."
        )
    return int(text)
