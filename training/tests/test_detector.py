"""The detector's way to int8, on a small graph with random weights that has every operation."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roomkin_training.detector import INPUT, PARTS, STRIDES, Floats, Graph, Node
from roomkin_training.lite import LiteModel
from roomkin_training.lite_file import channel_scales, steps_of
from roomkin_training.quantize_detector import LEVELS, between, entry, prepared, quantized, tensors, units
from roomkin_training.scenes import moved, scenes

SIZE = (128, 96)
NUMBERS = sum(PARTS.values())


def small_graph() -> Graph:
    """Strides of 8, 16 and 32, with a sum of a map and a doubled one."""
    rng = np.random.default_rng(3)

    def weights(*shape: int) -> Floats:
        return (rng.normal(size=shape) * (2 / np.prod(shape[:3])) ** 0.5).astype(np.float32)

    def conv(name: str, source: str, side: int, inputs: int, outputs: int, stride: int = 1, relu: bool = False) -> Node:
        bias = rng.normal(size=outputs).astype(np.float32) * np.float32(0.1)
        return Node("conv", name, (source,), weights(side, side, inputs, outputs), bias, stride, relu)

    def depthwise(name: str, source: str, channels: int, relu: bool) -> Node:
        kernel = weights(3, 3, channels, 1)
        kernel[1, 1] += 0.5
        # channels of very different heights, as batch normalisation leaves them
        kernel *= np.geomspace(0.2, 5, channels, dtype=np.float32)[:, None]
        return Node("depthwise", name, (source,), kernel, np.zeros(channels, np.float32), 1, relu)

    graph = [conv("stem", INPUT, 3, 3, 8, stride=2, relu=True)]
    graph[0] = Node("conv", "stem", (INPUT,), (graph[0].kernel / 64).astype(np.float32), graph[0].bias, 2, True)
    graph += [Node("pool", "quarter", ("stem",)), Node("pool", "map.0", ("quarter",))]
    graph += [Node("pool", "map.1", ("map.0",)), Node("pool", "deep", ("map.1",))]
    graph += [conv("deep.mixed", "deep", 1, 8, 8), depthwise("map.2", "deep.mixed", 8, relu=True)]
    graph += [Node("double", "wide", ("map.2",)), Node("add", "sum", ("map.1", "wide"))]
    for level, source in enumerate(("map.0", "sum", "map.2")):
        mixed = f"level.{level}.mixed"
        graph += [conv(mixed, source, 1, 8, NUMBERS), depthwise(f"level.{level}", mixed, NUMBERS, relu=False)]
    return graph


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """Four scenes of drawn rooms and people."""
    folder = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(4)
    for name, size in (("rooms/a.jpg", (200, 150)), ("people/ada/1.jpg", (90, 90)), ("people/ben/1.jpg", (80, 100))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(folder / name)
    return [moved(picture) for picture in scenes(folder / "rooms", folder / "people", 4, SIZE, seed=1)]


def test_scenes_are_repeatable_and_need_pictures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\*.jpg"):
        next(scenes(tmp_path, tmp_path, 1, SIZE, 1))


def test_a_moved_picture_is_black_where_it_was() -> None:
    picture = np.full((4, 5, 3), 9, np.uint8)
    out = moved(picture)
    assert out[0].max() == 0
    assert out[:, 0].max() == 0
    assert out[1:, 1:].min() == 9


def test_preparing_changes_units_only(pictures: list[np.ndarray]) -> None:
    graph = small_graph()
    assert set(between(graph)) == {"deep.mixed", *(f"{level}.mixed" for level in LEVELS)}
    before = tensors(graph, pictures[0])
    after = tensors(prepared(graph, pictures), pictures[0])
    for level in LEVELS:
        np.testing.assert_allclose(after[level] * units(), before[level], rtol=1e-3, atol=1e-3)
    peaks = np.abs(after["level.0.mixed"]).max(axis=(0, 1))
    assert peaks.max() <= 1.0 + 1e-5


@pytest.mark.parametrize("delegate", [False, True])
def test_the_int8_file_computes_the_float_graph(pictures: list[np.ndarray], tmp_path: Path, delegate: bool) -> None:
    graph = small_graph()
    path = tmp_path / "small.tflite"
    path.write_bytes(quantized(graph, pictures, SIZE))
    model = LiteModel(path, delegate=delegate)
    assert model.input.shape == (1, SIZE[1], SIZE[0], 3)
    assert model.input.dtype == "int8"
    for picture in pictures:
        outputs = model.run((picture.astype(np.int16) - 128).astype(np.int8)[None])
        expected = tensors(graph, picture)
        for level, stride, output in zip(LEVELS, STRIDES, outputs, strict=True):
            assert output.shape == (1, SIZE[1] // stride, SIZE[0] // stride, NUMBERS)
            assert output.dtype == np.int8
            real = output[0].astype(np.float32) / 127 * units()
            wanted = np.clip(expected[level], -units() * 128 / 127, units())
            error = np.abs(real - wanted).mean(axis=(0, 1)) / units()
            # a wrong scale, padding or order makes a tenth and more
            assert error.mean() < 0.015
            assert error.max() < 0.04


def test_steps_hold_zero() -> None:
    for low, high in ((0.0, 6.0), (-1.0, 3.0), (-2.0, -1.0), (0.0, 0.0)):
        steps = steps_of(low, high)
        assert -128 <= steps.zero <= 127
        assert (127 - steps.zero) * steps.scale >= high - steps.scale
        assert (-128 - steps.zero) * steps.scale <= low + steps.scale


def test_a_channel_without_weights_has_a_scale() -> None:
    assert channel_scales(np.zeros((1, 1, 2, 3), np.float32)).min() > 0


def test_the_entry_of_the_manifest_has_a_unit_for_each_number() -> None:
    made = entry(b"content", "x.tflite", SIZE, {})
    assert [output["shape"] for output in made["outputs"]] == [[1, 12, 16, 16], [1, 6, 8, 16], [1, 3, 4, 16]]
    assert all(len(output["units"]) == NUMBERS for output in made["outputs"])
