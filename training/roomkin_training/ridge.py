r"""The cheap test of a new space: what does a new part of the head on today's trunk gain, without any training?

Features of the frozen student (2,048 numbers) of faces as they are and as a bad camera sees them, computed once by
`features.py`, and a ridge regression from them to SFace's targets (Hoerl and Kennard 1970), beside today's head for the
first teacher's part. The protocols are those of the learning curve, of photos in the wild and of children.

    python -m roomkin_training.ridge --pack DIR --start start.npz --features features.npy --sface sface.npy \
        --pairs lfw-dev.npz --out ridge.json
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from .children import ChildProtocol, child_figures, child_protocol, held_children
from .curve import SEED, read_pairs
from .data import AlignedPairs, Faces, read_pack, split
from .degrade import degrade_all
from .folded_student import FoldedStudent, FoldedUnit
from .folding import read_weights
from .metrics import fold_accuracy, normalised, tar_at_far
from .student import normalised_input
from .targets import read_targets
from .wild import held_identities, wild_figures, wild_protocol

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Halves = npt.NDArray[np.float16]
Doubles = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
LAMBDAS = (0.3, 1.0, 3.0, 10.0)
CHUNK = 4096


@torch.no_grad()
def features(student: FoldedStudent, images: Bytes, label: str, batch: int = 32) -> Floats:
    """Trunk features float32 [n, 2048] of aligned faces uint8 [n,112,112,3]; says how far it is once a minute."""
    parts, said = [], time.monotonic()
    for start in range(0, len(images), batch):
        pixels = torch.from_numpy(images[start : start + batch]).permute(0, 3, 1, 2)
        parts.append(student.features(student.frozen(normalised_input(pixels))).numpy())
        if time.monotonic() - said > 60:
            print(f"{label}: {start} of {len(images)} faces", file=sys.stderr, flush=True)
            said = time.monotonic()
    return np.concatenate(parts)


def ridge(x: Floats, y: Floats, penalty: float) -> tuple[Floats, Floats]:
    """Weights [f, d] and bias [d] of the penalised least squares from x [n, f] to y [n, d].

    `penalty` is per cent of the features' mean sum of squares. Raises LinAlgError for penalty 0 and n below f.
    """
    return Moments().add(x, y).solve(penalty)


class Moments:
    """The sums that a ridge regression needs; faces are added in chunks, so that memory does not grow with them."""

    def __init__(self) -> None:
        self.count = 0
        self.x: Doubles | float = 0.0
        self.y: Doubles | float = 0.0
        self.xx: Doubles | float = 0.0
        self.xy: Doubles | float = 0.0

    def add(self, x: Floats, y: Floats) -> Moments:
        """Adds faces with features [n, f] and targets [n, d]."""
        wide, wanted = x.astype(np.float64), y.astype(np.float64)
        self.count += len(x)
        self.x, self.y = self.x + wide.sum(axis=0), self.y + wanted.sum(axis=0)
        self.xx, self.xy = self.xx + wide.T @ wide, self.xy + wide.T @ wanted
        return self

    def solve(self, penalty: float) -> tuple[Floats, Floats]:
        """Weights and bias: see `ridge`."""
        mean_x, mean_y = np.asarray(self.x) / self.count, np.asarray(self.y) / self.count
        gram = np.asarray(self.xx) - self.count * np.outer(mean_x, mean_x)
        gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / len(gram) / 100
        weight = np.linalg.solve(gram, np.asarray(self.xy) - self.count * np.outer(mean_x, mean_y))
        return weight.astype(np.float32), (mean_y - mean_x @ weight).astype(np.float32)


def fit(table: Halves, rows: Rows, targets: Floats) -> Moments:
    """The moments of every view of `rows` [n] in the table of features; `targets` [n, d]."""
    moments = Moments()
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        views = np.asarray(table[chunk], np.float32)
        for view in range(views.shape[1]):
            moments.add(views[:, view], targets[start : start + CHUNK])
    return moments


def joined_head(mix: float, second: tuple[Floats, Floats], first: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Weight [f, sum of d] and bias of a head that gives both parts of a joined space; `mix` weighs `second`."""
    shares = (np.float32(mix**0.5), np.float32((1 - mix) ** 0.5))
    weight, bias = (
        np.concatenate([share * part[i] for share, part in zip(shares, (second, first), strict=True)], axis=-1)
        for i in (0, 1)
    )
    return weight, bias


