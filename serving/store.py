"""The loaded models of a store: verified, replayed against their goldens, found by name, version or alias."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.aliases import STABLE, Alias, read_aliases
from contract.artifact import Artifact, list_versions, read_artifact
from contract.errors import ArtifactError
from contract.golden import compare
from contract.manifest import Manifest
from contract.pixels import MAX_PIXELS, Photograph, Resize, to_input
from serving.engine import Engine, Inference
from serving.errors import Refusal

log = logging.getLogger("thaw.store")


@dataclass(frozen=True, eq=False)
class Model:
    """One version of one model on its provider. Compared by identity: jobs of one batch share the object."""

    manifest: Manifest
    engine: Engine
    golden: bytes  # one stored photograph, for the self-test of a new lane

    @property
    def key(self) -> tuple[str, str]:
        """(name, version), as in answers and metrics."""
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


class Models:
    """What this process answers with. Immutable: another set of models is another object."""

    def __init__(self, models: Iterable[Model], aliases: dict[str, Alias]) -> None:
        self._by_key = {model.key: model for model in models}
        self.aliases = aliases
        self.default_versions: dict[str, Model] = {}
        for (name, version), model in sorted(self._by_key.items(), key=lambda item: int(item[0][1])):
            stable = aliases.get(STABLE)
            if not (stable and stable.model == name and stable.version != version and name in self.default_versions):
                self.default_versions[name] = model
        if stable := aliases.get(STABLE):
            self.default_versions[stable.model] = self._by_key[stable.model, stable.version]
        self.default_versions = dict(sorted(self.default_versions.items()))

    def all(self) -> list[Model]:
        """Every loaded version."""
        return [model for _, model in sorted(self._by_key.items())]

    def one_each(self) -> tuple[Model, ...]:
        """The default version of every name, by name."""
        return tuple(self.default_versions.values())

    def find(self, name: str | None, version: str | None = None, *, request_id: str = "") -> Model:
        """No name means `stable`, or the alias that this request's share of the traffic goes to.

        Raises Refusal: unknown-model, unknown-version, or bad-parameter when there is nothing to choose by.
        """
        if name is None or (name == STABLE and name not in self.default_versions):
            return self._stable(request_id)
        if name not in self.default_versions and name in self.aliases:
            name, version = self.aliases[name].model, self.aliases[name].version
        if name not in self.default_versions:
            known = ", ".join([*self.default_versions, *(f"{alias} (alias)" for alias in self.aliases)])
            raise Refusal("unknown-model", f"No model {name!r} here. Loaded: {known}. Name one of these.")
        if version is None:
            return self.default_versions[name]
        model = self._by_key.get((name, version))
        if model is None:
            loaded = ", ".join(v for n, v in sorted(self._by_key) if n == name)
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
        sharing = [alias for _, alias in sorted(self.aliases.items()) if alias.share]
        ticket, passed = _ticket(request_id) if sharing else 1.0, 0.0
        for alias in sharing:
            passed += alias.share or 0.0
            if ticket < passed:
                return self._by_key[alias.model, alias.version]
        stable = self.aliases[STABLE]
        return self._by_key[stable.model, stable.version]


def load_models(store: Path, provider: str, batch_limit: int) -> Models:
    """Every name's newest version and what the aliases point to. Raises ArtifactError for the first that is broken."""
    versions, aliases = list_versions(store), read_aliases(store)
    if not versions:
        raise ArtifactError(
            f"{store}: holds no model. Expected <name>/<version>/manifest.json; train one or give another store."
        )
    wanted = {(name, str(numbers[-1])) for name, numbers in versions.items()}
    for alias, target in aliases.items():
        if int(target.version) not in versions.get(target.model, []):
            raise ArtifactError(
                f"{store}: alias {alias} means {target.model}/{target.version}, which is not there. Correct it."
            )
        wanted.add((target.model, target.version))
    return Models(
        [load_model(read_artifact(store / name / version), provider, batch_limit) for name, version in sorted(wanted)],
        aliases,
    )


def load_model(artifact: Artifact, provider: str, batch_limit: int) -> Model:
    """Load the graph and replay the goldens through the very path that answers. Raises ArtifactError."""
    golden = artifact.golden()
    model = Model(artifact.manifest, Engine(artifact.model_path(), provider), golden.photographs[0])
    if len(golden.probabilities) == 0 or golden.probabilities.shape[1] != len(model.manifest.labels):
        raise ArtifactError(
            f"{artifact.folder}: golden.npz has shape {golden.probabilities.shape}, the manifest names "
            f"{len(model.manifest.labels)} labels. Export the artifact again."
        )
    images = np.stack([model.prepare(photograph).rgb for photograph in golden.photographs])
    starts = [0, *range(1, len(images), batch_limit), len(images)]  # batch 1 first, then the shapes that lanes use
    answers = [model.infer(images[start:end]).probabilities for start, end in pairwise(starts)]
    if difference := compare(golden, np.concatenate(answers)):
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


def _ticket(request_id: str) -> float:
    """A number in [0, 1) that is the same for the same request id, here and in another replica."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
