"""One LiteRT model, run on NumPy arrays; quantized inputs and outputs are left as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Tensor:
    """One input or output: shape, NumPy type, and scale and zero point (0 where it is not quantized)."""

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


def _tensor(details: dict[str, Any]) -> Tensor:
    scale, zero_point = details["quantization"]
    shape = tuple(int(side) for side in details["shape"])
    return Tensor(shape, np.dtype(details["dtype"]).name, float(scale), int(zero_point))


class LiteModel:
    """A `.tflite` file loaded once, with XNNPACK unless `delegate` is False. Not to be shared between threads."""

    def __init__(self, path: Path, threads: int = 1, delegate: bool = True) -> None:
        # slow to import, and training does not need it
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._interpreter: Any = Interpreter(
            model_path=str(path),
            num_threads=threads,
            experimental_op_resolver_type=OpResolverType.AUTO if delegate else plain,
        )
        self._interpreter.allocate_tensors()
        self._inputs: list[dict[str, Any]] = self._interpreter.get_input_details()
        self._outputs: list[dict[str, Any]] = self._interpreter.get_output_details()

    @property
    def input(self) -> Tensor:
        """The first input."""
        return _tensor(self._inputs[0])

    @property
    def output(self) -> Tensor:
        """The first output."""
        return _tensor(self._outputs[0])

    @property
    def output_name(self) -> str:
        """The first output's name in the file."""
        return str(self._outputs[0]["name"])

    def run(self, value: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Outputs, in the file's order, for one input of exactly the model's shape and type.

        Raises ValueError when shape or type differ.
        """
        wanted = self.input
        if value.shape != wanted.shape or value.dtype != np.dtype(wanted.dtype):
            raise ValueError(f"input is {value.shape} {value.dtype}, the model takes {wanted.shape} {wanted.dtype}")
        self._interpreter.set_tensor(self._inputs[0]["index"], value)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(o["index"]).copy() for o in self._outputs]
