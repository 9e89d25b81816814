"""config.properties -> our settings, line by line, with what has no equal and why. Its output is an env file."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

Equal = dict[str, str]  # our variable -> value
Rule = Callable[[str], tuple[Equal, str]]  # TorchServe's value -> settings and a remark

MS_PER_S = 1000
LONGEST_MS = 3_600_000
ROWS_OF_MODELS = ("batchSize", "responseTimeout", "minWorkers")


def torchserve_config(path: Path) -> int:
    """Print the equal settings of a config.properties; returns the exit code, 1 when it cannot be read."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        print(f"error: {path}: {error}. Give TorchServe's config.properties.", file=sys.stderr)
        return 1
    print("\n".join(translate(text)))
    return 0


def translate(text: str) -> list[str]:
    """Each property as a comment, below it its equal or the reason why there is none. Comments are dropped."""
    lines: list[str] = []
    for name, value in properties(text):
        lines += ["", f"# {name}={_shown(name, value)}"]
        equal, remark = _equal(name, value)
        lines += [f"# {remark}"] if remark else []
        lines += [f"{variable}={setting}" for variable, setting in equal.items()]
    return lines[1:]


def properties(text: str) -> list[tuple[str, str]]:
    """(name, value) in order: `=` or `:` between them, a backslash at the end of a line joins it to the next."""
    joined = re.sub(r"\\\r?\n\s*", "", text)
    lines = (line.strip() for line in joined.splitlines())
    pairs = (re.split(r"\s*[=:]\s*", line, maxsplit=1) for line in lines if line and line[0] not in "#!")
    return [(pair[0], pair[1] if len(pair) == 2 else "") for pair in pairs]


def _equal(name: str, value: str) -> tuple[Equal, str]:
    if rule := _RULES.get(name):
        try:
            return rule(value)
        except (ValueError, TypeError, AttributeError):
            return {}, "not understood; docs/settings.md has our settings"
    if name in _NONE:
        return {}, f"none: {_NONE[name]}"
    return {}, "none: TorchServe 0.12 knows no such property either"


def _shown(name: str, value: str) -> str:
    return "..." if "pass" in name else value


def _address(value: str) -> tuple[Equal, str]:
    found = re.fullmatch(r"(https?)://(.+?)(?::(\d+))?/?", value)
    if not found:
        return {}, "none: our server listens on a TCP address; a proxy can take a Unix socket's place"
    port = found[3] or {"http": "80", "https": "443"}[found[1]]
    remark = "HTTPS needs THAW_TLS_CERT and THAW_TLS_KEY" if found[1] == "https" else ""
    return {"THAW_HOST": found[2].strip("[]"), "THAW_PORT": port}, remark


def _metrics_address(value: str) -> tuple[Equal, str]:
    port = value.rpartition(":")[2]
    return {"THAW_OPS_PORT": str(int(port))}, "or leave it out: /metrics is on the main port too"


def _queue(value: str) -> tuple[Equal, str]:
    return {
        "THAW_SLOTS": str(int(value))
    }, "one queue for all models; full is answered at once, 503 on TorchServe's routes"


def _timeout(value: str) -> tuple[Equal, str]:
    deadline = min(LONGEST_MS, int(value) * MS_PER_S)
    return {
        "THAW_DEADLINE_MS": str(deadline)
    }, "counts from the request's last byte, waiting included, not the work alone"


def _pixels(value: str) -> tuple[Equal, str]:
    if value.lower() == "false":
        return {}, "none: pixels are always limited, before decoding; raise THAW_MAX_PIXELS instead"
    return {}, "always so: THAW_MAX_PIXELS, 50 megapixels"


def _gpus(value: str) -> tuple[Equal, str]:
    return {"THAW_PROVIDER": "cpu" if int(value) == 0 else "cuda"}, ""


def _tokens(value: str) -> tuple[Equal, str]:
    if value.lower() == "true":
        return {}, "as ours: inference asks for no key"
    return {}, "none: a gateway checks clients' keys; our management routes have THAW_ADMIN_KEY"


def _management(value: str) -> tuple[Equal, str]:
    words = "ours is closed until THAW_ADMIN_KEY is set, and then on the main port; versions come from the store"
    return {}, f"none: {words}"


def _load_models(value: str) -> tuple[Equal, str]:
    return {}, "none: every model of THAW_MODELS is loaded; make artifacts of the archives with `training import-mar`"


