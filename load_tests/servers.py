"""The servers of the matrix: started by their own make verbs, on given cores, one at a time, and ended again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from load_tests.payloads import Payload

HOME = Path(__file__).parents[1]
READY_S = 900.0  # a first start installs an environment
STOP_S = 30.0
INT8 = "ours-int8"


class NotStarted(RuntimeError):
    """A server that is not there, with its last words."""


@dataclass(frozen=True)
class Contender:
    """A make verb, its variables, and where it answers for a model."""

    name: str
    verb: str
    variables: tuple[str, ...]
    path: str

    def missing(self, store: Path) -> str:
        """Why it cannot be started here; "" when it can."""
        if self.name == INT8:
            found = any(store.glob("*/*/model.int8.onnx"))
            return "the server has no setting that chooses it" if found else "the store has no model.int8.onnx"
        makefile = (HOME / "Makefile").read_text()
        return "" if f"\n{self.verb}:" in makefile else f"there is no `make {self.verb}`"


CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("ours-float32", "serve", (), "/predict?model={model}"),
        Contender(INT8, "serve", (), "/predict?model={model}"),
        Contender("torchserve-eager", "serve-torchserve", ("RUNTIME=program",), "/predictions/{model}"),
        Contender("torchserve-onnx", "serve-torchserve", ("RUNTIME=onnx",), "/predictions/{model}"),
    )
}


@dataclass
class Running:
    """A server that answers. started_s: from the command to the first answer."""

    url: str
    started_s: float


@contextmanager
def running(
    contender: Contender, models: list[str], store: Path, cores: set[int], photograph: Payload
) -> Iterator[Running]:
    """Started on these cores and ended with the block. Raises NotStarted."""
    port = _free_port()
    log = HOME / "reports" / "load" / f"{contender.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = ["make", "--no-print-directory", "-C", str(HOME), contender.verb, f"PORT={port}", f"MODELS={store}"]
    command.append(f"NAMES={' '.join(models)}")  # TorchServe's worker processes are for one model each
    ours = os.sched_getaffinity(0)
    begun = time.perf_counter()
    with log.open("wb") as words:
        os.sched_setaffinity(0, cores)  # inherited by whatever the verb starts
        try:
            process = subprocess.Popen(
                [*command, *contender.variables], stdout=words, stderr=words, start_new_session=True, env=_environment()
            )
        finally:
            os.sched_setaffinity(0, ours)
    url = f"http://127.0.0.1:{port}"
    try:
        for model in models:
            _wait(process, url + contender.path.format(model=model), photograph, log)
        yield Running(url, time.perf_counter() - begun)
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], url: str, photograph: Payload, log: Path) -> None:
    end = time.perf_counter() + READY_S
    while not _answers(url, photograph):
        if process.poll() is not None or time.perf_counter() > end:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing was printed"]
            raise NotStarted(f"it did not start ({last[0][:200]}); its words: {log}")
        time.sleep(0.2)


def _answers(url: str, photograph: Payload) -> bool:
    try:
        with urlopen(Request(url, photograph.body, photograph.headers), timeout=60) as response:
            return bool(response.status == 200)
    except HTTPError as error:
        error.close()
    except OSError:
        pass
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole group, which this module started: make, and the server that took its place."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _environment() -> dict[str, str]:
    """Without this machine's own settings of the server, and without make's, whose variables would be inherited."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("THAW_", "LOAD_", "MAKE", "MFLAGS"))
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
