"""python smoke_test.py ADDRESS: send a photograph of the page's samples; exit code 0 when a bus is called a bus."""

import json
import os
import ssl
import sys
import urllib.request
from pathlib import Path


def main(address: str) -> int:
    """Any model may answer; the certificate is the cluster's own business."""
    spec = next(
        Path(folder) / "serving/page/samples/bus.jpg" for folder in sys.path if (Path(folder) / "serving").is_dir()
    )
    request = urllib.request.Request(
        address + "/predictions/majority", spec.read_bytes(), {"Content-Type": "image/jpeg"}
    )
    if keys := os.environ.get("API_KEYS"):
        request.add_header("Authorization", f"Bearer {keys.split()[0]}")
    context = ssl._create_unverified_context()
    with urllib.request.urlopen(request, timeout=30, context=context) as response:
        scores = json.load(response)
    label = max(scores, key=scores.get)
    print(f"{address}: {label} {scores[label]:.3f}")
    return int(label != "bus")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