def trained_rows(faces: Faces, *done: npt.NDArray[np.bool_]) -> Rows:
    """Faces for training that every table has: neither validation faces nor those of a protocol."""
    held = np.union1d(held_children(faces), held_identities(faces))
    ready = np.flatnonzero(np.logical_and.reduce(done))
    return np.setdiff1d(np.intersect1d(split(len(faces), 2000)[0], ready), held)


def pair_figures(pairs: AlignedPairs, high: Floats, low: Floats) -> dict[str, float]:
    """LFW figures from embeddings of length 1 of the pictures and of their degraded copies."""
    clean = (high[pairs.left] * high[pairs.right]).sum(axis=1)
    mixed = (low[pairs.left] * high[pairs.right]).sum(axis=1)
    return {
        "lfw": fold_accuracy(clean, pairs.same, pairs.fold)[0],
        "lfw_tar_far1": tar_at_far(clean, pairs.same, 0.01),
        "lfw_tar_far01": tar_at_far(clean, pairs.same, 0.001),
        "low_high_tar_far1": tar_at_far(mixed, pairs.same, 0.01),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one line a space and penalty, and today's head first."""
    parser = argparse.ArgumentParser(description="Try a new head on the frozen student.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="folded or training weights (.npz)")
    parser.add_argument(
        "--sface", type=Path, required=True, help="what `targets` wrote; the faces that are done are used"
    )
    parser.add_argument("--features", type=Path, required=True, help="what `features` wrote; done faces are used")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--faces", type=int, help="faces to fit on, at most")
    parser.add_argument("--mix", type=float, nargs="*", default=[0.1, 0.3, 0.5, 1.0], help="weights of SFace")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    faces = read_pack(options.pack)
    sface, done = read_targets(options.sface)
    student = FoldedStudent(read_weights(options.start)).eval()
    children = held_children(faces)
    table: Halves = np.load(options.features, mmap_mode="r")
    usable = trained_rows(faces, done, np.isfinite(np.asarray(table[:, 0, 0])))
    rows = np.random.default_rng(SEED).permutation(usable)[: options.faces]
    print(f"{done.sum()} faces have targets, {len(rows)} are used", file=sys.stderr, flush=True)
    pairs = read_pairs(options.pairs)
    high = features(student, pairs.images, "pairs")
    low = features(student, degrade_all(pairs.images, SEED + 1), "degraded pairs")
    protocol: ChildProtocol = child_protocol(faces, children)
    first, second = (features(student, view, "children") for view in (protocol.first, protocol.second))
    wild = wild_protocol(faces)
    wild_features = features(student, wild.images, "wild")
    head = cast(FoldedUnit, student.units["head"])
    old = (head.weight.detach().numpy()[:, :, 0, 0].T, head.bias.detach().numpy())
    results: dict[str, dict[str, float]] = {}

    def measure(name: str, weight: Floats, bias: Floats) -> None:
        def embed(values: Floats) -> Floats:
            return normalised(values @ weight + bias)

        figures = pair_figures(pairs, embed(high), embed(low)) | child_figures(protocol, embed(first), embed(second))
        figures |= wild_figures(wild, embed(wild_features))
        results[name] = {key: round(100 * value, 2) for key, value in figures.items()}
        print(name, json.dumps(results[name]), flush=True)

    measure("today's head", *old)
    # Today's head has learnt the first teacher's part from millions of pictures: only SFace's part is fitted.
    moments = fit(table, rows, sface[rows])
    for penalty in LAMBDAS:
        weight, bias = moments.solve(penalty)
        for mix in options.mix:
            measure(f"SFace {mix}, penalty {penalty}", *joined_head(mix, (weight, bias), old))
    options.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
