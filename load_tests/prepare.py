"""What must be right before anything is sent, so that a misspelt option costs a second and not a run."""

import socket
from urllib.parse import urlsplit

from load_tests import objectives as aims
from load_tests.config import Target
from load_tests.payloads import Photograph, read_photographs


def prepared(settings: Target) -> tuple[Photograph, ...]:
    """The photographs; raises ValueError or FileNotFoundError for what cannot be read or found."""
    if fault := resolved(settings.host):
        raise ValueError(fault)
    aims.read_objectives(settings.objectives or aims.DEFAULT)
    if settings.header and ":" not in settings.header:
        raise ValueError(f"--header {settings.header!r} has no colon. Write it as `Name: value`.")
    return read_photographs(settings.images, settings.labels)


def resolved(host: str) -> str | None:
    """Why a host cannot be found, or None: a misspelt name should end the command before it starts."""
    address = urlsplit(host)
    if address.scheme not in ("http", "https") or not address.hostname:
        return f"--host {host!r} is no address. Wanted is http://NAME:PORT; write the scheme too."
    try:
        socket.getaddrinfo(address.hostname, address.port or 80)
    except OSError as error:
        return f"--host {host!r} cannot be found ({error}). Check the name, or name an address by number."
    return None
