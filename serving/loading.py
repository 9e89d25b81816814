"""Which versions of a store answer: decided at start, and again whenever the store has changed.

Aliases come first, then the newest whole version of every name, then older ones, up to the limits. What cannot be
loaded is refused with its reason, and what answered before goes on.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from contract.aliases import ALIASES, LATEST, STABLE, Alias, read_aliases
from contract.artifact import list_versions, read_artifact, read_manifest
from contract.errors import ArtifactError
from serving.errors import StartError
from serving.store import FLOAT32_ONLY, Key, Model, Models, Refused, choose_variant, load_model


@dataclass(frozen=True)
class Keep:
    """How many versions stay in memory: of each name beside those that aliases mean, and in all."""

    per_model: int = 2
    in_all: int = 16


EVERYDAY = Keep()


@dataclass(frozen=True)
class Source:
    """Where versions come from and how they are loaded."""

    folder: Path
    provider: str
    batch_limit: int
    keep: Keep = EVERYDAY
    variants: tuple[str, ...] = FLOAT32_ONLY  # of the graphs, by preference


def load_models(
    store: Path, provider: str, batch_limit: int, keep: Keep = EVERYDAY, variants: tuple[str, ...] = FLOAT32_ONLY
) -> Models:
    """For a start. Raises ArtifactError when a name or `stable` would be left without a version.

    A damaged version with a whole one behind it is refused, as at run time: a restart must not end what was served.
    """
    versions = list_versions(store)
    if not versions:
        raise ArtifactError(
            f"{store}: holds no model. Expected <name>/<version>/manifest.json; train one or give another store."
        )
    aliases = read_aliases(store)
    models = renew(Models((), {}), Source(store, provider, batch_limit, keep, variants), is_patient=False)
    served = {name for name, _ in (model.key for model in models.all())}
    for name, numbers in versions.items():
        if name not in served:
            _raise_for(models, [f"{name}/{number}" for number in reversed(numbers)] + [name])
    if STABLE in aliases and STABLE not in models.aliases:
        _raise_for(models, ["/".join(aliases[STABLE].key), _alias_subject(STABLE)])
    return models


def renew(current: Models, source: Source, *, is_patient: bool) -> Models:
    """What should answer from now on: versions of `current` that stay are the same objects.

    is_patient: a version that fails for the first time may still be half-written; it is certain when it fails again
    unchanged. Raises StartError when there is no `current` and the provider cannot be had; else nothing.
    """
    try:
        on_disk, lost = list_versions(source.folder), "It holds no model any more. Put them back."
    except (ArtifactError, OSError) as error:
        on_disk, lost = {}, _plain(error, source.folder)
    renewed = _Renewal(current, source, on_disk, is_patient=is_patient).run() if on_disk else None
    if renewed is not None and (renewed.all() or not current.all()):
        return renewed
    others = [each for each in (renewed or current).refused if each.subject != "store"]
    detail = f"{lost} What was loaded answers on."
    return Models(current.all(), current.aliases, [*others, Refused("store", "missing", detail)])


class _Renewal:
    """One pass over the store."""

    def __init__(self, current: Models, source: Source, on_disk: dict[str, list[int]], *, is_patient: bool) -> None:
        self._current = current
        self._source = source
        self._on_disk = on_disk
        self._is_patient = is_patient
        self._loaded = {model.key: model for model in current.all()}
        self._known = {each.subject: each for each in current.refused}
        self._kept: dict[Key, Model] = {}
        self._refused: dict[str, Refused] = {}

    def run(self) -> Models:
        aliases = self._aliases()
        for alias in aliases.values():
            if alias.previous is not None and self._is_there((alias.model, alias.previous)):
                self._get((alias.model, alias.previous))
        for wanted in range(1, self._source.keep.per_model + 1):
            for name, numbers in self._on_disk.items():
                self._fill(name, numbers, wanted)
        return Models(self._kept.values(), aliases, self._refused.values())

    def _fill(self, name: str, numbers: list[int], wanted: int) -> None:
        """Keep the newest `wanted` whole versions of a name; when there is none, the one that answered before."""
        found = 0
        for number in reversed(numbers):
            found += self._get((name, str(number))) is not None
            if found == wanted:
                return
        before = [key for key in self._loaded if key[0] == name]
        if not found and before and not any(key[0] == name for key in self._kept):
            self._get(before[-1])
        if not any(key[0] == name for key in self._kept) and self._is_full:
            most = self._source.keep.in_all
            self._refuse(
                name, "limit", f"{most} versions are loaded, the most that may be. Raise THAW_VERSIONS_IN_ALL."
            )

    # --- aliases

    def _aliases(self) -> dict[str, Alias]:
        """Those in force: as the file says where its version can be loaded, else as before."""
        asked = self._asked_aliases()
        order = sorted(asked, key=lambda name: (name != STABLE, name))
        in_force: dict[str, Alias] = {}
        for name in order:
            alias = self._resolve(name, asked[name])
            if alias is not None:
                in_force[name] = alias
                continue
            before = self._current.aliases.get(name)
            if before is not None and self._get(before.key) is not None:
                in_force[name] = before
        return in_force

    def _asked_aliases(self) -> dict[str, Alias]:
        try:
            asked = read_aliases(self._source.folder)
        except (ArtifactError, OSError) as error:
            self._refuse(ALIASES, "aliases", _plain(error, self._source.folder))
            return self._current.aliases
        if self._current.aliases and not (self._source.folder / ALIASES).exists():
            self._refuse(ALIASES, "missing", "The file is gone; its aliases stay as they were. Write {} to have none.")
            return self._current.aliases
        return asked

    def _resolve(self, name: str, alias: Alias) -> Alias | None:
        """With the number of a loaded version, or None when there is none to be had."""
        subject = _alias_subject(name)
        if name in self._on_disk and name != alias.model:
            self._refuse(subject, "aliases", f"{name} is a model's own name. Choose another for the alias.")
            return None
        numbers = self._on_disk.get(alias.model, [])
        wanted = [str(number) for number in reversed(numbers)] if alias.version == LATEST else [alias.version]
        for version in wanted:
            if self._is_there((alias.model, version)) and self._get((alias.model, version)) is not None:
                return alias.model_copy(update={"version": version})
        target = "/".join(alias.key)
        refused = self._refused.get(target)
        why = "is refused" if refused else "does not fit beside the others" if self._is_full else "is not there"
        detail = f"It means {target}, which {why}. Correct {ALIASES} or the store."
        is_certain = refused is None or refused.is_certain
        self._refused[subject] = Refused(subject, "aliases", detail, is_certain=is_certain)
        return None

    # --- versions

    @property
    def _is_full(self) -> bool:
        return len(self._kept) >= self._source.keep.in_all

    def _is_there(self, key: Key) -> bool:
        """On disk, or still in memory though its folder is gone, which is said."""
        if int(key[1]) in self._on_disk.get(key[0], []):
            return True
        if key in self._loaded:
            self._refuse("/".join(key), "missing", "Its folder is gone; an alias means it, so it answers from memory.")
        return key in self._loaded

    def _get(self, key: Key) -> Model | None:
        if key in self._kept:
            return self._kept[key]
        if self._is_full:
            return None
        model = self._loaded.get(key) or self._load(key)
        if model is not None:
            self._kept[key] = model
        return model

    def _load(self, key: Key) -> Model | None:
        subject = "/".join(key)
        if subject in self._refused:
            return None
        signature = _signature(self._source.folder / key[0] / key[1])
        known = self._known.get(subject)
        if known is not None and known.signature and known.signature == signature:
            self._refused[subject] = replace(known, is_certain=True)
            return None
        loaded = prove(key, self._source)
        if isinstance(loaded, Model):
            return loaded
        self._refused[subject] = replace(loaded, signature=signature, is_certain=not self._is_patient)
        return None

    def _refuse(self, subject: str, reason: str, detail: str) -> None:
        self._refused.setdefault(subject, Refused(subject, reason, detail))


def prove(key: Key, source: Source) -> Model | Refused:
    """Check the manifest, every hash and the goldens of a version: the model, or why it must not answer.

    Raises StartError when the provider is not to be had, which no other version would change.
    """
    folder = source.folder / key[0] / key[1]
    reason = "manifest"
    try:
        read_manifest(folder)
        reason = "files"
        artifact = read_artifact(folder)
        reason = "variant"
        choose_variant(artifact, source.variants)
        reason = "answers"
        return load_model(artifact, source.provider, source.batch_limit, source.variants)
    except StartError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a version, the others answer on
        return Refused("/".join(key), reason, _plain(error, source.folder))


def _signature(folder: Path) -> tuple[object, ...]:
    """Names, sizes and times of a version's files; another one means that somebody has written."""
    try:
        with os.scandir(folder) as entries:
            files = [(entry.name, entry.stat()) for entry in entries]
    except OSError:
        return ()
    return tuple(sorted((name, status.st_size, status.st_mtime_ns, status.st_ino) for name, status in files))


def _alias_subject(name: str) -> str:
    return f"alias {name}"


def _plain(error: Exception, folder: Path) -> str:
    """Without the server's own paths: clients may read it."""
    return str(error).replace(f"{folder}{os.sep}", "")


def _raise_for(models: Models, subjects: list[str]) -> None:
    """The first of the subjects that was refused, in its own words."""
    details = {each.subject: each.detail for each in models.refused}
    raise ArtifactError(next((f"{name}: {details[name]}" for name in subjects if name in details), subjects[0]))
