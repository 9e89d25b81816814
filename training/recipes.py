"""Every setting of an adaptation. A recipe is one frozen value; `frozen`, `partial`, `majority` differ in depth alone.

Command: `python -m training adapt --help`. Measured results of each: README.md, "Results".
"""

from dataclasses import dataclass, field

from training.augment import Augmentation


@dataclass(frozen=True)
class Recipe:
    """One way to adapt a source to the new class. Rates and penalties are tried in equal number at every depth."""

    name: str
    depth: int  # thawed stages, counted from the head
    size: int = 96  # side of the network's input, pixels
    views: int = 12  # augmented views of each photograph whose frozen part is cached
    penalties: tuple[float, ...] = (1e-4, 1e-3, 1e-2)  # of the head, on standardised features
    rates: tuple[float, ...] = (0.01, 0.03, 0.1)  # of SGD, peak
    steps: int = 500
    batch: int = 64
    momentum: float = 0.9
    weight_decay: float = 5e-4  # on matrices and kernels only
    clip: float = 1.0  # global norm of the gradient; without it the deepest recipe diverged at high rates
    warmup_share: float = 0.05
    averaged_share: float = 0.25  # the last share of the steps whose weights are averaged
    bf16: bool = True  # of the training steps: 1.6 to 2 times as fast for ResNets, slower for depthwise convolutions
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)


FROZEN = Recipe("frozen", depth=0)
PARTIAL = Recipe("partial", depth=1)
MAJORITY = Recipe("majority", depth=3)
RECIPES = {recipe.name: recipe for recipe in (FROZEN, PARTIAL, MAJORITY)}
