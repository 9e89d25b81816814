"""The report of an adaptation job: what it says, what it shows, and what it must not."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from contract.aliases import Alias, write_aliases
from contract.artifact import Artifact
from tests.unit.training.report_job import finished_job
from training.data.archives import DataError
from training.job import Job
from training.report import write_report
from training.report.pictures import why_no_pictures
from training.report.write import JSON, own_command, prose


@dataclasses.dataclass(frozen=True)
class Written:
    """A job, and what its report holds."""

    job: Job
    artifacts: list[Artifact]
    html: str
    facts: dict[str, Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Three recipes on two tests, reported once for the file."""
    out = tmp_path_factory.mktemp("job")
    job, artifacts = finished_job(out, "drawn", ("drawn", "street-tiles"))
    path = write_report(job, artifacts, "make train")
    return Written(job, artifacts, path.read_text(), json.loads((out / JSON).read_text()))


class Elements(HTMLParser):
    """Tags and their attributes, and those left open."""

    VOID = ("meta", "img", "br", "line", "circle", "polyline", "polygon")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it; what is not void must be closed."""
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The innermost open tag, or a mistake."""
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_page_needs_nothing_else(written: Written) -> None:
    """No script, no outside asset: every picture lies in the file, and the policy refuses the rest."""
    elements = Elements(written.html).found
    tags = {tag for tag, _ in elements}
    assert set() == tags & {"script", "link", "iframe", "object", "a"}
    sources = [attributes["src"] or "" for tag, attributes in elements if tag == "img"]
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert re.search(r"https?://|@import|url\(", written.html) is None
    assert "default-src 'none'" in written.html


def test_page_is_well_formed(written: Written) -> None:
    """Every element is closed in order."""
    assert [] == Elements(written.html).open


def test_sections_come_in_order(written: Written) -> None:
    """What matters first: headline, models, depth, curves, confusion, mistakes, freeze, calibration, how to repeat."""
    sections = [attributes["id"] for tag, attributes in Elements(written.html).found if tag == "section"]
    expected = ["models", "contrasts", "depth", "curves", "confusion", "mistakes", "freeze", "calibration", "again"]
    assert expected == sections


def test_same_job_gives_the_same_bytes(written: Written) -> None:
    """A report has no time of its own: writing it again changes nothing."""
    assert written.html == write_report(written.job, written.artifacts, "make train").read_text()


def test_headline_names_the_stable_model_and_its_figure(written: Written) -> None:
    """The model of the alias, chosen on validation, with its AP on the first test and the interval."""
    ap = written.facts["models"]["majority"]["test"]["drawn"]["AP"]
    interval = f"{ap['value']:.3f} [{ap['low']:.3f}, {ap['high']:.3f}]"
    assert written.facts["headline"].startswith("Thawing three stages (majority) did best on validation")
    assert f"{interval} on drawn." in written.facts["headline"]


def test_an_open_order_is_called_open(written: Written) -> None:
    """Partial and majority are alike: the sentence says that the difference holds zero; frozen is behind for sure."""
    sentence = next(line for line in written.facts["findings"] if line.startswith("On drawn"))
    settled, _, rest = sentence.partition("Not settled: ")
    assert "partial leads frozen" in settled
    assert re.search(r"partial before majority: the difference, 0\.\d+ \[-0\.\d+, 0\.\d+\], holds zero", rest)
    assert "their own intervals overlap" in rest


def test_json_keys_are_stable(written: Written) -> None:
    """What others may rely on."""
    expected = {
        *("headline", "findings", "schema_version", "created", "command", "target", "new_label", "labels", "source"),
        *("stable", "val", "tests", "models", "contrasts", "data", "terms", "libraries"),
    }
    assert expected == written.facts.keys()
    assert ["frozen", "partial", "majority"] == list(written.facts["models"])
    assert {"ahead", "behind", "difference", "is_settled", "test"} == written.facts["contrasts"][0].keys()
    assert {"photographs": 54, "new": 13} == written.facts["tests"]["drawn"]


def test_page_shows_the_figures_of_the_json(written: Written) -> None:
    """One source for both: each measured AP of the JSON stands on the page; a figure nobody could measure does not."""
    for model in written.facts["models"].values():
        assert f"{model['test']['drawn']['AP']['value']:.3f}" in written.html
    assert "bus → car" in written.html
    assert "bus → truck" not in written.html


def test_command_is_shown(written: Written) -> None:
    """What makes it again."""
    assert "<pre><code>make train</code></pre>" in written.html


def test_command_of_a_verb_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m training adapt ...` names itself, quoted for a shell; any other process has no command to show."""
    monkeypatch.setattr("sys.argv", ["/somewhere/training/__main__.py", "adapt", "--out", "my runs"])
    assert "python -m training adapt --out 'my runs'" == own_command()
    monkeypatch.setattr("sys.argv", ["/somewhere/pytest/__main__.py", "x"])
    assert own_command() is None


def test_sentences_are_escaped() -> None:
    """A label is text, whatever it holds; an interval gets a true minus and stays together."""
    assert '&lt;b&gt; <span class="interval">[\N{MINUS SIGN}0.1, 0.2]</span>' == prose("<b> [-0.1, 0.2]")


def test_pictures_of_owned_photographs_stay_out_of_the_repository(tmp_path: Path) -> None:
    """In the repository a job with photographs that are not drawn shows none, and says why."""
    repository = tmp_path / "repository"
    job, _ = finished_job(repository / "runs" / "job", "street-tiles", ("street-tiles",))
    assert "street-tiles have owners" in (why_no_pictures(job, repository) or "")
    assert why_no_pictures(job, tmp_path / "elsewhere") is None
    drawn, _ = finished_job(repository / "runs" / "drawn")
    assert why_no_pictures(drawn, repository) is None


def test_a_drawn_target_with_an_owned_test_counts_as_owned(written: Written) -> None:
    """One collection with an owner is enough."""
    assert "street-tiles" in (why_no_pictures(written.job, written.job.out) or "")


def test_report_without_pictures_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page then holds the counts of mistakes, the reason, and no picture."""
    job, artifacts = finished_job(tmp_path, "street-tiles", ("street-tiles",))
    monkeypatch.setattr("training.report.write.why_no_pictures", lambda job: "Left out, because.")
    html = write_report(job, artifacts).read_text()
    assert [] == [tag for tag, _ in Elements(html).found if tag == "img"]
    assert "Left out, because." in html


def test_one_model_has_no_order(tmp_path: Path) -> None:
    """A job of a single recipe is reported too, without contrasts; nothing pretends to have been compared."""
    job, artifacts = finished_job(tmp_path)
    job = dataclasses.replace(job, recipes=job.recipes[:1])
    write_aliases(tmp_path, {"stable": Alias(model="frozen", version="1")})
    html = write_report(job, artifacts[:1]).read_text()
    assert "Training the head alone (frozen) finds bus" in html
    assert 'id="contrasts"' not in html


def test_missing_scores_are_named(tmp_path: Path) -> None:
    """Without the stored scores there is no report, and the error says what makes them."""
    job, artifacts = finished_job(tmp_path)
    (tmp_path / "scores" / "partial.csv.gz").unlink()
    with pytest.raises(DataError, match=r"partial\.csv\.gz.*training adapt"):
        write_report(job, artifacts)
