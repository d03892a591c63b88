"""The space that a student is taught: one teacher's embedding, or several, weighted, joined and rotated.

Invariant: a target has length 1, and the cosine of two targets is the weighted mean of the teachers'
cosines: sum of w_t cos_t. A rotation to fewer numbers keeps the directions with the largest variance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .metrics import normalised

Floats = npt.NDArray[np.float32]


def joined(embeddings: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """[n, sum of d] of length 1 from each teacher's [n, d] of length 1. Raises ValueError unless weights sum to 1."""
    if len(embeddings) != len(weights) or abs(sum(weights) - 1) > 1e-6 or min(weights) < 0:
        raise ValueError(f"weights {list(weights)} must be as many as the teachers and sum to 1")
    return np.concatenate(
        [np.float32(np.sqrt(weight)) * each for each, weight in zip(embeddings, weights, strict=True)], axis=1
    )


def rotation(targets: Floats, numbers: int) -> Floats:
    """The orthonormal [d, numbers] onto the principal directions of `targets` [n, d] (not centred: cosines stay)."""
    values, vectors = np.linalg.eigh(targets.T.astype(np.float64) @ targets.astype(np.float64))
    order = np.argsort(values)[::-1][:numbers]
    basis: Floats = vectors[:, order].astype(np.float32)
    return basis


def rotated(targets: Floats, basis: Floats) -> Floats:
    """Targets in the basis, of length 1."""
    return normalised(targets @ basis)
