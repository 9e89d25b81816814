"""The page in a real browser, against a real server process with a small store."""

import io
import json
import re
import shutil
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from tests.e2e.server_process import ServerProcess
from tests.fakes import write_store

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
PHONE = {"width": 320, "height": 640}
ANSWERED = "#answer:not(.waiting):not([hidden])"
# The browser's own record of a request leaves out a body that is a file.
KEEP_WHAT_IS_SENT = (
    "() => { const send = fetch; fetch = (url, options) => { sent = options.body; return send(url, options); }; }"
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """http://127.0.0.1:PORT of a server process that is ready, with a store of small models."""
    server = ServerProcess(write_store(tmp_path_factory.mktemp("page") / "store"))
    yield server.url
    server.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One chromium for all tests here; each test has a context of its own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Watch:
    """What a page must not do: complain, break its security policy, or reach for another host."""

    def __init__(self, page: Page, address: str) -> None:
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self._outside(request.url, address))

    def _outside(self, url: str, address: str) -> None:
        if not url.startswith((address, "blob:", "data:")):
            self.faults.append(f"reached for {url}")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without memory, with a clipboard."""
    made = browser.new_context(permissions=["clipboard-read", "clipboard-write"], reduced_motion="reduce")
    made.set_default_timeout(8000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Page:
    """The page, loaded, with its samples."""
    page = context.new_page()
    page.goto(address)
    expect(page.locator("button.sample")).to_have_count(6)
    return page


def test_the_head_says_which_versions_are_loaded(context: BrowserContext, address: str) -> None:
    """The one that answers, and those that may be asked for."""

    def with_another(route: Route) -> None:
        document = route.fetch().json()
        other = document["models"][0] | {"version": "7", "default": False}
        route.fulfill(json=document | {"models": [*document["models"], other]})

    page = context.new_page()
    page.route("**/models", with_another)
    page.goto(address)
    expect(page.locator("#loaded")).to_have_text(re.compile(r"Loaded: .*\bv1 \(also v7\)"))


def ask_sample(page: Page, name: str = "bus") -> None:
    """One tap, and wait for the answers."""
    page.click(f"button.sample[data-sample={name}]")
    page.wait_for_selector(ANSWERED)


def photograph(width: int, height: int) -> bytes:
    """A JPEG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (120, 140, 90)).save(file, "JPEG")
    return file.getvalue()


def choose(page: Page, content: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> None:
    """Puts a file into the file chooser."""
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})


