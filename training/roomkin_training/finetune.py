"""Fine-tunes the last stage and a new head of the student in the space of the second teacher, on a few processor cores.

Invariant: a killed run goes on from its last checkpoint; checkpoints and the curve are written together, at most
`--measure-every` minutes apart, and a checkpoint is whole or not there. The trunk up to stage 3 is frozen.

The last stage gets batch normalisation again (unfold.py). The first head keeps today's head for the first teacher's
part of the space and adds a ridge regression for SFace's part.

Most of every batch are faces of the pack with their stored targets, the others are new faces blended from two, whose
targets the teachers compute on the spot (see distil.py). Children are drawn `--children` times as often as their share.

    python -m roomkin_training.finetune --pack DIR --start start.npz --sface sface.npy --sface-file SFACE.onnx --out OUT
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from .augment import degrade
from .children import OLDEST, ChildProtocol, child_figures, child_protocol, held_children
from .curve import SEED, read_pairs
from .data import SIDE_PX, AlignedPairs, Faces, read_pack
from .degrade import degrade_all
from .dice import Dice
from .folded_student import FoldedStudent
from .folding import read_weights, write_folded
from .geometry import blend
from .losses import cosine_loss, length_loss, relation_loss
from .metrics import normalised
from .ridge import Moments, fit, joined_head, pair_figures, trained_rows
from .schedule import learning_rate
from .spaces import joined, rotated, rotation
from .student import normalised_input
from .targets import read_targets
from .teachers import MobileFaceNet, SFace
from .unfold import measure_statistics
from .wild import wild_figures, wild_protocol

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
LENGTH_SHARE = 0.01
DECAY = 0.05
AVERAGE = 0.998
STAGE_LR = 3e-4
# Elsewhere bfloat16 is emulated and slower than float.
FAST_BFLOAT16 = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "amx_tile", "bf16"))


class TooFewTargetsError(ValueError):
    """The table of targets holds too few faces to train on."""


class Run:
    """The student, its average, the optimizer, and how far they are."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        torch.manual_seed(options.seed)
        self.faces: Faces = read_pack(options.pack)
        self.children = held_children(self.faces)
        self.generator = torch.Generator()
        self.generator.manual_seed(options.seed)
        self.student = FoldedStudent(read_weights(options.start))
        self.student.requires_grad_(False)
        self.images, self.seconds, self.steps = 0, 0.0, 0
        self.wait_for_targets()
        checkpoint = options.out / "checkpoint.pt"
        state = torch.load(checkpoint, weights_only=True) if checkpoint.exists() else None
        if state is None:
            self._start_head()
        else:
            head = state["student"]["units.head.weight"]
            self.student.replace_head(head[:, :, 0, 0].numpy().T, np.zeros(len(head), np.float32))
        self.student.normalise()
        if state is None:
            measure_statistics(self.student, self._seen(options.statistics))
        for parameter in self.student.trainable():
            parameter.requires_grad_(True)
        head = list(self.student.units["head"].parameters())
        stage = [each for each in self.student.trainable() if all(each is not other for other in head)]
        groups = [
            {"params": [each for each in stage if each.ndim == 4], "peak": options.stage_lr, "weight_decay": DECAY},
            {"params": [each for each in stage if each.ndim < 4], "peak": options.stage_lr},
            {"params": head, "peak": options.lr},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=options.lr, weight_decay=0.0, betas=(0.9, 0.99))
        self.average = copy.deepcopy(self.student).eval()
        if state is not None:
            self.student.load_state_dict(state["student"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.average.load_state_dict(state["average"])
            self.generator.set_state(state["generator"])
            self.images, self.seconds, self.steps = state["images"], state["seconds"], state["steps"]
            print(f"goes on after {self.images} images, {self.seconds / 3600:.2f} h", file=sys.stderr, flush=True)
        self.sface = SFace(options.sface_file, options.threads) if options.blended > 0 else None
        self.first = MobileFaceNet(options.teacher_file) if options.blended > 0 and options.mix < 1 else None

    def wait_for_targets(self) -> None:
        """Reads the targets, again each minute while there are too few. Raises SystemExit after `--wait` minutes."""
        end = time.monotonic() + self.options.wait * 60
        while True:
            try:
                self.read_targets()
                return
            except (FileNotFoundError, TooFewTargetsError) as error:
                if time.monotonic() >= end:
                    raise SystemExit(f"{error}: run roomkin_training.targets first") from error
            time.sleep(min(60.0, max(end - time.monotonic(), 0.1)))

    def read_targets(self) -> None:
        """Reads the targets that are computed by now; the space is fixed by the first reading.

        Raises TooFewTargetsError below `--least`, FileNotFoundError without a table.
        """
        sface, done = read_targets(self.options.sface)
        train = trained_rows(self.faces, done)
        if len(train) < self.options.least:
            raise TooFewTargetsError(f"only {len(train)} faces have targets")
        if self.options.features is not None and len(self.with_features(train)) < self.options.least:
            raise TooFewTargetsError("too few faces have features of the trunk")
        both = self.join(sface, self.faces.targets)
        space = self.options.out / "space.npz"
        if not space.exists():
            basis = rotation(both[train], min(self.options.numbers, both.shape[1]))
            whole(space, lambda path: np.savez(path, basis=basis, mix=np.float32(self.options.mix)))
        with np.load(space) as file:
            if abs(float(file["mix"]) - self.options.mix) > 1e-6:
                raise SystemExit(f"{space} was made with --mix {float(file['mix']):.2f}: use it, or another --out")
            self.basis: Floats = file["basis"]
        self.targets, self.second = rotated(both, self.basis), sface
        self.rows = torch.from_numpy(train)
        weights = self.faces.draw_weights()[train].astype(np.float32)
        age = self.faces.attributes[train, 0]
        weights[(age >= 1) & (age <= OLDEST)] *= self.options.children
        self.weights = torch.from_numpy(weights)
        print(f"{len(train)} faces have targets", file=sys.stderr, flush=True)

    def with_features(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those rows whose trunk features are stored. Raises FileNotFoundError without a table."""
        table: npt.NDArray[np.float16] = np.load(self.options.features, mmap_mode="r")
        ready: npt.NDArray[np.int64] = rows[np.isfinite(table[rows, 0, 0])]
        return ready

    def join(self, sface: Floats, first: Floats) -> Floats:
        """Both teachers' embeddings as one, weighted; SFace's alone where the other weighs nothing."""
        mix = self.options.mix
        return sface if mix >= 1 else joined([sface, first], [mix, 1 - mix])

    @torch.no_grad()
    def _start_head(self) -> None:
        """Today's head for the first teacher's part of the space; SFace's part is fitted to the trunk's features.

        They are those of all faces where they are stored, otherwise of `--head-faces` degraded ones.
        """
        moments = Moments()
        if self.options.features is not None:
            rows, table = self.with_features(self.rows.numpy()), np.load(self.options.features, mmap_mode="r")
            moments = fit(table, rows, self.second[rows])
        else:
            for x, rows in self._degraded(self.options.head_faces):
                moments.add(self.student.features(self.student.frozen(x)).numpy(), self.second[rows])
        print(f"the head is fitted on {moments.count} views", file=sys.stderr, flush=True)
        weight, bias = moments.solve(self.options.penalty)
        today = self.student.units["head"].folded()  # type: ignore[operator]
        if self.options.mix < 1:
            weight, bias = joined_head(self.options.mix, (weight, bias), (today.kernel[0, 0], today.bias))
        self.student.replace_head(weight @ self.basis, bias @ self.basis)

    def _degraded(self, count: int) -> Iterator[tuple[Tensor, npt.NDArray[np.int64]]]:
        """At least `count` faces of the pack as the student sees them (its input), and their rows, in batches."""
        for _ in range(-(-count // self.options.batch)):
            picked = self.rows[torch.multinomial(self.weights, self.options.batch, True, generator=self.generator)]
            faces = torch.from_numpy(self.faces.images[picked.numpy()]).permute(0, 3, 1, 2).float() / 255.0
            x = degrade(faces, Dice(self.generator, len(faces), SIDE_PX))
            yield normalised_input(x * 255.0), picked.numpy()

    def _seen(self, count: int) -> Iterator[Tensor]:
        return (x for x, _ in self._degraded(count))

    def draw(self, count: int, blended: float | None = None) -> tuple[Tensor, Tensor]:
        """Clean faces float [count,3,112,112] in 0 to 1, and their targets float [count,numbers]."""
        mixed = round(count * (self.options.blended if blended is None else blended))
        picked = self.rows[torch.multinomial(self.weights, count + mixed, True, generator=self.generator)].numpy()
        pixels = torch.from_numpy(self.faces.images[picked]).permute(0, 3, 1, 2).float() / 255.0
        targets = torch.from_numpy(self.targets[picked[: count - mixed]])
        if mixed == 0:
            return pixels, targets
        pairs = pixels[count - mixed :]
        new = blend(pairs[:mixed], pairs[mixed:], Dice(self.generator, mixed, SIDE_PX, grains=0)).clamp(0, 1)
        assert self.sface is not None
        shown: Bytes = (new * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        sface = self.sface.mirrored(shown)
        first = self.first.mirrored(shown) if self.first is not None else sface
        asked = torch.from_numpy(rotated(self.join(sface, first), self.basis))
        return torch.cat([pixels[: count - mixed], new]), torch.cat([targets, asked])

    def step(self) -> float:
        """One batch. Returns the mean cosine to the targets."""
        options = self.options
        spent = min(1.0, self.images / options.images)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(group["peak"], spent, self.steps, options.warm_up)
        faces, targets = self.draw(options.batch)
        x = normalised_input(degrade(faces, Dice(self.generator, len(faces), SIDE_PX)) * 255.0)
        self.student.train()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=FAST_BFLOAT16):
            middle = self.student.frozen(x.contiguous(memory_format=torch.channels_last))
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BFLOAT16):
            raw = self.student.head(self.student.features(middle))
        raw = raw.float()
        found = F.normalize(raw, dim=1)
        near = cosine_loss(found, targets)
        loss = near + options.relation * relation_loss(found, targets) + LENGTH_SHARE * length_loss(raw)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.trainable(), 1.0)
        self.optimizer.step()
        decay = min(AVERAGE, (1 + self.steps) / (10 + self.steps))
        self._average(decay)
        self.images, self.steps = self.images + len(x), self.steps + 1
        return 1.0 - float(near.detach())

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        """Moves the running average of weights and statistics towards the student."""
        for kept, now in zip(self.average.state_dict().values(), self.student.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(now, 1 - decay)

    def save(self) -> None:
        """Writes checkpoint and averaged weights, each whole or not at all."""
        state = {
            "student": self.student.state_dict(), "optimizer": self.optimizer.state_dict(),
            "average": self.average.state_dict(), "generator": self.generator.get_state(),
            "images": self.images, "seconds": self.seconds, "steps": self.steps,
        }  # fmt: skip
        whole(self.options.out / "checkpoint.pt", lambda path: torch.save(state, path))
        whole(self.options.out / "student.npz", lambda path: write_folded(path, self.average.folded()))


def whole(path: Path, write: object) -> None:
    """Calls `write` with a temporary name beside `path`, then renames it: a power cut leaves the old file."""
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.part{path.suffix}")
    write(temporary)  # type: ignore[operator]
    os.replace(temporary, path)


class Protocols:
    """What a row of the curve is measured on."""

    def __init__(self, faces: Faces, children: npt.NDArray[np.int64], pairs: Path) -> None:
        self.pairs: AlignedPairs = read_pairs(pairs)
        self.low = degrade_all(self.pairs.images, SEED + 1)
        self.children: ChildProtocol = child_protocol(faces, children)
        self.wild: AlignedPairs = wild_protocol(faces)

    def measure(self, student: FoldedStudent) -> dict[str, float]:
        """Figures in per cent."""

        @torch.no_grad()
        def embed(images: Bytes) -> Floats:
            parts = []
            for start in range(0, len(images), 32):
                x = torch.from_numpy(images[start : start + 32]).permute(0, 3, 1, 2)
                with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BFLOAT16):
                    parts.append(student(normalised_input(x)).float().numpy())
            return normalised(np.concatenate(parts))

        figures = pair_figures(self.pairs, embed(self.pairs.images), embed(self.low))
        figures |= child_figures(self.children, embed(self.children.first), embed(self.children.second))
        figures |= wild_figures(self.wild, embed(self.wild.images))
        return {name: round(100 * value, 2) for name, value in figures.items()}


def append(path: Path, row: dict[str, float]) -> None:
    """Adds a row to the curve."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def train(run: Run, protocols: Protocols | None) -> None:
    """Trains until the budget is spent or the process is asked to stop; then saves."""
    options, stop = run.options, []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _frame: stop.append(number))
    cosine, last = float("nan"), time.monotonic()
    said = saved = measured = last

    def measure() -> None:
        if protocols is not None:
            row = {"images": run.images, "hours": round(run.seconds / 3600, 3), "cosine": round(cosine, 4)}
            row |= protocols.measure(run.average)
            append(options.out / "curve.csv", row)
            print(json.dumps(row), file=sys.stderr, flush=True)

    if run.images == 0:
        run.save()
        measure()
    while run.images < options.images and not stop:
        cosine = run.step()
        now = time.monotonic()
        run.seconds, last = run.seconds + now - last, now
        if now - said > options.say_every:
            print(f"{run.images} images, {run.seconds / 3600:.2f} h, cosine {cosine:.4f}", file=sys.stderr, flush=True)
            said = now
        if now - saved > options.save_every * 60:
            run.save()
            saved = time.monotonic()
        if now - measured > options.measure_every * 60:
            run.read_targets()
            measure()
            measured = last = time.monotonic()
    run.save()
    if not stop:
        measure()


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fine-tune the student's last stage and head on SFace's targets.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="folded weights (recover) or training weights, .npz")
    parser.add_argument("--sface", type=Path, required=True, help="table of targets (roomkin_training.targets)")
    parser.add_argument("--sface-file", type=Path, required=True, help="the teacher's .onnx, for blended faces")
    parser.add_argument(
        "--teacher-file", type=Path, help="MobileFaceNet.tflite, for blended faces where --mix is below 1"
    )
    parser.add_argument("--mix", type=float, default=0.5, help="weight of SFace's cosine in the new space")
    parser.add_argument("--numbers", type=int, default=192, help="length of the new embedding, at most")
    parser.add_argument("--pairs", type=Path, help="aligned pairs (roomkin_training.alignment)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=4_000_000, help="budget in pictures")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-4, help="of the head")
    parser.add_argument("--stage-lr", type=float, default=STAGE_LR, help="of the last stage")
    parser.add_argument("--wait", type=float, default=0.0, help="minutes to wait for enough targets and features")
    parser.add_argument("--least", type=int, default=64, help="faces with targets and features that are enough")
    parser.add_argument("--warm-up", type=int, default=200, help="steps")
    parser.add_argument("--blended", type=float, default=0.25, help="share of a batch that is blended")
    parser.add_argument("--relation", type=float, default=0.3, help="weight of the relation loss")
    parser.add_argument(
        "--children", type=float, default=3.0, help="how often children are drawn, relative to their share"
    )
    parser.add_argument("--head-faces", type=int, default=3000, help="faces that the first head is fitted on")
    parser.add_argument("--statistics", type=int, default=1024, help="faces that batch normalisation is measured on")
    parser.add_argument("--features", type=Path, help="trunk features of many faces, for the first head (features)")
    parser.add_argument("--penalty", type=float, default=3.0, help="of the first head's regression, see ridge")
    parser.add_argument("--say-every", type=float, default=120.0, help="seconds between lines of progress")
    parser.add_argument("--save-every", type=float, default=6.0, help="minutes between checkpoints")
    parser.add_argument("--measure-every", type=float, default=90.0, help="minutes between rows of the curve")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=20261128)
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Fine-tunes."""
    options = arguments(words)
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    run = Run(options)
    protocols = Protocols(run.faces, run.children, options.pairs) if options.pairs else None
    train(run, protocols)


if __name__ == "__main__":
    main()
