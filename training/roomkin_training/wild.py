"""A development protocol of photos in the wild: pairs of people of the pack who are kept out of training.

Genuine pairs are two photos of one person, impostor pairs photos of two people, of CelebA (soft, small) and celeb1000
(sharp). The people are in no other protocol. Their photos were in the training of the first student, whose teacher
labelled them; the labels of identity were not used.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .data import AlignedPairs, Faces
from .metrics import fold_accuracy, tar_at_far

SEED = 20261129
FOLDS = 10

Rows = npt.NDArray[np.int64]


def _people(faces: Faces, count: int, seed: int) -> npt.NDArray[np.int32]:
    known, photos = np.unique(faces.identity[faces.identity >= 0], return_counts=True)
    picked: npt.NDArray[np.int32] = np.random.default_rng(seed).permutation(known[photos >= 4])[:count]
    return picked


def held_identities(faces: Faces, count: int = 400, seed: int = SEED) -> Rows:
    """Every row of the people who are kept out, sorted: the same for the same pack."""
    return np.flatnonzero(np.isin(faces.identity, _people(faces, count, seed)))


def wild_protocol(faces: Faces, count: int = 400, seed: int = SEED) -> AlignedPairs:
    """Two pairs of each person's first four photos, and twenty times as many pairs of two people."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([np.flatnonzero(faces.identity == person)[:4] for person in _people(faces, count, seed)])
    people = len(rows) // 4
    first = np.arange(people) * 4
    left, right = [np.concatenate([first, first + 2])], [np.concatenate([first + 1, first + 3])]
    a, b = rng.integers(0, people, (2, people * 40))
    different = a != b
    left.append(a[different] * 4 + rng.integers(0, 4, int(different.sum())))
    right.append(b[different] * 4 + rng.integers(0, 4, int(different.sum())))
    same = np.concatenate([np.ones(len(left[0]), bool), np.zeros(len(left[1]), bool)])
    all_left, all_right = np.concatenate(left), np.concatenate(right)
    return AlignedPairs(faces.images[rows], all_left, all_right, same, all_left // 4 % FOLDS)


def wild_figures(protocol: AlignedPairs, embedded: npt.NDArray[np.float32]) -> dict[str, float]:
    """TAR at FAR 1 % and 0.1 %, and accuracy with equally many pairs of both kinds, from embeddings [n, d]."""
    scores = (embedded[protocol.left] * embedded[protocol.right]).sum(axis=1)
    genuine = int(protocol.same.sum())
    even = np.concatenate([np.arange(genuine), np.arange(genuine, 2 * genuine)])
    return {
        "wild": fold_accuracy(scores[even], protocol.same[even], protocol.fold[even])[0],
        "wild_tar_far1": tar_at_far(scores, protocol.same, 0.01),
        "wild_tar_far01": tar_at_far(scores, protocol.same, 0.001),
    }
