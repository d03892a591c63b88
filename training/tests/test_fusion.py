"""Fusion of two networks' scores, on drawn numbers."""

import numpy as np
import pytest

from roomkin_training.children import ChildProtocol
from roomkin_training.data import AlignedPairs
from roomkin_training.fusion import Scores, child_pairs, figures, fused, some_pairs, table


@pytest.fixture
def scores() -> Scores:
    """Two networks of equal skill whose errors are independent: 400 pairs in ten folds."""
    rng = np.random.default_rng(6)
    same = np.arange(400) % 2 == 0
    one, two = (rng.normal(size=400) * 0.1 + np.where(same, 0.45, 0.1) for _ in range(2))
    return Scores(one, two, same, np.arange(400) // 40)


def test_two_independent_networks_err_less_than_one(scores: Scores) -> None:
    rows = table(scores, [0.2])
    assert rows["both"]["accuracy"] > max(rows["student"]["accuracy"], rows["sface"]["accuracy"])
    assert rows["doubt 0.2"]["accuracy"] > rows["student"]["accuracy"]
    assert rows["student"]["asked"] == 0
    assert rows["both"]["asked"] == 1
    assert rows["doubt 0.2"]["asked"] == pytest.approx(0.2, abs=0.08)


def test_without_doubt_the_student_decides_and_outside_the_band_it_still_does(scores: Scores) -> None:
    alone, asked = fused(scores, 0.0)
    assert not asked.any()
    value, asked = fused(scores, 0.1)
    assert np.array_equal(value[~asked] >= 0, alone[~asked] >= 0)


def test_a_useless_second_network_cannot_be_asked_for_free(scores: Scores) -> None:
    noise = Scores(scores.student, np.random.default_rng(7).normal(size=400), scores.same, scores.fold)
    assert figures(noise, 1.0)["accuracy"] < figures(noise, 0.0)["accuracy"]


def test_some_pairs_keeps_only_the_faces_that_it_needs() -> None:
    images = np.arange(80, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    left, right = np.arange(40), np.arange(40, 80)
    pairs = AlignedPairs(images, left, right, np.arange(40) % 2 == 0, np.arange(40) // 4)
    few = some_pairs(pairs, 10)
    assert len(few.same) == 20
    assert few.same.sum() == 10
    assert len(few.images) == 40
    assert np.array_equal(few.images[few.left][:, 0, 0, 0] + 40, few.images[few.right][:, 0, 0, 0])
    assert some_pairs(pairs, 0) is pairs


def test_pairs_of_children_are_their_two_views_and_like_children() -> None:
    first = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    impostor = np.zeros((4, 4), bool)
    impostor[0, 2] = impostor[3, 1] = True
    pairs = child_pairs(ChildProtocol(first, first + 10, impostor), folds=2)
    sides = [
        (int(pairs.images[row][0, 0, 0]), int(pairs.images[other][0, 0, 0]))
        for row, other in zip(pairs.left, pairs.right, strict=True)
    ]
    assert sides == [(0, 10), (1, 11), (2, 12), (3, 13), (0, 12), (3, 11)]
    assert pairs.same.tolist() == [True] * 4 + [False] * 2
    assert pairs.fold.tolist() == [0, 1, 0, 1, 0, 1]
