"""Locust rounds to two digits and prints 0 ms for a fast service. Importing this gives its statistics three digits."""

import locust.stats


def three_digits(milliseconds: float) -> float:
    """0.2994 -> 0.299, 147.3 -> 147."""
    return float(f"{milliseconds:.3g}")


locust.stats.bucket_response_time = three_digits  # type: ignore[assignment] # its own is called an int
