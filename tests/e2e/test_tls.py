"""HTTPS, and the second port that stays plain."""

import json
import re
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import trustme

from tests.e2e.server_process import ServerProcess, environment, run
from tests.fakes import photograph, write_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny models."""
    return write_store(tmp_path_factory.mktemp("tls") / "store")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Trusted by these tests alone."""
    return trustme.CA()


@pytest.fixture(scope="module")
def pair(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Certificate and key of 127.0.0.1, as settings."""
    folder = tmp_path_factory.mktemp("pair")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return {"tls_cert": folder / "cert.pem", "tls_key": folder / "key.pem"}


def test_https_with_a_plain_port_beside_it(store: Path, authority: trustme.CA, pair: dict[str, Path]) -> None:
    """Answers over TLS to who trusts the authority; health and metrics in plain on the other port, and nothing else."""
    server = ServerProcess(store, ops_port=0, header_timeout_s=0.3, **pair)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    asked = urllib.request.Request(server.url + "/predict", photograph(1), {"Content-Type": "image/jpeg"})
    with urllib.request.urlopen(asked, timeout=15, context=context) as response:
        assert "partial" == json.loads(response.read())["model"]
    ops = int(re.findall(rb'"ops_port": (\d+)', server.log)[-1])  # the first is the setting
    for path, status in (("/livez", 200), ("/readyz", 200), ("/metrics", 200), ("/models", 404), ("/", 404)):
        assert status == server.get(path, port=ops)[0]
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as silent:
        assert b"" == silent.recv(1)  # a handshake that never comes is not waited for
    probe = [sys.executable, "-m", "serving.health"]
    for settings in ({"tls_cert": pair["tls_cert"]}, {"tls_cert": pair["tls_cert"], "ops_port": ops}):
        known = environment(store, port=server.port, **settings)
        assert 0 == subprocess.run(probe, env=known, timeout=15).returncode
    assert 0 == server.end()


def test_half_a_pair_stops_the_start(store: Path, pair: dict[str, Path]) -> None:
    """And so does a key that belongs to another certificate, or no key at all."""
    half = run(store=store, tls_cert=pair["tls_cert"])
    assert (4, True) == (half.returncode, b"THAW_TLS_KEY" in half.stderr)
    swapped = run(store=store, tls_cert=pair["tls_cert"], tls_key=pair["tls_cert"])
    assert (4, True) == (swapped.returncode, b"PEM pair" in swapped.stderr)
