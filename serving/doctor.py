"""`python -m serving doctor`: why the server is, or would be, ready or not. Looks at no photograph but the goldens."""

import http.client
import json
import os
import platform
import re
import ssl
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from contract.errors import ArtifactError
from serving.cores import granted_cores
from serving.engine import choose_provider, devices
from serving.errors import StartError
from serving.loading import Keep, load_models
from serving.settings import PREFIX, Settings
from serving.shape import shape_of

PACKAGES = ("thaw", "onnxruntime", "onnxruntime-gpu", "numpy", "pillow", "pydantic", "httptools", "uvloop")
TIMEOUT_S = 3.0


def doctor(settings: Settings) -> int:
    """Print what was found, part by part; returns 1 when one would not start here, or runs and is not ready."""
    _say("settings", [f"{name}={value}  ({origin})" for name, value, origin in origins(settings)])
    _say("versions", _versions())
    cores = granted_cores()
    _say("cores", [f"{cores} granted by affinity and cgroup, {os.cpu_count()} in the machine"])
    troubles = [*_examine_store(settings), *_examine_server(settings)]
    _say("verdict", troubles or ["nothing is wrong"])
    return int(bool(troubles))


def origins(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Name, value and where it comes from. Secrets are hidden by their type."""
    given = {name.upper() for name in os.environ}
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        yield variable, str(getattr(settings, name)), "environment" if variable in given else "default"


def _versions() -> list[str]:
    lines = [f"python {platform.python_version()} on {platform.system()} {platform.release()}"]
    for package in PACKAGES:
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return lines


def _examine_store(settings: Settings) -> list[str]:
    """Load it as the server does: provider, hashes, goldens."""
    try:
        provider = choose_provider(settings.provider)
        shape = shape_of(settings, provider)
        what = f"{shape.lanes} decode for one device" if shape.is_pool else f"{shape.lanes} decode and infer"
        lines = [f"{provider} (asked: {settings.provider}; devices: {', '.join(devices())})"]
        _say("provider", [*lines, f"lanes: {what}, batches of at most {shape.batch_limit}"])
        keep = Keep(settings.versions_per_model, settings.versions_in_all)
        models = load_models(settings.models, provider, shape.batch_limit, keep, settings.variants)
    except (StartError, ArtifactError) as error:
        return [str(error)]
    lines = [
        f"{'/'.join(model.key)} as {model.variant}: hashes right, goldens answered right" for model in models.all()
    ]
    lines += [f"{refused.subject}: REFUSED, {refused.detail}" for refused in models.refused]
    _say("models", lines)
    return []


def _examine_server(settings: Settings) -> list[str]:
    """The one that listens where the settings say, if any."""
    where = f"{settings.host}:{settings.port}"
    try:
        status, body = _get(settings, "/readyz")
        _, metrics = _get(settings, "/metrics")
    except OSError as error:
        _say("server", [f"none answers at {where} ({error})"])
        return []
    except http.client.HTTPException:
        return [f"Something that is no HTTP server of ours answers at {where}. Set THAW_PORT."]
    sheds = [f"shed since its start: {line}" for line in sheds_of(metrics)]
    _say("server", [f"{where} answers /readyz with {status}", *(sheds or ["nothing was shed since its start"])])
    return [] if status == 200 else [f"The server at {where} is not ready: {_detail(body)}"]


def sheds_of(metrics: str) -> list[str]:
    """Refusals and dropped photographs by reason, those that happened."""
    found = re.findall(r'(?m)^thaw_(shed|dropped)_total\{reason="(\w+)"\} (\S+)$', metrics)
    return [f"{float(count):g} {kind} for {reason}" for kind, reason, count in found if float(count)]


def _get(settings: Settings, path: str) -> tuple[int, str]:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    if settings.tls_cert is None:
        connection = http.client.HTTPConnection(host, settings.port, timeout=TIMEOUT_S)
    else:
        context = ssl._create_unverified_context()  # it is ours, and the certificate may name another host
        connection = http.client.HTTPSConnection(host, settings.port, timeout=TIMEOUT_S, context=context)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


def _detail(body: str) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body[:200]


def _say(part: str, lines: list[str]) -> None:
    print(f"{part}:")
    for line in lines:
        print(f"  {line}")
    sys.stdout.flush()
