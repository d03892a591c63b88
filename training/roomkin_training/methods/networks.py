"""Networks that are trained from scratch: how faces get into them, and how batches are drawn.

Invariant: a network sees float [n,3,64,64] in the student's range, while it is trained through a simulated camera.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..augment import degrade
from ..data import SIDE_PX as FULL_PX
from ..dice import Dice
from ..metrics import normalised
from ..student import normalised_input
from .evaluation import Embed
from .material import SIDE_PX, Bytes, Floats, Rows, reduced
from .running import torch_chance


def clean_input(faces: Bytes) -> Tensor:
    """Faces uint8 [n,112,112,3] as a network sees them when it is measured."""
    return normalised_input(torch.from_numpy(reduced(faces)).permute(0, 3, 1, 2))


def unit_pixels(faces: Bytes) -> Tensor:
    """Faces uint8 [n,112,112,3] as float [n,3,112,112] in 0 to 1."""
    return torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 255.0


def small_input(pixels: Tensor) -> Tensor:
    """Pixels float [n,3,112,112] in 0 to 1, reduced to the size of the networks and in their range."""
    small = F.interpolate(pixels, size=(SIDE_PX, SIDE_PX), mode="bilinear", antialias=True, align_corners=False)
    return normalised_input(small * 255.0).contiguous(memory_format=torch.channels_last)


def camera_input(faces: Bytes, seed: int, step: int) -> Tensor:
    """Faces as a simulated camera sees them in a step of the training."""
    return small_input(degrade(unit_pixels(faces), Dice(torch_chance(seed, step), len(faces), FULL_PX)))


def embedder(network: nn.Module, unit: bool = True) -> Embed:
    """The network in evaluation mode as a function of faces uint8 [n,112,112,3]; rows of length 1 where `unit`."""

    @torch.no_grad()
    def embed(faces: Bytes) -> Floats:
        network.eval()
        found: Floats = network(clean_input(faces)).float().numpy()
        return normalised(found) if unit else found

    return embed


def draw_people(person: Rows, count: int, each: int, rng: np.random.Generator) -> Rows:
    """Rows of `count` faces: `each` different photos of `count` / `each` different people."""
    people = rng.permutation(int(person.max()) + 1)[: count // each]
    return np.concatenate([rng.permutation(np.flatnonzero(person == one))[:each] for one in people])


def draw_pairs(person: Rows, count: int, rng: np.random.Generator) -> tuple[Rows, Rows, Tensor]:
    """`count` pairs, half similar and half dissimilar: rows of both sides, and 1.0 for a pair of one person."""
    similar = draw_people(person, count // 2 * 2, 2, rng).reshape(-1, 2)
    rest = count - len(similar)
    left = rng.integers(0, len(person), rest)
    right = rng.integers(0, len(person), rest)
    while (person[left] == person[right]).any():
        again = person[left] == person[right]
        right[again] = rng.integers(0, len(person), int(again.sum()))
    label = torch.cat([torch.ones(len(similar)), torch.zeros(rest)])
    return np.concatenate([similar[:, 0], left]), np.concatenate([similar[:, 1], right]), label
