"""Keys that requests carry: who may ask at all."""

import hashlib
import hmac
from collections.abc import Iterable

from serving.errors import Refusal, StartError
from serving.messages import Request
from serving.settings import Settings

SHORTEST = 16  # characters; shorter ones can be tried out


class Keys:
    """None at all: every request is let in. Hashed first, so that no time tells a key's content or length."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def has(self, key: str) -> bool:
        """All are compared, whichever is right."""
        given = _digest(key)
        return sum(hmac.compare_digest(given, digest) for digest in self._digests) > 0

    def check(self, request: Request) -> None:
        """Raises Refusal: unauthorized."""
        if self._digests and not self.has(bearer(request) or request.header("x-api-key").strip()):
            detail = (
                "The key is absent or wrong. Send `Authorization: Bearer KEY` or `X-API-Key: KEY`; the operator has it."
            )
            raise Refusal("unauthorized", detail)


def bearer(request: Request) -> str:
    """The key of `Authorization: Bearer KEY`; empty without."""
    scheme, _, key = request.header("authorization").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def read_keys(settings: Settings) -> Keys:
    """Of both settings together. Raises StartError for a file without keys and for a key that is too short."""
    keys = settings.api_keys.get_secret_value().split(",") if settings.api_keys else []
    if settings.api_keys_file is not None:
        keys += _lines(settings)
    keys = [key.strip() for key in keys if key.strip()]
    if any(len(key) < SHORTEST for key in keys):
        raise StartError(f"A key of THAW_API_KEYS has less than {SHORTEST} characters. Make one: openssl rand -hex 24")
    if not keys and (settings.api_keys or settings.api_keys_file):
        raise StartError("THAW_API_KEYS and its file hold no key, so nobody could ask. Add one, or unset them.")
    return Keys(keys)


def _lines(settings: Settings) -> list[str]:
    path = settings.api_keys_file
    try:
        lines = path.read_text().splitlines() if path else []
    except (OSError, ValueError) as error:
        raise StartError(f"THAW_API_KEYS_FILE={path}: {error}. Expected a readable file with a key a line.") from error
    return [line for line in lines if not line.startswith("#")]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
