"""Everything that a method needs, invented and tiny: pack, protocols already aligned, rooms and a random trunk."""

from pathlib import Path

import numpy as np
from PIL import Image
from tiny_pack import write_pack

from roomkin_training.folding import random_network, write_folded

PEOPLE, PHOTOS = 14, 10
TRAIN_PEOPLE, TRAIN_PHOTOS = 6, 4


def faces(people: int, photos: int, seed: int) -> np.ndarray:
    """Pictures uint8 [people * photos,112,112,3]: each person has a pattern, each photo a brightness and noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(people):
        pattern = np.kron(rng.uniform(40, 215, (7, 7, 3)), np.ones((16, 16, 1)))
        for _ in range(photos):
            rows.append(np.clip(pattern * rng.uniform(0.8, 1.2) + rng.normal(0, 6, pattern.shape), 0, 255))
    return np.array(rows).astype(np.uint8)


def write_workspace(folder: Path) -> list[str]:
    """Writes it and returns the options that name it."""
    pack, evaluation, cache = (folder / name for name in ("pack", "eval", "cache"))
    for path in (pack, evaluation / "rooms", cache):
        path.mkdir(parents=True)
    write_pack(pack, per_shard=24)
    rng = np.random.default_rng(3)
    Image.fromarray(rng.integers(0, 255, (120, 160, 3), np.uint8)).save(evaluation / "rooms" / "a.jpg")
    people = np.repeat(np.arange(PEOPLE), PHOTOS)
    names = np.array([f"p{person:02}/{row:03}.jpg" for row, person in enumerate(people)])
    np.savez(cache / "people.npz", faces=faces(PEOPLE, PHOTOS, 1), names=names)
    lfw = faces(10, 2, 2)
    left = np.concatenate([np.arange(0, 20, 2), np.arange(0, 20, 2)])
    right = np.concatenate([np.arange(1, 20, 2), (np.arange(0, 20, 2) + 2) % 20])
    np.savez(
        cache / "lfw-dev.npz", faces=lfw, found=np.ones(20, bool), left=left, right=right, fold=np.arange(20) % 10,
        names=np.array([f"q{row // 2}/{row}.jpg" for row in range(20)]), label=np.arange(20) < 10, sha256="tiny",
    )  # fmt: skip
    write_folded(folder / "start.npz", random_network(0.0625, seed=1))
    return [
        "--pack", str(pack), "--evaluation", str(evaluation), "--cache", str(cache), "--start",
        str(folder / "start.npz"), "--people", str(TRAIN_PEOPLE), "--photos", str(TRAIN_PHOTOS), "--steps", "3",
        "--batch", "8",
    ]  # fmt: skip
