"""A teacher's embeddings of every face of the pack and of its mirror image, computed once.

Invariant: row i belongs to face i of `data.read_pack`; a row of NaN is not computed yet. Rows are written in a random
order that the seed fixes, so that the part that is done at any moment is a fair sample. A killed run goes on.

    python -m roomkin_training.targets --pack DIR --teacher sface --file SFACE.onnx --out CACHE/sface.npy
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .data import Faces, read_pack
from .metrics import normalised
from .teachers import TEACHERS, SFace

Halves = npt.NDArray[np.float16]


def open_table(path: Path, count: int, numbers: int, views: int = 2) -> Halves:
    """The table float16 [count, views, numbers] on disk, made where missing. Raises ValueError for another shape."""
    if path.exists():
        table: Halves = np.load(path, mmap_mode="r+")
        if table.shape != (count, views, numbers):
            raise ValueError(f"{path} has the shape {table.shape}, {(count, views, numbers)} is needed: delete it")
        return table
    path.parent.mkdir(parents=True, exist_ok=True)
    made: Halves = np.lib.format.open_memmap(path, "w+", np.float16, (count, views, numbers))
    made[:] = np.nan
    return made


def fill(table: Halves, faces: Faces, teacher: SFace, batch: int = 16, seed: int = 1, most: int | None = None) -> int:
    """Computes the rows that are missing, `most` at most. Returns how many are done in all."""
    order = np.random.default_rng(seed).permutation(len(faces))
    missing = order[np.isnan(table[order, 0, 0])][:most]
    started = said = time.monotonic()
    for start in range(0, len(missing), batch):
        rows = missing[start : start + batch]
        images = faces.images[rows]
        # The second view first: the first number of the first view says that the row is whole.
        table[rows, 1] = teacher(images[:, :, ::-1])
        table[rows, 0] = teacher(images)
        now = time.monotonic()
        if now - said > 60:
            done, rate = start + len(rows), (start + len(rows)) / (now - started)
            left = (len(missing) - done) / rate / 60
            print(
                f"{done} of {len(missing)} faces, {rate:.1f} a second, {left:.0f} min left", file=sys.stderr, flush=True
            )
            said = now
    return int(np.isfinite(table[:, 0, 0]).sum())


def read_targets(path: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Normalised means of both views float32 [n, numbers], and which rows are computed (the others are zero)."""
    table: Halves = np.load(path, mmap_mode="r")
    done = np.isfinite(np.asarray(table[:, 0, 0]))
    targets = np.zeros((len(table), table.shape[2]), np.float32)
    views = np.asarray(table[done], np.float32)
    targets[done] = normalised(normalised(views[:, 0]) + normalised(views[:, 1]))
    return targets, done


def main(arguments: Sequence[str] | None = None) -> None:
    """Fills the table and says how far it came."""
    parser = argparse.ArgumentParser(description="Embed the pack with a teacher.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--teacher", choices=["sface"], default="sface")
    parser.add_argument("--file", type=Path, required=True, help="the teacher's .onnx")
    parser.add_argument("--out", type=Path, required=True, help=".npy, float16 [faces, 2, numbers]")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--most", type=int, help="faces to compute in this run")
    options = parser.parse_args(arguments)
    faces = read_pack(options.pack)
    table = open_table(options.out, len(faces), TEACHERS[options.teacher].numbers)
    done = fill(table, faces, SFace(options.file, options.threads), most=options.most)
    print(f"{done} of {len(faces)} faces are done: {options.out}")


if __name__ == "__main__":
    main()
