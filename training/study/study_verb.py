"""`python -m training study`: the small one on drawn vehicles, the full one on photographs."""

from pathlib import Path

from training.data.archives import DataError
from training.progress import Watch
from training.state import state_folder
from training.study.execute import Shared
from training.study.material import Material
from training.study.plan import STUDIES, Study
from training.study.report import write_page
from training.study.rows import Rows, Table, add_shard
from training.study.rules import read_rules, rules_sha256
from training.study.run import run_study
from training.study.sweep import chosen_rates, sweep_rates
from training.study.trial import Settings
from training.study.verdicts import answer


def study(name: str, root: Path | None, processes: int, out: Path, watch: Watch) -> Path:
    """Run what is missing of a study, judge all that is there, write `out/report.html`.

    Raises DataError: unknown name, photographs not given.
    """
    plan = _plan(name, root)
    table = Table(state_folder("study") / f"{name}.sqlite")
    run_study(plan.runs(), shared_of(plan, root), table, processes, watch)
    table.close()
    page = write_page(answer(Rows([table.path]), read_rules(), plan.world), out / "report.html")
    watch.say(f"report: {page}")
    return page


def sweep(name: str, root: Path | None, watch: Watch) -> None:
    """Try every rate at every depth on validation alone, then write the rates that the study will use."""
    plan = _plan(name, root)
    sweep_rates(plan, _materials(plan, root), watch)


def keep_rows(name: str, watch: Watch) -> None:
    """Copy finished rows that the repository lacks into a new shard."""
    path = add_shard(state_folder("study") / f"{name}.sqlite")
    watch.say(f"kept in {path}" if path else "no row that the repository lacks")


def shared_of(plan: Study, root: Path | None) -> Shared:
    """Material at each input size, the rates that the sweep chose, the rules."""
    return Shared(_materials(plan, root), Settings(plan.steps, plan.others, chosen_rates(plan)), rules_sha256())


def _plan(name: str, root: Path | None) -> Study:
    if name not in STUDIES:
        raise DataError(f"study {name!r} is none of {', '.join(STUDIES)}. Name one of them.")
    if STUDIES[name].photographs and root is None:
        raise DataError(f"study {name}: needs photographs. Give the folder of the collections.")
    return STUDIES[name]


def _materials(plan: Study, root: Path | None) -> dict[int, Material]:
    given = root if plan.photographs else None
    return {size: Material(given, size, plan.views) for size in {plan.headline_size, plan.detail_size}}
