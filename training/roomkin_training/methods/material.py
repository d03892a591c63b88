"""What every method is trained on and measured on: a part of the training pack, and the development protocols.

Invariant: the same pack and sizes give the same faces. Every picture is reduced to `SIDE_PX` before any network sees
it, so that no method has more pixels than another. Nothing is written but into the cache folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..alignment import align_files
from ..data import DIMENSION, decode, pack_hash, shards
from ..degrade import degrade_all
from ..evaluate import Protocol, read_crops
from ..metrics import normalised
from ..pairs import read_pairs

SIDE_PX = 64
DEGRADE_SEED = 20261129

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


def reduced(faces: Bytes, side_px: int = SIDE_PX) -> Bytes:
    """Aligned faces uint8 [n,112,112,3] as [n,side,side,3], each pixel the mean of the area that it covers."""
    small = [Image.fromarray(face).resize((side_px, side_px), Image.Resampling.BOX) for face in faces]
    return np.stack([np.asarray(face) for face in small]) if small else np.empty((0, side_px, side_px, 3), np.uint8)


class PackReader:
    """The pack without its pictures; `images` reads those that are asked for, so memory grows with the request only.

    The shards are compressed, so their WebP files are written end to end into one file of the cache first, shard by
    shard: then any face is one read away. Use it as a context manager.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.paths = shards(folder)
        self.hash = pack_hash(self.paths)
        identity, offsets, end = [], [np.zeros(1, np.int64)], 0
        for path in self.paths:
            with np.load(path, allow_pickle=False) as file:
                identity.append(file["identity"])
                offsets.append(file["offset"][1:] + end)
                end = int(offsets[-1][-1])
        self.identity: npt.NDArray[np.int32] = np.concatenate(identity)
        self._first = np.cumsum([0, *map(len, identity)])
        self._offset = np.concatenate(offsets)
        flat = cache / f"pictures-{self.hash[:12]}.bin"
        if not flat.exists():
            self._flatten(flat)
        self._file = os.open(flat, os.O_RDONLY)

    def _flatten(self, flat: Path) -> None:
        beside = flat.with_suffix(".new")
        with beside.open("wb") as out:
            for path in self.paths:
                with np.load(path, allow_pickle=False) as file:
                    out.write(file["data"][: int(file["offset"][-1])].tobytes())
        os.replace(beside, flat)

    def __len__(self) -> int:
        """How many faces there are."""
        return len(self.identity)

    def __enter__(self) -> PackReader:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def _encoded(self, row: int) -> bytes:
        begin, end = int(self._offset[row]), int(self._offset[row + 1])
        return os.pread(self._file, end - begin, begin)

    def images(self, rows: Sequence[int] | Rows) -> Bytes:
        """Faces uint8 [rows,112,112,3]."""
        return decode([self._encoded(int(row)) for row in rows])

    def targets(self, rows: Rows) -> Floats:
        """The teacher's embeddings float32 [rows,192] of length 1: of the face and its mirror image together."""
        found = np.zeros((len(rows), DIMENSION), np.float32)
        for number, path in enumerate(self.paths):
            mine = np.flatnonzero((rows >= self._first[number]) & (rows < self._first[number + 1]))
            with np.load(path, allow_pickle=False) as file:
                found[mine] = file["teacher"][rows[mine] - self._first[number]]
        return normalised(found)


@dataclass(frozen=True)
class Subset:
    """The faces that all methods are trained on.

    `rows` int64 [n] of the pack, `person` int64 [n] from 0 to `people` - 1, `images` uint8 [n,112,112,3], `targets`
    float32 [n,192], `hash` of the pack and the choice.
    """

    rows: Rows
    person: Rows
    images: Bytes
    targets: Floats
    hash: str

    @property
    def people(self) -> int:
        """How many people there are."""
        return int(self.person.max()) + 1


