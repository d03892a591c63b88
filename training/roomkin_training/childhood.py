"""What the faces of children have in common in the embedder's space, and a similarity that hardly counts it.

Invariant: the direction has length 1 and is orthogonal to the mean of the adults, so that on average nothing changes
for adults; the similarity is never above the cosine. `src/gallery/similarity.ts` computes the same numbers.

The embeddings of small children share a large part: two different children of one age are closer than two photos of
many an adult, so one threshold cannot serve both. That part is one direction: the mean of the children, less what it
shares with the mean of the adults. The similarity of two faces is the smaller one of two cosines: that of the
embeddings, and that of the embeddings with at most `MOST` of this direction. It is a nuisance direction as in nuisance
attribute projection (Solomonoff, Campbell and Boardman 2005), but cut off instead of removed, so that adults keep all
of it.

    python -m roomkin_training.childhood --pack DIR --model ../models/int8/X.tflite [--measure]
"""

from __future__ import annotations

import argparse
import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .children import OLDEST, held_children
from .data import Faces, read_pack, split
from .embedders import embed_single, open_model
from .lite import LiteModel
from .metrics import normalised

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

CODE = Path(__file__).parents[2] / "src/gallery/childhood.ts"

# How much of the direction counts in an embedding of length 1. Nineteen of twenty adults have less, children of one to
# twelve years have 0.58 on average.
MOST = 0.25
ADULT = (20, 60)
ADULTS = 3000
HELD_OUT = 2000
# What src/gallery/calibration.ts does with a person's nearness to the cohort.
CLOSEST_SHARE, GAIN, OFFSET, MOST_BELOW, MOST_ABOVE = 0.05, 1.5, 0.012, 0.06, 0.1
THRESHOLDS = (0.53, 0.59)  # of a single observation and of a track: src/recognition/options.ts
# Photos of probably one child: what the teacher finds, less copies of one photo (correlation of the middle's pixels).
LIKELY, COPY = 0.85, 0.9
LIKELY_YEARS = (3, 12)  # younger children are too much alike for the teacher as well
YEARS = ((1, 3), (4, 12), (13, 17), (18, 60))


def childhood(children: Floats, adults: Floats) -> Floats:
    """The direction [d] of length 1 from embeddings of length 1 of children [n, d] and adults [m, d]."""
    mean, usual = (rows.astype(np.float64).mean(axis=0) for rows in (children, adults))
    usual /= np.linalg.norm(usual)
    found: Floats = normalised((mean - (mean @ usual) * usual)[None])[0]
    return found


def similarities(a: Floats, b: Floats, direction: Floats | None, most: float = MOST) -> Floats:
    """Similarities [n, m] of embeddings of length 1, [n, d] and [m, d]; the cosine where there is no direction."""
    cosine: Floats = a @ b.T
    if direction is None:
        return cosine
    left, right = a @ direction, b @ direction
    kept, other = np.minimum(left, most), np.minimum(right, most)
    lengths = np.sqrt(np.outer(1 - left**2 + kept**2, 1 - right**2 + other**2))
    return np.minimum(cosine, (cosine - np.outer(left, right) + np.outer(kept, other)) / lengths)


def training_rows(faces: Faces, seed: int = 1) -> tuple[Rows, Rows]:
    """Rows of children and of adults to fit on: neither held-out faces nor the children of the protocol."""
    held = np.union1d(held_children(faces), split(len(faces), HELD_OUT)[1])
    age = faces.attributes[:, 0]
    children = np.setdiff1d(np.flatnonzero((age >= 1) & (age <= OLDEST)), held)
    adults = np.setdiff1d(np.flatnonzero((age >= ADULT[0]) & (age <= ADULT[1])), held)
    return children, np.sort(np.random.default_rng(seed).permutation(adults)[:ADULTS])


def read_cohort(manifest: Path, space: str) -> Floats:
    """The shipped cohort beside the manifest: embeddings [n, d] of length 1. Raises StopIteration where none is."""
    entry = next(each for each in json.loads(manifest.read_text("utf-8"))["cohorts"] if each["space"] == space)
    stored = np.frombuffer((manifest.parent / entry["file"]).read_bytes(), np.int8).reshape(entry["count"], -1)
    return normalised(stored.astype(np.float32))


def closest_mean(similarity: Floats, members: int) -> Floats:
    """The mean of the highest `CLOSEST_SHARE` of `members` similarities in each row of [n, m], [n]."""
    found: Floats = np.sort(similarity, axis=1)[:, -max(1, round(CLOSEST_SHARE * members)) :].mean(axis=1)
    return found


def usual_nearness(cohort: Floats, direction: Floats | None) -> float:
    """How near the cohort is to somebody ordinary: the mean similarity of a member to the closest of the others.

    The daemon compares a person's own nearness with it (`src/gallery/calibration.ts`).
    """
    similarity = similarities(cohort, cohort, direction)
    np.fill_diagonal(similarity, -1.0)
    return float(closest_mean(similarity, len(cohort) - 1).mean())


def shifts(embeddings: Floats, cohort: Floats, direction: Floats | None) -> Floats:
    """By how much the daemon moves the thresholds of people with one photo each, [n] (`src/gallery/calibration.ts`)."""
    nearness = closest_mean(similarities(embeddings, cohort, direction), len(cohort))
    moved = GAIN * (nearness - usual_nearness(cohort, direction)) - OFFSET
    clipped: Floats = np.clip(moved, -MOST_BELOW, MOST_ABOVE)
    return clipped


