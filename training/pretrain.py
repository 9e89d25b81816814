"""The source network: plain cross-entropy, resumable to the same bytes from a kill at any step.

Order and augmentation are functions of (seed, epoch, step) alone, so a checkpoint is weights, momentum and
a step number. Same bytes means: same machine, same torch, same number of threads.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from training.backbone import Architecture, ResNet, normalise

CHECKPOINT = "checkpoint.safetensors"
CROP_PADDING = 6  # pixels of reflection around 64 before the random crop


@dataclass(frozen=True)
class Schedule:
    """All settings of a pretraining. One-cycle: linear warm-up to `peak_rate`, then a cosine to zero."""

    architecture: Architecture = Architecture()
    epochs: int = 8
    batch: int = 128
    peak_rate: float = 0.3
    warmup_share: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4  # on convolutions and the head's matrix only
    size: int = 64
    seed: int = 0
    bf16: bool = True

    def digest(self) -> str:
        """Identity of the settings: a checkpoint of other settings is refused."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class SourceNetwork(nn.Module):
    """Backbone, pooling and a linear head over the source's classes; torchvision's names when saved."""

    def __init__(self, architecture: Architecture, classes: int) -> None:
        super().__init__()
        self.backbone = ResNet(architecture)
        self.fc = nn.Linear(architecture.features, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: uint8 (N, S, S, 3). Returns logits (N, classes)."""
        x = normalise(pixels, ResNet.mean, ResNet.std).contiguous(memory_format=torch.channels_last)
        return self.fc(self.backbone(x).mean((2, 3)))  # type: ignore[no-any-return] # stubs say Any


def rate_between(peak: float, step: int, steps: int, warmup_share: float) -> float:
    """Learning rate of one step: linear warm-up to `peak`, then a cosine to zero."""
    warm = max(1, round(warmup_share * steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + float(np.cos(np.pi * (step - warm) / max(1, steps - warm))))


def augmented_batch(pixels: NDArray[np.uint8], rows: NDArray[np.int64], key: tuple[int, ...]) -> NDArray[np.uint8]:
    """Random crop after reflection padding, and a flip. A function of `key` alone. uint8 (B, S, S, 3)."""
    random = np.random.default_rng(key)
    pad, size = CROP_PADDING, pixels.shape[1]
    padded = np.pad(pixels[rows], ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="reflect")
    tops, lefts = random.integers(0, 2 * pad + 1, (2, len(rows)))
    flips = random.random(len(rows)) < 0.5
    out = np.empty((len(rows), size, size, 3), np.uint8)
    for i, (top, left, flip) in enumerate(zip(tops, lefts, flips, strict=True)):
        crop = padded[i, top : top + size, left : left + size]
        out[i] = crop[:, ::-1] if flip else crop
    return out


class Pretraining:
    """One run: `advance` makes the next step; `save` and `resume` move it through a file."""

    def __init__(self, schedule: Schedule, pixels: NDArray[np.uint8], targets: NDArray[np.int64], classes: int) -> None:
        self.schedule, self.pixels, self.targets = schedule, pixels, targets
        torch.manual_seed(schedule.seed)
        self.network = SourceNetwork(schedule.architecture, classes).to(memory_format=torch.channels_last)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": schedule.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.SGD(groups, lr=0.0, momentum=schedule.momentum, nesterov=True)
        self.step = 0
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch; the rest of the permutation is left out that time."""
        return len(self.targets) // self.schedule.batch

    @property
    def steps(self) -> int:
        """Steps of the whole schedule."""
        return self.schedule.epochs * self.steps_per_epoch

    def advance(self) -> float:
        """One optimizer step; returns its training loss."""
        epoch, index = divmod(self.step, self.steps_per_epoch)
        rows = self._epoch_order(epoch)[index * self.schedule.batch : (index + 1) * self.schedule.batch]
        batch = torch.from_numpy(augmented_batch(self.pixels, rows, (self.schedule.seed, epoch, index)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate_between(self.schedule.peak_rate, self.step, self.steps, self.schedule.warmup_share)
        self.network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.schedule.bf16):
            logits = self.network(batch)
        loss = nn.functional.cross_entropy(logits.float(), torch.from_numpy(self.targets[rows]))
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"Loss is {loss.item()} at step {self.step}; lower peak_rate (now {self.schedule.peak_rate})."
            )
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # not annotated there
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def save(self, path: Path) -> None:
        """Write weights, momentum and the step, atomically."""
        tensors = {f"network.{k}": v.contiguous() for k, v in self.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            momentum = self.optimizer.state.get(parameter, {}).get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum.{name}"] = momentum.contiguous()
        partial = path.with_suffix(".partial")
        save_file(tensors, partial, {"step": str(self.step), "schedule": self.schedule.digest()})
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Continue from a checkpoint of the same schedule."""
        with safe_open(path, "pt") as file:  # type: ignore[no-untyped-call] # not annotated there
            metadata = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        if metadata["schedule"] != self.schedule.digest():
            raise ValueError(
                f"{path}: belongs to other settings. Give another folder, or the settings it was started with."
            )
        prefix = "network."
        self.network.load_state_dict({k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)})
        for name, parameter in self.network.named_parameters():
            momentum = tensors.get(f"momentum.{name}")
            if momentum is not None:
                layout = torch.channels_last if momentum.ndim == 4 else torch.contiguous_format
                self.optimizer.state[parameter] = {"momentum_buffer": momentum.to(memory_format=layout)}
        self.step = int(metadata["step"])

    def _epoch_order(self, epoch: int) -> NDArray[np.int64]:
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng((self.schedule.seed, epoch)).permutation(len(self.targets)))
        return self._order[1]


@torch.inference_mode()
def top1(network: nn.Module, pixels: NDArray[np.uint8], targets: NDArray[np.int64], batch: int = 256) -> float:
    """Share of photographs whose highest logit is their class; float32, no augmentation."""
    network.eval()
    hits = 0
    for start in range(0, len(targets), batch):
        logits = network(torch.from_numpy(np.array(pixels[start : start + batch])))
        hits += int((logits.argmax(1).numpy() == targets[start : start + batch]).sum())
    return hits / len(targets)


def run_epochs(
    run: Pretraining, holdout: tuple[NDArray[np.uint8], NDArray[np.int64]], folder: Path, save_every: int = 100
) -> Iterator[dict[str, float]]:
    """Train to the end of the schedule from wherever `folder` stands. Yields a record every `save_every` steps
    and at each epoch's end; the last kind is also appended to history.jsonl.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists():
        run.resume(checkpoint)
    began, first, losses = time.monotonic(), run.step, []
    while run.step < run.steps:
        losses.append(run.advance())
        ends_epoch = run.step % run.steps_per_epoch == 0
        if not ends_epoch and run.step % save_every:
            continue
        seconds = (time.monotonic() - began) / (run.step - first)
        record = {
            "step": run.step,
            "epoch": run.step / run.steps_per_epoch,
            "loss": float(np.mean(losses[-run.steps_per_epoch :])),
            "seconds_per_step": seconds,
            "hours_left": seconds * (run.steps - run.step) / 3600,
        }
        if ends_epoch:
            record["holdout_top1"] = top1(run.network, *holdout)
        run.save(checkpoint)
        if ends_epoch:
            with (folder / "history.jsonl").open("a") as file:
                file.write(json.dumps(record) + "\n")
        yield record
