"""HTTPS: a certificate and its key, followed when their files change."""

import asyncio
import logging
import os
import ssl

from serving.errors import StartError
from serving.settings import Settings

log = logging.getLogger("thaw.server")


class Certificate:
    """Read at the start and when its files change; a connection keeps the one it began with. Plain HTTP: no context."""

    def __init__(self, settings: Settings) -> None:
        """Raises StartError as `tls_context`."""
        self._settings = settings
        self._seen = self._files()
        self.context = self._current = tls_context(settings)
        if self.context is not None:
            self.context.sni_callback = self._use_current  # called at each handshake, whether a name is given or not

    async def follow(self) -> None:
        """For ever, every `poll_seconds`; never when that is 0."""
        while self.context is not None and self._settings.poll_seconds > 0:
            self.look()
            await asyncio.sleep(self._settings.poll_seconds)

    def look(self) -> None:
        """Take what is there now. What is not a pair, as between two writes, is said and changes nothing."""
        found = self._files()
        if found == self._seen:
            return
        self._seen = found
        try:
            self._current = tls_context(self._settings)
            log.info("the certificate was exchanged: new connections get what is in %s", self._settings.tls_cert)
        except StartError as error:
            log.error("the certificate in use is kept: %s", error)

    def _use_current(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _: ssl.SSLContext) -> None:
        if self._current is not None:
            connection.context = self._current

    def _files(self) -> list[tuple[int, int, int]]:
        """What changes when a file is written, replaced, or reached by another link."""
        paths = [path for path in (self._settings.tls_cert, self._settings.tls_key) if path is not None]
        states = [os.stat(path) for path in paths if path.exists()]
        return [(state.st_mtime_ns, state.st_ino, state.st_size) for state in states]


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """None: plain HTTP. Raises StartError for a pair that is incomplete, unreadable or does not match."""
    if settings.tls_cert is None and settings.tls_key is None:
        return None
    if settings.tls_cert is None or settings.tls_key is None:
        missing = "THAW_TLS_KEY" if settings.tls_key is None else "THAW_TLS_CERT"
        raise StartError(f"{missing} is not set, but its other half is. HTTPS takes both; set it or unset the other.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_passphrase)
    except (OSError, ValueError) as error:
        raise StartError(
            f"THAW_TLS_CERT={settings.tls_cert} with THAW_TLS_KEY={settings.tls_key}: {error}. "
            "Expected a readable PEM pair that belongs together and has no passphrase."
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_passphrase() -> str:
    """Instead of a question on the terminal that nobody answers."""
    raise ValueError("the key has a passphrase")
