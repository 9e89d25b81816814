"""`python -m serving.health`: exit code 0 when this container's server is ready. Imports next to nothing."""

import http.client
import os
import sys

from serving import DEFAULT_HOST, DEFAULT_PORT

TIMEOUT_S = 2.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # to listen on; of no use to connect to


def probe(host: str, port: int, *, is_tls: bool = False) -> str | None:
    """None when /readyz answers 200, else what it said. The certificate is not judged: it names no container."""
    host = _EVERYWHERE.get(host, host)
    if is_tls:
        import ssl

        context = ssl._create_unverified_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=TIMEOUT_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
    except OSError as error:
        return f"no answer from {host}:{port} ({error})"
    finally:
        connection.close()
    return None if response.status == 200 else body


def main() -> int:
    """The exit code. The second port, where there is one, speaks plain HTTP."""
    ops_port = os.environ.get("THAW_OPS_PORT")
    port = int(ops_port or os.environ.get("THAW_PORT") or DEFAULT_PORT)
    is_tls = "THAW_TLS_CERT" in os.environ and not ops_port
    trouble = probe(os.environ.get("THAW_HOST", DEFAULT_HOST), port, is_tls=is_tls)
    if trouble is not None:
        print(trouble, file=sys.stderr)
    return int(trouble is not None)


if __name__ == "__main__":
    sys.exit(main())
