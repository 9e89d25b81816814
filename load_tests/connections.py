"""Connections of the open loop: a request that is ready as bytes goes out, the parsed answer comes back.

Written here because what happens on arrival decides the generator's lateness. When a server that stood still answers a
hundred requests at once, each costs the loop 20 us here and 300 us in a general client; meanwhile nothing can be sent.
"""

import socket as plain
from urllib.parse import SplitResult, urlsplit

from gevent import socket, ssl
from geventhttpclient.response import HTTPResponse

_BLOCK = 65_536  # bytes; an answer of a classifier fits


class Connections:
    """Keep-alive connections to one server, the last used first; a new one whenever none is idle."""

    def __init__(self, host: str, timeout_s: float) -> None:
        """host: http://NAME:PORT, looked up once. timeout_s: without a byte. Raises OSError for a name nobody knows."""
        address = urlsplit(host)
        port = address.port or (443 if address.scheme == "https" else 80)
        self.timeout_s, self.name = timeout_s, address.hostname or ""
        self.family, _, _, _, self.address = plain.getaddrinfo(self.name, port, type=plain.SOCK_STREAM)[0]
        self.tls = ssl.create_default_context() if address.scheme == "https" else None
        self.idle: list[socket.socket] = []

    def exchange(self, request: bytes) -> HTTPResponse:
        """Send all, read to the end of the answer. Raises OSError (TimeoutError too) or HTTPParseError."""
        connection = self._take()
        try:
            connection.sendall(request)
            answer = HTTPResponse("POST")
            while not answer.message_complete:
                data = connection.recv(_BLOCK)
                if not data and not _ends_with_connection(answer):
                    raise ConnectionResetError("the server closed the connection before its answer was complete")
                answer.feed(data)
        except BaseException:
            connection.close()
            raise
        if answer.should_close():
            connection.close()
        else:
            self.idle.append(connection)
        return answer

    def close(self) -> None:
        """Close those that are idle."""
        while self.idle:
            self.idle.pop().close()

    def _take(self) -> socket.socket:
        while self.idle:
            connection = self.idle.pop()
            if _is_open(connection):
                return connection
            connection.close()
        connection = socket.socket(self.family, plain.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout_s)
            connection.connect(self.address)
            connection.setsockopt(plain.IPPROTO_TCP, plain.TCP_NODELAY, 1)
            return connection if self.tls is None else self.tls.wrap_socket(connection, server_hostname=self.name)
        except BaseException:
            connection.close()
            raise


def head_of(address: SplitResult, path: str, headers: dict[str, str], length: int) -> bytes:
    """The request line and headers of a POST."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {address.netloc.rpartition('@')[2]}", f"Content-Length: {length}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode("latin-1")


def _ends_with_connection(answer: HTTPResponse) -> bool:
    """HTTP/1.0 servers tell no length: the answer is what came before they closed."""
    told = answer.get("content-length") or answer.get("transfer-encoding")
    return bool(answer.headers_complete and not told)


def _is_open(connection: socket.socket) -> bool:
    """Nothing to read on an idle connection: neither its end nor bytes that nobody asked for."""
    try:
        connection._sock.recv(1, plain.MSG_PEEK)  # gevent's own socket is never blocking underneath
    except BlockingIOError:
        return True
    except (OSError, ValueError):
        pass
    return False
