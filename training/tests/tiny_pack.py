"""A pack of a few invented pictures (gradients and discs, no people), in the real pack's format."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

DIMENSION = 192


def write_pack(folder: Path, per_shard: int = 12) -> None:
    """Two shards of seeded pictures; the first of each has no identity."""
    for number, name in enumerate(("celeba-000", "utk-000")):
        rng = np.random.default_rng(number)
        files = []
        for _ in range(per_shard):
            y, x = np.mgrid[0:112, 0:112] / 112
            centre, tint = rng.uniform(0.3, 0.7, 2), rng.uniform(0.2, 1, 3)
            disc = (np.hypot(x - centre[0], y - centre[1]) < rng.uniform(0.2, 0.4))[..., None]
            picture = (np.stack([x, y, x * y], 2) * tint * 150 + disc * tint * 100).astype(np.uint8)
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "WEBP", quality=50)
            files.append(file.getvalue())
        np.savez(
            folder / f"{name}.npz",
            data=np.frombuffer(b"".join(files), np.uint8),
            offset=np.cumsum([0, *map(len, files)]).astype(np.int64),
            teacher=rng.integers(-100, 100, (per_shard, DIMENSION)).astype(np.int8),
            teacher_scale=np.float32(0.01),
            identity=np.array([-1, *[row // 3 for row in range(1, per_shard)]], np.int32),
            attributes=np.full((per_shard, 3), -1, np.int16),
        )
