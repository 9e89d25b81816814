"""Facts and pictures -> report.html and report.json, beside the artifacts."""

import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import jinja2

from contract.artifact import Artifact
from training.backbone import STAGES
from training.job import Job, job_scores
from training.report import plots
from training.report.facts import collect
from training.report.pictures import thumbnails, why_no_pictures

_INTERVAL, _NEGATIVE, _CODE = re.compile(r"\[[^\]]+\]"), re.compile(r"(?<![\w.)-])-(?=\d)"), re.compile(r"`([^`]+)`")
HTML, JSON = "report.html", "report.json"
TEMPLATES = Path(__file__).parents[1] / "templates"


def write_report(job: Job, artifacts: Sequence[Artifact], command: str | None = None) -> Path:
    """Write `job.out/report.html` and `report.json`; returns the page's path.

    artifacts: what `run_job` returned. command: what makes it all again; by default this process's own verb.
    Raises DataError when stored scores are missing or the models saw different test photographs.
    """
    facts = collect(job, artifacts, job_scores(job), command or own_command())
    reason = why_no_pictures(job)
    pictures = {} if reason else {a.manifest.name: _pictures(job, a, facts) for a in artifacts}
    replace_file(job.out / JSON, json.dumps(facts, indent=2) + "\n")
    replace_file(job.out / HTML, page(facts, pictures, reason))
    return job.out / HTML


def own_command() -> str | None:
    """The command line of this process when it is a verb of the trainer."""
    main = Path(sys.argv[0])
    is_verb = (main.parent.name, main.name) == ("training", "__main__.py")
    return shlex.join(["python", "-m", "training", *sys.argv[1:]]) if is_verb else None


def page(facts: Mapping[str, Any], pictures: Mapping[str, Mapping[str, str]], no_pictures: str | None) -> str:
    """facts: the content of report.json. pictures: model -> path -> data: URI."""
    return template("report.html.j2").render(
        f=facts,
        pictures=pictures,
        no_pictures=no_pictures,
        stages=STAGES,
        tone={name: plots.tone(facts, name) for name in facts["models"]},
        depth_plots=plots.depth_plots(facts),
        curves=plots.curve_plots(facts),
        reliability={test: plots.reliability_plots(facts, test) for test in facts["tests"]},
        best_trial=plots.best_trial,
        figure_rows=figure_rows(facts),
        settings=settings_of(facts),
    )


def template(name: str) -> jinja2.Template:
    """A page of `templates/`; it has the style and the filter of every report."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=name.endswith(".html.j2"), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["prose"] = prose
    environment.globals["style"] = (TEMPLATES / "report.css").read_text()
    return environment.from_string((TEMPLATES / name).read_text())


def prose(sentence: str) -> str:
    """HTML of a sentence: an interval stays on one line, a minus is a minus, what stands in backticks is code."""
    signed = _NEGATIVE.sub("\N{MINUS SIGN}", escape(sentence))
    return _CODE.sub(
        r"<code>\1</code>", _INTERVAL.sub(lambda found: f'<span class="interval">{found[0]}</span>', signed)
    )


def figure_rows(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """test -> names of the figures that at least one model has there; the rest cannot be measured."""
    out = {}
    for test in facts["tests"]:
        found = [model["test"].get(test, {}) for model in facts["models"].values()]
        names = dict.fromkeys(name for figures in found for name in figures)
        out[test] = [n for n in names if any((f.get(n) or {}).get("value") is not None for f in found)]
    return out


def settings_of(facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`own`: setting -> one text a model, where they differ; `common`: setting -> its text. Nested names are dotted."""
    flat = [_flat(model["settings"]) for model in facts["models"].values()]
    rows = {
        name: [settings.get(name, "") for settings in flat] for settings in flat for name in settings if name != "name"
    }
    own = {name: values for name, values in rows.items() if len(set(values)) > 1}
    return {"own": own, "common": {name: values[0] for name, values in rows.items() if name not in own}}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{name}.")
        else:
            out[prefix + name] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return out


def _pictures(job: Job, artifact: Artifact, facts: Mapping[str, Any]) -> dict[str, str]:
    """Paths of two tests may be the same file: they name the same photograph then."""
    model, out = facts["models"][artifact.manifest.name], dict[str, str]()
    for part in job.tests:
        shown = [m for kind in ("false_alarms", "missed") for m in model[kind].get(part.name, {}).get("shown", [])]
        out |= thumbnails(part, [mistake["path"] for mistake in shown], artifact.manifest.input)
    return out


def replace_file(path: Path, content: str) -> None:
    """Whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)
