"""Two networks in place of one: the student always, SFace only where the student is in doubt. What it gains and costs.

Invariant: scores of both networks are standardised by the impostor pairs of the other folds, and both thresholds of the
doubt are chosen there as well, so that no pair is judged by figures that it helped to set.

`both` adds the standardised scores of every pair; `doubt` does so only where the student's score lies among the
`--doubt` share of pairs that are nearest to its threshold, and leaves the others to the student.

    python -m roomkin_training.fusion --pairs lfw-dev.npz --student INT8.tflite --sface SFACE.onnx --out fusion.json

With `--pack` it also measures photos in the wild and children, whose protocols are made of the training pack.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .children import ChildProtocol, child_protocol, held_children
from .curve import SEED, read_pairs
from .data import AlignedPairs, read_pack
from .degrade import degrade_all
from .metrics import best_threshold, tar_at_far
from .wild import wild_protocol

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Scores:
    """Cosines of each pair by both networks, [p], same person or not, and the fold."""

    student: Doubles
    sface: Doubles
    same: Flags
    fold: Rows


def standardised(scores: Doubles, impostors: Doubles) -> Doubles:
    """Scores in standard deviations above the impostors' mean."""
    result: Doubles = (scores - impostors.mean()) / max(float(impostors.std()), 1e-9)
    return result


def fused(scores: Scores, share: float) -> tuple[Doubles, Flags]:
    """Score of each pair on the student's standardised scale, and which pairs the second network was asked about.

    `share` 0 asks about none, 1 about all. The band of doubt is as wide as `share` of the other folds' pairs need.
    """
    result, asked = np.empty(len(scores.same)), np.zeros(len(scores.same), bool)
    for held in np.unique(scores.fold):
        mine, other = scores.fold == held, scores.fold != held
        impostor = other & ~scores.same
        one = standardised(scores.student, scores.student[impostor])
        two = standardised(scores.sface, scores.sface[impostor])
        limit = best_threshold(one[other], scores.same[other])
        width = -1.0 if share <= 0 else np.inf if share >= 1 else np.quantile(np.abs(one[other] - limit), share)
        doubtful = np.abs(one - limit) <= width
        both = (one + two) / 2
        middle = best_threshold(both[other & doubtful], scores.same[other & doubtful]) if doubtful[other].any() else 0.0
        # Inside the band the sum decides, shifted so that both thresholds coincide.
        value = np.where(doubtful, np.clip(both - middle, -width, width) + limit, one) if share < 1 else both - middle
        # Each fold's threshold becomes 0, so that the folds can be ranked together.
        result[mine] = (value - (limit if share < 1 else 0.0))[mine]
        asked[mine] = doubtful[mine]
    return result, asked


def figures(scores: Scores, share: float) -> dict[str, float]:
    """Accuracy at the other folds' threshold, TAR at FAR 1 % and 0.1 %, and the share of pairs asked about."""
    value, asked = fused(scores, share)
    return {
        "accuracy": float(np.mean((value >= 0) == scores.same)),
        "tar_far1": tar_at_far(value, scores.same, 0.01),
        "tar_far01": tar_at_far(value, scores.same, 0.001),
        "asked": float(asked.mean()),
    }


def table(scores: Scores, doubts: Sequence[float]) -> dict[str, dict[str, float]]:
    """Figures of the student alone, SFace alone, both on every pair, and both in doubt; shares 0 to 1."""
    swapped = Scores(scores.sface, scores.student, scores.same, scores.fold)
    rows = {"student": figures(scores, 0.0), "sface": figures(swapped, 0.0), "both": figures(scores, 1.0)}
    return rows | {f"doubt {share:g}": figures(scores, share) for share in doubts}


