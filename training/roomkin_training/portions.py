"""Cuts a file into portions that a narrow way lets through, and joins them again.

Invariant: what `join` writes is the file that `split` read, checked by its SHA-256, or nothing.

    python -m roomkin_training.portions split student.npz FOLDER --mib 15
    python -m roomkin_training.portions join FOLDER student.npz
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from .data import file_hash

MIB = 1 << 20
LARGEST_MIB = 63.0  # below 64 MiB with some room for what carries them
LIST = "portions.json"


def split(path: Path, folder: Path, mib: float = LARGEST_MIB) -> list[Path]:
    """Writes `portion-000` and so on of at most `mib` MiB, and the list; older portions there are removed.

    Raises ValueError for portions of 64 MiB and more, or of nothing.
    """
    size = int(mib * MIB)
    if not 0 < size < 64 * MIB:
        raise ValueError(f"{mib} MiB: a portion must be larger than 0 and smaller than 64 MiB")
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("portion-*"), *folder.glob(LIST)]:
        old.unlink()
    written: list[Path] = []
    with path.open("rb") as file:
        while part := file.read(size):
            written.append(folder / f"portion-{len(written):03}")
            written[-1].write_bytes(part)
    described = {"portions": [each.name for each in written], "sha256": file_hash(path), "bytes": path.stat().st_size}
    (folder / LIST).write_text(json.dumps(described) + "\n", "utf-8")
    return written


def join(folder: Path, path: Path) -> None:
    """Writes the file again. Raises FileNotFoundError for a missing portion, ValueError where the file is another."""
    described = json.loads((folder / LIST).read_text("utf-8"))
    names: list[str] = described["portions"]
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        raise FileNotFoundError(f"{folder} lacks {', '.join(missing)}: bring them first")
    beside, digest = path.with_name(path.name + ".new"), hashlib.sha256()
    with beside.open("wb") as file:
        for name in names:
            part = (folder / name).read_bytes()
            digest.update(part)
            file.write(part)
    if digest.hexdigest() != described["sha256"]:
        beside.unlink()
        raise ValueError(f"{folder}: a portion is damaged, or of another file: bring all of them again")
    os.replace(beside, path)


def main(words: Sequence[str] | None = None) -> None:
    """Splits or joins."""
    parser = argparse.ArgumentParser(description="Cut a file into portions, or join them.")
    commands = parser.add_subparsers(dest="command", required=True)
    cut = commands.add_parser("split")
    cut.add_argument("file", type=Path)
    cut.add_argument("folder", type=Path)
    cut.add_argument("--mib", type=float, default=LARGEST_MIB, help="size of a portion, at most")
    glue = commands.add_parser("join")
    glue.add_argument("folder", type=Path)
    glue.add_argument("file", type=Path)
    options = parser.parse_args(words)
    if options.command == "split":
        print(f"{len(split(options.file, options.folder, options.mib))} portions: {options.folder}")
    else:
        join(options.folder, options.file)
        print(f"joined: {options.file}")


if __name__ == "__main__":
    main()
