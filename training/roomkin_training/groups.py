"""Whether some people are served worse: cosine to the teacher on held-out faces by set, age, gender and group, and how
many pairs of strangers within a group look like one person.

Invariant: only faces that training held out (`data.split`) count, and the labels are the data sets' own (UTKFace: ages
0 to 116, two genders, five groups), coarse and given by others.

    python -m roomkin_training.groups --pack DIR --model int8.tflite [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .childhood import read_direction, similarities
from .data import decode, shards, split
from .degrade import degrade_all
from .embedders import embed_single, open_model

HELD_OUT = 2000
LIKENESS = 0.39  # about where LFW's development pairs have the fewest errors (teacher 0.40, student 0.39)
DEGRADE_SEED = 20261123
AGES = ((0, 2), (3, 9), (10, 19), (20, 39), (40, 59), (60, 116))
GENDERS = ("male", "female")
GROUPS = ("White", "Black", "Asian", "Indian", "other")

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HeldOut:
    """Held-out faces: `faces` [n, 112, 112, 3], `targets` [n, 192] length 1, `attributes` [n, 3], `source` [n]."""

    faces: Bytes
    targets: Floats
    attributes: npt.NDArray[np.int16]
    source: npt.NDArray[np.str_]


def read_held_out(pack: Path, count: int = HELD_OUT) -> HeldOut:
    """Decodes only the held-out rows, shard by shard."""
    paths = shards(pack)
    sizes = []
    for path in paths:
        with np.load(path, allow_pickle=False) as shard:
            sizes.append(len(shard["offset"]) - 1)
    rows = split(sum(sizes), count)[1]
    faces, targets, attributes, source = [], [], [], []
    start = 0
    for path, size in zip(paths, sizes, strict=True):
        mine = rows[(rows >= start) & (rows < start + size)] - start
        start += size
        with np.load(path, allow_pickle=False) as shard:
            data, offset = shard["data"], shard["offset"]
            faces.append(decode([data[offset[row] : offset[row + 1]].tobytes() for row in mine]))
            vectors = shard["teacher"][mine].astype(np.float32)
            targets.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
            attributes.append(shard["attributes"][mine])
        source.append(np.full(len(mine), path.name.rsplit("-", 1)[0]))
    return HeldOut(np.concatenate(faces), np.concatenate(targets), np.concatenate(attributes), np.concatenate(source))


def members(held: HeldOut) -> dict[str, npt.NDArray[np.bool_]]:
    """Which faces belong to what; age, gender and group where a label is known."""
    age, gender, group = held.attributes.T
    rows = {f"set {name}": held.source == name for name in np.unique(held.source)}
    rows |= {f"age {low} to {high}": (age >= low) & (age <= high) for low, high in AGES}
    rows |= {f"gender {name}": gender == number for number, name in enumerate(GENDERS)}
    rows |= {f"group {name}": group == number for number, name in enumerate(GROUPS)}
    return {"all": np.ones(len(held.faces), dtype=np.bool_), **rows}


def alike(embeddings: Floats, direction: Floats | None) -> float:
    """Share of the pairs of different pictures whose similarity is above `LIKENESS`: people taken for each other.

    `direction` is that of the daemon's similarity (childhood.py); None for the cosine.
    """
    similarity = similarities(embeddings, embeddings, direction)[np.triu_indices(len(embeddings), 1)]
    return float(np.mean(similarity > LIKENESS)) if len(similarity) else 0.0


def figures(embeddings: Floats, clean: Floats, low: Floats, chosen: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Count, mean cosine on good and on degraded pictures, the 5th percentile on good ones, and `alike` both ways."""
    return {
        "faces": int(chosen.sum()),
        "cosine": float(clean[chosen].mean()),
        "cosineP05": float(np.percentile(clean[chosen], 5)),
        "cosineLow": float(low[chosen].mean()),
        "alike": alike(embeddings[chosen], read_direction()),
        "alikeByCosine": alike(embeddings[chosen], None),
    }


def by_group(held: HeldOut, model_path: Path) -> dict[str, dict[str, float]]:
    """Figures of one embedder (single view) against the teacher's stored embedding, per group."""
    model = open_model(model_path, threads=2)
    good, bad = (
        embed_single(model, faces, model_path.stem) for faces in (held.faces, degrade_all(held.faces, DEGRADE_SEED))
    )
    clean, low = ((embeddings * held.targets).sum(axis=1) for embeddings in (good, bad))
    return {name: figures(good, clean, low, rows) for name, rows in members(held).items() if rows.any()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table for each model; `--json` writes the same figures."""
    parser = argparse.ArgumentParser(description="Cosine to the teacher on held-out faces, by group.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--model", type=Path, action="append", required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    held = read_held_out(options.pack)
    results = {path.stem: by_group(held, path) for path in options.model}
    for name, groups in results.items():
        print(name)
        for group, row in groups.items():
            cells = "".join(f"{value:8.3f}" for name, value in row.items() if name != "faces")
            print(f"  {group:16}{int(row['faces']):6}{cells}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
