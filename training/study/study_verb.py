"""`python -m training study`: the small one on drawn vehicles, the full one on photographs."""

import os
from dataclasses import dataclass
from pathlib import Path

from training.data.archives import DataError
from training.progress import Watch
from training.state import state_folder
from training.study.execute import Shared
from training.study.material import Material
from training.study.plan import STUDIES, Study
from training.study.ray_run import on_ray
from training.study.report import write_page
from training.study.rows import Rows, Table, add_shard, committed
from training.study.rules import read_rules, rules_sha256
from training.study.run import Executor, forecast_of, on_this_machine, run_study
from training.study.sweep import chosen_rates, sweep_rates
from training.study.trial import Settings, ready
from training.study.verdicts import answer


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for. `processes` 0: as many as there are processors. `ray`: address of a cluster."""

    name: str
    root: Path | None
    processes: int = 0
    ray: str = ""

    @property
    def plan(self) -> Study:
        """Raises DataError: unknown name, photographs not given."""
        if self.name not in STUDIES:
            raise DataError(f"study {self.name!r} is none of {', '.join(STUDIES)}. Name one of them.")
        if STUDIES[self.name].photographs and self.root is None:
            raise DataError(f"study {self.name}: needs photographs. Give the folder of the collections.")
        return STUDIES[self.name]

    @property
    def at_once(self) -> int:
        """Runs, each of one thread."""
        return self.processes or os.cpu_count() or 1

    @property
    def executor(self) -> Executor:
        """Where runs are executed."""
        return on_ray(self.ray) if self.ray else on_this_machine(self.at_once)

    @property
    def table(self) -> Path:
        """The rows that are not committed yet."""
        return state_folder("study") / f"{self.name}.sqlite"


def study(wanted: Wanted, out: Path, watch: Watch) -> Path:
    """Run what is missing of a study, judge its rows and the committed ones, write `out/report.html`.

    Raises DataError: unknown name, photographs not given, no rates yet.
    """
    plan, shared = wanted.plan, shared_of(wanted)
    table = Table(wanted.table)
    run_study(ready(plan.runs(), shared.settings, plan.source, watch), shared, table, wanted.executor, watch)
    table.close()
    rows = Rows(committed(), working=wanted.table).of(plan.photographs)
    page = write_page(answer(rows, read_rules(), plan.world), out / "report.html")
    watch.say(f"report: {page}")
    return page


def foretell(wanted: Wanted, watch: Watch) -> None:
    """Say what is left of a study, and its hours, block by block."""
    plan, shared = wanted.plan, shared_of(wanted)
    table = Table(wanted.table)
    forecast_of(ready(plan.runs(), shared.settings, plan.source, watch), shared, table, watch)
    table.close()


def sweep(wanted: Wanted, watch: Watch) -> None:
    """Try every rate at every depth on validation alone, then write the rates that the study will use."""
    sweep_rates(wanted.plan, _materials(wanted), wanted.at_once, watch)


def keep_rows(wanted: Wanted, watch: Watch) -> None:
    """Copy finished rows that the repository lacks into a new shard."""
    path = add_shard(wanted.table)
    watch.say(f"kept in {path}" if path else "no row that the repository lacks")


def shared_of(wanted: Wanted) -> Shared:
    """Material at each input size, the rates that the sweep chose, the rules."""
    plan = wanted.plan
    same = {plan.second_source: plan.source} if plan.second_source else {}
    settings = Settings(plan.steps, plan.others, chosen_rates(plan), same)
    return Shared(_materials(wanted), settings, rules_sha256())


def _materials(wanted: Wanted) -> dict[tuple[int, bool], Material]:
    """Drawn vehicles have fewer views in the full study as well: they are one plot of it."""
    plan = wanted.plan
    views = {True: STUDIES["small"].views, False: plan.views}
    return {
        (size, is_drawn): Material(None if is_drawn else wanted.root, size, views[is_drawn])
        for size in {plan.headline_size, plan.detail_size}
        for is_drawn in ({True, False} if plan.photographs else {True})
    }