def some_pairs(pairs: AlignedPairs, count: int) -> AlignedPairs:
    """At least `count` pairs, the same share of each fold and kind, and only their faces; all where `count` is 0."""
    if not count:
        return pairs
    every = max(1, len(pairs.same) // count)
    groups = [
        np.flatnonzero((pairs.fold == fold) & (pairs.same == same))[::every]
        for fold in np.unique(pairs.fold)
        for same in (False, True)
    ]
    chosen = np.sort(np.concatenate(groups))
    faces, rows = np.unique(np.concatenate([pairs.left[chosen], pairs.right[chosen]]), return_inverse=True)
    half = len(chosen)
    return AlignedPairs(pairs.images[faces], rows[:half], rows[half:], pairs.same[chosen], pairs.fold[chosen])


def scored(pairs: AlignedPairs, student: tuple[Floats, Floats], sface: tuple[Floats, Floats]) -> Scores:
    """Cosines from (left views, right views) of both networks, rows of the pairs' faces."""
    cosines = [
        (left[pairs.left] * right[pairs.right]).sum(axis=1).astype(np.float64) for left, right in (student, sface)
    ]
    return Scores(cosines[0], cosines[1], pairs.same, pairs.fold)


def child_pairs(protocol: ChildProtocol, folds: int = 10) -> AlignedPairs:
    """Two views of each child, and each pair of like children; a pair is in the fold of its first child."""
    count = len(protocol.first)
    one, other = np.nonzero(protocol.impostor)
    left = np.concatenate([np.arange(count), one])
    right = count + np.concatenate([np.arange(count), other])
    same = np.arange(len(left)) < count
    return AlignedPairs(np.concatenate([protocol.first, protocol.second]), left, right, same, left % folds)


def timed(embed: Callable[[Bytes], Floats], face: Bytes, repeats: int = 30) -> float:
    """Milliseconds of one face, the least of `repeats` (other work on the machine only adds)."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        embed(face)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table for good and for degraded pictures, and writes it with milliseconds and megabytes."""
    from .embedders import embed_single
    from .lite import LiteModel
    from .teachers import SFace

    parser = argparse.ArgumentParser(description="Measure the student with SFace at doubt.")
    parser.add_argument("--pairs", type=Path, required=True, help="aligned pairs (roomkin_training.alignment)")
    parser.add_argument("--student", type=Path, required=True, help="the int8 student")
    parser.add_argument("--sface", type=Path, required=True)
    parser.add_argument("--pack", type=Path, help="the training pack, for photos in the wild and children")
    parser.add_argument("--count", type=int, default=0, help="pairs to use, 0 for all")
    parser.add_argument("--doubt", type=float, nargs="*", default=[0.05, 0.1, 0.2])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    pairs = some_pairs(read_pairs(options.pairs), options.count)
    model, sface = LiteModel(options.student), SFace(options.sface)

    def student(faces: Bytes) -> Floats:
        return embed_single(model, faces)

    def second(faces: Bytes) -> Floats:
        return np.concatenate([sface(faces[start : start + 16]) for start in range(0, len(faces), 16)])

    low = degrade_all(pairs.images, SEED + 1)
    good = [embed(pairs.images) for embed in (student, second)]
    bad = [embed(low) for embed in (student, second)]
    tables = {
        "high": table(scored(pairs, (good[0], good[0]), (good[1], good[1])), options.doubt),
        "lowHigh": table(scored(pairs, (bad[0], good[0]), (bad[1], good[1])), options.doubt),
    }
    if options.pack is not None:
        faces = read_pack(options.pack)
        protocols = {
            "wild": wild_protocol(faces),
            "children": child_pairs(child_protocol(faces, held_children(faces))),
        }
        del faces
        for name, more in protocols.items():
            one, two = student(more.images), second(more.images)
            tables[name] = table(scored(more, (one, one), (two, two)), options.doubt)
    document = {
        "pairs": len(pairs.same),
        **tables,
        "milliseconds": {
            "student": round(timed(student, pairs.images[:1]), 1),
            "sface": round(timed(second, pairs.images[:1]), 1),
        },
        "megabytes": {
            "student": round(options.student.stat().st_size / 1e6, 1),
            "sface": round(options.sface.stat().st_size / 1e6, 1),
        },
    }
    options.out.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    for tier, rows in tables.items():
        for name, row in rows.items():
            cells = "".join(f"{100 * value:9.1f}" for value in row.values())
            print(f"{tier:8} {name:12}{cells}")
    print(json.dumps({key: document[key] for key in ("pairs", "milliseconds", "megabytes")}))


if __name__ == "__main__":
    main()
