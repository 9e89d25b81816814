"""TorchServe's environment is smaller than the trainer's."""

import subprocess
import sys

from tests.sources import ROOT


def test_packaging_needs_no_exporter() -> None:
    """`make serve-torchserve` makes its archives without onnxscript, which the export to ONNX alone wants."""
    code = "import sys; sys.modules['onnxscript'] = None; import training.package"
    assert 0 == subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False).returncode
