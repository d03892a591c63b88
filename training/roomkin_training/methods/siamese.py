"""A Siamese DenseNet-121 with contrastive loss, from scratch; two faces match when their distance is small.

Huang et al. 2017 (arXiv 1608.06993): growth 32, blocks of 6, 12, 24 and 16 layers, bottlenecks of 4 x growth, and
compression 0.5. Hadsell, Chopra and LeCun 2006: similar pairs are pulled together, dissimilar ones pushed apart up to
a margin. Adam with a one-cycle schedule (Smith 2018, arXiv 1803.09820): beta1 moves against the learning rate.

    python -m roomkin_training.methods.siamese
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .evaluation import Row, embed_material, report_embeddings
from .material import Floats, Subset, read_material, read_subset
from .networks import camera_input, draw_pairs, embedder
from .running import Options, arguments, descend, fit, numpy_chance

ROW = Row("siamese", "Siamese DenseNet-121, contrastive", "from scratch")
GROWTH, BOTTLENECK, COMPRESSION = 32, 4, 0.5
BLOCKS = (6, 12, 24, 16)
NUMBERS = 32
MARGIN = 1.0
PEAK_RATE, BETA2 = 1e-3, 0.99
SMALLEST_SQUARE = 1e-12


class Layer(nn.Module):
    """Normalise, rectify, 1x1 bottleneck, the same with 3x3, and append: [n,i,h,w] to [n,i+growth,h,w]."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        middle = BOTTLENECK * growth
        self.a, self.b = nn.BatchNorm2d(inputs), nn.BatchNorm2d(middle)
        self.reduce = nn.Conv2d(inputs, middle, 1, bias=False)
        self.grow = nn.Conv2d(middle, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Appends `growth` maps."""
        new = self.grow(F.relu(self.b(self.reduce(F.relu(self.a(x))))))
        return torch.cat([x, new], 1)


class DenseNet(nn.Module):
    """Float [n,3,s,s] to embeddings float [n,32] of any length."""

    def __init__(self, growth: int = GROWTH, blocks: Sequence[int] = BLOCKS, numbers: int = NUMBERS) -> None:
        super().__init__()
        channels = 2 * growth
        layers: list[nn.Module] = [
            nn.Conv2d(3, channels, 7, 2, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        ]  # fmt: skip
        for number, count in enumerate(blocks):
            for _ in range(count):
                layers.append(Layer(channels, growth))
                channels += growth
            if number < len(blocks) - 1:
                fewer = int(channels * COMPRESSION)
                layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, fewer, 1, bias=False)]
                layers.append(nn.AvgPool2d(2))
                channels = fewer
        self.body = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())
        self.head = nn.Linear(channels, numbers)

    def forward(self, x: Tensor) -> Tensor:
        """Embeds a batch."""
        found: Tensor = self.head(self.body(x).mean((2, 3)))
        return found


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances [n]. At distance 0 the gradient is 0 and not NaN: the square root is of 1e-12 at least."""
    return (a - b).square().sum(1).clamp_min(SMALLEST_SQUARE).sqrt()


def contrastive_loss(a: Tensor, b: Tensor, same: Tensor, margin: float = MARGIN) -> Tensor:
    """Mean of d^2 where `same` [n] is 1 and of (margin - d)^2, as far as positive, where it is 0."""
    apart = distance(a, b)
    return (same * apart.square() + (1 - same) * F.relu(margin - apart).square()).mean()


def one_cycle(fraction: float, peak: float = PEAK_RATE) -> tuple[float, float]:
    """Learning rate and beta1 after a fraction of the budget: up to the peak until 0.3, then down to peak / 10,000.

    Cosine in both parts; beta1 goes from 0.95 to 0.85 and back.
    """
    up = fraction < 0.3
    part = fraction / 0.3 if up else (fraction - 0.3) / 0.7
    share = 0.5 * (1 - math.cos(math.pi * part))
    low = peak / 25 if up else peak / 10_000
    height = share if up else 1 - share
    return low + (peak - low) * height, 0.95 - 0.1 * height


class Siamese:
    """The task: pairs, half of them similar."""

    def __init__(self, network: nn.Module, subset: Subset, options: Options) -> None:
        self.module, self.subset, self.options = network, subset, options
        self.optimizer = torch.optim.Adam(network.parameters(), PEAK_RATE, betas=(0.95, BETA2))

    def step(self, number: int, fraction: float) -> Tensor:
        """One batch of pairs."""
        rate, beta1 = one_cycle(fraction)
        for group in self.optimizer.param_groups:
            group["lr"], group["betas"] = rate, (beta1, BETA2)
        seed = self.options.seed
        left, right, same = draw_pairs(self.subset.person, self.options.batch // 2, numpy_chance(seed, number))
        self.module.train()
        both = self.module(camera_input(self.subset.images[np.concatenate([left, right])], seed, number))
        return descend(self, contrastive_loss(both[: len(left)], both[len(left) :], same))


def closeness(probes: Floats, references: Floats) -> Floats:
    """Minus the distance, float32 [p, r]."""
    squares = (probes**2).sum(1)[:, None] + (references**2).sum(1)[None] - 2 * probes @ references.T
    found: Floats = -np.sqrt(np.maximum(squares, 0)).astype(np.float32)
    return found


def main(words: Sequence[str] | None = None, network: nn.Module | None = None) -> None:
    """Trains and measures."""
    options = arguments("Train a Siamese DenseNet-121 with contrastive loss.", words)
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    subset = read_subset(options.pack, options.cache, options.people, options.photos, options.seed)
    task = Siamese(network or DenseNet(), subset, options)
    trained = fit(task, options, ROW.method, subset.hash)
    embed = embedder(task.module, unit=False)
    material = read_material(options.evaluation, options.cache)
    report_embeddings(
        options.cache, ROW, trained, material, embed_material(material, embed), embed, closeness, subset.hash,
        options.seed,
    )  # fmt: skip


if __name__ == "__main__":
    main()
