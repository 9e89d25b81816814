"""What the page's files promise, read without a browser."""

import json
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from tests.sources import ROOT

PAGE = ROOT / "serving" / "page"
PAGES = ("index.html", "docs.html")
MOST_BYTES = 150_000  # of everything but the samples: one breath of a slow connection
LEAST_CONTRAST = 4.5  # WCAG 2.2, AA, for text
# What is written on what, by the names in style.css.
WRITTEN_ON = [
    *(("ink", ground) for ground in ("paper", "card", "well", "wash")),
    *(("soft", ground) for ground in ("paper", "card", "well")),
    *(("accent", ground) for ground in ("paper", "card", "well")),
    ("on-accent", "accent"),
]


def texts() -> dict[str, str]:
    """Name -> content of every HTML, script, style and icon file of the page."""
    kinds = (".html", ".js", ".css", ".svg")
    return {path.name: path.read_text() for path in sorted(PAGE.iterdir()) if path.suffix in kinds}


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        self.found.append((tag, dict(attrs)))


def test_the_page_is_light() -> None:
    """Without the samples the page and its documentation weigh less than 150 kB."""
    assert MOST_BYTES > sum(len(text.encode()) for text in texts().values())


def test_nothing_comes_from_elsewhere() -> None:
    """No file names another host; a namespace is a name, not an address."""
    addresses = {
        f"{name}: {address}"
        for name, text in texts().items()
        for address in re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"']*", text)
    }
    assert {"icon.svg: http://www.w3.org/2000/svg"} == addresses


@pytest.mark.parametrize("name", PAGES)
def test_markup_holds_no_script_and_no_style(name: str) -> None:
    """A strict content security policy leaves the page whole: no inline script, style or handler."""
    inline = []
    for tag, attributes in Elements(texts()[name]).found:
        if tag == "style" or (tag == "script" and not attributes.get("src")):
            inline.append(tag)
        inline += [f"{tag} {key}" for key in attributes if key == "style" or key.startswith("on")]
    assert [] == inline


@pytest.mark.parametrize("name", PAGES)
def test_markup_names_existing_files(name: str) -> None:
    """Every /static/ address in the markup is a file of the page."""
    addresses = [a.get("href") or a.get("src") or "" for _, a in Elements(texts()[name]).found]
    static = [address.removeprefix("/static/") for address in addresses if address.startswith("/static/")]
    assert static
    assert [] == [address for address in static if not (PAGE / address).is_file()]


def test_scripts_ask_for_elements_that_exist() -> None:
    """An id that a script reaches for is in the markup."""
    known = {attributes.get("id") for name in PAGES for _, attributes in Elements(texts()[name]).found}
    asked = {found for text in texts().values() for found in re.findall(r"\$\(\"([\w-]+)\"\)", text)}
    assert asked
    assert set() == asked - known


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), WRITTEN_ON)
def test_text_is_readable(text: str, ground: str, theme: int) -> None:
    """Text has a contrast of at least 4.5 to 1 on everything that it is written on, in both themes."""
    colours = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", texts()["style.css"]))
    dark, light = sorted(luminance(colours[name].split(", ")[theme]) for name in (text, ground))
    assert LEAST_CONTRAST <= (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" as WCAG 2.2 defines it, 0 to 1."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_samples_are_listed() -> None:
    """Six samples, each listed with what it was drawn from; no picture is left unlisted."""
    samples = json.loads((PAGE / "samples" / "samples.json").read_text())["samples"]
    assert 6 == len(samples)
    assert {path.name for path in (PAGE / "samples").glob("*.jpg")} == {sample["file"] for sample in samples}
    for sample in samples:
        assert {"name", "title", "file", "drawn"} == set(sample)
        assert {"seed", "class", "index", "size", "style"} == set(sample["drawn"])
        with Image.open(PAGE / "samples" / sample["file"]) as image:
            assert (sample["drawn"]["size"],) * 2 == image.size