def _models(value: str) -> tuple[Equal, str]:
    versions = [version for model in json.loads(value).values() for version in model.values()]
    most = {row: max((int(version.get(row, 0)) for version in versions), default=0) for row in ROWS_OF_MODELS}
    equal = {}
    if most["batchSize"]:
        equal["THAW_BATCH_LIMIT"] = str(min(64, most["batchSize"]))
    if most["responseTimeout"]:
        equal |= _timeout(str(most["responseTimeout"]))[0]
    return (
        equal,
        "the largest of all models; a batch is what already waits, so maxBatchDelay has none",
    )


def _workers(value: str) -> tuple[Equal, str]:
    return {"THAW_LANES": str(int(value))}, "or leave it out: one lane for each granted core, shared by all models"


_RULES: dict[str, Rule] = {
    "inference_address": _address,
    "metrics_address": _metrics_address,
    "management_address": _management,
    "enable_model_api": _management,
    "job_queue_size": _queue,
    "default_response_timeout": _timeout,
    "max_request_size": lambda value: ({"THAW_MAX_BODY_BYTES": str(int(value))}, ""),
    "limit_max_image_pixels": _pixels,
    "number_of_gpu": _gpus,
    "default_workers_per_model": _workers,
    "disable_token_authorization": _tokens,
    "model_store": lambda value: ({"THAW_MODELS": value}, "a folder of artifacts, not of archives"),
    "load_models": _load_models,
    "models": _models,
    "certificate_file": lambda value: ({"THAW_TLS_CERT": value}, ""),
    "private_key_file": lambda value: ({"THAW_TLS_KEY": value}, "PEM, without a passphrase"),
}

_THREADS = "one event loop reads all connections, lanes do the work"
_JAVA = "there is no Java here"
_NO_CODE = "models are graphs and bring no Python"
_GRPC = "there is no gRPC here; the Open Inference Protocol is spoken over HTTP"
_CORS = "the page is our own; let a gateway add CORS headers"
_KEYSTORE = "certificates are PEM files; `openssl pkcs12 -in KEYSTORE -out cert.pem` converts one"
_METRICS = "/metrics is always Prometheus text, of our own series: docs/metrics.md"
_PORTS = "lanes are threads and need no ports"
_NONE = {
    **dict.fromkeys(("number_of_netty_threads", "netty_client_threads", "io_ratio", "async_logging"), _THREADS),
    **dict.fromkeys(("vmargs", "prefer_direct_buffer", "use_native_io", "plugins_path", "model_server_home"), _JAVA),
    **dict.fromkeys(("install_py_dep_per_model", "default_service_handler", "service_envelope"), _NO_CODE),
    **dict.fromkeys(("decode_input_request", "cpp_log_config", "blacklist_env_vars", "workflow_store"), _NO_CODE),
    **dict.fromkeys(("grpc_inference_address", "grpc_inference_port", "grpc_management_address"), _GRPC),
    **dict.fromkeys(("grpc_management_port", "enable_grpc_ssl", "ts_open_inference_protocol"), _GRPC),
    **dict.fromkeys(("cors_allowed_origin", "cors_allowed_methods", "cors_allowed_headers"), _CORS),
    **dict.fromkeys(("keystore", "keystore_pass", "keystore_type"), _KEYSTORE),
    **dict.fromkeys(("metrics_mode", "metrics_config", "model_metrics_auto_detect", "enable_metrics_api"), _METRICS),
    **dict.fromkeys(("disable_system_metrics", "metric_time_interval", "system_metrics_cmd"), _METRICS),
    **dict.fromkeys(("initial_worker_port", "initial_distribution_port"), _PORTS),
    "allowed_urls": "nothing is ever fetched from a URL",
    "use_env_allowed_urls": "nothing is ever fetched from a URL",
    "max_response_size": "an answer is as long as the labels make it",
    "enable_envvars_config": "all settings are environment variables",
    "default_startup_timeout": "the server listens when the models are loaded and have answered their goldens",
    "unregister_model_timeout": "requests in flight finish on the version that they began with",
    "token_expiration_min": "there are no tokens that expire",
    "ipex_enable": "ONNX Runtime brings its own CPU kernels",
    "ipex_gpu_enable": "ONNX Runtime brings its own CPU kernels",
    "cpu_launcher_enable": "lanes keep to the granted cores by themselves",
    "cpu_launcher_args": "lanes keep to the granted cores by themselves",
    "ts_header_key_sequence_id": "photographs have no sequence",
    "ts_header_key_sequence_start": "photographs have no sequence",
    "ts_header_key_sequence_end": "photographs have no sequence",
}
