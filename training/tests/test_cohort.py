import hashlib
import json
from pathlib import Path

import numpy as np
from tiny_pack import write_pack

from roomkin_training.childhood import read_direction, usual_nearness
from roomkin_training.cohort import Candidate, candidates, choose, pictures, stored, with_cohort
from roomkin_training.data import DIMENSION

SHIPPED = Path(__file__).resolve().parents[2] / "models/int8"


def unit(rng: np.random.Generator) -> np.ndarray:
    vector = rng.normal(size=DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def test_candidates_are_of_every_set_and_the_same_for_a_seed(tmp_path: Path) -> None:
    write_pack(tmp_path)
    first = candidates(tmp_path, 5, np.random.default_rng(3))
    again = candidates(tmp_path, 5, np.random.default_rng(3))
    assert {name: len(found) for name, found in first.items()} == {"celeba": 5, "utk": 5}
    assert [one.file for one in first["utk"]] == [one.file for one in again["utk"]]
    assert all(one.source == name for name, found in first.items() for one in found)


def test_nobody_is_chosen_twice() -> None:
    rng = np.random.default_rng(1)
    a, b, c = unit(rng), unit(rng), unit(rng)
    drawn = {
        "one": [Candidate("one", b"", 7, a), Candidate("one", b"", 7, b), Candidate("one", b"", 8, b)],
        "two": [Candidate("two", b"", -1, a), Candidate("two", b"", -1, c), Candidate("two", b"", -1, unit(rng))],
    }
    chosen = choose(drawn, 3)
    assert [(one.source, one.identity) for one in chosen] == [("one", 7), ("two", -1), ("one", 8)]
    assert chosen[1].target is c
    assert len(choose(drawn, 99)) == 4


def test_every_second_round_is_degraded(tmp_path: Path) -> None:
    write_pack(tmp_path)
    drawn = candidates(tmp_path, 2, np.random.default_rng(3))
    chosen = [drawn["celeba"][0], drawn["utk"][0]] * 2
    clean_a, clean_b, bad_a, bad_b = pictures(chosen, 2, seed=1)
    assert not np.array_equal(clean_a, bad_a)
    assert not np.array_equal(clean_b, bad_b)
    assert np.array_equal(pictures(chosen, 2, seed=1)[2], bad_a)


def test_stored_embeddings_keep_their_angles() -> None:
    rng = np.random.default_rng(2)
    vectors = np.stack([unit(rng) for _ in range(50)])
    steps, scale = stored(vectors)
    again = steps.astype(np.float32) * scale
    cosine = (again * vectors).sum(axis=1) / np.linalg.norm(again, axis=1)
    assert steps.dtype == np.int8
    assert cosine.min() > 0.999


def test_nearness_counts_the_closest_of_the_others() -> None:
    a, b = np.eye(DIMENSION, dtype=np.float32)[:2]
    assert usual_nearness(np.stack([a, a, b]), None) == np.float32(2 / 3)


def test_one_cohort_of_a_space() -> None:
    manifest = {"default": "x", "cohorts": [{"space": "s", "file": "old"}, {"space": "t", "file": "other"}]}
    files = [each["file"] for each in with_cohort(manifest, {"space": "s", "file": "new"})["cohorts"]]
    assert files == ["other", "new"]


def test_the_shipped_cohort_is_what_the_manifest_says() -> None:
    for entry in json.loads((SHIPPED / "manifest.json").read_text("utf-8"))["cohorts"]:
        data = (SHIPPED / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(data) == entry["count"] * entry["dimension"]
        assert sum(entry["madeFrom"].values()) == entry["count"] >= 1000
        vectors = np.frombuffer(data, np.int8).reshape(entry["count"], -1) * entry["scale"]
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=0.02)
        assert abs(usual_nearness(vectors.astype(np.float32), read_direction()) - entry["nearness"]) < 0.002
