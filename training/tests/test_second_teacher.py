"""Teachers, their targets, the joined space, the recovered student and its fine-tuning, on invented pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pack import write_pack

pytest.importorskip("onnx", reason="needs the `distil` extra: pip install -e '.[distil]'")

from tiny_sface import write_sface

from roomkin_training import features, finetune, spaces, targets, teachers
from roomkin_training import ridge as ridge_module
from roomkin_training.children import ChildProtocol, child_figures, child_protocol, held_children
from roomkin_training.data import Faces, read_pack
from roomkin_training.folded_student import FoldedStudent
from roomkin_training.folding import random_network, read_weights, write_folded
from roomkin_training.metrics import normalised
from roomkin_training.recover import recover
from roomkin_training.ridge import ridge
from roomkin_training.unfold import measure_statistics
from roomkin_training.wild import held_identities, wild_figures, wild_protocol

INT8 = Path(__file__).parents[2] / "models/int8/resnet50-w100-mobilefacenet-192.tflite"


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack of 200 faces and an SFace-like file."""
    write_pack(tmp_path, per_shard=100)
    write_sface(tmp_path / "sface.onnx")
    return tmp_path


def with_attributes(faces: Faces) -> Faces:
    """The faces as children of 1 to 12 years, four photos of each person."""
    count = len(faces)
    attributes = np.stack([1 + np.arange(count) % 12, np.arange(count) % 2, np.zeros(count)], 1).astype(np.int16)
    return Faces(
        faces.images, faces.targets, (np.arange(count) // 4).astype(np.int32), attributes, faces.source, faces.sources,
        faces.hash,
    )  # fmt: skip


def test_the_teacher_gives_unit_rows_and_a_mirrored_mean_that_ignores_the_side(pack: Path) -> None:
    faces = read_pack(pack, processes=1).images[:3]
    teacher = teachers.SFace(pack / "sface.onnx")
    found = teacher(faces)
    assert found.shape == (3, 128)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert np.allclose(teacher.mirrored(faces), teacher.mirrored(faces[:, :, ::-1]), atol=1e-5)


def test_folding_the_constants_changes_no_output(pack: Path) -> None:
    import onnx
    from onnx import numpy_helper

    faces = read_pack(pack, processes=1).images[:1]
    constants = {one.name: numpy_helper.to_array(one) for one in onnx.load(pack / "sface.onnx").graph.initializer}
    pixels = torch.from_numpy(faces).permute(0, 3, 1, 2).float()
    maps = torch.conv2d((pixels - 127.5) / 128, torch.from_numpy(constants["kernel"].copy()), stride=16)
    matrix = constants["matrix_quantized"] * np.repeat(constants["matrix_scale"], 49, axis=1)
    wanted = maps.flatten(1).numpy() @ matrix.T + constants["bias"]
    assert np.allclose(teachers.SFace(pack / "sface.onnx")(faces), normalised(wanted), atol=1e-4)


def test_a_file_without_the_input_data_is_refused(pack: Path) -> None:
    import onnx

    model = onnx.load(pack / "sface.onnx")
    del model.graph.input[0]
    onnx.save(model, pack / "other.onnx")
    with pytest.raises(ValueError, match="no input named data"):
        teachers.sface_session(pack / "other.onnx")


def test_targets_go_on_where_they_stopped(pack: Path) -> None:
    faces = read_pack(pack, processes=1)
    teacher = teachers.SFace(pack / "sface.onnx")
    table = targets.open_table(pack / "table.npy", len(faces), 128)
    assert targets.fill(table, faces, teacher, most=40) == 40
    first = np.array(table)
    again = targets.open_table(pack / "table.npy", len(faces), 128)
    assert targets.fill(again, faces, teacher) == len(faces)
    done = np.isfinite(first[:, 0, 0])
    assert np.array_equal(np.asarray(again)[done], first[done])
    values, complete = targets.read_targets(pack / "table.npy")
    assert complete.all()
    assert np.allclose(values[:4], teacher.mirrored(faces.images[:4]), atol=2e-3)
    with pytest.raises(ValueError, match="delete it"):
        targets.open_table(pack / "table.npy", len(faces) + 1, 128)


def test_the_joined_space_has_the_weighted_cosine() -> None:
    rng = np.random.default_rng(4)
    a, b = normalised(rng.normal(size=(50, 8))), normalised(rng.normal(size=(50, 12)))
    both = spaces.joined([a, b], [0.7, 0.3])
    assert np.allclose(both @ both.T, 0.7 * (a @ a.T) + 0.3 * (b @ b.T), atol=1e-5)
    whole = spaces.rotated(both, spaces.rotation(both, 20))
    assert np.allclose(whole @ whole.T, both @ both.T, atol=1e-4)
    assert spaces.rotated(both, spaces.rotation(both, 5)).shape == (50, 5)
    with pytest.raises(ValueError, match="sum to 1"):
        spaces.joined([a, b], [0.7, 0.7])


def test_ridge_finds_a_linear_map_and_a_penalty_shrinks_it() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(200, 6)).astype(np.float32)
    weight, bias = rng.normal(size=(6, 3)).astype(np.float32), np.float32([1, 2, 3])
    found, shift = ridge(x, x @ weight + bias, 1e-6)
    assert np.allclose(found, weight, atol=1e-3)
    assert np.allclose(shift, bias, atol=1e-3)
    assert np.linalg.norm(ridge(x, x @ weight + bias, 100.0)[0]) < np.linalg.norm(weight)


