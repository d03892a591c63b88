"""Side views made from frontal faces through a depth map, balanced by pose, and what they gain on turned faces.

The depth map is a generic face: an ellipsoid with a nose. Its measures are those of an average adult head (Farkas 1994:
63 mm between the pupils, 137 mm wide, the nose 20 mm high), at the 35.2 px between the eyes of the aligned face.

Each row of a face is turned about the vertical axis: a pixel at (x, z) comes to x cos(yaw) + z sin(yaw), and what lies
behind a nearer part is hidden. The view is then aligned anew by its own landmarks, as the detector would do.

A linear head on the frozen trunk, which starts as the shipped one, learns the teacher's embedding of the frontal face.
`--views plain` sees clean and camera-like faces; `--views turned` also side views, as many of each pose.

    python -m roomkin_training.methods.pose --views turned
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..alignment import TEMPLATE, similarity_transform
from ..blazeface import BlazeFace, central
from ..folded_student import FoldedStudent
from ..losses import cosine_loss, relation_loss
from ..metrics import normalised, tar_at_far
from ..schedule import learning_rate
from .evaluation import Row, cosine, report_embeddings
from .material import Bytes, Floats, Material, Subset, open_table, read_material, read_subset
from .running import Options, descend, fit, numpy_chance, options_of, parser, set_rate
from .trunk import cached_features, material_features, network_head, on_trunk, read_trunk, subset_features

VIEWS = ("plain", "turned")
ROWS = {
    "plain": Row("pose-plain", "distillation of the head, no side views", "linear head on the frozen trunk"),
    "turned": Row("pose-turned", "distillation of the head, side views", "linear head on the frozen trunk"),
}
SIDE = 112
PX_PER_MM = 35.24 / 63
CENTRE = (56.0, 66.0)  # middle of the face in the aligned crop: between the eyes, a little above the nose tip
HALF_WIDTH = 137 / 2 * PX_PER_MM
HALF_HEIGHT = 190 / 2 * PX_PER_MM
DEPTH = 95 * PX_PER_MM
NOSE = 20 * PX_PER_MM
AXIS = 0.8 * DEPTH
YAWS = (20.0, 40.0, 60.0)  # degrees; one set of features each, to the left and to the right in turn
FRONTAL = 12.0
EACH = 3  # only every third training face is considered for side views
RATE = 2e-4
RELATION = 0.3
MEASURED_YAWS = (30.0, 50.0)
TURNED = 15.0

Doubles = npt.NDArray[np.float64]


def depth_map() -> Doubles:
    """Depth float64 [112,112] in pixels towards the viewer, 0 at the rim of the head."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    across, along = (x - CENTRE[0]) / HALF_WIDTH, (y - CENTRE[1]) / HALF_HEIGHT
    head = DEPTH * np.sqrt(np.maximum(1 - across**2 - along**2, 0))
    tip = (TEMPLATE[2][0], TEMPLATE[2][1])
    # The bridge rises from the eyes to the tip and ends steeply below it.
    length = np.where(y < tip[1], 14.0, 4.0)
    nose = NOSE * np.exp(-(((x - tip[0]) / 5.5) ** 2) - ((y - tip[1]) / length) ** 2)
    depth: Doubles = head + nose
    return depth


def _turned_x(depth: Doubles, yaw: float) -> Doubles:
    """Where each pixel comes to, x in pixels. The axis lies deep in the face, so that the face stays in the picture."""
    x = np.arange(SIDE, dtype=np.float64)[None] - CENTRE[0]
    result: Doubles = x * math.cos(yaw) + (depth - AXIS) * math.sin(yaw) + CENTRE[0]
    return result


def turned(face: Bytes, yaw_degrees: float, depth: Doubles | None = None) -> Bytes:
    """The face uint8 [112,112,3] turned by an angle (positive: to the right in the picture), aligned anew."""
    depth = depth_map() if depth is None else depth
    yaw = math.radians(yaw_degrees)
    where = _turned_x(depth, yaw)
    landmarks = TEMPLATE.copy()
    for point, (x, y) in enumerate(TEMPLATE):
        landmarks[point, 0] = np.interp(x, np.arange(SIDE), where[round(y)])
    back = np.linalg.inv(np.vstack([similarity_transform(landmarks), [0, 0, 1]]))[:2]
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    view_x = back[0, 0] * x + back[0, 1] * y + back[0, 2]
    view_y = np.clip(back[1, 0] * x + back[1, 1] * y + back[1, 2], 0, SIDE - 1)
    source = np.empty((SIDE, SIDE))  # for each pixel of the turned view, the column of the face that is seen there
    for row in range(SIDE):
        # From the side that turns towards the viewer the columns move on to the outline; what falls back is behind it.
        line = where[row]
        line = np.maximum.accumulate(line) if yaw > 0 else np.minimum.accumulate(line[::-1])[::-1]
        line = line + np.arange(SIDE) * 1e-6
        source[row] = np.interp(np.arange(SIDE, dtype=np.float64), line, np.arange(SIDE, dtype=np.float64))
    row_of = np.clip(np.rint(view_y), 0, SIDE - 1).astype(np.intp)
    column = np.clip(view_x, 0, SIDE - 1)
    low = np.floor(column).astype(np.intp)
    high = np.minimum(low + 1, SIDE - 1)
    share = column - low
    found = source[row_of, low] * (1 - share) + source[row_of, high] * share
    return _sampled(face, found, view_y)


