"""The conversion, on a network an eighth as wide with random weights: small, and every operation is there."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the `quantize` extra: pip install -e '.[quantize]'")

from roomkin_training import export, quantize
from roomkin_training.embedders import embed, model_input, raw_outputs
from roomkin_training.evaluate import Protocol, cosine_to, evaluate
from roomkin_training.evaluate import embed_tiers as embed_all
from roomkin_training.folding import (
    BATCH_NORM_EPSILON,
    equalised,
    fold,
    layer_names,
    random_network,
    read_weights,
    walk,
    width,
    write_folded,
)
from roomkin_training.golden import picture
from roomkin_training.lite import LiteModel
from roomkin_training.simulate import Watch, input_of, typical


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`float.tflite` and `int8.tflite` of one random network."""
    place = tmp_path_factory.mktemp("models")
    network = random_network(0.125, seed=3)
    (place / "float.tflite").write_bytes(quantize.convert_float(network))
    content, made = quantize.quantized(network, quantize.noise_faces(16), "mse", equalise=True, correct=16)
    quantize.write(place / "int8.tflite", content, {**made, "data": "noise"})
    return place


def test_folding_is_convolution_and_normalisation() -> None:
    rng = np.random.default_rng(0)
    network = random_network(0.125)
    weights = {}
    for name in layer_names()[:-1]:
        kernel = network[name].kernel
        weights[f"{name}.c.weight"] = kernel.transpose(3, 2, 0, 1)
        for part in ("weight", "bias", "running_mean", "running_var"):
            weights[f"{name}.b.{part}"] = rng.uniform(0.5, 1.5, kernel.shape[3]).astype(np.float32)
    weights |= {"head.weight": network["head"].kernel.transpose(3, 2, 0, 1), "head.bias": network["head"].bias}
    folded = fold(weights)["body.0.a"]
    x = rng.normal(size=8).astype(np.float32)
    plain = x @ network["body.0.a"].kernel[0, 0]
    gamma, beta, mean, variance = (
        weights[f"body.0.a.b.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    wanted = (plain - mean) / np.sqrt(variance + BATCH_NORM_EPSILON) * gamma + beta
    assert np.allclose(x @ folded.kernel[0, 0] + folded.bias, wanted, atol=1e-5)


def test_equalisation_changes_weights_but_no_output() -> None:
    network = random_network(0.125)
    other = equalised(network)
    x = input_of(quantize.noise_faces(2))
    assert not np.allclose(network["body.4.a"].kernel, other["body.4.a"].kernel)
    assert np.allclose(walk(network, Watch(), x), walk(other, Watch(), x), atol=1e-4)


def test_a_picture_that_excites_far_more_than_others_is_atypical() -> None:
    faces = np.full((6, 112, 112, 3), 128, dtype=np.uint8)
    faces[:5] += np.random.default_rng(0).integers(0, 3, (5, 112, 112, 3), dtype=np.uint8)
    faces[5] = quantize.noise_faces(1)[0]
    network = {name: replace(layer, bias=layer.bias * 0) for name, layer in random_network(0.125).items()}
    assert typical(network, faces).tolist() == [True] * 5 + [False]


def test_folded_weights_are_read_back(tmp_path: Path) -> None:
    network = random_network(0.25)
    write_folded(tmp_path / "folded.npz", network)
    again = read_weights(tmp_path / "folded.npz")
    assert width(again) == 0.25
    assert all(np.array_equal(again[name].kernel, layer.kernel) for name, layer in network.items())


def test_int8_file_has_only_int8_and_known_operations(folder: Path) -> None:
    made = quantize.inspect((folder / "int8.tflite").read_bytes())
    assert made["operations"] == {"CONV_2D": 54, "MAX_POOL_2D": 1, "ADD": 16, "MEAN": 1}
    assert set(made["types"]) == {"int8", "int32"}


def test_a_float_file_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="float"):
        quantize.inspect((folder / "float.tflite").read_bytes())


def test_a_stored_byte_is_the_pixel_minus_128(folder: Path) -> None:
    faces = picture("gradient", 112, 112)[None]
    stored = model_input(LiteModel(folder / "int8.tflite"), faces)
    assert np.array_equal(stored.astype(int), faces.astype(int) - 128)


def test_int8_says_what_float_says(folder: Path) -> None:
    faces = np.stack([picture(kind, 112, 112) for kind in ("gradient", "noise", "mixed")])
    a = raw_outputs(LiteModel(folder / "float.tflite"), faces, "float")[:, 0]
    b = raw_outputs(LiteModel(folder / "int8.tflite"), faces, "int8")[:, 0]
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert cosine.min() > 0.99
    # the part that tells pictures apart, which the common mean hides
    assert np.corrcoef((a[0] - a[1]).ravel(), (b[0] - b[1]).ravel())[0, 1] > 0.9


def test_evaluation_sees_the_people_behind_the_noise(folder: Path) -> None:
    faces = np.stack([picture(kind, 112, 112) for kind in ("gradient", "gradient", "noise", "noise", "checker")])
    protocol = Protocol(
        faces=faces,
        person=np.array([0, 0, 1, 1, 2]),
        left=np.array([0, 2, 0, 1]),
        right=np.array([1, 3, 2, 3]),
        label=np.array([True, True, False, False]),
        fold=np.array([0, 1, 0, 1]),
        hash="",
    )
    embedded = embed_all(protocol, folder / "int8.tflite", ())
    figures = evaluate(protocol, embedded, ())["single"]["highHigh"]
    assert figures["accuracy"] == 1.0
    assert figures["rank1"] == 1.0
    reference = {tier: embed(LiteModel(folder / "float.tflite"), faces) for tier in ("high", "low")}
    assert cosine_to(embedded, reference)["highMean"] > 0.99


def test_export_writes_what_the_file_says(folder: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"default": "other", "models": [{"id": "other"}]}), "utf-8")
    row = {"accuracy": 0.5, "tarAtFar0.01": 0.5}
    tiers = {"highHigh": row, "lowHigh": row}
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps({"models": {"int8": {"single": tiers, "mirrored": tiers}}}), "utf-8")
    model = folder / "int8.tflite"
    for _ in range(2):  # twice: the entry is replaced, not doubled
        export.main(
            [
                "--id=resnet50-w012",
                f"--int8={model}",
                f"--made={folder / 'int8.json'}",
                f"--figures={figures}",
                f"--manifest={manifest}",
            ]
        )
    written = json.loads(manifest.read_text("utf-8"))
    assert written == json.loads(export.readable(written))
    assert [model["id"] for model in written["models"]] == ["other", "resnet50-w012"]
    assert written["default"] == "other"
    added = written["models"][1]
    assert (tmp_path / added["file"]).read_bytes() == model.read_bytes()
    assert added["input"]["scale"] == pytest.approx(1 / 127.5)
    assert added["input"]["zeroPoint"] == 0
    assert added["outputs"][0]["scale"] == pytest.approx(LiteModel(model).output.scale)