def sideways(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def test_one_tap_answers_with_a_column_for_each_model(context: BrowserContext, address: str) -> None:
    """A sample gives the same photograph and the same rows in each column, and breaks no rule of the page."""
    page = context.new_page()
    watch = Watch(page, address)
    page.goto(address)
    ask_sample(page)
    models = {model["name"] for model in page.evaluate("fetch('/models').then((r) => r.json())")["models"]}
    assert models == set(page.eval_on_selector_all(".card", "cards => cards.map((card) => card.dataset.model)"))
    assert 1 == len(set(page.eval_on_selector_all(".photo img", "images => images.map((image) => image.src)")))
    rows = page.eval_on_selector_all(".bars", "all => all.map((t) => [...t.rows].map((r) => r.dataset.label).join())")
    assert (len(models), 1) == (len(rows), len(set(rows)))
    assert len(models) == page.locator("tr.first th .unseen", has_text="(highest)").count()
    assert all(re.fullmatch(r"\w+: (yes|no)", text) for text in page.locator(".chip").all_inner_texts())
    assert re.search(r" says? ", page.inner_text("#verdict"))
    assert re.search(r"Sure enough to call it an? \w+\?", page.inner_text("#decisions"))
    assert re.search(r"in the browser, .* in the server", page.inner_text("#timing"))
    assert page.url.endswith("#sample=bus")
    assert [] == watch.faults


def test_maps_share_one_scale_and_can_be_hidden(page: Page) -> None:
    """Some map is drawn; the switch hides all of them; a press shows the bare photograph until it ends."""
    ask_sample(page)
    painted = "all => all.some((c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v))"
    assert page.eval_on_selector_all("canvas.map", painted)
    assert float(page.inner_text("#scale-top")) > 0
    page.hover(".photo >> nth=0")
    page.mouse.down()
    expect(page.locator("canvas.map").last).to_have_css("opacity", "0")
    page.mouse.up()
    expect(page.locator("canvas.map").last).to_have_css("opacity", "0.75")
    page.uncheck("#map-on")
    expect(page.locator("canvas.map").last).to_have_css("opacity", "0")


def test_the_keyboard_is_enough(page: Page) -> None:
    """Tab reaches the file chooser and the samples, Enter asks, arrows change the class, Escape clears."""
    focused = "document.activeElement.id || document.activeElement.dataset.sample || document.activeElement.className"
    reached = []
    while "bus" not in reached and len(reached) < 20:
        page.keyboard.press("Tab")
        reached.append(page.evaluate(focused))
    assert {"skip", "theme", "file", "shrink", "bus"} <= set(reached)
    assert "none" != page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    page.wait_for_selector(ANSWERED)
    before = page.input_value("#map-class")
    page.keyboard.press("ArrowRight")
    assert before != page.input_value("#map-class")
    assert f"Map for {page.input_value('#map-class')}." == page.inner_text("#status")
    page.keyboard.press("ArrowLeft")
    assert before == page.input_value("#map-class")
    page.keyboard.press("Escape")
    expect(page.locator("#answer")).to_be_hidden()
    assert "file" == page.evaluate("document.activeElement.id")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_phone_needs_no_sideways_scroll(page: Page, scheme: str) -> None:
    """At 320 px the first screen, the answers, a problem and the documentation fit the width."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(PHONE)
    widths = [sideways(page)]
    ask_sample(page)
    widths.append(sideways(page))
    choose(page, b"no photograph", "notes.txt", "text/plain")
    page.wait_for_selector("#problem:not([hidden])")
    widths.append(sideways(page))
    page.goto(page.url.split("#")[0] + "docs")
    page.wait_for_selector("h1")
    assert [0, 0, 0, 0] == [*widths, sideways(page)]


def test_the_theme_follows_the_system_until_it_is_chosen(page: Page) -> None:
    """Dark where the system is dark; the toggle overrules it and is remembered."""
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ("rgb(14, 18, 23)", "rgb(245, 247, 249)") == (dark, light)
    page.reload()
    assert light == page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_a_refusal_stands_beside_the_drop_area(page: Page) -> None:
    """A file that is no photograph shows the server's own sentence and offers nothing useless."""
    with page.expect_response("**/compare*") as refused:
        choose(page, b"no photograph", "notes.txt", "text/plain")
    expect(page.locator("#problem-detail")).to_have_text(refused.value.json()["detail"])
    expect(page.locator("#again")).to_be_hidden()
    expect(page.locator("#drop")).to_be_visible()


def test_a_busy_server_is_asked_again_when_it_says(page: Page) -> None:
    """429 shows the server's wait on the button; when it is over, the same photograph can be sent again."""
    problem = {"title": "Overloaded", "status": 429, "detail": "All slots are taken. Send it again in 1 s."}
    kind = "application/problem+json"
    busy = {"status": 429, "headers": {"Retry-After": "1"}, "content_type": kind, "body": json.dumps(problem)}
    page.route("**/compare*", lambda route: route.fulfill(**busy), times=1)
    page.click("button.sample[data-sample=bus]")
    expect(page.locator("#problem-detail")).to_have_text(problem["detail"])
    expect(page.locator("#again")).to_have_text("Try again in 1 s")
    expect(page.locator(".photo img").first).to_be_visible()
    page.click("#again:enabled")
    page.wait_for_selector(ANSWERED)
    expect(page.locator("#problem")).to_be_hidden()


def test_a_second_photograph_cancels_the_first(page: Page) -> None:
    """The request of the first is aborted, and the answer belongs to the second."""
    held: list[Route] = []
    page.route("**/compare*", lambda route: held.append(route), times=1)  # never answered
    page.click("button.sample[data-sample=bus]")
    page.wait_for_selector(".card.waiting, .answer.waiting .card")
    with page.expect_event("requestfailed") as failed:
        ask_sample(page, "car")
    assert "net::ERR_ABORTED" == failed.value.failure
    expect(page.locator("button.sample[aria-pressed=true]")).to_have_attribute("data-sample", "car")


@pytest.mark.parametrize(("smaller", "sent"), [(True, (1600, 1200)), (False, (4000, 3000))])
def test_a_large_photograph_is_made_smaller_before_it_is_sent(page: Page, smaller: bool, sent: tuple[int, int]) -> None:
    """12 megapixels become 1600 x 1200, and the page says so; with the switch off they go as they are."""
    page.evaluate(KEEP_WHAT_IS_SENT)
    page.set_checked("#shrink", smaller)
    choose(page, photograph(4000, 3000))
    page.wait_for_selector(ANSWERED)
    assert re.match(f"Sent {sent[0]} . {sent[1]} px", page.inner_text("#sent"))
    assert sent == tuple(page.evaluate("createImageBitmap(sent).then((image) => [image.width, image.height])"))
    assert smaller == bool(re.search("made smaller here from 4000 . 3000 px", page.inner_text("#sent")))
    expect(page.locator("#copy-link")).to_be_disabled()


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_photograph_can_be_dropped_or_pasted(page: Page, event: str) -> None:
    """Dropping and pasting a file ask like choosing one."""
    page.evaluate(
        """([kind, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "own.jpg", { type: "image/jpeg" }));
            const options = { bubbles: true, cancelable: true };
            dispatchEvent(kind === "drop" ? new DragEvent(kind, { ...options, dataTransfer: data })
                                          : new ClipboardEvent(kind, { ...options, clipboardData: data }));
        }""",
        [event, list(photograph(64, 48))],
    )
    page.wait_for_selector(ANSWERED)
    assert re.match("Sent 64 . 48 px", page.inner_text("#sent"))


def test_a_link_restores_a_sample(context: BrowserContext, address: str) -> None:
    """`#sample=truck` answers on arrival; an unknown name is told with the known ones."""
    page = context.new_page()
    page.goto(f"{address}/#sample=truck")
    page.wait_for_selector(ANSWERED)
    expect(page.locator("button.sample[aria-pressed=true]")).to_have_attribute("data-sample", "truck")
    page.goto(f"{address}/#sample=zeppelin")
    expect(page.locator("#problem-detail")).to_contain_text("There are bus, ")


def test_answers_can_be_taken_away(page: Page, address: str) -> None:
    """Copy gives the request as a command, the answer as the server sent it, and the link."""
    copied = {}
    with page.expect_response("**/compare*") as answered:
        ask_sample(page)
    for name in ("curl", "json", "link"):
        page.click(f"#copy-{name}")
        expect(page.locator(f"#copy-{name}")).to_have_text("Copied")
        copied[name] = page.evaluate("navigator.clipboard.readText()")
    post = f"curl --data-binary @- '{address}/compare?explain=cam'"
    assert f"curl -s '{address}/static/samples/bus.jpg' | {post}" == copied["curl"]
    assert answered.value.json() == json.loads(copied["json"])
    assert f"{address}/#sample=bus" == copied["link"]


def test_without_javascript_a_form_asks(browser: Browser, address: str) -> None:
    """The form posts the photograph, and an answer comes back."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    choose(page, photograph(64, 48))
    with page.expect_navigation() as navigation:
        page.click("button[type=submit]")
    assert 200 == (navigation.value.status if navigation.value else None)
    assert "partial" in page.inner_text("body")
    context.close()
