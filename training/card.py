"""CARD.md: what a model is for, what it learned from, how good it is, where it fails. From the manifest alone."""

from collections.abc import Mapping
from pathlib import Path

import jinja2

from contract.manifest import Manifest

_TEMPLATE = Path(__file__).parent / "templates" / "card.md.j2"


def card(manifest: Manifest) -> str:
    """Markdown with a YAML header."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["figure"] = figure
    environment.filters["decimals"] = lambda value: "n/a" if value is None else f"{value:.4f}"
    frozen = sum(record.frozen for record in manifest.tensors.values())
    return environment.from_string(_TEMPLATE.read_text()).render(
        m=manifest, frozen=frozen, thawed=len(manifest.tensors) - frozen
    )


def figure(interval: Mapping[str, float | None] | None) -> str:
    """`0.912 [0.895, 0.928]`, or n/a where the data cannot tell."""
    if interval is None or interval.get("value") is None:
        return "n/a"
    return f"{interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"
