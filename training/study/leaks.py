"""No photograph, and none of its near-duplicates, is both learned from and tested on."""

from training.data.archives import DataError
from training.study.evidence import Stored
from training.study.resample import whole
from training.study.rows import Listed


def leaks(stored: Stored) -> dict[str, list[str]]:
    """Trial -> groups that lie in its fitted list and in its test list. Empty when all is well."""
    groups = {name: _groups(found) for name, found in stored.lists.items()}
    pairs: dict[tuple[str, str], list[str]] = {}
    for row in stored.trials:
        if row.fitted in groups and row.photographs in groups:
            pairs.setdefault((row.fitted, row.photographs), []).append(row.trial)
    shared = {pair: sorted(groups[pair[0]] & groups[pair[1]]) for pair in pairs}
    return {trial: shared[pair] for pair, trials in pairs.items() if shared[pair] for trial in trials}


def refuse_leaks(stored: Stored) -> None:
    """Raises DataError when a test group was learned from: such rows are never judged."""
    if found := leaks(stored):
        trial, groups = next(iter(found.items()))
        raise DataError(
            f"{trial}: {len(groups)} groups of its test were learned from, {groups[0]} among them ({len(found)} such "
            "rows). A test must hold none. Remove the rows and draw again."
        )


def _groups(found: Listed) -> set[str]:
    names = whole(found.pool).groups
    return {str(names[place]) for place in found.places}
