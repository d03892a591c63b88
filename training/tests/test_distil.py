from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pack import write_pack

from roomkin_training import checkpoint, curve
from roomkin_training.data import read_pack
from roomkin_training.distil import Run, arguments, train
from roomkin_training.student import Student


def run(pack: Path, out: Path, *words: str) -> Run:
    """A run of four steps of six pictures at 32 px, width 1/16."""
    out.mkdir(exist_ok=True)
    options = arguments(
        ["--pack", str(pack), "--out", str(out), "--width", "0.0625", "--images", "24", "--batch", "6", "--warm-up",
         "2", "--stages", "32:1", "--held-out", "4", "--device", "cpu", *words]
    )  # fmt: skip
    return Run(options, read_pack(pack, processes=1))


def weights(trained: Run) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in trained.student.state_dict().values()])


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(tmp_path: Path, optimizer: str) -> None:
    write_pack(tmp_path)
    torch.set_num_threads(1)  # sums in one order
    whole = run(tmp_path, tmp_path / "whole", "--optimizer", optimizer)
    for _ in range(4):
        whole.train_step()
    first = run(tmp_path, tmp_path / "parts", "--optimizer", optimizer)
    first.train_step()
    first.train_step()
    first.save()
    second = run(tmp_path, tmp_path / "parts", "--optimizer", optimizer)
    assert (second.step, second.images) == (2, 12)
    second.train_step()
    second.train_step()
    assert torch.allclose(weights(whole), weights(second), atol=1e-6)
    assert not torch.allclose(weights(whole), weights(first))


def test_training_leaves_weights_a_checkpoint_and_a_curve(tmp_path: Path) -> None:
    write_pack(tmp_path)
    trained = run(tmp_path, tmp_path / "out", "--arc", "0.1")
    train(trained)
    again = checkpoint.import_weights(tmp_path / "out/student.npz")
    pixels = torch.rand(1, 3, 112, 112)
    with torch.no_grad():
        found, expected = again.eval()(pixels), trained.average.student(pixels)
    assert float(torch.cosine_similarity(found, expected).min()) > 0.999
    assert len((tmp_path / "out/learning-curve.csv").read_text().splitlines()) == 2
    with np.load(tmp_path / "out/student.npz") as file:
        assert str(file["data_hash"]) == trained.data


def test_a_few_faces_can_be_learnt(tmp_path: Path) -> None:
    write_pack(tmp_path, per_shard=4)
    learner = run(tmp_path, tmp_path / "out", "--images", "6000", "--lr", "0.02", "--held-out", "1")
    start = float(sum(learner.train_step() for _ in range(3))) / 3
    for _ in range(40):
        learner.train_step()
    assert float(sum(learner.train_step() for _ in range(3))) / 3 > start + 0.1


def test_a_checkpoint_of_other_data_is_refused(tmp_path: Path) -> None:
    write_pack(tmp_path)
    run(tmp_path, tmp_path / "out").save()
    write_pack(tmp_path, per_shard=11)
    with pytest.raises(ValueError, match="use another folder"):
        run(tmp_path, tmp_path / "out")


def test_incomplete_weights_are_refused(tmp_path: Path) -> None:
    checkpoint.export_weights(tmp_path / "w.npz", Student(0.0625), "abc")
    with np.load(tmp_path / "w.npz") as file:
        arrays = {name: file[name] for name in file.files if name != "head.bias"}
    np.savez(tmp_path / "w.npz", **arrays)
    with pytest.raises(ValueError, match=r"head\.bias"):
        checkpoint.import_weights(tmp_path / "w.npz")


def test_the_curve_counts_pairs(tmp_path: Path) -> None:
    faces = np.random.default_rng(1).integers(0, 255, (40, 112, 112, 3)).astype(np.uint8)
    left, right = np.arange(0, 40, 2).repeat(2), np.arange(0, 40, 2).repeat(2)
    right[1::2] = np.roll(right[1::2], 1) + 1
    np.savez(tmp_path / "p.npz", faces=faces, left=left, right=right, label=left == right, fold=np.arange(40) // 10)
    pairs = curve.read_pairs(tmp_path / "p.npz")
    targets = torch.nn.functional.normalize(torch.ones(4, 192), dim=1)
    protocols = curve.Protocols(faces[:4], targets, pairs, torch.device("cpu"))
    projection = torch.randn(3 * 28 * 28, 192, generator=torch.Generator().manual_seed(2))

    def embed(pixels: torch.Tensor) -> torch.Tensor:
        return (torch.nn.functional.avg_pool2d(pixels, 4) - 127.5).flatten(1) @ projection

    figures = protocols.measure(embed)
    assert figures["lfw"] == 1.0
    assert figures["lfw_tar_far1"] == 1.0
    assert figures["low_high_tar_far1"] <= 1.0
