"""A development protocol for children, made of the pack's own faces.

The pack has ages but no two photos of one child, so a genuine pair is one photo as two simulated cameras see it, and an
impostor pair is two children of one gender, at most two years apart. It says how well children are told apart under bad
conditions; it says nothing about a child who grows. The children are kept out of training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .data import Faces
from .degrade import degrade_all
from .metrics import tar_at_far

OLDEST = 12
SEED = 20261128

Rows = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


def held_children(faces: Faces, count: int = 400, seed: int = SEED) -> Rows:
    """Rows of `count` children of 1 to 12 years at most, sorted: the same for the same pack."""
    age = faces.attributes[:, 0]
    rows = np.flatnonzero((age >= 1) & (age <= OLDEST))
    return np.sort(np.random.default_rng(seed).permutation(rows)[:count])


@dataclass(frozen=True)
class ChildProtocol:
    """Both views uint8 [n,112,112,3], and which pairs (row of `first`, row of `second`) are impostors, bool [n,n]."""

    first: Bytes
    second: Bytes
    impostor: npt.NDArray[np.bool_]


def child_protocol(faces: Faces, rows: Rows, seed: int = SEED) -> ChildProtocol:
    """Two degraded views of each child, and the pairs of like children."""
    images = faces.images[rows]
    age, gender = faces.attributes[rows, 0].astype(int), faces.attributes[rows, 1]
    alike = (np.abs(age[:, None] - age[None, :]) <= 2) & (gender[:, None] == gender[None, :])
    np.fill_diagonal(alike, False)
    return ChildProtocol(degrade_all(images, seed), degrade_all(images, seed + 1), alike)


def child_figures(
    protocol: ChildProtocol, first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]
) -> dict[str, float]:
    """TAR at FAR 1 % and 0.1 % from embeddings of length 1 of both views, [n, d]."""
    scores = first @ second.T
    genuine = np.diag(scores)
    similarity = np.concatenate([genuine, scores[protocol.impostor]])
    label = np.concatenate([np.ones(len(genuine), bool), np.zeros(int(protocol.impostor.sum()), bool)])
    return {
        "child_tar_far1": tar_at_far(similarity, label, 0.01),
        "child_tar_far01": tar_at_far(similarity, label, 0.001),
    }
