"""What is wrong or worth knowing in a collection, each with names, a count and what to do."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.data.duplicates import fingerprints, near_duplicates
from training.data.layouts import Given, Layout
from training.data.photographs import Inspected
from training.data.rows import same_names

TINY_SIDE = 32  # pixels: half of the smallest input we train on; less is mostly made up by the resize
PLAIN_MODES = ("RGB", "L")
BLANK_SPREAD = 3.0  # grey levels, standard deviation
EXAMPLES = 5

_READING = {
    "missing": ("cannot be read from the folder or archive", "Fetch them again."),
    "empty": ("empty files", "Fetch them again or remove them."),
    "unsupported-format": ("in a format we do not read", "Convert them, for example to JPEG."),
    "too-many-pixels": ("too large", "Make them smaller."),
    "too-small": ("too small to see anything", "Send them larger or remove them."),
    "unreadable": ("truncated or damaged", "Repair or remove them, or pass --skip-unreadable to `split`."),
}


@dataclass(frozen=True)
class Finding:
    """`is_problem`: training on these data as they are would mislead or fail. `examples`: the first few names."""

    kind: str
    is_problem: bool
    count: int
    what: str
    advice: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pairs:
    """Photographs that are one picture, as indices: same bytes, or near-duplicates."""

    exact: tuple[tuple[int, int], ...]
    near: tuple[tuple[int, int], ...]


def find_pairs(photographs: Sequence[Inspected]) -> Pairs:
    """Every pair of near-duplicates, and of each file with its first exact copy. Indices into `photographs`."""
    first: dict[str, int] = {}
    usable = [i for i, photograph in enumerate(photographs) if photograph.rgb is not None]
    exact = [(first.setdefault(photographs[i].sha256, i), i) for i in usable]
    near = near_duplicates(fingerprints(rgb for p in photographs if (rgb := p.rgb) is not None))
    same = [(usable[i], usable[j]) for i, j in near]
    return Pairs(
        tuple(pair for pair in exact if pair[0] != pair[1]),
        tuple((i, j) for i, j in same if photographs[i].sha256 != photographs[j].sha256),
    )


def find_all(layout: Layout, photographs: Sequence[Inspected], pairs: Pairs) -> list[Finding]:
    """Everything but shortcuts; `photographs` and `pairs` in the order of `layout.photographs`. Problems first."""
    found = [
        *_classes(layout),
        *_reading(photographs),
        *_pictures(photographs),
        *_duplicates(layout.photographs, pairs),
    ]
    if layout.ignored:
        found.append(
            _finding(
                "passed-over", False, layout.ignored, "files are no listed photographs", "Nothing: they are left out."
            )
        )
    return sorted(found, key=lambda finding: not finding.is_problem)


def _finding(kind: str, is_problem: bool, names: Iterable[str], what: str, advice: str) -> Finding:
    listed = tuple(names)
    return Finding(kind, is_problem, len(listed), what, advice, listed[:EXAMPLES])


def _classes(layout: Layout) -> Iterable[Finding]:
    if layout.empty_classes:
        advice = "Put photographs into the folder, or remove it."
        yield _finding("empty-class", True, layout.empty_classes, "classes hold no photograph", advice)
    clashes = [" = ".join(map(repr, names)) for names in same_names(given.word for given in layout.photographs)]
    if clashes:
        yield _finding("same-name", True, clashes, "names are borne by two classes", "Join them, or rename one.")


def _reading(photographs: Sequence[Inspected]) -> Iterable[Finding]:
    """Unreadable photographs are all named, not just the first few: they must be found to be mended."""
    for kind, (what, advice) in _READING.items():
        names = tuple(p.path for p in photographs if p.kind == kind)
        if names:
            yield Finding(
                kind, True, len(names), f"photographs are {what}" if kind != "missing" else what, advice, names
            )


def _pictures(photographs: Sequence[Inspected]) -> Iterable[Finding]:
    seen = [(p.path, p.header, p.rgb) for p in photographs if p.header and p.rgb is not None]
    tiny = [path for path, header, _ in seen if min(header.width, header.height) < TINY_SIDE]
    if tiny:
        yield _finding(
            "tiny", False, tiny, f"photographs have a side under {TINY_SIDE} pixels", "Use larger ones if you can."
        )
    rotated = [path for path, header, _ in seen if header.orientation != 1]
    if rotated:
        yield _finding("rotated", False, rotated, "photographs are turned by EXIF", "Nothing: they are turned upright.")
    modes = Counter(header.mode for _, header, _ in seen if header.mode not in PLAIN_MODES)
    if modes:
        odd = [f"{path} ({header.mode})" for path, header, _ in seen if header.mode in modes]
        yield _finding(
            "odd-mode", False, odd, f"photographs are {', '.join(sorted(modes))}", "Nothing: they become RGB."
        )
    blank = [path for path, _, rgb in seen if rgb.std() < BLANK_SPREAD]
    if blank:
        yield _finding(
            "blank", False, blank, "photographs show next to nothing", "Look at them; remove what is no photograph."
        )


def _duplicates(given: Sequence[Given], pairs: Pairs) -> Iterable[Finding]:
    names = {(i, j): f"{given[i].path} = {given[j].path}" for i, j in (*pairs.exact, *pairs.near)}
    torn = [pair for pair in pairs.exact if given[pair[0]].word != given[pair[1]].word]
    if torn:
        named = (f"{names[i, j]} ({given[i].word}, {given[j].word})" for i, j in torn)
        yield _finding("two-labels", True, named, "photographs lie in two classes", "Keep the copy in the right class.")
    leaks = [(i, j) for i, j in names if given[i].split != given[j].split]
    if leaks:
        advice = "Remove one of each, or make the split anew with `split`: it keeps near-duplicates together."
        named = (f"{names[i, j]} ({given[i].split or 'none'}, {given[j].split or 'none'})" for i, j in leaks)
        yield _finding("leak", True, named, "pairs of one picture lie in two splits", advice)
    torn_groups = _torn_groups(given)
    if torn_groups:
        yield _finding("group-leak", True, torn_groups, "given groups lie in two splits", "Keep a group in one split.")
    for kind, some in (("exact-duplicate", pairs.exact), ("near-duplicate", pairs.near)):
        if some:
            advice = "Nothing: `split` keeps them in one split. They add less than their number."
            yield _finding(kind, False, (names[pair] for pair in some), f"pairs: {kind.replace('-', ' ')}s", advice)


def _torn_groups(given: Sequence[Given]) -> list[str]:
    splits: dict[str, set[str]] = defaultdict(set)
    for photograph in given:
        if photograph.group:
            splits[photograph.group].add(photograph.split)
    return sorted(group for group, names in splits.items() if len(names) > 1)
