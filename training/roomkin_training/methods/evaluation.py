"""The figures of the table: the same pictures, pairs, households and thresholds for every method.

Invariant: a score is higher for a closer match, and no threshold is judged by the faces that chose it: those of the
open set come from the other folds (10 folds over people), that of the pairs from the other folds of the pairs file.

A household is a number of people, the references they enrol with, their other photos as probes, and everybody else as
strangers. A `Household` method is given the rows of the references and returns a scorer; a method that embeds faces
gets one from `embedding_scorer`, a classifier trains one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..metrics import best_threshold, fold_accuracy, tar_at_far
from .material import Bytes, Floats, Material, Rows
from .running import Trained

Flags = npt.NDArray[np.bool_]
Figures = dict[str, float]

SIZES = (3, 6, 12)
LARGEST = 12
HOUSEHOLDS = 3  # of the largest size; the same people make the smaller ones
REFERENCES = 8
FOLDS = 10
TIERS = {"high_high": ("high", "high"), "low_high": ("low", "high"), "low_low": ("low", "low")}
DET_FPIR = tuple(float(rate) for rate in np.geomspace(0.0005, 0.5, 40))

# (rows of references int64 [people, references], tier of the references) -> scorer
# scorer: (rows of probes [p], tier of the probes) -> scores float32 [p, people], or [p, people + 1] with "unknown" last
Scorer = Callable[[Rows, str], Floats]
Enrol = Callable[[Rows, str], Scorer]
Embed = Callable[[Bytes], Floats]
Score = Callable[[Floats, Floats], Floats]


def cosine(probes: Floats, references: Floats) -> Floats:
    """Similarities float32 [p, r] of embeddings of length 1."""
    return probes @ references.T


@dataclass(frozen=True)
class Household:
    """Rows of the portraits: `references` int64 [people, REFERENCES]; `probes` of person `label` [p]; `strangers`."""

    references: Rows
    probes: Rows
    label: Rows
    strangers: Rows


def households(person: Rows, size: int, seed: int, references: int = REFERENCES) -> list[Household]:
    """Households of `size` people out of the same `LARGEST` x `HOUSEHOLDS` people, everybody else being strangers."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.unique(person))[: LARGEST * HOUSEHOLDS]
    photos = {int(name): rng.permutation(np.flatnonzero(person == name)) for name in names}
    made = []
    for start in range(0, len(names) - size + 1, size):
        members = [int(name) for name in names[start : start + size]]
        made.append(
            Household(
                np.stack([photos[name][:references] for name in members]),
                np.concatenate([photos[name][REFERENCES:] for name in members]),
                np.concatenate([np.full(len(photos[name]) - REFERENCES, place) for place, name in enumerate(members)]),
                np.flatnonzero(~np.isin(person, members)),
            )
        )
    return made


def embedding_scorer(embedded: dict[str, Floats], score: Score) -> Enrol:
    """Scores of the nearest reference of each person, from the portraits' embeddings {"high", "low"}."""

    def enrol(references: Rows, tier: str) -> Scorer:
        people, count = references.shape
        gallery = embedded[tier][references.ravel()]

        def scorer(rows: Rows, probe_tier: str) -> Floats:
            found: Floats = score(embedded[probe_tier][rows], gallery).reshape(len(rows), people, count).max(axis=2)
            return found

        return scorer

    return enrol


def identified(scores: Floats, people: int) -> tuple[Rows, Floats]:
    """Best person and their score for each probe; where "unknown" scores higher, that person's score all the same."""
    known = scores[:, :people]
    return known.argmax(axis=1).astype(np.int64), known.max(axis=1)


def threshold_at(strangers: Floats, fpir: float) -> float:
    """The lowest threshold (accept above it) that at most `fpir` of the strangers' best scores pass."""
    ranked = np.sort(strangers)[::-1]
    return float(ranked[min(int(np.floor(fpir * len(ranked))), len(ranked) - 1)])


