"""Triplet loss on the frozen trunk: a small head on cached features, with triplets that are hard but not the hardest.

FaceNet (Schroff et al. 2015, arXiv 1503.03832) with the triplets of an epoch drawn from an index of nearest
neighbours of the head's own embeddings, rebuilt each epoch: near faces of other people are drawn more often the nearer
they are, and photos of the same person the farther they are. The hardest alone would be mostly wrong labels.

    python -m roomkin_training.methods.triplet
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..metrics import fold_accuracy
from ..schedule import learning_rate
from .evaluation import FOLDS, Row, cosine, report_embeddings
from .material import Floats, Portraits, Rows, read_material, read_subset
from .running import Options, arguments, descend, fit, numpy_chance, set_rate
from .trunk import network_head, on_trunk, read_trunk, subset_features

ROW = Row("triplet", "triplet loss, head on the frozen trunk", "head 512-256-128")
WIDTHS = (512, 256, 128)
MARGIN = 0.2
RATE = 1e-3
NEIGHBOURS = 32
TEMPERATURE = 0.1
DECISIONS = 800
MEASURED_SEED = 20261129


class Head(nn.Module):
    """Features float [n,f] to embeddings float [n,128] of length 1; features are standardised first."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, features: Floats) -> None:
        super().__init__()
        flat = features.reshape(-1, features.shape[-1])
        self.register_buffer("mean", torch.from_numpy(flat.mean(0)))
        self.register_buffer("deviation", torch.from_numpy(flat.std(0) + 1e-3))
        sizes = [features.shape[-1], *WIDTHS]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Embeds."""
        return F.normalize(self.layers((x - self.mean) / self.deviation), dim=1)


def near_weights(similarity: Tensor, other: Tensor) -> Tensor:
    """Weights [n,k] of negatives from similarities [n,k] to neighbours: higher for nearer, 0 unless `other` person."""
    weights = torch.exp(similarity / TEMPERATURE) * other
    return weights / weights.sum(1, keepdim=True).clamp_min(1e-12)


def far_weights(similarity: Tensor, usable: Tensor) -> Tensor:
    """Weights [n,k] of positives from similarities [n,k]: higher for farther, 0 unless `usable`."""
    weights = torch.exp(-similarity / TEMPERATURE) * usable
    return weights / weights.sum(1, keepdim=True).clamp_min(1e-12)


class Index(nn.Module):
    """Whom a face is compared with in this epoch: rows and weights of negatives and positives, in the checkpoint."""

    negatives: Tensor
    negative_weights: Tensor
    positives: Tensor
    positive_weights: Tensor

    def __init__(self, person: Rows) -> None:
        super().__init__()
        self.person = torch.from_numpy(person)
        photos = int(np.bincount(person).max())
        count, near = len(person), min(NEIGHBOURS, len(person) - photos)
        for name, width, kind in (
            ("negatives", near, torch.long), ("negative_weights", near, torch.float32),
            ("positives", photos, torch.long), ("positive_weights", photos, torch.float32),
        ):  # fmt: skip
            self.register_buffer(name, torch.zeros(count, width, dtype=kind))
        mine: list[Rows] = [np.flatnonzero(person == one) for one in person]
        for place, rows in enumerate(mine):
            self.positives[place] = torch.from_numpy(np.resize(rows, photos))
            # A row that is repeated to fill the width counts once; the face itself does not count.
            self.positive_weights[place, : len(rows)] = torch.from_numpy((rows != place).astype(np.float32))
        self.usable = (self.positive_weights > 0).float()

    @torch.no_grad()
    def rebuild(self, embedded: Tensor) -> None:
        """From embeddings [n,d] of length 1 of all faces."""
        similarity = embedded @ embedded.T
        other = similarity.masked_fill(self.person[:, None] == self.person[None], -2.0)
        near = other.topk(self.negatives.shape[1], dim=1)
        self.negatives.copy_(near.indices)
        self.negative_weights.copy_(near_weights(near.values, (near.values > -2).float()))
        self.positive_weights.copy_(far_weights(similarity.gather(1, self.positives), self.usable))

    def draw(self, anchors: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """A positive and a negative row for each anchor row."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        picked = [
            rows[anchors].gather(1, torch.multinomial(weights[anchors], 1, generator=generator))[:, 0]
            for rows, weights in (
                (self.positives, self.positive_weights), (self.negatives, self.negative_weights),
            )
        ]  # fmt: skip
        return picked[0], picked[1]


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = MARGIN) -> Tensor:
    """Mean of the squared distance to the positive less that to the negative plus the margin, as far as positive."""
    near, far = (anchor - positive).square().sum(1), (anchor - negative).square().sum(1)
    return F.relu(near - far + margin).mean()


