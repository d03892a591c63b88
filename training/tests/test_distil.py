from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pack import write_pack
from tiny_teacher import CHANNELS, write_teacher

from roomkin_training import augment, checkpoint, curve, geometry
from roomkin_training.data import read_pack
from roomkin_training.dice import Dice
from roomkin_training.distil import Run, arguments, train
from roomkin_training.losses import mirrored
from roomkin_training.student import Student, stage_channels
from roomkin_training.teacher import Teacher, hint_slots, load_program


def run(pack: Path, out: Path, *words: str) -> Run:
    """A run of four steps of six pictures at 32 px, width 1/16."""
    out.mkdir(exist_ok=True)
    options = arguments(
        ["--pack", str(pack), "--out", str(out), "--width", "0.0625", "--images", "24", "--batch", "6", "--warm-up",
         "2", "--stages", "32:1", "--held-out", "4", "--device", "cpu", *words]
    )  # fmt: skip
    return Run(options, read_pack(pack, processes=1))


def projections(trained: Run) -> torch.Tensor:
    assert trained.hint_loss is not None
    return torch.cat([value.detach().flatten() for value in trained.hint_loss.parameters()])


def weights(trained: Run) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in trained.student.state_dict().values()])


def hinted(pack: Path) -> tuple[str, ...]:
    """The words that ask for the teacher's hidden maps, of a tiny teacher."""
    write_teacher(pack / "teacher.npz")
    return ("--teacher", str(pack / "teacher.npz"), "--features", "0.5")


@pytest.mark.parametrize(("optimizer", "features"), [("adamw", False), ("muon", False), ("muon", True)])
def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(
    tmp_path: Path, optimizer: str, features: bool
) -> None:
    write_pack(tmp_path)
    words = ("--optimizer", optimizer, *(hinted(tmp_path) if features else ()))
    torch.set_num_threads(1)  # sums in one order
    whole = run(tmp_path, tmp_path / "whole", *words)
    for _ in range(4):
        whole.train_step()
    first = run(tmp_path, tmp_path / "parts", *words)
    first.train_step()
    first.train_step()
    first.save()
    second = run(tmp_path, tmp_path / "parts", *words)
    assert (second.step, second.images) == (2, 12)
    second.train_step()
    second.train_step()
    assert torch.allclose(weights(whole), weights(second), atol=1e-6)
    assert not torch.allclose(weights(whole), weights(first))
    if features:
        assert torch.allclose(projections(whole), projections(second), atol=1e-6)
        assert not torch.allclose(projections(whole), projections(first))


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


def test_hints_teach_the_student_and_stay_out_of_its_weights(tmp_path: Path) -> None:
    write_pack(tmp_path)
    words = hinted(tmp_path)
    plain, with_hints = run(tmp_path, tmp_path / "a", *words[:2]), run(tmp_path, tmp_path / "b", *words)
    assert torch.equal(weights(plain), weights(with_hints))
    start = projections(with_hints)
    plain.train_step()
    with_hints.train_step()
    assert torch.equal(plain.generator.get_state(), with_hints.generator.get_state())  # the same pictures
    assert not torch.allclose(weights(plain), weights(with_hints))
    assert not torch.allclose(projections(with_hints), start)
    with_hints.save()
    plain.save()
    with np.load(tmp_path / "a/student.npz") as one, np.load(tmp_path / "b/student.npz") as other:
        assert one.files == other.files
    with pytest.raises(ValueError, match="made with --features"):
        run(tmp_path, tmp_path / "b", *words[:2])
    with pytest.raises(ValueError, match="made without --features"):
        run(tmp_path, tmp_path / "a", *words)


def test_hints_can_be_learnt(tmp_path: Path) -> None:
    write_pack(tmp_path, per_shard=4)
    words = (*hinted(tmp_path), "--blended", "0", "--stages", "112:1")
    learner = run(tmp_path, tmp_path / "out", "--images", "6000", "--lr", "0.01", "--held-out", "1", *words)
    assert learner.hint_loss is not None
    costs: list[float] = []
    learner.hint_loss.register_forward_hook(lambda _module, _inputs, cost: costs.append(float(cost.detach())))
    for _ in range(25):
        learner.train_step()
    assert np.mean(costs[-3:]) < np.mean(costs[:3]) - 0.1


def test_hints_need_a_teacher(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        arguments(["--pack", str(tmp_path), "--out", str(tmp_path), "--images", "1", "--features", "1"])


def test_the_maps_are_the_stages_of_the_student_and_the_sums_of_the_teacher(tmp_path: Path) -> None:
    torch.manual_seed(1)
    student, pixels = Student(0.0625).eval(), torch.rand(2, 3, 112, 112)
    embedding, maps = student.with_maps(pixels)
    assert torch.equal(embedding, student(pixels))
    assert [m.shape[1:3] for m in maps] == list(zip(stage_channels(0.0625), (28, 14, 7, 4), strict=True))
    write_teacher(tmp_path / "teacher.npz")
    steps, values = load_program(tmp_path / "teacher.npz")
    assert hint_slots(steps) == [6, 11, 16]
    assert [tuple(h.shape) for h in Teacher(steps, values).hints(pixels)] == [
        (2, CHANNELS, side, side) for side in (28, 14, 7)
    ]


def test_placement_is_where_the_camera_puts_the_face() -> None:
    dice = Dice(torch.Generator().manual_seed(3), 16, 112)
    ramp = torch.linspace(0.2, 0.8, 112)
    faces = torch.stack([ramp.expand(112, 112), ramp[:, None].expand(112, 112), ramp.expand(112, 112) ** 2])
    faces = faces.expand(16, 3, 112, 112).contiguous()
    camera = augment.Camera(clean=1.0)
    matrices = augment.placement(112, dice, camera)
    seen = augment.degrade(faces, dice, camera)  # no dice were used up
    assert torch.allclose(seen, geometry.jitter(faces, matrices), atol=0.005)
    assert 0 < int(mirrored(matrices).sum()) < 16
    again = Dice(torch.Generator().manual_seed(3), 16, 112)
    assert torch.equal(augment.degrade(faces, again, camera), seen)


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
