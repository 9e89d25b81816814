"""What the report says in sentences, from its figures. A sentence claims no more than its interval."""

from collections.abc import Mapping, Sequence
from typing import Any

Facts = Mapping[str, Any]
Interval = Mapping[str, float | None]
_NUMBERS = ("no", "one", "two", "three", "four", "all five")


def headline(facts: Facts) -> str:
    """One sentence: the chosen model, and how well it does on photographs of the first test it has never seen."""
    name, new = facts["stable"]["model"], facts["new_label"]
    depth = facts["models"][name]["depth"]
    how = (
        f"Thawing {_NUMBERS[depth]} stage{'s' * (depth > 1)} ({name})" if depth else f"Training the head alone ({name})"
    )
    choice = "did best on validation and finds" if len(facts["models"]) > 1 else "finds"
    for test in facts["tests"]:
        if ap := ap_of(facts, name, test):
            return f"{how} {choice} {new} with an average precision of {interval(ap)} on {test}."
    return f"{how} was chosen; no test set here can measure its average precision for {new}."


def findings(facts: Facts) -> list[str]:
    """How the choice was made, how the models compare on each test, what was forgotten, what it does not say."""
    lines = [_choice(facts), *(_order(facts, test) for test in facts["tests"]), _forgetting(facts), _source(facts)]
    lines.append(
        "Each model was trained once, from one seed and one draw of photographs. The intervals say how well these test "
        "photographs pin a figure down, not how much another training would change it."
    )
    return [line for line in lines if line]


def _choice(facts: Facts) -> str:
    stable, val = facts["stable"], facts["val"]
    counted = f"{val['photographs']:,} validation photographs, {val['new']:,} of them {facts['new_label']}"
    others = [
        f"{model['val']['ap']:.3f} for {name}" for name, model in facts["models"].items() if name != stable["model"]
    ]
    if not others:
        return f"On {counted}, its AP is {stable['val_ap']:.3f}."
    return (
        f"The choice was made on {counted}: AP {stable['val_ap']:.3f} for {stable['model']}, {listed(others)}. "
        "No test figure took part in it."
    )


def _order(facts: Facts, test: str) -> str:
    """The models by AP, and for each pair whether the photographs tell them apart."""
    pairs = [pair for pair in facts["contrasts"] if pair["test"] == test]
    if not pairs:
        return ""
    known = [name for name in facts["models"] if ap_of(facts, name, test)]
    order = sorted(known, key=lambda name: ap_of(facts, name, test)["value"], reverse=True)
    ranked = ", ".join(f"{name} {ap_of(facts, name, test)['value']:.3f}" for name in order)
    settled = [_lead(facts, pair) for pair in pairs if pair["is_settled"]]
    open_ = [_doubt(facts, pair) for pair in pairs if not pair["is_settled"]]
    parts = [f"On {test} the order by AP is {ranked}."]
    parts += [f"Told apart by these photographs: {'; '.join(settled)}."] if settled else []
    parts += [f"Not settled: {'; '.join(open_)}."] if open_ else []
    return " ".join(parts)


def _lead(facts: Facts, pair: Mapping[str, Any]) -> str:
    although = " (paired; their own intervals overlap)" if _overlap(facts, pair) else ""
    return f"{pair['ahead']} leads {pair['behind']} by {interval(pair['difference'])}{although}"


def _doubt(facts: Facts, pair: Mapping[str, Any]) -> str:
    also = ", and their own intervals overlap" if _overlap(facts, pair) else ""
    return f"{pair['ahead']} before {pair['behind']}: the difference, {interval(pair['difference'])}, holds zero{also}"


def _overlap(facts: Facts, pair: Mapping[str, Any]) -> bool:
    return overlaps(ap_of(facts, pair["ahead"], pair["test"]), ap_of(facts, pair["behind"], pair["test"]))


def _forgetting(facts: Facts) -> str:
    known = {name: model["forgetting"] for name, model in facts["models"].items() if model["forgetting"]}
    if not known:
        return ""
    first = next(iter(known.values()))
    after = listed([f"{found['after']:.3f} with {name}" for name, found in known.items()])
    return (
        f"The source's own classes, with its own head: top-1 {first['before']:.3f} before, {after}, "
        f"on {first['photographs']:,} photographs."
    )


def _source(facts: Facts) -> str:
    source, new = facts["source"], facts["new_label"]
    return {
        "no": f"The source, {source['name']}, was pretrained on {source['classes']:,} classes without {new}.",
        "yes": f"The source, {source['name']}, has seen {new} in pretraining: what it reaches is of plain use, "
        "and no answer to whether a network can learn a class it has never seen.",
        "unknown": f"Whether the source, {source['name']}, has seen {new} in pretraining is not known.",
    }[source["seen_new_class"]]


def ap_of(facts: Facts, model: str, test: str) -> dict[str, float]:
    """The model's AP on a test, empty where it cannot be measured."""
    found = facts["models"][model]["test"].get(test, {}).get("AP") or {}
    return found if found.get("value") is not None else {}


def overlaps(one: Interval, other: Interval) -> bool:
    """Whether two intervals share a point; one without ends shares none."""
    low, low_, high, high_ = one.get("low"), other.get("low"), one.get("high"), other.get("high")
    if low is None or low_ is None or high is None or high_ is None:
        return False
    return max(low, low_) <= min(high, high_)


def interval(found: Interval) -> str:
    """`0.912 [0.895, 0.928]`."""
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
