"""The models that answer: each proved against its goldens; found by name, version or alias."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contract.aliases import SHADOW, STABLE, Alias, sharing
from contract.artifact import FLOAT32, Artifact
from contract.errors import ArtifactError
from contract.golden import compare
from contract.manifest import Manifest
from contract.pixels import MAX_PIXELS, Photograph, Resize, to_input
from serving.engine import Engine, Inference
from serving.errors import Refusal

log = logging.getLogger("thaw.store")

Key = tuple[str, str]  # name and version, as in answers and metrics


@dataclass(frozen=True, eq=False)
class Model:
    """One version of one model on its provider. Compared by identity: jobs of one batch share the object."""

    manifest: Manifest
    engine: Engine
    golden: bytes  # one stored photograph, for the self-test of a new lane
    variant: str = FLOAT32  # of the graph that answers

    @property
    def key(self) -> Key:
        """(name, version)."""
        return self.manifest.name, self.manifest.version

    @property
    def preparation(self) -> tuple[int, Resize]:
        """Models that agree on this share one decoded photograph."""
        return self.manifest.input.size, self.manifest.input.resize

    def prepare(self, data: bytes, max_pixels: int = MAX_PIXELS) -> Photograph:
        """Encoded bytes -> uint8 (S, S, 3). Raises a PhotographError."""
        size, rule = self.preparation
        return to_input(data, size, rule, max_pixels=max_pixels)

    def infer(self, images: NDArray[np.uint8], *, explain: bool = False) -> Inference:
        """images: uint8 (N, S, S, 3). Raises ArithmeticError for answers that are no numbers."""
        inference = self.engine.run(images, explain=explain)
        if not (np.isfinite(inference.probabilities).all() and np.isfinite(inference.logits).all()):
            raise ArithmeticError(f"{self.manifest.name} gave probabilities or logits that are not finite")
        return inference


@dataclass(frozen=True)
class Refused:
    """What the store holds or says and we do not follow. `subject`: name/version, an alias, or a file of the store."""

    subject: str
    reason: str  # one of metrics.REFUSAL_REASONS
    detail: str
    signature: tuple[object, ...] = ()  # of the folder; the same one is not tried again
    is_certain: bool = True  # False: first seen now, and perhaps still being written


class Models:
    """What this process answers with. Immutable: another set of models is another object.

    aliases: of the loaded versions, with their numbers. `default_versions` by name: what the alias of the model's own
    name means, else `stable` if it means that model, else the newest.
    """

    def __init__(self, models: Iterable[Model], aliases: dict[str, Alias], refused: Iterable[Refused] = ()) -> None:
        self._by_key = {model.key: model for model in sorted(models, key=lambda model: (model.key[0], _number(model)))}
        self.aliases = aliases
        self.refused = tuple(refused)
        self.default_versions = {name: model for (name, _), model in self._by_key.items()}
        for alias_name in (STABLE, *self.default_versions):
            alias = aliases.get(alias_name)
            if alias and alias_name in (STABLE, alias.model):
                self.default_versions[alias.model] = self._by_key[alias.key]

    def all(self) -> list[Model]:
        """Every loaded version, by name and number."""
        return list(self._by_key.values())

    def one_each(self) -> tuple[Model, ...]:
        """The default version of every name, by name."""
        return tuple(self.default_versions.values())

    def find(self, name: str | None, version: str | None = None, *, request_id: str = "") -> Model:
        """name: a model, an alias, or either with `/version`. None means `stable`, or who gets this request's share.

        Raises Refusal: unknown-model, unknown-version, or bad-parameter when there is nothing to choose by.
        """
        if version is None and name is not None and "/" in name:
            name, _, version = name.partition("/")
        if name in self.default_versions:
            return self._version(name, version)
        if version is None and name in (None, STABLE):
            return self._stable(request_id)
        if name is None:
            raise Refusal("bad-parameter", f"Version {version!r} of which model? Add ?model= with its name.")
        alias = self.aliases.get(name)
        if alias is None:
            known = ", ".join([*self.default_versions, *(f"{alias} (alias)" for alias in self.aliases)])
            raise Refusal("unknown-model", f"No model {name!r} here. Loaded: {known}. Name one of these.")
        if version not in (None, alias.version):
            raise Refusal(
                "unknown-version",
                f"Alias {name} means {alias.model}/{alias.version}, not version {version!r}. Name the model itself.",
            )
        return self._by_key[alias.key]

    def find_each(self, names: str, request_id: str) -> dict[str, Model]:
        """names: as `find` takes them, with commas between. Returns them as they were written, with their versions."""
        found = {name: self.find(name, request_id=request_id) for name in names.split(",")}
        if len(found) > len(self._by_key):
            raise Refusal("bad-parameter", f"{len(found)} models named; {len(self._by_key)} are loaded. Name fewer.")
        return found

    def shadow(self) -> tuple[Model, Model, float] | None:
        """Whose answers are compared, the version that gets copies, and the share that is copied. None: nobody's."""
        stable, copy = self.aliases.get(STABLE), self.aliases.get(SHADOW)
        if stable is None or copy is None or copy.key == stable.key:
            return None
        return self._by_key[stable.key], self._by_key[copy.key], 1.0 if copy.share is None else copy.share

    def _version(self, name: str, version: str | None) -> Model:
        if version is None:
            return self.default_versions[name]
        model = self._by_key.get((name, version))
        if model is None:
            loaded = ", ".join(v for n, v in self._by_key if n == name)
            raise Refusal(
                "unknown-version", f"No version {version!r} of {name} here. Loaded: {loaded}. Name one of these."
            )
        return model

    def _stable(self, request_id: str) -> Model:
        if STABLE not in self.aliases:
            if len(self.default_versions) == 1:
                return next(iter(self.default_versions.values()))
            known = ", ".join(self.default_versions)
            raise Refusal(
                "bad-parameter", f"No model named, and the store has no alias `stable`. Add ?model= one of: {known}."
            )
        takers = sharing(self.aliases).values()
        ticket, passed = ticket_of(request_id) if takers else 1.0, 0.0
        for alias in takers:
            passed += alias.share or 0.0
            if ticket < passed:
                return self._by_key[alias.key]
        return self._by_key[self.aliases[STABLE].key]


