from pathlib import Path

import numpy as np
import pytest

from roomkin_training.metrics import best_threshold, fold_accuracy, open_set_fnir, rank_one, tar_at_far
from roomkin_training.pairs import read_pairs


def test_threshold_lies_in_the_gap() -> None:
    assert best_threshold(np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, True, False, False])) == pytest.approx(0.5)


def test_fold_accuracy_never_uses_the_judged_fold() -> None:
    # in fold 1 everything is 0.5 higher, so the threshold of fold 0 accepts all of it: half are wrong
    similarity = np.array([0.4, 0.0, 0.9, 0.5])
    label = np.array([True, False, True, False])
    accuracy, _ = fold_accuracy(similarity, label, np.array([0, 0, 1, 1]))
    assert accuracy == pytest.approx(0.5)


def test_tar_counts_only_what_beats_the_allowed_impostors() -> None:
    impostors = np.linspace(0.0, 0.5, 100)
    genuine = np.array([0.6, 0.499, 0.496, 0.2])
    similarity = np.concatenate([impostors, genuine])
    label = np.concatenate([np.zeros(100, dtype=bool), np.ones(4, dtype=bool)])
    assert tar_at_far(similarity, label, 0.01) == pytest.approx(0.75)
    assert tar_at_far(similarity, label, 0.0) == pytest.approx(0.25)


def test_search_finds_the_nearest_and_rejects_strangers() -> None:
    gallery, ids = np.eye(3), np.arange(3)
    probes = np.array([[1, 0, 0], [0, 0.9, 0.1], [0.6, 0.8, 0]])
    probe_ids = np.array([0, 1, 0])
    strangers = np.array([[0.7, 0, 0], [0, 0.1, 0]])
    assert rank_one(gallery, ids, probes, probe_ids) == pytest.approx(2 / 3)
    assert open_set_fnir(gallery, ids, probes, probe_ids, strangers, 0.0) == pytest.approx(1 / 3)


def test_pairs_are_read_and_a_bad_line_is_named(tmp_path: Path) -> None:
    good = tmp_path / "pairs.txt"
    good.write_text("# head\n1 0 a/1.jpg a/2.jpg\n0 3 a/1.jpg b/1.jpg low\n", "utf-8")
    pairs = read_pairs(good)
    assert pairs.names == ["a/1.jpg", "a/2.jpg", "b/1.jpg"]
    assert pairs.label.tolist() == [True, False]
    assert pairs.fold.tolist() == [0, 3]
    good.write_text("1 0 a b\nyes 0 a b\n", "utf-8")
    with pytest.raises(ValueError, match=":2:"):
        read_pairs(good)
