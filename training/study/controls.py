"""What else could rank buses: other heads on the same frozen features, and cues that need no network at all."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from training.backbone import STAGES
from training.fit import log_odds
from training.head import fit_head
from training.metrics import average_precision
from training.network import AdaptedNetwork
from training.recipes import Recipe
from training.study.draws import Draw
from training.study.material import Material, fresh_source
from training.study.plan import Run
from training.study.trial import examples, plain_features, untrained
from training.views import Pixels

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ranker = Callable[[NDArray[np.float32]], Floats]  # features (N, F) -> scores (N,)


@dataclass(frozen=True)
class Cues:
    """Features (N, F) of what is fitted and what chooses; the labels that may be true (N, K); a bus or not."""

    fit: NDArray[np.float32]
    allowed: Tensor
    val: NDArray[np.float32]
    val_bus: Bools

    @property
    def fit_bus(self) -> Bools:
        """Surely a bus, (N,)."""
        return _surely_bus(self.allowed)


def control(run: Run, draw: Draw, material: Material) -> tuple[Callable[[str, tuple[int, ...]], Floats], float]:
    """How the run scores photographs (pool, places) -> (N,), and its average precision on validation."""
    features = _features_of(run, material)
    allowed, val_bus = material.allowed(run.target, draw.fit), _is_bus(material, run.target, draw.val)
    if run.option("head") and run.option("head") != "zero-shot":
        fit, allowed = _view_features(run, draw, material), allowed.repeat(material.views, 1)
    else:
        fit = features(run.target, draw.fit)
    cues = Cues(fit, allowed, features(run.target, draw.val), val_bus)
    ranker, ap = _chosen(_RANKERS[run.option("head") or "linear"](cues, run.seed), cues)
    return (lambda pool, places: ranker(features(pool, places))), ap


def _chosen(rankers: list[Ranker], cues: Cues) -> tuple[Ranker, float]:
    aps = [average_precision(ranker(cues.val), cues.val_bus) for ranker in rankers]
    best = int(np.argmax(aps))
    return rankers[best], aps[best]


def _features_of(run: Run, material: Material) -> Callable[[str, tuple[int, ...]], NDArray[np.float32]]:
    if run.option("features") == "colour":
        return lambda pool, places: colours(material.plain(pool, places))
    if run.option("features") == "pixels":
        return lambda pool, places: thumbnails(material.plain(pool, places))
    if run.option("head") == "all-stages":
        return lambda pool, places: all_stages(run, material, material.plain(pool, places))
    if run.option("head") == "zero-shot":
        return lambda pool, places: old_logits(run, material, pool, places)
    return lambda pool, places: plain_features(run, material, pool, places).flatten(1).numpy()


def _is_bus(material: Material, pool: str, places: tuple[int, ...]) -> Bools:
    return _surely_bus(material.allowed(pool, places))


def _surely_bus(allowed: Tensor) -> Bools:
    return (allowed[:, 0] & (allowed.sum(1) == 1)).numpy()


def _view_features(run: Run, draw: Draw, material: Material) -> NDArray[np.float32]:
    """(views * N, F): the augmented views that the frozen recipe's own head learns from, so that heads alone differ."""
    if run.option("head") == "all-stages":
        return all_stages(run, material, material.augmented(run.target, draw.fit), is_bf16=True)
    fitted, _ = examples(untrained(run, draw, material), replace(run, options=""), draw, material)
    return fitted.maps.float().flatten(1).numpy()


