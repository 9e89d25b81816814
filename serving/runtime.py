"""ONNX Runtime, imported with its telemetry off. Every other file takes it from here."""

import os

# Since 1.29 the Linux wheels send usage events: loading the library makes a device id and a store under the
# user's cache folder. Only this variable, set before the import, prevents it; the call below stops events alone.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as onnxruntime

onnxruntime.disable_telemetry_events()
