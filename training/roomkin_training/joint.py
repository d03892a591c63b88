"""Several teachers asked at once, on any device: targets in their joined space (see spaces.py).

Invariant: the same numbers as `spaces.rotated(spaces.joined(...), basis)` of the teachers' mirrored means. The basis is
fixed once for a training and kept beside its checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .teacher import mirrored_mean


class Joint:
    """Teachers (pixels 0 to 255 float [n,3,112,112] to [n,d]), weights that sum to 1, and the basis [sum of d, k]."""

    def __init__(self, teachers: Sequence[Any], weights: Sequence[float], basis: Tensor) -> None:
        if len(teachers) != len(weights) or abs(sum(weights) - 1) > 1e-6 or min(weights) < 0:
            raise ValueError(f"weights {list(weights)} must be as many as the teachers and sum to 1")
        self.teachers, self.weights, self.basis = list(teachers), list(weights), basis

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        """Targets float [n, k] of length 1."""
        parts = [
            weight**0.5 * mirrored_mean(teacher, pixels)
            for teacher, weight in zip(self.teachers, self.weights, strict=True)
        ]
        return F.normalize(torch.cat(parts, dim=1) @ self.basis, dim=1)
