"""What a server's /metrics tells about its batches; nothing where it has none."""

import re
from urllib.request import urlopen

_BUCKET = re.compile(r'^\w*batch_size_bucket\{[^}]*le="([^"]+)"[^}]*\} (\S+)$', re.MULTILINE)


def batch_shares(url: str, before: dict[str, float] | None = None) -> dict[str, float]:
    """Batches of at most so many photographs, by bucket: counts, or since `before` their shares of all.

    Empty where the server has no such histogram, or none was made.
    """
    try:
        with urlopen(f"{url}/metrics", timeout=10) as response:
            text = response.read().decode(errors="replace")
    except OSError:
        return {}
    counts: dict[str, float] = {}
    for bound, count in _BUCKET.findall(text):
        counts[bound] = counts.get(bound, 0.0) + float(count)
    if before is None:
        return counts
    grown = {bound: count - before.get(bound, 0.0) for bound, count in counts.items()}
    most = max(grown.values(), default=0.0)
    shares = {f"{float(bound):g}": round(count / most, 4) for bound, count in grown.items() if most}
    full = next((place for place, share in enumerate(shares.values(), 1) if share == 1), 0)
    return dict(list(shares.items())[:full])  # what lies above the largest batch tells nothing
