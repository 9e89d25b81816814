"""Verbs, their settings and their exit codes. What sends is imported when everything else is right."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from load_tests import config
from load_tests.prepare import prepared
from load_tests.summary import INVALID_EXIT, USAGE_EXIT
from load_tests.tables import place, put

INSTALL = "Install it: .venv-load/bin/python -m pip install -c constraints.txt mlcommons-loadgen"
USAGE = """usage: python -m load_tests VERB [options]; VERB --help tells the options

{verbs}

Exit codes: 0 objectives held, 1 missed, 2 usage, 3 run invalid (no figure is claimed), 4 wrong answers or none.
"""


def _server(settings: config.Server) -> int:
    photographs = prepared(settings)
    from load_tests.verbs import server

    return server(settings, photographs)


def _closed(settings: config.Single) -> int:
    photographs = prepared(settings)
    from load_tests.verbs import closed

    return closed(settings, photographs)


def _matrix(settings: config.Matrix) -> int:
    from load_tests.servers import CONTENDERS

    unknown = [name for name in settings.server_names() if name not in CONTENDERS]
    if unknown or not settings.server_names():
        raise ValueError(f"--servers names {', '.join(unknown) or 'none'}. Known are {', '.join(CONTENDERS)}.")
    _find_place(settings.document, "matrix")
    from load_tests.matrix_verb import run_matrix

    return run_matrix(settings)


def _size(settings: config.Size) -> int:
    from load_tests.matrix import Matrix, size_words

    _find_place(settings.document, "size")
    matrix = Matrix.model_validate_json((settings.folder / "summary.json").read_text())
    words = size_words(matrix, settings.rate, settings.slo_ms, settings.headroom)
    print(words)
    if settings.document:
        put(settings.document, "size", words)
    return 0


def _find_place(document: Path | None, name: str) -> None:
    """Before anything is measured: a missing marker should cost a second and not an hour."""
    if document:
        place(document, name)


def _worker(settings: config.Worker) -> int:
    from load_tests.distributed import work

    return work(settings)


def _knee(settings: config.Knee) -> int:
    photographs = prepared(settings)
    _find_place(settings.document, "knee")
    if settings.second_look and not find_spec("mlperf_loadgen"):
        raise ValueError(f"--second-look needs MLPerf's LoadGen, which is not here. {INSTALL}")
    from load_tests.knee_verb import find_knee

    return find_knee(settings, photographs)


def _selfcheck(settings: config.Selfcheck) -> int:
    _find_place(settings.document, "selfcheck")
    from load_tests.selfcheck import run_checks

    return run_checks(settings)


def _verdict(settings: config.Verdict) -> int:
    from load_tests.verdict import verdict

    return verdict(settings.folder, settings.objectives)


VERBS: dict[str, tuple[type[BaseSettings], Callable[..., int]]] = {
    "single": (config.Single, _closed),
    "multi": (config.Multi, _closed),
    "server": (config.Server, _server),
    "offline": (config.Offline, _closed),
    "knee": (config.Knee, _knee),
    "soak": (config.Soak, _server),
    "spike": (config.Spike, _server),
    "matrix": (config.Matrix, _matrix),
    "size": (config.Size, _size),
    "worker": (config.Worker, _worker),
    "selfcheck": (config.Selfcheck, _selfcheck),
    "verdict": (config.Verdict, _verdict),
}


def main(words: list[str]) -> int:
    """Run one verb; the exit code is the answer."""
    if not words or words[0] in ("-h", "--help"):
        print(_usage())
        return 0 if words else USAGE_EXIT
    if words[0] not in VERBS:
        print(f"error: {words[0]!r} is no verb. Known are {', '.join(VERBS)}.\n\n{_usage()}", file=sys.stderr)
        return USAGE_EXIT
    kind, act = VERBS[words[0]]
    try:
        settings = kind(_cli_parse_args=words[1:], _cli_prog_name=f"python -m load_tests {words[0]}")
        return act(settings)
    except ValidationError as error:
        for fault in error.errors():
            name = "--" + "-".join(str(part) for part in fault["loc"]).replace("_", "-")
            print(f"error: {name} is {fault.get('input')!r}: {fault['msg']}. Try {words[0]} --help.", file=sys.stderr)
    except (ValueError, SettingsError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
    except RuntimeError as error:
        print(f"error: {error} Nothing is claimed.", file=sys.stderr)
        return INVALID_EXIT
    except KeyboardInterrupt:
        print("stopped by hand: nothing is claimed", file=sys.stderr)
        return INVALID_EXIT
    return USAGE_EXIT


def verb_of(settings: BaseSettings) -> str:
    """The name under which these settings are asked for."""
    return next(name for name, (kind, _) in VERBS.items() if kind is type(settings))


def _usage() -> str:
    lines = (f"  {name:<10} {(kind.__doc__ or '').strip()}" for name, (kind, _) in VERBS.items())
    return USAGE.format(verbs="\n".join(lines))
