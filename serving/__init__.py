"""Answers with artifacts: the online server, and the same answers for files. Never imports torch."""

DEFAULT_HOST = "127.0.0.1"  # here, not in settings: the container's probe must know them without importing pydantic
DEFAULT_PORT = 8080
INTERFACE_VERSION = "1.0.0"  # the first number changes when a client would break
