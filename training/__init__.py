"""The offline trainer: makes artifacts. Torch lives here, never in the server."""

import os

# ONNX Runtime writes a device id into the home folder when it is imported, unless this is set before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
