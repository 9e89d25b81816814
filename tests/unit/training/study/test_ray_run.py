"""A Ray cluster of which one node dies gives the rows of one process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import ROOT
from tests.unit.training.study import tiny_study
from tests.unit.training.study.tiny_study import SHARED, run, same
from tests.unit.training.tiny import quiet
from training.data.archives import DataError
from training.study import ray_run
from training.study.plan import Run
from training.study.ray_run import on_ray
from training.study.rows import Rows, Table
from training.study.run import Executor, Result, on_this_machine, run_study

RUNS = [run(depth, draw=draw, care=care) for depth in (0, 1) for draw in (0, 1) for care in ("careful", "naive")]


def test_without_ray_the_flag_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error with the extra's name."""

    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(ray_run.importlib, "import_module", absent)
    with pytest.raises(DataError, match=r"'\.\[ray\]'"):
        on_ray("auto")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_cluster_that_loses_a_node_gives_the_rows_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two worker nodes, one killed under way: every row is there once, equal hash by hash and score by score."""
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed here")
    from ray.cluster_utils import Cluster

    tiny_study.state(monkeypatch, tmp_path / "state")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    run_study(RUNS, SHARED, Table(tmp_path / "one.sqlite"), on_this_machine(1), quiet())
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        doomed, _ = (cluster.add_node(num_cpus=1, env_vars=dict(os.environ)) for _ in range(2))
        cluster.wait_for_nodes()

        def killing(inner: Executor) -> Executor:
            def results(left: list[Run], shared: object) -> Iterator[Result]:
                for count, result in enumerate(inner(left, SHARED)):
                    if not count:
                        cluster.remove_node(doomed, allow_graceful=False)
                    yield result

            return results  # type: ignore[return-value] # narrower arguments

        run_study(RUNS, SHARED, Table(tmp_path / "two.sqlite"), killing(on_ray(cluster.address)), quiet())
    finally:
        ray.shutdown()
        cluster.shutdown()
    one, two = Rows([tmp_path / "one.sqlite"]), Rows([tmp_path / "two.sqlite"])
    by_name = {row.trial: row for row in two.trials}
    assert len(RUNS) == len(one.trials) == len(two.trials)
    assert all(same(one.finished(row), two.finished(by_name[row.trial])) for row in one.trials)
