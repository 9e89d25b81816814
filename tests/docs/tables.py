"""The pages of docs/ that are lists of what the code knows. `python -m tests.docs.tables` writes them anew."""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry
from pydantic.fields import FieldInfo

from load_tests.cli import VERBS
from load_tests.config import PREFIX as LOAD_PREFIX
from load_tests.document import schema_text
from serving.errors import KINDS
from serving.metrics import Metrics
from serving.settings import PREFIX, Settings
from serving.upstream.ledger import Ledger
from tests.docs.features import features_page
from tests.sources import ROOT

TRAINER_VARIABLES = ("THAW_STATE",)
SETTINGS_HEAD = """# Settings of the server

Environment variables, read once at start and logged. A misspelt or impossible one stops the start with a sentence.
The trainer has one of its own: `THAW_STATE`, the folder for caches and unfinished work (default `~/.cache/thaw`).
"""
LOAD_HEAD = """# Settings of the load tests

`--max-wait-s 3`, `LOAD_MAX_WAIT_S=3` or the default, in this order. `--help` behind a verb lists its own.
"""
METRICS_HEAD = """# Metrics

`GET /metrics`, Prometheus text. All series exist from the start; labels come from closed sets, never from a client.
"""
METRICS_OF_A_MOVE = """
## Of `python -m serving shadow`

On its page's port, `GET /metrics`. `server` is `upstream` or `ours`; outcomes and reasons are told on the page.
"""
ERRORS_HEAD = """# Refusals

Problem details (RFC 9457) on our routes, with `type` `/docs#NAME`; `{code, type, message}` on TorchServe's,
`{error}` below `/v2`. `outcome` is the label in `thaw_requests_total`. Each `detail` says what was wrong, what was
expected and what to do.
"""


def settings_page() -> str:
    """One row for each field of Settings."""
    rows = (
        (f"`{PREFIX}{name.upper()}`", f"`{field.default}`", field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return SETTINGS_HEAD + table(("variable", "default", "meaning"), rows)


def metrics_page() -> str:
    """One row for each metric of the registry, under the name a scrape shows."""
    of_a_move = metric_table(Ledger().registry)
    return METRICS_HEAD + metric_table(Metrics().registry) + METRICS_OF_A_MOVE + of_a_move


def metric_table(registry: CollectorRegistry) -> str:
    """One row for each metric."""
    # The public registry tells no labels of a series that nobody has made yet.
    collectors = registry._collector_to_names
    labels = {name: getattr(collector, "_labelnames", ()) for collector, names in collectors.items() for name in names}
    rows = (
        (
            f"`{metric.name}{'_total' if metric.type == 'counter' else ''}`",
            metric.type,
            ", ".join(f"`{label}`" for label in labels[metric.name]),
            metric.documentation,
        )
        for metric in sorted(registry.collect(), key=lambda metric: metric.name)
    )
    return table(("metric", "type", "labels", "meaning"), rows)


def errors_page() -> str:
    """One row for each kind of refusal."""
    rows = (
        (
            f"`{kind.name}`",
            str(kind.status),
            kind.title,
            kind.outcome,
            f"{kind.torchserve_status or kind.status} `{kind.torchserve}`",
        )
        for kind in KINDS.values()
    )
    return ERRORS_HEAD + table(("name", "status", "title", "outcome", "on TorchServe's routes"), rows)


def load_settings_page() -> str:
    """One row for each setting of the load tests' verbs."""
    verbs: dict[str, list[str]] = {}
    fields: dict[str, FieldInfo] = {}
    for verb, (kind, _) in VERBS.items():
        for name, field in kind.model_fields.items():
            verbs.setdefault(name, []).append(f"{verb}={shown(field)}")
            fields.setdefault(name, field)
    rows = (
        (f"`{LOAD_PREFIX}{name.upper()}`", _defaults(verbs[name]), fields[name].description or "") for name in fields
    )
    return LOAD_HEAD + table(("variable", "default", "meaning"), rows)


def shown(field: FieldInfo) -> str:
    """A default as a person writes it; paths from the repository."""
    default = field.get_default()
    text = default.relative_to(ROOT).as_posix() if isinstance(default, Path) and default.is_absolute() else str(default)
    return "" if default is None or field.is_required() else text


def _defaults(of_verbs: list[str]) -> str:
    """One default where all verbs agree, else each that differs."""
    by_value: dict[str, list[str]] = {}
    for entry in of_verbs:
        verb, _, value = entry.partition("=")
        by_value.setdefault(value, []).append(verb)
    most = max(by_value, key=lambda value: len(by_value[value]))
    others = "".join(f"; {', '.join(names)}: `{value}`" for value, names in by_value.items() if value != most)
    return (f"`{most}`" if most else "") + others


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table after an empty line."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


PAGES = {
    "docs/settings.md": settings_page,
    "docs/metrics.md": metrics_page,
    "docs/errors.md": errors_page,
    "docs/load-settings.md": load_settings_page,
    "docs/features.md": features_page,
    "load_tests/summary.schema.json": schema_text,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        Path(ROOT / name).write_text(page())
