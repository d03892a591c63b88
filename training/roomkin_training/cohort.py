"""The stranger cohort: embeddings of many people, by which `roomkin calibrate` judges a household's thresholds.

Invariant: numbers only, one face a person, the same share of every set of the pack, every second face degraded as a
camera would; the same pack, model and seed give the same bytes. What the manifest says of the file (model, scale,
count, hash) is written together with it.

The file is int8 [count, 192], row after row; times `scale` a row is an embedding of length 1 within rounding. One view,
as in video, not the mean with the mirror image.

    python -m roomkin_training.cohort --pack DIR --manifest ../models/int8/manifest.json --id resnet50-w100
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .childhood import CODE, read_direction, usual_nearness
from .data import DIMENSION, decode, file_hash, pack_hash, shards
from .degrade import degrade
from .embedders import embed_single
from .export import readable
from .lite import LiteModel

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Json = dict[str, Any]

COUNT = 1500
SEED = 20261123

# Two faces closer than this in the teacher's space may be one person (different people of 100 reached 0.52 at most):
# the second is left out. Sets without names, and people who are in several sets, need it.
SAME_PERSON_FROM = 0.45


@dataclass(frozen=True)
class Candidate:
    """One face that may be chosen: its set, the picture's file as stored, its identity (-1 unknown), its target."""

    source: str
    file: bytes
    identity: int
    target: Floats


def candidates(pack: Path, per_set: int, rng: np.random.Generator) -> dict[str, list[Candidate]]:
    """`per_set` faces of each set by chance (all where there are fewer), by the sets' names."""
    rows: dict[str, list[tuple[Path, int]]] = {}
    for path in shards(pack):
        with np.load(path, allow_pickle=False) as shard:
            name = path.name.rsplit("-", 1)[0]
            rows.setdefault(name, []).extend((path, row) for row in range(len(shard["identity"])))
    drawn = {name: [found[i] for i in rng.permutation(len(found))[:per_set]] for name, found in rows.items()}
    taken: dict[tuple[Path, int], Candidate] = {}
    for path in shards(pack):
        wanted = [row for found in drawn.values() for other, row in found if other == path]
        with np.load(path, allow_pickle=False) as shard:
            data, offset, identity, teacher = (shard[key] for key in ("data", "offset", "identity", "teacher"))
        for row in wanted:
            target = teacher[row].astype(np.float32)
            taken[path, row] = Candidate(
                path.name.rsplit("-", 1)[0],
                data[offset[row] : offset[row + 1]].tobytes(),
                int(identity[row]),
                target / np.linalg.norm(target),
            )
    return {name: [taken[key] for key in found] for name, found in drawn.items()}


def choose(drawn: dict[str, list[Candidate]], count: int) -> list[Candidate]:
    """`count` faces of different people, the sets in turn; fewer where a set has no more.

    Nobody twice: neither by identity nor by likeness.
    """
    queues = {name: list(found) for name, found in drawn.items()}
    chosen: list[Candidate] = []
    targets = np.empty((count, DIMENSION), np.float32)
    people: set[int] = set()
    while len(chosen) < count and any(queues.values()):
        for queue in queues.values():
            while queue and len(chosen) < count:
                one = queue.pop(0)
                likeness = targets[: len(chosen)] @ one.target
                if one.identity in people or likeness.max(initial=-1.0) >= SAME_PERSON_FROM:
                    continue
                if one.identity >= 0:
                    people.add(one.identity)
                targets[len(chosen)] = one.target
                chosen.append(one)
                break
    return chosen


def pictures(chosen: Sequence[Candidate], rounds: int, seed: int) -> Bytes:
    """The chosen faces, uint8 [n,112,112,3]; degraded in every second round through the `rounds` sets."""
    faces = decode([one.file for one in chosen])
    for row in range(len(faces)):
        if (row // rounds) % 2 == 1:
            faces[row] = degrade(faces[row], seed, row)
    return faces


def stored(embeddings: Floats) -> tuple[npt.NDArray[np.int8], float]:
    """Unit vectors as int8 and the scale that makes them whole again: a float32 in its shortest decimal."""
    scale = float(str(np.float32(np.abs(embeddings).max() / 127)))
    return np.clip(np.rint(embeddings / scale), -127, 127).astype(np.int8), scale


def with_cohort(manifest: Json, cohort: Json) -> Json:
    """The manifest with this cohort in the place of another of the same space."""
    others = [each for each in manifest.get("cohorts", []) if each["space"] != cohort["space"]]
    return {**manifest, "cohorts": [*others, cohort]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the cohort beside the manifest, and its entry."""
    parser = argparse.ArgumentParser(description="Make the stranger cohort of an embedder.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--id", required=True, help="the embedder, an id of the manifest; its file lies beside it")
    parser.add_argument("--childhood", type=Path, default=CODE, help="what `childhood` wrote")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    manifest = json.loads(options.manifest.read_text("utf-8"))
    embedder = next(model for model in manifest["models"] if model["id"] == options.id)
    model = options.manifest.parent / embedder["file"]
    if file_hash(model) != embedder["sha256"]:
        parser.error(f"{model} is not the file that the manifest describes")

    # More than are needed, since many are left out as known already.
    drawn = candidates(options.pack, 2 * options.count, np.random.default_rng(options.seed))
    chosen = choose(drawn, options.count)
    faces = pictures(chosen, len(drawn), options.seed)
    embeddings = embed_single(LiteModel(model), faces, "cohort")
    vectors, scale = stored(embeddings)

    file = f"cohort-{embedder['space']}.bin"
    (options.manifest.parent / file).write_bytes(vectors.tobytes())
    cohort = {
        "space": embedder["space"],
        "embedder": embedder["id"],
        "file": file,
        "sha256": hashlib.sha256(vectors.tobytes()).hexdigest(),
        "count": len(vectors),
        "dimension": vectors.shape[1],
        "scale": scale,
        "nearness": round(usual_nearness(embeddings, read_direction(options.childhood)), 4),
        "madeFrom": {name: sum(one.source == name for one in chosen) for name in drawn},
        "dataSha256": pack_hash(shards(options.pack)),
    }
    options.manifest.write_text(readable(with_cohort(manifest, cohort)) + "\n", "utf-8")
    print(json.dumps(cohort, indent=2))


if __name__ == "__main__":
    main()