@dataclass(frozen=True)
class OpenSet:
    """Best scores of all households: of probes whose best person is the right one (else -inf), and of strangers.

    `fold` and `stranger_fold` say which fold a person is in.
    """

    probes: Floats
    fold: Rows
    strangers: Floats
    stranger_fold: Rows

    def rates(self, fpir: float) -> tuple[float, float]:
        """FNIR and FPIR with the threshold of each fold chosen on the strangers of the other folds."""
        missed, passed = 0, 0
        for fold in range(FOLDS):
            limit = threshold_at(self.strangers[self.stranger_fold != fold], fpir)
            missed += int((self.probes[self.fold == fold] <= limit).sum())
            passed += int((self.strangers[self.stranger_fold == fold] > limit).sum())
        return missed / len(self.probes), passed / len(self.strangers)


@dataclass(frozen=True)
class Searched:
    """A method on all households of one size: open set, closed-set accuracy, and strangers who get a name (share)."""

    open_set: OpenSet
    closed: float
    preferred: float


def search(
    enrol: Enrol, person: Rows, size: int, seed: int, tier: tuple[str, str] = ("high", "high"), references: int = 0
) -> Searched:
    """Enrols and searches every household of `size` people; `tier` is that of the probes and of the references."""
    probes, folds, strangers, stranger_folds, right, preferred = [], [], [], [], [], []
    for household in households(person, size, seed, references or REFERENCES):
        scorer = enrol(household.references, tier[1])
        scores = scorer(household.probes, tier[0])
        best, value = identified(scores, size)
        right.append(scores.argmax(axis=1) == household.label)
        probes.append(np.where(best == household.label, value, -np.inf))
        folds.append(person[household.probes] % FOLDS)
        theirs = scorer(household.strangers, tier[0])
        strangers.append(identified(theirs, size)[1])
        preferred.append(theirs.argmax(axis=1) < size)
        stranger_folds.append(person[household.strangers] % FOLDS)
    found = OpenSet(
        np.concatenate(probes).astype(np.float32), np.concatenate(folds), np.concatenate(strangers),
        np.concatenate(stranger_folds),
    )  # fmt: skip
    return Searched(found, float(np.mean(np.concatenate(right))), float(np.mean(np.concatenate(preferred))))


@dataclass(frozen=True)
class Result:
    """One row of the table. Shares are 0 to 1, NaN where a method cannot answer; `det` holds [FPIR, FNIR] points."""

    method: str
    title: str
    trained_on: str
    seconds: float
    steps: int
    thirteenth_s: float
    thirteenth: str
    data: str
    figures: Figures = field(default_factory=dict)
    det: list[list[float]] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)


def pair_figures(material: Material, high: Floats, low: Floats, score: Score) -> tuple[Figures, float]:
    """1:1 figures on LFW development from embeddings of both tiers, and the threshold of the best accuracy."""
    protocol = material.lfw
    embedded = {"high": high, "low": low}
    same = protocol.person[:, None] == protocol.person[None, :]
    others = ~np.eye(len(high), dtype=np.bool_)
    figures: Figures = {}
    threshold = float("nan")
    for tier, (probe, reference) in TIERS.items():
        every = score(embedded[probe], embedded[reference])
        pairs = np.concatenate([every[protocol.left, protocol.right], every[protocol.right, protocol.left]])
        label, fold = np.tile(protocol.label, 2), np.tile(protocol.fold, 2)
        figures[f"{tier}_accuracy"] = fold_accuracy(pairs, label, fold)[0]
        scores, labels = every[others], same[others]
        for far in (0.01, 0.001):
            figures[f"{tier}_tar_at_{far}"] = tar_at_far(scores, labels, far)
        if tier == "high_high":
            threshold = best_threshold(pairs, label)
    return figures, threshold


