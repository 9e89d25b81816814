"""`python -m training VERB`: every verb of the trainer, one function each. Torch is imported when a verb needs it."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from contract.artifact import list_versions
from contract.errors import ArtifactError
from training.data.archives import DataError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Out = Annotated[Path, typer.Option(help="Folder that becomes a store, with the report beside it.")]
Threads = Annotated[int, typer.Option(help="CPU threads; the same number gives the same bytes.")]
Store = Annotated[Path, typer.Option(help="The model store.")]
New = Annotated[str, typer.Option("--new", help="The class that the source has never seen.")]
SHIPPED = Path(__file__).parents[1] / "model_store"
TINY_BUS = Path(__file__).parent / "splits" / "tiny-imagenet-bus.csv"


@app.callback()
def main() -> None:
    """Thaw's trainer: check and split photographs, draw vehicles, pretrain a source, adapt it, publish."""


@app.command()
def check(
    sources: Annotated[list[Path], typer.Argument(help="A folder or zip of photographs, or several that make one.")],
    new: New = "bus",
    split: Annotated[Path | None, typer.Option(help="A split file to check against.")] = None,
    labels: Annotated[Path | None, typer.Option(help="CSV word,labels: what the folder's own words mean.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Inspect photographs before anybody trains on them."""
    from training.check.report import run_check

    sys.exit(run_check(sources, new, split, labels, as_json))


@app.command()
def split(
    sources: Annotated[list[Path], typer.Argument(help="A folder or zip of photographs, or several that make one.")],
    out: Annotated[Path, typer.Option(help="The split file to write.")],
    adopt: Annotated[Path | None, typer.Option(help="A given list path,split to keep.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    labels: Annotated[Path | None, typer.Option(help="CSV word,labels: what the folder's own words mean.")] = None,
    skip_unreadable: Annotated[bool, typer.Option(help="Leave out photographs that cannot be read.")] = False,
    new: New = "bus",
) -> None:
    """Cut photographs into fit, val and test once, by group, into a file."""
    from training.split_job import SplitOptions, run_split

    options = SplitOptions(seed=seed, labels=labels, new_label=new, skip_unreadable=skip_unreadable)
    sys.exit(run_split(sources, out, adopt, options))


@app.command()
def draw(
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("drawn.png"),
    seed: Annotated[int, typer.Option(help="Seed of the pictures.")] = 0,
    columns: Annotated[int, typer.Option(help="Pictures of each class.")] = 8,
    photographs: Annotated[Path | None, typer.Option(help="Draw what a folder's drawn.csv lists, instead.")] = None,
) -> None:
    """A contact sheet of the drawn vehicles, every class a row; or the photographs of the load tests again."""
    from training.drawn import bus_classes, classes, contact_sheet
    from training.drawn_photographs import draw_photographs

    if photographs is not None:
        print(f"{draw_photographs(photographs)} photographs drawn into {photographs}")
        return
    out.write_bytes(contact_sheet((*bus_classes(), *classes()), range(columns), seed=seed))


@app.command()
def pretrain(
    source: Annotated[list[Path], typer.Option(help="Tiny-ImageNet: its folder, or its zips (repeat the option).")],
    exclude: Annotated[list[Path], typer.Option(help="Lists whose photographs the source must never see.")] = (
        TINY_BUS,
    ),
    out: Annotated[Path | None, typer.Option(help="Where the run lives; an unfinished one is continued.")] = None,
    epochs: Annotated[int, typer.Option(help="Length of the schedule.")] = 8,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 0,
    width: Annotated[int, typer.Option(help="Channels of the first stage.")] = 32,
    threads: Threads = 1,
    publish: Annotated[str, typer.Option(help="Name in model_store/source/, written when the schedule is done.")] = "",
    keep: Annotated[
        bool, typer.Option("--keep", help="Copy the unfinished run's weights into training/unfinished/.")
    ] = False,
) -> None:
    """Train a source network without buses on Tiny-ImageNet."""
    from training import source_job
    from training.backbone import Architecture
    from training.pretrain import Schedule
    from training.progress import Watch
    from training.state import state_folder

    schedule = Schedule(Architecture(width=width), epochs=epochs, seed=seed)
    folder = out or state_folder("pretrain", f"tiny198-w{width}-e{epochs}-s{seed}")
    if keep:
        print(source_job.keep_unfinished(folder))
        return
    task = source_job.read_source_task(source, exclude, schedule.size)
    with Watch() as watch:
        run = source_job.pretrain(task, schedule, folder, threads, watch)
        if publish:
            source_job.publish_source(run, task, SHIPPED / "source" / f"{publish}.safetensors", watch)


@app.command()
def adapt(
    out: Out = Path("runs/drawn"),
    source: Annotated[str, typer.Option(help="Name in model_store/source/, a weights file, or timm:NAME.")] = "",
    target: Annotated[
        str, typer.Option(help="Folder or zip of photographs, or a shipped split with --photographs.")
    ] = "",
    photographs: Annotated[
        Path | None, typer.Option(help="Folder of the collections that the shipped splits name.")
    ] = None,
    new: New = "bus",
    threads: Threads = 0,
    publish: Annotated[
        bool, typer.Option("--publish", help="Add versions to model_store/ (drawn: model_store/drawn/).")
    ] = False,
) -> None:
    """Adapt the three recipes, test them once, export, report. Without a target: drawn vehicles alone."""
    from training import adapt_verb
    from training.progress import Watch

    wanted = adapt_verb.Wanted(out, source, target, photographs, new, threads or os.cpu_count() or 1)
    with Watch() as watch:
        adapt_verb.adapt(wanted, SHIPPED if publish else None, watch)


@app.command()
def study(
    size: Annotated[str, typer.Option(help="small: drawn vehicles, minutes; full: photographs, days.")] = "small",
    photographs: Annotated[Path | None, typer.Option(help="Folder of the collections that the splits name.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for report.html.")] = Path("runs/study"),
    processes: Annotated[int, typer.Option(help="Runs at once, one thread each; never part of a result.")] = 0,
    sweep: Annotated[bool, typer.Option("--sweep", help="Find each depth's rate on validation instead.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Copy finished rows into training/study/rows/ instead.")] = False,
    forecast: Annotated[bool, typer.Option("--forecast", help="Say the hours of what is left instead.")] = False,
    ray: Annotated[str, typer.Option(help="Run on this Ray cluster: auto, or HOST:PORT. The rows are the same.")] = "",
) -> None:
    """Run the trials that judge how deep to thaw, from wherever they stopped."""
    from training.progress import Watch
    from training.study import study_verb

    wanted = study_verb.Wanted(size, photographs, processes, ray)
    with Watch() as watch:
        if keep:
            study_verb.keep_rows(wanted, watch)
        elif sweep:
            study_verb.sweep(wanted, watch)
        elif forecast:
            study_verb.foretell(wanted, watch)
        else:
            study_verb.study(wanted, out, watch)


@app.command()
def export(
    models: Annotated[list[str], typer.Argument(help="Models by name, or name/version; without one the newest.")],
    store: Store = SHIPPED,
    out: Annotated[Path, typer.Option(help="Folder for <name>/<version>/program.pt2, outside the store.")] = Path(
        "runs/programs"
    ),
) -> None:
    """Write the torch.export program of verified artifacts, proved against their goldens."""
    from contract.artifact import read_artifact
    from training.program import write_program

    for folder in _folders(store, models):
        print(write_program(read_artifact(folder), out))


@app.command()
def package(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models by name, or name/version; without one the newest. None: all.")
    ] = None,
    store: Store = SHIPPED,
    out: Annotated[Path, typer.Option(help="Folder for the .mar archives, outside the store.")] = Path(
        "runs/torchserve"
    ),
    runtime: Annotated[Literal["program", "onnx"], typer.Option(help="What the handler answers with.")] = "program",
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where; CUDA is never answered with less.")] = "cpu",
    compiled: Annotated[bool, typer.Option("--compile", help="torch.compile at start; wants a C++ compiler.")] = False,
    workers: Annotated[int, typer.Option(help="Worker processes of each model.")] = 1,
    batch_size: Annotated[int, typer.Option(help="Photographs that one worker infers together.")] = 4,
) -> None:
    """Make TorchServe archives (.mar) from verified artifacts."""
    from training.package import Packaging
    from training.package import package as package_one

    packaging = Packaging(runtime, device, compiled, workers, batch_size)
    for folder in _folders(store, models or list(list_versions(store))):
        print(package_one(folder, out, packaging))


@app.command("import-mar")
def import_mar(
    archive: Annotated[Path, typer.Argument(help="A TorchServe archive (.mar); its handler is not run.")],
    out: Annotated[Path, typer.Option(help="Store that gets the artifact.")],
    name: Annotated[str, typer.Option(help="Name of the model; the archive's own when left out.")] = "",
    labels: Annotated[Path | None, typer.Option(help="Labels, as index_to_name.json; else the archive's.")] = None,
    new: Annotated[str, typer.Option("--new", help="The label that is decided on.")] = "",
    threshold: Annotated[float, typer.Option(help="Probability from which the decision is yes.")] = 0.0,
    at_fpr: Annotated[float, typer.Option(help="False-positive rate at that threshold, as you measured it.")] = 0.0,
    size: Annotated[int, typer.Option(help="Side of the network's input, pixels.")] = 0,
    short: Annotated[int, typer.Option(help="Short side before the centre crop; 0: stretch. Else the handler's.")] = -1,
    mean: Annotated[str, typer.Option(help="Normalisation of an ONNX graph's input, R,G,B.")] = "",
    std: Annotated[str, typer.Option(help="As --mean.")] = "",
    trust: Annotated[bool, typer.Option("--trust", help="Load TorchScript, which is a program.")] = False,
) -> None:
    """Make an artifact of a TorchServe archive, or say by name what cannot be carried over."""
    from training.backbone import MEAN, STD
    from training.mar.importing import Told
    from training.mar.importing import import_mar as import_one

    means, stds = (tuple(map(float, text.split(","))) if text else known for text, known in ((mean, MEAN), (std, STD)))
    told = Told(out, name, labels, new, threshold, at_fpr, size, short, means, stds, trust)
    for line in import_one(archive, told):
        print(line)


@app.command()
def table(
    scores: Annotated[list[Path], typer.Argument(help="Stored scores (.csv.gz) of one or several jobs.")],
) -> None:
    """Print the table of results that stored scores give, with intervals."""
    from training.evaluate import read_scores
    from training.tables import results_markdown

    print(results_markdown([row for path in scores for row in read_scores(path)]))


def _folders(store: Path, models: list[str]) -> list[Path]:
    """`name` or `name/version` -> the artifact's folder. Raises ArtifactError with the known names."""
    known = list_versions(store)
    folders = []
    for model in models:
        name, _, version = model.partition("/")
        if name not in known or (version and version not in map(str, known[name])):
            raise ArtifactError(f"{store}: no model {model!r}; it has {', '.join(known)}. Name one of these.")
        folders.append(store / name / (version or str(known[name][-1])))
    return folders


@app.command()
def verdicts(
    page: Annotated[Path | None, typer.Option(help="HTML file: the same answer with its plots, instead.")] = None,
    document: Annotated[Path | None, typer.Option(help="Markdown file that the page's tables go into as well.")] = None,
    readme: Annotated[Path | None, typer.Option(help="Markdown file that the answer's sentences go into.")] = None,
) -> None:
    """Judge the committed rows of the study by the committed rules: one JSON object."""
    import json

    from training.study.verdicts import as_json, committed_answer

    answer = committed_answer()
    if page is None:
        print(json.dumps(as_json(answer), indent=1, ensure_ascii=False))
        return
    from training.study.report import write_page

    print(write_page(answer, page, document, readme))


@app.command()
def rows(out: Annotated[Path, typer.Option(help="Folder for rows.csv and scores.csv.gz.")]) -> None:
    """Write the committed rows of the study as tables."""
    from training.study.export_rows import export_rows
    from training.study.rows import Rows, committed

    for path in export_rows(Rows(committed()), out):
        print(path)


if __name__ == "__main__":
    try:
        app()
    except (DataError, ArtifactError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
