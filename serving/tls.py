"""HTTPS: the context of a certificate and its key."""

import ssl

from serving.errors import StartError
from serving.settings import Settings


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