def _sampled(face: Bytes, x: Doubles, y: Doubles) -> Bytes:
    """Bilinear samples of a face at x and y [112,112]."""
    x0, y0 = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    x1, y1 = np.minimum(x0 + 1, SIDE - 1), np.minimum(y0 + 1, SIDE - 1)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    upper = face[y0, x0] * (1 - fx) + face[y0, x1] * fx
    lower = face[y1, x0] * (1 - fx) + face[y1, x1] * fx
    result: Bytes = np.rint(upper * (1 - fy) + lower * fy).astype(np.uint8)
    return result


def turned_all(faces: Bytes, yaw_degrees: float) -> Bytes:
    """Every face turned, the even rows to the right and the odd ones to the left."""
    depth = depth_map()
    views = [turned(face, yaw_degrees if row % 2 == 0 else -yaw_degrees, depth) for row, face in enumerate(faces)]
    return np.stack(views)


def yaw_of(landmarks: npt.NDArray[np.floating]) -> float:
    """The yaw in degrees of a face from the detector's six points [6,2]: how far the nose is from between the ears.

    On the generic head the nose tip lies `DEPTH + NOSE` before the axis and the ears at `HALF_WIDTH` beside it.
    """
    right, left = landmarks[4].astype(float), landmarks[5].astype(float)
    across = left - right
    width = float(np.hypot(*across))
    if width < 1e-6:
        return 90.0
    offset = float((landmarks[2].astype(float) - (right + left) / 2) @ across) / width
    return math.degrees(math.atan2(offset * HALF_WIDTH, width / 2 * (DEPTH + NOSE)))


