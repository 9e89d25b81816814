"""`python -m serving.health`: exit code 0 when this container's server is ready. Imports next to nothing."""

import http.client
import os
import sys

from serving import DEFAULT_HOST, DEFAULT_PORT

TIMEOUT_S = 2.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # to listen on; of no use to connect to


def probe(host: str, port: int) -> str | None:
    """None when /readyz answers 200, else what it said."""
    connection = http.client.HTTPConnection(_EVERYWHERE.get(host, host), port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
    except OSError as error:
        return f"no answer from {host}:{port} ({error})"
    finally:
        connection.close()
    return None if response.status == 200 else body


if __name__ == "__main__":
    trouble = probe(os.environ.get("THAW_HOST", DEFAULT_HOST), int(os.environ.get("THAW_PORT", DEFAULT_PORT)))
    if trouble is not None:
        print(trouble, file=sys.stderr)
    sys.exit(trouble is not None)
