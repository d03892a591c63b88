"""One-shot comparison: a learnt distance between the embeddings of two faces, one of them an avatar.

Koch, Zemel and Salakhutdinov 2015: the score of a pair is a weighted sum of the differences between its embeddings,
trained on the label same or different. The embedding is that of the frozen trunk.

Pairs are streamed: each batch reads and decodes its own pictures, half of the pairs similar, half dissimilar. So the
memory of the pipeline depends on the batch and not on the data set; `peak_bytes` measures it.

    python -m roomkin_training.methods.one_shot
    python -m roomkin_training.methods.one_shot --avatar ADA.jpg --picture ROOM.jpg
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..alignment import align_file
from ..blazeface import BlazeFace
from ..schedule import learning_rate
from .evaluation import Embed, Row, mapped, report_embeddings
from .material import Bytes, Floats, PackReader, Rows, chosen_rows, read_material
from .networks import draw_pairs
from .running import Options, descend, fit, numpy_chance, options_of, parser, set_rate
from .shipped import head_of
from .trunk import camera_view, material_features, read_trunk, trunk_embedder

ROW = Row("one-shot", "one-shot comparison, learnt distance", "weights of 192 differences on the frozen trunk")
RATE = 0.05
PEAK_BATCHES = 20


class PairStream:
    """Balanced pairs of a pack, read and decoded batch by batch."""

    def __init__(self, reader: PackReader, rows: Rows, person: Rows) -> None:
        self.reader, self.rows, self.person = reader, rows, person

    def batch(self, count: int, rng: np.random.Generator) -> tuple[Bytes, Bytes, Tensor]:
        """Faces uint8 [count,112,112,3] of both sides and 1.0 for each pair of one person."""
        left, right, same = draw_pairs(self.person, count, rng)
        return self.reader.images(self.rows[left]), self.reader.images(self.rows[right]), same


def whole_pack(reader: PackReader) -> PairStream:
    """A stream over all people of the pack with two photos or more."""
    known, counts = np.unique(reader.identity, return_counts=True)
    usable = known[(counts >= 2) & (known >= 0)]
    rows = np.flatnonzero(np.isin(reader.identity, usable))
    return PairStream(reader, rows, np.searchsorted(usable, reader.identity[rows]).astype(np.int64))


def peak_bytes(stream: PairStream, pairs: int, count: int = PEAK_BATCHES) -> int:
    """Most bytes that Python and NumPy held at once while `count` batches of `pairs` pairs were streamed."""
    stream.batch(pairs, np.random.default_rng(0))  # modules and codecs that load at the first use do not count
    tracemalloc.start()
    try:
        for number in range(count):
            stream.batch(pairs, np.random.default_rng(number))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Comparator(nn.Module):
    """Score of pairs of embeddings: bias less the weighted differences. All weights stay positive."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.full((numbers,), 0.5))
        self.bias = nn.Parameter(torch.tensor(8.0))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Log-odds [n] that the embeddings [n,d] are of one person."""
        return self.bias - ((a - b).abs() * F.softplus(self.raw)).sum(1)

    @torch.no_grad()
    def matrix(self, probes: Floats, references: Floats) -> Floats:
        """Log-odds float32 [p, r]."""
        weights = F.softplus(self.raw)
        a, b = torch.from_numpy(probes) * weights, torch.from_numpy(references) * weights
        found: Floats = (self.bias - torch.cdist(a, b, p=1.0)).numpy()
        return found


class OneShot:
    """The task: a streamed batch of pairs through the frozen trunk."""

    def __init__(self, stream: PairStream, embed: Embed, numbers: int, options: Options) -> None:
        self.stream, self.embed, self.options = stream, embed, options
        self.module = Comparator(numbers)
        self.optimizer = torch.optim.Adam(self.module.parameters(), RATE)

    def step(self, number: int, fraction: float) -> Tensor:
        """One batch of pairs; one side is clean, as an avatar is, the other is seen by a simulated camera."""
        set_rate(self.optimizer, learning_rate(RATE, fraction, number, 0))
        rng = numpy_chance(self.options.seed, number)
        left, right, same = self.stream.batch(self.options.batch // 2, rng)
        seen = camera_view(right, self.options.seed * 1_000_003 + number)
        a, b = (torch.from_numpy(self.embed(faces)) for faces in (left, seen))
        return descend(self, F.binary_cross_entropy_with_logits(self.module(a, b), same))


def compare(detector: BlazeFace, embed: Embed, comparator: Comparator, avatar: Path, picture: Path) -> float:
    """Probability (0 to 1) that two files show one person: detect, align, embed, compare.

    Raises ValueError naming the file without a face.
    """
    faces = []
    for path in (avatar, picture):
        face = align_file(detector, path)
        if face is None:
            raise ValueError(f"{path} shows no face: use a larger or sharper picture")
        faces.append(face)
    found = embed(np.stack(faces))
    return float(torch.sigmoid(torch.from_numpy(comparator.matrix(found[:1], found[1:])))[0, 0])


def main(words: Sequence[str] | None = None) -> None:
    """Trains and measures, or compares two files."""
    made = parser("Train a comparison of two faces on streamed pairs.")
    made.add_argument("--avatar", type=Path, help="with --picture: only compare these two files")
    made.add_argument("--picture", type=Path)
    parsed = made.parse_args(words)
    if (parsed.avatar is None) != (parsed.picture is None):
        made.error("give both --avatar and --picture")
    options = options_of(parsed)
    torch.set_num_threads(1)
    trunk = read_trunk(options)
    embed = trunk_embedder(trunk, lambda values: head_of(trunk, values))
    numbers = int(trunk.units["head"].weight.shape[0])  # type: ignore[index]
    if parsed.avatar is not None:
        kept = options.cache / f"{ROW.method}.pt"
        if not kept.exists():
            raise SystemExit(f"{kept} is missing: train first, without --avatar")
        comparator = Comparator(numbers)
        comparator.load_state_dict(torch.load(kept, weights_only=True)["module"])
        try:
            print(f"{compare(BlazeFace(), embed, comparator, parsed.avatar, parsed.picture):.1%} one person")
        except (OSError, ValueError) as error:
            raise SystemExit(str(error)) from error
        return
    with PackReader(options.pack, options.cache) as reader:
        chosen = PairStream(reader, *chosen_rows(reader.identity, options.people, options.photos, options.seed))
        peaks = {"peak_bytes": peak_bytes(chosen, options.batch // 2)}
        everybody = whole_pack(reader)
        peaks |= {"peak_bytes_pack": peak_bytes(everybody, options.batch // 2), "pack_faces": len(everybody.rows)}
        task = OneShot(chosen, embed, numbers, options)
        trained = fit(task, options, ROW.method, reader.hash)
    material = read_material(options.evaluation, options.cache)
    embedded = mapped(material_features(options, trunk, material), lambda values: head_of(trunk, values))
    report_embeddings(
        options.cache, ROW, trained, material, embedded, embed, task.module.matrix, reader.hash, options.seed,
        {name: float(value) for name, value in peaks.items()},
    )  # fmt: skip


if __name__ == "__main__":
    main()
