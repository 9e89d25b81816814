"""Pretraining can be killed at any step and ends at the same bytes."""

import dataclasses
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from tests.unit.training.tiny import ARCHITECTURE, pixels
from training import source_job
from training.data.archives import DataError
from training.pretrain import CHECKPOINT, Pretraining, Schedule, augmented_batch, rate_between, run_epochs, top1

COUNT, CLASSES = 96, 4
SCHEDULE = Schedule(ARCHITECTURE, epochs=4, batch=16, peak_rate=0.1, size=32)
STEPS = 24
SAVE_EVERY = 2  # and 6 steps make an epoch

TRAINER = """
import sys
from pathlib import Path
import torch
from tests.unit.training.test_pretrain import new_run, finish
torch.set_num_threads(1)
run = new_run()
advance = run.advance
def told():
    print(run.step, flush=True)
    sys.stdin.read(1)  # one letter, one step
    return advance()
run.advance = told
finish(run, Path(sys.argv[1]))
"""


def photographs() -> tuple[np.ndarray, np.ndarray]:
    """uint8 (96, 32, 32, 3) and their classes: noise whose brightness is the class."""
    targets = np.arange(COUNT) % CLASSES
    return (pixels(COUNT, 5) // 3 + (targets * 50).astype(np.uint8)[:, None, None, None]).astype(np.uint8), targets


def new_run(schedule: Schedule = SCHEDULE) -> Pretraining:
    """Nothing done yet."""
    return Pretraining(schedule, *photographs(), CLASSES)


def finish(run: Pretraining, folder: Path) -> list[dict[str, float]]:
    """To the end of the schedule, from wherever the folder stands."""
    held = tuple(part[:16] for part in photographs())
    return list(run_epochs(run, held, folder, SAVE_EVERY))  # type: ignore[arg-type] # two parts


def content(path: Path) -> dict[str, bytes]:
    """Every tensor's bytes and every fact of a checkpoint. The file itself lists its facts in any order."""
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name).tobytes() for name in file.keys()} | file.metadata()  # noqa: SIM118 - not a mapping


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The checkpoint of a run that nobody killed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    finish(new_run(), folder)
    torch.set_num_threads(threads)
    return content(folder / CHECKPOINT)


@pytest.mark.timeout(60)  # starts a process that imports torch: seconds alone, more beside other work
@pytest.mark.parametrize("attempt", range(3))
def test_a_run_killed_at_a_random_step_ends_at_the_same_bytes(
    undisturbed: dict[str, bytes], tmp_path: Path, attempt: int
) -> None:
    """SIGKILL, wherever it strikes, then again from what lies in the folder: weights, momentum, statistics, step."""
    step = random.randrange(1, STEPS - 1)
    command = [sys.executable, "-c", TRAINER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as trainer:
        assert trainer.stdin is not None
        assert trainer.stdout is not None
        trainer.stdin.write("." * (step + 1))  # it is somewhere in this step, or saving, and never at the end
        trainer.stdin.flush()
        assert any(int(line) == step for line in trainer.stdout), f"attempt {attempt} never came to step {step}"
        trainer.kill()
    assert -9 == trainer.returncode
    resumed = new_run()
    if (tmp_path / CHECKPOINT).exists():
        resumed.resume(tmp_path / CHECKPOINT)
    assert step - SAVE_EVERY < resumed.step <= step + 1
    torch.set_num_threads(1)
    finish(new_run(), tmp_path)
    assert undisturbed == content(tmp_path / CHECKPOINT), f"attempt {attempt}, killed at step {step}"


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    """Asked again, it changes nothing."""
    records = finish(new_run(), tmp_path)
    before = content(tmp_path / CHECKPOINT)
    again = new_run()
    assert ([], STEPS) == (finish(again, tmp_path), again.step)
    assert before == content(tmp_path / CHECKPOINT)
    assert STEPS == records[-1]["step"]


def test_the_checkpoint_holds_momentum_for_every_parameter(tmp_path: Path) -> None:
    """Without it a resumed run would take another way."""
    run = new_run()
    finish(run, tmp_path)
    names = {name for name, _ in run.network.named_parameters()}
    assert names == {name.removeprefix("momentum.") for name in content(tmp_path / CHECKPOINT) if "momentum" in name}


@pytest.mark.parametrize("other", [{"seed": 1}, {"epochs": 5}, {"peak_rate": 0.2}, {"bf16": False}])
def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path, other: dict[str, object]) -> None:
    """Half of one schedule and half of another is a result of neither."""
    run = new_run()
    run.advance()
    run.save(tmp_path / CHECKPOINT)
    with pytest.raises(ValueError, match="belongs to other settings"):
        finish(new_run(dataclasses.replace(SCHEDULE, **other)), tmp_path)


