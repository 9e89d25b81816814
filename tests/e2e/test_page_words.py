"""The page's pure functions, run where they live: in a browser, without a server."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from tests.sources import ROOT

CHROMIUM = shutil.which("chromium")
ORIGIN = "http://127.0.0.1:9"  # never reached: every request is answered from the folder

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def modules() -> Iterator[Page]:
    """A browser in which `await load("words.js")` gives a module of the page."""
    folder = ROOT / "serving" / "page"

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ORIGIN).removeprefix("/static/")
        script = name.endswith(".js")
        body = (folder / name).read_bytes() if script else b""
        route.fulfill(body=body, content_type="text/javascript" if script else "text/html")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.route("**/*", answer)
        page.goto(ORIGIN)
        page.evaluate("() => { load = (name) => import('/static/' + name); }")
        yield page
        browser.close()


def answer(model: str, is_new: bool | None = None, threshold: float = 0.5, **scores: float) -> dict[str, object]:
    """One model's answer, as /compare gives it."""
    predictions = [{"label": label, "score": scores[label]} for label in sorted(scores, key=lambda name: -scores[name])]
    decision = {"label": "bus", "is": is_new, "threshold": threshold, "at_fpr": 0.01}
    return {"model": model, "predictions": predictions, "decision": None if is_new is None else decision}


def verdict(modules: Page, answers: list[dict[str, object]], contrast: str = "") -> str:
    """The headline as plain text."""
    call = "async ([all, apart]) => (await load('words.js')).verdict(all, (name) => name === apart)"
    return "".join(text for text, _ in modules.evaluate(call, [answers, contrast]))


BUS = {"bus": 0.9, "truck": 0.1}
TRUCK = {"bus": 0.3, "truck": 0.7}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], "No model could answer."),
        ([answer("frozen", **BUS)], "frozen says bus."),
        ([answer("frozen", **BUS), answer("partial", **BUS)], "Both say bus."),
        ([answer(name, **BUS) for name in ("frozen", "partial", "majority")], "All three say bus."),
        (
            [answer("frozen", **TRUCK), answer("partial", **BUS), answer("majority", **BUS)],
            "frozen says truck; partial and majority say bus.",
        ),
    ],
)
def test_the_headline_says_who_says_what(modules: Page, answers: list[dict[str, object]], expected: str) -> None:
    """Models of one opinion are named together, in the order of the columns."""
    assert expected == verdict(modules, answers)


def test_the_contrast_speaks_apart(modules: Page) -> None:
    """A model whose source has seen the class is not counted among those that answer the question."""
    answers = [answer("frozen", **TRUCK), answer("partial", **TRUCK), answer("contrast", **BUS)]
    assert "Both say truck. contrast says bus." == verdict(modules, answers, "contrast")


def test_a_model_without_an_answer_is_left_out(modules: Page) -> None:
    """A problem in place of an answer disturbs no sentence about the others."""
    answers = [{"model": "frozen", "detail": "The model failed."}, answer("partial", is_new=True, **BUS)]
    assert "partial says bus." == verdict(modules, answers)
    assert "Sure enough to call it a bus? partial answers yes." == modules.evaluate(
        "async (all) => (await load('words.js')).decisions(all)", answers
    )


def test_the_decisions_are_put_in_words(modules: Page) -> None:
    """Each model decides at its own threshold, whatever comes first among its labels."""
    answers = [answer("a", is_new=False, **BUS), answer("b", is_new=True, **TRUCK), answer("c", is_new=True, **BUS)]
    sentence = modules.evaluate("async (all) => (await load('words.js')).decisions(all)", answers)
    assert "Sure enough to call it a bus? b and c answer yes, a no." == sentence


def test_rows_are_the_union_of_the_first_labels(modules: Page) -> None:
    """A label that one model puts first is a row for all, and rows go by the highest score."""
    answers = [answer("a", x=0.6, y=0.3, z=0.1), answer("b", z=0.7, y=0.2, x=0.1), {"model": "c"}]
    rows = modules.evaluate("async (all) => (await load('words.js')).union(all, 1)", answers)
    assert ["z", "x"] == rows


@pytest.mark.parametrize(
    ("probability", "expected"),
    [(0, "0.0 %"), (0.0004, "< 0.1 %"), (0.612, "61.2 %"), (0.9994, "> 99.9 %"), (1, "100.0 %")],
)
def test_percentages_keep_a_doubt(modules: Page, probability: float, expected: str) -> None:
    """Nothing is rounded to certainty."""
    assert expected == modules.evaluate("async (p) => (await load('words.js')).percent(p)", probability)


def test_a_command_survives_any_file_name(modules: Page) -> None:
    """Quotes in a name cannot end the quoting of the curl line."""
    photo = {"name": "it's $(mine).jpg"}
    command = modules.evaluate("async (photo) => (await load('words.js')).curl(photo, 'http://h')", photo)
    assert r"curl --data-binary '@it'\''s $(mine).jpg' 'http://h/compare?explain=cam'" == command


def test_the_map_covers_what_the_network_saw(modules: Page) -> None:
    """A stretched photograph is covered whole; a cropped one in the square that was cut from its middle."""
    call = "async (rule) => (await load('map.js')).seen(400, 300, rule, 96)"
    assert {"left": 0, "top": 0, "width": 400, "height": 300} == modules.evaluate(call, {"rule": "stretch"})
    cropped = modules.evaluate(call, {"rule": "short_crop", "short": 128})
    assert {"left": 87.5, "top": 37.5, "width": 225, "height": 225} == cropped


def test_the_scale_ends_at_the_strongest_evidence(modules: Page) -> None:
    """One scale over all models and classes; evidence against a class does not stretch it."""
    answers = [{"activation_map": {"bus": [[-9, 2]], "car": [[1, 4]]}}, {"activation_map": {"bus": [[3, 0]]}}, {}]
    assert 4 == modules.evaluate("async (all) => (await load('map.js')).scaleOf(all)", answers)
