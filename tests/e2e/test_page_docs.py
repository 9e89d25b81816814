"""The documentation page, drawn by a real browser from the server's real schema."""

import json
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from serving.openapi import openapi_document
from serving.pages import CONTENT_SECURITY, page_files
from serving.settings import Settings

CHROMIUM = shutil.which("chromium")
ORIGIN = "http://127.0.0.1:9"  # never reached: every request is answered here
TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def docs() -> Iterator[Page]:
    """/docs, drawn."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        name = {"/docs": "docs.html"}.get(path, path.removeprefix("/static/"))
        is_schema = path == "/openapi.json"
        body = json.dumps(openapi_document(Settings())).encode() if is_schema else page_files()[name]
        kind = "application/json" if is_schema else TYPES[name.rpartition(".")[2]]
        route.fulfill(body=body, content_type=kind, headers=dict([CONTENT_SECURITY]))

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.route("**/*", answer)
        page.goto(f"{ORIGIN}/docs")
        page.wait_for_selector(".operation")
        yield page
        browser.close()


def test_every_route_is_drawn(docs: Page) -> None:
    """Each method of each path in the schema has a section and a line to try it with."""
    paths = openapi_document(Settings())["paths"]
    assert isinstance(paths, dict)
    expected = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    titles = docs.locator(".operation h3").all_inner_texts()
    assert sorted(expected) == sorted(" ".join(title.split()) for title in titles)
    assert all(line.startswith("curl ") for line in docs.locator(".command code").all_inner_texts())
    assert len(expected) == docs.locator(".command code").count()


def test_a_photograph_is_sent_as_it_is(docs: Page) -> None:
    """The line for /predict needs a file and nothing else."""
    assert f"curl --data-binary @bus.jpg '{ORIGIN}/predict'" == docs.locator("#post-predict .command code").inner_text()


def test_examples_follow_the_schema(docs: Page) -> None:
    """The example answer of /compare has the fields that the schema asks for."""
    example = docs.locator("#post-compare details pre").all_text_contents()
    assert any('"predictions"' in text and '"models"' in text for text in example)
