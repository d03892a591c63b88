"""Writes a full int8 TFLite file of a detector's graph, tensor by tensor, without TensorFlow.

Invariant: fixed shapes, int8 tensors, int32 biases, built-in operations in versions that TFLite 2.9 knows; weights are
symmetric with one scale per output channel (-127 to 127), as TFLite's int8 specification asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt

from .detector import INPUT, Floats, Graph, Node


@dataclass(frozen=True)
class Steps:
    """How a tensor is stored: `real = (stored - zero) * scale`."""

    scale: float
    zero: int


def steps_of(low: float, high: float) -> Steps:
    """256 steps from `low` to `high`, with 0 exactly representable."""
    low, high = min(low, 0.0), max(high, 1e-6)
    scale = float(np.float32((high - low) / 255))
    return Steps(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def channel_scales(kernel: Floats) -> npt.NDArray[np.float64]:
    """One scale per output channel of a kernel [height, width, inputs, outputs]."""
    scales: npt.NDArray[np.float64] = np.maximum(np.abs(kernel).max(axis=(0, 1, 2)).astype(np.float64), 1e-9) / 127
    return scales


class _File:
    """The tables of one file while they are filled."""

    def __init__(self) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "roomkin"
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        steps: tuple[Any, Any],
        values: npt.NDArray[Any] | None = None,
        axis: int = 0,
    ) -> int:
        """The index of a new tensor: a constant where there are `values`. `steps`: its scales and zero points."""
        tensor = self.schema.TensorT()
        tensor.name, tensor.shape = name, list(shape)
        wide = values is not None and values.dtype == np.int32
        tensor.type = self.schema.TensorType.INT32 if wide else self.schema.TensorType.INT8
        tensor.buffer = 0
        if values is not None:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), dtype=np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        if steps[0] is not None:
            tensor.quantization = self.schema.QuantizationParametersT()
            tensor.quantization.scale = np.atleast_1d(np.asarray(steps[0], dtype=np.float32))
            tensor.quantization.zeroPoint = np.atleast_1d(np.asarray(steps[1], dtype=np.int64))
            tensor.quantization.quantizedDimension = axis
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(self, code: int, version: int, inputs: list[int], output: int, kind: int, options: Any) -> None:
        """Appends an operation."""
        known = [(entry.builtinCode, entry.version) for entry in self.model.operatorCodes]
        if (code, version) not in known:
            entry = self.schema.OperatorCodeT()
            entry.deprecatedBuiltinCode, entry.builtinCode, entry.version = min(code, 127), code, version
            self.model.operatorCodes.append(entry)
            known.append((code, version))
        operator = self.schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = known.index((code, version)), inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.graph.operators.append(operator)

    def packed(self) -> bytes:
        """The file's bytes."""
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def write(graph: Graph, steps: dict[str, Steps], size: tuple[int, int], outputs: list[str]) -> bytes:
    """The file for pictures of `size` (width, height). `steps` has every tensor of the graph."""
    file = _File()
    shapes = {INPUT: (1, size[1], size[0], 3)}
    index = {INPUT: file.tensor(INPUT, shapes[INPUT], _pair(steps[INPUT]))}
    for node in graph:
        shapes[node.name] = _shape(node, [shapes[name] for name in node.inputs])
        index[node.name] = file.tensor(node.name, shapes[node.name], _pair(steps[node.name]))
        _write_node(file, node, index, steps, shapes)
    file.graph.inputs, file.graph.outputs = [index[INPUT]], [index[name] for name in outputs]
    return file.packed()


def _pair(steps: Steps) -> tuple[float, int]:
    return steps.scale, steps.zero


def _shape(node: Node, inputs: list[tuple[int, ...]]) -> tuple[int, ...]:
    _, rows, columns, channels = inputs[0]
    if node.kernel is not None:
        out = channels if node.kind == "depthwise" else node.kernel.shape[3]
        return 1, rows // node.stride, columns // node.stride, out
    if node.kind == "pool":
        return 1, rows // 2, columns // 2, channels
    return (1, rows * 2, columns * 2, channels) if node.kind == "double" else inputs[0]


def _write_node(
    file: _File, node: Node, index: dict[str, int], steps: dict[str, Steps], shapes: dict[str, tuple[int, ...]]
) -> None:
    schema, builtin, kinds = file.schema, file.schema.BuiltinOperator, file.schema.BuiltinOptions
    inputs, output = [index[name] for name in node.inputs], index[node.name]
    if node.kind == "add":
        file.operator(builtin.ADD, 2, inputs, output, kinds.AddOptions, schema.AddOptionsT())
    elif node.kind == "pool":
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideW = options.strideH = options.filterWidth = options.filterHeight = 2
        file.operator(builtin.MAX_POOL_2D, 2, inputs, output, kinds.Pool2DOptions, options)
    elif node.kind == "double":
        rows, columns = shapes[node.name][1:3]
        size = file.tensor(f"{node.name}.size", (2,), (None, None), np.array([rows, columns], dtype=np.int32))
        kind = kinds.ResizeNearestNeighborOptions
        options = schema.ResizeNearestNeighborOptionsT()
        file.operator(builtin.RESIZE_NEAREST_NEIGHBOR, 2, [*inputs, size], output, kind, options)
    else:
        inputs += _constants(file, node, steps[node.inputs[0]])
        depthwise = node.kind == "depthwise"
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.padding = schema.Padding.SAME
        options.strideW = options.strideH = node.stride
        options.dilationWFactor = options.dilationHFactor = 1
        relu = schema.ActivationFunctionType.RELU
        options.fusedActivationFunction = relu if node.relu else schema.ActivationFunctionType.NONE
        if depthwise:
            options.depthMultiplier = 1
        code = builtin.DEPTHWISE_CONV_2D if depthwise else builtin.CONV_2D
        kind = kinds.DepthwiseConv2DOptions if depthwise else kinds.Conv2DOptions
        file.operator(code, 3, inputs, output, kind, options)


def _constants(file: _File, node: Node, source: Steps) -> list[int]:
    """Kernel and bias of a convolution."""
    assert node.kernel is not None
    assert node.bias is not None
    depthwise = node.kind == "depthwise"
    # a depthwise kernel [h, w, channels, 1] has its channels where a full one has its outputs
    kernel = node.kernel.transpose(0, 1, 3, 2) if depthwise else node.kernel
    scales = channel_scales(kernel)
    stored = np.clip(np.rint(kernel / scales), -127, 127).astype(np.int8)
    if not depthwise:
        stored = stored.transpose(3, 0, 1, 2)
    elif stored.shape[2] == 1:
        stored = stored.reshape(1, *stored.shape[:2], stored.shape[3])
    stored = np.ascontiguousarray(stored)
    bias_scales = scales * source.scale
    bias = np.rint(node.bias / bias_scales).astype(np.int64).clip(-(2**31) + 1, 2**31 - 1).astype(np.int32)
    zeros = np.zeros(len(scales), dtype=np.int64)
    axis = 3 if depthwise else 0
    return [
        file.tensor(f"{node.name}.kernel", stored.shape, (scales, zeros), stored, axis),
        file.tensor(f"{node.name}.bias", bias.shape, (bias_scales, zeros), bias),
    ]