def test_a_save_is_whole_or_the_old_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk while saving leaves the checkpoint before it."""
    run, path = new_run(), tmp_path / CHECKPOINT
    run.advance()
    run.save(path)
    before = content(path)

    def full(tensors: dict[str, torch.Tensor], target: Path, facts: dict[str, str]) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.pretrain.save_file", full)
    run.advance()
    with pytest.raises(OSError, match="No space left"):
        run.save(path)
    assert before == content(path)


def test_every_photograph_is_seen_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """In another order each time; a function of seed and epoch."""
    seen: list[np.ndarray] = []

    def noted(given: np.ndarray, rows: np.ndarray, key: tuple[int, ...]) -> np.ndarray:
        seen.append(rows)
        return augmented_batch(given, rows, key)

    monkeypatch.setattr("training.pretrain.augmented_batch", noted)
    run = new_run()
    for _ in range(2 * run.steps_per_epoch):
        run.advance()
    first, second = (np.concatenate(seen[i : i + 6]) for i in (0, 6))
    assert list(range(COUNT)) == sorted(first) == sorted(second)
    assert not np.array_equal(first, second)


def test_the_history_has_a_line_an_epoch(tmp_path: Path) -> None:
    """With the held-out top-1 beside the loss, and the time that is left."""
    finish(new_run(), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [1.0, 2.0, 3.0, 4.0] == [line["epoch"] for line in lines]
    assert 0 == lines[-1]["hours_left"]
    assert all({"loss", "holdout_top1", "seconds_per_step"} <= line.keys() for line in lines)


def test_it_learns() -> None:
    """Brightness is told apart well above chance after four epochs."""
    run = new_run(dataclasses.replace(SCHEDULE, bf16=False))
    for _ in range(run.steps):
        run.advance()
    assert 0.5 < top1(run.network, *photographs())


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    """With the step, the rate, and what to do."""
    run = new_run(dataclasses.replace(SCHEDULE, peak_rate=1e30))
    with pytest.raises(FloatingPointError, match=r"at step \d+; lower peak_rate \(now 1e\+30\)"):
        [run.advance() for _ in range(run.steps)]


@pytest.mark.parametrize("steps", [1, 10, 500])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 1.0])
def test_the_rate_rises_to_its_peak_and_falls_to_nothing(steps: int, share: float) -> None:
    """Never over the peak, never negative, up then down; warm-up is linear."""
    rates = [rate_between(0.3, step, steps, share) for step in range(steps)]
    warm = max(1, round(share * steps))
    assert 0.3 == pytest.approx(max(rates))
    assert all(0 < rate <= 0.3 + 1e-12 for rate in rates)
    assert np.allclose(0.3 * np.arange(1, warm + 1) / warm, rates[:warm])
    assert sorted(rates[warm:], reverse=True) == rates[warm:]
    if steps == 500 and share < 1:
        assert 1e-4 > rates[-1]


def test_a_view_is_a_function_of_its_key() -> None:
    """The same key, the same pixels; another key, others; the photographs stay untouched."""
    images, rows = pixels(8), np.array([3, 1, 3])
    before = images.copy()
    one, two, other = (augmented_batch(images, rows, key) for key in ((0, 1, 2), (0, 1, 2), (0, 1, 3)))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert np.array_equal(before, images)
    assert (np.dtype(np.uint8), (3, 32, 32, 3)) == (one.dtype, one.shape)


def test_a_view_is_a_shifted_part_of_its_photograph() -> None:
    """At most six pixels off, mirrored or not: its middle is found in the photograph."""
    image = pixels(1, 3)
    for key in range(6):
        middle = augmented_batch(image, np.array([0]), (key,))[0, 12:20, 12:20]
        found = [
            np.array_equal(middle, view[top : top + 8, left : left + 8])
            for view in (image[0], image[0, :, ::-1])
            for top in range(6, 19)
            for left in range(6, 19)
        ]
        assert 1 == sum(found)


def test_settings_have_an_identity() -> None:
    """Equal settings share it, any other field gives another."""
    assert Schedule().digest() == Schedule().digest()
    fields = {"epochs": 9, "batch": 64, "momentum": 0.8, "weight_decay": 0.0, "size": 32, "warmup_share": 0.1}
    assert 7 == len({Schedule().digest(), *(Schedule(**{name: value}).digest() for name, value in fields.items())})


def test_top1_is_the_share_that_is_right() -> None:
    """Batches do not matter, the last short one counts as any other."""

    class Brightest(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images[:, 0, 0].float()

    images = np.zeros((5, 4, 4, 3), np.uint8)
    images[np.arange(5), 0, 0, [0, 1, 2, 1, 0]] = 9
    assert 0.6 == pytest.approx(top1(Brightest(), images, np.array([0, 1, 2, 0, 1]), batch=2))


def test_the_kept_weights_of_an_unfinished_run_continue_it(tmp_path: Path) -> None:
    """Half the bytes, no momentum, the same step: a machine that lost its state goes on from there."""
    run = new_run()
    for _ in range(SAVE_EVERY):
        run.advance()
    (tmp_path / "run").mkdir()
    run.save(tmp_path / "run" / CHECKPOINT)
    kept = source_job.keep_unfinished(tmp_path / "run", tmp_path / "kept")
    other = new_run()
    other.resume(kept)
    assert SAVE_EVERY == other.step
    for name, tensor in run.network.state_dict().items():
        torch.testing.assert_close(tensor, other.network.state_dict()[name], rtol=1e-3, atol=1e-6)
    assert not other.optimizer.state
    with pytest.raises(DataError, match="no checkpoint"):
        source_job.keep_unfinished(tmp_path / "kept", tmp_path)
