"""What the faces of children have in common in the embedder's space, and a similarity that hardly counts it.

Invariant: the direction has length 1 and is orthogonal to the mean of the adults, so that on average nothing changes
for adults; the similarity is never above the cosine. `src/gallery/similarity.ts` computes the same numbers.

The embeddings of small children share a large part: two different children of one age are closer than two photos of
many an adult, so one threshold cannot serve both. That part is one direction: the mean of the children, less what it
shares with the mean of the adults. The similarity of two faces is the smaller one of two cosines: that of the
embeddings, and that of the embeddings with `KEPT` of this direction. It removes a nuisance direction as nuisance
attribute projection does (Solomonoff, Campbell and Boardman 2005), only not entirely: see `KEPT`.

    python -m roomkin_training.childhood --pack DIR --model ../models/int8/X.tflite
"""

from __future__ import annotations

import argparse
import base64
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .children import OLDEST, held_children
from .data import Faces, read_pack, split
from .embedders import embed_single, open_model
from .metrics import normalised

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

CODE = Path(__file__).parents[2] / "src/gallery/childhood.ts"

# The part of the direction that stays. Without it (0) more pairs of photos of one child fall below the thresholds; with
# 0.5 twice as many pairs of small children pass them (training/README.md has the figures).
KEPT = 0.3
ADULT = (20, 60)
ADULTS = 3000
HELD_OUT = 2000
THRESHOLDS = (0.53, 0.59)  # of a single observation and of a track: src/recognition/options.ts
YEARS = ((1, 3), (4, 12), (13, 17), (18, 60))


def childhood(children: Floats, adults: Floats) -> Floats:
    """The direction [d] of length 1 from embeddings of length 1 of children [n, d] and adults [m, d]."""
    mean, usual = (rows.astype(np.float64).mean(axis=0) for rows in (children, adults))
    usual /= np.linalg.norm(usual)
    found: Floats = normalised((mean - (mean @ usual) * usual)[None])[0]
    return found


def similarities(a: Floats, b: Floats, direction: Floats | None, kept: float = KEPT) -> Floats:
    """Similarities [n, m] of embeddings of length 1, [n, d] and [m, d]; the cosine where there is no direction."""
    cosine: Floats = a @ b.T
    if direction is None:
        return cosine
    removed = 1 - kept**2
    along, other = a @ direction, b @ direction
    lengths = np.sqrt(np.outer(1 - removed * along**2, 1 - removed * other**2))
    return np.minimum(cosine, (cosine - removed * np.outer(along, other)) / lengths)


def training_rows(faces: Faces, seed: int = 1) -> tuple[Rows, Rows]:
    """Rows of children and of adults to fit on: neither held-out faces nor the children of the protocol."""
    held = np.union1d(held_children(faces), split(len(faces), HELD_OUT)[1])
    age = faces.attributes[:, 0]
    children = np.setdiff1d(np.flatnonzero((age >= 1) & (age <= OLDEST)), held)
    adults = np.setdiff1d(np.flatnonzero((age >= ADULT[0]) & (age <= ADULT[1])), held)
    return children, np.sort(np.random.default_rng(seed).permutation(adults)[:ADULTS])


def confused(faces: Faces, rows: Rows, embeddings: Floats, direction: Floats | None) -> dict[str, list[float]]:
    """Share of the pairs of `rows` of one gender and of like age (two years) above each threshold, by age in years.

    Pairs of adults may be of any ages from 18 to 60.
    """
    age, gender = faces.attributes[rows, 0].astype(int), faces.attributes[rows, 1]
    scores = similarities(embeddings, embeddings, direction)
    found = {}
    for first, last in YEARS:
        inside = (age >= first) & (age <= last)
        alike = inside[:, None] & inside[None] & (gender[:, None] == gender[None])
        if first < 18:
            alike &= np.abs(age[:, None] - age[None]) <= 2
        values = scores[np.triu(alike, 1)]
        if len(values):
            found[f"{first} to {last}"] = [float((values > threshold).mean()) for threshold in THRESHOLDS]
    return found


def source(direction: Floats, space: str, data_hash: str) -> str:
    """The TypeScript file that the daemon reads: the direction in int8, kept short because it is code."""
    stored = np.rint(direction / np.abs(direction).max() * 127).astype(np.int8)
    text = base64.b64encode(stored.tobytes()).decode()
    return f"""// What the faces of children have in common in the embedder's space.
// Made by `python -m roomkin_training.childhood`; do not edit.

/** The direction (int8 in base64, of any length), its space, the part of it that counts, and the hash of the data. */
export const childhood = {{
  space: '{space}',
  kept: {KEPT},
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Fits the direction, writes the file, and prints how often children and adults are confused."""
    parser = argparse.ArgumentParser(description="Find what the faces of children have in common.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="the int8 student")
    parser.add_argument("--space", default="mobilefacenet-192")
    parser.add_argument("--out", type=Path, default=CODE)
    options = parser.parse_args(arguments)
    faces = read_pack(options.pack)
    model = open_model(options.model, threads=2)
    children, adults = (
        embed_single(model, faces.images[rows], name)
        for rows, name in zip(training_rows(faces), ("children", "adults"), strict=True)
    )
    direction = childhood(children, adults)
    options.out.write_text(source(direction, options.space, faces.hash), "utf-8")
    rows = np.union1d(
        held_children(faces),
        np.intersect1d(split(len(faces), HELD_OUT)[1], np.flatnonzero(faces.attributes[:, 0] >= 1)),
    )
    embeddings = embed_single(model, faces.images[rows], "held out")
    print(f"fitted on {len(children)} children and {len(adults)} adults: {options.out}")
    for name, chosen in (("cosine", None), ("less childhood", direction)):
        for years, shares in confused(faces, rows, embeddings, chosen).items():
            cells = "  ".join(f"above {t} {100 * s:5.1f} %" for t, s in zip(THRESHOLDS, shares, strict=True))
            print(f"{name:15} {years:9} {cells}")


if __name__ == "__main__":
    main()
