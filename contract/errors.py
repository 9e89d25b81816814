"""Refusals of a photograph or an artifact. Each says what was wrong, what was expected, what to do."""


class PhotographError(ValueError):
    """A photograph cannot be used. `kind` is stable; the message is for the person who sent it."""

    kind = "photograph"


class EmptyPhotographError(PhotographError):
    """No bytes at all."""

    kind = "empty"


class UnsupportedFormatError(PhotographError):
    """The bytes are no JPEG, PNG, WebP or GIF."""

    kind = "unsupported-format"


class TooManyPixelsError(PhotographError):
    """The header announces more pixels than we decode."""

    kind = "too-many-pixels"


class TooSmallError(PhotographError):
    """A side is shorter than anything worth classifying."""

    kind = "too-small"


class UnreadablePhotographError(PhotographError):
    """Truncated, a broken checksum, or damaged data."""

    kind = "unreadable"


class ArtifactError(RuntimeError):
    """An artifact is incomplete, damaged or does not keep its promise."""
