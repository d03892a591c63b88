import json
from pathlib import Path

import numpy as np
import pytest

from roomkin_training.alignment import TEMPLATE, similarity_transform, warp
from roomkin_training.golden import alignment_vectors, decode_vectors, picture

GOLDEN = Path(__file__).resolve().parents[2] / "test" / "golden"


def test_the_template_maps_onto_itself() -> None:
    assert np.allclose(similarity_transform(TEMPLATE), [[1, 0, 0], [0, 1, 0]])


def test_a_known_similarity_is_found_again() -> None:
    angle, scale, shift = 0.7, 2.5, np.array([31.0, -12.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = similarity_transform(TEMPLATE @ turn.T + shift)
    back = (TEMPLATE @ turn.T + shift) @ matrix[:, :2].T + matrix[:, 2]
    assert np.allclose(back, TEMPLATE)


def test_a_mirrored_face_is_not_turned_inside_out() -> None:
    matrix = similarity_transform(TEMPLATE * [-1, 1])
    assert np.linalg.det(matrix[:, :2]) > 0


def test_landmarks_in_one_point_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity_transform(np.full((4, 2), 7.0))


def test_warp_with_the_identity_changes_nothing() -> None:
    source = picture("mixed", 112, 112)
    assert np.array_equal(warp(source, np.array([[1.0, 0, 0], [0, 1, 0]])), source)


def test_warp_replicates_the_edges() -> None:
    source = picture("noise", 20, 20)
    crop = warp(source, np.array([[1.0, 0, 50], [0, 1, 50]]))
    assert np.array_equal(crop[0, 0], source[0, 0])
    assert np.array_equal(crop[111, 111], source[19, 19])


@pytest.mark.parametrize(("name", "make"), [("alignment", alignment_vectors), ("decode", decode_vectors)])
def test_golden_files_are_what_this_code_makes(name: str, make: object) -> None:
    assert callable(make)
    assert json.loads((GOLDEN / f"{name}.json").read_text("utf-8")) == json.loads(json.dumps(make()))
