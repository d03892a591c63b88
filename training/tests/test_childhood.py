"""What children have in common: found, written for the daemon, and left out of the similarity."""

import re
from pathlib import Path

import numpy as np
import pytest

from roomkin_training import childhood
from roomkin_training.metrics import normalised


def crowd(count: int, common: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Random unit vectors with `share` of a common direction."""
    rows = normalised(np.random.default_rng(seed).normal(size=(count, len(common))))
    return normalised(rows + share * common)


def two_directions(size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """What everybody has in common, and what children have besides, orthogonal."""
    usual, child = np.eye(size, dtype=np.float32)[:2]
    return usual, child


def test_the_direction_is_that_of_the_children_alone() -> None:
    usual, child = two_directions()
    adults = crowd(400, usual, 0.5, 1)
    children = crowd(400, normalised((usual + 2 * child)[None])[0], 1.0, 2)
    found = childhood.childhood(children, adults)
    assert abs(float(np.linalg.norm(found)) - 1) < 1e-5
    assert float(found @ child) > 0.98
    assert abs(float(found @ normalised(adults.mean(axis=0)[None])[0])) < 1e-5


def test_two_children_come_apart_and_nobody_comes_closer() -> None:
    _, child = two_directions()
    children, adults = crowd(60, child, 1.0, 3), crowd(60, child, 0.0, 4)
    every = np.concatenate([children, adults])
    cosine, found = every @ every.T, childhood.similarities(every, every, child)
    assert (found <= cosine + 1e-6).all()
    assert np.allclose(np.diag(found), 1, atol=1e-5)
    off = ~np.eye(60, dtype=bool)
    assert cosine[:60, :60][off].mean() > 0.4
    assert found[:60, :60][off].mean() < 0.2
    few = every[60:] @ child < childhood.MOST
    assert np.allclose(found[60:, 60:][few][:, few], cosine[60:, 60:][few][:, few], atol=1e-6)
    assert np.array_equal(childhood.similarities(every, every, None), cosine)
    # The definition, for one pair: both vectors with no more than the limit.
    too_much = np.maximum(every[:2] @ child - childhood.MOST, 0)
    left = normalised(every[:2] - np.outer(too_much, child))
    assert abs(float(left[0] @ left[1]) - float(found[0, 1])) < 1e-5


def test_confusions_are_counted_among_alike_people_only() -> None:
    from roomkin_training.data import Faces

    ages = np.array([2, 3, 2, 9, 40, 41])
    genders = np.array([0, 0, 1, 0, 0, 0])
    attributes = np.stack([ages, genders, np.zeros(6)], 1).astype(np.int16)
    nothing = np.zeros((6, 1, 1, 3), np.uint8)
    faces = Faces(
        nothing,
        np.zeros((6, 192), np.float32),
        np.full(6, -1, np.int32),
        attributes,
        np.zeros(6, np.int16),
        ("utk",),
        "",
    )
    same = normalised(np.ones((6, 8)))
    found = childhood.confused(faces, np.arange(6), same, None)
    assert found == {"1 to 3": [1.0, 1.0], "18 to 60": [1.0, 1.0]}
    apart = np.eye(8, dtype=np.float32)[:6]
    assert childhood.confused(faces, np.arange(6), apart, None)["1 to 3"] == [0.0, 0.0]


def test_likely_pairs_are_alike_for_the_teacher_and_no_copies() -> None:
    from roomkin_training.data import Faces

    rng = np.random.default_rng(8)
    images = rng.integers(0, 255, (5, 112, 112, 3)).astype(np.uint8)
    images[4] = images[0]  # a copy of one photo
    targets = np.eye(192, dtype=np.float32)[[0, 0, 1, 0, 0]]
    attributes = np.array([[5, 0, 0], [6, 0, 0], [7, 0, 0], [40, 0, 0], [5, 0, 0]], np.int16)
    unknown = np.full(5, -1, np.int32)
    faces = Faces(images, targets, unknown, attributes, np.zeros(5, np.int16), ("utk",), "")
    left, right = childhood.likely_pairs(faces)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 1), (1, 4)]


def test_whoever_is_nearer_to_the_cohort_needs_more() -> None:
    usual, _ = two_directions()
    cohort = crowd(300, usual, 0.5, 7)
    near, far = normalised(usual[None]), normalised(-usual[None])
    moved = childhood.shifts(np.concatenate([near, far]), cohort, None)
    assert moved[0] > moved[1]
    assert moved[1] == pytest.approx(-childhood.MOST_BELOW)
    assert moved[0] <= childhood.MOST_ABOVE


def test_the_code_for_the_daemon_holds_the_direction(tmp_path: Path) -> None:
    direction = normalised(np.random.default_rng(5).normal(size=(1, 192)))[0]
    path = tmp_path / "childhood.ts"
    path.write_text(childhood.source(direction, "some-192", "abc"), "utf-8")
    assert float(childhood.read_direction(path) @ direction) > 0.9999
    assert re.search(r"space: 'some-192'", path.read_text("utf-8"))
    path.write_text("nothing", "utf-8")
    with pytest.raises(ValueError, match=r"run roomkin_training\.childhood"):
        childhood.read_direction(path)


def test_the_shipped_direction_is_of_the_embedders_space() -> None:
    assert childhood.read_direction().shape == (192,)
    assert f"most: {childhood.MOST}" in childhood.CODE.read_text("utf-8")