def test_child_pairs_are_of_like_age_and_gender(pack: Path) -> None:
    faces = with_attributes(read_pack(pack, processes=1))
    rows = held_children(faces, 40)
    assert np.array_equal(rows, held_children(faces, 40))
    protocol = child_protocol(faces, rows)
    age, gender = faces.attributes[rows, 0], faces.attributes[rows, 1]
    left, right = np.nonzero(protocol.impostor)
    assert len(left) > 0
    assert (np.abs(age[left] - age[right]) <= 2).all()
    assert (gender[left] == gender[right]).all()
    perfect = np.eye(40, dtype=np.float32)
    assert child_figures(protocol, perfect, perfect)["child_tar_far1"] == 1.0
    same = np.ones((40, 2), np.float32)
    assert child_figures(ChildProtocol(protocol.first, protocol.second, protocol.impostor), same, same) == {
        "child_tar_far1": 0.0,
        "child_tar_far01": 0.0,
    }


def test_wild_pairs_say_who_is_who(pack: Path) -> None:
    faces = with_attributes(read_pack(pack, processes=1))
    protocol = wild_protocol(faces, count=20)
    held = held_identities(faces, count=20)
    assert len(held) == 80
    people = np.unique(faces.identity[held])
    one_hot = np.repeat(np.eye(len(people), dtype=np.float32), 4, axis=0)
    assert wild_figures(protocol, one_hot) == {"wild": 1.0, "wild_tar_far1": 1.0, "wild_tar_far01": 1.0}
    assert protocol.same.sum() == 40


def test_the_folded_student_is_the_folded_network(tmp_path: Path) -> None:
    write_folded(tmp_path / "w.npz", random_network(0.125, seed=2))
    student = FoldedStudent(read_weights(tmp_path / "w.npz"))
    write_folded(tmp_path / "again.npz", student.folded())
    x = torch.rand(2, 3, 112, 112) * 2 - 1
    again = FoldedStudent(read_weights(tmp_path / "again.npz"))
    assert torch.equal(student(x), again(x))
    assert student.frozen(x).shape == (2, 128, 7, 7)
    student.replace_head(np.zeros((256, 5), np.float32), np.arange(5, dtype=np.float32))
    assert np.allclose(student(x).detach().numpy(), np.arange(5))


