"""`adapt`: which job the options mean, run it, report, publish."""

from dataclasses import dataclass
from pathlib import Path

from training.data.archives import DataError
from training.drawn_job import DRAWN, drawn_job
from training.folder_job import folder_job
from training.job import Job, run_job
from training.photographs_job import CONTRAST, TARGETS, contrast_job, photographs_job
from training.progress import Watch
from training.publish import publish
from training.report import write_report
from training.sources.read import DEFAULT_SOURCE


@dataclass(frozen=True)
class Wanted:
    """The verb's options as given; empty text where none was."""

    out: Path
    source: str
    target: str
    photographs: Path | None
    new_label: str
    threads: int


def adapt(wanted: Wanted, shipped: Path | None, watch: Watch) -> None:
    """shipped: the store to publish into, or None."""
    job = choose_job(wanted, watch)
    artifacts = run_job(job, watch)
    watch.say(f"report: {write_report(job, artifacts)}")
    watch.say(f"serve it: make serve MODELS={wanted.out}")
    if shipped:
        publish(wanted.out, shipped / "drawn" if job.train.name == DRAWN else shipped, watch)


def choose_job(wanted: Wanted, watch: Watch) -> Job:
    """Drawn vehicles, a shipped split over the collections, or the user's own folder."""
    source = wanted.source or DEFAULT_SOURCE
    if not wanted.target:
        return drawn_job(wanted.out, watch, wanted.threads, wanted.source)
    if wanted.photographs and wanted.target == CONTRAST:
        return contrast_job(wanted.photographs, wanted.out, wanted.threads)
    if wanted.photographs and wanted.target in TARGETS:
        return photographs_job(wanted.target, source, wanted.photographs, wanted.out, wanted.threads)
    if wanted.photographs:
        raise DataError(
            f"--target {wanted.target!r}: with --photographs it is one of {', '.join((*TARGETS, CONTRAST))}."
        )
    return folder_job(Path(wanted.target), source, wanted.out, wanted.new_label, wanted.threads)
