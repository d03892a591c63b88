"""All the chance that one batch of pictures needs, drawn beforehand.

Invariant: the same generator state gives the same numbers in the same order. Drawn outside, so that what uses them is a
plain function of tensors, which a compiler can fuse whole: on a GPU the difference is a factor of three.
"""

from __future__ import annotations

import torch
from torch import Tensor

UNIFORMS, NORMALS, GRAINS = 72, 24, 2


class Dice:
    """Numbers for `count` pictures of `side` px; every call hands out the next ones, never the same twice."""

    def __init__(self, generator: torch.Generator, count: int, side: int, grains: int = GRAINS) -> None:
        device = generator.device
        self.uniforms = torch.rand(UNIFORMS, count, generator=generator, device=device)
        self.normals = torch.randn(NORMALS, count, generator=generator, device=device)
        self.grains = torch.randn(grains, count, 3, side, side, generator=generator, device=device)
        self.knots = torch.randn(count, 2, 5, 5, generator=generator, device=device)
        self.uniform_at = self.normal_at = self.grain_at = 0

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Float [count] between low and high. Raises IndexError when the numbers are used up."""
        self.uniform_at += 1
        return self.uniforms[self.uniform_at - 1] * (high - low) + low

    def normal(self) -> Tensor:
        """Standard normal, float [count]."""
        self.normal_at += 1
        return self.normals[self.normal_at - 1]

    def grain(self) -> Tensor:
        """Standard normal for every value of every picture, float [count,3,side,side]."""
        self.grain_at += 1
        return self.grains[self.grain_at - 1]

    def some(self, share: float, allowed: Tensor) -> Tensor:
        """True for about `share` of the pictures among those allowed, bool [count]."""
        return (self.uniform() < share) & allowed