def chosen_rows(identity: npt.NDArray[np.int32], people: int, photos: int, seed: int) -> tuple[Rows, Rows]:
    """Rows and people (0 to `people` - 1) of `photos` photos of each of `people` people who have as many.

    Half of the people are the pack's celebrities with many sharp photos (identity from 20000), half the others.
    Raises ValueError where the pack has fewer.
    """
    known, counts = np.unique(identity[identity >= 0], return_counts=True)
    rng = np.random.default_rng(seed)
    enough = rng.permutation(known[counts >= photos])
    sharp = enough[enough >= 20000][: people // 2]
    picked = np.concatenate([sharp, enough[enough < 20000][: people - len(sharp)]])
    if len(picked) < people:
        raise ValueError(f"the pack has {len(picked)} people with {photos} photos, {people} are wanted")
    rows = [np.sort(rng.permutation(np.flatnonzero(identity == one))[:photos]) for one in picked]
    return np.concatenate(rows).astype(np.int64), np.repeat(np.arange(people), photos).astype(np.int64)


def read_subset(pack: Path, cache: Path, people: int, photos: int, seed: int) -> Subset:
    """Reads the subset; memory: 37 KB a face."""
    with PackReader(pack, cache) as reader:
        rows, person = chosen_rows(reader.identity, people, photos, seed)
        name = hashlib.sha256(f"{reader.hash} {people} {photos} {seed}".encode()).hexdigest()
        return Subset(rows, person, reader.images(rows), reader.targets(rows), name)


def open_table(
    path: Path, shape: tuple[int, ...], kind: type[np.float16] | type[np.float32]
) -> npt.NDArray[np.floating]:
    """A table on disk whose rows are NaN until they are computed; made where missing.

    Raises ValueError for a table of another shape.
    """
    if path.exists():
        kept: npt.NDArray[np.floating] = np.load(path, mmap_mode="r+")
        if kept.shape != shape:
            raise ValueError(f"{path} has the shape {kept.shape}, {shape} is needed: delete it")
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    made: npt.NDArray[np.floating] = np.lib.format.open_memmap(path, "w+", kind, shape)
    made[:] = np.nan
    return made


@dataclass(frozen=True)
class Portraits:
    """Aligned portraits of the household protocol: `faces` uint8 [n,112,112,3], `person` int64 [n], file `names`."""

    faces: Bytes
    person: Rows
    names: tuple[str, ...]


def _aligned(images: Path, names: Sequence[str], out: Path) -> None:
    crops, found = align_files(images, names)
    kept = np.flatnonzero(found)
    beside = out.with_suffix(".new.npz")
    np.savez(beside, faces=crops[kept], names=np.array(names)[kept], missed=np.int64((~found).sum()))
    os.replace(beside, out)


def read_portraits(evaluation: Path, cache: Path) -> Portraits:
    """The portraits of `people/NAME/*.jpg` in which the detector finds a face; aligned once, then from the cache."""
    file = cache / "people.npz"
    if not file.exists():
        root = evaluation / "people"
        names = sorted(str(path.relative_to(root)) for path in root.glob("*/*.jpg"))
        if not names:
            raise FileNotFoundError(f"{root} has no NAME/*.jpg")
        _aligned(root, names, file)
    with np.load(file, allow_pickle=False) as crops:
        found = tuple(str(name) for name in crops["names"])
        person = np.unique([name.rsplit("/", 1)[0] for name in found], return_inverse=True)[1]
        return Portraits(crops["faces"], person.astype(np.int64), found)


def read_lfw(evaluation: Path, cache: Path) -> Protocol:
    """The LFW development pairs as aligned faces; aligned once, then from the cache."""
    file = cache / "lfw-dev.npz"
    if not file.exists():
        folder = evaluation / "lfw-dev"
        pairs = read_pairs(folder / "pairs.txt")
        crops, found = align_files(folder / "images", pairs.names)
        beside = file.with_suffix(".new.npz")
        np.savez(
            beside, faces=crops, found=found, names=np.array(pairs.names), left=pairs.left, right=pairs.right,
            label=pairs.label, fold=pairs.fold, sha256=np.array(hashlib.sha256(crops.tobytes()).hexdigest()),
        )  # fmt: skip
        os.replace(beside, file)
    return read_crops(file)


@dataclass(frozen=True)
class Material:
    """Everything that is measured: good (`high`) and degraded (`low`) faces, all uint8 [n,112,112,3]."""

    lfw: Protocol
    portraits: Portraits
    lfw_low: Bytes
    portraits_low: Bytes

    def faces(self) -> Iterator[tuple[str, Bytes]]:
        """The four sets of faces with their names."""
        yield "lfw high", self.lfw.faces
        yield "lfw low", self.lfw_low
        yield "portraits high", self.portraits.faces
        yield "portraits low", self.portraits_low


def read_material(evaluation: Path, cache: Path) -> Material:
    """The protocols with their degraded copies."""
    lfw, portraits = read_lfw(evaluation, cache), read_portraits(evaluation, cache)
    return Material(
        lfw,
        portraits,
        _degraded(lfw.faces, DEGRADE_SEED, cache / "lfw-low.npy"),
        _degraded(portraits.faces, DEGRADE_SEED + 1, cache / "people-low.npy"),
    )


def _degraded(faces: Bytes, seed: int, file: Path) -> Bytes:
    if not file.exists():
        beside = file.with_suffix(".new.npy")
        np.save(beside, degrade_all(faces, seed))
        os.replace(beside, file)
    low: Bytes = np.load(file)
    return low


def room_crops(evaluation: Path, count: int, seed: int) -> Bytes:
    """`count` crops uint8 [count,112,112,3] of rooms without people: what a false face shows."""
    paths = sorted((evaluation / "rooms").glob("*.jpg"))
    if not paths:
        raise FileNotFoundError(f"{evaluation / 'rooms'} has no *.jpg")
    rng = np.random.default_rng(seed)
    crops = np.empty((count, 112, 112, 3), np.uint8)
    for row in crops:
        with Image.open(paths[int(rng.integers(len(paths)))]) as opened:
            picture = opened.convert("RGB")
        side = int(rng.integers(32, min(picture.size) // 2))
        x, y = (int(rng.integers(0, limit - side)) for limit in picture.size)
        row[:] = np.asarray(picture.crop((x, y, x + side, y + side)).resize((112, 112), Image.Resampling.BILINEAR))
    return crops
