"""SFace in PyTorch: the same embeddings as ONNX Runtime, from the real file where it is there and from a tiny one."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pack import write_pack

pytest.importorskip("onnx", reason="needs the `distil` extra: pip install -e '.[distil]'")

import onnx
from onnx import helper
from tiny_sface import write_sface

from roomkin_training.data import read_pack
from roomkin_training.sface import read_sface
from roomkin_training.teacher import Teacher, load_program, mirrored_mean, save_program
from roomkin_training.teachers import TEACHERS, SFace

CACHE = Path(os.environ.get("ROOMKIN_TRAINING", Path.home() / ".cache/roomkin-training"))
FILE = Path(os.environ.get("ROOMKIN_SFACE", CACHE / "sface.onnx"))


def pictures(folder: Path) -> np.ndarray:
    """Random pixels and drawn pictures, uint8 [4,112,112,3]."""
    write_pack(folder, per_shard=1)
    noise = np.random.default_rng(1).integers(0, 256, (2, 112, 112, 3)).astype(np.uint8)
    return np.concatenate([noise, read_pack(folder, processes=1).images])


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("real", [False, True])
def test_computes_what_onnx_runtime_computes(tmp_path: Path, real: bool, shifted: bool) -> None:
    torch.set_num_threads(1)
    path = FILE if real else tmp_path / "tiny.onnx"
    if not real:
        write_sface(path)
    elif not path.exists():
        pytest.skip(f"{path} is missing: it is {TEACHERS['sface'].file} of {TEACHERS['sface'].package}")
    faces = pictures(tmp_path)
    save_program(tmp_path / "sface.npz", *load_program(path))
    teacher = Teacher(*load_program(tmp_path / "sface.npz"), shifted=shifted).eval()
    pixels = torch.from_numpy(faces).permute(0, 3, 1, 2).float()
    wanted = SFace(path)
    with torch.no_grad():
        single = torch.cosine_similarity(teacher(pixels), torch.from_numpy(wanted(faces)))
    both = torch.cosine_similarity(mirrored_mean(teacher, pixels), torch.from_numpy(wanted.mirrored(faces)))
    assert float(single.min()) > 0.9999
    assert float(both.min()) > 0.9999


def chain(path: Path, nodes: list[onnx.NodeProto], **constants: np.ndarray) -> None:
    """An ONNX file of `nodes` from `data` to `fc1`."""
    floats = {name: value.astype(np.float32) for name, value in constants.items()}
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("data", onnx.TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("fc1", onnx.TensorProto.FLOAT, [1, 8])],
        [onnx.numpy_helper.from_array(value, name) for name, value in floats.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)


def test_every_normalisation_is_folded_where_it_belongs(tmp_path: Path) -> None:
    """A strided depthwise convolution with padding; normalisations after it, after a ReLU and after the last layer."""
    rng = np.random.default_rng(3)
    constants: dict[str, np.ndarray] = {
        "middle": np.array([127.5]), "divisor": np.array([1 / 128]), "kernel": rng.normal(size=(4, 3, 16, 16)) / 16,
        "depthwise": rng.normal(size=(4, 1, 3, 3)), "slope": rng.uniform(0.1, 0.5, (4, 1, 1)),
        "matrix": rng.normal(size=(8, 64)) / 8, "bias": rng.normal(size=8),
    }  # fmt: skip
    names = {}
    for name, channels in (("first", 4), ("second", 4), ("third", 8)):
        names[name] = [f"{name}_{part}" for part in ("gamma", "beta", "mean", "variance")]
        values = [rng.uniform(0.5, 2, channels), *rng.normal(size=(2, channels)), rng.uniform(0.5, 2, channels)]
        constants |= dict(zip(names[name], values, strict=True))
    nodes = [
        helper.make_node("Sub", ["data", "middle"], ["centred"]),
        helper.make_node("Mul", ["centred", "divisor"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "kernel"], ["a"], strides=[16, 16]),
        helper.make_node("Conv", ["a", "depthwise"], ["b"], strides=[2, 2], pads=[1, 1, 1, 1], group=4),
        helper.make_node("BatchNormalization", ["b", *names["first"]], ["c"], epsilon=1e-3),
        helper.make_node("PRelu", ["c", "slope"], ["d"]),
        helper.make_node("BatchNormalization", ["d", *names["second"]], ["e"]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("Gemm", ["f", "matrix", "bias"], ["g"], transB=1),
        helper.make_node("BatchNormalization", ["g", *names["third"]], ["fc1"]),
    ]
    chain(tmp_path / "chain.onnx", nodes, **constants)
    teacher = Teacher(*read_sface(tmp_path / "chain.onnx")).eval()
    faces = pictures(tmp_path)
    with torch.no_grad():
        found = teacher(torch.from_numpy(faces).permute(0, 3, 1, 2).float())
    near = torch.cosine_similarity(found, torch.from_numpy(SFace(tmp_path / "chain.onnx")(faces)))
    assert float(near.min()) > 0.99999


def test_an_unknown_operation_and_another_input_range_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["data", "kernel"], ["a"], strides=[16, 16])]
    kernel = np.ones((4, 3, 16, 16))
    chain(tmp_path / "x.onnx", [*nodes, helper.make_node("Sigmoid", ["a"], ["fc1"])], kernel=kernel)
    with pytest.raises(ValueError, match="unknown operation Sigmoid"):
        read_sface(tmp_path / "x.onnx")
    shifted = [helper.make_node("Sub", ["data", "middle"], ["fc1"])]
    chain(tmp_path / "x.onnx", shifted, middle=np.array([100.0]))
    with pytest.raises(ValueError, match="input range"):
        read_sface(tmp_path / "x.onnx")
