"""The command line's verbs."""

import argparse
from pathlib import Path

from serving.exits import guarded
from serving.offline import check, predict
from serving.settings import Settings, load_settings
from serving.torchserve.moving import torchserve_config


def run(words: list[str]) -> int:
    """Returns the exit code."""
    chosen = _parser().parse_args(words)
    return guarded(lambda: _run(chosen, load_settings()))


def _run(chosen: argparse.Namespace, settings: Settings) -> int:
    if chosen.verb == "predict":
        return predict(settings, chosen.files, chosen.model, chosen.json)
    if chosen.verb == "torchserve-config":
        return torchserve_config(chosen.file)
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
    config = verbs.add_parser(
        "torchserve-config", help="TorchServe's config.properties -> our settings, as an env file"
    )
    config.add_argument("file", type=Path, metavar="FILE", help="config.properties")
    return parser
