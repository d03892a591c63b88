"""Which interval of a tensor's values the 256 steps of int8 cover. Pure functions of histograms.

Invariant: every range holds zero (padding and ReLU need it exact) and is never empty.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RULES = ("minmax", "percentile", "mse")
PERCENTILE = 99.99
STEPS = 255


def _shares(counts: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    total = np.cumsum(counts.astype(np.float64))
    return total / max(float(total[-1]), 1.0)


def by_percentile(low: float, high: float, counts: npt.NDArray[np.integer]) -> tuple[float, float]:
    """The central 99.99 % (half of the rest cut from either end that is not zero)."""
    edges = np.linspace(low, high, len(counts) + 1)
    shares = _shares(counts)
    tail = (1 - PERCENTILE / 100) / (2 if low < 0 else 1)
    top = edges[min(int(np.searchsorted(shares, 1 - tail)) + 1, len(counts))]
    bottom = edges[int(np.searchsorted(shares, tail))] if low < 0 else 0.0
    return float(bottom), float(top)


def by_error(low: float, high: float, counts: npt.NDArray[np.integer]) -> tuple[float, float]:
    """The interval whose rounding and clipping together make the least mean squared error."""
    edges = np.linspace(low, high, len(counts) + 1)
    values = (edges[:-1] + edges[1:]) / 2
    used = counts > 0
    values, weights = values[used], counts[used].astype(np.float64)
    parts = np.linspace(0.2, 1.0, 41)
    best, chosen = np.inf, (low, high)
    for lower in parts * low if low < 0 else [0.0]:
        for upper in parts * high:
            step = (upper - lower) / STEPS
            clipped = np.clip(values, lower, upper)
            # inside: the variance of rounding; a bin is narrower than a step, so rounding it would be luck
            inside = step * step / 12
            error = float((weights * ((values - clipped) ** 2 + inside)).sum())
            if error < best:
                best, chosen = error, (float(lower), float(upper))
    return chosen


def choose(rule: str, low: float, high: float, counts: npt.NDArray[np.integer]) -> tuple[float, float]:
    """The range by `rule` (one of RULES) for a histogram between `low` and `high`. Raises ValueError for another."""
    low, high = min(low, 0.0), max(high, 1e-6)
    if rule == "minmax":
        return low, high
    if rule == "percentile":
        bottom, top = by_percentile(low, high, counts)
    elif rule == "mse":
        bottom, top = by_error(low, high, counts)
    else:
        raise ValueError(f"no rule {rule}; there are {', '.join(RULES)}")
    return min(bottom, 0.0), max(top, 1e-6)
