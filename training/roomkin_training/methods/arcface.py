"""ArcFace: a classifier over the training people with an additive angular margin, and no sampling of pairs.

Deng et al. 2019 (arXiv 1801.07698): the angle to the own person's centre is enlarged by the margin, logits are scaled
cosines. Deng et al. 2020 (sub-center ArcFace, ECCV): a person has several centres and the nearest counts, so that wrong
labels collect at a centre of their own.

The network is trained from scratch, or (`--frozen`) only a linear head on the cached features, where `--noise` gives a
share of the faces a wrong person to see what the sub-centres are good for.

    python -m roomkin_training.methods.arcface [--centres 3] [--frozen] [--noise 0.2]
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import DIMENSION
from ..metrics import normalised
from ..schedule import learning_rate
from ..student import Student
from .evaluation import Row, cosine, embed_material, report_embeddings
from .material import Floats, Rows, Subset, read_material, read_subset
from .networks import camera_input, embedder
from .running import Options, descend, fit, numpy_chance, options_of, parser, set_rate
from .trunk import network_head, on_trunk, read_trunk, subset_features

WIDTH = 0.25
MARGIN, SCALE = 0.5, 32.0
RATE = 2e-3
WARM_UP_STEPS = 20
# The margin grows over this part of the budget; with all of it at once a small network stays at the start.
MARGIN_GROWS_UNTIL = 0.5


def row(centres: int, frozen: bool, noise: float) -> Row:
    """What the table says of a run."""
    name = "arcface" + (f"-{centres}-centres" if centres > 1 else "") + ("-frozen" if frozen else "")
    title = "ArcFace" + (f", {centres} sub-centres" if centres > 1 else "")
    title += f", {noise:.0%} wrong labels" if noise else ""
    where = "linear head on the frozen trunk" if frozen else f"from scratch, width {WIDTH}"
    return Row(name + (f"-noise-{round(noise * 100)}" if noise else ""), title, where)


class Centres(nn.Module):
    """Embeddings float [n,d] of length 1 to scaled cosines float [n,people] with the margin on the own person."""

    def __init__(self, people: int, numbers: int, centres: int) -> None:
        super().__init__()
        self.people, self.centres = people, centres
        self.weight = nn.Parameter(torch.randn(people * centres, numbers) * 0.05)

    def forward(self, found: Tensor, person: Tensor, margin: float) -> Tensor:
        """Logits; `person` int64 [n]."""
        every = found @ F.normalize(self.weight, dim=1).T
        nearest = every.view(len(found), self.people, self.centres).amax(2).clamp(-1 + 1e-6, 1 - 1e-6)
        own = nearest.gather(1, person[:, None])
        turned = own * math.cos(margin) - torch.sqrt(1 - own.square()) * math.sin(margin)
        # Beyond pi - margin the cosine of the sum would rise again: a straight line of the same slope goes on there.
        past = own - math.sin(math.pi - margin) * margin
        own_logit = torch.where(own > math.cos(math.pi - margin), turned, past)
        return nearest.scatter(1, person[:, None], own_logit) * SCALE


def wrong_labels(person: Rows, noise: float, seed: int) -> Rows:
    """The people with a share `noise` of the faces given to another person, int64 [n]."""
    rng = np.random.default_rng(seed)
    labels, people = person.copy(), int(person.max()) + 1
    picked = rng.permutation(len(person))[: round(noise * len(person))]
    labels[picked] = (labels[picked] + rng.integers(1, people, len(picked))) % people
    return labels


class ArcFace:
    """The task. `features` float32 [n,views,f] of the frozen trunk, or None to train a network from scratch."""

    def __init__(
        self,
        subset: Subset,
        labels: Rows,
        features: Floats | None,
        centres: int,
        options: Options,
        width: float = WIDTH,
    ) -> None:
        torch.manual_seed(options.seed)
        self.images, self.options = subset.images, options
        self.labels = torch.from_numpy(labels)
        self.features = None if features is None else torch.from_numpy(features)
        self.network: nn.Module = Student(width) if features is None else nn.Linear(features.shape[-1], DIMENSION)
        self.last = Centres(subset.people, DIMENSION, centres)
        self.module = nn.ModuleDict({"network": self.network, "last": self.last}).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.module.parameters(), RATE, weight_decay=0.05)

    def step(self, number: int, fraction: float) -> Tensor:
        """One batch."""
        set_rate(self.optimizer, learning_rate(RATE, fraction, number, WARM_UP_STEPS))
        rng = numpy_chance(self.options.seed, number)
        rows = rng.integers(0, len(self.labels), self.options.batch)
        self.module.train()
        if self.features is None:
            raw = self.network(camera_input(self.images[rows], self.options.seed, number))
        else:
            raw = self.network(self.features[rows, rng.integers(0, self.features.shape[1], len(rows))])
        margin = MARGIN * min(1.0, fraction / MARGIN_GROWS_UNTIL)
        labels = self.labels[rows]
        return descend(self, F.cross_entropy(self.last(F.normalize(raw, dim=1), labels, margin), labels))


def main(words: Sequence[str] | None = None) -> None:
    """Trains and measures."""
    made = parser("Train with ArcFace.")
    made.add_argument("--centres", type=int, default=1, help="centres of each person")
    made.add_argument("--frozen", action="store_true", help="a linear head on the frozen trunk")
    made.add_argument("--noise", type=float, default=0.0, help="share of faces that get a wrong label")
    made.add_argument("--width", type=float, default=WIDTH)
    parsed = made.parse_args(words)
    options = options_of(parsed)
    torch.set_num_threads(1)
    here = row(parsed.centres, parsed.frozen, parsed.noise)
    subset = read_subset(options.pack, options.cache, options.people, options.photos, options.seed)
    trunk = read_trunk(options) if parsed.frozen else None
    features = subset_features(options, trunk, subset) if trunk else None
    labels = wrong_labels(subset.person, parsed.noise, options.seed)
    task = ArcFace(subset, labels, features, parsed.centres, options, parsed.width)
    trained = fit(task, options, here.method, subset.hash)
    material = read_material(options.evaluation, options.cache)
    if trunk is None:
        embed = embedder(task.network)
        embedded = embed_material(material, embed)
    else:
        head = network_head(task.network)
        embedded, embed = on_trunk(options, trunk, material, lambda values: normalised(head(values)))
    report_embeddings(options.cache, here, trained, material, embedded, embed, cosine, subset.hash, options.seed)


if __name__ == "__main__":
    main()
