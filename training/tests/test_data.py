from pathlib import Path

import numpy as np
import pytest
from tiny_pack import write_pack

from roomkin_training.data import pack_hash, read_pack, shards, split


def test_reads_every_face_with_its_target(tmp_path: Path) -> None:
    write_pack(tmp_path)
    faces = read_pack(tmp_path, processes=1)
    assert faces.images.shape == (24, 112, 112, 3)
    assert faces.sources == ("celeba", "utk")
    assert np.allclose(np.linalg.norm(faces.targets, axis=1), 1, atol=1e-5)
    assert faces.draw_weights()[0] < faces.draw_weights()[-1]
    assert len(read_pack(tmp_path, limit=6, processes=1)) == 6


def test_the_hash_follows_the_bytes(tmp_path: Path) -> None:
    write_pack(tmp_path)
    before = pack_hash(shards(tmp_path))
    assert before == pack_hash(shards(tmp_path))
    write_pack(tmp_path, per_shard=11)
    assert before != pack_hash(shards(tmp_path))


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no shards"):
        shards(tmp_path)


def test_the_split_is_stable_and_complete() -> None:
    train, held = split(100, 10)
    assert len(held) == 10
    assert np.array_equal(np.sort(np.concatenate([train, held])), np.arange(100))
    assert np.array_equal(split(100, 10)[1], held)
