"""Features of the frozen trunk for the pack's faces, computed once: what a new head is fitted on.

Invariant: row i belongs to face i of `data.read_pack`; view 0 is the face as it is, the others are what a bad camera
makes of it (`augment.degrade`); a row of NaN is not computed yet. Rows are computed in the order of `targets.py`, so
the faces that have targets come first. The chance of a row depends on the seed and the row alone, so a killed run goes
on and ends with the same table.

    python -m roomkin_training.features --pack DIR --start start.npz --out CACHE/features.npy
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from .augment import degrade
from .data import SIDE_PX, Faces, read_pack
from .dice import Dice
from .folded_student import FoldedStudent
from .folding import read_weights
from .student import normalised_input
from .targets import open_table

Halves = npt.NDArray[np.float16]
VIEWS = 2
BATCH = 16


@torch.no_grad()
def embed_views(student: FoldedStudent, faces: Faces, rows: npt.NDArray[np.int64], views: int, seed: int) -> Halves:
    """Features float16 [rows, views, f] of faces; the first view is clean."""
    pixels = torch.from_numpy(faces.images[rows]).permute(0, 3, 1, 2).float() / 255.0
    parts = []
    for view in range(views):
        seen = pixels
        if view > 0:
            generator = torch.Generator()
            generator.manual_seed(seed + int(rows[0]) * views + view)
            seen = degrade(pixels, Dice(generator, len(rows), SIDE_PX))
        x = normalised_input(seen * 255.0).contiguous(memory_format=torch.channels_last)
        parts.append(student.features(student.frozen(x)).numpy())
    return np.stack(parts, axis=1).astype(np.float16)


def fill(table: Halves, student: FoldedStudent, faces: Faces, most: int | None = None, seed: int = 1) -> int:
    """Computes whole batches that are missing, `most` faces at most. Returns how many faces are done in all."""
    order = np.random.default_rng(seed).permutation(len(faces))
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    missing = [rows for rows in batches if np.isnan(table[rows, 0, 0]).any()]
    missing = missing[: None if most is None else -(-most // BATCH)]
    started = said = time.monotonic()
    for count, rows in enumerate(missing, 1):
        values = embed_views(student, faces, rows, table.shape[1], seed)
        # The first view last: its first number tells that the row is whole.
        table[rows, 1:] = values[:, 1:]
        table[rows, 0] = values[:, 0]
        now = time.monotonic()
        if now - said > 60:
            rate = count * BATCH / (now - started)
            left = (len(missing) - count) * BATCH / rate / 60
            print(f"{count * BATCH} faces, {rate:.1f} a second, {left:.0f} min left", file=sys.stderr, flush=True)
            said = now
    return int(np.isfinite(table[:, 0, 0]).sum())


def main(arguments: Sequence[str] | None = None) -> None:
    """Fills the table and prints how many faces are done."""
    parser = argparse.ArgumentParser(description="Compute the frozen trunk's features of the pack.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="folded or training weights (.npz)")
    parser.add_argument("--out", type=Path, required=True, help=".npy, float16 [faces, views, 2048 width]")
    parser.add_argument("--views", type=int, default=VIEWS, help="the clean view and this many less one degraded")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--most", type=int, help="faces to compute in this run")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    faces = read_pack(options.pack)
    student = FoldedStudent(read_weights(options.start)).eval()
    numbers = student.units["head"].weight.shape[1]  # type: ignore[index]
    table = open_table(options.out, len(faces), int(numbers), options.views)
    print(f"{fill(table, student, faces, options.most)} of {len(faces)} faces are done: {options.out}")


if __name__ == "__main__":
    main()