def confused(
    faces: Faces, rows: Rows, embeddings: Floats, direction: Floats | None, moved: Floats | None = None
) -> dict[str, list[float]]:
    """Share of the pairs of `rows` of one gender and of like age (two years) above each threshold, by age in years.

    Pairs of adults may be of any ages from 18 to 60. `moved` [n]: the thresholds of each person are this much higher.
    """
    age, gender = faces.attributes[rows, 0].astype(int), faces.attributes[rows, 1]
    scores = similarities(embeddings, embeddings, direction)
    scores = scores if moved is None else scores - moved[:, None]
    found = {}
    for first, last in YEARS:
        inside = (age >= first) & (age <= last)
        alike = inside[:, None] & inside[None] & (gender[:, None] == gender[None])
        if first < 18:
            alike &= np.abs(age[:, None] - age[None]) <= 2
        np.fill_diagonal(alike, False)
        values = scores[alike]
        if len(values):
            found[f"{first} to {last}"] = [float((values > threshold).mean()) for threshold in THRESHOLDS]
    return found


def likely_pairs(faces: Faces) -> tuple[Rows, Rows]:
    """Rows of pairs of photos that probably show one child, on the word of the teacher: there are no names.

    Mostly of one day. They are chosen by what the teacher finds alike, so what they show is an upper bound.
    """
    age = faces.attributes[:, 0]
    rows = np.flatnonzero((age >= LIKELY_YEARS[0]) & (age <= LIKELY_YEARS[1]))
    targets = faces.targets[rows]
    left, right = np.nonzero(np.triu(targets @ targets.T > LIKELY, 1))
    middle = faces.images[rows][:, 24:88:2, 24:88:2].astype(np.float32).mean(axis=3).reshape(len(rows), -1)
    pixels = normalised(middle - middle.mean(axis=1, keepdims=True))
    other = (pixels[left] * pixels[right]).sum(axis=1) < COPY
    return rows[left[other]], rows[right[other]]


def source(direction: Floats, space: str, data_hash: str) -> str:
    """The TypeScript file that the daemon reads: the direction in int8, kept short because it is code."""
    stored = np.rint(direction / np.abs(direction).max() * 127).astype(np.int8)
    text = base64.b64encode(stored.tobytes()).decode()
    return f"""// What the faces of children have in common in the embedder's space.
// Made by `python -m roomkin_training.childhood`; do not edit.

/** The direction (int8 in base64, of any length), its space, how much of it counts, and the hash of the data. */
export const childhood = {{
  space: '{space}',
  most: {MOST},
  direction:
    '{text}',
  dataSha256: '{data_hash}',
}} as const;
"""


def read_direction(path: Path = CODE) -> Floats:
    """The direction [d] of length 1 from what `source` wrote. Raises ValueError where there is none."""
    found = re.search(r"direction:\s+'([A-Za-z0-9+/=]+)'", path.read_text("utf-8"))
    if found is None:
        raise ValueError(f"{path} holds no direction: run roomkin_training.childhood")
    stored = np.frombuffer(base64.b64decode(found[1]), np.int8).astype(np.float32)
    direction: Floats = normalised(stored[None])[0]
    return direction


def measure(faces: Faces, model: LiteModel, direction: Floats, cohort: Floats) -> None:
    """Prints how often held-out children and adults are confused, with and without the direction."""
    rows = np.union1d(held_children(faces), np.intersect1d(split(len(faces), HELD_OUT)[1], labelled(faces)))
    embeddings = embed_single(model, faces.images[rows], "held out")
    for name, chosen in (("cosine", None), ("similarity", direction)):
        for calibrated in (False, True):
            moved = shifts(embeddings, cohort, chosen) if calibrated else None
            for years, shares in confused(faces, rows, embeddings, chosen, moved).items():
                cells = "  ".join(f"{t} {100 * share:5.1f} %" for t, share in zip(THRESHOLDS, shares, strict=True))
                print(f"{name:15} {'calibrated' if calibrated else 'fixed':11} {years:9} {cells}")

    left, right = likely_pairs(faces)
    if len(left) == 0:
        return
    rows, at = np.unique(np.concatenate([left, right]), return_inverse=True)
    embeddings = embed_single(model, faces.images[rows], "likely pairs")
    for name, chosen in (("cosine", None), ("similarity", direction)):
        every, moved = similarities(embeddings, embeddings, chosen), shifts(embeddings, cohort, chosen)
        scores = every[at[: len(left)], at[len(left) :]] - moved[at[: len(left)]]
        cells = "  ".join(f"{limit} {100 * float((scores > limit).mean()):5.1f} %" for limit in THRESHOLDS)
        print(f"{name:15} calibrated  {len(left)} pairs of photos of probably one child  {cells}")


def labelled(faces: Faces) -> Rows:
    """Rows with an age."""
    return np.flatnonzero(faces.attributes[:, 0] >= 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fits the direction, writes the file, and prints how often children and adults are confused."""
    parser = argparse.ArgumentParser(description="Find what the faces of children have in common.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="the int8 student; its manifest lies beside it")
    parser.add_argument("--space", default="mobilefacenet-192")
    parser.add_argument("--out", type=Path, default=CODE)
    parser.add_argument("--measure", action="store_true", help="only measure what lies in --out")
    options = parser.parse_args(arguments)
    faces = read_pack(options.pack)
    model = open_model(options.model, threads=2)
    if not options.measure:
        children, adults = (
            embed_single(model, faces.images[rows], name)
            for rows, name in zip(training_rows(faces), ("children", "adults"), strict=True)
        )
        options.out.write_text(source(childhood(children, adults), options.space, faces.hash), "utf-8")
        print(f"fitted on {len(children)} children and {len(adults)} adults: {options.out}")
    cohort = read_cohort(options.model.parent / "manifest.json", options.space)
    measure(faces, model, read_direction(options.out), cohort)


if __name__ == "__main__":
    main()
