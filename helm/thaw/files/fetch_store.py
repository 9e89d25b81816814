"""python fetch_store.py URL SHA256 FOLDER: download an archive, check it, unpack it. Nothing unchecked is unpacked."""

import hashlib
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

PIECE = 1 << 20


def fetch(url: str, sha256: str, folder: Path) -> None:
    """Raises SystemExit with a sentence when the archive is not the expected one."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile(dir=folder) as archive:
        with urllib.request.urlopen(url, timeout=60) as response:
            while piece := response.read(PIECE):
                digest.update(piece)
                archive.write(piece)
        if digest.hexdigest() != sha256.lower():
            raise SystemExit(f"{url} has SHA-256 {digest.hexdigest()}, expected {sha256}. Nothing was unpacked.")
        archive.seek(0)
        with tarfile.open(fileobj=archive, mode="r:gz") as tar:
            tar.extractall(folder, filter="data")
    print(f"{url}: checked and unpacked to {folder}")


if __name__ == "__main__":
    fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
