"""The same runs on a Ray cluster: its nodes come and go, the rows stay those of one process."""

import importlib
from collections.abc import Iterator, Sequence

from training.data.archives import DataError
from training.state import state_folder
from training.study.execute import Shared, execute
from training.study.plan import Run
from training.study.run import Executor, Result


def on_ray(address: str) -> Executor:
    """address: `auto` for the cluster of this machine, or HOST:PORT. Each run takes one processor of some node.

    A node needs this package, the photographs and the sources at the same paths. A run that a dying node had begun is
    begun again on another. Raises DataError when Ray is not installed.
    """
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise DataError("--ray: Ray is not installed. Install the extra: pip install '.[ray]'.") from error

    def results(left: Sequence[Run], shared: Shared) -> Iterator[Result]:
        variables = {"THAW_STATE": str(state_folder())}
        ray.init(address, log_to_driver=False, runtime_env={"env_vars": variables}, ignore_reinit_error=True)
        task = ray.remote(num_cpus=1, max_retries=-1)(execute)
        common = ray.put(shared)
        waiting = [task.remote(run, common) for run in left]
        while waiting:
            (done, *_), waiting = ray.wait(waiting, num_returns=1)
            yield ray.get(done)

    return results