FLOAT32_ONLY = (FLOAT32,)


def choose_variant(artifact: Artifact, wanted: tuple[str, ...]) -> str:
    """The first wanted that the version has. Raises ArtifactError with what it has: nothing else is served instead."""
    for variant in wanted:
        if variant in artifact.variants:
            return variant
    raise ArtifactError(
        f"{artifact.folder}: has no variant {' or '.join(wanted)}; it has {', '.join(artifact.variants)}. Set "
        f"THAW_VARIANT to one of these, or to several in the order of preference: {wanted[0]},{FLOAT32}."
    )


def load_model(artifact: Artifact, provider: str, batch_limit: int, variants: tuple[str, ...] = FLOAT32_ONLY) -> Model:
    """Load the graph and replay the goldens through the very path that answers. Raises ArtifactError.

    variants: by preference; float32 must answer as torch did, another within the tolerance that its record states.
    """
    golden, variant = artifact.golden(), choose_variant(artifact, variants)
    engine = Engine(artifact.model_path(variant), provider, batch_limit)
    model = Model(artifact.manifest, engine, golden.photographs[0], variant)
    if len(golden.probabilities) == 0 or golden.probabilities.shape[1] != len(model.manifest.labels):
        raise ArtifactError(
            f"{artifact.folder}: golden.npz has shape {golden.probabilities.shape}, the manifest names "
            f"{len(model.manifest.labels)} labels. Export the artifact again."
        )
    images = np.stack([model.prepare(photograph).rgb for photograph in golden.photographs])
    starts = [0, *range(1, len(images), batch_limit), len(images)]  # batch 1 first, then the shapes that lanes use
    answers = [model.infer(images[start:end]).probabilities for start, end in pairwise(starts)]
    if difference := compare(golden, np.concatenate(answers), artifact.tolerance(variant)):
        raise ArtifactError(
            f"{artifact.folder}: {difference}. This machine or runtime does not answer as exported; do not serve it."
        )
    return model


def log_terms(models: Models) -> None:
    """Say at start what the weights may be used for, once for each wording."""
    by_terms: dict[str, list[str]] = {}
    for model in models.all():
        by_terms.setdefault(model.manifest.terms, []).append(model.manifest.name)
    for terms, names in by_terms.items():
        log.info("terms of %s: %s", ", ".join(names), terms)


def ticket_of(request_id: str) -> float:
    """A number in [0, 1) that is the same for the same request id, here and in another replica."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _number(model: Model) -> int:
    return int(model.manifest.version)
