"""The shipped int8 student, nothing trained: as the daemon runs it, and its float head on the cached features.

python -m roomkin_training.methods.shipped
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..embedders import embed_single
from ..folded_student import FoldedStudent
from ..lite import LiteModel
from ..metrics import normalised
from .evaluation import Row, cosine, embed_material, report_embeddings
from .material import Bytes, Floats, read_material
from .running import NOT_TRAINED, arguments
from .trunk import on_trunk, read_trunk

INT8 = Row("shipped", "shipped int8 student", "nothing here: 18.2 M pictures on a GPU, 112 px")
FLOAT = Row("frozen", "its float trunk and head, 64 px", "nothing here")


@torch.no_grad()
def head_of(trunk: FoldedStudent, features: Floats) -> Floats:
    """Embeddings float32 [n,192] of length 1 from features float32 [n,f]."""
    return normalised(trunk.head(torch.from_numpy(np.asarray(features, np.float32))).numpy())


def main(words: Sequence[str] | None = None) -> None:
    """Measures both rows."""
    options = arguments("Measure the shipped student.", words)
    torch.set_num_threads(1)
    material = read_material(options.evaluation, options.cache)
    trunk = read_trunk(options)
    embedded, embed_float = on_trunk(options, trunk, material, lambda features: head_of(trunk, features))
    report_embeddings(options.cache, FLOAT, NOT_TRAINED, material, embedded, embed_float, cosine, "none", options.seed)
    model = LiteModel(options.student)

    def embed_int8(faces: Bytes) -> Floats:
        return embed_single(model, faces)

    report_embeddings(
        options.cache, INT8, NOT_TRAINED, material, embed_material(material, embed_int8), embed_int8, cosine, "none",
        options.seed,
    )  # fmt: skip


if __name__ == "__main__":
    main()