def household_figures(enrol: Enrol, person: Rows, seed: int) -> tuple[Figures, list[list[float]]]:
    """Closed and open set for each size, one reference, the tiers at the largest size, and the DET curve."""
    figures: Figures = {}
    det: list[list[float]] = []
    for size in SIZES:
        searched = search(enrol, person, size, seed)
        figures[f"closed_{size}"] = searched.closed
        figures[f"preferred_{size}"] = searched.preferred
        for fpir in (0.01, 0.001):
            figures[f"fnir_{size}_at_{fpir}"], figures[f"fpir_{size}_at_{fpir}"] = searched.open_set.rates(fpir)
        if size == LARGEST:
            det = [[rate, searched.open_set.rates(rate)[0]] for rate in DET_FPIR]
    one_shot = search(enrol, person, LARGEST, seed, references=1).open_set
    figures["one_shot_fnir_at_0.01"] = one_shot.rates(0.01)[0]
    figures["high_high_search"] = figures[f"fnir_{LARGEST}_at_0.01"]
    for tier in ("low_high", "low_low"):
        figures[f"{tier}_search"] = search(enrol, person, LARGEST, seed, TIERS[tier]).open_set.rates(0.01)[0]
    return figures, det


def strangers_named(enrol: Enrol, person: Rows, seed: int, threshold: float) -> float:
    """Share of strangers whom a household of 12 gives a name at a threshold."""
    return float(np.mean(search(enrol, person, LARGEST, seed).open_set.strangers >= threshold))


@dataclass(frozen=True)
class Row:
    """What the table says of a method in words: its name on the command line, title, training and what it saw."""

    method: str
    title: str
    trained_on: str


@dataclass(frozen=True)
class Embedded:
    """Embeddings of the four sets of `Material.faces`."""

    lfw_high: Floats
    lfw_low: Floats
    portraits_high: Floats
    portraits_low: Floats


def embedding_result(
    material: Material, embedded: Embedded, score: Score, seed: int
) -> tuple[Figures, list[list[float]]]:
    """All figures of a method that embeds faces."""
    figures, threshold = pair_figures(material, embedded.lfw_high, embedded.lfw_low, score)
    enrol = embedding_scorer({"high": embedded.portraits_high, "low": embedded.portraits_low}, score)
    person = material.portraits.person
    searched, det = household_figures(enrol, person, seed)
    figures |= searched
    figures["strangers_named"] = strangers_named(enrol, person, seed, threshold)
    return figures, det


def embed_material(material: Material, embed: Embed, batch: int = 64) -> Embedded:
    """Embeds the four sets with `embed` (uint8 [n,112,112,3] to float32 [n,d])."""

    def whole(faces: Bytes) -> Floats:
        return np.concatenate([embed(faces[start : start + batch]) for start in range(0, len(faces), batch)])

    return Embedded(*(whole(faces) for _, faces in material.faces()))


def mapped(features: dict[str, Floats], head: Callable[[Floats], Floats]) -> Embedded:
    """Embeddings of the four sets from their cached features."""
    return Embedded(*(head(features[name]) for name in ("lfw high", "lfw low", "portraits high", "portraits low")))


def enrolment_seconds(material: Material, embed: Embed) -> float:
    """Processor seconds to enrol one more person with `REFERENCES` photos by embedding them."""
    started = time.process_time()
    embed(material.portraits.faces[:REFERENCES])
    return time.process_time() - started


def report_embeddings(
    folder: Path, row: Row, trained: Trained, material: Material, embedded: Embedded, embed: Embed, score: Score,
    data: str, seed: int, notes: Figures | None = None,
) -> Result:  # fmt: skip
    """Measures a method that embeds faces and writes its result. `embed` takes faces uint8 [n,112,112,3]."""
    figures, det = embedding_result(material, embedded, score, seed)
    result = Result(
        row.method, row.title, row.trained_on, trained.seconds, trained.steps, enrolment_seconds(material, embed),
        "embeds the photos", data, figures, det, notes or {},
    )  # fmt: skip
    write_result(folder, result)
    return result


def write_result(folder: Path, result: Result) -> None:
    """Writes `result-METHOD.json`, whole or not at all, and prints the figures."""
    path = folder / f"result-{result.method}.json"
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")
    os.replace(beside, path)
    shown: Sequence[str] = [f"{name} {100 * value:.1f}" for name, value in result.figures.items()]
    print(f"{result.method}: {result.seconds:.0f} s; per cent: {', '.join(shown)}")


def read_result(folder: Path, method: str) -> Result | None:
    """The row of a method, or None where it has not run."""
    path = folder / f"result-{method}.json"
    return Result(**json.loads(path.read_text("utf-8"))) if path.exists() else None
