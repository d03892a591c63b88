"""The pairs format of `roomkin evaluate pairs`: lines `label fold imageA imageB [kind]`, `#` comments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Pairs:
    """Pairs as indices into `names`: `left`, `right`, `fold` int32 [n], `label` bool [n] (True: the same person)."""

    names: list[str]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    label: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int32]


def read_pairs(path: Path) -> Pairs:
    """Reads a pairs file. Raises ValueError naming the line when one is malformed."""
    index: dict[str, int] = {}
    rows: list[tuple[int, int, bool, int]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if len(words) not in (4, 5) or words[0] not in ("0", "1") or not words[1].isdigit():
            raise ValueError(f"{path}:{number}: expected `label fold imageA imageB [kind]`")
        left, right = (index.setdefault(name, len(index)) for name in words[2:4])
        rows.append((left, right, words[0] == "1", int(words[1])))
    return Pairs(
        names=list(index),
        left=np.array([row[0] for row in rows], dtype=np.int32),
        right=np.array([row[1] for row in rows], dtype=np.int32),
        label=np.array([row[2] for row in rows], dtype=np.bool_),
        fold=np.array([row[3] for row in rows], dtype=np.int32),
    )
