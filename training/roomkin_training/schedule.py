"""How far a training is, and what follows from it: learning rate and resolution.

Invariant: both are functions of the fraction of the budget that is spent (time or pictures), so that a budget is always
used to its end and the learning rate always arrives at zero there, however fast the machine is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Budget:
    """Seconds of training or pictures to see; the larger fraction counts. Zero means no limit of that kind."""

    seconds: float = 0.0
    images: int = 0

    def fraction(self, seconds: float, images: int) -> float:
        """Spent part of the budget, 0 to 1."""
        parts = [seconds / self.seconds if self.seconds else 0.0, images / self.images if self.images else 0.0]
        return min(max(parts), 1.0)


def learning_rate(peak: float, fraction: float, step: int, warm_up_steps: int) -> float:
    """Linear warm-up over the first steps, then half a cosine down to zero (Loshchilov and Hutter 2017)."""
    warm = min(1.0, (step + 1) / warm_up_steps) if warm_up_steps else 1.0
    return peak * warm * 0.5 * (1.0 + math.cos(math.pi * fraction))


def parse_stages(text: str) -> list[tuple[int, float]]:
    """`64:0.3,112:1` to (side in px, fraction until which it holds). Raises ValueError if it does not end at 1."""
    stages = [(int(side), float(until)) for side, until in (part.split(":") for part in text.split(","))]
    if not stages or stages[-1][1] != 1.0 or any(a[1] >= b[1] for a, b in pairwise(stages)):
        raise ValueError(f"stages {text!r}: fractions must rise and end at 1")
    return stages


def resolution(stages: list[tuple[int, float]], fraction: float) -> int:
    """The side in px to train at now."""
    return next((side for side, until in stages if fraction < until), stages[-1][0])