class Triplets:
    """The task. `features` float32 [n,views,f]; each face of a triplet is one of its views."""

    def __init__(self, features: Floats, person: Rows, options: Options) -> None:
        torch.manual_seed(options.seed)
        self.features, self.options = torch.from_numpy(features), options
        self.head, self.index = Head(features), Index(person)
        self.module = nn.ModuleDict({"head": self.head, "index": self.index})
        self.optimizer = torch.optim.Adam(self.head.parameters(), RATE)
        self.epoch_steps = max(1, len(person) // options.batch)

    def step(self, number: int, fraction: float) -> Tensor:
        """One batch of triplets; the index is rebuilt at the start of each epoch."""
        rng = numpy_chance(self.options.seed, number)
        if number % self.epoch_steps == 0:
            with torch.no_grad():
                self.index.rebuild(self.head(self.features[:, 0]))
        set_rate(self.optimizer, learning_rate(RATE, fraction, number, 0))
        anchors = torch.from_numpy(rng.integers(0, len(self.features), self.options.batch))
        rows = [anchors, *self.index.draw(anchors, rng)]
        views = [torch.from_numpy(rng.integers(0, self.features.shape[1], len(anchors))) for _ in rows]
        found = [self.head(self.features[row, view]) for row, view in zip(rows, views, strict=True)]
        return descend(self, triplet_loss(found[0], found[1], found[2]))


def write_triplets(path: Path, portraits: Portraits, count: int) -> None:
    """A CSV of `count` rows `anchor,positive,negative` of portraits' file names; the first two are of one person."""
    rng = np.random.default_rng(MEASURED_SEED)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["anchor", "positive", "negative"])
        for _ in range(count):
            anchor = int(rng.integers(len(portraits.person)))
            mine = portraits.person == portraits.person[anchor]
            positive = rng.choice(np.setdiff1d(np.flatnonzero(mine), [anchor]))
            writer.writerow(
                [portraits.names[row] for row in (anchor, int(positive), rng.choice(np.flatnonzero(~mine)))]
            )


def decisions(path: Path, portraits: Portraits, embedded: Floats) -> float:
    """Accuracy of two decisions a row of the CSV (anchor and positive, anchor and negative), threshold by 10-fold.

    Raises ValueError for a row that names no portrait.
    """
    row_of = {name: row for row, name in enumerate(portraits.names)}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {row[column] for row in rows for column in ("anchor", "positive", "negative")}
    if not names <= row_of.keys():
        raise ValueError(f"{path} names {sorted(names - row_of.keys())[0]}, which is not among the portraits")
    places = np.array([[row_of[row[column]] for column in ("anchor", "positive", "negative")] for row in rows])
    anchor, positive, negative = (embedded[places[:, column]] for column in range(3))
    scores = np.concatenate([(anchor * positive).sum(1), (anchor * negative).sum(1)])
    label = np.repeat([True, False], len(places))
    return fold_accuracy(scores, label, np.tile(np.arange(len(places)) % FOLDS, 2))[0]


def main(words: Sequence[str] | None = None) -> None:
    """Trains and measures."""
    options = arguments("Train a head on the frozen trunk with triplet loss.", words)
    torch.set_num_threads(1)
    trunk = read_trunk(options)
    subset = read_subset(options.pack, options.cache, options.people, options.photos, options.seed)
    task = Triplets(subset_features(options, trunk, subset), subset.person, options)
    trained = fit(task, options, ROW.method, subset.hash)
    material = read_material(options.evaluation, options.cache)
    embedded, embed = on_trunk(options, trunk, material, network_head(task.head))
    rows = options.cache / "triplets.csv"
    write_triplets(rows, material.portraits, DECISIONS // 2)
    notes = {"decisions": decisions(rows, material.portraits, embedded.portraits_high)}
    report_embeddings(options.cache, ROW, trained, material, embedded, embed, cosine, subset.hash, options.seed, notes)


if __name__ == "__main__":
    main()
