"""Reads the training pack: aligned faces and the teacher's embeddings of them.

Invariant: the order of faces depends only on the files' names and bytes, so that a seed and the pack's hash name every
choice that is made from them. Nothing is unpickled.

A shard (`<set>-NNN.npz`) holds `data` (WebP files end to end, uint8), `offset` (int64 [n+1]), `teacher` (int8 [n,192])
times `teacher_scale` (float32), `identity` (int32 [n], -1 unknown) and `attributes` (int16 [n,3], -1 unknown).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 112
DIMENSION = 192

# How often a face of a set is drawn, relative to its share. CelebA's crops were upscaled and are soft, the portraits of
# celeb1000 and TMDB are sharp and scarce; SCUT's are studio pictures, all alike.
SET_WEIGHTS = {"celeba": 0.8, "utk": 1.0, "aaf": 1.0, "celeb1000": 1.4, "tmdb": 1.4, "scut": 0.8}

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Faces:
    """Faces of the pack, one row each.

    `images` uint8 [n,112,112,3] RGB, `targets` float32 [n,192] of length 1, `identity` int32 [n], `attributes` int16
    [n,3] (age, gender, group), `source` int16 [n] an index into `sources`, `hash` of the shards that were read.
    """

    images: Bytes
    targets: NDArray[np.float32]
    identity: NDArray[np.int32]
    attributes: NDArray[np.int16]
    source: NDArray[np.int16]
    sources: tuple[str, ...]
    hash: str

    def __len__(self) -> int:
        """How many faces there are."""
        return len(self.images)

    def draw_weights(self) -> NDArray[np.float64]:
        """How often each face is drawn: float64 [n], by its set."""
        by_source = np.array([SET_WEIGHTS.get(name, 1.0) for name in self.sources])
        weights: NDArray[np.float64] = by_source[self.source]
        return weights


@dataclass(frozen=True)
class AlignedPairs:
    """Aligned faces uint8 [n,112,112,3], rows of the two sides [p], same person or not [p], fold [p]."""

    images: Bytes
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]


def shards(folder: Path) -> list[Path]:
    """The pack's shards in their order. Raises FileNotFoundError where there are none."""
    found = sorted(path for path in folder.glob("*-[0-9][0-9][0-9].npz"))
    if not found:
        raise FileNotFoundError(f"no shards (NAME-000.npz) in {folder}")
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack_hash(paths: Sequence[Path]) -> str:
    """SHA-256 over the shards' names and bytes: the name of the data that made an artefact."""
    total = hashlib.sha256()
    for path in paths:
        total.update(f"{path.name} {file_hash(path)}\n".encode())
    return total.hexdigest()


def decode(files: Sequence[bytes]) -> Bytes:
    """Pictures (WebP or PNG, 112x112) to uint8 [n,112,112,3], RGB."""
    images = np.empty((len(files), SIDE_PX, SIDE_PX, 3), np.uint8)
    for row, file in zip(images, files, strict=True):
        with Image.open(io.BytesIO(file)) as picture:
            row[:] = np.asarray(picture.convert("RGB"))
    return images


def _chunks(data: Bytes, offset: NDArray[np.int64], size: int = 256) -> Iterator[list[bytes]]:
    for start in range(0, len(offset) - 1, size):
        ends = offset[start : start + size + 1]
        yield [data[a:b].tobytes() for a, b in pairwise(ends)]


def decoded(data: Bytes, offset: NDArray[np.int64], pool: ProcessPoolExecutor | None = None) -> Iterator[Bytes]:
    """The pictures of a shard in pieces, uint8 [n,112,112,3]; from the pool's processes where one is given."""
    chunks = _chunks(data, offset)
    return pool.map(decode, chunks) if pool else map(decode, chunks)


def decode_all(data: Bytes, offset: NDArray[np.int64], pool: ProcessPoolExecutor | None = None) -> Bytes:
    """Every picture of a shard, uint8 [n,112,112,3]."""
    parts = list(decoded(data, offset, pool))
    return np.concatenate(parts) if parts else np.empty((0, SIDE_PX, SIDE_PX, 3), np.uint8)


def _counts(paths: Sequence[Path], most: int) -> Iterator[int]:
    """How many faces each shard has, `most` at most where it is not 0."""
    for path in paths:
        with np.load(path, allow_pickle=False) as shard:
            count = len(shard["offset"]) - 1
        yield min(count, most) if most else count


def read_pack(folder: Path, limit: int = 0, processes: int | None = None) -> Faces:
    """Reads the pack shard by shard.

    `limit` > 0 takes that many faces spread evenly over every shard, for trials. Memory: 37 KB a face, in
    one piece from the beginning, so that several processes with a pack each fit into a machine.
    """
    paths = shards(folder)
    targets, identity, attributes, source = [], [], [], []
    sources = tuple(dict.fromkeys(path.name.rsplit("-", 1)[0] for path in paths))
    per_shard = -(-limit // len(paths)) if limit else 0
    images, filled = np.empty((sum(_counts(paths, per_shard)), SIDE_PX, SIDE_PX, 3), np.uint8), 0
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        for path in paths:
            with np.load(path, allow_pickle=False) as shard:
                take = slice(0, per_shard or None)
                offset = shard["offset"][: per_shard + 1] if per_shard else shard["offset"]
                for part in decoded(shard["data"], offset, pool):
                    images[filled : filled + len(part)] = part
                    filled += len(part)
                vectors = shard["teacher"][take].astype(np.float32) * np.float32(shard["teacher_scale"])
                targets.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
                identity.append(shard["identity"][take])
                attributes.append(shard["attributes"][take])
                source.append(np.full(len(vectors), sources.index(path.name.rsplit("-", 1)[0]), np.int16))
    return Faces(
        images=images,
        targets=np.concatenate(targets),
        identity=np.concatenate(identity),
        attributes=np.concatenate(attributes),
        source=np.concatenate(source),
        sources=sources,
        hash=pack_hash(paths),
    )


def split(count: int, held_out: int, seed: int = 20261123) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and rows held out, both sorted: the same for the same count and seed."""
    order = np.random.default_rng(seed).permutation(count)
    held_out = min(held_out, count // 5)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def main() -> None:
    """Says what the pack holds."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0)
    options = parser.parse_args()
    faces = read_pack(options.pack, options.limit)
    for number, name in enumerate(faces.sources):
        rows = faces.source == number
        print(f"{name:10} {rows.sum():7} faces {len(np.unique(faces.identity[rows]))} identities")
    print(f"{len(faces)} faces, hash {faces.hash}")


if __name__ == "__main__":
    main()
