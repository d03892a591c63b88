"""An ONNX file of SFace's form with few channels: weights in 8-bit blocks that are listed as inputs of the graph."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS, NUMBERS = 4, 128


def write_sface(path: Path) -> None:
    """Subtracts 127.5, convolves with stride 16, flattens, multiplies by a matrix of 8-bit blocks."""
    rng = np.random.default_rng(8)
    features = CHANNELS * 7 * 7
    kernel = rng.normal(size=(CHANNELS, 3, 16, 16)).astype(np.float32) / 16
    constants = {
        "middle": np.array([127.5], np.float32),
        "divisor": np.array([1 / 128], np.float32),
        "kernel": kernel,
        "matrix_quantized": rng.integers(-127, 128, (NUMBERS, features)).astype(np.int8),
        "matrix_scale": rng.uniform(0.005, 0.02, (NUMBERS, features // 49)).astype(np.float32),
        "matrix_zero": np.zeros((NUMBERS, features // 49), np.int8),
        "bias": rng.normal(size=NUMBERS).astype(np.float32),
    }
    nodes = [
        helper.make_node("Sub", ["data", "middle"], ["centred"]),
        helper.make_node("Mul", ["centred", "divisor"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "kernel"], ["map"], strides=[16, 16]),
        helper.make_node("Flatten", ["map"], ["flat"]),
        helper.make_node(
            "DequantizeLinear", ["matrix_quantized", "matrix_scale", "matrix_zero"], ["matrix"], axis=1, block_size=49
        ),
        helper.make_node("Gemm", ["flat", "matrix", "bias"], ["fc1"], transB=1),
    ]
    inputs = [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])]
    inputs += [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in constants.items()
    ]
    graph = helper.make_graph(
        nodes,
        "sface",
        inputs,
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, NUMBERS])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
