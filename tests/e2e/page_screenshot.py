"""`python -m tests.e2e.page_screenshot STORE FILE.png [SAMPLE]`: the picture of the page in the README.

Serves the store, opens the page in chromium, asks about a drawn sample (without one: the first screen), and saves
what a desktop shows.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.e2e.server_process import ServerProcess

WINDOW = {"width": 1440, "height": 1120}


def take(store: Path, file: Path, sample: str = "") -> None:
    """Overwrites the file."""
    server = ServerProcess(store.resolve())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=WINDOW, reduced_motion="reduce")
        page.goto(f"{server.url}/{'#sample=' if sample else ''}{sample}")
        page.wait_for_selector(".answer:not(.waiting) .says" if sample else "button.sample img")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=file)
        browser.close()
    server.end()


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
