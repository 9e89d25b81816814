"""The page before a server that answers to those who have a key."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.server_process import ServerProcess
from tests.fakes import write_store

CHROMIUM = shutil.which("chromium")
KEY = "a key with spaces 0123456789"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page as it is when it was just opened."""
    server = ServerProcess(write_store(tmp_path_factory.mktemp("key") / "store"), api_keys=KEY)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(8000)
        page.goto(server.url)
        yield page
        browser.close()
    server.end()


def test_a_key_is_asked_for_in_the_page(closed: Page) -> None:
    """The field has the focus; a wrong key is said to be wrong; with the right one all is there, after a reload too."""
    expect(closed.locator("#problem-title")).to_have_text("This server wants a key")
    expect(closed.locator("#key")).to_be_focused()
    closed.keyboard.type("not the right one")
    closed.keyboard.press("Enter")
    expect(closed.locator("#problem-title")).to_have_text("That key was not accepted")
    expect(closed.locator("#key")).to_have_value("")
    closed.keyboard.type(f" {KEY}")
    closed.keyboard.press("Enter")
    expect(closed.locator("button.sample")).to_have_count(6)
    expect(closed.locator("#problem")).to_be_hidden()
    closed.reload()
    expect(closed.locator("#loaded")).to_contain_text("partial v1")


def test_a_photograph_waits_for_the_key(closed: Page) -> None:
    """A key that is no longer good: what was asked is asked again with the new one."""
    closed.evaluate("sessionStorage.setItem('thaw-key', 'an old key')")
    closed.click("button.sample[data-sample=bus]")
    expect(closed.locator("#problem-title")).to_have_text("That key was not accepted")
    closed.fill("#key", KEY)
    closed.click("#key-form button")
    closed.wait_for_selector("#answer:not(.waiting):not([hidden])")