@pytest.mark.skipif(not INT8.exists(), reason="the int8 student is not in this checkout")
def test_the_recovered_student_is_the_int8_one(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    from roomkin_training.embedders import embed_single
    from roomkin_training.lite import LiteModel

    write_pack(tmp_path, per_shard=4)
    faces = read_pack(tmp_path, processes=1).images
    student = FoldedStudent(recover(INT8)).eval()
    with torch.no_grad():
        found = normalised(student(torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 127.5 - 1).numpy())
    assert float((found * embed_single(LiteModel(INT8), faces)).sum(1).min()) > 0.98


def options(pack: Path, out: Path, *words: str) -> list[str]:
    """A fine-tuning of batches of eight, width 1/16, in SFace's space alone."""
    write_folded(pack / "start.npz", random_network(0.0625, seed=1))
    return [
        "--pack", str(pack), "--start", str(pack / "start.npz"), "--sface", str(pack / "table.npy"),
        "--sface-file", str(pack / "sface.onnx"), "--out", str(out), "--mix", "1", "--numbers", "16", "--batch", "8",
        "--head-faces", "64", "--warm-up", "2", *words,
    ]  # fmt: skip


def test_moments_of_chunks_give_the_regression_of_all() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(90, 5)).astype(np.float32), rng.normal(size=(90, 2)).astype(np.float32)
    parts = ridge_module.Moments()
    for start in range(0, 90, 40):
        parts.add(x[start : start + 40], y[start : start + 40])
    for part, whole in zip(parts.solve(3.0), ridge(x, y, 3.0), strict=True):
        assert np.allclose(part, whole, atol=1e-5)


