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


def test_a_new_certificate_is_taken_without_a_restart(store: Path, authority: trustme.CA, tmp_path: Path) -> None:
    """For new connections, once both files fit; between the two writes and on open connections the old one stays."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    old, new = authority.issue_cert("127.0.0.1"), authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    old.cert_chain_pems[0].write_to_path(cert)
    old.private_key_pem.write_to_path(key)
    server = ServerProcess(store, tls_cert=cert, tls_key=key, poll_seconds=0.02)

    def presented() -> bytes:
        with connected(server, context) as connection:
            return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"").strip().encode()

    with connected(server, context) as before:
        assert old.cert_chain_pems[0].bytes().strip() == presented()
        new.private_key_pem.write_to_path(key)
        server.read_log(b"the certificate in use is kept")
        assert old.cert_chain_pems[0].bytes().strip() == presented()
        new.cert_chain_pems[0].write_to_path(cert)
        server.read_log(b"the certificate was exchanged")
        assert new.cert_chain_pems[0].bytes().strip() == presented()
        before.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1 200 OK" == before.recv(15)
    assert 0 == server.end()


def connected(server: ServerProcess, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection whose handshake is done."""
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=15)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_half_a_pair_stops_the_start(store: Path, pair: dict[str, Path]) -> None:
    """And so does a key that belongs to another certificate, or no key at all."""
    half = run(store=store, tls_cert=pair["tls_cert"])
    assert (4, True) == (half.returncode, b"THAW_TLS_KEY" in half.stderr)
    swapped = run(store=store, tls_cert=pair["tls_cert"], tls_key=pair["tls_cert"])
    assert (4, True) == (swapped.returncode, b"PEM pair" in swapped.stderr)
