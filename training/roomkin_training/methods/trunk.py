"""The frozen pre-trained network: the shipped student's trunk in float, and its features, computed once.

Invariant: a row of the cache that is not NaN is finished, so a killed run goes on. The trunk sees pictures of
`material.SIDE_PX`, enlarged to the 112 px that it was trained at.

    python -m roomkin_training.methods.trunk [--pack DIR] [--cache DIR]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..augment import degrade
from ..data import SIDE_PX as FULL_PX
from ..dice import Dice
from ..folded_student import FoldedStudent
from ..folding import read_weights
from ..student import normalised_input
from .evaluation import Embed, Embedded, mapped
from .material import Bytes, Floats, Material, Subset, open_table, read_material, read_subset, reduced
from .running import Options, arguments

BATCH = 16
VIEWS = 2


def read_trunk(options: Options) -> FoldedStudent:
    """The shipped student in float, recovered from its int8 file at the first use."""
    path = options.start
    if not path.exists():
        from ..folding import write_folded
        from ..recover import recover

        write_folded(path, recover(options.student))
    return FoldedStudent(read_weights(path)).eval().requires_grad_(False)


def trunk_input(faces: Bytes) -> Tensor:
    """Faces uint8 [n,112,112,3], reduced and enlarged again, as float [n,3,112,112] in the trunk's range."""
    small = torch.from_numpy(reduced(faces)).permute(0, 3, 1, 2).float()
    full = F.interpolate(small, size=(FULL_PX, FULL_PX), mode="bilinear", align_corners=False)
    return normalised_input(full).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def trunk_features(trunk: FoldedStudent, faces: Bytes) -> Floats:
    """Features float32 [n,2048 width] of faces uint8 [n,112,112,3]."""
    parts = [
        trunk.features(trunk.frozen(trunk_input(faces[start : start + BATCH]))).numpy()
        for start in range(0, len(faces), BATCH)
    ]
    return np.concatenate(parts)


def camera_view(faces: Bytes, seed: int) -> Bytes:
    """What a simulated room camera makes of faces uint8 [n,112,112,3] (`augment.degrade`)."""
    pixels = torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 255.0
    generator = torch.Generator()
    generator.manual_seed(seed)
    seen = degrade(pixels, Dice(generator, len(faces), FULL_PX))
    view: Bytes = (seen * 255.0).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    return view


def cached_features(trunk: FoldedStudent, faces: Bytes, path: Path, camera_seed: int | None = None) -> Floats:
    """Features float32 [n,f] from the cache file; what is missing there is computed first.

    With `camera_seed` the features of `camera_view`, whose chance depends on the seed and the row.
    """
    numbers = int(trunk.units["head"].weight.shape[1])  # type: ignore[index]
    table = open_table(path, (len(faces), numbers), np.float16)
    said = time.monotonic()
    for start in range(0, len(faces), BATCH):
        rows = slice(start, start + BATCH)
        if np.isfinite(table[rows]).all():
            continue
        seen = faces[rows] if camera_seed is None else camera_view(faces[rows], camera_seed + start)
        table[rows] = trunk_features(trunk, seen)
        if time.monotonic() - said > 30:
            print(f"{path.name}: {start} of {len(faces)} faces", file=sys.stderr, flush=True)
            said = time.monotonic()
    return np.asarray(table, np.float32)


def subset_features(options: Options, trunk: FoldedStudent, subset: Subset) -> Floats:
    """Features float32 [n,2,f] of the training faces: clean, and as a camera sees them."""
    name = subset.hash[:12]
    views = [
        cached_features(trunk, subset.images, options.cache / f"features-{name}-{view}.npy", seed)
        for view, seed in enumerate((None, 1))
    ]
    return np.stack(views, axis=1)


def material_features(options: Options, trunk: FoldedStudent, material: Material) -> dict[str, Floats]:
    """Features float32 [n,f] of the four sets of the protocols."""
    return {
        name: cached_features(trunk, faces, options.cache / f"features-{name.replace(' ', '-')}.npy")
        for name, faces in material.faces()
    }


def network_head(network: Callable[[Tensor], Tensor]) -> Callable[[Floats], Floats]:
    """A trained head as a function of features float32 [n,f]."""

    @torch.no_grad()
    def head(features: Floats) -> Floats:
        found: Floats = network(torch.from_numpy(features)).numpy()
        return found

    return head


def on_trunk(
    options: Options, trunk: FoldedStudent, material: Material, head: Callable[[Floats], Floats]
) -> tuple[Embedded, Embed]:
    """A head on the frozen trunk: the embeddings of the protocols' faces, and the same as a function of faces."""
    return mapped(material_features(options, trunk, material), head), trunk_embedder(trunk, head)


def trunk_embedder(trunk: FoldedStudent, head: Callable[[Floats], Floats]) -> Embed:
    """The frozen trunk with `head` as a function of faces uint8 [n,112,112,3]."""

    def embed(faces: Bytes) -> Floats:
        return head(trunk_features(trunk, faces))

    return embed


def main(words: Sequence[str] | None = None) -> None:
    """Fills the caches that the methods on the frozen trunk share."""
    options = arguments("Compute the frozen trunk's features once.", words)
    torch.set_num_threads(1)
    trunk = read_trunk(options)
    material = read_material(options.evaluation, options.cache)
    material_features(options, trunk, material)
    subset = read_subset(options.pack, options.cache, options.people, options.photos, options.seed)
    subset_features(options, trunk, subset)
    print(f"{len(subset.rows)} training faces of {subset.people} people: {options.cache}")


if __name__ == "__main__":
    main()
