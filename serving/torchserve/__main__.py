"""`python -m serving.torchserve ARCHIVE.mar ...`: TorchServe in the foreground, until SIGTERM."""

import argparse
import sys
from pathlib import Path

from contract.errors import ArtifactError
from serving import DEFAULT_HOST, DEFAULT_PORT
from serving.errors import StartError
from serving.torchserve.launch import Plan, serve
from serving.torchserve.ready import archives_in

CANNOT_START = 4  # exit code, as `python -m serving` has it


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.torchserve", description=__doc__)
    parser.add_argument(
        "archives", nargs="+", type=Path, metavar="ARCHIVE.mar", help="made by `training package`; or a folder of them"
    )
    parser.add_argument("--host", default=DEFAULT_HOST, help="address of inference and metrics; loopback if not given")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="inference")
    parser.add_argument("--metrics-port", type=int, default=0, help="Prometheus text; port + 2 when left out")
    parser.add_argument("--tokens", action="store_true", help="clients must send `Authorization: Bearer KEY`")
    parser.add_argument(
        "--inference-protocol",
        action="store_true",
        help="/v2/models/NAME/infer instead; wants archives of batch size 1",
    )
    chosen = parser.parse_args(arguments)
    try:
        archives = tuple(archives_in(chosen.archives))
        ports = (chosen.port, chosen.metrics_port)
        return serve(Plan(archives, *ports, chosen.tokens, chosen.inference_protocol, chosen.host))
    except (ArtifactError, StartError) as error:
        print(f"error: {error}", file=sys.stderr)
        return CANNOT_START


if __name__ == "__main__":
    sys.exit(main())
