"""A teacher of MobileFaceNet's shape with four channels and random weights, in the format of `save_program`."""

from pathlib import Path

import numpy as np

from roomkin_training.teacher import Step, save_program

CHANNELS = 4


def write_teacher(path: Path) -> None:
    """Halves 112 px four times, with a residual sum at 28, 14 and 7 px, and ends in 192 numbers."""
    rng, steps, weights = np.random.default_rng(5), [], {}

    def add(kind: str, inputs: tuple[int, ...], shape: tuple[int, ...] = (), stride: int = 1, same: bool = True) -> int:
        number = len(steps)
        if shape:
            weights[f"{number}.w"] = (rng.normal(size=shape) / np.prod(shape[1:]) ** 0.5).astype(np.float32)
            weights[f"{number}.b"] = rng.normal(size=shape[0]).astype(np.float32) * 0.1
        steps.append(Step(kind, inputs, number + 1, stride, same))
        return number + 1

    at = add("conv", (0,), (CHANNELS, 3, 3, 3), 2)
    for _ in range(3):
        at = add("depthwise", (at,), (CHANNELS, 1, 3, 3), 2)
        for _ in range(2):
            at = add("add", (add("conv", (at,), (CHANNELS, CHANNELS, 1, 1)), at))
    at = add("depthwise", (at,), (CHANNELS, 1, 7, 7), same=False)
    add("conv", (at,), (192, CHANNELS, 1, 1))
    save_program(path, steps, weights)
