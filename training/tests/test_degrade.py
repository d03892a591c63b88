import numpy as np
import pytest

from roomkin_training.degrade import KINDS, degrade, degrade_all
from roomkin_training.golden import picture


def test_the_same_seed_and_index_give_the_same_bytes() -> None:
    face = picture("mixed", 112, 112)
    assert np.array_equal(degrade(face, 1, 2), degrade(face, 1, 2))
    assert not np.array_equal(degrade(face, 1, 2, "noisy"), degrade(face, 1, 3, "noisy"))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_spoils_what_it_says(kind: str) -> None:
    face = picture("mixed", 112, 112)
    bad = degrade(face, 5, 0, kind).astype(float)
    detail, before = np.abs(np.diff(bad, axis=1)).mean(), np.abs(np.diff(face.astype(float), axis=1)).mean()
    assert bad.shape == face.shape
    if kind == "dark":
        assert bad.mean() < 0.4 * face.mean()
    elif kind == "noisy":
        assert detail > before
    else:
        assert detail < 0.8 * before


def test_all_kinds_are_drawn() -> None:
    faces = np.full((60, 112, 112, 3), 128, dtype=np.uint8)
    bad = degrade_all(faces, 9).astype(float)
    unchanged = sum(bool((picture == 128).all()) for picture in bad)
    assert unchanged in range(15, 45)  # shrinking and blurring leave a grey face alone
    assert any(picture.mean() < 60 for picture in bad)
    assert any(picture.std() > 14 for picture in bad)
