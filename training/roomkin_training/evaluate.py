"""Student beside teacher: LFW development pairs, by quality of the pictures, 1:1 and 1:N, in one table.

Invariant: every embedder sees the same bytes: crops made by `alignment`, degraded by the seeded recipe of `degrade`.

`accuracy` is the pairs file's protocol (10 folds, the threshold chosen on the other nine). `tar` is over all pairs that
the identities allow (both directions where the sides differ), far more than the file's, so that FAR 0.1 % rests on
hundreds of impostor pairs. `search` puts one good picture of everyone with two or more into the gallery, searches with
the rest, and takes the people with one picture as strangers.

    python -m roomkin_training.evaluate --crops lfw-dev.npz --model teacher.tflite --model int8.tflite [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .degrade import KINDS, degrade_all
from .embedders import Views, embed, open_model
from .metrics import fold_accuracy, open_set_fnir, rank_one, tar_at_far

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]
Figures = dict[str, float]
Embedded = dict[str, Views]

DEGRADE_SEED = 20261123


@dataclass(frozen=True)
class Protocol:
    """Crops of a pairs file: `faces` [n, 112, 112, 3], `person` [n], and the pairs."""

    faces: Bytes
    person: Integers
    left: Integers
    right: Integers
    label: Flags
    fold: Integers
    hash: str


def read_crops(path: Path) -> Protocol:
    """The file that `alignment` wrote; the folder of a picture's name is the person."""
    with np.load(path, allow_pickle=False) as file:
        folders = [str(name).rsplit("/", 1)[0] for name in file["names"]]
        person = np.unique(folders, return_inverse=True)[1]
        return Protocol(
            file["faces"],
            person,
            file["left"],
            file["right"],
            file["label"].astype(np.bool_),
            file["fold"],
            str(file["sha256"]),
        )


def pair_figures(protocol: Protocol, a: Floats, b: Floats) -> Figures:
    """1:1 figures of probes `a` against references `b` (rows of the protocol's faces)."""
    similarity = np.concatenate(
        [
            (a[protocol.left] * b[protocol.right]).sum(axis=1),
            (a[protocol.right] * b[protocol.left]).sum(axis=1),
        ]
    )
    accuracy, spread = fold_accuracy(similarity, np.tile(protocol.label, 2), np.tile(protocol.fold, 2))
    every = a @ b.T
    same = protocol.person[:, None] == protocol.person[None, :]
    others = ~np.eye(len(a), dtype=np.bool_)
    scores, labels = every[others], same[others]
    return {
        "accuracy": accuracy,
        "accuracyStd": spread,
        "tarAtFar0.01": tar_at_far(scores, labels, 0.01),
        "tarAtFar0.001": tar_at_far(scores, labels, 0.001),
    }


def search_figures(protocol: Protocol, probes: Floats, references: Floats) -> Figures:
    """1:N figures: rank one, and FNIR at FPIR 1 %."""
    _, first, counts = np.unique(protocol.person, return_index=True, return_counts=True)
    gallery = first[counts >= 2]
    strangers = first[counts == 1]
    searched = np.setdiff1d(np.flatnonzero(counts[protocol.person] >= 2), gallery)
    gallery_id, probe_id = protocol.person[gallery], protocol.person[searched]
    return {
        "rank1": rank_one(references[gallery], gallery_id, probes[searched], probe_id),
        "fnirAtFpir0.01": open_set_fnir(
            references[gallery], gallery_id, probes[searched], probe_id, probes[strangers], 0.01
        ),
    }


def embed_tiers(protocol: Protocol, path: Path, kinds: Sequence[str]) -> Embedded:
    """What one embedder makes of the crops as they are (`high`), degraded (`low`), and by each of `kinds`."""
    model = open_model(path, threads=2)
    faces = {"high": protocol.faces, "low": degrade_all(protocol.faces, DEGRADE_SEED)}
    faces |= {kind: degrade_all(protocol.faces, DEGRADE_SEED, kind) for kind in kinds}
    return {tier: embed(model, crops, f"{path.stem} {tier}") for tier, crops in faces.items()}


def cosine_to(views: Embedded, reference: Embedded) -> Figures:
    """Mean and 1st percentile of the cosine to another embedder's, single view, on good and bad pictures."""
    figures: Figures = {}
    for tier in ("high", "low"):
        cosine = (views[tier].single * reference[tier].single).sum(axis=1)
        figures |= {f"{tier}Mean": float(cosine.mean()), f"{tier}P01": float(np.percentile(cosine, 1))}
    return figures


def evaluate(protocol: Protocol, embedded: Embedded, kinds: Sequence[str]) -> dict[str, dict[str, Figures]]:
    """Figures per view (`single`, `mirrored`) and tier of one embedder; `lowHigh.KIND` for each kind of degradation."""
    result: dict[str, dict[str, Figures]] = {}
    for view in ("single", "mirrored"):
        high, bad = getattr(embedded["high"], view), getattr(embedded["low"], view)
        tiers = {"highHigh": (high, high), "lowHigh": (bad, high), "lowLow": (bad, bad)}
        result[view] = {
            tier: pair_figures(protocol, a, b) | search_figures(protocol, a, b) for tier, (a, b) in tiers.items()
        }
        for kind in kinds:
            result[view][f"lowHigh.{kind}"] = pair_figures(protocol, getattr(embedded[kind], view), high)
    return result


def table(results: dict[str, dict[str, dict[str, Figures]]]) -> str:
    """One row per tier, view and model, in per cent."""
    columns = ("accuracy", "tarAtFar0.01", "tarAtFar0.001", "rank1", "fnirAtFpir0.01")
    lines = [f"{'tier':18} {'view':9} {'model':34}" + "".join(f"{name:>16}" for name in columns)]
    views = next(iter(results.values()))
    for view, tiers in views.items():
        for tier in tiers:
            for model, figures in results.items():
                row = figures[view][tier]
                cells = "".join(f"{row[name] * 100:16.2f}" if name in row else f"{'':16}" for name in columns)
                lines.append(f"{tier:18} {view:9} {model[:34]:34}{cells}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table; `--json` writes the same figures."""
    parser = argparse.ArgumentParser(description="Compare embedders on a pairs file's crops.")
    parser.add_argument("--crops", type=Path, required=True, help="what `alignment` wrote")
    parser.add_argument("--model", type=Path, action="append", required=True, help=".tflite or .npz, repeatable")
    parser.add_argument("--kinds", action="store_true", help="each kind of degradation by itself as well")
    parser.add_argument("--reference", type=Path, help="also the cosine of every model's embeddings to this one's")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    protocol = read_crops(options.crops)
    kinds = KINDS if options.kinds else ()
    embedded = {path.stem: embed_tiers(protocol, path, kinds) for path in options.model}
    results = {name: evaluate(protocol, views, kinds) for name, views in embedded.items()}
    print(table(results))
    document: dict[str, object] = {"crops": protocol.hash, "degradeSeed": DEGRADE_SEED, "models": results}
    if options.reference:
        reference = embedded.get(options.reference.stem) or embed_tiers(protocol, options.reference, ())
        cosines = {name: cosine_to(views, reference) for name, views in embedded.items()}
        document["cosineTo"] = {options.reference.stem: cosines}
        print(json.dumps(document["cosineTo"], indent=1))
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
