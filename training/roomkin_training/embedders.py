"""Aligned faces to embeddings with any of the embedders: teacher, float student, int8 student.

Invariant: pixels go in as uint8 [n, 112, 112, 3] RGB and the model's own input convention is applied here and nowhere
else. Embeddings come out as float32 of length 1.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .lite import LiteModel
from .metrics import normalised
from .progress import progress

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Views:
    """Two embeddings of each face, float32 [n, 192], length 1: of the picture alone, and its mean with its mirror."""

    single: Floats
    mirrored: Floats


def model_input(model: LiteModel, faces: Bytes) -> npt.NDArray[Any]:
    """A batch in the model's convention.

    int8: `(pixel - 128) / 127.5`, one step a grey level. Float, batch of two (the teacher): `(pixel - 127.5) / 128`.
    Float, batch of one (the student): `pixel / 127.5 - 1`.
    """
    if model.input.dtype == "int8":
        steps = np.rint((faces.astype(np.float64) - 128) / 127.5 / model.input.scale) + model.input.zero_point
        stored: npt.NDArray[np.int8] = np.clip(steps, -128, 127).astype(np.int8)
        return stored
    divisor = 128 if model.input.shape[0] == 2 else 127.5
    real: Floats = ((faces.astype(np.float32) - np.float32(127.5)) / np.float32(divisor)).astype(np.float32)
    return real


def raw_outputs(model: LiteModel, faces: Bytes, label: str, mirror: bool = True) -> Floats:
    """Outputs float32 [n, 2, 192], dequantized, not normalised: of each face and of its mirror image.

    Without `mirror` [n, 1, 192], in half the time (the teacher, who takes two at once, gives both all the same).
    """
    rows = []
    for face in progress(list(faces), label):
        pair = model_input(model, np.stack([face, face[:, ::-1]]))
        batches = [pair] if model.input.shape[0] == 2 else [pair[:1], pair[1:]][: 2 if mirror else 1]
        output = np.concatenate([model.run(batch)[0].reshape(len(batch), -1) for batch in batches])
        if output.dtype == np.int8:
            output = (output.astype(np.float32) - model.output.zero_point) * np.float32(model.output.scale)
        rows.append(output.astype(np.float32))
    return np.stack(rows)


def embed(model: LiteModel, faces: Bytes, label: str = "embed") -> Views:
    """Both kinds of embedding of each face."""
    each = normalised(raw_outputs(model, faces, label))
    return Views(single=each[:, 0], mirrored=normalised(each.mean(axis=1)))


def embed_single(model: LiteModel, faces: Bytes, label: str = "embed") -> Floats:
    """Embeddings of the pictures alone, float32 [n, 192], length 1."""
    return normalised(raw_outputs(model, faces, label, mirror=False)[:, 0])


def open_model(path: Path, threads: int = 1) -> LiteModel:
    """A `.tflite` file, or training weights (`.npz`), which are converted to a float model on the way."""
    if path.suffix != ".npz":
        return LiteModel(path, threads)
    from .folding import read_weights
    from .quantize import convert_float

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "float.tflite"
        file.write_bytes(convert_float(read_weights(path)))
        return LiteModel(file, threads)
