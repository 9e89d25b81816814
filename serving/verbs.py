"""The command line's verbs."""

import argparse
from pathlib import Path

from serving.bench.limit import limit
from serving.bench.tune import tune
from serving.doctor import doctor
from serving.exits import guarded
from serving.offline import check, predict
from serving.settings import Settings, load_settings
from serving.torchserve.moving import torchserve_config
from serving.upstream.run import Move, shadow


def run(words: list[str]) -> int:
    """Returns the exit code."""
    chosen = _parser().parse_args(words)
    return guarded(lambda: _run(chosen, load_settings()))


def _run(chosen: argparse.Namespace, settings: Settings) -> int:
    if chosen.verb == "predict":
        return predict(settings, chosen.files, chosen.model, chosen.json)
    if chosen.verb == "torchserve-config":
        return torchserve_config(chosen.file)
    if chosen.verb == "doctor":
        return doctor(settings)
    if chosen.verb == "limit":
        return limit(settings, chosen.model, chosen.photographs, chosen.seconds, chosen.rounds)
    if chosen.verb == "tune":
        return tune(settings, chosen.p99_ms, chosen.out, chosen.photographs, chosen.seconds)
    if chosen.verb == "shadow":
        return shadow(settings, Move(chosen.upstream, chosen.page_port or settings.port + 1, chosen.share))
    return check(settings)


def _parser() -> argparse.ArgumentParser:
    settings = "\n".join(
        f"  THAW_{name.upper():24}{field.description} Default: {field.default}"
        for name, field in Settings.model_fields.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m serving",
        description="Answer with the models of a store over HTTP; without a verb: serve.",
        epilog=f"settings (environment):\n{settings}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--processes", metavar="N", help="serve with N processes, as THAW_PROCESSES does")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    files = verbs.add_parser("predict", help="answer files without a server")
    files.add_argument("files", nargs="+", metavar="FILE", help="photograph, folder, pattern, or - for standard input")
    files.add_argument("--model", help="model or alias; `stable` when left out")
    files.add_argument("--json", action="store_true", help="one JSON object a line")
    verbs.add_parser("check", help="verify every version of the store: manifest, hashes, goldens, aliases")
    beside = verbs.add_parser("shadow", help="pass requests on to an old TorchServe; compare ours with it, beside it")
    beside.add_argument("--upstream", required=True, metavar="URL", help="the old server, http://HOST:PORT")
    beside.add_argument("--page-port", type=int, metavar="PORT", help="page and metrics; THAW_PORT + 1 when left out")
    beside.add_argument("--share", type=float, default=1.0, metavar="PART", help="of the requests to compare, 0 to 1")
    config = verbs.add_parser(
        "torchserve-config", help="TorchServe's config.properties -> our settings, as an env file"
    )
    config.add_argument("file", type=Path, metavar="FILE", help="config.properties")
    verbs.add_parser("doctor", help="why the server is, or would be, ready or not")
    _measuring(verbs)
    return parser


def _measuring(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    bare = verbs.add_parser("limit", help="decoding and inference in a bare loop: what no server can pass here")
    bare.add_argument("--model", help="model or alias; `stable` when left out")
    bare.add_argument("--rounds", type=int, default=3, help="each arrangement once in each round")
    best = verbs.add_parser("tune", help="find lanes, batches and slots for a latency, and write them as an env file")
    best.add_argument("--p99-ms", type=float, required=True, help="99 of 100 answers must take no longer")
    best.add_argument("--out", type=Path, default=Path("thaw.env"), help="file for the settings")
    for parser in (bare, best):
        parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
        parser.add_argument("--photographs", type=Path, nargs="*", default=[], metavar="FILE", help="drawn if left out")