def colours(pixels: Pixels) -> NDArray[np.float32]:
    """(N, S, S, 3) -> (N, 24 + 12): a histogram of eight bins a channel, and the mean of each quadrant."""
    half = pixels.shape[1] // 2
    bins = [(pixels // 32 == level).mean((1, 2)) for level in range(8)]
    quadrants = [pixels[:, y : y + half, x : x + half].mean((1, 2)) / 255 for y in (0, half) for x in (0, half)]
    return np.concatenate([*bins, *quadrants], 1).astype(np.float32)


def thumbnails(pixels: Pixels, side: int = 12) -> NDArray[np.float32]:
    """(N, S, S, 3) -> (N, 3 * side * side): the photograph at thumbnail size."""
    images = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 255
    return torch.nn.functional.adaptive_avg_pool2d(images, side).flatten(1).numpy()


@torch.inference_mode()
def all_stages(
    run: Run, material: Material, pixels: Pixels, is_bf16: bool = False, batch: int = 128
) -> NDArray[np.float32]:
    """Pooled output of every stage, side by side (Evci et al. 2022); views in bfloat16 as the recipe takes them."""
    backbone = fresh_source(run.source, material.size).backbone
    network = AdaptedNetwork(backbone, 2).eval()
    network.thaw(len(STAGES))  # the prefix is the normalisation alone
    found = []
    for start in range(0, len(pixels), batch):
        x, parts = network.prefix(torch.from_numpy(np.array(pixels[start : start + batch]))), []
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_bf16):
            for stage in range(len(STAGES)):
                x = backbone.run(x, stage, stage + 1)
                parts.append(x.float().mean((2, 3)))
        found.append(torch.cat(parts, 1))
    return torch.cat(found).numpy()


def old_logits(run: Run, material: Material, pool: str, places: tuple[int, ...]) -> NDArray[np.float32]:
    """What the source's own head says: (N, old classes)."""
    head = fresh_source(run.source, material.size).head
    if head is None:
        raise ValueError(f"{run.source}: has no head of its own.")
    features = plain_features(run, material, pool, places).flatten(1)
    return (features @ head[0].T + head[1]).numpy()


def _joint(cues: Cues, seed: int) -> list[Ranker]:
    """The frozen recipe's own logistic regression over all labels, at its own penalties."""
    features = torch.from_numpy(cues.fit)
    return [_log_odds(*fit_head(features, cues.allowed, penalty)) for penalty in Recipe("head", depth=0).penalties]


def _log_odds(weight: Tensor, bias: Tensor) -> Ranker:
    return lambda features: log_odds(torch.from_numpy(features) @ weight.T + bias).numpy()


def _linear(cues: Cues, seed: int) -> list[Ranker]:
    return [
        _decision(make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000)).fit(cues.fit, cues.fit_bus))
        for c in (1e-3, 1e-2, 1e-1)
    ]


def _decision(model: object) -> Ranker:
    return lambda features: np.asarray(model.decision_function(features), np.float64)  # type: ignore[attr-defined] # scikit-learn has no stubs


def _chance(model: object) -> Ranker:
    return lambda features: np.asarray(model.predict_proba(features)[:, 1], np.float64)  # type: ignore[attr-defined] # scikit-learn has no stubs


def _class_mean(cues: Cues, seed: int) -> list[Ranker]:
    """Centred, normalised, nearest mean (Wang et al. 2019)."""
    centre = cues.fit.mean(0)

    def unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
        moved = features - centre
        return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)  # type: ignore[no-any-return] # numpy's stub says Any

    means = [unit(cues.fit)[cues.fit_bus == is_bus].mean(0) for is_bus in (True, False)]
    return [lambda features: (unit(features) @ (means[0] - means[1])).astype(np.float64)]


def _neighbours(cues: Cues, seed: int) -> list[Ranker]:
    return [
        _chance(
            make_pipeline(
                StandardScaler(), KNeighborsClassifier(min(count, len(cues.fit)), metric="cosine", weights="distance")
            ).fit(cues.fit, cues.fit_bus)
        )
        for count in (10, 50, 200)
    ]


def _kernel(cues: Cues, seed: int) -> list[Ranker]:
    """A Gaussian kernel on 500 landmarks: what a curved boundary gains."""
    size = cues.fit.shape[1]
    return [
        _decision(
            make_pipeline(
                StandardScaler(),
                Nystroem(gamma=width / size, n_components=min(500, len(cues.fit)), random_state=seed),
                LogisticRegression(C=1.0, max_iter=1000),
            ).fit(cues.fit, cues.fit_bus)
        )
        for width in (0.1, 0.3, 1.0)
    ]


def _two_layers(cues: Cues, seed: int) -> list[Ranker]:
    """Twelve passes over the views are the setting, not a failure to converge."""
    found, batch = [], min(256, len(cues.fit))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for alpha in (1e-4, 1e-2, 1.0):
            layers = MLPClassifier((128,), alpha=alpha, max_iter=12, random_state=seed, batch_size=batch)
            found.append(_chance(make_pipeline(StandardScaler(), layers).fit(cues.fit, cues.fit_bus)))
    return found


def _old_class(cues: Cues, seed: int) -> list[Ranker]:
    """Each old class alone; validation says which one means bus best."""
    return [lambda features, i=i: features[:, i].astype(np.float64) for i in range(cues.fit.shape[1])]  # type: ignore[misc] # i is bound early


_RANKERS: dict[str, Callable[[Cues, int], list[Ranker]]] = {
    "linear": _linear,
    "all-stages": _joint,
    "ncm": _class_mean,
    "knn": _neighbours,
    "rbf": _kernel,
    "mlp": _two_layers,
    "zero-shot": _old_class,
}
