"""Rooms with portraits in them, as the daemon's detector gets them: for the ranges of its int8 tensors.

Invariant: the same folders and seed give the same pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]


def scenes(rooms: Path, people: Path, count: int, size: tuple[int, int], seed: int) -> Iterator[Bytes]:
    """`count` rooms [height, width, 3] of `size` (width, height), with up to three portraits of 40 to 400 px."""
    rng = np.random.default_rng(seed)
    room_files, portraits = sorted(rooms.glob("*.jpg")), sorted(people.glob("*/*.jpg"))
    if not room_files or not portraits:
        raise ValueError(f"{rooms} and {people} must hold pictures (*.jpg and */*.jpg)")
    for number in range(count):
        picture = Image.open(room_files[number % len(room_files)]).convert("RGB").resize(size)
        for file in rng.choice(np.array(portraits, dtype=object), min(3, len(portraits)), replace=False):
            portrait = Image.open(file).convert("RGB")
            side = round(40 * 10 ** rng.random())
            portrait = portrait.resize((side, round(side * portrait.height / portrait.width)))
            spare = (size[0] - portrait.width, size[1] - portrait.height)
            picture.paste(portrait, (int(rng.integers(max(spare[0], 1))), int(rng.integers(max(spare[1], 1)))))
        yield np.asarray(picture) if rng.random() < 0.7 else _dark(np.asarray(picture), rng)


def _dark(picture: Bytes, rng: np.random.Generator) -> Bytes:
    noisy = picture * (0.1 + 0.3 * rng.random()) + rng.normal(0, 4, picture.shape)
    dark: Bytes = np.clip(noisy, 0, 255).astype(np.uint8)
    return dark


def moved(picture: Bytes) -> Bytes:
    """The picture one pixel to the right and down, black where it was: see detector.py."""
    out = np.zeros_like(picture)
    out[1:, 1:] = picture[:-1, :-1]
    return out