def measured_yaw(face: Bytes, detector: BlazeFace) -> float:
    """The yaw in degrees of an aligned face uint8 [112,112,3]; NaN where the detector finds none."""
    picture = Image.fromarray(np.pad(face, ((SIDE // 2,) * 2, (SIDE // 2,) * 2, (0, 0)), mode="edge"))
    best = central(detector.search(picture), *picture.size)
    return math.nan if best is None else yaw_of(best.landmarks)


def cached_yaws(options: Options, name: str, faces: Bytes) -> Floats:
    """Yaws in degrees float32 [n], NaN where the detector finds none; what the cache lacks is computed first."""
    table = open_table(options.cache / f"yaws-{name}.npy", (len(faces),), np.float32)
    missing = np.flatnonzero(np.isnan(table))
    if len(missing):
        detector = BlazeFace()
        for row in missing:
            yaw = measured_yaw(faces[row], detector)
            table[row] = np.inf if math.isnan(yaw) else yaw
    found = np.asarray(table, np.float32)
    return np.where(np.isinf(found), np.float32(np.nan), found)


class Head(torch.nn.Module):
    """Features float [n,f] to embeddings float [n,192] of length 1; it starts as the trunk's own head."""

    def __init__(self, trunk: FoldedStudent) -> None:
        super().__init__()
        unit = trunk.units["head"]
        weight, bias = unit.weight, unit.bias
        assert isinstance(weight, Tensor)
        assert isinstance(bias, Tensor)
        self.linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        self.linear.weight.data.copy_(weight[:, :, 0, 0])
        self.linear.bias.data.copy_(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Embeds."""
        return F.normalize(self.linear(x), dim=1)


def balanced(poses: Sequence[Floats], count: int, rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    """Rows of `count` views, as many of each pose: for each pose [n] of flags, which faces may be shown in it."""
    each = [count // len(poses) + (place < count % len(poses)) for place in range(len(poses))]
    return [rng.choice(np.flatnonzero(usable), size) for usable, size in zip(poses, each, strict=True)]


class Posed:
    """The task. `features` are float32 [n,f] of each kind of view, `usable` bool [n] says which faces it has."""

    def __init__(
        self, trunk: FoldedStudent, subset: Subset, features: list[Floats], usable: list[Floats], options: Options
    ) -> None:
        self.features = [torch.from_numpy(each) for each in features]
        self.usable, self.options = usable, options
        self.targets = torch.from_numpy(subset.targets)
        self.module = Head(trunk)
        self.optimizer = torch.optim.AdamW(self.module.parameters(), RATE, weight_decay=0.02)

    def step(self, number: int, fraction: float) -> Tensor:
        """One batch with as many faces of each kind of view."""
        set_rate(self.optimizer, learning_rate(RATE, fraction, number, 20))
        rows = balanced(self.usable, self.options.batch, numpy_chance(self.options.seed, number))
        x = torch.cat([values[row] for values, row in zip(self.features, rows, strict=True)])
        wanted = torch.cat([self.targets[row] for row in rows])
        found = self.module(x)
        return descend(self, cosine_loss(found, wanted) + RELATION * relation_loss(found, wanted))


def turned_figures(
    options: Options, trunk: FoldedStudent, material: Material, head: Head, lfw: Floats
) -> dict[str, float]:
    """TAR at FAR 1 % of turned probes: real ones of LFW, and portraits turned through the depth map."""

    @torch.no_grad()
    def embed(features: Floats) -> Floats:
        return normalised(head(torch.from_numpy(features)).numpy())

    person, angle = material.lfw.person, np.abs(cached_yaws(options, "lfw", material.lfw.faces))
    probes = np.flatnonzero(angle > TURNED)
    scores = lfw[probes] @ lfw.T
    label = person[probes][:, None] == person[None]
    others = probes[:, None] != np.arange(len(person))[None]
    figures = {
        "turned_probes": float(len(probes)),
        "turned_pairs": float((label & others).sum()),
        "turned_tar_at_0.01": tar_at_far(scores[others], label[others], 0.01),
    }
    portraits = material.portraits
    first = np.unique(portraits.person, return_index=True)[1]
    front = embed(material_features(options, trunk, material)["portraits high"])
    picked = np.setdiff1d(np.arange(len(portraits.faces)), first)[::4]
    for yaw in MEASURED_YAWS:
        path = options.cache / f"features-portraits-{yaw:.0f}.npy"
        side = embed(cached_features(trunk, turned_all(portraits.faces[picked], yaw), path))
        scores = side @ front[first].T
        label = portraits.person[picked][:, None] == portraits.person[first][None]
        figures[f"made_{yaw:.0f}_tar_at_0.01"] = tar_at_far(scores.ravel(), label.ravel(), 0.01)
    return figures


def main(words: Sequence[str] | None = None) -> None:
    """Trains and measures one of the two."""
    made = parser("Distil a head with and without side views.")
    made.add_argument("--views", choices=VIEWS, default="turned")
    parsed = made.parse_args(words)
    options, here = options_of(parsed), ROWS[parsed.views]
    torch.set_num_threads(1)
    trunk = read_trunk(options)
    subset = read_subset(options.pack, options.cache, options.people, options.photos, options.seed)
    both = subset_features(options, trunk, subset)
    features, usable = [both[:, 0], both[:, 1]], [np.ones(len(both), np.float32)] * 2
    if parsed.views == "turned":
        # Only a frontal face can be turned: on one that is turned already the depth map would not fit.
        frontal = np.abs(cached_yaws(options, subset.hash[:12], subset.images[::EACH])) < FRONTAL
        front = np.flatnonzero(frontal) * EACH
        shown = np.zeros(len(both), np.float32)
        shown[front] = 1.0
        for yaw in YAWS:
            path = options.cache / f"features-{subset.hash[:12]}-yaw-{yaw:.0f}.npy"
            views = np.zeros_like(both[:, 0])
            views[front] = cached_features(trunk, turned_all(subset.images[front], yaw), path)
            features.append(views)
            usable.append(shown)
    task = Posed(trunk, subset, features, usable, options)
    trained = fit(task, options, here.method, subset.hash)
    material = read_material(options.evaluation, options.cache)
    embedded, embed = on_trunk(options, trunk, material, network_head(task.module))
    notes = turned_figures(options, trunk, material, task.module, embedded.lfw_high)
    if parsed.views == "turned":
        notes["frontal_faces"] = float(len(front))
    report_embeddings(options.cache, here, trained, material, embedded, embed, cosine, subset.hash, options.seed, notes)


if __name__ == "__main__":
    main()
