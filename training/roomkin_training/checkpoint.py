"""Keeps a training's state across interruptions, and exports the student's weights.

Invariant: a file is whole or it is the one before (written beside and renamed). A checkpoint of another data set or
width, or with a part more or less (the hint loss), is refused, never mixed in.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .data import DIMENSION
from .student import Student


def save(path: Path, state: dict[str, Any]) -> None:
    """Writes a checkpoint: tensors, numbers and strings only."""
    beside = path.with_suffix(".new")
    torch.save(state, beside)
    os.replace(beside, path)


def load(path: Path, data: str, width: float, hints: bool = False) -> dict[str, Any] | None:
    """The checkpoint, or None if there is none.

    Raises ValueError if it was made of other data, another width, or with `--features` where it is off now (or the
    reverse).
    """
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["data"] != data or state["width"] != width:
        raise ValueError(f"{path} was made of data {state['data'][:12]} at width {state['width']}: use another folder")
    if ("hints" in state) != hints:
        raise ValueError(f"{path} was made {'without' if hints else 'with'} --features: use another folder")
    return state


def export_weights(path: Path, student: nn.Module, data: str) -> None:
    """The weights as .npz: float16 for what is trained, float32 running statistics, and the hash of the data."""
    arrays: dict[str, Any] = {"data_hash": np.array(data)}
    for name, value in student.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        running = name.endswith(("running_mean", "running_var"))
        arrays[name] = value.detach().cpu().float().numpy().astype(np.float32 if running else np.float16)
    beside = path.with_suffix(".new.npz")
    np.savez(beside, **arrays)
    os.replace(beside, path)


def import_weights(path: Path) -> Student:
    """A student from an .npz of weights; the width follows from the shapes. Raises ValueError on missing weights."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "data_hash"}
    numbers = len(arrays["head.weight"]) if "head.weight" in arrays else DIMENSION
    student = Student(arrays["stem.c.weight"].shape[0] / 64, numbers)
    state: dict[str, Tensor] = {name: torch.from_numpy(value.astype(np.float32)) for name, value in arrays.items()}
    missing, unknown = student.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unknown:
        raise ValueError(f"{path}: missing {missing[:3]}, unknown {list(unknown)[:3]}")
    return student


class Average:
    """A running average of the student's weights and statistics (Polyak), which is what is measured and exported."""

    def __init__(self, student: Student, decay: float = 0.999) -> None:
        self.student = Student(student.width, student.numbers).to(next(student.parameters()).device)
        self.student.load_state_dict(student.state_dict())
        self.student.eval().requires_grad_(False)
        self.decay = decay
        self.pairs = [
            (mine, theirs)
            for mine, theirs in zip(self.student.state_dict().values(), student.state_dict().values(), strict=True)
            if mine.is_floating_point()
        ]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Moves towards the student; quickly in the first steps."""
        decay = min(self.decay, (step + 1) / (step + 10))
        mine, theirs = zip(*self.pairs, strict=True)
        torch._foreach_lerp_(list(mine), list(theirs), 1 - decay)
