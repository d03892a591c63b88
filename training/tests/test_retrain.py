"""The recipe for a GPU, on the processor with tiny data: normalisation, joined space, loop, portions, script."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pack import write_pack
from tiny_teacher import write_teacher

pytest.importorskip("onnx", reason="needs the `distil` extra: pip install -e '.[distil]'")

from tiny_sface import write_sface

from roomkin_training import export, portions, retrain, spaces
from roomkin_training.checkpoint import export_weights, import_weights
from roomkin_training.curve import read_pairs
from roomkin_training.data import AlignedPairs, Faces, read_pack
from roomkin_training.distil import Run
from roomkin_training.folded_student import FoldedStudent
from roomkin_training.folding import random_network, write_folded
from roomkin_training.gather import write_pairs
from roomkin_training.joint import Joint
from roomkin_training.recover import recover
from roomkin_training.teacher import Teacher, load_program, mirrored_mean
from roomkin_training.unfold import KERNEL_SIZE, measure_statistics, set_head, unfolded

SCRIPT = Path(__file__).parents[1] / "gpu"
INT8 = Path(__file__).parents[2] / "models/int8/resnet50-w100-mobilefacenet-192.tflite"
PER_SHARD = 30


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A pack with named people and children, both teachers, a start of width 1/16 and pairs."""
    pack = tmp_path / "pack"
    pack.mkdir()
    write_pack(pack, per_shard=PER_SHARD)
    for shard in pack.glob("*.npz"):
        with np.load(shard) as file:
            arrays = {name: file[name] for name in file.files}
        row = np.arange(PER_SHARD)
        arrays["attributes"] = np.stack([row % 20, row % 2, row * 0], 1).astype(np.int16)
        arrays["identity"] = (row // 5 + 100 * shard.name.startswith("utk")).astype(np.int32)
        np.savez(shard, **arrays)
    write_sface(tmp_path / "sface.onnx")
    write_teacher(tmp_path / "teacher.npz")
    write_folded(tmp_path / "start.npz", random_network(0.0625, seed=1))
    faces = np.random.default_rng(1).integers(0, 255, (40, 112, 112, 3)).astype(np.uint8)
    left = np.arange(0, 40, 2).repeat(2)
    right = left.copy()
    right[1::2] = np.roll(right[1::2], 1) + 1
    write_pairs(tmp_path / "lfw-dev.npz", AlignedPairs(faces, left, right, left == right, np.arange(40) // 10))
    assert np.array_equal(read_pairs(tmp_path / "lfw-dev.npz").images, faces)
    return tmp_path


TINY = (
    "--batch", "8", "--warm-up", "2", "--held-out", "4", "--held-people", "2", "--held-children", "4", "--statistics",
    "32", "--head-faces", "40", "--penalty", "10", "--device", "cpu", "--threads", "1", "--processes", "1",
)  # fmt: skip


def words(inputs: Path, out: str, *more: str) -> list[str]:
    """A training of four batches of eight."""
    return [
        "--pack", str(inputs / "pack"), "--sface", str(inputs / "sface.onnx"), "--teacher",
        str(inputs / "teacher.npz"), "--start", str(inputs / "start.npz"), "--out", str(inputs / out), "--images",
        "32", *TINY, *more,
    ]  # fmt: skip


def run(inputs: Path, out: str, *more: str) -> Run:
    """What `main` does up to the training."""
    options = retrain.arguments(words(inputs, out, *more))
    options.out.mkdir(exist_ok=True)
    taught, lesson = retrain.prepare(options, read_pack(options.pack, processes=1))
    options.start = options.out / "start.npz"
    return Run(options, taught, lesson)


def weights(trained: Run) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in trained.student.state_dict().values()])


def pictures(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 112, 112, generator=torch.Generator().manual_seed(4)) * 2 - 1


def test_normalisation_is_inserted_again_without_changing_an_output() -> None:
    network = random_network(0.0625, seed=3)
    kernel = network["body.4.b"].kernel
    kernel[..., 1] = 0  # a channel that training has given up
    kernel[..., 2] *= 1e-3
    folded, student = FoldedStudent(network).eval(), unfolded(network)
    x = pictures(8)
    with torch.no_grad():
        wanted = folded(x)
        assert torch.allclose(student(x), wanted, atol=1e-4)
        measure_statistics(student, [x[:5], x[5:]])
        assert torch.allclose(student(x), wanted, atol=1e-4)
        # The statistics are those of the pictures: a batch of all of them normalises to the same numbers in training.
        student.train()
        assert torch.allclose(student(x), wanted, atol=1e-2)
    for name, parameter in student.named_parameters():
        if name.endswith(".c.weight") and name != "body.4.b.c.weight":
            size = parameter.detach().square().mean((1, 2, 3)).sqrt()
            assert torch.allclose(size, torch.full_like(size, KERNEL_SIZE), rtol=1e-4)


@pytest.mark.skipif(not INT8.exists(), reason="the int8 student is not in this checkout")
def test_the_shipped_student_gets_normalisation_and_stays_itself(inputs: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    faces = read_pack(inputs / "pack", processes=1).images[::10]
    x = torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 127.5 - 1
    network = recover(INT8)
    student = unfolded(network)
    measure_statistics(student, [x])
    export_weights(inputs / "start16.npz", student, "")
    with torch.no_grad():
        near = torch.cosine_similarity(import_weights(inputs / "start16.npz").eval()(x), FoldedStudent(network)(x))
    assert float(near.min()) > 0.9999


@pytest.mark.skipif(not INT8.exists(), reason="the int8 student is not in this checkout")
def test_the_manifest_names_the_new_space_and_both_teachers() -> None:
    pytest.importorskip("ai_edge_litert")
    old = export.entry(INT8, "a", "a.tflite", {})
    new = export.entry(INT8, "a", "a.tflite", {}, "joined-192-a")
    manifest = json.loads((INT8.parent / "manifest.json").read_text("utf-8"))
    shipped = next(model for model in manifest["models"] if model["file"] == INT8.name)
    assert (old["space"], old["trainedOn"]) == (shipped["space"], shipped["trainedOn"])
    assert new["space"] == "joined-192-a"
    assert "SFace" in new["trainedOn"]
    assert "SFace" not in old["trainedOn"]


def test_statistics_need_a_picture_and_a_head_has_its_own_length() -> None:
    student = unfolded(random_network(0.0625, seed=3))
    with pytest.raises(ValueError, match="no pictures"):
        measure_statistics(student, [])
    set_head(student, np.zeros((128, 5), np.float32), np.arange(5, dtype=np.float32))
    with torch.no_grad():
        assert np.allclose(student(pictures(2)), np.arange(5))


def test_two_teachers_answer_in_the_joined_space(inputs: Path) -> None:
    faces = read_pack(inputs / "pack", processes=1).images[:6]
    pixels = torch.from_numpy(faces).permute(0, 3, 1, 2).float()
    teachers = [Teacher(*load_program(inputs / name)).eval() for name in ("sface.onnx", "teacher.npz")]
    both = spaces.joined([mirrored_mean(teacher, pixels).numpy() for teacher in teachers], [0.7, 0.3])
    basis = spaces.rotation(both, 4)
    found = Joint(teachers, [0.7, 0.3], torch.from_numpy(basis))(pixels)
    assert np.allclose(found.numpy(), spaces.rotated(both, basis), atol=1e-5)
    with pytest.raises(ValueError, match="sum to 1"):
        Joint(teachers, [0.7, 0.7], torch.from_numpy(basis))


def test_blended_faces_get_the_targets_that_their_teachers_give(inputs: Path) -> None:
    trained = run(inputs, "out")
    faces, targets, _ = trained.source.draw(8)
    assert targets.shape == (8, 192)
    assert trained.source.joint is not None
    assert torch.allclose(targets[4:], trained.source.joint(faces[4:] * 255.0), atol=1e-6)
    # The stored half is of the faces themselves, but the first teacher's numbers there are the pack's.
    assert not torch.allclose(targets[:4], trained.source.joint(faces[:4] * 255.0), atol=1e-2)
    alone = run(inputs, "alone", "--mix", "1")
    faces, targets, _ = alone.source.draw(8)
    assert alone.source.joint is not None
    assert targets.shape == (8, alone.student.numbers)
    assert torch.allclose(targets, alone.source.joint(faces * 255.0), atol=2e-3)


def test_protocol_faces_are_kept_out_and_children_are_drawn_more_often(inputs: Path) -> None:
    options = retrain.arguments(words(inputs, "out"))
    faces: Faces = read_pack(options.pack, processes=1)
    rows = retrain.training_rows(faces, options)
    children, wild = retrain.held_rows(faces, options)
    assert len(children) == 4
    assert len(wild) == 10
    assert not np.intersect1d(rows, np.union1d(children, wild)).size
    trained = run(inputs, "out")
    assert len(trained.source.images) == len(rows)
    age = faces.attributes[rows, 0]
    plain = faces.draw_weights()[rows]
    wanted = np.where((age >= 1) & (age <= 12), 3.0 * plain, plain)
    assert np.allclose(trained.source.weights.numpy(), wanted, rtol=1e-6)
    nobody = replace(faces, attributes=faces.attributes * 0 - 1, identity=faces.identity * 0 - 1)
    assert retrain.people(nobody, options) == retrain.curve.People(None, None)


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(inputs: Path) -> None:
    whole = run(inputs, "whole")
    start = weights(whole)
    for _ in range(4):
        whole.train_step()
    first = run(inputs, "parts")
    for _ in range(2):
        first.train_step()
    first.save()
    first.train_step()  # lost, as by a kill
    second = run(inputs, "parts")
    assert (second.step, second.images) == (2, 16)
    for _ in range(2):
        second.train_step()
    assert torch.allclose(weights(whole), weights(second), atol=1e-6)
    stem = whole.student.stem.c.weight.detach()
    assert not torch.allclose(stem, import_weights(inputs / "whole/start.npz").stem.c.weight, atol=1e-5)
    assert not torch.allclose(weights(whole), start)
    assert not list(inputs.rglob("*.part*"))
    with pytest.raises(ValueError, match="use another --out"):
        run(inputs, "parts", "--mix", "0.7")


def test_the_start_is_todays_trunk_with_a_head_for_the_new_space(inputs: Path) -> None:
    trained = run(inputs, "out")
    folded = FoldedStudent(random_network(0.0625, seed=1)).eval()
    x = pictures(4)
    with torch.no_grad():
        features = trained.student.eval().features(x)
        near = torch.cosine_similarity(features, folded.features(folded.frozen(x)))
    assert float(near.min()) > 0.999
    # The head fits the faces that it was fitted on better than chance: random rows of length 1 have a cosine near 0.
    cosine = trained.protocols.measure(lambda pixels: trained.average.student(pixels / 127.5 - 1))["cosine"]
    assert cosine > 0.3


def test_a_file_comes_through_in_portions(tmp_path: Path) -> None:
    content = np.random.default_rng(2).bytes(300_000)
    (tmp_path / "file").write_bytes(content)
    folder = tmp_path / "portions"
    assert len(portions.split(tmp_path / "file", folder, 0.01)) == 29
    written = portions.split(tmp_path / "file", folder, 0.1)
    assert sorted(each.name for each in folder.glob("portion-*")) == ["portion-000", "portion-001", "portion-002"]
    assert max(each.stat().st_size for each in written) <= 0.1 * portions.MIB
    portions.join(folder, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == content
    written[1].write_bytes(written[1].read_bytes()[::-1])
    with pytest.raises(ValueError, match="damaged"):
        portions.join(folder, tmp_path / "other")
    written[1].unlink()
    with pytest.raises(FileNotFoundError, match="portion-001"):
        portions.join(folder, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    with pytest.raises(ValueError, match="smaller than 64 MiB"):
        portions.split(tmp_path / "file", folder, 64)


def test_the_script_takes_data_there_trains_and_brings_weights_back(inputs: Path) -> None:
    environment = os.environ | {
        "ROOMKIN_PYTHON": sys.executable, "ROOMKIN_TRAINING": str(inputs), "ROOMKIN_GPU": str(inputs / "there"),
        "ROOMKIN_PACK": str(inputs / "pack"), "ROOMKIN_SFACE": str(inputs / "sface.onnx"),
        "ROOMKIN_TEACHER": str(inputs / "teacher.npz"), "PORTION_MIB": "0.5", "OMP_NUM_THREADS": "1",
    }  # fmt: skip

    def gpu(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(SCRIPT), *command], env=environment, capture_output=True, text=True, timeout=600, check=False
        )

    packed = gpu("pack", str(inputs / "to"))
    assert packed.returncode == 0, packed.stderr
    sent = sorted((inputs / "to").iterdir())
    assert len(sent) > 2
    assert max(each.stat().st_size for each in sent) <= 0.5 * portions.MIB
    early = gpu("train")
    assert early.returncode == 1
    assert "is missing" in early.stderr
    assert gpu("unpack", str(inputs / "to")).returncode == 0
    trained = gpu("train", "--images", "24", "--say-every", "0", "--portion-mib", "0.05", *TINY)
    assert trained.returncode == 0, trained.stderr
    assert "100.0% 24 images" in trained.stderr
    with (inputs / "there/out/learning-curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["images"] for row in rows] == ["0", "24"]
    figures = ("lfw", "lfw_tar_far01", "low_high_tar_far1", "wild_tar_far1", "child_tar_far1", "cosine")
    assert all(np.isfinite(float(rows[-1][name])) for name in figures)
    assert len(list((inputs / "there/out/portions").iterdir())) > 2
    assert gpu("join", str(inputs / "there/out/portions"), str(inputs / "student.npz")).returncode == 0
    assert (inputs / "student.npz").read_bytes() == (inputs / "there/out/student.npz").read_bytes()
    with np.load(inputs / "student.npz") as file:
        assert file["body.0.a.c.weight"].dtype == np.float16
    assert import_weights(inputs / "student.npz").numbers == 192
