"""`python -m serving`: serve, or one of the verbs. Settings are THAW_* variables."""

import argparse
import sys

from contract.errors import ArtifactError
from serving.errors import StartError
from serving.logs import start_logging
from serving.offline import check, predict
from serving.server import serve
from serving.settings import Settings, load_settings

DAMAGED = 3  # exit code: the store is not whole
CANNOT_START = 4  # exit code: a setting, a port or a library


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    start_logging()
    try:
        return _run(chosen, load_settings())
    except ArtifactError as error:
        print(f"error: {error}", file=sys.stderr)
        return DAMAGED
    except StartError as error:
        print(f"error: {error}", file=sys.stderr)
        return CANNOT_START
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has enough, as `head` has
        return 0


def _run(chosen: argparse.Namespace, settings: Settings) -> int:
    if chosen.verb == "predict":
        return predict(settings, chosen.files, chosen.model, chosen.json)
    if chosen.verb == "check":
        return check(settings)
    serve(settings)
    return 0


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
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    files = verbs.add_parser("predict", help="answer files without a server")
    files.add_argument("files", nargs="+", metavar="FILE", help="photograph, folder, pattern, or - for standard input")
    files.add_argument("--model", help="model or alias; `stable` when left out")
    files.add_argument("--json", action="store_true", help="one JSON object a line")
    verbs.add_parser("check", help="verify every version of the store: manifest, hashes, goldens, aliases")
    return parser


if __name__ == "__main__":
    sys.exit(main())