@pytest.fixture
def taught(pack: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pack with all its targets; four people are kept out."""
    table = targets.open_table(pack / "table.npy", 200, 128)
    faces = read_pack(pack, processes=1)
    targets.fill(table, faces, teachers.SFace(pack / "sface.onnx"))
    monkeypatch.setattr(ridge_module, "held_identities", lambda faces: held_identities(faces, count=4))
    monkeypatch.setattr(finetune, "read_pack", lambda pack: read_pack(pack, processes=1))
    return pack


def weights(run: finetune.Run) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in run.student.parameters()])


def test_an_interrupted_fine_tuning_ends_where_an_uninterrupted_one_does(taught: Path) -> None:
    whole_out, parts_out = taught / "whole", taught / "parts"
    for out in (whole_out, parts_out):
        out.mkdir()
    whole = finetune.Run(finetune.arguments(options(taught, whole_out)))
    start = weights(whole)
    for _ in range(4):
        whole.step()
    first = finetune.Run(finetune.arguments(options(taught, parts_out)))
    for _ in range(2):
        first.step()
    first.save()
    first.step()  # lost, as by a kill between two checkpoints
    second = finetune.Run(finetune.arguments(options(taught, parts_out)))
    assert (second.images, second.steps) == (16, 2)
    for _ in range(2):
        second.step()
    assert torch.allclose(weights(whole), weights(second), atol=1e-6)
    assert not torch.allclose(weights(whole), start)
    assert not list(parts_out.glob("*.part*"))


def test_features_go_on_where_they_stopped_and_make_the_first_head(taught: Path) -> None:
    faces = read_pack(taught, processes=1)
    write_folded(taught / "start.npz", random_network(0.0625, seed=1))
    student = FoldedStudent(read_weights(taught / "start.npz")).eval()
    numbers = read_weights(taught / "start.npz")["head"].kernel.shape[2]
    table = targets.open_table(taught / "features.npy", len(faces), numbers)
    assert features.fill(table, student, faces, most=features.BATCH) == features.BATCH
    assert features.fill(table, student, faces) == len(faces)
    whole = targets.open_table(taught / "whole.npy", len(faces), numbers)
    features.fill(whole, student, faces)
    assert np.array_equal(table, whole)
    assert not np.array_equal(table[:, 0], table[:, 1])

    out = taught / "headed"
    out.mkdir()
    stored = ["--features", str(taught / "features.npy"), "--penalty", "5"]
    run = finetune.Run(finetune.arguments(options(taught, out, *stored)))
    rows = run.rows.numpy()
    weight, bias = ridge_module.fit(table, rows, run.second[rows]).solve(5.0)
    head = run.student.units["head"].folded()  # type: ignore[operator]
    assert np.allclose(head.kernel[0, 0], weight @ run.basis, atol=1e-6)
    assert np.allclose(head.bias, bias @ run.basis, atol=1e-6)


def test_the_first_head_keeps_todays_part_of_a_joined_space(taught: Path) -> None:
    out = taught / "joined"
    out.mkdir()
    words = options(taught, out, "--blended", "0")
    words[words.index("--mix") + 1] = "0.25"
    words[words.index("--numbers") + 1] = "320"
    run = finetune.Run(finetune.arguments(words))
    today = read_weights(taught / "start.npz")["head"]
    head = run.student.units["head"].folded()  # type: ignore[operator]
    # Rotated back, the last 192 numbers are those of today's head.
    assert np.allclose(head.kernel[0, 0] @ run.basis.T[:, 128:], 0.75**0.5 * today.kernel[0, 0], atol=1e-4)
    assert np.allclose(head.bias @ run.basis.T[:, 128:], 0.75**0.5 * today.bias, atol=1e-4)


def test_normalising_the_last_stage_changes_no_output(tmp_path: Path) -> None:
    write_folded(tmp_path / "w.npz", random_network(0.125, seed=3))
    student = FoldedStudent(read_weights(tmp_path / "w.npz")).eval()
    x = torch.rand(6, 3, 112, 112) * 2 - 1
    with torch.no_grad():
        before = student(x)
        student.normalise()
        measure_statistics(student, [x[:3], x[3:]])
        assert torch.allclose(student(x), before, atol=1e-4)
        assert torch.allclose(FoldedStudent(student.folded())(x), before, atol=1e-4)
    assert {name.split(".")[0] for name, each in student.units.named_parameters() if "unit.b" in name} == {
        f"body_{block}_{part}" for block in (13, 14, 15) for part in ("abcp" if block == 13 else "abc")
    }


def test_only_the_last_stage_and_the_head_are_trained(taught: Path) -> None:
    out = taught / "out"
    out.mkdir()
    run = finetune.Run(finetune.arguments(options(taught, out, "--images", "24", "--lr", "0.001")))
    before = {name: unit.weight.detach().clone() for name, unit in run.student.units.items()}
    finetune.train(run, None)
    changed = {name for name, unit in run.student.units.items() if not torch.equal(unit.weight.detach(), before[name])}
    last = {name for name in before if name == "head" or name.startswith(("body_13_", "body_14_", "body_15_"))}
    assert changed == last
    assert read_weights(out / "student.npz")["head"].kernel.shape == (1, 1, 128, 16)


def test_a_space_of_another_mix_and_too_few_targets_are_refused(taught: Path) -> None:
    out = taught / "out"
    out.mkdir()
    words = options(taught, out, "--blended", "0")
    finetune.Run(finetune.arguments(words))
    with pytest.raises(SystemExit, match="was made with --mix"):
        finetune.Run(finetune.arguments([*words, "--mix", "0.5"]))
    table = targets.open_table(taught / "table.npy", 200, 128)
    table[20:] = np.nan
    with pytest.raises(SystemExit, match="have targets"):
        finetune.Run(finetune.arguments(words))
    with pytest.raises(SystemExit, match="No such file"):
        finetune.Run(finetune.arguments([*words, "--sface", str(taught / "none.npy")]))


def test_targets_that_come_later_are_waited_for_and_used(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = taught / "out"
    out.mkdir()
    table = targets.open_table(taught / "table.npy", 200, 128)
    kept = np.array(table)
    table[20:] = np.nan

    def come(_seconds: float) -> None:
        table[:150] = kept[:150]

    monkeypatch.setattr(finetune.time, "sleep", come)
    run = finetune.Run(finetune.arguments(options(taught, out, "--blended", "0", "--wait", "10")))
    first = len(run.rows)
    table[:] = kept
    run.read_targets()
    assert len(run.rows) > first


def test_stage_and_head_have_their_own_learning_rates(taught: Path) -> None:
    out = taught / "out"
    out.mkdir()
    run = finetune.Run(finetune.arguments(options(taught, out, "--lr", "0.01", "--stage-lr", "0", "--blended", "0")))
    before = run.student.units["body_15_a"].weight.detach().clone()
    head = run.student.units["head"].weight.detach().clone()
    run.step()
    assert torch.equal(run.student.units["body_15_a"].weight.detach(), before)
    assert not torch.equal(run.student.units["head"].weight.detach(), head)
