"""SFace, read from its ONNX file into the same kind of program as the first teacher, so that it also runs on a GPU.

Invariant: it computes what ONNX Runtime computes from the same file (checked by a test to a cosine of 0.9999). Only the
operations that occur in that file are known; another one is an error, never skipped.

The graph is one chain: input scaling, convolutions each with batch normalisation and a parametric ReLU, and a
fully connected layer between two batch normalisations. Every normalisation is folded into a convolution beside it, and
the fully connected layer becomes a convolution over the whole map.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .teacher import Step
from .teachers import sface_model

Floats = NDArray[np.float32]

CENTRE, SCALE = 127.5, 1 / 128  # `Teacher` applies them to the pixels
NOTHING_TO_DO = ("Dropout", "Flatten")  # in inference; a convolution over the whole map needs no flat input


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _affine(node: Any, constants: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Factor and summand [c] of a batch normalisation."""
    gamma, beta, mean, variance = (constants[name].astype(np.float64) for name in node.input[1:5])
    factor = gamma / np.sqrt(variance + _attributes(node).get("epsilon", 1e-5))
    return factor.astype(np.float32), (beta - mean * factor).astype(np.float32)


class _Reader:
    """Collects the chain's steps; each step reads the one before."""

    def __init__(self, constants: dict[str, Floats]) -> None:
        self.constants = constants
        self.steps: list[Step] = []
        self.weights: dict[str, Floats] = {}
        self.before: tuple[Floats, Floats] | None = None  # a normalisation that waits for the next convolution

    def read(self, node: Any) -> None:
        """Takes one node. Raises ValueError for what SFace's file does not hold."""
        kind = node.op_type
        if kind in ("Sub", "Mul"):
            wanted = CENTRE if kind == "Sub" else SCALE
            if self.steps or not np.allclose(self.constants[node.input[1]], wanted):
                raise ValueError(f"{kind}: the input range is not (pixel - 127.5) / 128")
        elif kind == "Conv":
            self._convolution(node)
        elif kind == "Gemm":
            self._whole_map(node)
        elif kind == "PRelu":
            self.weights[f"{len(self.steps)}.w"] = self.constants[node.input[1]].reshape(-1)
            self._step("prelu")
        elif kind == "BatchNormalization":
            self._normalisation(*_affine(node, self.constants))
        elif kind not in NOTHING_TO_DO:
            raise ValueError(f"unknown operation {kind}")

    def _step(self, kind: str, stride: int = 1, padding: int = 0) -> None:
        number = len(self.steps)
        self.steps.append(Step(kind, (number,), number + 1, stride, same=False, padding=padding))

    def _weights(self, kernel: Floats, bias: Floats) -> None:
        number = len(self.steps)
        self.weights |= {f"{number}.w": np.ascontiguousarray(kernel), f"{number}.b": bias}

    def _bias(self, node: Any, outputs: int) -> Floats:
        return self.constants[node.input[2]] if len(node.input) > 2 else np.zeros(outputs, np.float32)

    def _convolution(self, node: Any) -> None:
        kernel, options = self.constants[node.input[1]], _attributes(node)
        pads, strides = options.get("pads", [0] * 4), options.get("strides", [1, 1])
        groups = options.get("group", 1)
        is_depthwise = groups == len(kernel) and groups > 1
        known = len(set(pads)) == 1 and strides[0] == strides[1] and set(options.get("dilations", [1])) == {1}
        if not known or (groups != 1 and not is_depthwise) or self.before is not None:
            raise ValueError("Conv: unknown options")
        self._weights(kernel, self._bias(node, len(kernel)))
        self._step("depthwise" if is_depthwise else "conv", int(strides[0]), int(pads[0]))

    def _whole_map(self, node: Any) -> None:
        """A fully connected layer of a flattened square map as a convolution of the map's size."""
        options = _attributes(node)
        if (
            not options.get("transB", 0)
            or options.get("transA", 0)
            or {options.get(x, 1.0) for x in ("alpha", "beta")} != {1.0}
        ):
            raise ValueError("Gemm: unknown options")
        matrix = self.constants[node.input[1]]
        channels = next(
            len(self.weights[f"{n}.w"]) for n in reversed(range(len(self.steps))) if f"{n}.b" in self.weights
        )
        side = round((matrix.shape[1] / channels) ** 0.5)
        kernel = matrix.reshape(len(matrix), channels, side, side)
        bias = self._bias(node, len(matrix)).astype(np.float64)
        if self.before is not None:
            factor, summand = self.before
            bias = bias + kernel.astype(np.float64).sum(axis=(2, 3)) @ summand
            kernel, self.before = kernel * factor[None, :, None, None], None
        self._weights(kernel, bias.astype(np.float32))
        self._step("conv")

    def _normalisation(self, factor: Floats, summand: Floats) -> None:
        """Goes into the convolution before it, or waits for the next where a parametric ReLU lies between."""
        number = len(self.steps) - 1
        if number < 0 or self.before is not None:
            raise ValueError("BatchNormalization: not after a convolution")
        if self.steps[number].kind == "prelu":
            self.before = factor, summand
            return
        self.weights[f"{number}.w"] = self.weights[f"{number}.w"] * factor[:, None, None, None]
        self.weights[f"{number}.b"] = self.weights[f"{number}.b"] * factor + summand


def read_sface(path: Path) -> tuple[list[Step], dict[str, Floats]]:
    """The file as steps and weights (`<step>.w`, `<step>.b`). Raises ValueError on unknown operations."""
    from onnx import numpy_helper

    graph = sface_model(path).graph
    reader = _Reader({one.name: numpy_helper.to_array(one).astype(np.float32) for one in graph.initializer})
    at = "data"
    for node in graph.node:
        if node.input[0] != at:
            raise ValueError(f"{path}: {node.name or node.op_type} does not read the operation before it")
        reader.read(node)
        at = node.output[0]
    if reader.before is not None or not reader.steps:
        raise ValueError(f"{path}: the graph does not end with a layer")
    return reader.steps, reader.weights
