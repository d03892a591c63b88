"""The float network behind a full int8 student, from the .tflite file alone: a start where the checkpoints are gone.

Invariant: kernels and biases are the file's own numbers times their scales, folded as
`folding.write_folded` writes them; only the half grey level that `quantize.for_integers`
moved into the stem's bias is taken out again.

    python -m roomkin_training.recover --model models/int8/resnet50-w100-mobilefacenet-192.tflite --out CACHE/start.npz
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .folding import Convolution, Network, _relu, _stride, layer_names, write_folded

Floats = npt.NDArray[np.float32]


def _dequantised(model: Any, index: int, interpreter: Any) -> Floats:
    """A constant's real values; scales run along its quantised dimension."""
    details = model[index]
    values = interpreter.get_tensor(index).astype(np.float64)
    scales = details["quantization_parameters"]["scales"].astype(np.float64)
    zeros = details["quantization_parameters"]["zero_points"].astype(np.float64)
    if len(scales) > 1:
        shape = [1] * values.ndim
        shape[details["quantization_parameters"]["quantized_dimension"]] = -1
        scales, zeros = scales.reshape(shape), zeros.reshape(shape)
    real: Floats = ((values - zeros) * scales).astype(np.float32)
    return real


def recover(path: Path) -> Network:
    """The folded network. Raises ValueError where the file does not hold the student's convolutions in order."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter: Any = Interpreter(
        model_path=str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    interpreter.allocate_tensors()
    tensors = {int(details["index"]): details for details in interpreter.get_tensor_details()}
    found: list[tuple[Floats, Floats]] = []
    for operation in interpreter._get_ops_details():
        if operation["op_name"] == "CONV_2D":
            _, kernel, bias = (int(index) for index in operation["inputs"])
            real = _dequantised(tensors, kernel, interpreter)
            found.append((np.ascontiguousarray(real.transpose(1, 2, 3, 0)), _dequantised(tensors, bias, interpreter)))
    network: Network = {}
    for name, (kernel_values, bias_values) in zip(_order(found), found, strict=True):
        network[name] = Convolution(kernel_values, bias_values, _stride(name), _relu(name))
    stem = network["stem"]
    moved = stem.kernel.sum(axis=(0, 1, 2)) * np.float32(0.5 / 127.5)
    return {**network, "stem": replace(stem, bias=(stem.bias - moved).astype(np.float32))}


def _order(found: Sequence[tuple[Floats, Floats]]) -> list[str]:
    """Names in the file's order. The converter may put a block's projection before or after its other convolutions."""
    names = layer_names()
    if len(found) != len(names):
        raise ValueError(f"{len(found)} convolutions, the student has {len(names)}")
    order = list(names)
    for position, name in enumerate(names):
        block = name.rsplit(".", 1)[0]
        if (
            name.endswith(".a")
            and f"{block}.p" in names
            and found[position][0].shape[3] != found[position + 1][0].shape[2]
        ):
            order[position : position + 4] = [f"{block}.{part}" for part in "pabc"]
    return order


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the folded weights."""
    parser = argparse.ArgumentParser(description="Recover the float student from an int8 file.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    network = recover(options.model)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_folded(options.out, network)
    print(f"{len(network)} convolutions: {options.out}")


if __name__ == "__main__":
    main()
