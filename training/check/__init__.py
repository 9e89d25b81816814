"""Look at a collection before anybody trains on it: what cannot be read, what leaks, what gives the answer away."""

from training.check.report import run_check

__all__ = ["run_check"]
