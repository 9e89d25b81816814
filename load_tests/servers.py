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
MAKE = ("make", "--no-print-directory", "-C", str(HOME))
READY_S = 300.0  # a slow machine that packs models, starts Java and loads them
INSTALL_S = 1800.0  # PyTorch over a slow line
STOP_S = 30.0
LAST_WORDS = 200  # characters of a log that are repeated


class NotStarted(RuntimeError):
    """A server that is not there, with its last words."""


@dataclass(frozen=True)
class Contender:
    """A make verb, its environment and variables, and where it answers for a model."""

    name: str
    verb: str
    environment: str
    path: str
    variables: tuple[str, ...] = ()
    variant: str = ""  # of the models' graphs; "" is float32

    def models(self, store: Path, asked: list[str]) -> list[str]:
        """Those of which the store has the variant."""
        if not self.variant:
            return asked
        return [model for model in asked if any((store / model).glob(f"*/model.{self.variant}.onnx"))]

    def missing(self, store: Path, asked: list[str]) -> str:
        """Why it cannot be started here; "" when it can."""
        if not self.models(store, asked):
            return f"none of {', '.join(asked)} has a model.{self.variant}.onnx in the store"
        makefile = (HOME / "Makefile").read_text()
        return "" if f"\n{self.verb}:" in makefile else f"there is no `make {self.verb}`"

    def command(self, port: int, models: list[str], store: Path) -> list[str]:
        """What starts it; TorchServe's worker processes are for one model each, so it is told their names."""
        told = [f"PORT={port}", f"MODELS={store}", f"NAMES={' '.join(models)}", *self.variables]
        return [*MAKE, self.verb, *told]


OURS, THEIRS = ("serve", ".venv-serve"), ("serve-torchserve", ".venv-torchserve")
CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("ours-float32", *OURS, "/predict?model={model}"),
        Contender("ours-int8", *OURS, "/predict?model={model}", variant="int8"),
        Contender("torchserve-eager", *THEIRS, "/predictions/{model}", ("RUNTIME=program",)),
        Contender("torchserve-onnx", *THEIRS, "/predictions/{model}", ("RUNTIME=onnx",)),
    )
}


@dataclass
class Running:
    """A server that answers. started_s: from the command to the first answer."""

    url: str
    started_s: float


def install(contender: Contender) -> None:
    """Make its environment, so that no start is measured with a download in it. Raises NotStarted."""
    command = [*MAKE, f"{contender.environment}/.made"]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment(), timeout=INSTALL_S
        )
    except subprocess.TimeoutExpired as error:
        raise NotStarted(f"{contender.environment} was not installed within {INSTALL_S:g} s") from error
    if done.returncode:
        raise NotStarted(f"{contender.environment} could not be installed ({_last(done.stdout)})")


@contextmanager
def running(
    contender: Contender, models: list[str], store: Path, cores: set[int], photograph: Payload
) -> Iterator[Running]:
    """Started on these cores and ended with the block. Raises NotStarted."""
    port, log = _free_port(), HOME / "reports" / "load" / f"{contender.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    ours, environment = os.sched_getaffinity(0), _environment()
    if contender.variant:  # float32 for those models that are not asked
        environment["THAW_VARIANT"] = f"{contender.variant},float32"
    begun = time.perf_counter()
    with log.open("wb") as words:
        os.sched_setaffinity(0, cores)  # inherited by whatever the verb starts
        try:
            command = contender.command(port, models, store)
            process = subprocess.Popen(command, stdout=words, stderr=words, start_new_session=True, env=environment)
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
            raise NotStarted(
                f"it did not start ({_last(log.read_text(errors='replace'))}); its words: {log.relative_to(HOME)}"
            )
        time.sleep(0.2)


def _last(text: str) -> str:
    """The last line, but make's own, which tells a number alone."""
    lines = [line for line in text.strip().splitlines() if not line.startswith("make")]
    return lines[-1][:LAST_WORDS] if lines else "nothing was printed"


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
